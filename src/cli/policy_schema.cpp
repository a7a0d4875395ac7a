// SPDX-License-Identifier: Apache-2.0
#include "cli/policy_schema.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "cli/json_writer.h"
#include "policy/cautions.h"
#include "policy/keys.h"
#include "policy/value.h"
#include "seccomp/groups.h"
#include "seccomp/syscall_table.h"

namespace sbx::cli {
namespace {

using policy::Key;
using policy::KeyInfo;
using policy::KeyType;

constexpr std::string_view kErrno = "errno(NAME)";
constexpr std::string_view kErrnoPattern = R"(^errno\([A-Z][A-Z0-9]*\)$)";
constexpr std::string_view kPathPattern = R"(^(/|~$|~/|\$HOME$|\$HOME/))";

class Schema {
 public:
  std::string text() {
    json_.begin_object();
    json_.member("$schema", "https://json-schema.org/draft/2020-12/schema");
    json_.member("title", "policy of sbx");
    json_.member("type", "object");
    json_.key("required");
    strings({"schema"});
    only_these();
    json_.key("properties");
    json_.begin_object();
    write_version();
    for (const std::string_view table : tables()) {
      write_table(table);
    }
    write_remove();
    json_.end_object();
    json_.key("$defs");
    json_.begin_object();
    write_call();
    write_path();
    write_rule();
    json_.end_object();
    json_.end_object();
    return json_.take();
  }

 private:
  static std::vector<std::string_view> tables() {
    std::vector<std::string_view> all;
    for (const KeyInfo& key : policy::keys()) {
      if (std::find(all.begin(), all.end(), key.table) == all.end()) {
        all.push_back(key.table);
      }
    }
    return all;
  }

  void strings(const std::vector<std::string>& texts) {
    json_.begin_array();
    for (const std::string& text : texts) {
      json_.string(text);
    }
    json_.end_array();
  }

  void only_these() {
    json_.key("additionalProperties");
    json_.boolean(false);
  }

  void type(std::string_view name) { json_.member("type", name); }

  void least(unsigned value, std::string_view keyword = "minimum") {
    json_.key(keyword);
    json_.number(value);
  }

  void reference(std::string_view definition) {
    json_.begin_object();
    json_.member("$ref", "#/$defs/" + std::string(definition));
    json_.end_object();
  }

  void write_version() {
    json_.key("schema");
    json_.begin_object();
    json_.member("description", "The version of the policy language.");
    json_.key("const");
    json_.number(1);
    json_.end_object();
  }

  void write_table(std::string_view table) {
    json_.key(table);
    json_.begin_object();
    type("object");
    only_these();
    json_.key("properties");
    json_.begin_object();
    for (const KeyInfo& key : policy::keys()) {
      if (key.table == table) {
        write_key(key);
      }
    }
    json_.end_object();
    json_.end_object();
  }

  void write_key(const KeyInfo& key) {
    json_.key(key.name);
    json_.begin_object();
    json_.member("description", key.description);
    switch (key.type) {
      case KeyType::Text:
        type("string");
        break;
      case KeyType::Choice:
        write_choice(key.choices);
        break;
      case KeyType::Flag:
        type("boolean");
        break;
      case KeyType::Size:
        write_amount("^(0[xX][0-9a-fA-F]+|[0-9]+)[KMGTkmgt]?$");
        break;
      case KeyType::Seconds:
        write_amount("^(0[xX][0-9a-fA-F]+|[0-9]+)[smhdSMHD]?$");
        break;
      case KeyType::Count:
        type("integer");
        least(0);
        break;
      case KeyType::Names:
        write_names(key.key);
        break;
      case KeyType::Paths:
        list_of("path");
        break;
      case KeyType::Pairs:
        type("object");
        json_.key("additionalProperties");
        json_.begin_object();
        type("string");
        json_.end_object();
        break;
      case KeyType::Rules:
        list_of("rule");
        break;
    }
    write_default(key);
    json_.end_object();
  }

  void write_default(const KeyInfo& key) {
    if (key.default_value.empty()) {
      return;
    }
    json_.key("default");
    if (key.type == KeyType::Flag) {
      json_.boolean(key.default_value == "true");
    } else {
      json_.string(key.default_value);
    }
  }

  void list_of(std::string_view definition) {
    type("array");
    json_.key("items");
    reference(definition);
  }

  // Words, and errno(NAME) for any errno.
  void write_choice(std::string_view choices) {
    std::vector<std::string> words = split(choices, '|');
    const bool has_errno = std::erase(words, std::string(kErrno)) > 0;
    if (!has_errno) {
      json_.key("enum");
      strings(words);
      return;
    }
    json_.key("anyOf");
    json_.begin_array();
    json_.begin_object();
    json_.key("enum");
    strings(words);
    json_.end_object();
    json_.begin_object();
    type("string");
    json_.member("pattern", kErrnoPattern);
    json_.end_object();
    json_.end_array();
  }

