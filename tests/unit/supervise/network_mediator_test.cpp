// SPDX-License-Identifier: Apache-2.0
// Published ports against a live sandbox: what must work, and each way out that an injected socket
// would be. The attacks have their positive control in the first of them.
#include "supervise/network_mediator.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <catch2/catch.hpp>

#include "live_sandbox.h"

using sbx::plan::Publish;
using sbx::seccomp::Mediation;
namespace live = sbx::live;
namespace supervise = sbx::supervise;

namespace {

constexpr std::uint16_t kInside = 8080;

sockaddr_in v4(const char* address, std::uint16_t port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = htons(port);
  ::inet_pton(AF_INET, address, &result.sin_addr);
  return result;
}

sockaddr_in6 v6(const char* address, std::uint16_t port) {
  sockaddr_in6 result{};
  result.sin6_family = AF_INET6;
  result.sin6_port = htons(port);
  ::inet_pton(AF_INET6, address, &result.sin6_addr);
  return result;
}

template <typename T>
const sockaddr* generic(const T& address) {
  return static_cast<const sockaddr*>(static_cast<const void*>(&address));
}

template <typename T>
int bind_to(int socket, const T& address) {
  return ::bind(socket, generic(address), sizeof address) == 0 ? 0 : errno;
}

template <typename T>
int connect_to(int socket, const T& address) {
  return ::connect(socket, generic(address), sizeof address) == 0 ? 0 : errno;
}

int option(int socket, int level, int name) {
  int value = -1;
  socklen_t length = sizeof value;
  return ::getsockopt(socket, level, name, &value, &length) == 0 ? value : -1;
}

void set_option(int socket, int level, int name, int value) {
  ::setsockopt(socket, level, name, &value, sizeof value);
}

// A port of the test's own namespace that nobody has.
std::uint16_t free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  auto address = v4("127.0.0.1", 0);
  socklen_t length = sizeof address;
  bind_to(socket, address);
  ::getsockname(socket, static_cast<sockaddr*>(static_cast<void*>(&address)), &length);
  ::close(socket);
  return ntohs(address.sin_port);
}

Publish published(const char* address, std::uint16_t outside, std::uint16_t inside = kInside) {
  return {address,
          std::strchr(address, ':') != nullptr,
          outside,
          inside,
          {"policies/test.toml", 14, 0}};
}

sbx::plan::LaunchPlan publishing_plan(std::vector<Publish> publish) {
  auto plan = live::plan_asking({SYS_bind}, Mediation::Bind);
  live::add_call(plan, SYS_connect, Mediation::Connect);
  plan.publish = std::move(publish);
  return plan;
}

live::Run run(const sbx::plan::LaunchPlan& plan, const std::function<int()>& inside,
              std::function<void()> outside = {}) {
  live::Options options;
  auto sockets = supervise::open_published(plan.publish);
  if (!sockets) {
    FAIL(to_text(sockets.error()));
  }
  options.published = *std::move(sockets);
  options.outside = std::move(outside);
  auto result = live::run(plan, inside, std::move(options));
  if (!result.outcome) {
    FAIL(to_text(result.outcome.error()));
  }
  return result;
}

int code_of(const live::Run& run) {
  return supervise::exit_code(*run.outcome);
}

std::string notes_of(const live::Run& run) {
  std::string notes;
  for (const auto& event : run.events) {
    if (const auto* note = std::get_if<sbx::events::NetworkNote>(&event.what)) {
      notes += note->text + "\n";
    }
  }
  return notes;
}

// Connects until somebody listens, gets one byte, ends.
std::function<void()> client_of(sockaddr_in address, bool reset = false) {
  return [address, reset] {
    for (int attempt = 0; attempt < 500; ++attempt) {
      const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
      if (connect_to(socket, address) == 0) {
        if (reset) {
          const linger now{1, 0};
          ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &now, sizeof now);
          ::usleep(20'000);
        } else {
          char byte = 0;
          live::shared().numbers[60] = ::recv(socket, &byte, 1, 0) == 1 ? byte : -1;
        }
        ::close(socket);
        return;
      }
      ::close(socket);
      ::usleep(10'000);
    }
  };
}

int accept_within_seconds(int listener) {
  pollfd ready{listener, POLLIN, 0};
  return ::poll(&ready, 1, 5000) == 1 ? ::accept(listener, nullptr, nullptr) : -1;
}

// A listener on the published port, inside.
int open_listener() {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  return bind_to(listener, v4("0.0.0.0", kInside)) == 0 && ::listen(listener, 8) == 0 ? listener
                                                                                      : -1;
}

}  // namespace

