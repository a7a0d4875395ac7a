// SPDX-License-Identifier: Apache-2.0
#include "supervise/debug_lines.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/path.h"
#include "supervise/elf_symbols.h"

namespace sbx::supervise {
namespace {

constexpr std::size_t kMostBytes = 8u << 20;  // of a section: a program of a million lines
constexpr std::size_t kMostName = 256;
constexpr std::uint64_t kMostFiles = 1u << 16;

// DWARF 5, 6.2 and 7.5: what is read here by name.
constexpr std::uint8_t kExtended = 0, kCopy = 1, kAdvancePc = 2, kAdvanceLine = 3, kSetFile = 4,
                       kConstAddPc = 8, kFixedAdvancePc = 9;
constexpr std::uint8_t kEndSequence = 1, kSetAddress = 2;
constexpr std::uint64_t kContentPath = 1;
constexpr std::uint64_t kFormBlock2 = 0x03, kFormBlock4 = 0x04, kFormData2 = 0x05,
                        kFormData4 = 0x06, kFormData8 = 0x07, kFormString = 0x08, kFormBlock = 0x09,
                        kFormData1 = 0x0b, kFormStrp = 0x0e, kFormUdata = 0x0f, kFormData16 = 0x1e,
                        kFormLineStrp = 0x1f;

// Reads on as long as there is something; after that everything is 0 and `good` false.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : rest_(bytes) {}

  bool good() const { return good_; }
  bool empty() const { return rest_.empty(); }
  std::size_t size() const { return rest_.size(); }

  template <typename T>
  T number() {
    T value{};
    if (const auto bytes = take(sizeof(T)); bytes.size() == sizeof(T)) {
      std::memcpy(&value, bytes.data(), sizeof(T));
    }
    return value;
  }

  std::uint64_t offset(bool is_64) {
    return is_64 ? number<std::uint64_t>() : number<std::uint32_t>();
  }

  std::uint64_t uleb() {
    std::uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      const auto byte = number<std::uint8_t>();
      value |= shift < 64 ? std::uint64_t{byte & 0x7fu} << shift : 0;
      if ((byte & 0x80u) == 0 || !good_) {
        return value;
      }
    }
  }

  std::int64_t sleb() {
    std::uint64_t value = 0;
    for (unsigned shift = 0;;) {
      const auto byte = number<std::uint8_t>();
      value |= shift < 64 ? std::uint64_t{byte & 0x7fu} << shift : 0;
      shift += 7;
      if ((byte & 0x80u) == 0 || !good_) {
        if (shift < 64 && (byte & 0x40u) != 0) {
          value |= ~std::uint64_t{0} << shift;
        }
        return static_cast<std::int64_t>(value);
      }
    }
  }

  std::string_view string() {
    const auto end = std::find(rest_.begin(), rest_.end(), std::byte{0});
    if (end == rest_.end()) {
      fail();
      return {};
    }
    const auto bytes = take(static_cast<std::size_t>(end - rest_.begin()) + 1);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size() - 1};
  }

  std::span<const std::byte> take(std::uint64_t count) {
    if (count > rest_.size()) {
      fail();
      return {};
    }
    const auto taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }

 private:
  void fail() {
    good_ = false;
    rest_ = {};
  }

  std::span<const std::byte> rest_;
  bool good_ = true;
};

struct Header {
  std::uint16_t version = 0;
  bool is_64 = false;
  std::uint8_t minimum_length = 1;
  std::int8_t line_base = 0;
  std::uint8_t line_range = 0;
  std::uint8_t opcode_base = 0;
  std::span<const std::byte> opcode_lengths;
  Reader tables{{}};   // directories, then files
  Reader program{{}};
};

