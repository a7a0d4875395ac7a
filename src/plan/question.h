// SPDX-License-Identifier: Apache-2.0
// What `sbx explain` is asked:
//
//   question := call | group | path | address | setting
//   call     := NAME | NUMBER | NAME arguments          (arguments: seccomp/when.h)
//   group    := @NAME
//   path     := [ "read" | "write" | "exec" ] ( "/…" | "~…" | "./…" | "../…" )
//   address  := "connect" place | "bind" place | place
//   place    := [ "tcp://" | "udp://" ] ( IPV4 | "[" IPV6 "]" ) ":" PORT | "unix:" ( "/…" | "@"
//   NAME ) setting  := "env" NAME | "limit" NAME | "capability" NAME
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "policy/keys.h"
#include "seccomp/assume.h"

namespace sbx::plan {

struct CallQuestion {
  std::string text;  // as asked: "socket(AF_INET, _)"
  std::string name;  // empty for a number that nobody knows
  int number = 0;
  seccomp::KnownArguments arguments{};
};

struct GroupQuestion {
  std::string name;
};

struct PathQuestion {
  enum class Intent : std::uint8_t { Any, Read, Write, Execute };
  std::string path;  // as asked
  Intent intent = Intent::Any;
};

struct AddressQuestion {
  enum class Family : std::uint8_t { Inet, Inet6, Unix };
  std::string text;  // "connect 10.0.0.1:443"
  bool binds = false;
  bool is_udp = false;
  Family family = Family::Inet;
  std::string host;  // numeric, without brackets; of Unix the path, or "@" and the name
  std::uint16_t port = 0;
};

struct VariableQuestion {
  std::string name;
};

struct LimitQuestion {
  policy::Key limit;
};

struct CapabilityQuestion {
  std::string name;  // "CAP_NET_RAW"
};

using Question = std::variant<CallQuestion, GroupQuestion, PathQuestion, AddressQuestion,
                              VariableQuestion, LimitQuestion, CapabilityQuestion>;

// An Error points into the text: its Origin has the source "question", line 1.
Result<Question> parse_question(std::string_view text, seccomp::Arch arch);

}  // namespace sbx::plan
