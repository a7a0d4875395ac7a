// SPDX-License-Identifier: Apache-2.0
// sbx unit: a service unit that runs a program under a policy.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>

#include "base/path.h"
#include "base/text.h"
#include "cli/output.h"
#include "cli/policies.h"
#include "cli/verbs.h"
#include "interop/service_unit.h"
#include "policy/merge.h"

namespace sbx::cli {
namespace {

// Where services look (systemd.exec(5)).
bool is_program(const std::string& name) {
  constexpr std::array kDirectories{"/usr/local/sbin/", "/usr/local/bin/", "/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"};
  return std::any_of(kDirectories.begin(), kDirectories.end(),
                     [&](const char* directory) { return ::access((directory + name).c_str(), X_OK) == 0; });
}

// The program that the policy is made for: of its own list, else the one of its name.
Result<std::string> own_program(const policy::PolicyLayer& layer) {
  if (const auto found = layer.values.find(policy::Key::PolicyPrograms); found != layer.values.end()) {
    const auto& programs = std::get<std::vector<policy::Text>>(found->second);
    if (!programs.empty()) {
      return programs.front().value;
    }
  }
  if (is_program(layer.name)) {
    return layer.name;
  }
  return Error{.action = "the policy " + layer.name + " names no program, and there is none of its name",
               .hint = "write sbx unit " + layer.name + " COMMAND [ARGUMENT]…"};
}

// As a service finds it again, whoever starts it: the name if the policy lies where all look, else its
// file.
std::string lasting_name(const std::string& operand, const policy::PolicyLayer& layer, const Library& library) {
  auto everybodys = search_path({}, "", library.program);
  everybodys.directories.insert(everybodys.directories.end(), everybodys.installed.begin(), everybodys.installed.end());
  const std::string directory = path::parent(layer.source);
  const auto& all = everybodys.directories;
  const bool found_by_all = std::find(all.begin(), all.end(), directory) != all.end();
  if (found_by_all && operand.find('/') == std::string::npos) {
    return operand;
  }
  std::unique_ptr<char, decltype(&std::free)> real(::realpath(layer.source.c_str(), nullptr), &std::free);
  return real ? std::string(real.get()) : layer.source;
}

}  // namespace

Result<int> unit(const Command& command) {
  const Library library = open_library();
  const std::string& operand = command.operands[0];
  const auto layers = load(operand, library);
  if (!layers) {
    return layers.error();
  }
  const auto policy = policy::merge(*layers);
  if (!policy) {
    return policy.error();
  }
  interop::ServiceUnit unit;
  unit.name = policy->name;
  unit.sbx = library.program;
  unit.policy = lasting_name(operand, layers->back(), library);
  unit.command.assign(command.operands.begin() + 1, command.operands.end());
  if (unit.command.empty()) {
    const auto program = own_program(layers->back());
    if (!program) {
      return program.error();
    }
    unit.command.push_back(*program);
  }
  const std::string text = interop::service_unit_text(unit);
  if (command.output.empty()) {
    SBX_TRY(print(text));
  } else {
    SBX_TRY(write_file(command.output, text));
  }
  return 0;
}

}  // namespace sbx::cli
