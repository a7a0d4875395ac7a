// SPDX-License-Identifier: Apache-2.0
#include "interop/service_unit.h"

#include <array>
#include <string_view>

#include "base/text.h"

namespace sbx::interop {
namespace {

// What is the same for every policy. Directives that take from sbx what it builds sandboxes with are
// left out; the text says which, since a reader will want to add them.
constexpr std::string_view kRest = R"(ExecReload=/bin/kill -HUP $MAINPID
# sbx passes signals on to the program, and what is left inside ends with sbx.
KillMode=mixed
Restart=on-failure
# A program that ended on SIGTERM was stopped (128 + 15); with the others a second try ends the same:
# sbx could not build the sandbox, or found no program.
SuccessExitStatus=143
RestartPreventExitStatus=125 126 127

# Limits of the policy that count all processes need a cgroup of the sandbox's own.
Delegate=yes

# User=: any system user will do, and should be set where the program has files of its own. Without it
# sbx, started by root, becomes a user of its own before it does anything else. DynamicUser= is no way:
# it brings RestrictSUIDSGID=, whose filter refuses openat2(2), with which sbx opens what it mounts.

# For sbx itself; the program has all of it from the policy already.
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
SystemCallArchitectures=native
# Do not add here, since sbx makes the sandbox with it:
#   RestrictNamespaces=, SystemCallFilter=~@mount      namespaces and mounts
#   ProtectProc=, ProcSubset=, ProtectKernelTunables=, ProtectKernelLogs=
#                                                      a procfs of its own needs all of the outer one
#   ProtectHostname=, ProtectControlGroups=            a host name and a cgroup of its own
#   RestrictSUIDSGID=, PrivateUsers=                   openat2(2), and the user's own id
)";

}  // namespace

std::string exec_word(const std::string& word) {
  std::string out;
  bool quotes = word.empty() || word == ";";
  for (const char c : word) {
    if (c == '%' || c == '$') {
      out += c;
    }
    if (c == '"' || c == '\\' || c == '\'') {
      out += '\\';
      quotes = true;
    }
    quotes = quotes || c == ' ' || c == '\t' || c == '\n' || c == '#';
    out += c == '\n' ? std::string("\\n") : c == '\t' ? std::string("\\t") : std::string(1, c);
  }
  return quotes ? "\"" + out + "\"" : out;
}

std::string service_unit_text(const ServiceUnit& unit) {
  std::vector<std::string> line{exec_word(unit.sbx), "run", "--policy", exec_word(unit.policy), "--"};
  for (const std::string& word : unit.command) {
    line.push_back(exec_word(word));
  }
  std::string description;
  for (const char c : escape(unit.name)) {
    description += c == '%' ? std::string("%%") : std::string(1, c);
  }
  return "# " + escape(unit.name) + " in a sandbox of sbx. For the system: /etc/systemd/system/NAME.service; for a user:\n"
         "# ~/.config/systemd/user/NAME.service. What was denied is in the journal, and in sbx why.\n"
         "[Unit]\n"
         "Description=" + description + " in a sandbox\n"
         "After=network.target\n"
         "\n"
         "[Service]\n"
         "# Started is that sbx is running; the program cannot reach the service manager to say more.\n"
         "Type=exec\n"
         "ExecStart=" + join(line, " ") + "\n" + std::string(kRest) +
         "\n"
         "[Install]\n"
         "WantedBy=multi-user.target default.target\n";
}

}  // namespace sbx::interop
