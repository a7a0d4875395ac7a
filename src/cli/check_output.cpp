// SPDX-License-Identifier: Apache-2.0
#include "cli/check_output.h"

#include <fmt/format.h>

#include "base/text.h"
#include "cli/json_writer.h"

namespace sbx::cli {
namespace {

// A line of a diff: "+" what the policy would have to say, "-" what it need not.
std::string line(char sign, const learn::Finding& one) {
  return fmt::format("{} {} {}{}\n    {}\n", sign, one.kind, escape(one.what),
                     one.by.empty() ? "" : "  (" + one.by + ")", escape(one.remedy));
}

void write_findings(JsonWriter& json, std::string_view name, const std::vector<learn::Finding>& all,
                    std::string_view remedy) {
  json.key(name);
  json.begin_array();
  for (const learn::Finding& one : all) {
    json.begin_object();
    json.member("kind", one.kind);
    json.member("what", one.what);
    if (!one.by.empty()) {
      json.member("by", one.by);
    }
    json.member(remedy, one.remedy);
    json.end_object();
  }
  json.end_array();
}

// Text of an element or attribute (XML 1.0): nothing of a sandboxee's name is markup, and control
// bytes, which XML cannot hold, are shown as text.
std::string xml(std::string_view text) {
  std::string safe;
  for (const char c : is_utf8(text) ? std::string(text) : escape(text)) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

std::string junit_case(const std::string& policy, std::string_view name, char sign,
                       const std::vector<learn::Finding>& all) {
  std::string text = fmt::format("  <testcase classname=\"{}\" name=\"{}\"", xml(policy), name);
  if (all.empty()) {
    return text + "/>\n";
  }
  text += fmt::format(">\n    <failure message=\"{} found\">", all.size());
  for (const learn::Finding& one : all) {
    text += xml(line(sign, one));
  }
  return text + "</failure>\n  </testcase>\n";
}

}  // namespace

std::string check_text(const CheckResult& result) {
  const std::string name = escape(result.policy);
  if (result.passes()) {
    return fmt::format("{} has all that the run needed{}\n", name,
                       result.strict ? ", and nothing that it did not use" : "");
  }
  std::string text;
  if (!result.lacks.empty()) {
    text += fmt::format("{} lacks what the run needed:\n", name);
    for (const learn::Finding& one : result.lacks) {
      text += line('+', one);
    }
  }
  if (!result.unused.empty()) {
    text += fmt::format("{} grants what the run did not use:\n", name);
    for (const learn::Finding& one : result.unused) {
      text += line('-', one);
    }
  }
  return text;
}

std::string check_json(const CheckResult& result) {
  JsonWriter json;
  json.begin_object();
  json.member("policy", result.policy);
  json.key("passes");
  json.boolean(result.passes());
  write_findings(json, "lacks", result.lacks, "remedy");
  if (result.strict) {
    write_findings(json, "unused", result.unused, "granted");
  }
  json.end_object();
  return json.take();
}

std::string check_junit(const CheckResult& result) {
  const int failures = (result.lacks.empty() ? 0 : 1) + (result.unused.empty() ? 0 : 1);
  std::string text = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"sbx learn --check\" tests=\"{}\" "
      "failures=\"{}\">\n",
      result.strict ? 2 : 1, failures);
  text += junit_case(result.policy, "the policy has all that the run needed", '+', result.lacks);
  if (result.strict) {
    text += junit_case(result.policy, "the run used all that the policy grants", '-', result.unused);
  }
  return text + "</testsuite>\n";
}

}  // namespace sbx::cli
