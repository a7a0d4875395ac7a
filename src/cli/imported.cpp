// SPDX-License-Identifier: Apache-2.0
#include "cli/imported.h"

#include "interop/oci_kept.h"
#include "interop/oci_profile.h"
#include "plan/neutral_host.h"
#include "plan/resolve.h"
#include "policy/toml_reader.h"

namespace sbx::cli {
namespace {

// What `sbx run` will make of the file.
Result<std::vector<policy::PolicyLayer>> read_back(const std::string& text, const std::string& name,
                                                   const Library& library) {
  auto layer = policy::read_toml(text, name + ".toml", name);
  if (!layer) {
    return std::move(layer).error();
  }
  interop::Import again;
  again.layer = *std::move(layer);
  return layers_of(again, library);
}

}  // namespace

Result<Imported> import_policy(const ForeignRequest& request, ForeignFiles& files,
                               const Library& library, bool proves) {
  auto foreign = import_file(request, files);
  if (!foreign) {
    return std::move(foreign).error();
  }
  Imported imported{
      foreign->format, policy::to_toml(foreign->import.layer, foreign->import.comments), {}};
  if (foreign->format->import == interop::import_oci) {
    imported.text += interop::kept_comment(foreign->text);
  }
  Translation& translation = imported.translation;
  translation.title = request.file + ": " + std::string(foreign->format->name) + " → policy";
  translation.findings = std::move(foreign->import.findings);
  const auto layers = read_back(imported.text, foreign->import.layer.name, library);
  if (!layers) {
    return layers.error();
  }
  const auto policy = policy::merge(*layers);
  if (!policy) {
    return policy.error();
  }
  plan::Request wanted;
  wanted.allow_degraded = {"cgroup"};  // the machine that runs it will say whether it has one
  const auto plan =
      plan::resolve(*policy, wanted, plan::neutral_facts(seccomp::native_arch()),
                    plan::neutral_probes());
  if (!plan) {
    return plan.error();
  }
  if (foreign->import.filter && proves) {
    translation.proof = prove(*foreign->import.filter, plan->filter, *policy, *plan);
    translation.a = request.file;
    translation.b = "the policy";
  }
  return imported;
}

}  // namespace sbx::cli