TEST_CASE("a taken port is a two-line error with a place and a way on") {
  const int taken = ::socket(AF_INET, SOCK_STREAM, 0);
  const std::uint16_t port = free_port();
  REQUIRE(bind_to(taken, v4("127.0.0.1", port)) == 0);
  REQUIRE(::listen(taken, 1) == 0);
  const auto sockets = supervise::open_published({published("127.0.0.1", port)});
  ::close(taken);
  REQUIRE_FALSE(sockets);
  CHECK(to_text(sockets.error())
            .find("cannot publish 127.0.0.1:" + std::to_string(port) +
                  ": Address already in use (EADDRINUSE) [policies/test.toml:14]") !=
        std::string::npos);
  CHECK(sockets.error().hint.find("-P 127.0.0.1:PORT:8080") != std::string::npos);
}

TEST_CASE("an address of another host cannot be published") {
  const auto sockets = supervise::open_published({published("192.0.2.1", free_port())});
  REQUIRE_FALSE(sockets);
  CHECK(sockets.error().errno_value == EADDRNOTAVAIL);
  CHECK_FALSE(sockets.error().hint.empty());
}

TEST_CASE("a published port serves, and the socket keeps what was set on it") {
  const std::uint16_t port = free_port();
  const auto plan = publishing_plan({published("127.0.0.1", port)});
  const auto result = run(
      plan,
      [] {
        auto& facts = live::shared().numbers;
        const int s = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        set_option(s, IPPROTO_TCP, TCP_NODELAY, 1);
        set_option(s, SOL_SOCKET, SO_KEEPALIVE, 1);
        set_option(s, SOL_SOCKET, SO_RCVBUF, 65536);
        set_option(s, IPPROTO_TCP, TCP_DEFER_ACCEPT, 0);
        set_option(s, IPPROTO_TCP, TCP_USER_TIMEOUT, 1234);
        const linger slow{1, 7};
        ::setsockopt(s, SOL_SOCKET, SO_LINGER, &slow, sizeof slow);
        facts[0] = bind_to(s, v4("0.0.0.0", kInside));
        facts[1] = (::fcntl(s, F_GETFL) & O_NONBLOCK) != 0;
        facts[2] = (::fcntl(s, F_GETFD) & FD_CLOEXEC) != 0;
        facts[3] = option(s, IPPROTO_TCP, TCP_NODELAY);
        facts[4] = option(s, SOL_SOCKET, SO_KEEPALIVE);
        facts[5] = option(s, SOL_SOCKET, SO_RCVBUF);
        facts[6] = option(s, IPPROTO_TCP, TCP_USER_TIMEOUT);
        linger kept{};
        socklen_t length = sizeof kept;
        ::getsockopt(s, SOL_SOCKET, SO_LINGER, &kept, &length);
        facts[7] = kept.l_linger;
        facts[8] = ::listen(s, 8) == 0 ? 0 : errno;
        const int client = accept_within_seconds(s);
        return ::send(client, "x", 1, 0) == 1 ? 0 : 1;
      },
      client_of(v4("127.0.0.1", port)));
  INFO(notes_of(result));
  CHECK(code_of(result) == 0);
  const std::array<int, 9> expected{0, 1, 1, 1, 1, 131072, 1234, 7, 0};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    INFO(i);
    CHECK(live::shared().numbers[i] == expected[i]);
  }
  CHECK(live::shared().numbers[60] == 'x');
}

TEST_CASE("a blocking descriptor without close-on-exec stays one") {
  const auto plan = publishing_plan({published("127.0.0.1", free_port())});
  const auto result = run(plan, [] {
    const int s = ::socket(AF_INET, SOCK_STREAM, 0);
    bind_to(s, v4("127.0.0.1", kInside));
    live::shared().numbers[0] = ::fcntl(s, F_GETFL) & O_NONBLOCK;
    return ::fcntl(s, F_GETFD);
  });
  CHECK(code_of(result) == 0);
  CHECK(live::shared().numbers[0] == 0);
}

