// SPDX-License-Identifier: Apache-2.0
// The way that a path takes on the host, component by component, with every symbolic link on it:
// so that a link can be made again inside, refused, or held in its place.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "plan/host_facts.h"

namespace sbx::plan {

// One component that was passed, by its canonical place.
struct Step {
  std::string place;
  std::optional<LinkFacts> link;  // nothing: a directory, a file, or not there
};

struct Walk {
  std::vector<Step> steps;  // in the order in which the kernel looks at them
  std::string end;          // where it leads; without symbolic links
};

// `path` is absolute. Error: more links than the kernel follows (40, path_resolution(7)).
Result<Walk> walk(const std::string& path, const LinkProbe& link, const Origin& origin);

}  // namespace sbx::plan
