// SPDX-License-Identifier: Apache-2.0
// The notify engine's recorder: hears each call that waits for the supervisor, looks at the caller,
// and keeps what reduce.h needs. Bounded, whatever the program does. Nothing here answers a call.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "learn/observations.h"
#include "seccomp/filter_spec.h"
#include "sys/seccomp_notify.h"

namespace sbx::learn {

class Recorder {
 public:
  // `program`: the command's file, for the time before its execve is over. It is called by its name
  // there, although a symbolic link (python3) has another behind it.
  Recorder(seccomp::Arch arch, const std::string& program);
  ~Recorder();

  void take(const seccomp_notif& call, const seccomp::Rule& rule,
            const sys::SeccompListener& listener);

  Observations finish();

 private:
  // What is kept of a call's number; looked up once.
  struct Shape;
  struct CallKey {
    int number = 0;
    std::uint32_t fate = 0;  // Fate, errno and by_policy together
    std::array<std::uint64_t, 3> values{};
    friend bool operator==(const CallKey&, const CallKey&) = default;
  };
  struct CallKeyHash {
    std::size_t operator()(const CallKey& key) const;
  };
  // A Use, with the programs as bits: an index into programs_ each.
  struct Count {
    std::uint64_t count = 0, first_us = 0, last_us = 0, programs = 0;
  };
  struct File {
    std::uint8_t doings = 0;
    Count count;
  };
  const Shape& shape_of(int number);
  std::uint64_t program_bit(pid_t thread);
  void touch(Count& count, std::uint64_t now, std::uint64_t program) const;
  void take_files(const seccomp_notif& call, const Shape& shape,
                  const sys::SeccompListener& listener, std::uint64_t now, std::uint64_t program);
  void take_file(std::string path, std::uint8_t doings, std::uint64_t now, std::uint64_t program);
  void take_address(const seccomp_notif& call, bool is_bind, const sys::SeccompListener& listener,
                    std::uint64_t now, std::uint64_t program);
  // What the filter let start without us: a thread that was not heard of before.
  void take_start(pid_t thread, std::uint64_t now, std::uint64_t program);
  void forget_the_dead();
  void count_tasks();
  void take_tasks(const seccomp_notif& call, const Shape& shape, std::uint64_t now);
  void sample(pid_t thread);
  Use use_of(const Count& count) const;

  seccomp::Arch arch_;
  std::uint64_t start_us_ = 0;
  std::uint64_t last_us_ = 0;
  std::uint64_t next_sample_us_ = 0;
  std::vector<std::string> programs_;
  std::string name_of_file_;  // what programs_[0] is called where links are followed
  std::unordered_map<pid_t, std::size_t> program_of_;  // threads, until their next execve
  std::vector<Shape> shapes_;                          // by number
  std::unordered_map<CallKey, Count, CallKeyHash> calls_;
  std::unordered_map<std::string, File> files_;
  std::map<std::pair<std::string, bool>, Count> addresses_;  // with true: bound
  std::unordered_set<pid_t> threads_;  // heard of, until they end or are found to be gone
  pid_t init_ = 0;                     // the parent of the command, and of all orphans
  std::uint64_t next_count_us_ = 0;
  bool hears_starts_ = false;
  bool has_notified_ = false;  // what ready_us_ says is from sd_notify(3)
  Peaks peaks_;
  std::optional<std::uint64_t> ready_us_;
  std::uint64_t unlisted_ = 0;
};

}  // namespace sbx::learn
