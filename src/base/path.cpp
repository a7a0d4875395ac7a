// SPDX-License-Identifier: Apache-2.0
#include "base/path.h"

#include <algorithm>

#include "base/text.h"

namespace sbx::path {

bool is_normal(std::string_view path) {
  if (!path.starts_with('/')) {
    return false;
  }
  for (std::size_t start = 1; start < path.size();) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    const std::string_view component = path.substr(start, end - start);
    if (component.empty() || component == "." || component == ".." || end + 1 == path.size()) {
      return false;
    }
    start = end + 1;
  }
  return true;
}

std::string normalise(std::string_view path, std::string_view base) {
  if (is_normal(path)) {
    return std::string(path);
  }
  std::vector<std::string> kept;
  const std::string whole =
      is_absolute(path) ? std::string(path) : std::string(base) + "/" + std::string(path);
  for (std::string& component : split(whole, '/')) {
    if (component.empty() || component == ".") {
      continue;
    }
    if (component != "..") {
      kept.push_back(std::move(component));
    } else if (!kept.empty()) {
      kept.pop_back();
    }
  }
  return "/" + sbx::join(kept, "/");
}

bool is_absolute(std::string_view path) { return path.starts_with('/'); }

bool is_below(std::string_view path, std::string_view directory) {
  if (directory == "/" || path == directory) {
    return true;
  }
  return path.size() > directory.size() && path.starts_with(directory) &&
         path[directory.size()] == '/';
}

std::string join(std::string_view directory, std::string_view name) {
  std::string joined(directory);
  if (!joined.ends_with('/')) {
    joined += '/';
  }
  return joined.append(name);
}

std::string parent(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string_view::npos ? "/" : std::string(path.substr(0, slash));
}

std::string_view basename(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

int depth(std::string_view path) {
  return path == "/" ? 0 : static_cast<int>(std::count(path.begin(), path.end(), '/'));
}

}  // namespace sbx::path
