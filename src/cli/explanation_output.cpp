// SPDX-License-Identifier: Apache-2.0
#include "cli/explanation_output.h"

#include <fmt/format.h>

#include "base/text.h"
#include "cli/json_writer.h"

namespace sbx::cli {
namespace {

using plan::Beaten;
using plan::Finding;

std::string place(const Origin& origin) {
  const std::string text = to_text(origin);
  return text.empty() ? "" : " [" + escape(text) + "]";
}

void append_row(std::string& text, std::string_view indent, std::string_view title,
                const std::string& value) {
  if (!value.empty()) {
    text += fmt::format("{}{:<8} {}\n", indent, title, value);
  }
}

std::string rows(const Finding& finding, std::string_view indent) {
  std::string text;
  append_row(text, indent, "because",
             finding.reason.empty() ? "" : escape(finding.reason) + place(finding.origin));
  append_row(text, indent, "effect", escape(finding.effect));
  append_row(text, indent, "allow it", escape(finding.remedy));
  append_row(text, indent, "but", escape(finding.warning));
  for (const Beaten& beaten : finding.beaten) {
    append_row(text, indent, "beaten",
               fmt::format("{}{}: {}", escape(beaten.text), place(beaten.origin), beaten.why));
  }
  return text;
}

void write_finding(JsonWriter& json, const Finding& finding) {
  json.begin_object();
  json.member("ruling", plan::word(finding.ruling));
  json.member("subject", finding.subject);
  json.member("reason", finding.reason);
  write_origin(json, "origin", finding.origin);
  json.member("effect", finding.effect);
  json.member("remedy", finding.remedy);
  json.member("warning", finding.warning);
  json.key("beaten");
  json.begin_array();
  for (const Beaten& beaten : finding.beaten) {
    json.begin_object();
    json.member("text", beaten.text);
    write_origin(json, "origin", beaten.origin);
    json.member("why", beaten.why);
    json.end_object();
  }
  json.end_array();
  json.end_object();
}

}  // namespace

std::string explanation_text(const plan::Explanation& explanation, const std::string& policy) {
  std::string text = fmt::format("{}: {} under {}\n", plan::word(explanation.ruling),
                                 escape(explanation.question), escape(policy));
  const bool is_single =
      explanation.findings.size() == 1 && explanation.findings.front().subject.empty();
  for (const Finding& finding : explanation.findings) {
    if (!is_single) {
      text += fmt::format("  {:<7} {}\n", plan::word(finding.ruling), escape(finding.subject));
    }
    text += rows(finding, is_single ? "  " : "    ");
  }
  for (const std::string& note : explanation.notes) {
    text += "  note     " + escape(note) + "\n";
  }
  return text;
}

std::string explanation_json(const plan::Explanation& explanation, const std::string& policy) {
  JsonWriter json;
  json.begin_object();
  json.member("policy", policy);
  json.member("kind", explanation.kind);
  json.member("question", explanation.question);
  json.member("ruling", plan::word(explanation.ruling));
  json.key("findings");
  json.begin_array();
  for (const Finding& finding : explanation.findings) {
    write_finding(json, finding);
  }
  json.end_array();
  json.key("notes");
  json.begin_array();
  for (const std::string& note : explanation.notes) {
    json.string(note);
  }
  json.end_array();
  json.end_object();
  return json.take();
}

}  // namespace sbx::cli
