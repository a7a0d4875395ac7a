// SPDX-License-Identifier: Apache-2.0
#include "policy/toml_reader.h"

#include <algorithm>
#include <array>

#define TOML_HEADER_ONLY 1  // Debian's library form is shared only: no static sbx with it
#define TOML_ENABLE_FORMATTERS 0
// toml++ 3.3.0 tells the optimiser to assume what its input need not keep ("[." is enough to break
// an assumption of parse_key), or aborts there without NDEBUG. Behind each assumption stands the
// proper error: with neither assumption nor abort, that is what happens.
#undef NDEBUG
#define TOML_ASSERT(expression) static_cast<void>(0)
#include <toml++/toml.h>

#include "base/text.h"
#include "policy/toml_error.h"
#include "policy/value.h"

namespace sbx::policy {
namespace {

constexpr std::int64_t kSchema = 1;
constexpr std::array<std::string_view, 3> kPathWords = {"path", "at", "optional"};
constexpr std::array<std::string_view, 4> kRuleWords = {"syscall", "syscalls", "when", "action"};

std::string_view describe(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a number with a fraction";
    case toml::node_type::boolean:
      return "true or false";
    case toml::node_type::date:
    case toml::node_type::time:
    case toml::node_type::date_time:
      return "a date or time";
    case toml::node_type::none:
      break;
  }
  return "nothing";
}

std::string_view describe(KeyType type) {
  switch (type) {
    case KeyType::Text:
      return "a string";
    case KeyType::Choice:
      return "a string";
    case KeyType::Size:
      return "a size, such as 512 or \"64M\"";
    case KeyType::Seconds:
      return "a time, such as 30 or \"10m\"";
    case KeyType::Count:
      return "a whole number";
    case KeyType::Names:
      return "a list of strings";
    case KeyType::Paths:
      return "a list of paths";
    case KeyType::Pairs:
      return "a table of strings";
    case KeyType::Rules:
      return "an array of tables, [[seccomp.rule]]";
  }
  return "";
}

std::string_view example(KeyType type) {
  switch (type) {
    case KeyType::Text:
    case KeyType::Choice:
      return "\"…\"";
    case KeyType::Size:
      return "\"64M\"";
    case KeyType::Seconds:
      return "\"10m\"";
    case KeyType::Count:
      return "64";
    case KeyType::Names:
      return "[\"…\"]";
    case KeyType::Paths:
      return "[\"/srv/www\"]";
    case KeyType::Pairs:
      return "{ NAME = \"value\" }";
    case KeyType::Rules:
      return "";
  }
  return "";
}

bool is_table(std::string_view name) {
  return std::any_of(keys().begin(), keys().end(),
                     [&](const KeyInfo& key) { return key.table == name; });
}

// One file. Every member either reads its node into the layer or returns the Error to show.
class Reader {
 public:
  explicit Reader(const SourceLines& lines) : lines_(lines) {}

  Status read(const toml::table& root, PolicyLayer& layer) const;

 private:
  using Entry = std::pair<const toml::key*, const toml::node*>;

  Status check_schema(const toml::table& root) const;
  Status read_table(const toml::key& name, const toml::table& table, PolicyLayer& layer) const;
  Status read_removals(const toml::table& removals, PolicyLayer& layer) const;
  Status read_removed_keys(const toml::key& name, const toml::table& table,
                           PolicyLayer& layer) const;
  Result<Value> read_value(Key key, const toml::node& node) const;
  Result<Value> read_amount(Key key, const toml::node& node) const;
  Result<std::vector<Text>> read_names(Key key, const toml::node& node) const;
  Result<std::vector<PathEntry>> read_paths(Key key, const toml::node& node) const;
  Result<PathEntry> read_path_table(Key key, const toml::table& table) const;
  Result<std::map<std::string, Text>> read_pairs(Key key, const toml::node& node) const;
  Result<std::vector<SeccompRule>> read_rules(Key key, const toml::node& node) const;
  Result<SeccompRule> read_rule(const toml::table& table) const;

  Error unknown_table(const toml::key& name) const;
  Error unknown_key(std::string_view table, const toml::key& name) const;
  Error unknown_word(const toml::key& name, std::string_view owner,
                     std::span<const std::string_view> known) const;
  Error wrong_type(Key key, const toml::node& node) const;

