// SPDX-License-Identifier: Apache-2.0
// sbx import: a policy of another tool's file, and what became of each item of it.
#include <unistd.h>

#include "base/text.h"
#include "cli/foreign.h"
#include "cli/output.h"
#include "cli/translation.h"
#include "cli/verbs.h"
#include "plan/neutral_host.h"
#include "plan/resolve.h"
#include "policy/toml_reader.h"

namespace sbx::cli {
namespace {

// The text as a policy: what `sbx run` will make of the file.
Result<std::vector<policy::PolicyLayer>> read_back(const std::string& text, const Foreign& foreign,
                                                   const Library& library) {
  auto layer = policy::read_toml(text, foreign.import.layer.name + ".toml", foreign.import.layer.name);
  if (!layer) {
    return std::move(layer).error();
  }
  interop::Import again;
  again.layer = *std::move(layer);
  return layers_of(again, library);
}

Result<Translation> translate(const Command& command, const Foreign& foreign, const std::string& text,
                              const Library& library) {
  Translation translation;
  translation.title = command.operands[0] + ": " + std::string(foreign.format->name) + " → policy";
  translation.findings = foreign.import.findings;
  const auto layers = read_back(text, foreign, library);
  if (!layers) {
    return layers.error();
  }
  const auto policy = policy::merge(*layers);
  if (!policy) {
    return policy.error();
  }
  plan::Request request;
  const auto plan = plan::resolve(*policy, request, plan::neutral_facts(seccomp::native_arch()),
                                  plan::neutral_probes());
  if (!plan) {
    return plan.error();
  }
  if (foreign.import.filter && (!command.quiet || command.strict || command.json)) {
    translation.proof = prove(*foreign.import.filter, plan->filter, *policy, *plan);
    translation.a = command.operands[0];
    translation.b = "the policy";
  }
  return translation;
}

}  // namespace

Result<int> import(const Command& command) {
  const Library library = open_library();
  const auto foreign = import_file(
      {.file = command.operands[0], .from = command.format, .compat = command.compat});
  if (!foreign) {
    return foreign.error();
  }
  const std::string text = policy::to_toml(foreign->import.layer, foreign->import.comments);
  const auto translation = translate(command, *foreign, text, library);
  if (!translation) {
    return translation.error();
  }
  if (!command.output.empty()) {
    SBX_TRY(write_file(command.output, text));
  }
  if (command.json) {
    JsonWriter json;
    json.begin_object();
    json.member("format", foreign->format->name);
    json.member("policy", text);
    write_translation(json, *translation);
    json.end_object();
    SBX_TRY(print(json.take()));
  } else {
    if (command.output.empty()) {
      SBX_TRY(print(text));
    }
    if (!command.quiet) {
      write_all(STDERR_FILENO, translation_text(*translation));
    }
  }
  return command.strict && has_losses(*translation) ? 1 : 0;
}

}  // namespace sbx::cli
