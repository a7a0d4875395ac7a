// SPDX-License-Identifier: Apache-2.0
#include "interop/json.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <iterator>
#include <unordered_set>

#include <fmt/format.h>

#include "base/text.h"

namespace sbx::interop {
namespace {

constexpr std::size_t kMostLevels = 64;
constexpr std::size_t kMostValues = 1u << 18;

// Counts the lines as the parser goes: its events do not say where they are.
class Reader {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  Reader(const char* place, int* line) : place_(place), line_(line) {}
  reference operator*() const { return *place_; }
  Reader& operator++() {
    *line_ += *place_ == '\n' ? 1 : 0;
    ++place_;
    return *this;
  }
  Reader operator++(int) {
    const Reader before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const Reader& a, const Reader& b) { return a.place_ == b.place_; }
  friend bool operator!=(const Reader& a, const Reader& b) { return !(a == b); }

 private:
  const char* place_;
  int* line_;
};

// Builds the tree. The parser itself does not recurse, so that depth is bounded here alone.
class Builder : public nlohmann::json_sax<nlohmann::json> {
 public:
  Builder(std::string_view text, const std::string& source, const int& line)
      : text_(text), source_(source), line_(line) {}

  bool null() override { return add({}); }
  bool boolean(bool value) override {
    return add(Json{.kind = Json::Kind::Boolean, .boolean = value});
  }
  bool number_integer(number_integer_t value) override { return add_number(std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override {
    return add_number(std::to_string(value));
  }
  // Also integers that 64 bits do not hold.
  bool number_float(number_float_t, const string_t& text) override { return add_number(text); }
  bool string(string_t& value) override {
    return add(Json{.kind = Json::Kind::String, .text = std::move(value)});
  }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Json::Kind::Object); }
  bool start_array(std::size_t) override { return open(Json::Kind::Array); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    Level& level = levels_.back();
    if (!level.names.insert(name).second) {
      return fail(fmt::format("the name {} stands twice in one object", quote(name)),
                  "keep one of the two: readers disagree about which counts");
    }
    level.value.members.emplace_back(std::move(name), Json{});
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& exception) override {
    std::string_view what = exception.what();
    for (const std::string_view start : {": syntax error ", ": "}) {
      if (const std::size_t at = what.find(start); at != std::string_view::npos) {
        what.remove_prefix(at + start.size());
        break;
      }
    }
    what = what.substr(0, what.find("; last read"));
    const std::string_view before = text_.substr(0, position > 0 ? position - 1 : 0);
    const std::size_t line_start = before.rfind('\n') + 1;
    error_ = Error{fmt::format("{} is no JSON: {}", source_, what), 0,
                   Origin{source_, 1 + static_cast<int>(std::count(before.begin(), before.end(), '\n')),
                          1 + static_cast<int>(before.size() - line_start)},
                   {}};
    return false;
  }

  Result<Json> take() {
    if (error_) {
      return *std::move(error_);
    }
    return std::move(root_);
  }

 private:
  struct Level {
    Json value;
    std::unordered_set<std::string> names;
  };

  bool fail(std::string action, std::string hint) {
    error_ = Error{std::move(action), 0, Origin{source_, line_, 0}, std::move(hint)};
    return false;
  }

  bool add_number(std::string text) {
    return add(Json{.kind = Json::Kind::Number, .text = std::move(text)});
  }

  bool count() {
    return ++values_ <= kMostValues ||
           fail(fmt::format("more than {} values", kMostValues), "no profile needs so many");
  }

  bool add(Json value) {
    value.line = line_;
    put(std::move(value));
    return count();
  }

  void put(Json value) {
    if (levels_.empty()) {
      root_ = std::move(value);
    } else if (Json& parent = levels_.back().value; parent.kind == Json::Kind::Object) {
      parent.members.back().second = std::move(value);
    } else {
      parent.items.push_back(std::move(value));
    }
  }

  bool open(Json::Kind kind) {
    if (levels_.size() == kMostLevels) {
      return fail(fmt::format("nested deeper than {} levels", kMostLevels), "no profile is so deep");
    }
    levels_.push_back({Json{.kind = kind, .line = line_}, {}});
    return count();
  }

  bool close() {
    Json value = std::move(levels_.back().value);
    levels_.pop_back();
    put(std::move(value));
    return true;
  }

  std::string_view text_;
  const std::string& source_;
  const int& line_;
  std::vector<Level> levels_;
  std::size_t values_ = 0;
  Json root_;
  std::optional<Error> error_;
};

std::string quoted_text(std::string_view text) {
  return nlohmann::json(std::string(text)).dump();
}

// The members or items, each already written.
template <typename Write>
std::vector<std::string> written(const Json& value, const Write& write) {
  std::vector<std::string> parts;
  for (const Json& item : value.items) {
    parts.push_back(write(item));
  }
  for (const auto& [name, member] : value.members) {
    parts.push_back(quoted_text(name) + ": " + write(member));
  }
  return parts;
}

std::string one_line(const Json& value) {
  switch (value.kind) {
    case Json::Kind::Null:
      return "null";
    case Json::Kind::Boolean:
      return value.boolean ? "true" : "false";
    case Json::Kind::Number:
      return value.text;
    case Json::Kind::String:
      return quoted_text(value.text);
    case Json::Kind::Array:
      return "[" + join(written(value, one_line), ", ") + "]";
    case Json::Kind::Object:
      return "{" + join(written(value, one_line), ", ") + "}";
  }
  return {};
}

std::string lines(const Json& value, std::size_t width, std::size_t indent) {
  const std::string line = one_line(value);
  if (indent + line.size() <= width || (value.items.empty() && value.members.empty())) {
    return line;
  }
  const std::string margin(indent + 2, ' ');
  const auto parts =
      written(value, [&](const Json& part) { return lines(part, width, indent + 2); });
  const bool is_array = value.kind == Json::Kind::Array;
  // Names of calls: filled to the width, not one a line.
  std::string out = is_array ? "[" : "{";
  std::size_t column = width;
  for (const std::string& part : parts) {
    out += &part == &parts.front() ? "" : ",";
    const bool fills = is_array && value.items.front().kind == Json::Kind::String;
    if (fills && column + part.size() + 2 <= width) {
      out += " " + part;
      column += part.size() + 2;
    } else {
      out.append("\n").append(margin).append(part);
      column = margin.size() + part.size() + 1;
    }
  }
  return out + "\n" + std::string(indent, ' ') + (is_array ? "]" : "}");
}

}  // namespace

const Json* Json::find(std::string_view name) const {
  for (const auto& [key, value] : members) {
    if (key == name) {
      return &value;
    }
  }
  return nullptr;
}

std::optional<std::uint64_t> Json::as_unsigned() const {
  return kind == Kind::Number && text.find_first_not_of("0123456789") == std::string::npos
             ? parse_number(text)
             : std::nullopt;
}

Json Json::string(std::string_view text) {
  return Json{.kind = Kind::String, .text = std::string(text)};
}

Json Json::number(std::uint64_t value) {
  return Json{.kind = Kind::Number, .text = std::to_string(value)};
}

void Json::set(std::string_view name, Json value) {
  members.emplace_back(name, std::move(value));
}

Result<Json> read_json(std::string_view text, const std::string& source) {
  int line = 1;
  Builder builder(text, source, line);
  nlohmann::json::sax_parse(Reader(text.data(), &line), Reader(text.data() + text.size(), &line),
                            &builder);
  return builder.take();
}

std::string write_json(const Json& value, std::size_t width) {
  return lines(value, width, 0);
}

}  // namespace sbx::interop
