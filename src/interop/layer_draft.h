// SPDX-License-Identifier: Apache-2.0
// A PolicyLayer while an importer fills it. The policy language lets a place have one owner and a
// call stand in one of allow and deny; foreign formats say the same thing twice and three times, so
// what comes later is settled here.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "interop/format.h"
#include "policy/policy.h"

namespace sbx::interop {

Finding mapped(std::string what, std::string becomes, const Origin& origin);
Finding changed(std::string what, std::string becomes, std::string reason, const Origin& origin);
Finding dropped(std::string what, std::string reason, const Origin& origin);

class LayerDraft {
 public:
  void text(policy::Key key, std::string value, const Origin& origin);
  void number(policy::Key key, std::uint64_t value, const Origin& origin);
  void pair(policy::Key key, const std::string& name, std::string value, const Origin& origin);
  void drop_pair(policy::Key key, const std::string& name);
  // A list entry, once.
  void name(policy::Key key, const std::string& value, const Origin& origin);
  // A list entry, as often as it comes.
  void append(policy::Key key, const std::string& value, const Origin& origin);
  void drop_name(policy::Key key, const std::string& value);
  // Of two entries for one place the stronger key stays: hide, then tmpfs, then the rest, of which
  // the later one.
  void path(policy::Key key, policy::PathEntry entry);
  // Only if nothing has the place yet.
  void path_if_free(policy::Key key, policy::PathEntry entry);
  // A call or group to allow or deny: the later word about one name stays.
  void allow(const std::string& call, const Origin& origin);
  void deny(const std::string& call, const Origin& origin);
  void rule(std::vector<std::string> calls, std::string when, std::string action, const Origin& origin,
            std::string comment);

  bool has(policy::Key key) const { return layer_.values.contains(key); }
  const std::string* text_of(policy::Key key) const;

  // Takes out what lies below a hidden place: it is hidden with it.
  policy::PolicyLayer finish(std::string name, std::string source);
  std::vector<std::string> rule_comments() const { return rule_comments_; }

 private:
  policy::PolicyLayer layer_;
  std::map<std::string, std::pair<policy::Key, policy::PathEntry>> places_;
  std::vector<std::string> order_;  // of places_
  std::vector<std::string> rule_comments_;
};

// Comma- or blank-separated words, empty ones left out.
std::vector<std::string> words(std::string_view text, std::string_view separators);
std::string trim(std::string_view text);

// True if sbx's tables know the call or @group.
bool is_known_call(const std::string& name);

}  // namespace sbx::interop
