// SPDX-License-Identifier: Apache-2.0
#include "cli/fix.h"

#include <algorithm>
#include <map>
#include <variant>

#include <fmt/format.h>

#include "base/text.h"
#include "policy/toml_reader.h"
#include "policy/toml_writer.h"

namespace sbx::cli {
namespace {

using policy::Key;
using policy::PolicyLayer;
using policy::Value;

// One line of a remedy that is not in the old file.
struct Addition {
  Key key;
  PolicyLayer layer;  // it alone
  std::string value;  // as TOML
  bool is_list = false;
  std::string why;
};

// For a comment: nothing of a sandboxee's can end it.
std::string why(const events::Event& event, const events::Denied& denied) {
  const std::string place = to_text(denied.place);
  return fmt::format("{}{}, {} in run {}: {}", call_text(denied), place.empty() ? "" : " at " + place,
                     denied.count > 1 ? fmt::format("denied {} times", denied.count)
                                      : std::string("denied"),
                     escape(event.run), printable(denied.rule));
}

// As text, since origins differ.
std::string as_toml(const PolicyLayer& layer) { return policy::to_toml(layer); }

template <typename T>
void append_new(std::vector<T>& list, const std::vector<T>& added, bool in_front) {
  for (const T& one : added) {
    list.insert(in_front ? list.begin() : list.end(), one);
  }
}

void add(PolicyLayer& layer, const Addition& addition) {
  const Value& value = addition.layer.values.at(addition.key);
  const auto place = layer.values.try_emplace(addition.key, value);
  if (place.second) {
    return;
  }
  std::visit(
      [&](auto& old) {
        using Held = std::decay_t<decltype(old)>;
        const auto& added = std::get<Held>(value);
        if constexpr (std::is_same_v<Held, std::vector<policy::SeccompRule>>) {
          append_new(old, added, false);
        } else if constexpr (std::is_same_v<Held, std::vector<policy::Text>> ||
                             std::is_same_v<Held, std::vector<policy::PathEntry>>) {
          append_new(old, added, true);
        } else {
          old = added;
        }
      },
      place.first->second);
}

// True if the layer says so already: adding it to a list would say it twice.
bool says(const PolicyLayer& layer, const Addition& addition) {
  const auto held = layer.values.find(addition.key);
  if (held == layer.values.end()) {
    return false;
  }
  PolicyLayer alone;
  const std::string wanted = as_toml(addition.layer);
  const auto is_same = [&](Value value) {
    alone.values = {{addition.key, std::move(value)}};
    return as_toml(alone) == wanted;
  };
  return std::visit(
      [&](const auto& old) {
        using Held = std::decay_t<decltype(old)>;
        if constexpr (std::is_same_v<Held, std::vector<policy::SeccompRule>> ||
                      std::is_same_v<Held, std::vector<policy::Text>> ||
                      std::is_same_v<Held, std::vector<policy::PathEntry>>) {
          return std::any_of(old.begin(), old.end(),
                             [&](const auto& one) { return is_same(Held{one}); });
        } else {
          return is_same(old);
        }
      },
      held->second);
}

std::string after_schema(const std::string& toml) {
  const std::size_t end = toml.find("schema = 1\n");
  return end == std::string::npos ? toml : toml.substr(end + 11);
}

// Where the old file's text takes one more entry of a list: before the first that is there.
std::optional<std::size_t> first_entry(const std::string& text, const PolicyLayer& layer, Key key) {
  const auto held = layer.values.find(key);
  if (held == layer.values.end()) {
    return std::nullopt;
  }
  const Origin* origin = nullptr;
  if (const auto* names = std::get_if<std::vector<policy::Text>>(&held->second)) {
    origin = names->empty() ? nullptr : &names->front().origin;
  } else if (const auto* paths = std::get_if<std::vector<policy::PathEntry>>(&held->second)) {
    origin = paths->empty() ? nullptr : &paths->front().origin;
  }
  if (origin == nullptr || origin->line <= 0 || origin->column <= 0) {
    return std::nullopt;
  }
  std::size_t begin = 0;
  for (int line = 1; line < origin->line && begin != std::string::npos; ++line) {
    begin = text.find('\n', begin);
    begin += begin == std::string::npos ? 0 : 1;
  }
  const std::size_t place = begin + static_cast<std::size_t>(origin->column) - 1;
  return begin == std::string::npos || place >= text.size() ? std::nullopt : std::optional(place);
}

// Behind the line "[table]", if there is one.
std::optional<std::size_t> behind_header(const std::string& text, std::string_view table) {
  std::size_t begin = 0;
  for (const std::string& line : split(text, '\n')) {
    std::string bare = line.substr(0, line.find('#'));
    std::erase_if(bare, [](char c) { return c == ' ' || c == '\t' || c == '\r'; });
    begin += line.size() + 1;
    if (bare == fmt::format("[{}]", table)) {
      return std::min(begin, text.size());
    }
  }
  return std::nullopt;
}

// The old text with one addition more; right only if what it comes to is (compose_fix reads it back).
std::string insert(std::string text, const PolicyLayer& old, const Addition& addition) {
  const policy::KeyInfo& key = policy::info(addition.key);
  const std::string comment = "# " + addition.why + "\n";
  if (!text.empty() && text.back() != '\n') {
    text += '\n';
  }
  if (key.type == policy::KeyType::Rules) {
    return text + "\n" + comment + after_schema(as_toml(addition.layer)).substr(1);
  }
  if (const auto entry = first_entry(text, old, addition.key); entry && addition.is_list) {
    return text.insert(*entry, "\n  " + comment + "  " + addition.value + ",\n  ");
  }
  const std::string line = comment + std::string(key.name) + " = " +
                           (addition.is_list ? "[" + addition.value + "]" : addition.value) + "\n";
  if (const auto place = behind_header(text, key.table)) {
    return text.insert(*place, line);
  }
  return text + fmt::format("\n[{}]\n{}", key.table, line);
}

// The remedies as additions, those that the old layer lacks; each value once.
std::vector<Addition> additions_of(const events::Story& story, const PolicyLayer& old,
                                   std::string& held_back, Fix& fix) {
  std::vector<Addition> additions;
  PolicyLayer so_far = old;
  std::vector<std::string> seen;
  for (const events::Event& event : story.events) {
    const auto* denied = std::get_if<events::Denied>(&event.what);
    const std::string line = denied == nullptr ? "" : seccomp::policy_line(denied->remedy);
    if (line.empty() || std::find(seen.begin(), seen.end(), line) != seen.end()) {
      continue;
    }
    seen.push_back(line);
    auto layer = policy::read_toml("schema = 1\n" + line + "\n", "the remedy", "remedy");
    const bool is_one = layer && layer->values.size() == 1;
    if (!is_one || !denied->remedy.warning.empty()) {
      ++fix.held_back;
      held_back += fmt::format("\n# {}\n# Think twice: {}\n# {}\n", why(event, *denied),
                               is_one ? printable(denied->remedy.warning)
                                      : "this sbx does not know the line",
                               printable(line));
      continue;
    }
    const Key key = layer->values.begin()->first;
    Addition addition{key, *std::move(layer), denied->remedy.value, denied->remedy.is_list,
                      why(event, *denied)};
    if (!says(so_far, addition)) {
      add(so_far, addition);
      additions.push_back(std::move(addition));
    }
  }
  fix.added = additions.size();
  return additions;
}

std::string written_anew(const PolicyLayer& layer, const PolicyLayer& old,
                         const std::vector<Addition>& additions, const std::string& title) {
  policy::TomlComments comments{title, {}, {}};
  const auto rules = old.values.find(Key::SeccompRules);
  if (rules != old.values.end()) {
    comments.rules.resize(std::get<std::vector<policy::SeccompRule>>(rules->second).size());
  }
  for (const Addition& addition : additions) {
    if (addition.key == Key::SeccompRules) {
      comments.rules.push_back(addition.why);
    } else {
      std::string& text = comments.keys[addition.key];
      text += (text.empty() ? "" : "\n") + addition.why;
    }
  }
  return policy::to_toml(layer, comments);
}

}  // namespace

Result<Fix> compose_fix(const std::string& old, const std::string& source,
                        const events::Story& story) {
  PolicyLayer old_layer;
  if (!old.empty()) {
    auto read = policy::read_toml(old, source, "old");
    if (!read) {
      return std::move(read).error();
    }
    old_layer = *std::move(read);
  }
  Fix fix;
  std::string held_back;
  const std::vector<Addition> additions = additions_of(story, old_layer, held_back, fix);
  PolicyLayer wanted = old_layer;
  for (const Addition& addition : additions) {
    add(wanted, addition);
  }
  std::string text = old;
  for (auto addition = additions.begin(); !old.empty() && addition != additions.end(); ++addition) {
    auto present = policy::read_toml(text, source, "new");
    text = present ? insert(std::move(text), *present, *addition) : std::string();
  }
  const auto read_back = policy::read_toml(text, source, "new");
  if (old.empty() || !read_back || as_toml(*read_back) != as_toml(wanted)) {
    fix.lost_comments = !old.empty();
    text = written_anew(wanted, old_layer, additions,
                        "Written by sbx why --fix, for review. It counts when it has the name without "
                        "\".new\".");
  }
  fix.text = text + held_back;
  return fix;
}

}  // namespace sbx::cli
