// SPDX-License-Identifier: Apache-2.0
// The formats of the tools around sbx, in one table: how each is recognised, read and written. The
// file to read first. A foreign file becomes a PolicyLayer like any other source of wishes; an export
// is made of what a policy comes to (LaunchPlan), so that it says what sbx would do.
//
// Nothing is lost silently: every item of the source ends in exactly one Finding of an import, and
// every promise of the policy that a format cannot make in a Finding of an export.
//
// A new format: a file of its own, and a line in format.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "plan/launch_plan.h"
#include "policy/policy.h"
#include "policy/toml_writer.h"
#include "seccomp/filter_spec.h"

namespace sbx::interop {

struct Finding {
  enum class Kind : std::uint8_t {
    Mapped,   // said the same way
    Changed,  // said, but not to the letter: `reason` says what differs
    Dropped,  // not said: `reason` says why
  };
  Kind kind = Kind::Mapped;
  std::string what;    // as the source has it: "ProtectSystem=strict", "syscalls[2]: clone"
  std::string becomes; // Mapped, Changed: what it has become: "filesystem.system = usr"
  std::string reason;  // Changed, Dropped
  Origin origin{};     // of the item in the source

  friend bool operator==(const Finding&, const Finding&) = default;
};

// How a rule of OCI's that tests one argument twice is read: runc makes a rule of each test (any
// will do), the specification's text says that all must hold.
enum class Compat : std::uint8_t { Runc, Strict };

struct ImportRequest {
  std::string_view text;     // the whole file; not checked for anything but its size
  std::string source;        // the file, for Origins
  std::string name;          // what the policy is to be called
  seccomp::Arch arch = seccomp::Arch::X86_64;
  int kernel_major = 0, kernel_minor = 0;  // for what a file makes depend on the kernel
  std::uint64_t capabilities = 0;          // and on capabilities; bit N is capability N
  Compat compat = Compat::Runc;
  // Further files, as includes ask for them by path; an Error with ENOENT if there is none.
  std::function<Result<std::string>(const std::string& path)> read;
  // What exists of an absolute pattern (glob(7)), sorted; formats have them where policies name paths.
  std::function<std::vector<std::string>(const std::string& pattern)> glob;
  std::string home;  // the user's, in what `glob` and `read` take; empty: unknown
};

struct Import {
  policy::PolicyLayer layer;       // Origins are places of the source
  policy::TomlComments comments;   // for the layer written as TOML
  std::vector<Finding> findings;   // in the order of the source
  // What the file itself says about system calls, as the tools that own the format carry it out: the
  // other side of the proof. Nothing if the file says nothing of them.
  std::optional<seccomp::FilterSpec> filter;
};

struct ExportRequest {
  const policy::Policy& policy;
  const plan::LaunchPlan& plan;
  std::string name;    // the policy's
  std::string output;  // the file's name without directory; empty: standard output
  std::string stem;    // the same up to its last dot: what further files are called
};

struct Export {
  std::string text;
  // Further files that the text refers to, by what their names end in, beside the text's own:
  // ".bpf" for profile.sh makes profile.bpf.
  std::map<std::string, std::string> files;
  std::vector<Finding> lost;  // Changed and Dropped only
  // What the text says about system calls, read back; nothing if it says nothing.
  std::optional<seccomp::FilterSpec> filter;
};

struct Format {
  std::string_view name;     // as --from and --to take it
  std::string_view suffixes; // of file names, separated by blanks: ".json"; only a hint
  std::string_view summary;  // for people
  // True if the text looks like this format; never reads it whole. Null: nothing is read.
  bool (*recognise)(std::string_view text, std::string_view source);
  Result<Import> (*import)(const ImportRequest& request);   // null: cannot be read
  Result<Export> (*write)(const ExportRequest& request);    // null: cannot be written
};

std::span<const Format> formats();
const Format* find_format(std::string_view name);

// The format that a file is in, told by its content; null if none claims it.
const Format* recognise(std::string_view text, std::string_view source);

// Largest file that is read.
inline constexpr std::size_t kMaxForeignBytes = 4u << 20;

}  // namespace sbx::interop
