// SPDX-License-Identifier: Apache-2.0
// What was seen of one run or several, as values: which calls with which classes of arguments, which
// files, which addresses, how much of what is limited. The recorders make it, reduce.h makes a policy
// of it. Names of programs and files come from the sandboxee: raw bytes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sbx::learn {

// How often something was done, when (microseconds since the command's start) and by which programs.
struct Use {
  std::uint64_t count = 0;
  std::uint64_t first_us = 0, last_us = 0;
  std::set<std::string> programs;

  friend bool operator==(const Use&, const Use&) = default;
};

void unite(Use& one, const Use& other);

// What became of a call.
enum class Fate : std::uint8_t {
  Granted,   // ran, as the policy says
  Lacking,   // ran, although no rule of the policy names it
  Refused,   // failed quietly, with `errno_value`: a rule of the policy says so
  Denied,    // failed, and sbx told of it
};

struct CallUse {
  std::string call;
  // The arguments that make a difference (argument_classes.h), by their place there.
  std::array<std::uint64_t, 3> values{};
  Fate fate = Fate::Granted;
  int errno_value = 0;
  bool by_policy = true;  // Denied: by a rule of the policy, its default or families; else by sbx's own (W^X …)
  Use use;

  friend bool operator==(const CallUse&, const CallUse&) = default;
};

// What was done to a file, as bits.
enum Doing : std::uint8_t {
  kLooked = 1,    // stat, access, readlink
  kRead = 2,
  kListed = 4,    // opened as a directory
  kWrote = 8,     // changed: opened for writing, truncated, its mode changed
  kMade = 16,     // made, removed or renamed: its directory was changed
  kExecuted = 32,
  kOpenedToMake = 64,  // opened with O_CREAT: made, if it was not there
};

struct FileUse {
  std::string path;  // inside; absolute, normalised
  std::uint8_t doings = 0;
  Use use;

  friend bool operator==(const FileUse&, const FileUse&) = default;
};

struct AddressUse {
  std::string address;  // as network.connect has it
  bool is_bind = false;
  Use use;

  friend bool operator==(const AddressUse&, const AddressUse&) = default;
};

// The most there was at one time.
struct Peaks {
  std::uint64_t tasks = 1;         // processes and threads
  std::uint64_t memory_bytes = 0;  // resident, of one process
  std::uint64_t descriptors = 0;   // of one process

  friend bool operator==(const Peaks&, const Peaks&) = default;
};

struct Observations {
  std::vector<CallUse> calls;
  std::vector<FileUse> files;
  std::vector<AddressUse> addresses;
  Peaks peaks;
  std::optional<std::uint64_t> ready_us;  // READY=1 of sd_notify(3), else the first listen
  std::uint64_t length_us = 0;
  std::uint64_t runs = 1;
  std::uint64_t unlisted = 0;             // files and calls beyond what a recorder holds

  friend bool operator==(const Observations&, const Observations&) = default;
};

// Both, each thing once. Sorted.
Observations unite(Observations one, const Observations& other);

// For the way from the process that watches to the one that writes: a strict text form. An Error
// for anything but what to_wire has made whole.
std::string to_wire(const Observations& observations);
Result<Observations> from_wire(std::string_view text);

}  // namespace sbx::learn
