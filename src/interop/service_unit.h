// SPDX-License-Identifier: Apache-2.0
// A service unit that runs a program under sbx: the confinement is the policy's, the service's life is
// systemd's. For the system's service manager and for a user's (systemd.service(5), version 252).
#pragma once

#include <string>
#include <vector>

namespace sbx::interop {

struct ServiceUnit {
  std::string name;                  // of the policy, for texts
  std::string sbx;                   // absolute path of the program
  std::string policy;                // as --policy takes it: a name, or an absolute path
  std::vector<std::string> command;  // program first; `args` of the policy are not repeated
};

std::string service_unit_text(const ServiceUnit& unit);

// A word of ExecStart=: quoted where need be, without specifiers and variables (systemd.service(5)).
std::string exec_word(const std::string& word);

}  // namespace sbx::interop
