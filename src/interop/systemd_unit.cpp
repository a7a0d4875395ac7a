// SPDX-License-Identifier: Apache-2.0
#include "interop/systemd_unit.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "base/path.h"
#include "base/text.h"
#include "interop/layer_draft.h"

namespace sbx::interop {
namespace {

constexpr std::size_t kMaxLines = 50'000;
constexpr std::size_t kMaxValueBytes = 1u << 20;  // systemd's LONG_LINE_MAX

// For glob(7): what a name has of its characters stands for itself.
std::string escaped_pattern(std::string_view name) {
  std::string pattern;
  for (const char c : name) {
    pattern += c == '*' || c == '?' || c == '[' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  }
  return pattern;
}

// A file's lines as systemd.syntax(7) joins them.
class UnitReader {
 public:
  explicit UnitReader(const std::string& source) : source_(source) {}
  Status take_line(std::string_view raw, bool is_last);
  std::vector<UnitLine> take() { return std::move(lines_); }

 private:
  Status take_whole(std::string whole);
  Error error(std::string what, int line) const { return Error{std::move(what), 0, {source_, line, 0}, "that is no unit"}; }

  SharedText source_;
  std::vector<UnitLine> lines_;
  std::string section_, pending_;
  bool continues_ = false;
  int number_ = 0, first_ = 0;
};

// An odd number of backslashes at the end; the second of two is escaped.
bool is_continued(std::string_view line) {
  const std::size_t last = line.find_last_not_of('\\');
  return (line.size() - (last == std::string_view::npos ? 0 : last + 1)) % 2 == 1;
}

Status UnitReader::take_line(std::string_view raw, bool is_last) {
  const std::string line = trim(raw);
  if (static_cast<std::size_t>(++number_) > kMaxLines) {
    return error("more than " + std::to_string(kMaxLines) + " lines", number_);
  }
  if (raw.size() > kMaxValueBytes) {
    return error("a line of more than a megabyte", number_);
  }
  if (raw.find('\0') != std::string_view::npos) {
    return error("a NUL byte", number_);
  }
  // Comments are left out, within a continued line too.
  if (line.starts_with('#') || line.starts_with(';') || (line.empty() && !continues_)) {
    return {};
  }
  first_ = continues_ ? first_ : number_;
  pending_ += line;
  if (pending_.size() > kMaxValueBytes) {
    return error("a value of more than a megabyte", first_);
  }
  continues_ = is_continued(pending_) && !is_last;
  if (continues_) {
    pending_.back() = ' ';
    return {};
  }
  return take_whole(trim(std::exchange(pending_, {})));
}

Status UnitReader::take_whole(std::string whole) {
  const std::size_t equals = whole.find('=');
  if (!is_utf8(whole)) {
    return Error{"not UTF-8: " + quote(whole.substr(0, 60)), 0, {source_, first_, 0}, "systemd would ignore the line"};
  }
  if (whole.starts_with('[') && whole.ends_with(']')) {
    section_ = whole.substr(1, whole.size() - 2);
  } else if (equals == std::string::npos || equals == 0 || section_.empty()) {
    return Error{"no section and no assignment: " + quote(whole.substr(0, 60)), 0, {source_, first_, 0},
                 "a unit has lines [Section] and Name=value"};
  } else {
    lines_.push_back({section_, trim(std::string_view(whole).substr(0, equals)), trim(std::string_view(whole).substr(equals + 1)),
                      {source_, first_, 0}});
  }
  return {};
}

// The names of directories with drop-ins for a unit of that name, the most particular first.
std::vector<std::string> drop_in_names(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string::npos) {
    return {name + ".d"};
  }
  const std::string type = name.substr(dot), stem = name.substr(0, dot);
  std::vector<std::string> names{name + ".d"};
  const std::size_t at = stem.find('@');
  if (at != std::string::npos && at + 1 < stem.size()) {
    names.push_back(stem.substr(0, at + 1) + type + ".d");
  }
  const std::string prefix = stem.substr(0, at);
  for (std::size_t dash = prefix.rfind('-'); dash != std::string::npos && dash > 0; dash = prefix.rfind('-', dash - 1)) {
    if (dash + 1 < prefix.size() || at != std::string::npos) {
      names.push_back(prefix.substr(0, dash + 1) + type + ".d");
    }
  }
  names.push_back(type.substr(1) + ".d");
  return names;
}

// Paths of the drop-ins, sorted by their own names.
std::vector<std::string> drop_ins_of(const std::string& source, const UnitFiles& files) {
  const std::string name(path::basename(source));
  std::string own = source.substr(0, source.size() - name.size());
  std::vector<std::string> directories{own};
  const auto all = unit_directories();
  if (std::find(all.begin(), all.end(), own.substr(0, own.empty() ? 0 : own.size() - 1)) != all.end()) {
    directories.clear();
    for (const std::string_view one : all) {
      directories.push_back(std::string(one) + "/");
    }
  }
  std::map<std::string, std::string> by_name;
  for (const std::string& drop_in : drop_in_names(name)) {
    for (const std::string& directory : directories) {
      for (const std::string& file : files.glob(directory + escaped_pattern(drop_in) + "/*.conf")) {
        by_name.try_emplace(std::string(path::basename(file)), file);
      }
    }
  }
  std::vector<std::string> paths;
  for (const auto& [base, file] : by_name) {
    paths.push_back(file);
  }
  return paths;
}

}  // namespace

Result<std::vector<UnitLine>> read_unit(std::string_view text, const std::string& source) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  text.remove_prefix(text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0);
  UnitReader reader(source);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    SBX_TRY(reader.take_line(line, text.empty()));
  }
  return reader.take();
}

Result<std::vector<UnitLine>> read_whole_unit(std::string_view text, const std::string& source, const UnitFiles& files) {
  auto lines = read_unit(text, source);
  if (!lines || files.glob == nullptr || files.read == nullptr) {
    return lines;
  }
  for (const std::string& file : drop_ins_of(source, files)) {
    const auto more = files.read(file);
    if (!more) {
      return more.error();
    }
    auto parsed = read_unit(*more, file);
    if (!parsed) {
      return parsed;
    }
    lines->insert(lines->end(), parsed->begin(), parsed->end());
    if (lines->size() > kMaxLines) {
      return Error{"more than " + std::to_string(kMaxLines) + " lines with the drop-ins", 0, {SharedText(file), 0, 0}, "that is no unit"};
    }
  }
  return lines;
}

std::span<const std::string_view> unit_directories() {
  static constexpr std::array<std::string_view, 5> kDirectories{"/etc/systemd/system", "/run/systemd/system",
                                                                "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
                                                                "/lib/systemd/system"};
  return kDirectories;
}

std::optional<bool> unit_boolean(std::string_view text) {
  std::string value(text);
  std::transform(value.begin(), value.end(), value.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (value == "yes" || value == "true" || value == "on" || value == "1" || value == "y" || value == "t") {
    return true;
  }
  if (value == "no" || value == "false" || value == "off" || value == "0" || value == "n" || value == "f") {
    return false;
  }
  return std::nullopt;
}

bool looks_like_unit(std::string_view text, std::string_view source) {
  return source.ends_with(".service") ||
         (!source.ends_with(".toml") && text.find("[Service]\n") != std::string_view::npos);
}

}  // namespace sbx::interop
