// SPDX-License-Identifier: Apache-2.0
// What the sandboxee will see where: from a path inside to the host's path behind it, by the list of
// mount operations. Serves the search for the program, the working directory and `explain`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "plan/host_facts.h"
#include "plan/mount_op.h"

namespace sbx::plan {

// What lies at a path inside.
struct Seen {
  enum class Kind : std::uint8_t {
    Nothing,   // not there, or only on a tmpfs that starts empty
    Own,       // a directory, file or mount that the plan itself makes
    Host,      // bound from the host: `host_path`
  };
  Kind kind = Kind::Nothing;
  std::string host_path;
  bool read_only = false;
  bool executable = false;   // on a mount from which programs may run
};

// Symbolic links that the plan makes are followed; those on the host's side are the probe's matter.
Seen look(const std::vector<MountOp>& mounts, const std::string& inside);

const std::string& destination_of(const MountOp& op);

// The operation that decides about a path: the deepest destination above it, the last one of these.
const MountOp* deciding(const std::vector<MountOp>& mounts, const std::string& inside);

// The path inside under which a host's file can be seen; nothing if no bind shows it.
std::optional<std::string> inside_path_of(const std::vector<MountOp>& mounts, const std::string& host);

}  // namespace sbx::plan
