// SPDX-License-Identifier: Apache-2.0
// bind; network_mediator.h says what is decided and why.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/tcp.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "base/errno_name.h"
#include "supervise/address_text.h"
#include "supervise/network_mediator.h"
#include "supervise/process_facts.h"
#include "supervise/socket_carry.h"
#include "sys/pidfd.h"
#include "sys/process.h"

namespace sbx::supervise {
namespace {

constexpr int kMptcp = 262;  // IPPROTO_MPTCP
constexpr std::size_t kMostNotes = 64;
constexpr std::uint64_t kUnmatchedPatience = 1000;  // milliseconds

int argument(const seccomp_notif& call, int index) {
  return static_cast<int>(static_cast<std::uint32_t>(call.data.args[index]));
}

bool is_ipv6_only(const in6_addr& address) {
  return !IN6_IS_ADDR_UNSPECIFIED(&address) && !IN6_IS_ADDR_V4MAPPED(&address);
}

int result_of(int value) {
  return value < 0 ? -errno : 0;
}

// Some netlink families let only CAP_NET_ADMIN join their groups, and the supervisor, as owner of
// the sandbox's user namespace, has it there: it must not lend it. rtnetlink and uevents are open
// to all.
bool lends_power(int socket, const sys::SocketAddress& address) {
  if (address.family() != AF_NETLINK || address.length < sizeof(sockaddr_nl)) {
    return false;
  }
  sockaddr_nl netlink{};
  std::memcpy(&netlink, &address.storage, sizeof netlink);
  const int protocol = sys::get_option(socket, SOL_SOCKET, SO_PROTOCOL).value_or(-1);
  return netlink.nl_groups != 0 && protocol != NETLINK_ROUTE && protocol != NETLINK_KOBJECT_UEVENT;
}

}  // namespace

NetworkMediator::NetworkMediator(const plan::LaunchPlan& plan,
                                 std::vector<PublishedSocket> published,
                                 sys::SeccompListener& listener, sys::Epoll& epoll, Note note,
                                 Deny deny)
    : plan_(plan),
      published_(std::move(published)),
      taken_(plan.publish.size(), false),
      listener_(listener),
      epoll_(epoll),
      note_(std::move(note)),
      deny_(std::move(deny)) {
  published_.resize(plan.publish.size());
  // Of the internet, whose sockets the supervisor's own filter lets it open (confine.cpp).
  for (const int family : {AF_INET, AF_INET6}) {
    const sys::UniqueFd own(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (own && !outside_) {
      outside_ = sys::namespace_cookie(own.get());
    }
  }
}

void NetworkMediator::answer(std::uint64_t id, int result) {
  if (result < 0) {
    listener_.answer_errno(id, -result);
  } else {
    listener_.answer_value(id, result);
  }
}

void NetworkMediator::refuse(const seccomp_notif& call, int errno_value) {
  listener_.answer_errno(call.id, errno_value);
}

void NetworkMediator::note_once(const std::string& text, const Origin& origin) {
  if (noted_.size() < kMostNotes && noted_.insert(text).second) {
    note_(text, origin);
  }
}

NetworkMediator::OwnDuplicate NetworkMediator::duplicate(const seccomp_notif& call,
                                                         int descriptor) const {
  OwnDuplicate own;
  const auto thread = static_cast<pid_t>(call.pid);
  const sys::UniqueFd process(open_process_of(thread));
  if (!process || !listener_.is_waiting(call.id)) {
    own.errno_value = EPERM;  // gone, and the answer goes nowhere; or not ours to look at
    return own;
  }
  const int fd = sys::take_descriptor(process.get(), descriptor);
  if (fd < 0) {
    own.errno_value = -fd;
    return own;
  }
  own.socket.reset(fd);
  if (!sys::get_option(fd, SOL_SOCKET, SO_TYPE)) {
    own.errno_value = errno;  // ENOTSOCK
    return own;
  }
  const auto cookie = sys::namespace_cookie(fd);
  if (!cookie || !outside_) {
    own.errno_value = EPERM;  // not to be told apart: closed
    return own;
  }
  own.place = *cookie == *outside_ ? Place::Outside : Place::Inside;
  return own;
}

void NetworkMediator::bind(const seccomp_notif& call) {
  const int descriptor = argument(call, 0);
  sys::SocketAddress address;
  if (const int error =
          copy_address(static_cast<pid_t>(call.pid), call.data.args[1], call.data.args[2], address);
      error != 0) {
    return refuse(call, error);
  }
  const OwnDuplicate own = duplicate(call, descriptor);
  if (own.errno_value != 0) {
    return refuse(call, own.errno_value);
  }
  if (is_injected(own)) {
    note_once("a socket that lives outside was to be bound again, which would open another port",
              {});
    return refuse(call, EINVAL);
  }
  if (!may_bind(call, own.socket.get(), address)) {
    return;
  }
  const auto request = published_request(call, descriptor, own.socket.get(), address);
  if (request && bind_published(*request)) {
    return;
  }
  const std::string path = unix_path(address);
  if (!path.empty() && !injected_ && !plan_.connect.limited && !plan_.bind.limited) {
    // The file should be the caller's own in every respect (getsockname shows the address as
    // given). As long as no socket was put in there is none outside to be exchanged for this one,
    // and where every port may be bound there is none that must not be.
    listener_.let_run(call.id);
    return;
  }
  if (!path.empty()) {
    return answer(call.id, bind_unix_path(call, own.socket.get(), path));
  }
  if (lends_power(own.socket.get(), address)) {
    return refuse(call, EPERM);
  }
  answer(call.id, result_of(::bind(own.socket.get(), address.data(), address.length)));
}

// The request for a port that is published; nothing if the call has nothing to do with one.
std::optional<NetworkMediator::BindRequest> NetworkMediator::published_request(
    const seccomp_notif& call, int descriptor, int socket, const sys::SocketAddress& address) {
  const auto port = address.port();
  const auto domain = sys::get_option(socket, SOL_SOCKET, SO_DOMAIN);
  const bool listed = port && std::any_of(plan_.publish.begin(), plan_.publish.end(),
                                          [&](const plan::Publish& publish) {
                                            return publish.inside_port == *port;
                                          });
  if (!listed || domain != static_cast<int>(address.family())) {
    return std::nullopt;
  }
  BindRequest request{call, descriptor, socket, SocketKind::Ipv4, true, false, *port};
  if (const auto v6 = address.ipv6()) {
    const bool only = sys::get_option(socket, IPPROTO_IPV6, IPV6_V6ONLY).value_or(0) != 0;
    request.kind = only ? SocketKind::Ipv6Only : SocketKind::DualStack;
    request.wildcard_or_v4 = !only && !is_ipv6_only(v6->sin6_addr);
    request.takes_ipv6 = !IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr);
  }
  const int type = sys::get_option(socket, SOL_SOCKET, SO_TYPE).value_or(0);
  const int protocol = sys::get_option(socket, SOL_SOCKET, SO_PROTOCOL).value_or(0);
  // A multipath socket gets a plain TCP one, to which it falls back anyway when its peer has none.
  if (type != SOCK_STREAM || (protocol != IPPROTO_TCP && protocol != kMptcp)) {
    note_unpublished(request, type);
    return std::nullopt;
  }
  return request;
}

void NetworkMediator::note_unpublished(const BindRequest& request, int type) {
  for (const plan::Publish& publish : plan_.publish) {
    if (publish.inside_port == request.port) {
      note_once(
          type == SOCK_DGRAM
              ? fmt::format("UDP port {} was bound inside: UDP cannot be published yet, only TCP",
                            request.port)
              : fmt::format("port {} was bound by a socket that is not TCP: not published",
                            request.port),
          publish.origin);
      return;
    }
  }
}

bool NetworkMediator::fits(const plan::Publish& publish, const BindRequest& request) const {
  return publish.inside_port == request.port &&
         (publish.is_ipv6 ? request.takes_ipv6 : request.wildcard_or_v4);
}

sys::UniqueFd& NetworkMediator::slot(std::size_t entry, SocketKind kind) {
  PublishedSocket& socket = published_[entry];
  return kind == SocketKind::Ipv4       ? socket.ipv4
         : kind == SocketKind::Ipv6Only ? socket.ipv6_only
                                        : socket.ipv6;
}

// The entry whose outside socket this bind gets: the first that no other has got, else the first.
std::optional<std::size_t> NetworkMediator::choose(const BindRequest& request) {
  std::vector<std::size_t> fitting;
  for (std::size_t i = 0; i < plan_.publish.size(); ++i) {
    if (fits(plan_.publish[i], request)) {
      fitting.push_back(i);
    }
  }
  if (fitting.empty()) {
    return std::nullopt;
  }
  const auto is_all = [&](std::size_t i) { return plan_.publish[i].address == "::"; };
  const auto unused =
      std::find_if(fitting.begin(), fitting.end(), [&](std::size_t i) { return !taken_[i]; });
  std::size_t chosen = unused == fitting.end() ? fitting.front() : *unused;
  if (request.kind == SocketKind::DualStack) {
    // One socket for both families: [::] serves 0.0.0.0 too, any other address itself alone.
    const auto all = std::find_if(fitting.begin(), fitting.end(), is_all);
    chosen = all == fitting.end() ? chosen : *all;
    for (const std::size_t i : fitting) {
      const plan::Publish& other = plan_.publish[i];
      const bool served = i == chosen || (is_all(chosen) && other.address == "0.0.0.0" &&
                                          other.outside_port == plan_.publish[chosen].outside_port);
      if (!served) {
        note_once(fmt::format(
                      "port {} was bound by one socket for both families: {} port {} stays closed",
                      request.port, other.address, other.outside_port),
                  other.origin);
      }
    }
  }
  return chosen;
}

// False if no entry fits the socket's family: then it is bound inside.
bool NetworkMediator::bind_published(const BindRequest& request) {
  const auto bound = sys::local_address(request.socket);
  if (bound && bound->port().value_or(0) != 0) {
    refuse(request.call, EINVAL);  // bind(2): it has an address already
    return true;
  }
  if (const auto entry = choose(request)) {
    inject(request, *entry);
    return true;
  }
  remember_unmatched(request);
  return false;
}

void NetworkMediator::remember_unmatched(const BindRequest& request) {
  const auto known = [&](const Unmatched& other) { return other.port == request.port; };
  for (const plan::Publish& publish : plan_.publish) {
    if (publish.inside_port == request.port &&
        std::none_of(unmatched_.begin(), unmatched_.end(), known)) {
      unmatched_.push_back(
          {request.port,
           fmt::format("port {} was bound for {} only, but is published for {}", request.port,
                       publish.is_ipv6 ? "IPv4" : "IPv6", publish.is_ipv6 ? "IPv6" : "IPv4"),
           publish.origin, sys::monotonic_milliseconds() + kUnmatchedPatience});
    }
  }
}

bool NetworkMediator::is_open(std::uint16_t inside_port) const {
  for (std::size_t i = 0; i < plan_.publish.size(); ++i) {
    if (plan_.publish[i].inside_port == inside_port && taken_[i]) {
      return true;
    }
  }
  return false;
}

std::optional<std::uint64_t> NetworkMediator::next_look() const {
  std::optional<std::uint64_t> next = next_connect_look_;
  for (const Unmatched& bind : unmatched_) {
    next = next ? std::min(*next, bind.tell_at) : bind.tell_at;
  }
  if (next_send_look_) {
    next = next ? std::min(*next, *next_send_look_) : next_send_look_;
  }
  return next;
}

void NetworkMediator::look_around(std::uint64_t now) {
  if (next_connect_look_ && now >= *next_connect_look_) {
    look_after_connects(now);
  }
  if (next_send_look_ && now >= *next_send_look_) {
    send_again();
  }
  std::erase_if(unmatched_, [&](const Unmatched& bind) {
    const bool due = now >= bind.tell_at;
    if (due && !is_open(bind.port)) {
      note_once(bind.text, bind.origin);
    }
    return due;
  });
}

void NetworkMediator::inject(const BindRequest& request, std::size_t entry) {
  const plan::Publish& publish = plan_.publish[entry];
  const auto flags = descriptor_flags(static_cast<pid_t>(request.call.pid), request.descriptor);
  if (!flags) {
    return refuse(request.call, EBADF);
  }
  sys::UniqueFd outside = std::move(slot(entry, request.kind));
  if (!outside) {
    // Bound a second time: after a close, or from several processes (SO_REUSEPORT).
    const bool share = sys::get_option(request.socket, SOL_SOCKET, SO_REUSEPORT).value_or(0) != 0;
    const int fd = bind_outside(publish, request.kind, share);
    if (fd < 0) {
      note_once(fmt::format(
                    "port {} was bound inside, but {} port {} could not be bound outside: {} ({})",
                    request.port, publish.address, publish.outside_port, std::strerror(-fd),
                    errno_name(-fd)),
                publish.origin);
      return refuse(request.call, -fd);
    }
    outside.reset(fd);
  }
  carry_options(request.socket, outside.get());
  const int result = listener_.replace_descriptor(request.call.id, outside.get(),
                                                  request.descriptor, (*flags & O_CLOEXEC) != 0);
  if (result < 0) {
    return refuse(request.call, -result);
  }
  if (const auto cookie = sys::socket_cookie(outside.get())) {
    published_cookies_.insert(*cookie);
  }
  injected_ = true;
  taken_[entry] = true;
  listener_.answer_value(request.call.id, 0);
}

// The caller's file system view and umask, our hands: after a socket was put in, the caller's own
// bind could act on another socket than the one looked at.
int NetworkMediator::bind_unix_path(const seccomp_notif& call, int socket,
                                    const std::string& path) {
  const auto thread = static_cast<pid_t>(call.pid);
  const auto facts = read_process(thread);
  const std::size_t slash = path.rfind('/');
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  if (!facts || name.empty() || name == "." || name == "..") {
    return facts ? -EADDRINUSE : -EACCES;  // a directory's own name is there already
  }
  const sys::UniqueFd place(open_as_seen_by(thread, directory));
  if (place.get() < 0 || !listener_.is_waiting(call.id)) {
    return place ? -EACCES : place.get();
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string own_path = fmt::format("/proc/self/fd/{}/{}", place.get(), name);
  if (own_path.size() >= sizeof address.sun_path) {
    return -ENAMETOOLONG;
  }
  std::memcpy(address.sun_path, own_path.data(), own_path.size());
  const mode_t before = ::umask(facts->umask);
  const int result = result_of(::bind(
      socket, static_cast<const sockaddr*>(static_cast<const void*>(&address)), sizeof address));
  ::umask(before);
  return result;
}

}  // namespace sbx::supervise
