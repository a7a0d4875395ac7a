// SPDX-License-Identifier: Apache-2.0
// Exactly what will be done, as data. Everything is decided here; prepare, launch and supervise
// execute it and never see a Policy.
#pragma once

#include <array>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/origin.h"
#include "plan/address_rules.h"
#include "plan/mount_op.h"
#include "seccomp/filter_spec.h"

namespace sbx::plan {

// Who the sandboxee is. The user namespace maps one uid and one gid: `inside` → `outside`.
struct Identity {
  std::uint32_t inside_uid = 0, inside_gid = 0;
  std::uint32_t outside_uid = 0, outside_gid = 0;
  // Started by root: sbx itself becomes outside_uid before it clones, and cannot come back.
  bool leave_root = false;
  std::string user_name, home;
  Origin origin{};

  friend bool operator==(const Identity&, const Identity&) = default;
};

// namespaces(7), as CLONE_NEW* flags.
struct Namespaces {
  std::uint64_t own = 0;               // not shared with the host
  std::uint64_t nested = 0;            // that the command may make; 0: none
  Origin nested_origin{};

  friend bool operator==(const Namespaces&, const Namespaces&) = default;
};

// One file of the sandbox's cgroup.
struct CgroupSetting {
  std::string file;             // "memory.max"
  std::string value;            // as the kernel wants it: "536870912", "150000 100000"
  std::string name;             // the policy's word: "memory"
  std::uint64_t amount = 0;     // the policy's number
  Origin origin{};

  friend bool operator==(const CgroupSetting&, const CgroupSetting&) = default;
};

// One group for all processes inside, below what the user was given. Taken down with the sandbox.
struct Cgroup {
  std::string parent;           // directory; empty: the scope that the user's systemd makes
  bool vacate = false;          // sbx itself is in `parent` and first moves to a group beside
  std::string user_bus, mount;  // where parent is empty: socket, and where version 2 is mounted
  std::vector<std::string> controllers;
  std::vector<CgroupSetting> settings;

  friend bool operator==(const Cgroup&, const Cgroup&) = default;
};

// setrlimit(2); soft and hard alike, but for processor time, whose hard limit is a second later.
struct ResourceLimit {
  int resource = 0;             // RLIMIT_*
  std::string name;             // the policy's word: "processes"
  std::uint64_t value = 0;
  Origin origin{};

  friend bool operator==(const ResourceLimit&, const ResourceLimit&) = default;
};

// publish = ["127.0.0.1:8080:80"]
struct Publish {
  std::string address;          // numeric, IPv4 or IPv6 without brackets: "127.0.0.1", "::1"
  bool is_ipv6 = false;
  std::uint16_t outside_port = 0;
  std::uint16_t inside_port = 0;
  Origin origin{};

  friend bool operator==(const Publish&, const Publish&) = default;
};

// What may be done below a path inside, as the mounts say it; on the host's own tree, of the host's.
struct LandlockRule {
  std::string path;
  bool execute = false;
  bool write = false;          // also create, remove, rename, truncate
  bool device_ioctl = false;
  bool read = false;           // files, and the lists of directories; counts if Landlock::reads

  friend bool operator==(const LandlockRule&, const LandlockRule&) = default;
};

struct Landlock {
  int abi = 0;                 // 0: not applied
  bool paths = true;           // false: no rules on paths, which would forbid nested mounts
  std::vector<LandlockRule> rules;
  bool reads = false;          // reading is held too
  // TCP ports that may be bound and connected to (ABI 4); nothing: not held.
  std::optional<std::vector<std::uint16_t>> tcp_bind, tcp_connect;
  // W^X: what was written to a file that the caller handed on is not read back, and so not mapped.
  bool no_reading_back = false;

  friend bool operator==(const Landlock&, const Landlock&) = default;
};

// In the sixth argument of the one prctl(2) that the launch makes under its own filter, where the
// kernel reads nothing: the filter lets that call wait for the supervisor (launch/sequence.cpp).
inline constexpr std::uint64_t kLaunchMark = 0x7362'7820'6761'7465;
// Something that is closed by default and that the policy opens: what that means, for people.
struct Opening {
  std::string text;
  Origin origin{};

