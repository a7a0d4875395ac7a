// SPDX-License-Identifier: Apache-2.0
#include "plan/walk.h"

#include <algorithm>

#include "base/path.h"
#include "base/text.h"

namespace sbx::plan {
namespace {

constexpr int kMaxLinks = 40;

// The components of `path` before what is to be walked already; the next one is the last.
void put_before(const std::string& path, std::vector<std::string>& ahead) {
  std::vector<std::string> components = split(path, '/');
  std::reverse(components.begin(), components.end());
  ahead.insert(ahead.end(), components.begin(), components.end());
}

}  // namespace

Result<Walk> walk(const std::string& path, const LinkProbe& link, const Origin& origin) {
  Walk walk;
  walk.end = "/";
  std::vector<std::string> ahead;
  put_before(path, ahead);
  int links = 0;
  while (!ahead.empty()) {
    const std::string name = std::move(ahead.back());
    ahead.pop_back();
    if (name.empty() || name == ".") {
      continue;
    }
    if (name == "..") {
      walk.end = path::parent(walk.end);
      continue;
    }
    std::string place = path::join(walk.end, name);
    auto found = link(place);
    if (found && ++links > kMaxLinks) {
      return Error{"too many symbolic links on the way to " + path, 0, origin, ""};
    }
    if (found) {
      walk.end = found->target.starts_with('/') ? "/" : walk.end;
      put_before(found->target, ahead);
    } else {
      walk.end = place;
    }
    walk.steps.push_back({std::move(place), std::move(found)});
  }
  return walk;
}

}  // namespace sbx::plan