TEST_CASE("IPv6 and dual stack follow what the command asked for") {
  struct Row {
    const char* publish;
    const char* bound;
    int only;   // what the command asks for
    int reads;  // what it reads after bind: the kernel sets it for any address but :: and a mapped
                // one
    bool served;
  };
  const auto row = GENERATE(values<Row>({
      {"127.0.0.1", "::", 0, 0, true},  // through the v4-mapped socket
      {"127.0.0.1", "::ffff:0.0.0.0", 0, 0, true},
      {"127.0.0.1", "::", 1, 1, false},  // an IPv6 socket alone cannot serve an IPv4 port
      {"127.0.0.1", "::1", 0, 1, false},
      {"::1", "::", 0, 1, true},
      {"::1", "::", 1, 1, true},
      {"::1", "::1", 1, 1, true},
      {"::", "::", 0, 0, true},
      {"::", "::", 1, 1, true},
  }));
  INFO(row.publish << " " << row.bound << " " << row.only);
  const std::uint16_t port = free_port();
  const auto plan = publishing_plan({published(row.publish, port)});
  const bool is_v4 = std::strchr(row.publish, ':') == nullptr;
  const auto outside = [=] {
    for (int attempt = 0; attempt < 300; ++attempt) {
      const int s = ::socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM, 0);
      const int error =
          is_v4 ? connect_to(s, v4(row.publish, port)) : connect_to(s, v6("::1", port));
      ::close(s);
      if (error == 0) {
        live::shared().numbers[60] = 1;
        return;
      }
      ::usleep(5'000);
    }
  };
  const auto result = run(
      plan,
      [row] {
        auto& facts = live::shared().numbers;
        const int s = ::socket(AF_INET6, SOCK_STREAM, 0);
        set_option(s, IPPROTO_IPV6, IPV6_V6ONLY, row.only);
        facts[0] = bind_to(s, v6(row.bound, kInside));
        facts[1] = option(s, IPPROTO_IPV6, IPV6_V6ONLY);
        ::listen(s, 8);
        pollfd ready{s, POLLIN, 0};
        facts[2] = ::poll(&ready, 1, row.served ? 5000 : 50) == 1;
        return 0;
      },
      row.served ? std::function<void()>(outside) : std::function<void()>());
  CHECK(code_of(result) == 0);
  CHECK(live::shared().numbers[0] == 0);
  CHECK(live::shared().numbers[1] == row.reads);
  CHECK(live::shared().numbers[2] == (row.served ? 1 : 0));
  CHECK(notes_of(result).empty() == row.served);
}

