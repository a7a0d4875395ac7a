// SPDX-License-Identifier: Apache-2.0
// An address: the socket that it takes, the call on it, and what the network inside reaches.
#include <arpa/inet.h>
#include <sys/socket.h>

#include <optional>

#include <fmt/format.h>

#include "plan/explain.h"
#include "seccomp/syscall_table.h"

namespace sbx::plan {
namespace {

using Family = AddressQuestion::Family;

constexpr int kAbiWithScopes = 6;  // Landlock's of Linux 6.12: abstract sockets
constexpr int kAbiWithPorts = 4;   // of Linux 6.7: TCP ports

CallQuestion call_of(std::string_view name, seccomp::Arch arch) {
  CallQuestion call;
  call.name = call.text = name;
  call.number = seccomp::number_of(arch, name).value_or(-1);
  return call;
}

CallQuestion socket_call(const AddressQuestion& question, seccomp::Arch arch) {
  CallQuestion call = call_of("socket", arch);
  const int domain = question.family == Family::Inet    ? AF_INET
                     : question.family == Family::Inet6 ? AF_INET6
                                                        : AF_UNIX;
  call.arguments[0] = static_cast<std::uint64_t>(domain);
  call.arguments[1] =
      std::uint64_t{question.is_udp ? SOCK_DGRAM : SOCK_STREAM} | std::uint64_t{SOCK_CLOEXEC};
  call.arguments[2] = 0;
  return call;
}

bool is_any(const AddressQuestion& question) {
  return question.family == Family::Inet ? question.host == "0.0.0.0" : question.host == "::";
}

Finding reach(Ruling ruling, std::string reason, const Origin& origin, std::string effect,
              std::string remedy) {
  return {ruling, "network", std::move(reason), origin, std::move(effect), std::move(remedy),
          "",     {}};
}

Destination place_of(const AddressQuestion& question) {
  std::array<std::uint8_t, 16> address{};
  const bool is_ipv6 = question.family == Family::Inet6;
  ::inet_pton(is_ipv6 ? AF_INET6 : AF_INET, question.host.c_str(), address.data());
  const Destination place = destination(question.is_udp ? Transport::Udp : Transport::Tcp, is_ipv6,
                                        address.data(), question.port);
  return question.binds ? place : reached_by(place);
}

// The entry that would allow it, in both ways of saying it.
std::string entry_of(const AddressQuestion& question, std::string_view key, const Destination& place) {
  const std::string entry =
      question.binds ? fmt::format("{}{}", place.port, question.is_udp ? "/udp" : "") : to_text(place);
  return fmt::format("--{} {}, or  network.{} = [\"{}\"]", key, entry, key, entry);
}

// What network.connect or network.bind says, if it decides.
std::optional<Finding> listed(const LaunchPlan& plan, const AddressQuestion& question) {
  const Destination place = place_of(question);
  const std::string_view key = question.binds ? "bind" : "connect";
  const AddressRules& rules = question.binds ? plan.bind : plan.connect;
  const AddressRule* rule = question.binds ? decide_bind(rules, place) : decide_connect(rules, place);
  if (rule != nullptr && (!question.binds || !plan.own_network)) {
    return reach(Ruling::Allowed, fmt::format("network.{} = {}", key, rule->text), rule->origin,
                 !question.binds && plan.own_network ? "connected outside, by the supervisor"
                                                     : "on the host's own network",
                 "");
  }
  if (rule == nullptr && rules.limited && (question.binds || !plan.own_network)) {
    return reach(Ruling::Denied, fmt::format("not in network.{}", key), rules.origin,
                 "fails with EACCES", entry_of(question, key, place));
  }
  return std::nullopt;
}

// What the network namespace makes of an IP address.
Finding internet(const policy::Policy& policy, const LaunchPlan& plan,
                 const AddressQuestion& question) {
  const policy::Text& mode = policy.network_mode;
  const std::string reason = "network.mode = " + mode.value;
  if (auto finding = listed(plan, question)) {
    return *std::move(finding);
  }
  if (!plan.own_network) {
    return reach(Ruling::Allowed, reason, mode.origin, "as far as the host's own network goes", "");
  }
  const std::string remedy = (mode.value == "none" ? "--net private " : "") +
                             entry_of(question, question.binds ? "bind" : "connect", place_of(question));
  // Landlock's rights on TCP ports (ABI 4) come before the network: mode none lists no port.
  const auto& ports = question.binds ? plan.landlock.tcp_bind : plan.landlock.tcp_connect;
  if (!question.is_udp && plan.landlock.abi >= kAbiWithPorts && ports && ports->empty()) {
    return reach(Ruling::Denied, reason, mode.origin, "fails with EACCES", remedy);
  }
  if (question.binds) {
    // With loopback down there is no table of local IPv4 addresses yet, and the kernel takes any
    // (inet_addr_type, Linux 6.18).
    const bool takes_any = !plan.loopback && question.family == Family::Inet;
    const bool is_local = is_any(question) || (plan.loopback && is_loopback(place_of(question)));
    return takes_any || is_local
               ? reach(Ruling::Allowed, reason, mode.origin,
                       plan.loopback ? "to be reached from inside" : "nobody reaches it", "")
               : reach(Ruling::Denied, reason, mode.origin, "fails with EADDRNOTAVAIL",
                       "--net host, or  network.mode = \"host\"");
  }
  if (plan.loopback && is_loopback(place_of(question))) {
    return reach(Ruling::Allowed, reason, mode.origin, "reaches only what listens inside", "");
  }
  return reach(Ruling::Denied, reason, mode.origin, "fails with ENETUNREACH", remedy);
}

// A socket of the host's by its name or path that network.connect lists.
std::optional<Finding> listed_socket(const LaunchPlan& plan, const AddressQuestion& question) {
  const AddressRule* rule = question.binds ? nullptr : decide_unix(plan.connect, question.host);
  if (rule == nullptr) {
    return std::nullopt;
  }
  return reach(Ruling::Allowed, "network.connect = " + rule->text, rule->origin,
               "the host's own socket", "");
}

Finding abstract_name(const policy::Policy& policy, const LaunchPlan& plan,
                      const AddressQuestion& question) {
  const policy::Text& mode = policy.network_mode;
  if (!question.binds && !plan.own_network && plan.connect.limited) {
    return reach(Ruling::Denied, "not in network.connect", plan.connect.origin, "fails with EACCES",
                 fmt::format("--connect unix:{0}, or  network.connect = [\"unix:{0}\"]", question.host));
  }
  const std::string reason = "network.mode = " + mode.value;
  const bool is_own = plan.own_network || plan.landlock.abi >= kAbiWithScopes;
  return reach(Ruling::Allowed, is_own && !plan.own_network ? "Landlock" : reason, mode.origin,
               is_own ? "names of its own: meets only sockets made inside" : "the host's names too",
               "");
}

Finding unix_path(const policy::Policy& policy, const LaunchPlan& plan, const HostView& host,
                  const AddressQuestion& question) {
  // A socket is connected to by write permission on it, which a read-only mount does not take away.
  const auto intent = question.binds ? PathQuestion::Intent::Write : PathQuestion::Intent::Read;
  const Explanation path = explain_path(policy, plan, host, {question.host, intent});
  Finding finding = path.findings.front();
  finding.subject = "path";
  return finding;
}

Finding reached(const policy::Policy& policy, const LaunchPlan& plan, const HostView& host,
                const AddressQuestion& question) {
  if (question.family != Family::Unix) {
    return internet(policy, plan, question);
  }
  if (auto finding = listed_socket(plan, question)) {
    return *std::move(finding);
  }
  return question.host.starts_with('@') ? abstract_name(policy, plan, question)
                                        : unix_path(policy, plan, host, question);
}

void add_publish(const LaunchPlan& plan, const AddressQuestion& question,
                 Explanation& explanation) {
  for (const Publish& entry : plan.publish) {
    if (question.binds && !question.is_udp && question.family != Family::Unix &&
        entry.inside_port == question.port) {
      explanation.findings.push_back(
          {Ruling::Allowed,
           "published",
           "network.publish",
           entry.origin,
           fmt::format("offered outside at {}{}{}:{}", entry.is_ipv6 ? "[" : "", entry.address,
                       entry.is_ipv6 ? "]" : "", entry.outside_port),
           "",
           "",
           {}});
    }
  }
}

}  // namespace

Explanation explain_address(const policy::Policy& policy, const LaunchPlan& plan,
                            const HostView& host, const AddressQuestion& question) {
  Explanation explanation;
  explanation.kind = "address";
  explanation.question = question.text;
  const seccomp::Arch arch = plan.filter.arch;
  for (const CallQuestion& call :
       {socket_call(question, arch), call_of(question.binds ? "bind" : "connect", arch)}) {
    for (Finding& finding : explain_call(policy, plan, call).findings) {
      finding.subject = finding.subject.empty() ? call.name : call.name + " " + finding.subject;
      explanation.findings.push_back(std::move(finding));
    }
  }
  explanation.findings.push_back(reached(policy, plan, host, question));
  add_publish(plan, question, explanation);
  // One refusal is enough.
  explanation.ruling = Ruling::Allowed;
  for (const Finding& finding : explanation.findings) {
    const bool is_case = finding.subject.find(" when ") != std::string::npos ||
                         finding.subject.find(" otherwise") != std::string::npos;
    if (finding.ruling != Ruling::Allowed && explanation.ruling != Ruling::Denied) {
      explanation.ruling = is_case ? Ruling::Depends : Ruling::Denied;
    }
  }
  return explanation;
}

}  // namespace sbx::plan
