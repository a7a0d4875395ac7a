// SPDX-License-Identifier: Apache-2.0
#include "cli/policies.h"

#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/path.h"
#include "base/text.h"
#include "host/files.h"
#include "policy/toml_reader.h"

extern char** environ;

namespace sbx::cli {
namespace {

// Where this program's file is; empty without procfs.
std::string program_file() {
  std::array<char, PATH_MAX> target{};
  const ssize_t length = ::readlink("/proc/self/exe", target.data(), target.size());
  return length > 0 ? std::string(target.data(), static_cast<std::size_t>(length)) : std::string();
}

void append(std::vector<std::string>& directories, const std::string& directory) {
  const bool known =
      std::find(directories.begin(), directories.end(), directory) != directories.end();
  if (path::is_absolute(directory) && !known) {
    directories.push_back(directory);
  }
}

std::string value_of(const std::map<std::string, std::string>& environment, const char* name) {
  const auto found = environment.find(name);
  return found != environment.end() ? found->second : std::string();
}

}  // namespace

policy::SearchPath search_path(const std::map<std::string, std::string>& environment,
                               const std::string& home, const std::string& program) {
  policy::SearchPath search;
  for (const std::string& directory : split(value_of(environment, "SBX_POLICY_PATH"), ':')) {
    append(search.directories, directory);
  }
  const std::string configuration = value_of(environment, "XDG_CONFIG_HOME");
  append(search.directories, path::is_absolute(configuration)
                                 ? configuration + "/sbx/policies"
                                 : path::join(home, ".config/sbx/policies"));
  append(search.directories, "/etc/sbx/policies");
  if (path::is_absolute(program)) {
    // In the build tree beside the program, installed beside its bin directory.
    const std::string directory = path::parent(program);
    append(search.directories, path::join(directory, "share/sbx/policies"));
    append(search.directories, path::join(path::parent(directory), "share/sbx/policies"));
  }
  return search;
}

Library open_library(const std::map<std::string, std::string>& environment,
                     const std::string& home) {
  Library library;
  library.search = search_path(environment, home, program_file());
  library.files.read = [](const std::string& path) {
    return host::read_file(path, policy::kMaxPolicyBytes);
  };
  library.files.list = [](const std::string& directory) {
    return host::list_directory(directory, ".toml");
  };
  return library;
}

std::map<std::string, std::string> environment() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != 0 && equals != std::string_view::npos) {
      variables.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  return variables;
}

Result<std::vector<policy::PolicyLayer>> load(const std::string& name_or_file,
                                              const Library& library) {
  const auto file = policy::find_policy(name_or_file, library.search, library.files);
  if (!file) {
    return file.error();
  }
  return policy::load_layers(*file, library.search, library.files);
}

}  // namespace sbx::cli