std::optional<Header> read_header(Reader unit, bool is_64) {
  Header header;
  header.is_64 = is_64;
  header.version = unit.number<std::uint16_t>();
  if (header.version < 2 || header.version > 5) {
    return std::nullopt;
  }
  if (header.version == 5) {
    unit.take(2);  // sizes of an address and of a segment selector
  }
  Reader head(unit.take(unit.offset(is_64)));
  header.program = unit;
  header.minimum_length = head.number<std::uint8_t>();
  if (header.version >= 4) {
    head.take(1);  // operations of an instruction: 1 but on VLIW machines
  }
  head.take(1);  // default_is_stmt
  header.line_base = head.number<std::int8_t>();
  header.line_range = head.number<std::uint8_t>();
  header.opcode_base = head.number<std::uint8_t>();
  if (header.opcode_base == 0 || header.line_range == 0) {
    return std::nullopt;
  }
  header.opcode_lengths = head.take(header.opcode_base - 1u);
  header.tables = head;
  return head.good() && unit.good() ? std::optional(header) : std::nullopt;
}

struct Row {
  std::uint64_t file = 1;
  std::uint64_t line = 1;
};

// The line number program (6.2.5), run until a row covers the address.
class Program {
 public:
  Program(const Header& header, std::uint64_t wanted)
      : header_(header), program_(header.program), wanted_(wanted) {}

  std::optional<Row> run() {
    while (program_.good() && !program_.empty() && !found_) {
      const auto opcode = program_.number<std::uint8_t>();
      if (opcode >= header_.opcode_base) {
        const unsigned adjusted = opcode - unsigned{header_.opcode_base};
        advance(adjusted / header_.line_range);
        add_to_line(header_.line_base + static_cast<int>(adjusted % header_.line_range));
        append(false);
      } else if (opcode == kExtended) {
        extended();
      } else {
        standard(opcode);
      }
    }
    return found_;
  }

 private:
  void advance(std::uint64_t operations) { address_ += operations * header_.minimum_length; }

  void add_to_line(std::int64_t amount) {
    now_.line += static_cast<std::uint64_t>(amount);  // modulo 2^64, as a forged table may make it
  }

  // A row holds from its address to the next row's.
  void append(bool ends) {
    if (has_row_ && wanted_ >= row_address_ && wanted_ < address_) {
      found_ = row_;
    }
    has_row_ = !ends;
    row_ = now_;
    row_address_ = address_;
    if (ends) {
      now_ = {};
      address_ = 0;
    }
  }

  void extended() {
    Reader operands(program_.take(program_.uleb()));
    const auto opcode = operands.number<std::uint8_t>();
    if (opcode == kEndSequence) {
      append(true);
    } else if (opcode == kSetAddress) {
      address_ = operands.size() == 8 ? operands.number<std::uint64_t>() : 0;
    }
  }

  void standard(std::uint8_t opcode) {
    switch (opcode) {
      case kCopy:
        return append(false);
      case kAdvancePc:
        return advance(program_.uleb());
      case kAdvanceLine:
        return add_to_line(program_.sleb());
      case kSetFile:
        now_.file = program_.uleb();
        return;
      case kConstAddPc:
        return advance((255u - header_.opcode_base) / header_.line_range);
      case kFixedAdvancePc:
        address_ += program_.number<std::uint16_t>();
        return;
      default:
        for (unsigned i = std::to_integer<unsigned>(header_.opcode_lengths[opcode - 1u]); i > 0; --i) {
          program_.uleb();
        }
    }
  }

  const Header& header_;
  Reader program_;
  const std::uint64_t wanted_;
  std::uint64_t address_ = 0;
  std::uint64_t row_address_ = 0;
  bool has_row_ = false;
  Row now_;
  Row row_;
  std::optional<Row> found_;
};

