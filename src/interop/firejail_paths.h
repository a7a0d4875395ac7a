// SPDX-License-Identifier: Apache-2.0
// What a firejail profile says about files. Its lines only make sense together: whether a blacklisted
// path needs a line at all depends on whether anything shows it, and one whitelist below a directory
// takes the rest of that directory away. So they are collected first, and become keys at the end.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "interop/firejail_profile.h"
#include "interop/format.h"
#include "interop/layer_draft.h"

namespace sbx::interop {

class FirejailPaths {
 public:
  explicit FirejailPaths(const ImportRequest& request) : request_(request) {}

  // False if the line is not about files. Else its finding is added, and completed by finish.
  bool take(const FirejailLine& line, std::vector<Finding>& findings);

  // Macros replaced: ~ for the home, a path for each directory of ${PATH}; ${RUNUSER} stays.
  std::vector<std::string> expand(const std::string& path) const;

  // True if a line so far blacklists just this.
  bool is_hidden(const std::string& path) const { return hidden_.contains(path); }

  void finish(LayerDraft& draft, bool host_network, std::vector<Finding>& findings);

 private:
  enum class Use : std::uint8_t { Hide, Read, Write, Tmpfs, Whitelist, WhitelistReadOnly, ReadOnly, ReadWrite };
  struct Entry {
    Use use;
    std::string path;
    std::size_t finding;
    Origin origin;
  };

  bool take_list(const FirejailLine& line, std::vector<Finding>& findings);
  bool take_other(const FirejailLine& line, std::vector<Finding>& findings);
  void hide(const FirejailLine& line, std::vector<Finding>& findings);
  void collect(Use use, const FirejailLine& line, std::vector<Finding>& findings);
  void take_programs(const FirejailLine& line);
  void take_etc(const FirejailLine& line);
  std::vector<std::string> existing(const std::string& pattern) const;
  bool is_shown(const std::string& path) const;
  bool is_below_whitelisted(const std::string& path) const;
  void grant(const Entry& entry, LayerDraft& draft, Finding& finding);
  void grant_whitelisted(const Entry& entry, LayerDraft& draft, Finding& finding);
  void grant_runtime(const Entry& entry, Finding& finding) const;
  void finish_roots(LayerDraft& draft, bool host_network);

  const ImportRequest& request_;
  std::vector<Entry> entries_;
  std::vector<policy::PathEntry> programs_, etc_;
  std::set<std::string> exempt_;          // noblacklist so far
  std::vector<std::string> exempt_patterns_;
  std::set<std::string> not_whitelisted_; // nowhitelist so far
  std::set<std::string> hidden_;          // as written
  std::set<std::string> tops_;            // directories of which only whitelisted parts stay
  std::set<std::string> whitelisted_;
  bool private_home_ = false, home_read_only_ = false, private_tmp_ = false, private_etc_ = false;
  bool private_cache_ = false;
};

}  // namespace sbx::interop
