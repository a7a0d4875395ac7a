// SPDX-License-Identifier: Apache-2.0
#include "policy/library.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>

#include "base/path.h"
#include "base/text.h"
#include "policy/toml_reader.h"
#include "policy/value.h"

namespace sbx::policy {
namespace {

constexpr std::string_view kSuffix = ".toml";
constexpr std::string_view kBase = "base";
constexpr std::size_t kDeepest = 16;  // of extends; far beyond what a reader can follow
// Parents of other policies and postures: none is chosen because a program happens to be called so.
constexpr std::array<std::string_view, 12> kNoPrograms = {
    kBase,    "build",       "client",      "converter", "default",   "interactive",
    "interpreter", "offline", "service",   "strict",    "untrusted", "workdir"};

std::vector<std::string> all_directories(const SearchPath& search) {
  std::vector<std::string> directories = search.directories;
  directories.insert(directories.end(), search.installed.begin(), search.installed.end());
  return directories;
}

bool is_absent(const Error& error) {
  return error.errno_value == ENOENT || error.errno_value == ENOTDIR;
}

// The first directory's file of this name, read. Only "not there" leads on to the next directory: a
// policy that cannot be read must not silently become another one of the same name.
Result<std::optional<PolicyFile>> look_up(const std::string& name,
                                          const std::vector<std::string>& directories,
                                          const FileSource& files) {
  for (const std::string& directory : directories) {
    std::string file = path::join(directory, name + std::string(kSuffix));
    auto text = files.read(file);
    if (text) {
      return std::optional<PolicyFile>(PolicyFile{name, std::move(file), std::move(*text)});
    }
    if (!is_absent(text.error())) {
      return std::move(text).error();
    }
  }
  return std::optional<PolicyFile>();
}

Error no_such_policy(const std::string& name, const Origin& origin, const SearchPath& search,
                     const FileSource& files) {
  const std::vector<PolicyFile> known = list_policies(search, files);
  std::vector<std::string_view> names;
  for (const PolicyFile& file : known) {
    names.push_back(file.name);
  }
  const auto near = nearest(name, names);
  std::string hint = "`sbx list` shows the policies there are; a path has a slash in it";
  if (known.empty()) {
    hint = "no policy was found at all; searched: " + join(all_directories(search), ", ");
  } else if (near) {
    hint = "did you mean " + *near + "?";
  }
  return Error{"no policy is named " + quote(name), 0, origin, hint};
}

// A policy file given as a path: what it is called in errors and by `show`.
Result<PolicyFile> file_at(const std::string& file) {
  std::string name(path::basename(file));
  if (name.ends_with(kSuffix)) {
    name.resize(name.size() - kSuffix.size());
  }
  if (!is_policy_name(name)) {
    return Error{"cannot name a policy after the file " + quote(file),
                 0,
                 {},
                 "rename it to letters, digits and . _ + -, not beginning with . or -"};
  }
  return PolicyFile{name, file};
}

// Collects the layers of one policy: depth first, parents before children, each once.
class Ancestry {
 public:
  Ancestry(const SearchPath& search, const FileSource& files)
      : directories_(all_directories(search)), search_(search), files_(files) {}

  // The policy itself. One that lies outside of the search path goes by its path, so that a file
  // ./nginx.toml can extend the policy nginx.
  Status add(const PolicyFile& file) {
    return add_file(file, is_from_search(file) ? file.name : file.path);
  }

  Status add_named(const std::string& name, const Origin& origin) {
    if (std::find(done_.begin(), done_.end(), name) != done_.end()) {
      return {};
    }
    const auto open = std::find(open_.begin(), open_.end(), name);
    if (open != open_.end()) {
      std::vector<std::string> circle(open, open_.end());
      circle.push_back(name);
      return Error{"policies extend each other in a circle: " + join(circle, " → "), 0, origin,
                   "take one of these extends out"};
    }
    if (open_.size() >= kDeepest) {
      return Error{"extends is nested deeper than " + std::to_string(kDeepest) + " policies", 0,
                   origin, "extend fewer policies, one after the other"};
    }
    auto found = look_up(name, directories_, files_);
    if (!found) {
      return std::move(found).error();
    }
    return *found ? add_file(**found, name) : Status(no_such_policy(name, origin, search_, files_));
  }

  Status add_local(const PolicyFile& policy) {
    if (!is_from_search(policy)) {
      return {};
    }
    auto found = look_up(policy.name + ".local", search_.directories, files_);
    if (!found) {
      return std::move(found).error();
    }
    if (!*found) {
      return {};
    }
    auto layer = read_layer(**found);
    if (!layer) {
      return layer.error();
    }
    if (const auto extends = layer->values.find(Key::PolicyExtends);
        extends != layer->values.end()) {
      const auto& parents = std::get<std::vector<Text>>(extends->second);
      return Error{"a .local policy cannot extend others", 0,
                   parents.empty() ? Origin{layer->source} : parents.front().origin,
                   "it is laid over " + policy.name + "; copy the lines that it needs"};
    }
    layers_.push_back(std::move(*layer));
    return {};
  }

  std::vector<PolicyLayer> take() { return std::move(layers_); }

