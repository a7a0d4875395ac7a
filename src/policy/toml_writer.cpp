// SPDX-License-Identifier: Apache-2.0
#include "policy/toml_writer.h"

#include "base/text.h"

namespace sbx::policy {
namespace {

constexpr std::size_t kWidth = 96;

// Paragraphs of "# …", wrapped between words.
std::string comment(std::string_view text) {
  std::string out;
  for (const std::string& paragraph : text.empty() ? std::vector<std::string>{} : split(text, '\n')) {
    std::string line = "#";
    for (const std::string& word : split(escape(paragraph), ' ')) {
      if (line.size() + 1 + word.size() > kWidth && line != "#") {
        out += line + "\n";
        line = "#";
      }
      line += " " + word;
    }
    out += (line == "# " ? "#" : line) + "\n";
  }
  return out;
}

// Entries filled into lines of the width.
std::string filled(const std::vector<std::string>& entries) {
  std::string out;
  std::string line = " ";
  for (const std::string& entry : entries) {
    if (line.size() + entry.size() + 2 > kWidth && line != " ") {
      out += line + "\n";
      line = " ";
    }
    line += " " + entry + ",";
  }
  return out + line;
}

// One line where it fits, else lines filled to the width.
std::string list(const std::vector<std::string>& entries, std::size_t name_length) {
  const std::string one = "[" + join(entries, ", ") + "]";
  if (name_length + one.size() <= kWidth) {
    return one;
  }
  return "[\n" + filled(entries) + "\n]";
}

// An entry, and what stands beside it.
struct Explained {
  std::string entry;
  std::string beside;
};

// Neighbours with the same explanation stand together: before it where one line holds both, else
// below it.
std::string list(const std::vector<Explained>& entries, std::size_t name_length) {
  std::vector<std::pair<std::string, std::vector<std::string>>> runs;
  for (const Explained& one : entries) {
    if (runs.empty() || runs.back().first != one.beside) {
      runs.push_back({one.beside, {}});
    }
    runs.back().second.push_back(one.entry);
  }
  if (const std::string one = "[" + join(runs.front().second, ", ") + "]";
      runs.size() == 1 && name_length + one.size() <= kWidth) {
    return one + runs.front().first;
  }
  std::string out = "[\n";
  for (const auto& [beside, run] : runs) {
    std::string lines = filled(run);
    const bool is_one = lines.find('\n') == std::string::npos && lines.size() + beside.size() <= kWidth + 8;
    out += is_one || beside.empty() ? lines + beside + "\n" : beside + "\n" + lines + "\n";
  }
  return out + "]";
}

std::vector<std::string> strings(const std::vector<Text>& texts) {
  std::vector<std::string> all;
  for (const Text& text : texts) {
    all.push_back(toml_string(text.value));
  }
  return all;
}

std::string path_entry(const PathEntry& entry) {
  const std::string path = toml_string(entry.path);
  const bool moved = !entry.at.empty() && entry.at != entry.path;
  if (!moved && !entry.optional) {
    return path;
  }
  return "{ path = " + path + (moved ? ", at = " + toml_string(entry.at) : "") +
         (entry.optional ? ", optional = true" : "") + " }";
}

// 536870912 as "512M" where nothing is lost.
std::string amount(Key key, std::uint64_t value) {
  if (info(key).type == KeyType::Size && value != 0) {
    for (const auto& [unit, factor] : {std::pair{"T", 1ull << 40}, {"G", 1ull << 30}, {"M", 1ull << 20},
                                       {"K", 1ull << 10}}) {
      if (value % factor == 0) {
        return "\"" + std::to_string(value / factor) + unit + "\"";
      }
    }
  }
  return std::to_string(value);
}

// What the user is to see as several lines stays so, if a literal string can hold it (TOML 1.0).
std::string text_value(const std::string& text) {
  const bool literal = text.find('\n') != std::string::npos && is_utf8(text) &&
                       text.find("'''") == std::string::npos && !text.ends_with('\'') &&
                       text.find_first_of(std::string_view("\0\r\x1b\x7f", 4)) == std::string::npos;
  if (!literal) {
    return toml_string(text);
  }
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') {
      return toml_string(text);
    }
  }
  return "'''\n" + text + "'''";
}

std::string beside(const TomlComments& comments, Key key, const std::string& entry) {
  const auto found = comments.beside.find({key, entry});
  return found == comments.beside.end() || found->second.empty() ? "" : "  # " + escape(found->second);
}