  void write_amount(std::string_view pattern) {
    json_.key("anyOf");
    json_.begin_array();
    json_.begin_object();
    type("integer");
    least(0);
    json_.end_object();
    json_.begin_object();
    type("string");
    json_.member("pattern", pattern);
    json_.end_object();
    json_.end_array();
  }

  void write_names(Key key) {
    if (key == Key::SeccompAllow || key == Key::SeccompDeny) {
      list_of("call");
      return;
    }
    type("array");
    json_.key("items");
    json_.begin_object();
    type("string");
    if (key == Key::PolicyAccept) {
      std::vector<std::string> names;
      for (const policy::CautionInfo& caution : policy::cautions()) {
        names.emplace_back(caution.name);
      }
      json_.member("pattern", "^(" + join(names, "|") + "): *[^ ]");
    } else if (key != Key::CommandArgs) {
      least(1, "minLength");
    }
    json_.end_object();
  }

  // [remove]: for each list, entries of earlier layers that go.
  void write_remove() {
    json_.key("remove");
    json_.begin_object();
    json_.member("description", "Entries of earlier layers' lists that this one takes away.");
    type("object");
    only_these();
    json_.key("properties");
    json_.begin_object();
    for (const std::string_view table : tables()) {
      std::vector<const KeyInfo*> removable;
      for (const KeyInfo& key : policy::keys()) {
        if (key.table == table && policy::is_removable(key.key)) {
          removable.push_back(&key);
        }
      }
      if (!removable.empty()) {
        write_removable(table, removable);
      }
    }
    json_.end_object();
    json_.end_object();
  }

  void write_removable(std::string_view table, const std::vector<const KeyInfo*>& keys) {
    json_.key(table);
    json_.begin_object();
    type("object");
    only_these();
    json_.key("properties");
    json_.begin_object();
    for (const KeyInfo* key : keys) {
      json_.key(key->name);
      json_.begin_object();
      type("array");
      json_.key("items");
      json_.begin_object();
      type("string");
      least(1, "minLength");
      json_.end_object();
      json_.end_object();
    }
    json_.end_object();
    json_.end_object();
  }

  // Every name of a call or group, so that an editor can offer them.
  void write_call() {
    std::set<std::string> names;
    for (const seccomp::Group& group : seccomp::groups()) {
      names.emplace(group.name);
    }
    for (const std::string_view name : seccomp::all_names()) {
      names.emplace(name);
    }
    json_.key("call");
    json_.begin_object();
    json_.member("description", "A system call, or a group of them.");
    json_.key("enum");
    strings({names.begin(), names.end()});
    json_.end_object();
  }

  void text_property(std::string_view name, std::string_view description,
                     std::string_view pattern = {}) {
    json_.key(name);
    json_.begin_object();
    json_.member("description", description);
    type("string");
    if (!pattern.empty()) {
      json_.member("pattern", pattern);
    }
    json_.end_object();
  }

  void write_path() {
    json_.key("path");
    json_.begin_object();
    json_.key("anyOf");
    json_.begin_array();
    json_.begin_object();
    type("string");
    json_.member("pattern", kPathPattern);
    json_.end_object();
    json_.begin_object();
    type("object");
    json_.key("required");
    strings({"path"});
    only_these();
    json_.key("properties");
    json_.begin_object();
    text_property("path", "The path on the host; ~ is the caller's home.", kPathPattern);
    text_property("at", "Where it is inside; without it, at the same path.", kPathPattern);
    json_.key("optional");
    json_.begin_object();
    json_.member("description", "Leave the entry out if the host has no such path.");
    type("boolean");
    json_.end_object();
    json_.end_object();
    json_.end_object();
    json_.end_array();
    json_.end_object();
  }

  void write_rule() {
    json_.key("rule");
    json_.begin_object();
    type("object");
    json_.key("required");
    strings({"action"});
    json_.key("oneOf");
    json_.begin_array();
    for (const char* word : {"syscall", "syscalls"}) {
      json_.begin_object();
      json_.key("required");
      strings({word});
      json_.end_object();
    }
    json_.end_array();
    only_these();
    json_.key("properties");
    json_.begin_object();
    json_.key("syscall");
    reference("call");
    json_.key("syscalls");
    json_.begin_object();
    list_of("call");
    least(1, "minItems");
    json_.end_object();
    text_property("when",
                  "A condition over the call's arguments: \"domain == AF_UNIX and type & 0xf == "
                  "SOCK_STREAM\". Without it the rule always holds.",
                  "[^ \\t\\r\\n]");
    json_.key("action");
    json_.begin_object();
    json_.member("description", "What happens to the call.");
    write_choice(policy::rule_actions());
    json_.end_object();
    json_.end_object();
    json_.end_object();
  }

  JsonWriter json_;
};

}  // namespace

std::string policy_schema() {
  return Schema().text();
}

}  // namespace sbx::cli