  // The entries in the order of the file: toml++ keeps them sorted by name, but the first error of
  // a file is the one nearest to its start.
  static std::vector<Entry> in_file_order(const toml::table& table);
  Origin where(const toml::node& node) const { return where(node.source().begin); }
  Origin where(const toml::key& key) const { return where(key.source().begin); }
  Origin where(const toml::source_position& position) const {
    return lines_.origin(static_cast<int>(position.line), static_cast<int>(position.column));
  }

  const SourceLines& lines_;
};

std::vector<Reader::Entry> Reader::in_file_order(const toml::table& table) {
  std::vector<Entry> entries;
  entries.reserve(table.size());
  for (const auto& [key, node] : table) {
    entries.emplace_back(&key, &node);
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    const toml::source_position& left = a.first->source().begin;
    const toml::source_position& right = b.first->source().begin;
    return left.line != right.line ? left.line < right.line : left.column < right.column;
  });
  return entries;
}

Status Reader::read(const toml::table& root, PolicyLayer& layer) const {
  SBX_TRY(check_schema(root));
  for (const auto& [name, node] : in_file_order(root)) {
    if (name->str() == "schema") {
      continue;
    }
    const auto* table = node->as_table();
    if (name->str() == "remove" && table != nullptr) {
      SBX_TRY(read_removals(*table, layer));
      continue;
    }
    if (!is_table(name->str())) {
      return name->str() == "remove"
                 ? Error{"remove is a table, not " + std::string(describe(*node)), 0, where(*name),
                         "write remove.seccomp.allow = [\"…\"]"}
                 : unknown_table(*name);
    }
    if (table == nullptr) {
      return Error{std::string(name->str()) + " is a table, not " + std::string(describe(*node)), 0,
                   where(*name), "write [" + std::string(name->str()) + "] and its keys below"};
    }
    SBX_TRY(read_table(*name, *table, layer));
  }
  return {};
}

Status Reader::check_schema(const toml::table& root) const {
  const toml::node* schema = root.get("schema");
  if (schema == nullptr) {
    return Error{"no schema number in this policy", 0, lines_.origin(1, 1),
                 "make `schema = 1` the first line, above every [table]"};
  }
  const auto number = schema->value_exact<std::int64_t>();
  if (!number) {
    return Error{"schema is a whole number, not " + std::string(describe(*schema)), 0,
                 where(*schema), "write schema = 1"};
  }
  if (*number != kSchema) {
    return Error{"schema " + std::to_string(*number) + " is not known to this sbx", 0,
                 where(*schema), "this sbx reads schema 1; a newer sbx may read this file"};
  }
  return {};
}

Status Reader::read_table(const toml::key& name, const toml::table& table,
                          PolicyLayer& layer) const {
  if (!why_unsupported(name.str(), "").empty()) {
    return unknown_table(name);
  }
  for (const auto& [key_name, node] : in_file_order(table)) {
    const auto key = find_key(name.str(), key_name->str());
    if (!key) {
      return unknown_key(name.str(), *key_name);
    }
    auto value = read_value(*key, *node);
    if (!value) {
      return value.error();
    }
    SBX_TRY(check_value(*key, *value));
    layer.values.emplace(*key, std::move(*value));
  }
  return {};
}

Status Reader::read_removals(const toml::table& removals, PolicyLayer& layer) const {
  for (const auto& [name, node] : in_file_order(removals)) {
    const auto* table = node->as_table();
    if (table == nullptr) {
      return Error{
          "remove." + std::string(name->str()) + " is a table, not " + std::string(describe(*node)),
          0, where(*name), "name table and key: remove.seccomp.allow = [\"…\"]"};
    }
    SBX_TRY(read_removed_keys(*name, *table, layer));
  }
  return {};
}

Status Reader::read_removed_keys(const toml::key& name, const toml::table& table,
                                 PolicyLayer& layer) const {
  for (const auto& [key_name, node] : in_file_order(table)) {
    const auto key = find_key(name.str(), key_name->str());
    if (!key) {
      return unknown_key(name.str(), *key_name);
    }
    if (!is_removable(*key)) {
      return Error{"nothing can be removed from " + qualified_name(*key), 0, where(*key_name),
                   "a later layer's value replaces an earlier one; set the key itself"};
    }
    auto names = read_names(*key, *node);
    if (!names) {
      return names.error();
    }
    layer.removed.emplace(*key, std::move(*names));
  }
  return {};
}

