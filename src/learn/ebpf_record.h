// SPDX-License-Identifier: Apache-2.0
// What the eBPF engine has in the kernel, as values: the table of what to keep of each call, made
// of the same tables as the notify engine's, and the way from what was kept to Observations. Pure.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "learn/bpf/watch_types.h"
#include "learn/observations.h"
#include "seccomp/filter_spec.h"

namespace sbx::learn {

// By number. `every_name`: also of files below an opened directory, as in a walk through a tree.
std::vector<sbx_shape> shapes_of(seccomp::Arch arch, bool every_name);

struct NameUse {
  sbx_record record{};  // without its data
  std::string bytes;    // a path, or a socket address
  std::string base;     // absolute; empty: see record.base
  sbx_count count{};
};

// "/a/b" of components from the last to the first, each with a NUL.
std::string path_of_components(std::string_view components);

struct EbpfRecord {
  std::vector<std::pair<int, sbx_count>> numbers;
  std::vector<std::pair<sbx_class_key, sbx_count>> classes;
  std::vector<NameUse> names;
  std::vector<std::string> programs;  // by index
  sbx_totals totals{};
  std::uint64_t start_ns = 0, end_ns = 0;
  std::uint64_t page_bytes = 4096;
};

// `exact`: every call; else without those that the notify engine leaves on the fast path.
Observations observations_of(const EbpfRecord& record, seccomp::Arch arch, bool exact);

// The kernel names a program by its file, to which a symbolic link (python3) may have led: the command
// is called as the notify engine calls it.
void call_program(Observations& seen, const std::string& file, const std::string& name);

// One run by both engines: the supervisor was told of the calls that the policy lacks or refuses,
// the kernel's half counted all that ran. Each once.
Observations join_engines(Observations kernel, const Observations& supervisor);

}  // namespace sbx::learn
