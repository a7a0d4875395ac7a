// SPDX-License-Identifier: Apache-2.0
#include "cli/self_test_report.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "base/text.h"
#include "cli/json_writer.h"
#include "cli/output.h"
#include "plan/self_test.h"

namespace sbx::cli {
namespace {

std::string_view word_of(plan::SelfTestResult::State state) {
  switch (state) {
    case plan::SelfTestResult::State::Refused:
      return "refused";
    case plan::SelfTestResult::State::Allowed:
      return "allowed";
    case plan::SelfTestResult::State::Open:
      return "open";
  }
  return "";
}

std::string self_test_text(const std::vector<plan::SelfTestResult>& results, bool holds) {
  std::string text;
  for (const plan::SelfTestResult& result : results) {
    const bool is_open = result.state == plan::SelfTestResult::State::Open;
    std::string line = std::string("  ") + (is_open ? "OPEN   " : std::string(word_of(result.state))) + "  " +
                       result.text + (result.detail.empty() ? "" : ": " + result.detail);
    const std::string where = to_text(result.origin);
    text += line + (where.empty() ? "" : "  [" + escape(where) + "]") + "\n";
  }
  return text + (holds ? "Everything that the policy does not allow was refused.\n"
                       : "NOT everything was refused: see OPEN above.\n");
}

std::string self_test_json(const std::vector<plan::SelfTestResult>& results, bool holds) {
  JsonWriter json;
  json.begin_object();
  json.key("holds");
  json.boolean(holds);
  json.key("attempts");
  json.begin_array();
  for (const plan::SelfTestResult& result : results) {
    json.begin_object();
    json.member("state", word_of(result.state));
    json.member("attempt", result.text);
    json.member("detail", result.detail);
    json.member("origin", to_text(result.origin));
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return json.take();
}

}  // namespace

Result<int> report_self_test(const plan::LaunchPlan& plan, const std::vector<std::int64_t>& answers,
                             bool as_json) {
  const auto results = plan::judge_self_test(plan, answers);
  const bool holds = std::none_of(results.begin(), results.end(), [](const plan::SelfTestResult& result) {
    return result.state == plan::SelfTestResult::State::Open;
  });
  SBX_TRY(print(as_json ? self_test_json(results, holds) : self_test_text(results, holds)));
  return holds ? 0 : 1;
}

}  // namespace sbx::cli