TEST_CASE("a socket for each family, one of them published, is nothing to tell") {
  const auto plan = publishing_plan({published("127.0.0.1", free_port())});
  const auto result = run(plan, [] {
    const int only = ::socket(AF_INET6, SOCK_STREAM, 0);
    set_option(only, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    const int first = bind_to(only, v6("::", kInside));
    return first + bind_to(::socket(AF_INET, SOCK_STREAM, 0), v4("0.0.0.0", kInside));
  });
  CHECK(code_of(result) == 0);
  CHECK(notes_of(result).empty());
}

TEST_CASE("a port can be bound again after a close, and by several with SO_REUSEPORT") {
  const std::uint16_t port = free_port();
  const auto plan = publishing_plan({published("127.0.0.1", port)});
  const auto result = run(
      plan,
      [] {
        auto& facts = live::shared().numbers;
        const int first = open_listener();
        ::close(first);
        const int second = ::socket(AF_INET, SOCK_STREAM, 0);
        set_option(second, SOL_SOCKET, SO_REUSEPORT, 1);
        facts[0] = bind_to(second, v4("0.0.0.0", kInside));
        facts[1] = ::listen(second, 8);
        const int third = ::socket(AF_INET, SOCK_STREAM, 0);
        set_option(third, SOL_SOCKET, SO_REUSEPORT, 1);
        facts[2] = bind_to(third, v4("0.0.0.0", kInside));
        facts[3] = ::listen(third, 8);
        pollfd ready[] = {{second, POLLIN, 0}, {third, POLLIN, 0}};
        const int fd = ::poll(ready, 2, 5000) == 1 ? ready[0].revents != 0 ? second : third : -1;
        return ::send(::accept(fd, nullptr, nullptr), "y", 1, 0) == 1 ? 0 : 1;
      },
      client_of(v4("127.0.0.1", port)));
  INFO(notes_of(result));
  CHECK(code_of(result) == 0);
  CHECK(live::shared().numbers[0] == 0);
  CHECK(live::shared().numbers[1] == 0);
  CHECK(live::shared().numbers[2] == 0);
  CHECK(live::shared().numbers[3] == 0);
  CHECK(live::shared().numbers[60] == 'y');
}

TEST_CASE("other binds stay inside and behave as ever") {
  const auto plan = publishing_plan({published("127.0.0.1", free_port())});
  const auto result = run(plan, [] {
    auto& facts = live::shared().numbers;
    facts[0] = bind_to(::socket(AF_INET, SOCK_STREAM, 0), v4("127.0.0.1", 9999));
    facts[1] = bind_to(::socket(AF_INET, SOCK_STREAM, 0), v4("192.0.2.7", 9998));
    facts[2] = bind_to(::socket(AF_INET, SOCK_DGRAM, 0), v4("127.0.0.1", kInside));
    facts[3] = bind_to(::open("/dev/null", O_RDONLY), v4("127.0.0.1", 1));
    facts[4] = bind_to(99, v4("127.0.0.1", 1));
    facts[5] = ::bind(::socket(AF_INET, SOCK_STREAM, 0), nullptr, 16) == 0 ? 0 : errno;
    sockaddr_un abstract{};
    abstract.sun_family = AF_UNIX;
    std::memcpy(abstract.sun_path + 1, "sbx-test", 8);
    facts[6] = bind_to(::socket(AF_UNIX, SOCK_STREAM, 0), abstract);
    const int twice = ::socket(AF_INET, SOCK_STREAM, 0);
    bind_to(twice, v4("127.0.0.1", 9997));
    facts[7] = bind_to(twice, v4("127.0.0.1", kInside));
    return 0;
  });
  CHECK(code_of(result) == 0);
  const std::array<int, 8> expected{0, EADDRNOTAVAIL, 0, ENOTSOCK, EBADF, EFAULT, 0, EINVAL};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    INFO(i);
    CHECK(live::shared().numbers[i] == expected[i]);
  }
  CHECK(notes_of(result).find("UDP") != std::string::npos);
}

TEST_CASE("AF_UNIX paths are bound and found as the command sees them") {
  const auto plan = publishing_plan({published("127.0.0.1", free_port())});
  const auto result = run(plan, [] {
    auto& facts = live::shared().numbers;
    char directory[] = "/tmp/sbx-unix-XXXXXX";
    if (::mkdtemp(directory) == nullptr || ::chdir(directory) != 0) {
      return 1;
    }
    const auto named = [](const char* path) {
      sockaddr_un address{};
      address.sun_family = AF_UNIX;
      std::memcpy(address.sun_path, path, std::strlen(path));
      return address;
    };
    const int before = ::socket(AF_UNIX, SOCK_STREAM, 0);
    facts[0] = bind_to(before, named("before"));  // let run: nothing is outside yet
    const int listener = open_listener();
    ::umask(077);
    const int after = ::socket(AF_UNIX, SOCK_STREAM, 0);
    facts[1] = bind_to(after, named("./after"));  // by the supervisor
    facts[2] = bind_to(::socket(AF_UNIX, SOCK_STREAM, 0), named("after"));
    facts[3] = bind_to(::socket(AF_UNIX, SOCK_STREAM, 0), named("none/after"));
    facts[4] = ::access("after", F_OK);
    facts[5] = ::listen(after, 1) == 0 ? 0 : errno;
    const std::string absolute = std::string(directory) + "/../" + (directory + 5) + "/after";
    facts[6] = connect_to(::socket(AF_UNIX, SOCK_STREAM, 0), named("after"));
    facts[7] = connect_to(::socket(AF_UNIX, SOCK_STREAM, 0), named(absolute.c_str()));
    facts[8] = connect_to(::socket(AF_UNIX, SOCK_STREAM, 0), named("before"));
    facts[9] = connect_to(::socket(AF_UNIX, SOCK_STREAM, 0), named("missing"));
    ::unlink("before");
    ::unlink("after");
    ::rmdir(directory);
    return listener >= 0 ? 0 : 2;
  });
  CHECK(code_of(result) == 0);
  const std::array<int, 10> expected{0, 0, EADDRINUSE, ENOENT, 0, 0, 0, 0, ECONNREFUSED, ENOENT};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    INFO(i);
    CHECK(live::shared().numbers[i] == expected[i]);
  }
}

