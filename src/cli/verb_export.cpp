// SPDX-License-Identifier: Apache-2.0
// sbx export: a policy in the format of another tool, and what is lost on the way.
#include <unistd.h>

#include "base/path.h"
#include "base/text.h"
#include "cli/foreign.h"
#include "cli/output.h"
#include "cli/policies.h"
#include "cli/translation.h"
#include "cli/verbs.h"
#include "host/name_servers.h"
#include "host/probe.h"
#include "interop/format.h"
#include "interop/oci_kept.h"
#include "interop/oci_profile.h"
#include "plan/resolve.h"

namespace sbx::cli {
namespace {

Result<const interop::Format*> format_of(const Command& command) {
  const auto* format = interop::find_format(command.format);
  if (format != nullptr && format->write != nullptr) {
    return format;
  }
  std::vector<std::string_view> names;
  std::vector<std::string> listed;
  for (const interop::Format& one : interop::formats()) {
    if (one.write != nullptr) {
      names.push_back(one.name);
      listed.emplace_back(one.name);
    }
  }
  const auto near = nearest(command.format, names);
  return Error{.action = "sbx writes no format " + quote(command.format),
               .hint = near ? "did you mean " + *near + "?" : join(listed, ", ")};
}

struct Resolved {
  policy::Policy policy;
  plan::LaunchPlan plan;
};

Result<Resolved> resolve_here(const Command& command) {
  const Library library = open_library();
  const auto layers = load(command.operands[0], library);
  if (!layers) {
    return layers.error();
  }
  auto policy = policy::merge(*layers);
  if (!policy) {
    return std::move(policy).error();
  }
  auto facts = host::probe();
  if (!facts) {
    return std::move(facts).error();
  }
  if (policy->asks_host_dns()) {
    facts->name_servers = host::name_servers();
  }
  plan::Request request;
  request.command.assign(command.operands.begin() + 1, command.operands.end());
  // Of no effect on what is written, and perhaps missing on the machine that writes it.
  request.allow_degraded = {"landlock"};
  Status looked;
  auto plan = plan::resolve(*policy, request, *facts, host::probes(looked));
  SBX_TRY(looked);
  if (!plan) {
    return std::move(plan).error();
  }
  return Resolved{*std::move(policy), *std::move(plan)};
}

// What the policy's own file holds; "" if it cannot be read, which the loading has told then.
std::string text_of(const std::string& name_or_file) {
  const Library library = open_library();
  std::string path = name_or_file;
  if (!may_be_foreign(path)) {
    const auto file = policy::find_policy(path, library.search, library.files);
    path = file ? file->path : path;
  }
  auto text = library.files.read(path);
  return text ? *std::move(text) : std::string();
}

// The profile that the policy was made of, if the policy decides the same still, and the format has
// all that it has.
Result<std::optional<interop::Export>> export_kept(const Command& command,
                                                   const interop::Format& format,
                                                   const Resolved& resolved,
                                                   std::vector<interop::Finding>& lost) {
  const bool is_docker = format.write == interop::export_docker;
  if (!is_docker && format.write != interop::export_oci) {
    return std::optional<interop::Export>();
  }
  const std::string profile = interop::kept_profile(text_of(command.operands[0]));
  if (profile.empty()) {
    return std::optional<interop::Export>();
  }
  if (!is_docker && interop::is_docker_dialect(profile)) {
    lost.push_back({interop::Finding::Kind::Changed,
                    "archMap, includes, excludes",
                    "resolved for this machine",
                    "only Docker's dialect has them: --to docker",
                    {}});
    return std::optional<interop::Export>();
  }
  ForeignFiles files({});
  auto foreign = import_text({.file = command.operands[0], .from = "docker"}, profile, files);
  if (!foreign) {
    return std::move(foreign).error();
  }
  if (!decides_the_same(
          prove(resolved.plan.filter, *foreign->import.filter, resolved.policy, resolved.plan))) {
    lost.push_back({interop::Finding::Kind::Dropped,
                    "the profile kept in the policy",
                    {},
                    "the policy decides otherwise by now: what the profile had beside is left out",
                    {}});
    return std::optional<interop::Export>();
  }
  interop::Export written;
  written.text = profile;
  written.filter = std::move(foreign->import.filter);
  return std::optional(std::move(written));
}

// "profile.sh" → "profile".
std::string stem_of(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  return std::string(dot != std::string_view::npos && dot > 0 ? name.substr(0, dot) : name);
}

Status write_out(const Command& command, const interop::Export& written) {
  if (command.output.empty() && !written.files.empty()) {
    return Error{.action = "the format " + command.format + " is of several files",
                 .hint = "say where with -o FILE; the others are written beside it"};
  }
  for (const auto& [suffix, content] : written.files) {
    const std::string name(path::basename(command.output));
    const std::string directory = command.output.substr(0, command.output.size() - name.size());
    if (stem_of(name) + suffix == name) {
      return Error{.action = command.output + " is the name of a file beside it",
                   .hint = "choose another ending"};
    }
    SBX_TRY(write_file(directory + stem_of(name) + suffix, content));
  }
  if (!command.output.empty()) {
    return write_file(command.output, written.text, written.text.starts_with("#!") ? 0777 : 0666);
  }
  return command.json ? Status() : print(written.text);
}

}  // namespace

Result<int> write_export(const Command& command) {
  const auto format = format_of(command);
  if (!format) {
    return format.error();
  }
  const auto resolved = resolve_here(command);
  if (!resolved) {
    return resolved.error();
  }
  std::vector<interop::Finding> lost;
  auto kept = export_kept(command, **format, *resolved, lost);
  if (!kept) {
    return std::move(kept).error();
  }
  const interop::ExportRequest request{.policy = resolved->policy,
                                       .plan = resolved->plan,
                                       .name = resolved->policy.name,
                                       .output = std::string(path::basename(command.output)),
                                       .stem = stem_of(path::basename(command.output))};
  auto written = *kept ? Result<interop::Export>(**std::move(kept)) : (*format)->write(request);
  if (!written) {
    return std::move(written).error();
  }
  written->lost.insert(written->lost.begin(), lost.begin(), lost.end());
  Translation translation;
  translation.title = command.operands[0] + ": policy → " + command.format;
  translation.findings = written->lost;
  if (written->filter && (!command.quiet || command.strict || command.json)) {
    translation.proof =
        prove(resolved->plan.filter, *written->filter, resolved->policy, resolved->plan);
    translation.a = command.operands[0];
    translation.b = "the " + command.format + " text";
  }
  SBX_TRY(write_out(command, *written));
  if (command.json) {
    JsonWriter json;
    json.begin_object();
    json.member("format", command.format);
    json.member("text", written->text);
    write_translation(json, translation);
    json.end_object();
    SBX_TRY(print(json.take()));
  } else if (!command.quiet) {
    write_all(STDERR_FILENO, translation_text(translation));
  }
  return command.strict && has_losses(translation) ? 1 : 0;
}

}  // namespace sbx::cli
