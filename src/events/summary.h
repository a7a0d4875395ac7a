// SPDX-License-Identifier: Apache-2.0
// What a run comes to, told when it is over: which calls were denied, how often, and the lines that
// would allow them, ready to be put into a policy.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "events/event.h"

namespace sbx::events {

class Summary {
 public:
  void take(const Event& event);

  // Denied calls, all counted; those that report.on-violation = "log" let by are not denied.
  std::uint64_t denied() const;

  // Lines as an event's; empty if nothing was denied or let by. `policy_file` is where the lines
  // belong, for people; empty where somebody else says it.
  std::string text(const std::string& run, const std::string& policy_file) const;

 private:
  std::map<std::uint32_t, Denied> kinds_;  // by id
  std::uint64_t unlisted_ = 0;             // of kinds beyond those that are told one by one
};

}  // namespace sbx::events