TEST_CASE("connect inside the sandbox works, blocking and not") {
  const auto plan = publishing_plan({published("127.0.0.1", free_port())});
  const auto result = run(plan, [] {
    auto& facts = live::shared().numbers;
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    bind_to(listener, v4("127.0.0.1", 9000));
    ::listen(listener, 8);
    facts[0] = connect_to(::socket(AF_INET, SOCK_STREAM, 0), v4("127.0.0.1", 9000));
    const int quick =
        connect_to(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), v4("127.0.0.1", 9000));
    facts[1] = quick == 0 || quick == EINPROGRESS;
    facts[2] = connect_to(::socket(AF_INET, SOCK_STREAM, 0), v4("127.0.0.1", 9001));
    facts[3] = connect_to(::socket(AF_INET, SOCK_STREAM, 0), v4("192.0.2.1", 80));
    facts[4] = connect_to(::socket(AF_INET, SOCK_DGRAM, 0), v4("127.0.0.1", 53));
    return 0;
  });
  CHECK(code_of(result) == 0);
  const std::array<int, 5> expected{0, 1, ECONNREFUSED, ENETUNREACH, 0};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    INFO(i);
    CHECK(live::shared().numbers[i] == expected[i]);
  }
  CHECK(notes_of(result).empty());
}

TEST_CASE("a connect that waits holds up neither the supervisor nor its own end") {
  const auto plan = publishing_plan({published("127.0.0.1", free_port())});
  const auto result = run(plan, [] {
    auto& facts = live::shared().numbers;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path + 1, "full", 4);
    const int listener = ::socket(AF_UNIX, SOCK_STREAM, 0);
    bind_to(listener, address);
    ::listen(listener, 0);
    facts[0] = connect_to(::socket(AF_UNIX, SOCK_STREAM, 0), address);  // fills the backlog
    facts[1] = connect_to(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), address);
    const pid_t waiting = ::fork();
    if (waiting == 0) {
      ::_exit(connect_to(::socket(AF_UNIX, SOCK_STREAM, 0), address));
    }
    const pid_t killed = ::fork();
    if (killed == 0) {
      ::_exit(connect_to(::socket(AF_UNIX, SOCK_STREAM, 0), address));
    }
    const int impatient = ::socket(AF_UNIX, SOCK_STREAM, 0);
    const timeval soon{0, 100'000};
    ::setsockopt(impatient, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof soon);
    facts[2] = connect_to(impatient, address);
    // Meanwhile the supervisor answers others.
    facts[3] = bind_to(::socket(AF_INET, SOCK_STREAM, 0), v4("127.0.0.1", 9999));
    ::kill(killed, SIGKILL);
    int status = 0;
    facts[4] = ::waitpid(killed, &status, 0) == killed && WIFSIGNALED(status);
    ::accept(listener, nullptr, nullptr);  // makes room
    facts[5] = ::waitpid(waiting, &status, 0) == waiting ? WEXITSTATUS(status) : -1;
    return 0;
  });
  CHECK(code_of(result) == 0);
  const std::array<int, 6> expected{0, EAGAIN, EAGAIN, 0, 1, 0};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    INFO(i);
    CHECK(live::shared().numbers[i] == expected[i]);
  }
}