Result<Value> Reader::read_value(Key key, const toml::node& node) const {
  const auto as_value = [](auto result) -> Result<Value> {
    if (!result) {
      return result.error();
    }
    return Value(std::move(*result));
  };
  switch (info(key).type) {
    case KeyType::Text:
    case KeyType::Choice: {
      const auto* text = node.as_string();
      if (text == nullptr) {
        return wrong_type(key, node);
      }
      return Value(Text{text->get(), where(node)});
    }
    case KeyType::Size:
    case KeyType::Seconds:
    case KeyType::Count:
      return read_amount(key, node);
    case KeyType::Names:
      return as_value(read_names(key, node));
    case KeyType::Paths:
      return as_value(read_paths(key, node));
    case KeyType::Pairs:
      return as_value(read_pairs(key, node));
    case KeyType::Rules:
      return as_value(read_rules(key, node));
  }
  return wrong_type(key, node);
}

Result<Value> Reader::read_amount(Key key, const toml::node& node) const {
  if (const auto* integer = node.as_integer()) {
    if (integer->get() < 0) {
      return Error{qualified_name(key) + " cannot be negative", 0, where(node),
                   "leave the key out for no limit"};
    }
    return Value(Number{static_cast<std::uint64_t>(integer->get()), where(node)});
  }
  const auto* text = node.as_string();
  if (text == nullptr || info(key).type == KeyType::Count) {
    return wrong_type(key, node);
  }
  auto number = parse_amount(key, text->get(), where(node));
  if (!number) {
    return number.error();
  }
  return Value(*number);
}

Result<std::vector<Text>> Reader::read_names(Key key, const toml::node& node) const {
  const auto* array = node.as_array();
  if (array == nullptr) {
    return wrong_type(key, node);
  }
  std::vector<Text> names;
  names.reserve(array->size());
  for (const toml::node& item : *array) {
    const auto* text = item.as_string();
    if (text == nullptr) {
      return Error{
          "an entry of " + qualified_name(key) + " is a string, not " + std::string(describe(item)),
          0, where(item), "write it in quotes"};
    }
    names.push_back(Text{text->get(), where(item)});
  }
  return names;
}

