// SPDX-License-Identifier: Apache-2.0
#include "interop/layer_draft.h"

#include <algorithm>

#include "base/path.h"
#include "seccomp/groups.h"
#include "seccomp/syscall_table.h"

namespace sbx::interop {

using policy::Key;
using policy::PathEntry;
using policy::Text;

Finding mapped(std::string what, std::string becomes, const Origin& origin) {
  return {Finding::Kind::Mapped, std::move(what), std::move(becomes), {}, origin};
}

Finding changed(std::string what, std::string becomes, std::string reason, const Origin& origin) {
  return {Finding::Kind::Changed, std::move(what), std::move(becomes), std::move(reason), origin};
}

Finding dropped(std::string what, std::string reason, const Origin& origin) {
  return {Finding::Kind::Dropped, std::move(what), {}, std::move(reason), origin};
}

void LayerDraft::text(Key key, std::string value, const Origin& origin) {
  layer_.values.insert_or_assign(key, Text{std::move(value), origin});
}

const std::string* LayerDraft::text_of(Key key) const {
  const auto found = layer_.values.find(key);
  const Text* text = found == layer_.values.end() ? nullptr : std::get_if<Text>(&found->second);
  return text == nullptr ? nullptr : &text->value;
}

void LayerDraft::number(Key key, std::uint64_t value, const Origin& origin) {
  layer_.values.insert_or_assign(key, policy::Number{value, origin});
}

void LayerDraft::pair(Key key, const std::string& name, std::string value, const Origin& origin) {
  auto& pairs = layer_.values.try_emplace(key, std::map<std::string, Text>()).first->second;
  std::get<std::map<std::string, Text>>(pairs).insert_or_assign(name, Text{std::move(value), origin});
}

void LayerDraft::drop_pair(Key key, const std::string& name) {
  const auto found = layer_.values.find(key);
  if (found == layer_.values.end()) {
    return;
  }
  auto& pairs = std::get<std::map<std::string, Text>>(found->second);
  pairs.erase(name);
  if (pairs.empty()) {
    layer_.values.erase(found);
  }
}

void LayerDraft::name(Key key, const std::string& value, const Origin& origin) {
  auto& list = std::get<std::vector<Text>>(
      layer_.values.try_emplace(key, std::vector<Text>()).first->second);
  const bool known =
      std::any_of(list.begin(), list.end(), [&](const Text& text) { return text.value == value; });
  if (!known) {
    list.push_back({value, origin});
  }
}

void LayerDraft::append(Key key, const std::string& value, const Origin& origin) {
  auto& list = layer_.values.try_emplace(key, std::vector<Text>()).first->second;
  std::get<std::vector<Text>>(list).push_back({value, origin});
}

void LayerDraft::drop_name(Key key, const std::string& value) {
  const auto found = layer_.values.find(key);
  if (found == layer_.values.end()) {
    return;
  }
  auto& list = std::get<std::vector<Text>>(found->second);
  list.erase(std::remove_if(list.begin(), list.end(),
                            [&](const Text& text) { return text.value == value; }),
             list.end());
  if (list.empty()) {
    layer_.values.erase(found);
  }
}

void LayerDraft::path(Key key, PathEntry entry) {
  const auto rank = [](Key one) {
    return one == Key::FilesystemHide ? 2 : one == Key::FilesystemTmpfs ? 1 : 0;
  };
  const std::string& at = entry.at.empty() ? entry.path : entry.at;
  // A path of the home keeps its ~, whose meaning the launch knows.
  const std::string place = at.starts_with('~') ? at : path::normalise(at);
  const auto [found, is_new] = places_.try_emplace(place, key, entry);
  if (is_new) {
    order_.push_back(place);
  } else if (rank(key) >= rank(found->second.first)) {
    found->second = {key, std::move(entry)};
  }
}

void LayerDraft::path_if_free(Key key, PathEntry entry) {
  if (!places_.contains(entry.path)) {
    path(key, std::move(entry));
  }
}

void LayerDraft::allow(const std::string& call, const Origin& origin) {
  drop_name(Key::SeccompDeny, call);
  name(Key::SeccompAllow, call, origin);
}

void LayerDraft::deny(const std::string& call, const Origin& origin) {
  drop_name(Key::SeccompAllow, call);
  name(Key::SeccompDeny, call, origin);
}

void LayerDraft::rule(std::vector<std::string> calls, std::string when, std::string action,
                      const Origin& origin, std::string comment) {
  policy::SeccompRule rule;
  for (std::string& call : calls) {
    rule.syscalls.push_back({std::move(call), origin});
  }
  rule.when = {std::move(when), origin};
  rule.action = {std::move(action), origin};
  rule.origin = origin;
  auto& rules = layer_.values.try_emplace(Key::SeccompRules, std::vector<policy::SeccompRule>())
                    .first->second;
  std::get<std::vector<policy::SeccompRule>>(rules).push_back(std::move(rule));
  rule_comments_.push_back(std::move(comment));
}

policy::PolicyLayer LayerDraft::finish(std::string name, std::string source) {
  const auto is_hidden_above = [&](const std::string& place) {
    for (std::size_t slash = place.rfind('/'); slash != std::string::npos && slash > 0;
         slash = place.rfind('/', slash - 1)) {
      const auto above = places_.find(place.substr(0, slash));
      if (above != places_.end() && above->second.first == Key::FilesystemHide) {
        return true;
      }
    }
    return false;
  };
  for (const std::string& place : order_) {
    const auto& [key, entry] = places_.at(place);
    if (!is_hidden_above(place)) {
      auto& list = layer_.values.try_emplace(key, std::vector<PathEntry>()).first->second;
      std::get<std::vector<PathEntry>>(list).push_back(entry);
    }
  }
  layer_.name = std::move(name);
  layer_.source = std::move(source);
  return layer_;
}

std::vector<std::string> words(std::string_view text, std::string_view separators) {
  std::vector<std::string> all;
  std::size_t start = text.find_first_not_of(separators);
  while (start != std::string_view::npos) {
    const std::size_t end = std::min(text.find_first_of(separators, start), text.size());
    all.emplace_back(text.substr(start, end - start));
    start = text.find_first_not_of(separators, end);
  }
  return all;
}

std::string trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r";
  const std::size_t start = text.find_first_not_of(kBlank);
  return start == std::string_view::npos
             ? std::string()
             : std::string(text.substr(start, text.find_last_not_of(kBlank) - start + 1));
}

bool is_known_call(const std::string& name) {
  return name.starts_with('@') ? seccomp::find_group(name) != nullptr
                               : seccomp::is_syscall_name(name);
}

}  // namespace sbx::interop
