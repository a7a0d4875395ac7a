// SPDX-License-Identifier: Apache-2.0
// Files of other tools (interop/format.h) where a policy is expected: `sbx import`, and every verb
// that takes a policy's file.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/policies.h"
#include "interop/format.h"
#include "interop/systemd_unit.h"

namespace sbx::cli {

struct Foreign {
  const interop::Format* format = nullptr;
  std::string text;  // the file's
  interop::Import import;
};

struct ForeignRequest {
  std::string file;
  std::string from;            // the format's name; empty: told by the content
  interop::Compat compat = interop::Compat::Runc;
  std::uint64_t capabilities = 0;
};

// What imports see of this machine, each thing looked up once: the profiles of a collection include
// the same files and ask for the same patterns, a thousand times over.
class ForeignFiles {
 public:
  explicit ForeignFiles(std::string home) : home_(std::move(home)) {}

  const std::string& home() const { return home_; }
  Result<std::string> include(const std::string& path);
  std::vector<std::string> existing(const std::string& pattern);

 private:
  std::string home_;
  std::map<std::string, Result<std::string>> texts_;
  std::map<std::string, std::vector<std::string>> patterns_;
};

// True for what names a file that is no TOML: it has a slash or a format's suffix, and does not end
// in .toml.
bool may_be_foreign(const std::string& name);

// True for a service unit: a name NAME.service, or a file that is one.
bool names_unit(const std::string& name);

// The file of a unit's name, looked for where systemd looks if there is no such file here.
std::string find_unit(const std::string& name);

// With its drop-ins.
Result<std::vector<interop::UnitLine>> read_unit_file(const std::string& name);

// `text` is what the file of the request holds. Errors: unknown format, and the format's own.
Result<Foreign> import_text(const ForeignRequest& request, const std::string& text, ForeignFiles& files);

// Errors also: no such file, too large.
Result<Foreign> import_file(const ForeignRequest& request, ForeignFiles& files);

// "profiles/docker.json" → "docker": what the policy made of a file is called.
std::string policy_name(const std::string& file);

// Nothing if the file is no foreign one, but may be a policy.
Result<std::optional<std::vector<policy::PolicyLayer>>> foreign_layers(const std::string& name,
                                                                      const Library& library);

// base, and the import over it.
Result<std::vector<policy::PolicyLayer>> layers_of(const interop::Import& import,
                                                   const Library& library);

}  // namespace sbx::cli