std::vector<Explained> explained(Key key, const Value& value, const TomlComments& comments) {
  std::vector<Explained> all;
  if (const auto* names = std::get_if<std::vector<Text>>(&value)) {
    for (const Text& name : *names) {
      all.push_back({toml_string(name.value), beside(comments, key, name.value)});
    }
  } else if (const auto* paths = std::get_if<std::vector<PathEntry>>(&value)) {
    for (const PathEntry& entry : *paths) {
      all.push_back({path_entry(entry), beside(comments, key, entry.path)});
    }
  }
  for (const Explained& one : all) {
    if (!one.beside.empty()) {
      return all;
    }
  }
  return {};
}

// "name = value\n"; a key of pairs has a line for each.
std::string key_line(Key key, const Value& value, const TomlComments& comments) {
  const std::string name(info(key).name);
  const std::string start = name + " = ";
  if (const auto entries = explained(key, value, comments); !entries.empty()) {
    return start + list(entries, start.size()) + "\n";
  }
  const std::string note = beside(comments, key, "");
  if (const auto* flag = std::get_if<Flag>(&value)) {
    return start + (flag->value ? "true" : "false") + note + "\n";
  }
  if (const auto* number = std::get_if<Number>(&value)) {
    return start + amount(key, number->value) + note + "\n";
  }
  if (const auto* text = std::get_if<Text>(&value)) {
    return start + text_value(text->value) + note + "\n";
  }
  if (const auto* names = std::get_if<std::vector<Text>>(&value)) {
    return start + list(strings(*names), start.size()) + "\n";
  }
  if (const auto* paths = std::get_if<std::vector<PathEntry>>(&value)) {
    std::vector<std::string> entries;
    for (const PathEntry& entry : *paths) {
      entries.push_back(path_entry(entry));
    }
    return start + list(entries, start.size()) + "\n";
  }
  std::string lines;
  if (const auto* pairs = std::get_if<std::map<std::string, Text>>(&value)) {
    for (const auto& [variable, text] : *pairs) {
      lines += name + "." + toml_string(variable) + " = " + toml_string(text.value) + "\n";
    }
  }
  return lines;
}

std::string rules_text(const std::vector<SeccompRule>& rules, const TomlComments& comments) {
  std::string out;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const SeccompRule& rule = rules[i];
    const auto& above = comments.rules;
    const auto& beside = comments.rules_beside;
    const bool is_explained = i < beside.size();
    out += (is_explained && i > 0 ? "" : "\n") + (i < above.size() ? comment(above[i]) : "") +
           "[[seccomp.rule]]" + (is_explained ? "  # " + escape(beside[i]) : "") + "\n";
    out += rule.syscalls.size() == 1
               ? "syscall = " + toml_string(rule.syscalls.front().value) + "\n"
               : "syscalls = " + list(strings(rule.syscalls), 11) + "\n";
    if (!rule.when.value.empty()) {
      out += "when = " + toml_string(rule.when.value) + "\n";
    }
    out += "action = " + toml_string(rule.action.value) + "\n";
  }
  return out;
}

}  // namespace

std::string toml_string(std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string quoted = "\"";
  for (const char c : is_utf8(text) ? std::string(text) : escape(text)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      quoted += "\\u00";
      quoted += kHex[byte >> 4];
      quoted += kHex[byte & 15];
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

std::string to_toml(const PolicyLayer& layer, const TomlComments& comments) {
  std::string out = comment(comments.title) + "schema = 1\n";
  std::string_view table;
  const auto open = [&](std::string_view next) {
    if (next != table) {
      table = next;
      out.append("\n[").append(table).append("]\n");
    }
  };
  for (const KeyInfo& key : keys()) {
    const auto value = layer.values.find(key.key);
    if (value == layer.values.end()) {
      continue;
    }
    const auto text = comments.keys.find(key.key);
    if (const auto* rules = std::get_if<std::vector<SeccompRule>>(&value->second)) {
      out += rules_text(*rules, comments);
      table = {};  // what follows needs its table's name again
      continue;
    }
    open(key.table);
    out += (text != comments.keys.end() ? comment(text->second) : "") + key_line(key.key, value->second, comments);
  }
  for (const auto& [key, removals] : layer.removed) {
    open("remove");
    const std::string start = qualified_name(key) + " = ";
    out += start + list(strings(removals), start.size()) + "\n";
  }
  if (!comments.end.empty()) {
    out += "\n" + comment(comments.end);
  }
  return out;
}

}  // namespace sbx::policy
