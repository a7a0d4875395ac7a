// SPDX-License-Identifier: Apache-2.0
#include "supervise/denial.h"

#include <linux/audit.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include <catch2/catch.hpp>

#include "seccomp/remedy.h"
#include "seccomp/syscall_table.h"
#include "supervise/address_text.h"

using sbx::seccomp::Purpose;
namespace seccomp = sbx::seccomp;
namespace supervise = sbx::supervise;

namespace {

seccomp::FilterSpec native_spec() {
  seccomp::FilterSpec spec;
  spec.arch = seccomp::native_arch();
  return spec;
}

seccomp_data call_of(int number, std::initializer_list<std::uint64_t> arguments = {}) {
  seccomp_data call{};
  call.nr = number;
  call.arch = seccomp::audit_arch(seccomp::native_arch());
  std::copy(arguments.begin(), arguments.end(), std::begin(call.args));
  return call;
}

std::uint64_t pointer(const void* object) {
  return std::bit_cast<std::uintptr_t>(object);
}

}  // namespace

TEST_CASE("arguments are shown by name, strings and addresses by content") {
  const auto spec = native_spec();
  CHECK(supervise::arguments_text(spec, call_of(SYS_socket, {17, 3, 0}), 0)
            .find("AF_PACKET, SOCK_RAW") == 0);
  const char path[] = "/etc/\x1b[31mpass\"wd";
  CHECK(supervise::arguments_text(spec, call_of(SYS_chdir, {pointer(path)}), ::getpid()) ==
        R"("/etc/\x1b[31mpass\"wd")");
  CHECK(supervise::arguments_text(spec, call_of(SYS_chdir, {8}), ::getpid()) == "0x8");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(443);
  address.sin_addr.s_addr = htonl(0x01020304);
  CHECK(supervise::arguments_text(spec,
                                  call_of(SYS_connect, {5, pointer(&address), sizeof address}),
                                  ::getpid()) == "5, 1.2.3.4:443, 16");
}

TEST_CASE("a string that never ends is cut, one before the end of memory is read") {
  const auto spec = native_spec();
  const std::string endless(5000, 'a');
  const std::string text =
      supervise::arguments_text(spec, call_of(SYS_chdir, {pointer(endless.data())}), ::getpid());
  CHECK(text.size() < 160);
  CHECK(text.find("…") != std::string::npos);
  constexpr std::size_t kPage = 4096;
  auto* const pages = static_cast<char*>(
      ::mmap(nullptr, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ::munmap(pages + kPage, kPage);
  char* const last = pages + kPage - 5;
  std::memcpy(last, "/end", 5);
  CHECK(supervise::arguments_text(spec, call_of(SYS_chdir, {pointer(last)}), ::getpid()) ==
        R"("/end")");
  ::munmap(pages, kPage);
}

TEST_CASE("addresses are shown, and refused where the kernel would") {
  sbx::sys::SocketAddress address;
  CHECK(supervise::copy_address(::getpid(), 8, 16, address) == EFAULT);
  CHECK(supervise::copy_address(::getpid(), pointer(&address), 129, address) == EINVAL);
  CHECK(supervise::copy_address(::getpid(), pointer(&address), 0xffffffff, address) == EINVAL);
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, "/run/a\nb", 8);
  CHECK(supervise::copy_address(::getpid(), pointer(&name), sizeof name, address) == 0);
  CHECK(supervise::address_text(address) == "unix:/run/a\\nb");
  CHECK(supervise::unix_path(address) == "/run/a\nb");
  name.sun_path[0] = '\0';
  CHECK(supervise::copy_address(::getpid(), pointer(&name), sizeof(sa_family_t) + 5, address) == 0);
  CHECK(supervise::address_text(address) == "unix:@run/");
  CHECK(supervise::unix_path(address).empty());
}

TEST_CASE("the remedy is the line that would work") {
  const auto spec = native_spec();
  seccomp::Rule rule;
  rule.purpose = Purpose::Default;
  CHECK(to_text(seccomp::remedy_for(spec, call_of(SYS_getpid), rule)) ==
        "sbx run --allow getpid …, or  seccomp.allow = [\"getpid\"]");
  CHECK(seccomp::remedy_for(spec, call_of(SYS_getpid), rule).warning.empty());
  CHECK_FALSE(seccomp::remedy_for(spec, call_of(SYS_ptrace), rule).warning.empty());
  rule.origin.source = "--deny getpid";
  CHECK(to_text(seccomp::remedy_for(spec, call_of(SYS_getpid), rule)) == "leave out --deny getpid");
  rule.condition.kind = seccomp::Condition::Kind::Test;
  CHECK(policy_line(seccomp::remedy_for(spec, call_of(SYS_socket, {17, 3, 0}), rule)) ==
        "seccomp.rule = [{ syscall = \"socket\", when = \"domain == AF_PACKET and type == SOCK_RAW and "
        "protocol == 0\", action = \"allow\" }]");
  rule.purpose = Purpose::WriteExec;
  CHECK(to_text(seccomp::remedy_for(spec, call_of(SYS_mmap), rule)) == "memory.wx = \"allow\"");
  CHECK(to_text(seccomp::remedy_for(spec, call_of(SYS_memfd_create), rule)) ==
        "memory.memfd = \"allow\" with seccomp.allow = [\"memfd_create\"]");
  for (const Purpose purpose :
       {Purpose::Namespaces, Purpose::Publish, Purpose::Unknown, Purpose::PretendUid}) {
    rule.purpose = purpose;
    CHECK(to_text(seccomp::remedy_for(spec, call_of(SYS_clone), rule)).empty());
  }
}
