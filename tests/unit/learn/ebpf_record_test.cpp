// SPDX-License-Identifier: Apache-2.0
#include "learn/ebpf_record.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>

#include <catch2/catch.hpp>

#include "learn/argument_classes.h"
#include "learn/path_arguments.h"
#include "seccomp/evaluate.h"
#include "seccomp/everyday.h"
#include "seccomp/syscall_table.h"
#include "seccomp/when.h"

using namespace sbx;
using namespace sbx::learn;

namespace {

constexpr auto kArch = seccomp::Arch::X86_64;

int number(std::string_view call) {
  return *seccomp::number_of(kArch, call);
}

sbx_count once(std::uint64_t at_ns) {
  return {1, at_ns, at_ns, 1};
}

NameUse name_use(std::string_view call, std::string bytes, std::string base = {},
                 std::uint32_t flags = 0) {
  NameUse use;
  use.record.key.number = static_cast<std::uint32_t>(number(call));
  use.record.key.flags = flags;
  use.record.base = base.empty() ? SBX_ABSOLUTE : SBX_KNOWN;
  use.bytes = std::move(bytes);
  use.base = std::move(base);
  use.count = once(2'000'000);
  return use;
}

EbpfRecord record() {
  EbpfRecord record;
  record.start_ns = 1'000'000;
  record.end_ns = 9'000'000;
  record.programs = {"cat"};
  return record;
}

template <typename Address>
std::string bytes_of(const Address& address) {
  std::string bytes(sizeof address, '\0');
  std::memcpy(bytes.data(), &address, sizeof address);
  return bytes;
}

const CallUse* find(const Observations& seen, std::string_view call) {
  const auto found = std::find_if(seen.calls.begin(), seen.calls.end(),
                                  [&](const CallUse& use) { return use.call == call; });
  return found == seen.calls.end() ? nullptr : &*found;
}

}  // namespace

TEST_CASE("ebpf: the kernel's table says of each call what the notify engine's tables say") {
  const auto shapes = shapes_of(kArch, true);
  for (int at = 0; at <= seccomp::highest_number(kArch); ++at) {
    const auto call = seccomp::name_of(kArch, at);
    const sbx_shape& shape = shapes[static_cast<std::size_t>(at)];
    CAPTURE(call);
    CHECK(shape.classes == class_arguments(call).size());
    CHECK(shape.paths == path_arguments(call).size());
    CHECK(shape.skips_below == 0);
    // As count_class of watch.bpf.c does it.
    for (const unsigned long long value : {0ull, 1ull, 6ull, 0x1'0000'0002ull, ~0ull}) {
      std::array<std::uint64_t, 3> values{};
      for (std::size_t i = 0; i < shape.classes; ++i) {
        const std::uint64_t masked = value & shape.mask[i];
        const std::uint64_t read = (shape.width32 >> i & 1) != 0 ? masked & 0xffff'ffff : masked;
        values[i] = (shape.presence >> i & 1) != 0 ? (read != 0 ? 1 : 0) : read;
      }
      CHECK(values == class_of(call, {value, value, value, value, value, value}));
    }
  }
}

TEST_CASE(
    "ebpf: names below an opened directory are left out where the notify engine leaves them out") {
  const auto shapes = shapes_of(kArch, false);
  for (int at = 0; at <= seccomp::highest_number(kArch); ++at) {
    const auto call = seccomp::name_of(kArch, at);
    const auto when = seccomp::everyday_when(call);
    const sbx_shape& shape = shapes[static_cast<std::size_t>(at)];
    if (path_arguments(call).empty() || when.empty()) {
      CHECK(shape.skips_below == 0);
      continue;
    }
    CAPTURE(call);
    if (when == "*") {
      CHECK(shape.paths == 0);
      continue;
    }
    const PathArgument argument = path_arguments(call).front();
    const auto condition = seccomp::parse_when(when, call, {});
    REQUIRE(condition);
    for (const int each : {0, O_DIRECTORY, O_DIRECTORY | O_PATH, O_DIRECTORY | O_WRONLY, O_CREAT,
                           O_DIRECTORY | O_CLOEXEC, O_TMPFILE | O_RDWR}) {
      const auto flags = static_cast<std::uint64_t>(each);
      seccomp_data data{};
      data.args[static_cast<std::size_t>(argument.directory)] = 5;
      if (argument.open_flags >= 0) {
        data.args[static_cast<std::size_t>(argument.open_flags)] = flags;
      }
      const std::uint64_t seen = argument.open_flags >= 0 ? flags : 0;
      const bool skipped = shape.skips_below != 0 && (seen & shape.quiet_mask) == shape.quiet_value;
      CHECK(skipped == seccomp::holds(*condition, data));
    }
  }
}

