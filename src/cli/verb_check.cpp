// SPDX-License-Identifier: Apache-2.0
// sbx check: everything that can be said of a policy without running it. But for where the home and
// sbx's own files are, the facts are fixed, so that a policy that passes here passes everywhere.
#include <limits.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "base/path.h"
#include "base/text.h"
#include "cli/excerpt.h"
#include "cli/json_writer.h"
#include "cli/output.h"
#include "cli/policies.h"
#include "cli/verbs.h"
#include "plan/check.h"
#include "plan/neutral_host.h"

namespace sbx::cli {
namespace {

// What was found of one policy: an error, or warnings.
struct Finding {
  std::string name;  // as the user gave it
  std::optional<Error> error;
  std::vector<plan::Warning> warnings;
};

std::string current_directory() {
  std::array<char, PATH_MAX> buffer{};
  return ::getcwd(buffer.data(), buffer.size()) != nullptr ? std::string(buffer.data()) : "/";
}

plan::HostFacts fixed_facts(const Library& library) {
  plan::HostFacts facts = plan::neutral_facts(seccomp::native_arch());
  facts.home = path::is_absolute(library.home) ? library.home : facts.home;
  facts.cwd = current_directory();
  return facts;
}

Finding check_policy(const std::string& name, const Library& library) {
  Finding finding{name, {}, {}};
  auto layers = load(name, library);
  if (!layers) {
    finding.error = std::move(layers).error();
    return finding;
  }
  const plan::HostFacts facts = fixed_facts(library);
  auto warnings = plan::check(*layers, facts, own_paths(library, facts, *layers));
  if (!warnings) {
    finding.error = std::move(warnings).error();
  } else {
    finding.warnings = std::move(*warnings);
  }
  return finding;
}

void write_place(JsonWriter& json, const Origin& origin, const std::string& hint) {
  write_origin(json, "file", origin);
  json.key("column");
  json.number(static_cast<unsigned>(origin.column));
  json.member("hint", hint);
}

std::string as_json(const std::vector<Finding>& findings) {
  JsonWriter json;
  json.begin_array();
  for (const Finding& finding : findings) {
    json.begin_object();
    json.member("policy", finding.name);
    json.key("ok");
    json.boolean(!finding.error);
    if (finding.error) {
      json.member("error", finding.error->action);
      write_place(json, finding.error->origin, finding.error->hint);
    }
    json.key("warnings");
    json.begin_array();
    for (const plan::Warning& warning : finding.warnings) {
      json.begin_object();
      json.member("name", policy::info(warning.caution).name);
      json.member("text", warning.text);
      write_place(json, warning.origin, warning.hint);
      json.end_object();
    }
    json.end_array();
    json.end_object();
  }
  json.end_array();
  return json.take();
}

// A warning looks like an error, with its name behind the text.
Error as_error(const plan::Warning& warning) {
  return Error{"warning: " + warning.text + " [" +
                   std::string(policy::info(warning.caution).name) + "]",
               0, warning.origin, warning.hint};
}

// The findings are what this verb is for, so it prints them itself, all of them.
Status print_finding(const Finding& finding, const Library& library, bool color) {
  const auto diagnose = [&](const Error& error) {
    const std::string text = to_text(error, excerpt(error.origin, library.files));
    write_all(STDERR_FILENO, color ? paint(text) : text);
  };
  if (finding.error) {
    diagnose(*finding.error);
    return {};
  }
  for (const plan::Warning& warning : finding.warnings) {
    diagnose(as_error(warning));
  }
  const std::size_t count = finding.warnings.size();
  return print(escape(finding.name) + ": " +
               (count == 0 ? "ok" : std::to_string(count) + (count == 1 ? " warning" : " warnings")) +
               "\n");
}

}  // namespace

Result<int> check(const Command& command) {
  const Library library = open_library();
  std::vector<Finding> findings;
  bool passed = true;
  for (const std::string& name : command.operands) {
    findings.push_back(check_policy(name, library));
    passed = passed && !findings.back().error &&
             (!command.strict || findings.back().warnings.empty());
  }
  if (command.json) {
    SBX_TRY(print(as_json(findings)));
    return passed ? 0 : 1;
  }
  const bool color =
      wants_color(command.color, STDERR_FILENO, ::getenv("NO_COLOR"), ::getenv("TERM"));
  for (const Finding& finding : findings) {
    SBX_TRY(print_finding(finding, library, color));
  }
  return passed ? 0 : 1;
}

}  // namespace sbx::cli
