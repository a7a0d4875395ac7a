// SPDX-License-Identifier: Apache-2.0
#include "cli/policies.h"

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/path.h"
#include "base/text.h"
#include "host/accounts.h"
#include "host/files.h"
#include "policy/toml_reader.h"

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

// What the search path depends on.
std::map<std::string, std::string> environment() {
  std::map<std::string, std::string> variables;
  for (const char* name : {"SBX_POLICY_PATH", "XDG_CONFIG_HOME", "HOME"}) {
    if (const char* value = ::getenv(name)) {
      variables.emplace(name, value);
    }
  }
  return variables;
}

std::string home_of(const std::map<std::string, std::string>& variables) {
  const std::string home = value_of(variables, "HOME");
  struct stat info {};
  if (path::is_absolute(home) && ::stat(home.c_str(), &info) == 0 && info.st_uid == ::getuid()) {
    return home;
  }
  const auto passwd = host::read_file("/etc/passwd");
  const auto account = passwd ? host::find_user(*passwd, ::getuid()) : std::nullopt;
  return account ? account->home : std::string();
}

}  // namespace

policy::SearchPath search_path(const std::map<std::string, std::string>& environment,
                               const std::string& home, const std::string& program) {
  policy::SearchPath search;
  for (const std::string& directory : split(value_of(environment, "SBX_POLICY_PATH"), ':')) {
    append(search.directories, directory);
  }
  const std::string configuration = value_of(environment, "XDG_CONFIG_HOME");
  if (path::is_absolute(configuration)) {
    append(search.directories, path::join(configuration, "sbx/policies"));
  } else if (path::is_absolute(home)) {
    append(search.directories, path::join(home, ".config/sbx/policies"));
  }
  append(search.directories, "/etc/sbx/policies");
  if (path::is_absolute(program)) {
    // In the build tree beside the program, installed beside its bin directory.
    const std::string directory = path::parent(program);
    append(search.installed, path::join(directory, "share/sbx/policies"));
    append(search.installed, path::join(path::parent(directory), "share/sbx/policies"));
  }
  return search;
}

policy::FileSource file_source() {
  policy::FileSource files;
  files.read = [](const std::string& path) {
    return host::read_file(path, policy::kMaxPolicyBytes);
  };
  files.list = [](const std::string& directory) {
    return host::list_directory(directory, ".toml");
  };
  return files;
}

Library open_library() {
  const auto variables = environment();
  return Library{search_path(variables, home_of(variables), program_file()), file_source()};
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