Result<std::vector<PathEntry>> Reader::read_paths(Key key, const toml::node& node) const {
  const auto* array = node.as_array();
  if (array == nullptr) {
    return wrong_type(key, node);
  }
  std::vector<PathEntry> entries;
  entries.reserve(array->size());
  for (const toml::node& item : *array) {
    PathEntry entry;
    if (const auto* text = item.as_string()) {
      entry.path = text->get();
    } else if (const auto* table = item.as_table()) {
      auto read = read_path_table(key, *table);
      if (!read) {
        return read.error();
      }
      entry = std::move(*read);
    } else {
      return Error{
          "an entry of " + qualified_name(key) + " is a path, not " + std::string(describe(item)),
          0, where(item), "write \"/srv/www\" or { path = \"/srv/www\", optional = true }"};
    }
    entry.origin = where(item);
    for (std::string* path : {&entry.path, &entry.at}) {
      if (path == &entry.at && path->empty()) {
        continue;
      }
      auto checked = check_path(*path, entry.origin);
      if (!checked) {
        return checked.error();
      }
      *path = std::move(*checked);
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

Result<PathEntry> Reader::read_path_table(Key key, const toml::table& table) const {
  PathEntry entry;
  bool has_path = false;
  for (const auto& [name, node] : in_file_order(table)) {
    const std::string word(name->str());
    const bool is_flag = word == "optional";
    if (std::find(kPathWords.begin(), kPathWords.end(), word) == kPathWords.end()) {
      return unknown_word(*name, "an entry of " + qualified_name(key), kPathWords);
    }
    if (is_flag ? !node->is_boolean() : !node->is_string()) {
      return Error{word + (is_flag ? " is true or false, not " : " is a string, not ") +
                       std::string(describe(*node)),
                   0, where(*node), is_flag ? "write optional = true" : "write it in quotes"};
    }
    if (is_flag) {
      entry.optional = node->as_boolean()->get();
    } else if (word == "path") {
      entry.path = node->as_string()->get();
      has_path = true;
    } else {
      entry.at = node->as_string()->get();
      if (entry.at.empty()) {
        return Error{"empty path in `at`", 0, where(*node), "leave `at` out for the same place"};
      }
    }
  }
  if (!has_path) {
    return Error{"an entry of " + qualified_name(key) + " without path", 0, where(table),
                 "write { path = \"/srv/www\", … }"};
  }
  return entry;
}

Result<std::map<std::string, Text>> Reader::read_pairs(Key key, const toml::node& node) const {
  const auto* table = node.as_table();
  if (table == nullptr) {
    return wrong_type(key, node);
  }
  std::map<std::string, Text> pairs;
  for (const auto& [name, value] : in_file_order(*table)) {
    const std::string name_text(name->str());
    const auto* text = value->as_string();
    if (text == nullptr) {
      return Error{qualified_name(key) + "." + name_text + " is a string, not " +
                       std::string(describe(*value)),
                   0, where(*value), "write it in quotes"};
    }
    pairs.emplace(name_text, Text{text->get(), where(*name)});
  }
  return pairs;
}

Result<std::vector<SeccompRule>> Reader::read_rules(Key key, const toml::node& node) const {
  const auto* array = node.as_array();
  if (array == nullptr) {
    Error error = wrong_type(key, node);
    error.hint = "write [[seccomp.rule]] with two brackets, and the rule's lines below";
    return error;
  }
  std::vector<SeccompRule> rules;
  rules.reserve(array->size());
  for (const toml::node& item : *array) {
    const auto* table = item.as_table();
    if (table == nullptr) {
      return Error{"an entry of seccomp.rule is a table, not " + std::string(describe(item)), 0,
                   where(item), "write [[seccomp.rule]] and the rule's lines below"};
    }
    auto rule = read_rule(*table);
    if (!rule) {
      return rule.error();
    }
    rules.push_back(std::move(*rule));
  }
  return rules;
}

Result<SeccompRule> Reader::read_rule(const toml::table& table) const {
  SeccompRule rule;
  rule.origin = where(table);
  for (const auto& [name, node] : in_file_order(table)) {
    const std::string word(name->str());
    if (std::find(kRuleWords.begin(), kRuleWords.end(), word) == kRuleWords.end()) {
      return unknown_word(*name, "a [[seccomp.rule]]", kRuleWords);
    }
    if (word == "syscalls") {
      if (!rule.syscalls.empty()) {
        return Error{"syscall and syscalls in one rule", 0, where(*name), "put all into syscalls"};
      }
      auto names = read_names(Key::SeccompRules, *node);
      if (!names) {
        return names.error();
      }
      rule.syscalls = std::move(*names);
      continue;
    }
    const auto* text = node->as_string();
    if (text == nullptr) {
      return Error{
          word + " of a rule is a string, not " + std::string(describe(*node)), 0, where(*node),
          word == "syscall" ? "for several calls: syscalls = [\"…\"]" : "write it in quotes"};
    }
    Text value{text->get(), where(*node)};
    if (word == "syscall") {
      if (!rule.syscalls.empty()) {
        return Error{"syscall and syscalls in one rule", 0, where(*name), "put all into syscalls"};
      }
      rule.syscalls.push_back(std::move(value));
    } else if (word == "action") {
      rule.action = std::move(value);
    } else {
      if (value.value.find_first_not_of(" \t\r\n") == std::string::npos) {
        return Error{"empty `when`", 0, value.origin,
                     "leave `when` out for a rule without condition"};
      }
      // An error inside the expression counts from its own first character.
      value.origin = lines_.inside_string(value.origin);
      rule.when = std::move(value);
    }
  }
  return rule;
}

Error Reader::unknown_table(const toml::key& name) const {
  const std::string word(name.str());
  if (const std::string_view reason = why_unsupported(word, ""); !reason.empty()) {
    return Error{"[" + word + "] is not a table of this version of sbx", 0, where(name),
                 std::string(reason)};
  }
  std::vector<std::string_view> tables = {"schema", "remove"};
  for (const KeyInfo& key : keys()) {
    if (std::find(tables.begin(), tables.end(), key.table) == tables.end()) {
      tables.push_back(key.table);
    }
  }
  if (const auto near = nearest(word, tables)) {
    return Error{"unknown table " + quote(word), 0, where(name), "did you mean " + *near + "?"};
  }
  for (const KeyInfo& key : keys()) {
    if (key.name == word) {
      return Error{"a key outside of its table: " + quote(word), 0, where(name),
                   "write it below [" + std::string(key.table) + "]"};
    }
  }
  std::string known;
  for (const std::string_view table : tables) {
    known += (known.empty() ? "" : ", ") + std::string(table);
  }
  return Error{"unknown table " + quote(word), 0, where(name), "there are: " + known};
}

Error Reader::unknown_key(std::string_view table, const toml::key& name) const {
  const std::string word(name.str());
  const std::string full = std::string(table) + "." + word;
  if (const std::string_view reason = why_unsupported(table, word); !reason.empty()) {
    return Error{full + " is not a key of this version of sbx", 0, where(name),
                 std::string(reason)};
  }
  std::vector<std::string_view> names;
  std::string elsewhere;
  std::string list;
  for (const KeyInfo& key : keys()) {
    if (key.table == table) {
      names.push_back(key.name);
      list += (list.empty() ? "" : ", ") + std::string(key.name);
    } else if (key.name == word) {
      elsewhere = key.table;
    }
  }
  std::string hint;
  if (!elsewhere.empty()) {
    hint = word + " belongs below [" + elsewhere + "]";
  } else if (const auto near = nearest(word, names)) {
    hint = "did you mean " + std::string(table) + "." + *near + "?";
  } else {
    hint = names.empty() ? "no key of that name can be removed"
                         : "[" + std::string(table) + "] has: " + list;
  }
  return Error{"unknown key " + quote(full), 0, where(name), hint};
}

Error Reader::unknown_word(const toml::key& name, std::string_view owner,
                           std::span<const std::string_view> known) const {
  const std::vector<std::string_view> words(known.begin(), known.end());
  const auto near = nearest(name.str(), words);
  std::string list;
  for (const std::string_view word : known) {
    list += (list.empty() ? "" : ", ") + std::string(word);
  }
  return Error{"unknown key " + quote(name.str()) + " in " + std::string(owner), 0, where(name),
               near ? "did you mean " + *near + "?" : "it takes: " + list};
}

Error Reader::wrong_type(Key key, const toml::node& node) const {
  const KeyInfo& entry = info(key);
  std::string hint = "write " + std::string(entry.name) + " = " + std::string(example(entry.type));
  // The usual slip: one entry without its brackets.
  const bool is_list = entry.type == KeyType::Names || entry.type == KeyType::Paths;
  if (const auto* text = node.as_string(); is_list && text != nullptr) {
    hint = "write " + std::string(entry.name) + " = [" + quote(text->get()) + "]";
  }
  const bool is_word = entry.type == KeyType::Text || entry.type == KeyType::Choice;
  if (const auto* number = node.as_integer(); is_word && number != nullptr) {
    hint = "write " + std::string(entry.name) + " = \"" + std::to_string(number->get()) + "\"";
  }
  return Error{qualified_name(key) + " is " + std::string(describe(entry.type)) + ", not " +
                   std::string(describe(node)),
               0, where(node), hint};
}

}  // namespace

Result<PolicyLayer> read_toml(std::string_view text, const std::string& source,
                              const std::string& name) {
  if (text.size() > kMaxPolicyBytes) {
    return Error{"cannot read this policy: it is larger than 1 MiB", 0, Origin{source},
                 "a policy is a page of text; is this the right file?"};
  }
  const SourceLines lines(text, source);
  const auto checked = lines.checked_text();
  if (!checked) {
    return checked.error();
  }
  const toml::parse_result parsed = toml::parse(std::string_view(*checked), std::string_view());
  if (!parsed) {
    const toml::source_position& at = parsed.error().source().begin;
    return syntax_error(parsed.error().description(), lines, static_cast<int>(at.line),
                        static_cast<int>(at.column));
  }
  PolicyLayer layer;
  layer.name = name;
  layer.source = source;
  SBX_TRY(Reader(lines).read(parsed.table(), layer));
  return layer;
}

}  // namespace sbx::policy