TEST_CASE("ebpf: what was counted becomes what was observed") {
  EbpfRecord all = record();
  all.numbers = {{number("getuid"), {3, 2'000'000, 5'000'000, 1}},
                 {number("read"), once(2'000'000)},
                 {number("mmap"), once(2'000'000)}};
  all.classes = {{{{4, 0, 0}, static_cast<std::uint32_t>(number("mmap")), 0}, once(3'000'000)},
                 {{{1, 0, 0}, static_cast<std::uint32_t>(number("mmap")), 0}, once(3'000'000)},
                 {{{3, 0, 0}, static_cast<std::uint32_t>(number("fcntl")), 0}, once(3'000'000)},
                 {{{8, 0, 0}, static_cast<std::uint32_t>(number("fcntl")), 0}, once(3'000'000)}};
  all.totals.ready = 4'000'000;
  all.totals.peak_tasks = 3;
  all.totals.peak_pages = 2;
  all.totals.lost_names = 7;
  const Observations seen = observations_of(all, kArch, true);
  REQUIRE(find(seen, "getuid"));
  CHECK(find(seen, "getuid")->use == Use{3, 1000, 4000, {"cat"}});
  CHECK(find(seen, "read"));
  CHECK(seen.calls.size() == 6);
  CHECK(seen.ready_us == 3000);
  CHECK(seen.length_us == 8000);
  CHECK(seen.peaks.tasks == 3);
  CHECK(seen.peaks.memory_bytes == 8192);
  CHECK(seen.unlisted == 7);
  CHECK(seen.runs == 1);
  // Without what the notify engine leaves on the fast path.
  const Observations notable = observations_of(all, kArch, false);
  CHECK_FALSE(find(notable, "read"));
  CHECK(notable.calls.size() == 3);
}

TEST_CASE("ebpf: names are made absolute, and the sandbox's own left out") {
  EbpfRecord all = record();
  all.names = {name_use("openat", "../x", "/srv/www", O_WRONLY | O_CREAT),
               name_use("stat", "/etc//hosts"), name_use("stat", "/proc/self/status"),
               name_use("stat", "gone")};
  all.names.back().record.base = SBX_UNKNOWN;
  const Observations seen = observations_of(all, kArch, false);
  REQUIRE(seen.files.size() == 2);
  CHECK(seen.files[0].path == "/etc/hosts");
  CHECK(seen.files[0].doings == kLooked);
  CHECK(seen.files[1].path == "/srv/x");
  CHECK(seen.files[1].doings == (kWrote | kOpenedToMake));
  CHECK(seen.unlisted == 1);
  using namespace std::string_view_literals;
  CHECK(path_of_components("www\0srv\0"sv) == "/srv/www");
  CHECK(path_of_components("") == "/");
}

TEST_CASE("ebpf: addresses are named as the policy has them") {
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_port = htons(80);
  sockaddr_un local{};
  local.sun_family = AF_UNIX;
  std::strcpy(local.sun_path, "sock");
  EbpfRecord all = record();
  all.names = {name_use("bind", bytes_of(any)), name_use("connect", bytes_of(any)),
               name_use("connect", bytes_of(local), "/run")};
  for (NameUse& use : all.names) {
    use.record.family = AF_INET;
    use.record.type = SOCK_STREAM;
    use.record.protocol = IPPROTO_TCP;
  }
  const Observations seen = observations_of(all, kArch, false);
  REQUIRE(seen.addresses.size() == 3);
  CHECK(seen.addresses[0].address == "0.0.0.0:80");
  CHECK(seen.addresses[0].is_bind);
  CHECK(seen.addresses[1].address == "127.0.0.1:80");
  CHECK(seen.addresses[2].address == "unix:/run/sock");
}

TEST_CASE("ebpf: a call that both engines have seen counts once") {
  Observations kernel;
  kernel.calls = {{"getuid", {}, Fate::Granted, 0, true, {5, 1, 2, {}}},
                  {"msgget", {}, Fate::Granted, 0, true, {2, 1, 2, {}}}};
  kernel.files = {{"/a", kRead, {1, 1, 1, {}}}};
  Observations told;
  told.calls = {{"msgget", {}, Fate::Lacking, 0, true, {2, 1, 2, {}}},
                {"ptrace", {}, Fate::Denied, 1, true, {1, 1, 1, {}}}};
  told.files = {{"/a", kRead, {1, 1, 1, {}}}};
  told.peaks.tasks = 9;
  const Observations both = join_engines(kernel, told);
  REQUIRE(both.calls.size() == 3);
  CHECK(find(both, "msgget")->fate == Fate::Lacking);
  CHECK(find(both, "ptrace")->fate == Fate::Denied);
  CHECK(both.files[0].use.count == 1);
  CHECK(both.peaks.tasks == 9);
  CHECK(both.runs == 1);
}
