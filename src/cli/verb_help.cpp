// SPDX-License-Identifier: Apache-2.0
// sbx help, sbx version.
#include "base/text.h"
#include "cli/help.h"
#include "cli/output.h"
#include "cli/parse.h"
#include "cli/policy_schema.h"
#include "cli/verbs.h"

namespace sbx::cli {
namespace {

// One line for each option: verb, names, VALUE or "flag", words of the value; separated by tabs.
std::string dump_options() {
  std::string out;
  for (const VerbInfo& verb : verbs()) {
    out.append("verb\t").append(verb.name).append("\t").append(verb.summary).append("\n");
  }
  for (const TreeOption& option : option_tree()) {
    std::string words;
    for (const OptionInfo& known : options()) {
      if (!option.names.empty() && known.name == option.names.front()) {
        words = join(words_of(known), "|");
      }
    }
    out += "option\t" + (option.verb.empty() ? "-" : option.verb) + "\t" + join(option.names, ",") +
           "\t" + (option.takes_value ? "value" : "flag") + "\t" + words + "\n";
  }
  return out;
}

}  // namespace

Result<int> help(const Command& command) {
  if (command.dump_options) {
    SBX_TRY(print(dump_options()));
  } else {
    SBX_TRY(print(command.help_for ? help_text(*command.help_for) : overview()));
  }
  return 0;
}

Result<int> schema() {
  SBX_TRY(print(policy_schema()));
  return 0;
}

Result<int> version() {
  SBX_TRY(print("sbx " SBX_VERSION "\n"));
  return 0;
}

}  // namespace sbx::cli
