// SPDX-License-Identifier: Apache-2.0
#include "cli/foreign.h"

#include <glob.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/path.h"
#include "base/text.h"
#include "host/files.h"
#include "host/kernel_version.h"

namespace sbx::cli {
namespace {

std::string known_formats() {
  std::vector<std::string> names;
  for (const interop::Format& format : interop::formats()) {
    if (format.import != nullptr) {
      names.emplace_back(format.name);
    }
  }
  return join(names, ", ");
}

Result<std::string> read_foreign(const std::string& file) {
  auto text = host::read_file(file, interop::kMaxForeignBytes);
  if (!text && text.error().errno_value == EFBIG) {
    return Error{text.error().action, EFBIG, {},
                 "no policy is larger than " + std::to_string(interop::kMaxForeignBytes >> 20) + " MiB"};
  }
  return text;
}

Result<const interop::Format*> choose_format(const ForeignRequest& request, const std::string& text) {
  if (request.from.empty()) {
    if (const auto* format = interop::recognise(text, request.file)) {
      return format;
    }
    return Error{.action = "cannot tell the format of " + request.file,
                 .hint = "say it with --from: " + known_formats()};
  }
  const auto* format = interop::find_format(request.from);
  if (format == nullptr || format->import == nullptr) {
    return Error{.action = "sbx reads no format " + quote(request.from), .hint = known_formats()};
  }
  return format;
}

// GLOB_PERIOD is not among the flags: firejail's "*" does not match what begins with a dot either,
// but for a pattern that begins so itself. A pattern that matches everything is cut, not followed.
std::vector<std::string> look_up(const std::string& pattern) {
  constexpr std::size_t kMost = 1000;
  glob_t found{};
  std::vector<std::string> paths;
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    for (std::size_t i = 0; i < found.gl_pathc && i < kMost; ++i) {
      paths.emplace_back(found.gl_pathv[i]);
    }
  }
  ::globfree(&found);
  return paths;
}

interop::ImportRequest request_for(const ForeignRequest& request, const std::string& text, ForeignFiles& files) {
  interop::ImportRequest asked;
  asked.text = text;
  asked.source = request.file;
  asked.name = policy_name(request.file);
  asked.arch = seccomp::native_arch();
  utsname machine{};
  if (::uname(&machine) == 0) {
    const host::KernelVersion version = host::parse_kernel_version(machine.release);
    asked.kernel_major = static_cast<int>(version.major);
    asked.kernel_minor = static_cast<int>(version.minor);
  }
  asked.capabilities = request.capabilities;
  asked.compat = request.compat;
  asked.read = [&files](const std::string& path) { return files.include(path); };
  asked.glob = [&files](const std::string& pattern) { return files.existing(pattern); };
  asked.home = files.home();
  return asked;
}

}  // namespace

Result<std::string> ForeignFiles::include(const std::string& path) {
  auto known = texts_.find(path);
  if (known == texts_.end()) {
    known = texts_.emplace(path, read_foreign(path)).first;
  }
  return known->second;
}

std::vector<std::string> ForeignFiles::existing(const std::string& pattern) {
  auto known = patterns_.find(pattern);
  if (known == patterns_.end()) {
    known = patterns_.emplace(pattern, look_up(pattern)).first;
  }
  return known->second;
}

std::string policy_name(const std::string& file) {
  const std::string name(path::basename(file));
  const std::size_t dot = name.rfind('.');
  return dot != std::string::npos && dot > 0 ? name.substr(0, dot) : name;
}

bool may_be_foreign(const std::string& name) {
  if (name.ends_with(".toml")) {
    return false;
  }
  if (name.find('/') != std::string::npos) {
    return true;
  }
  for (const interop::Format& format : interop::formats()) {
    for (const std::string& suffix : split(format.suffixes, ' ')) {
      if (!suffix.empty() && name.size() > suffix.size() && name.ends_with(suffix)) {
        return true;
      }
    }
  }
  return false;
}

bool names_unit(const std::string& name) {
  constexpr std::string_view kSuffix = ".service";
  if (name.ends_with(kSuffix) && name.size() > kSuffix.size()) {
    return true;
  }
  const auto text = may_be_foreign(name) ? read_foreign(name) : std::string();
  const auto* format = text ? interop::recognise(*text, name) : nullptr;
  return format != nullptr && format->name == "systemd";
}

std::string find_unit(const std::string& name) {
  if (name.find('/') != std::string::npos || ::access(name.c_str(), F_OK) == 0) {
    return name;
  }
  const std::size_t at = name.find('@');
  const std::string from_template = at == std::string::npos ? name : name.substr(0, at + 1) + name.substr(name.rfind('.'));
  for (const std::string& wanted : {name, from_template}) {
    for (const std::string_view directory : interop::unit_directories()) {
      const std::string file = std::string(directory) + "/" + wanted;
      if (::access(file.c_str(), F_OK) == 0) {
        return file;
      }
    }
  }
  return name;
}

Result<std::vector<interop::UnitLine>> read_unit_file(const std::string& name) {
  const std::string file = find_unit(name);
  const auto text = read_foreign(file);
  if (!text) {
    return text.error();
  }
  return interop::read_whole_unit(*text, file, {read_foreign, look_up});
}

Result<Foreign> import_text(const ForeignRequest& request, const std::string& text, ForeignFiles& files) {
  const auto format = choose_format(request, text);
  if (!format) {
    return format.error();
  }
  auto import = (*format)->import(request_for(request, text, files));
  if (!import) {
    return std::move(import).error();
  }
  return Foreign{*format, text, *std::move(import)};
}

Result<Foreign> import_file(const ForeignRequest& request, ForeignFiles& files) {
  const auto text = read_foreign(request.file);
  if (!text) {
    return text.error();
  }
  return import_text(request, *text, files);
}

Result<std::optional<std::vector<policy::PolicyLayer>>> foreign_layers(const std::string& name,
                                                                      const Library& library) {
  using Layers = std::optional<std::vector<policy::PolicyLayer>>;
  if (!may_be_foreign(name)) {
    return Layers();
  }
  const auto text = read_foreign(name);
  if (!text || interop::recognise(*text, name) == nullptr) {
    return Layers();  // what a policy's file would say of it is the better error
  }
  ForeignFiles files(library.home);
  const auto foreign = import_file({.file = name, .from = {}}, files);
  if (!foreign) {
    return foreign.error();
  }
  auto layers = layers_of(foreign->import, library);
  if (!layers) {
    return std::move(layers).error();
  }
  return Layers(*std::move(layers));
}

Result<std::vector<policy::PolicyLayer>> layers_of(const interop::Import& import,
                                                   const Library& library) {
  auto layers = load("base", library);
  if (!layers) {
    return layers;
  }
  // Imports may extend shipped policies as any other may.
  if (const auto extends = import.layer.values.find(policy::Key::PolicyExtends);
      extends != import.layer.values.end()) {
    for (const policy::Text& parent : std::get<std::vector<policy::Text>>(extends->second)) {
      const auto more = load(parent.value, library);
      if (!more) {
        return more.error();
      }
      for (const policy::PolicyLayer& layer : *more) {
        const bool known = std::any_of(layers->begin(), layers->end(), [&](const auto& other) {
          return other.source == layer.source;
        });
        if (!known) {
          layers->push_back(layer);
        }
      }
    }
  }
  layers->push_back(import.layer);
  return layers;
}

}  // namespace sbx::cli
