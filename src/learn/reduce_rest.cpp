// SPDX-License-Identifier: Apache-2.0
// Network, memory, limits.
#include <algorithm>
#include <charconv>
#include <map>

#include <fmt/format.h>

#include "base/path.h"
#include "base/text.h"
#include "learn/notes.h"
#include "learn/reduction.h"
#include "seccomp/constants.h"

namespace sbx::learn {
namespace {

using policy::Key;

constexpr std::size_t kManyAddresses = 8;

bool ran(const CallUse& call) {
  return call.fate == Fate::Granted || call.fate == Fate::Lacking;
}

std::string_view family_word(std::uint64_t domain) {
  constexpr std::pair<std::string_view, std::string_view> kWords[] = {
      {"AF_UNIX", "unix"}, {"AF_INET", "inet"}, {"AF_INET6", "inet6"}, {"AF_NETLINK", "netlink"}};
  for (const auto& [constant, word] : kWords) {
    if (seccomp::constant_value(constant) == domain) {
      return word;
    }
  }
  return {};
}

// Families of sockets that were made, with who made them.
std::map<std::string, Use> families_of(const Reduction& of) {
  std::map<std::string, Use> families;
  for (const CallUse& call : of.seen.calls) {
    const std::string_view word = call.call == "socket" && ran(call) ? family_word(call.values[0]) : "";
    if (!word.empty()) {
      unite(families[std::string(word)], call.use);
    }
  }
  return families;
}

// The port of "1.2.3.4:80" and "udp:[::1]:53", with "/udp" for the latter.
std::string port_of(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  return address.substr(colon + 1) + (address.starts_with("udp:") ? "/udp" : "");
}

// Ports that the kernel had chosen before, as for a test that looks for a free one: others in the next
// run. What is chosen from is net.ipv4.ip_local_port_range (ip(7)), which every new network
// namespace has anew.
constexpr std::uint64_t kFirstChosen = 32768;
constexpr std::uint64_t kLastChosen = 60999;

void generalise_chosen(std::map<std::string, Use>& ports, bool kernel_chose) {
  for (const std::string_view transport : {"", "/udp"}) {
    std::vector<std::string> chosen;
    for (const auto& [port, use] : ports) {
      std::uint64_t number = 0;
      const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
      if (error == std::errc() && std::string_view(end) == transport && number >= kFirstChosen &&
          number <= kLastChosen) {
        chosen.push_back(port);
      }
    }
    if (chosen.empty() || (chosen.size() == 1 && !kernel_chose)) {
      continue;
    }
    Use all;
    for (const std::string& port : chosen) {
      unite(all, ports[port]);
      ports.erase(port);
    }
    ports[fmt::format("{}-{}{}", kFirstChosen, kLastChosen, transport)] = all;
  }
}

void add_binds(Reduction& to) {
  std::map<std::string, Use> ports;
  bool kernel_chose = false;
  for (const AddressUse& one : to.seen.addresses) {
    const std::string port = port_of(one.address);
    if (!one.is_bind || one.address.starts_with("unix:")) {
      continue;
    }
    if (port == "0" || port == "0/udp") {
      kernel_chose = true;
    } else {
      unite(ports[port], one.use);
    }
  }
  generalise_chosen(ports, kernel_chose);
  for (const auto& [port, use] : ports) {
    to.add(Key::NetworkBind, port, note_of(use, to.seen.ready_us));
  }
  if (ports.empty()) {
    to.add(Key::NetworkBind, "none", "no port was bound");
  } else if (to.base_word(Key::NetworkMode) != "host" && to.seen.ready_us && !ports.begin()->first.ends_with("/udp") &&
             ports.begin()->first.find('-') == std::string::npos &&
             !to.learned.layer.values.contains(Key::NetworkPublish)) {
    to.decide(fmt::format(
        "It listens inside only. To offer port {0} to this host: network.publish = "
        "[\"127.0.0.1:{0}:{0}\"].",
        ports.begin()->first));
  }
}

// Only what lies outside: inside, every address is the sandbox's own. Never wider than BASE.
void add_connects(Reduction& to) {
  struct Outlet {
    Use use;
    std::string entry;
  };
  std::map<std::string, Outlet> addresses;
  for (const AddressUse& one : to.seen.addresses) {
    // Port 0 of a datagram socket asks for a route and sends nothing.
    if (one.is_bind || one.address.ends_with(":0")) {
      continue;
    }
    const AddressAnswer answer = to.where.address(one.address, false);
    const bool is_name_server = port_of(one.address).starts_with("53") &&
                                to.learned.layer.values.contains(Key::NetworkDns);
    if (answer.outside && !is_name_server) {
      Outlet& outlet = addresses[one.address];
      outlet.entry = answer.entry;
      unite(outlet.use, one.use);
    }
  }
  if (addresses.size() > kManyAddresses) {
    std::map<std::string, Outlet> wider;
    for (const auto& [address, outlet] : addresses) {
      const std::size_t colon = address.rfind(':');
      const std::string every = (address.starts_with("udp:") ? "udp:*" : "*") + address.substr(colon);
      unite(wider[outlet.entry.empty() ? every : outlet.entry].use, outlet.use);
    }
    addresses = std::move(wider);
  }
  to.learned.layer.values.erase(Key::NetworkConnect);
  for (const auto& [address, outlet] : addresses) {
    to.add(Key::NetworkConnect, address, note_of(outlet.use, to.seen.ready_us));
  }
  if (addresses.empty()) {
    to.add(Key::NetworkConnect, "none", "nothing was connected to");
  }
}

std::uint64_t power_of_two_above(std::uint64_t value) {
  std::uint64_t power = 1;
  while (power < value) {
    power *= 2;
  }
  return power;
}

void set_limit(Reduction& to, Key key, std::uint64_t peak, std::uint64_t least) {
  const std::uint64_t limit = std::max(least, power_of_two_above(2 * peak));
  const auto held = to.learned.layer.values.find(key);
  if (held == to.learned.layer.values.end() ||
      std::get<policy::Number>(held->second).value > limit) {
    to.learned.layer.values[key] = policy::Number{limit, {}};
    to.learned.comments.beside[{key, ""}] = "at least twice what was seen";
  }
}

bool made_code(const Reduction& of) {
  constexpr std::uint64_t kExec = 4;
  return std::any_of(of.seen.calls.begin(), of.seen.calls.end(), [](const CallUse& call) {
    const bool changes = call.call == "mprotect" || call.call == "pkey_mprotect";
    return ran(call) && ((changes && (call.values[0] & kExec) != 0) ||
                         (call.call == "mmap" && call.values[0] == (kExec | 2)));
  });
}

bool was_called(const Reduction& of, std::string_view name) {
  return std::any_of(of.seen.calls.begin(), of.seen.calls.end(),
                     [&](const CallUse& call) { return ran(call) && call.call == name; });
}

}  // namespace

bool needs_sockets(const Reduction& of) {
  bool sockets = false;
  for (const CallUse& call : of.seen.calls) {
    if (call.call == "socket" && ran(call)) {
      sockets = true;
      if (family_word(call.values[0]) != "unix") {
        return true;
      }
    }
  }
  // A local socket that only looked for what is not there, as for a cache of names.
  return sockets && (was_called(of, "bind") || was_called(of, "sendto") || was_called(of, "sendmsg") ||
                     std::any_of(of.seen.addresses.begin(), of.seen.addresses.end(),
                                 [&](const AddressUse& one) {
                                   constexpr std::string_view kUnix = "unix:";
                                   return one.address.starts_with("unix:@") ||
                                          of.where.kind(one.address.substr(kUnix.size())) !=
                                              FileKind::Missing;
                                 }));
}

void reduce_network(Reduction& to) {
  const auto families = families_of(to);
  const bool internet = families.contains("inet") || families.contains("inet6");
  auto& values = to.learned.layer.values;
  if (!needs_sockets(to)) {
    for (const Key key : {Key::NetworkConnect, Key::NetworkBind, Key::NetworkFamilies, Key::NetworkDns,
                          Key::NetworkPublish, Key::NetworkMode}) {
      values.erase(key);
    }
    to.extend("offline");
    return;
  }
  if (!internet) {
    values.erase(Key::NetworkConnect);
    values.erase(Key::NetworkBind);
    values.erase(Key::NetworkDns);
    if (!families.contains("netlink")) {
      values.erase(Key::NetworkPublish);
      to.set(Key::NetworkMode, "none", "no socket of the internet was made");
    }
  }
  if (!families.empty()) {
    values.erase(Key::NetworkFamilies);
    for (const auto& [family, use] : families) {
      to.add(Key::NetworkFamilies, family, "made sockets of");
    }
  }
  if (internet) {
    values.erase(Key::NetworkBind);
    add_binds(to);
    if (to.base_word(Key::NetworkMode) == "host" || values.contains(Key::NetworkConnect)) {
      add_connects(to);
    }
  }
}

void reduce_rest(Reduction& to) {
  if (to.base_word(Key::MemoryWx) == "allow" && !made_code(to)) {
    to.set(Key::MemoryWx, "deny", "no code was made in memory");
  }
  if (to.base_word(Key::MemoryMemfd) == "allow" && !was_called(to, "memfd_create")) {
    to.set(Key::MemoryMemfd, "deny", "no memfd was made");
  }
  constexpr std::uint64_t kLeastTasks = 16;
  constexpr std::uint64_t kLeastFiles = 64;
  constexpr std::uint64_t kMegabyte = 1 << 20;
  set_limit(to, Key::LimitsProcesses, to.seen.peaks.tasks, kLeastTasks);
  set_limit(to, Key::LimitsFiles, to.seen.peaks.descriptors, kLeastFiles);
  if (to.seen.peaks.memory_bytes != 0) {
    const std::uint64_t megabytes =
        power_of_two_above(to.seen.peaks.memory_bytes / kMegabyte + 1);
    to.decide(fmt::format(
        "The largest process used less than {0} MB: with cgroups, limits.memory = \"{1}M\".",
        megabytes, 2 * megabytes));
  }
}

}  // namespace sbx::learn
