// SPDX-License-Identifier: Apache-2.0
// Forty denied calls, each as the event that it becomes: denied_calls.golden. SBX_UPDATE_GOLDEN=1
// rewrites it; review the difference. The caller is this process, so pointers lead somewhere.
#if defined(__x86_64__)
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "seccomp/syscall_table.h"
#include "supervise/denial.h"

namespace sbx::supervise {
namespace {

using Arguments = std::vector<std::uint64_t>;

std::uint64_t pointer(const void* object) {
  return std::bit_cast<std::uintptr_t>(object);
}

struct Addresses {
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  sockaddr_un path{}, abstract{};
  sockaddr_nl netlink{};
  sockaddr_vm vsock{};

  Addresses() {
    v4 = {.sin_family = AF_INET, .sin_port = htons(443), .sin_addr = {htonl(0xc0000201)}, .sin_zero = {}};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(53);
    inet_pton(AF_INET6, "2001:db8::1", &v6.sin6_addr);
    path.sun_family = abstract.sun_family = AF_UNIX;
    std::strcpy(path.sun_path, "/run/a\n\x1b[31m.sock");
    std::memcpy(abstract.sun_path, "\0bus", 4);
    netlink.nl_family = AF_NETLINK;
    vsock.svm_family = AF_VSOCK;
    vsock.svm_cid = 2;
    vsock.svm_port = 1024;
  }
};

const Addresses kAddresses;
const std::string kLong(300, 'x');

struct Row {
  const char* call;
  Arguments arguments;
};

const std::vector<Row>& rows() {
  static const auto text = [](const char* string) { return pointer(string); };
  static const std::vector<Row> kRows{
      // Integers and descriptors.
      {"getpid", {}},
      {"kill", {static_cast<std::uint64_t>(-1), 9}},
      {"setuid", {0}},
      {"setpriority", {0, 0, static_cast<std::uint64_t>(-20)}},
      {"sched_setscheduler", {0, 1, 0}},
      {"ioperm", {0x3f8, 8, 1}},
      {"dup3", {1, 9, O_CLOEXEC}},
      {"ftruncate", {3, 1ull << 40}},
      {"personality", {0x0040000}},
      {"syslog", {3, 0, 0}},
      // Flags and constants.
      {"socket", {AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0x300}},
      {"socket", {0xdead00000000ull | AF_VSOCK, SOCK_STREAM, 0}},
      {"socketpair", {AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, 0}},
      {"mmap", {0, 4096, 7, 0x22, static_cast<std::uint64_t>(-1), 0}},
      {"mprotect", {0x7f0000000000, 8192, 5}},
      {"clone", {0x10000000 | 17, 0, 0, 0, 0}},
      {"unshare", {0x10020000}},
      {"setns", {3, 0x40000000}},
      {"ioctl", {0, 0x5412, 0x1000}},
      {"ioctl", {3, 0x12345678, 0}},
      {"fcntl", {3, 4, O_NONBLOCK}},
      {"prctl", {38, 1, 0, 0, 0}},
      {"ptrace", {16, 4711, 0, 0}},
      {"keyctl", {2, 0, 0, 0, 0}},
      {"perf_event_open", {0, 0, static_cast<std::uint64_t>(-1), static_cast<std::uint64_t>(-1), 8}},
      {"bpf", {5, 0x1000, 120}},
      {"memfd_create", {text("code"), 1}},
      {"userfaultfd", {0x801}},
      {"io_uring_setup", {8, 0x1000}},
      // Strings.
      {"openat", {static_cast<std::uint64_t>(AT_FDCWD), text("/etc/shadow"), O_RDWR | O_CREAT, 0600}},
      {"mount", {text("/dev/sda1"), text("/mnt"), text("ext4"), 0x1001, 0}},
      {"umount2", {text("/proc"), 2}},
      {"symlink", {text("../../etc"), text("here\n")}},
      {"renameat2", {3, text("a"), static_cast<std::uint64_t>(AT_FDCWD), text("b\\\"c"), 1}},
      {"chmod", {text("/bin/\x1b]0;own\x07sh"), 04755}},
      {"chroot", {8}},                       // not mapped
      {"unlink", {pointer(kLong.data())}},   // too long to be shown whole
      // Addresses.
      {"connect", {5, pointer(&kAddresses.v4), sizeof kAddresses.v4}},
      {"connect", {5, pointer(&kAddresses.v6), sizeof kAddresses.v6}},
      {"connect", {5, pointer(&kAddresses.path), sizeof kAddresses.path}},
      {"connect", {5, 8, 16}},               // not mapped
      {"bind", {6, pointer(&kAddresses.abstract), sizeof(sa_family_t) + 4}},
      {"bind", {6, pointer(&kAddresses.netlink), sizeof kAddresses.netlink}},
      {"sendto", {7, 0x1000, 5, MSG_NOSIGNAL, pointer(&kAddresses.vsock), sizeof kAddresses.vsock}},
  };
  return kRows;
}

std::string event_of(const Row& row) {
  seccomp::FilterSpec spec;
  spec.arch = seccomp::Arch::X86_64;
  seccomp::Rule rule;
  rule.purpose = seccomp::Purpose::Default;
  rule.text = "not in allow";
  rule.origin = {"policies/mine.toml", 7, 0};
  seccomp_notif notification{};
  notification.pid = static_cast<__u32>(::getpid());
  notification.data.nr = seccomp::number_of(spec.arch, row.call).value();
  notification.data.arch = seccomp::audit_arch(spec.arch);
  std::copy(row.arguments.begin(), row.arguments.end(), std::begin(notification.data.args));
  events::Denied denied = describe(spec, rule, notification, {});
  denied.actor = {"probe", "/opt/probe", "probe", 2, 4711, 4711};
  denied.place = {"probe", 0x1139, "main", "probe.c", 12};
  denied.callers.clear();
  denied.id = 1;
  denied.first_us = denied.last_us = 1;
  denied.answer = "EPERM";
  for (std::size_t i = 0; i < denied.arguments.size(); ++i) {
    if (denied.arguments[i] > 1ull << 44 && denied.arguments[i] < 1ull << 48) {
      denied.arguments[i] = 0xadd4e55;  // of this process, today
    }
  }
  return events::to_json({1, "20260101-000000.000001-7", "mine", std::move(denied)});
}

}  // namespace

TEST_CASE("forty denied calls and their events", "[golden]") {
  const std::string path = std::string(SBX_SOURCE_DIR) + "/tests/unit/supervise/denied_calls.golden";
  CHECK(rows().size() >= 40);
  std::string text;
  for (const Row& row : rows()) {
    const std::string line = event_of(row);
    const auto event = events::from_json(line);
    REQUIRE(event);
    text += events::to_text(*event) + line + "\n";
  }
  if (std::getenv("SBX_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::binary) << text;
  }
  std::ifstream file(path, std::ios::binary);
  CHECK(text == std::string(std::istreambuf_iterator<char>(file), {}));
}

}  // namespace sbx::supervise
#endif