// The positive control first: without mediation of bind and connect, what is refused gets out.
TEST_CASE("attack: an injected socket as a client or as another listener") {
  const bool guarded = GENERATE(false, true);
  INFO((guarded ? "guarded" : "control"));
  const std::uint16_t port = free_port();
  // What the sandboxee wants to reach: a server of the host's, on its loopback.
  const int host_server = ::socket(AF_INET, SOCK_STREAM, 0);
  const std::uint16_t host_port = free_port();
  REQUIRE(bind_to(host_server, v4("127.0.0.1", host_port)) == 0);
  REQUIRE(::listen(host_server, 8) == 0);
  auto plan = publishing_plan({published("127.0.0.1", port)});
  if (!guarded) {
    plan.filter.calls.erase(SYS_connect);
  }
  const auto result = run(
      plan,
      [host_port] {
        auto& facts = live::shared().numbers;
        const auto target = v4("127.0.0.1", host_port);
        sockaddr_in none{};
        none.sin_family = AF_UNSPEC;
        const int listener = open_listener();
        const int accepted = accept_within_seconds(listener);
        pollfd is_reset{accepted, POLLIN, 0};
        ::poll(&is_reset, 1, 5000);
        facts[0] = accepted >= 0;
        // A connection that was reset is unbound again. The kernel does not let it listen as it is
        // …
        facts[1] = ::listen(accepted, 1) == 0 ? 0 : errno;
        // … nor is it bound anew; after connect(AF_UNSPEC) it could listen, on a random port
        // outside.
        facts[2] = bind_to(accepted, v4("127.0.0.1", 0));
        facts[3] = connect_to(accepted, none) == 0 ? connect_to(accepted, target) : EPERM;
        facts[4] = bind_to(listener, v4("127.0.0.1", host_port));
        ::shutdown(listener, SHUT_RDWR);
        facts[5] = connect_to(listener, target);
        facts[6] = connect_to(listener, none);
        // The published socket itself may listen again.
        facts[7] = ::listen(listener, 8) == 0 ? 0 : errno;
        return 0;
      },
      client_of(v4("127.0.0.1", port), true));
  ::close(host_server);
  CHECK(code_of(result) == 0);
  const auto& facts = live::shared().numbers;
  REQUIRE(facts[0] == 1);
  if (guarded) {
    CHECK(facts[1] == EINVAL);
    CHECK(facts[2] == EINVAL);
    CHECK(facts[3] == EPERM);
    CHECK(facts[4] == EINVAL);
    CHECK(facts[5] == EPERM);
    CHECK(facts[6] == EPERM);
    CHECK(facts[7] == 0);
    CHECK(notes_of(result).find("lives outside the sandbox") != std::string::npos);
  } else {
    CHECK(facts[3] == 0);
    CHECK(facts[5] == 0);
  }
}

TEST_CASE("attack: another thread exchanges the descriptor and the address under a connect") {
  const std::uint16_t port = free_port();
  const int host_server = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const std::uint16_t host_port = free_port();
  REQUIRE(bind_to(host_server, v4("127.0.0.1", host_port)) == 0);
  REQUIRE(::listen(host_server, 8) == 0);
  const auto plan = publishing_plan({published("127.0.0.1", port)});
  const auto result = run(plan, [host_port] {
    // Two processes with one descriptor table and one memory: one asks to connect, the other puts
    // the injected listener under the number it asks for.
    static int victim = -1;
    static int outside = -1;
    static volatile bool stop = false;
    outside = open_listener();
    ::shutdown(outside, SHUT_RDWR);
    victim = ::socket(AF_INET, SOCK_STREAM, 0);
    static std::array<char, 64 * 1024> stack;
    const int flags = CLONE_VM | CLONE_FILES | CLONE_FS | SIGCHLD;
    const int exchanger = ::clone(
        [](void*) -> int {
          while (!stop) {
            ::dup2(outside, victim);
            const int fresh = ::socket(AF_INET, SOCK_STREAM, 0);
            ::dup2(fresh, victim);
            ::close(fresh);
          }
          ::syscall(SYS_exit, 0);
          return 0;
        },
        stack.data() + stack.size(), flags, nullptr);
    int connected = 0;
    for (int i = 0; i < 3000; ++i) {
      connected += connect_to(victim, v4("127.0.0.1", host_port)) == 0 ? 1 : 0;
    }
    stop = true;
    ::waitpid(exchanger, nullptr, 0);
    return connected == 0 ? 0 : 1;
  });
  CHECK(code_of(result) == 0);
  CHECK(::accept(host_server, nullptr, nullptr) == -1);  // nobody got through
  ::close(host_server);
}