// One field of an entry of version 5; its text if it has one.
std::string_view read_form(Reader& reader, std::uint64_t form, bool is_64,
                           std::span<const std::byte> line_str) {
  switch (form) {
    case kFormString:
      return reader.string();
    case kFormLineStrp: {
      const std::uint64_t offset = reader.offset(is_64);
      return offset < line_str.size() ? Reader(line_str.subspan(offset)).string() : std::string_view{};
    }
    case kFormStrp:
      reader.offset(is_64);
      return {};
    case kFormData1:
      reader.take(1);
      return {};
    case kFormData2:
      reader.take(2);
      return {};
    case kFormData4:
      reader.take(4);
      return {};
    case kFormData8:
      reader.take(8);
      return {};
    case kFormData16:
      reader.take(16);
      return {};
    case kFormUdata:
      reader.uleb();
      return {};
    case kFormBlock:
      reader.take(reader.uleb());
      return {};
    case kFormBlock2:
      reader.take(reader.number<std::uint16_t>());
      return {};
    case kFormBlock4:
      reader.take(reader.number<std::uint32_t>());
      return {};
    default:
      reader.take(~std::uint64_t{0});  // of unknown length: nothing behind it can be read
      return {};
  }
}

// The name of an entry of a table of version 5; the reader is behind the table, or no longer good.
std::string_view entry_of(Reader& reader, std::uint64_t wanted, bool is_64,
                          std::span<const std::byte> line_str) {
  std::array<std::pair<std::uint64_t, std::uint64_t>, 16> format{};
  const std::size_t fields = reader.number<std::uint8_t>();
  for (std::size_t i = 0; i < fields; ++i) {
    const std::uint64_t content = reader.uleb(), form = reader.uleb();
    if (i < format.size()) {
      format[i] = {content, form};
    }
  }
  const std::uint64_t count = reader.uleb();
  std::string_view name;
  if (fields == 0 || fields > format.size() || count > kMostFiles) {
    return name;
  }
  for (std::uint64_t entry = 0; entry < count && reader.good(); ++entry) {
    for (const auto& [content, form] : std::span(format).first(fields)) {
      const std::string_view text = read_form(reader, form, is_64, line_str);
      if (entry == wanted && content == kContentPath) {
        name = text;
      }
    }
  }
  return name;
}

std::string_view file_name(const Header& header, std::uint64_t index,
                           std::span<const std::byte> line_str) {
  Reader tables = header.tables;
  if (header.version == 5) {
    entry_of(tables, 0, header.is_64, line_str);  // the directories
    return entry_of(tables, index, header.is_64, line_str);
  }
  while (!tables.string().empty()) {
  }
  for (std::uint64_t entry = 1; tables.good() && entry <= kMostFiles; ++entry) {
    const std::string_view name = tables.string();
    if (name.empty() || entry == index) {
      return name;
    }
    tables.uleb();  // directory, time, length
    tables.uleb();
    tables.uleb();
  }
  return {};
}

}  // namespace

std::optional<SourceLine> find_source_line(std::span<const std::byte> debug_line,
                                           std::span<const std::byte> debug_line_str,
                                           std::uint64_t address) {
  Reader units(debug_line);
  while (units.good() && !units.empty()) {
    constexpr std::uint32_t k64 = 0xffff'ffff;
    const auto length = units.number<std::uint32_t>();
    const bool is_64 = length == k64;
    Reader unit(units.take(is_64 ? units.number<std::uint64_t>() : length));
    const auto header = read_header(unit, is_64);
    const auto row = header ? Program(*header, address).run() : std::nullopt;
    if (row) {
      const std::string_view name = file_name(*header, row->file, debug_line_str);
      constexpr std::uint64_t kMostLine = 1u << 30;
      if (name.empty() || row->line == 0 || row->line > kMostLine) {
        return std::nullopt;
      }
      return SourceLine{std::string(path::basename(name.substr(0, kMostName))),
                        static_cast<int>(row->line)};
    }
  }
  return std::nullopt;
}

std::optional<SourceLine> find_source_line(int file, std::uint64_t address) {
  const auto lines = read_section(file, ".debug_line", kMostBytes);
  if (lines.empty()) {
    return std::nullopt;
  }
  return find_source_line(lines, read_section(file, ".debug_line_str", kMostBytes), address);
}

}  // namespace sbx::supervise
