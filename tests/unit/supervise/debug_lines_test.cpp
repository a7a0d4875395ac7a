// SPDX-License-Identifier: Apache-2.0
#include "supervise/debug_lines.h"

#include <cstring>
#include <vector>

#include <catch2/catch.hpp>

using sbx::supervise::find_source_line;

namespace {

struct Bytes {
  std::vector<std::byte> bytes;

  Bytes& raw(std::initializer_list<int> values) {
    for (const int value : values) {
      bytes.push_back(static_cast<std::byte>(value));
    }
    return *this;
  }
  template <typename T>
  Bytes& number(T value) {
    const auto start = bytes.size();
    bytes.resize(start + sizeof value);
    std::memcpy(&bytes[start], &value, sizeof value);
    return *this;
  }
  Bytes& string(const char* text) {
    for (; *text != '\0'; ++text) {
      bytes.push_back(static_cast<std::byte>(*text));
    }
    bytes.push_back(std::byte{0});
    return *this;
  }
  Bytes& append(const Bytes& other) {
    bytes.insert(bytes.end(), other.bytes.begin(), other.bytes.end());
    return *this;
  }
};

// Line 10 from 0x1000 on, 12 from 0x1004, the end at 0x1010; file 1.
Bytes program() {
  Bytes code;
  code.raw({0, 9, 2}).number(std::uint64_t{0x1000});  // DW_LNE_set_address
  code.raw({3, 9, 1});                                // advance_line 9, copy
  code.raw({13 + 7 + 14 * 4});                        // special: 4 bytes on, 2 lines on
  code.raw({2, 12, 0, 1, 1});                         // advance_pc 12, end_sequence
  return code;
}

// The unit around it; line_base -5, line_range 14, opcode_base 13, as compilers have them.
Bytes unit(std::uint16_t version, const Bytes& tables) {
  Bytes head;
  head.raw({1});
  if (version >= 4) {
    head.raw({1});
  }
  head.raw({1, -5, 14, 13, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1}).append(tables);
  Bytes body;
  body.number(version);
  if (version == 5) {
    body.raw({8, 0});
  }
  body.number(static_cast<std::uint32_t>(head.bytes.size())).append(head).append(program());
  Bytes whole;
  whole.number(static_cast<std::uint32_t>(body.bytes.size())).append(body);
  return whole;
}

Bytes tables_of_4() {
  return Bytes{}.string("/src").string("").string("dir/probe.c").raw({1, 0, 0}).string("");
}

Bytes tables_of_5() {
  Bytes tables;
  tables.raw({1, 1, 0x1f, 1}).number(std::uint32_t{0});  // one directory, by line_strp
  tables.raw({2, 1, 0x1f, 2, 0x0b, 2});                  // files: path, directory as data1
  tables.number(std::uint32_t{5}).raw({0}).number(std::uint32_t{5}).raw({0});
  return tables;
}

const Bytes kStrings = Bytes{}.string("/src").string("probe.c");

}  // namespace

TEST_CASE("a line table says which line an address belongs to", "[lines]") {
  const std::uint16_t version = GENERATE(as<std::uint16_t>{}, 2, 3, 4, 5);
  const Bytes table = unit(version, version == 5 ? tables_of_5() : tables_of_4());
  const auto line_at = [&](std::uint64_t address) {
    const auto found = find_source_line(table.bytes, kStrings.bytes, address);
    return found && found->file == "probe.c" ? found->line : 0;
  };
  CHECK(line_at(0xfff) == 0);
  CHECK(line_at(0x1000) == 10);
  CHECK(line_at(0x1003) == 10);
  CHECK(line_at(0x1004) == 12);
  CHECK(line_at(0x100f) == 12);
  CHECK(line_at(0x1010) == 0);
  Bytes two = unit(3, tables_of_4());
  two.bytes.resize(4 + 2);  // a unit of an unknown version, then the one above
  two.bytes[0] = std::byte{2};
  two.bytes[1] = two.bytes[2] = two.bytes[3] = std::byte{0};
  two.bytes[4] = std::byte{9};
  two.append(table);
  CHECK(find_source_line(two.bytes, kStrings.bytes, 0x1004)->line == 12);
}

TEST_CASE("a forged line table is read to its end and no further", "[lines]") {
  const std::uint16_t version = GENERATE(as<std::uint16_t>{}, 4, 5);
  const Bytes table = unit(version, version == 5 ? tables_of_5() : tables_of_4());
  for (std::size_t length = 0; length < table.bytes.size(); ++length) {
    const std::vector<std::byte> part(table.bytes.begin(),
                                      table.bytes.begin() + static_cast<std::ptrdiff_t>(length));
    find_source_line(part, kStrings.bytes, 0x1004);
  }
  for (std::size_t place = 0; place < table.bytes.size(); ++place) {
    for (const int value : {0, 1, 0x7f, 0x80, 0xff}) {
      std::vector<std::byte> altered = table.bytes;
      altered[place] = static_cast<std::byte>(value);
      find_source_line(altered, kStrings.bytes, 0x1004);
    }
  }
}
