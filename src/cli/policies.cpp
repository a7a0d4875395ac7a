// SPDX-License-Identifier: Apache-2.0
#include "cli/policies.h"

#include "cli/foreign.h"

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

std::string value_of(const std::map<std::string, std::string>& environment, const char* name) {
  const auto found = environment.find(name);
  return found != environment.end() ? found->second : std::string();
}

std::string own_policies(const std::map<std::string, std::string>& environment,
                         const std::string& home) {
  const std::string configuration = value_of(environment, "XDG_CONFIG_HOME");
  return path::is_absolute(configuration) ? path::join(configuration, "sbx/policies")
         : path::is_absolute(home)        ? path::join(home, ".config/sbx/policies")
                                          : std::string();
}

void append(std::vector<std::string>& directories, const std::string& directory) {
  const bool known =
      std::find(directories.begin(), directories.end(), directory) != directories.end();
  if (path::is_absolute(directory) && !known) {
    directories.push_back(directory);
  }
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
  append(search.directories, own_policies(environment, home));
  append(search.directories, "/etc/sbx/policies");
  if (path::is_absolute(program)) {
    // Installed, beside its bin directory; in the build tree, beside the program. Never both: one
    // that is not there could be planted.
    const std::string directory = path::parent(program);
    const bool is_installed = path::basename(directory) == "bin";
    append(search.installed,
           path::join(is_installed ? path::parent(directory) : directory, "share/sbx/policies"));
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

std::string own_home() {
  return home_of(environment());
}

Library open_library() {
  const auto variables = environment();
  const std::string home = home_of(variables);
  const std::string program = program_file();
  return Library{search_path(variables, home, program), file_source(), home, program};
}

std::string own_policies(const Library& library) {
  return own_policies(environment(), library.home);
}

std::vector<plan::OwnPath> own_paths(const Library& library, const plan::HostFacts& facts,
                                     const std::vector<policy::PolicyLayer>& layers) {
  std::vector<plan::OwnPath> own;
  const auto add = [&own](const std::string& path, bool is_file, bool is_secret) {
    const bool is_held = std::any_of(own.begin(), own.end(), [&](const plan::OwnPath& other) {
      return !other.is_file && path::is_below(path, other.path);
    });
    if (path::is_absolute(path) && path != "/" && !is_held) {
      own.push_back({path::normalise(path), is_file, is_secret});
    }
  };
  // Where this run looks, and where one without these variables, or with another HOME, would.
  for (const char* variable :
       {"XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"}) {
    const std::string directory = value_of(facts.environment, variable);
    add(directory.empty() ? "" : path::join(directory, "sbx"), false, true);
  }
  for (const std::string& home : {library.home, facts.home}) {
    for (const char* directory : {".config/sbx", ".local/state/sbx", ".cache/sbx"}) {
      add(path::is_absolute(home) && home != "/" ? path::join(home, directory) : "", false, true);
    }
  }
  for (const auto* directories : {&library.search.directories, &library.search.installed}) {
    for (const std::string& directory : *directories) {
      add(directory, false, false);
    }
  }
  add(library.program, true, false);
  for (const policy::PolicyLayer& layer : layers) {
    add(layer.source.empty() ? "" : path::normalise(layer.source, facts.cwd), true, false);
  }
  return own;
}

Result<std::vector<policy::PolicyLayer>> load(const std::string& name_or_file,
                                              const Library& library) {
  auto foreign = foreign_layers(name_or_file, library);
  if (!foreign) {
    return std::move(foreign).error();
  }
  if (*foreign) {
    return **std::move(foreign);
  }
  const auto file = policy::find_policy(name_or_file, library.search, library.files);
  if (!file) {
    return file.error();
  }
  return policy::load_layers(*file, library.search, library.files);
}

}  // namespace sbx::cli