 private:
  Result<PolicyLayer> read_layer(const PolicyFile& file) const {
    if (file.text) {
      return read_toml(*file.text, file.path, file.name);
    }
    auto text = files_.read(file.path);
    if (!text) {
      return std::move(text).error();
    }
    return read_toml(*text, file.path, file.name);
  }

  bool is_from_search(const PolicyFile& file) const {
    return std::find(directories_.begin(), directories_.end(), path::parent(file.path)) !=
           directories_.end();
  }

  Status add_file(const PolicyFile& file, const std::string& called) {
    auto layer = read_layer(file);
    if (!layer) {
      return layer.error();
    }
    open_.push_back(called);
    if (const auto extends = layer->values.find(Key::PolicyExtends);
        extends != layer->values.end()) {
      for (const Text& parent : std::get<std::vector<Text>>(extends->second)) {
        SBX_TRY(add_named(parent.value, parent.origin));
      }
    }
    open_.pop_back();
    done_.push_back(called);
    layers_.push_back(std::move(*layer));
    return {};
  }

  std::vector<std::string> directories_;
  const SearchPath& search_;
  const FileSource& files_;
  std::vector<std::string> open_;  // the policies whose parents are being read, outermost first
  std::vector<std::string> done_;
  std::vector<PolicyLayer> layers_;
};

// True if the policy's own `programs` has this name. The cheap look at the text first: it is the
// answer for all files but one, and a broken file that does not speak of the program breaks
// nothing.
Result<bool> names_program(const PolicyFile& file, const std::string& program) {
  if (file.text->find(program) == std::string::npos) {
    return false;
  }
  auto layer = read_toml(*file.text, file.path, file.name);
  if (!layer) {
    return std::move(layer).error();
  }
  const auto programs = layer->values.find(Key::PolicyPrograms);
  if (programs == layer->values.end()) {
    return false;
  }
  const auto& names = std::get<std::vector<Text>>(programs->second);
  return std::any_of(names.begin(), names.end(),
                     [&](const Text& name) { return name.value == program; });
}

std::vector<PolicyFile> policies_in(const std::string& directory, const FileSource& files) {
  std::vector<PolicyFile> found;
  for (const std::string& file : files.list(directory)) {
    if (!file.ends_with(kSuffix)) {
      continue;
    }
    std::string name = file.substr(0, file.size() - kSuffix.size());
    if (is_policy_name(name)) {  // not NAME.local
      found.push_back({std::move(name), path::join(directory, file)});
    }
  }
  std::sort(found.begin(), found.end(),
            [](const PolicyFile& a, const PolicyFile& b) { return a.name < b.name; });
  return found;
}

}  // namespace

std::vector<PolicyFile> list_policies(const SearchPath& search, const FileSource& files) {
  std::map<std::string, PolicyFile> by_name;
  for (const std::string& directory : all_directories(search)) {
    for (PolicyFile& file : policies_in(directory, files)) {
      by_name.try_emplace(file.name, file);
    }
  }
  std::vector<PolicyFile> all;
  for (auto& [name, file] : by_name) {
    all.push_back(std::move(file));
  }
  return all;
}

Result<PolicyFile> find_policy(const std::string& name_or_file, const SearchPath& search,
                               const FileSource& files) {
  if (name_or_file.find('/') != std::string::npos || name_or_file.ends_with(kSuffix)) {
    return file_at(name_or_file);
  }
  if (!is_policy_name(name_or_file)) {
    return Error{"no name of a policy: " + quote(name_or_file),
                 0,
                 {},
                 name_or_file.ends_with(".local")
                     ? "a .local file is laid over the policy it is named after; name that one"
                     : "a name has letters, digits and . _ + -; a path has a slash in it"};
  }
  auto found = look_up(name_or_file, all_directories(search), files);
  if (!found) {
    return std::move(found).error();
  }
  if (!*found) {
    return no_such_policy(name_or_file, {}, search, files);
  }
  return std::move(**found);
}

Result<std::optional<PolicyFile>> policy_for_program(const std::string& basename,
                                                     const SearchPath& search,
                                                     const FileSource& files) {
  const bool is_shared =
      std::find(kNoPrograms.begin(), kNoPrograms.end(), basename) != kNoPrograms.end();
  if (is_policy_name(basename) && !is_shared) {
    auto found = look_up(basename, all_directories(search), files);
    if (!found || *found) {
      return found;
    }
  }
  for (const std::string& directory : search.directories) {
    for (PolicyFile& file : policies_in(directory, files)) {
      auto text = files.read(file.path);
      if (!text) {
        continue;  // removed meanwhile or not readable: it can name no program
      }
      file.text = std::move(*text);
      auto named = names_program(file, basename);
      if (!named) {
        return std::move(named).error();
      }
      if (*named) {
        return std::optional<PolicyFile>(std::move(file));
      }
    }
  }
  return std::optional<PolicyFile>();
}

Result<std::vector<PolicyLayer>> load_layers(const PolicyFile& policy, const SearchPath& search,
                                             const FileSource& files) {
  Ancestry ancestry(search, files);
  if (policy.name != kBase) {
    SBX_TRY(ancestry.add_named(std::string(kBase), {}));
  }
  SBX_TRY(ancestry.add(policy));
  SBX_TRY(ancestry.add_local(policy));
  return ancestry.take();
}

}  // namespace sbx::policy
