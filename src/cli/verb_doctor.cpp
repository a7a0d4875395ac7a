// SPDX-License-Identifier: Apache-2.0
// sbx doctor: what this kernel and host allow.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/text.h"
#include "cli/json_writer.h"
#include "cli/output.h"
#include "cli/policies.h"
#include "cli/verbs.h"
#include "host/doctor.h"
#include "learn/ebpf_support.h"

namespace sbx::cli {
namespace {

using host::Finding;

struct Mark {
  std::string_view word;  // in JSON
  std::string_view text;  // in the table
  std::string_view color;
};

Mark mark_of(Finding::State state) {
  switch (state) {
    case Finding::State::Good:
      return {"good", "good   ", "\x1b[32m"};
    case Finding::State::Absent:
      return {"absent", "absent ", "\x1b[33m"};
    case Finding::State::Broken:
      return {"broken", "BROKEN ", "\x1b[1;31m"};
    case Finding::State::Unknown:
      return {"unknown", "unknown", "\x1b[33m"};
    case Finding::State::Note:
      return {"note", "note   ", "\x1b[36m"};
  }
  return {"", "", ""};
}

std::string as_table(const std::vector<Finding>& findings, bool works, bool color) {
  std::size_t width = 0;
  for (const Finding& finding : findings) {
    width = std::max(width, finding.subject.size());
  }
  const std::string indent(width + 11, ' ');
  std::string out;
  for (const Finding& finding : findings) {
    const Mark mark = mark_of(finding.state);
    out.append(color ? mark.color : "").append(mark.text).append(color ? "\x1b[0m" : "");
    out += "  " + finding.subject + std::string(width - finding.subject.size() + 2, ' ') +
           escape(finding.fact) + "\n";
    if (!finding.consequence.empty()) {
      out += indent + escape(finding.consequence) + "\n";
    }
    if (!finding.remedy.empty()) {
      out += indent + "do: " + escape(finding.remedy) + "\n";
    }
  }
  return out +
         (works ? "\nsbx run works here.\n" : "\nsbx run cannot work here: see BROKEN above.\n");
}

std::string as_json(const std::vector<Finding>& findings, bool works) {
  JsonWriter json;
  json.begin_object();
  json.key("works");
  json.boolean(works);
  json.key("findings");
  json.begin_array();
  for (const Finding& finding : findings) {
    json.begin_object();
    json.member("subject", finding.subject);
    json.member("state", mark_of(finding.state).word);
    json.member("fact", finding.fact);
    json.member("consequence", finding.consequence);
    json.member("remedy", finding.remedy);
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return json.take();
}

// Why a command without a policy of its own could not run; empty if it could.
std::string policies_error() {
  const auto layers = load("default", open_library());
  if (layers) {
    return "";
  }
  std::string text = to_text(layers.error());
  return text.substr(0, text.find('\n')).substr(std::string_view("sbx: ").size());
}

// What sbx learn watches with, for whoever asks.
Finding learning_engine() {
  const Status possible = learn::ebpf_possible(learn::ebpf_facts());
  if (possible) {
    return {"eBPF for sbx learn", Finding::State::Good, "possible",
            "programs are watched at nearly their own speed, also those that run already", ""};
  }
  return {"eBPF for sbx learn", Finding::State::Absent, possible.error().action,
          "sbx learn watches by notification; --pid and --unit do not work", possible.error().hint};
}

}  // namespace

Result<int> doctor(const Command& command) {
  auto facts = host::collect();
  if (!facts) {
    return std::move(facts).error();
  }
  facts->policies_error = policies_error();
  auto findings = host::examine(*facts);
  findings.push_back(learning_engine());
  const bool works = std::none_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.state == Finding::State::Broken || finding.state == Finding::State::Unknown;
  });
  const bool color =
      wants_color(command.color, STDOUT_FILENO, ::getenv("NO_COLOR"), ::getenv("TERM"));
  SBX_TRY(print(command.json ? as_json(findings, works) : as_table(findings, works, color)));
  return works ? 0 : 1;
}

}  // namespace sbx::cli
