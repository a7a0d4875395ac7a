// SPDX-License-Identifier: Apache-2.0
// sbx check: everything that can be said of a policy without running it, and without a look at this
// machine: the facts are fixed, so that a policy that passes here passes everywhere.
#include <unistd.h>

#include <cstdlib>

#include "base/text.h"
#include "cli/excerpt.h"
#include "cli/json_writer.h"
#include "cli/output.h"
#include "cli/policies.h"
#include "cli/verbs.h"
#include "plan/expand.h"
#include "seccomp/compile.h"

namespace sbx::cli {
namespace {

struct Finding {
  std::string name;  // as the user gave it
  Error error;       // valid if not `ok`
  bool ok = true;
};

plan::HostFacts fixed_facts() {
  plan::HostFacts facts;
  facts.uid = facts.gid = 1000;
  facts.user_name = "user";
  facts.home = "/home/user";
  facts.cwd = "/";
  facts.os_release = "6.18.0";
  facts.has_mdwe = true;
  facts.has_wait_killable = true;
  facts.arch = seccomp::native_arch();
  return facts;
}

Status check_policy(const std::string& name, const Library& library) {
  auto layers = load(name, library);
  if (!layers) {
    return std::move(layers).error();
  }
  auto policy = policy::merge(*layers);
  if (!policy) {
    return std::move(policy).error();
  }
  const plan::HostFacts facts = fixed_facts();
  if (auto publish = plan::expand_publish(*policy); !publish) {
    return std::move(publish).error();
  }
  if (auto limits = plan::expand_limits(*policy); !limits) {
    return std::move(limits).error();
  }
  if (auto namespaces = plan::expand_namespaces(*policy); !namespaces) {
    return std::move(namespaces).error();
  }
  auto filter = plan::expand_filter(*policy, facts);
  if (!filter) {
    return std::move(filter).error();
  }
  auto program = seccomp::compile(*filter);
  if (!program) {
    return std::move(program).error();
  }
  return seccomp::verify(*filter, *program);
}

std::string as_json(const std::vector<Finding>& findings) {
  JsonWriter json;
  json.begin_array();
  for (const Finding& finding : findings) {
    json.begin_object();
    json.member("policy", finding.name);
    json.key("ok");
    json.boolean(finding.ok);
    if (!finding.ok) {
      const Error& error = finding.error;
      json.member("error", error.action);
      json.member("file", error.origin.source);
      json.key("line");
      json.number(static_cast<unsigned>(error.origin.line));
      json.key("column");
      json.number(static_cast<unsigned>(error.origin.column));
      json.member("hint", error.hint);
    }
    json.end_object();
  }
  json.end_array();
  return json.take();
}

}  // namespace

Result<int> check(const Command& command) {
  const Library library = open_library();
  std::vector<Finding> findings;
  bool all_ok = true;
  for (const std::string& name : command.operands) {
    Finding finding{.name = name, .error = {}, .ok = true};
    if (auto checked = check_policy(name, library); !checked) {
      finding.error = std::move(checked).error();
      finding.ok = all_ok = false;
    }
    findings.push_back(std::move(finding));
  }
  if (command.json) {
    SBX_TRY(print(as_json(findings)));
    return all_ok ? 0 : 1;
  }
  const bool color =
      wants_color(command.color, STDERR_FILENO, ::getenv("NO_COLOR"), ::getenv("TERM"));
  for (const Finding& finding : findings) {
    if (finding.ok) {
      SBX_TRY(print(escape(finding.name) + ": ok\n"));
      continue;
    }
    // The errors are what this verb is for, so it prints them itself, all of them.
    const std::string text = to_text(finding.error, excerpt(finding.error.origin, library.files));
    write_all(STDERR_FILENO, color ? paint(text) : text);
  }
  return all_ok ? 0 : 1;
}

}  // namespace sbx::cli
