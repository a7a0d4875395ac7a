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

// One line where it fits, else lines filled to the width.
std::string list(const std::vector<std::string>& entries, std::size_t name_length) {
  const std::string one = "[" + join(entries, ", ") + "]";
  if (name_length + one.size() <= kWidth) {
    return one;
  }
  std::string out = "[\n";
  std::string line = " ";
  for (const std::string& entry : entries) {
    if (line.size() + entry.size() + 2 > kWidth && line != " ") {
      out += line + "\n";
      line = " ";
    }
    line += " " + entry + ",";
  }
  return out + line + "\n]";
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

// "name = value\n"; a key of pairs has a line for each.
std::string key_line(Key key, const Value& value) {
  const std::string name(info(key).name);
  const std::string start = name + " = ";
  if (const auto* flag = std::get_if<Flag>(&value)) {
    return start + (flag->value ? "true" : "false") + "\n";
  }
  if (const auto* number = std::get_if<Number>(&value)) {
    return start + amount(key, number->value) + "\n";
  }
  if (const auto* text = std::get_if<Text>(&value)) {
    return start + text_value(text->value) + "\n";
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

std::string rules_text(const std::vector<SeccompRule>& rules, const std::vector<std::string>& comments) {
  std::string out;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const SeccompRule& rule = rules[i];
    out += "\n" + (i < comments.size() ? comment(comments[i]) : "") + "[[seccomp.rule]]\n";
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
      out += rules_text(*rules, comments.rules);
      table = {};  // what follows needs its table's name again
      continue;
    }
    open(key.table);
    out += (text != comments.keys.end() ? comment(text->second) : "") + key_line(key.key, value->second);
  }
  for (const auto& [key, removals] : layer.removed) {
    open("remove");
    const std::string start = qualified_name(key) + " = ";
    out += start + list(strings(removals), start.size()) + "\n";
  }
  return out;
}

}  // namespace sbx::policy