  friend bool operator==(const Opening&, const Opening&) = default;
};

// What becomes of those of the descriptors 0, 1 and 2 that are terminals.
struct Terminal {
  bool own = false;                       // a pseudo-terminal of the sandbox's own devpts, relayed
  std::array<bool, 3> replaces{};         // descriptors that become it
  bool inherits = false;                  // the caller's terminal is handed on as it is
  Origin origin{};

  friend bool operator==(const Terminal&, const Terminal&) = default;
};

// sbx run --explain (plan/watch.h): which calls fail because of the policy, beside those that the
// filter denies.
struct Watch {
  bool on = false;
  std::string network;      // "network.mode = none": what answers for an address that is out of reach
  Origin network_origin{};
};

enum class OnViolation : std::uint8_t { Kill, Errno, Log };

// What the user's log keeps: runs in which something went wrong, or every run.
enum class LogMode : std::uint8_t { None, Problems, All };

// Where events go beside the log and standard error.
struct Sink {
  enum class Kind : std::uint8_t { Journal, Syslog, Descriptor };
  Kind kind = Kind::Journal;
  std::string path;     // Journal, Syslog: a datagram socket outside
  int descriptor = -1;  // Descriptor: one of the caller's
  Origin origin{};

  friend bool operator==(const Sink&, const Sink&) = default;
};

struct Reporting {
  LogMode log = LogMode::Problems;
  std::vector<Sink> sinks;
  std::vector<std::string> notify_command;  // run outside; empty: none
  Origin notify_origin{};

  friend bool operator==(const Reporting&, const Reporting&) = default;
};

// One bare system call of sbx run --self-test (plan/self_test.h).
struct SelfTestAttempt {
  const char* text = "";
  int number = 0;
  std::array<std::uint64_t, 6> arguments{};  // pointers lead to constants of sbx
  bool by_filter = true;  // refused by the filter's own answers; else any error refuses it
  bool is_i386 = false;   // made by int 0x80
};

// The answer to an attempt that was never made: no errno, no value of a call.
inline constexpr std::int64_t kSelfTestNotReached = INT64_MIN;

struct LaunchPlan {
  std::string policy_name;
  std::vector<std::string> policy_sources;

  Identity identity;
  Namespaces namespaces;
  std::uint64_t capabilities = 0;       // kept; bit N is capability N
  bool own_network = true;              // false: network.mode = "host"
  bool loopback = true;                 // bring lo up
  std::string hostname;

  // No namespaces (--allow-degraded userns): Landlock and the filter on the host's own tree.
  bool on_host_tree = false;
  std::string scratch;                  // then: a private directory of the host, gone afterwards

  std::vector<MountOp> mounts;

  Landlock landlock;

  std::vector<ResourceLimit> limits;
  std::optional<Cgroup> cgroup;
  std::optional<std::uint64_t> time_limit_seconds;
  Origin time_limit_origin{};
  std::uint32_t umask = 022;

  std::string program;                  // absolute inside
  std::vector<std::string> argv;        // argv[0] as the user typed it
  std::vector<std::string> environment; // "NAME=value"
  std::string cwd;
  std::vector<int> keep_fds;            // beside 0, 1, 2
  Terminal terminal;

  bool mdwe = false;                    // prctl(PR_SET_MDWE)
  bool wait_killable = false;           // SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
  seccomp::FilterSpec filter;
  seccomp::FilterProgram filter_program;  // compiled and verified
  bool listens = true;                  // false: --allow-degraded notify, nobody is asked or told
  // The filter denies execve: the supervisor lets exactly the first one through.
  bool exec_once = false;
  bool observed = false;                // sbx learn: the supervisor records calls (plan/observe.h)

  std::vector<SelfTestAttempt> self_test;  // not empty: made in place of the command

  std::vector<Publish> publish;
  AddressRules connect;                 // own_network: connected outside; else on the spot
  AddressRules bind;
  OnViolation on_violation = OnViolation::Errno;
  Reporting reporting;
  Watch watch;

  std::vector<Opening> openings;
  std::vector<std::string> degraded;    // layers left out by --allow-degraded, for print and doctor
};

}  // namespace sbx::plan
