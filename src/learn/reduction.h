// SPDX-License-Identifier: Apache-2.0
// The parts of reduce.h, a file each; internal to learn/. Each adds to the same Learned.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "learn/reduce.h"

namespace sbx::learn {

struct Reduction {
  const Observations& seen;
  const Base& base;
  const Subject& subject;
  const Surroundings& where;
  Learned learned;

  template <typename T>
  T& value(policy::Key key) {
    return std::get<T>(learned.layer.values.try_emplace(key, T{}).first->second);
  }
  void set(policy::Key key, std::string word, std::string note = {});
  // A shared policy to inherit from, once.
  void extend(const std::string& parent);
  // Into a list, once; the first note stays.
  void add(policy::Key key, const std::string& entry, std::string note);
  void add_path(policy::Key key, const std::string& path, bool optional, std::string note);
  void title(const std::string& line);
  void decide(const std::string& line);
  // What the last layer of BASE says of a scalar; empty: nothing.
  std::string base_word(policy::Key key) const;
};

// What of BASE is taken over, and from whom is inherited.
void reduce_base(Reduction& to);
// seccomp.allow and the rules.
void reduce_calls(Reduction& to);
void reduce_files(Reduction& to);
void reduce_network(Reduction& to);
// memory, limits, capabilities.
void reduce_rest(Reduction& to);

// With what the symbolic links that were used lead to, which may lie where nothing is shown.
Observations with_targets(const Observations& seen, const Surroundings& where);

// True if the run made sockets that a policy must allow: not only ones that looked for a name service
// that is not there.
bool needs_sockets(const Reduction& of);

// True if anything at or below this place was used.
bool was_used(const Reduction& of, std::string_view place);

// "~/x" for what lies in the home directory.
std::string as_written(const Surroundings& where, const std::string& path);

}  // namespace sbx::learn
