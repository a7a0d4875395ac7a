// SPDX-License-Identifier: Apache-2.0
#include "supervise/watch.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <functional>
#include <string>

#include <fmt/format.h>

#include "base/path.h"
#include "seccomp/compile.h"
#include "seccomp/syscall_table.h"
#include "supervise/address_text.h"
#include "supervise/call_names.h"
#include "supervise/denial.h"
#include "supervise/destination.h"
#include "sys/process.h"
#include "sys/process_memory.h"
#include "sys/unique_fd.h"

namespace sbx::supervise {
namespace {

using plan::Want;
using plan::WatchedCall;

const WatchedCall* watched(const plan::LaunchPlan& plan, const seccomp_data& call) {
  const std::string_view name = seccomp::name_of(plan.filter.arch, call.nr);
  const auto calls = plan::watched_calls();
  const auto found = std::find_if(calls.begin(), calls.end(),
                                  [&](const WatchedCall& one) { return one.name == name; });
  return found == calls.end() ? nullptr : &*found;
}

std::string link_text(const std::string& link) {
  std::array<char, PATH_MAX> target{};
  const ssize_t length = ::readlink(link.c_str(), target.data(), target.size());
  return length > 0 ? std::string(target.data(), static_cast<std::size_t>(length)) : std::string();
}

// The caller's path, absolute inside. An empty one is about an open file, which may be none of the
// inside's: what the caller of sbx handed on.
std::optional<std::string> path_of(const WatchedCall& watch, const seccomp_notif& notification) {
  const auto thread = static_cast<pid_t>(notification.pid);
  const auto path = copy_path(thread, notification.data.args[watch.path]);
  if (!path || path->empty()) {
    return std::nullopt;
  }
  const int directory =
      watch.directory < 0 ? AT_FDCWD : static_cast<int>(notification.data.args[watch.directory]);
  return absolute_path(thread, directory, *path);
}

plan::PathLook look_inside(pid_t thread, const std::string& path) {
  plan::PathLook look;
  const sys::UniqueFd found(open_as_seen_by(thread, path));
  look.there = static_cast<bool>(found);
  if (found) {
    look.place = link_text(fmt::format("/proc/self/fd/{}", found.get()));
  } else {
    const sys::UniqueFd parent(open_as_seen_by(thread, std::string(path::parent(path))));
    look.parent_there = static_cast<bool>(parent);
    const std::string place =
        parent ? link_text(fmt::format("/proc/self/fd/{}", parent.get())) : "";
    look.place = path::is_absolute(place)
                     ? path::normalise(place + "/" + std::string(path::basename(path)))
                     : path;
  }
  look.place = path::is_absolute(look.place) ? look.place : path;
  return look;
}

plan::HostLook look_outside(const std::string& path) {
  plan::HostLook look;
  struct stat found {};
  look.there = ::stat(path.c_str(), &found) == 0;
  if (!look.there) {
    return look;
  }
  const auto permits = [&](int mode) {
    return ::faccessat(AT_FDCWD, path.c_str(), mode, AT_EACCESS) == 0;
  };
  look.is_device = S_ISCHR(found.st_mode) || S_ISBLK(found.st_mode);
  look.readable = permits(R_OK);
  look.writable = permits(W_OK);
  look.executable = S_ISREG(found.st_mode) && permits(X_OK);
  return look;
}

Want want_of_flags(std::uint64_t flags) {
  if ((flags & O_PATH) != 0) {
    return Want::Look;
  }
  if ((flags & O_CREAT) != 0) {
    return Want::Make;
  }
  return (flags & O_ACCMODE) == O_RDONLY && (flags & O_TRUNC) == 0 ? Want::Read : Want::Write;
}

Want want_of(const WatchedCall& watch, const seccomp_notif& notification) {
  if (watch.want != Want::Flags) {
    return watch.want;
  }
  std::uint64_t flags = notification.data.args[watch.flags];
  if (watch.name == "openat2") {  // struct open_how, whose first member they are
    std::array<std::uint64_t, 1> copy{};
    const std::int64_t got = sys::copy_memory(static_cast<pid_t>(notification.pid), flags,
                                              std::as_writable_bytes(std::span(copy)));
    flags = got == static_cast<std::int64_t>(sizeof copy) ? copy[0] : 0;
  }
  return want_of_flags(flags);
}

// Of sendmsg and sendmmsg the first message's, from its header. Nothing: it names no address.
std::optional<sys::SocketAddress> address_of(const WatchedCall& watch,
                                             const seccomp_notif& notification) {
  const auto thread = static_cast<pid_t>(notification.pid);
  std::uint64_t pointer = notification.data.args[watch.path];
  std::uint64_t length = notification.data.args[watch.path + 1];
  if (watch.name == "sendmsg" || watch.name == "sendmmsg") {
    msghdr header{};
    const std::int64_t got =
        sys::copy_memory(thread, pointer, std::as_writable_bytes(std::span(&header, 1)));
    if (got != static_cast<std::int64_t>(sizeof header)) {
      return std::nullopt;
    }
    pointer = reinterpret_cast<std::uintptr_t>(header.msg_name);
    length = header.msg_namelen;
  }
  sys::SocketAddress address;
  if (pointer == 0 || copy_address(thread, pointer, length, address) != 0) {
    return std::nullopt;
  }
  return address;
}

std::optional<plan::Refusal> refused_at(const plan::LaunchPlan& plan, const WatchedCall& watch,
                                        const seccomp_notif& notification) {
  const Want want = watch.want;
  const auto thread = static_cast<pid_t>(notification.pid);
  const auto named = address_of(watch, notification);
  if (!named) {
    return std::nullopt;
  }
  const sys::SocketAddress& address = *named;
  if (const std::string path = unix_path(address); !path.empty()) {
    const auto place = absolute_path(thread, AT_FDCWD, path);
    if (!place) {
      return std::nullopt;
    }
    const plan::PathLook look = look_inside(thread, *place);
    return want == Want::Bind ? plan::refused_path(plan, look, Want::Make, look_outside)
                              : plan::refused_socket(plan, look, look_outside);
  }
  const sys::UniqueFd process(open_process_of(thread));
  const sys::UniqueFd socket(
      process ? sys::take_descriptor(process.get(), static_cast<int>(notification.data.args[0]))
              : -1);
  if (!socket || !is_internet_socket(socket.get())) {
    return std::nullopt;
  }
  const auto place = want == Want::Bind ? bound_place(socket.get(), address)
                                        : reached_destination(socket.get(), address);
  return place ? plan::refused_address(plan, *place, want == Want::Bind) : std::nullopt;
}

}  // namespace

std::optional<plan::Refusal> find_refusal(const plan::LaunchPlan& plan,
                                          const seccomp_notif& notification) {
  const WatchedCall* watch = watched(plan, notification.data);
  if (watch == nullptr) {
    return std::nullopt;
  }
  const Want want = want_of(*watch, notification);
  if (want == Want::Connect || want == Want::Bind) {
    return refused_at(plan, *watch, notification);
  }
  const auto path = path_of(*watch, notification);
  if (!path) {
    return std::nullopt;
  }
  return plan::refused_path(plan, look_inside(static_cast<pid_t>(notification.pid), *path), want,
                            look_outside);
}

DenialKey refusal_key(const plan::Refusal& refusal, const seccomp_data& call) {
  // No rule of the filter, and no place in the program: what matters is the object. Two hashes,
  // since one of 64 bits might fold two objects into one.
  static const char kWatch = 0;
  DenialKey key{&kWatch, call.nr, call.arch, 0, {}};
  key.named_arguments[0] = std::hash<std::string>{}(refusal.object);
  key.named_arguments[1] = std::hash<std::string>{}(refusal.answer + "\n" + refusal.object);
  return key;
}

events::Denied describe(const plan::Refusal& refusal, const seccomp::FilterSpec& spec,
                        const seccomp_notif& notification, const ProcessFacts& process) {
  seccomp::Rule rule;
  rule.text = refusal.rule;
  rule.origin = refusal.origin;
  events::Denied denied = describe(spec, rule, notification, process);
  denied.layer = refusal.is_network ? events::Layer::Network : events::Layer::Filesystem;
  denied.object = refusal.object;
  denied.answer = refusal.answer;
  denied.remedy = refusal.remedy;
  return denied;
}

}  // namespace sbx::supervise
