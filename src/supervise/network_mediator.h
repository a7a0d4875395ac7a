// SPDX-License-Identifier: Apache-2.0
// bind and connect where ports are published. A published port's socket belongs to the
// outside network namespace. It, and every connection accepted from it, would be a way out if the
// sandboxee could make a client of it, or bind another port with it. So:
//
//   bind     of a published port: the socket is replaced by the one bound outside.
//   bind     of a socket that is outside already: refused. Measured: a connection accepted from it
//            loses its port when its peer resets it, and could be bound anew, outside.
//   connect  outside: refused. A listener that was shut down could connect to the host's loopback.
//   listen   is not asked about: the kernel refuses it on a connected socket, even one that was
//            reset, and only connect could change that; the sockets put in keep the port that they
//            were bound to (SOCK_BINDPORT_LOCK).
//   All else is done here, on a duplicate of the caller's socket, with a copy of the address. It is
//   never let run: between the look and the call another thread could put an outside socket under
//   the same descriptor number.
#pragma once

#include <linux/seccomp.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "plan/launch_plan.h"
#include "supervise/publish.h"
#include "supervise/published_port.h"
#include "sys/event_loop.h"
#include "sys/seccomp_notify.h"
#include "sys/socket_options.h"
#include "sys/unique_fd.h"

namespace sbx::supervise {

class NetworkMediator {
 public:
  using Note = std::function<void(const std::string& text, const Origin& origin)>;

  // Epoll tags from kFirstTag on are the mediator's.
  static constexpr std::uint64_t kFirstTag = 1u << 16;

  NetworkMediator(const plan::LaunchPlan& plan, std::vector<PublishedSocket> published,
                  sys::SeccompListener& listener, sys::Epoll& epoll, Note note);

  // Each answers the call, now or (connect) later.
  void bind(const seccomp_notif& call);
  void connect(const seccomp_notif& call);

  // A connect under way has come to an end; the tag is epoll's.
  void finish_connect(std::uint64_t tag);
  // When to call look_around, in monotonic_milliseconds; nothing while nothing is under way.
  std::optional<std::uint64_t> next_look() const;
  void look_around(std::uint64_t now);

 private:
  enum class Place : std::uint8_t { Inside, Outside, Unknown };

  struct OwnDuplicate {
    sys::UniqueFd socket;
    int errno_value = 0;
    Place place = Place::Unknown;
  };

  // What the sandboxee's socket is; decides which published socket fits.
  struct BindRequest {
    const seccomp_notif& call;
    int descriptor;
    int socket;  // our duplicate
    SocketKind kind;
    bool wildcard_or_v4;  // takes IPv4 connections
    bool takes_ipv6;
    std::uint16_t port;
  };

  struct PendingConnect {
    std::uint64_t id = 0;
    sys::UniqueFd socket;
    sys::UniqueFd path;  // O_PATH of an AF_UNIX address
    sys::SocketAddress address;
    bool again = false;          // AF_UNIX with a full backlog: nothing to poll for, try again
    std::uint64_t deadline = 0;  // the caller's own SO_SNDTIMEO; 0: none
  };

  // A bind that fitted no published address. Told only if no other bind of the port follows that
  // does: a server often opens one socket for each family.
  struct Unmatched {
    std::uint16_t port = 0;
    std::string text;
    Origin origin;
    std::uint64_t tell_at = 0;
  };

  OwnDuplicate duplicate(const seccomp_notif& call, int descriptor) const;
  void refuse(const seccomp_notif& call, int errno_value);
  void answer(std::uint64_t id, int result);
  void note_once(const std::string& text, const Origin& origin);

  bool bind_published(const BindRequest& request);
  void remember_unmatched(const BindRequest& request);
  bool is_open(std::uint16_t inside_port) const;
  std::optional<std::size_t> choose(const BindRequest& request);
  bool fits(const plan::Publish& publish, const BindRequest& request) const;
  sys::UniqueFd& slot(std::size_t entry, SocketKind kind);
  void inject(const BindRequest& request, std::size_t entry);
  void note_unpublished(const BindRequest& request, int type);
  std::optional<BindRequest> published_request(const seccomp_notif& call, int descriptor,
                                               int socket, const sys::SocketAddress& address);
  int bind_unix_path(const seccomp_notif& call, int socket, const std::string& path);

  int connect_now(PendingConnect& pending);
  int resolve_unix_path(pid_t thread, sys::SocketAddress& address, sys::UniqueFd& path);
  void look_after_connects(std::uint64_t now);
  void wait_for(PendingConnect pending, bool again);
  void end(std::map<std::uint64_t, PendingConnect>::iterator pending, int result);

  const plan::LaunchPlan& plan_;
  std::vector<PublishedSocket> published_;
  std::vector<bool> taken_;  // parallel to plan_.publish
  sys::SeccompListener& listener_;
  sys::Epoll& epoll_;
  Note note_;
  std::optional<std::uint64_t> outside_;  // cookie of our own network namespace
  bool injected_ = false;                 // a socket was put in: from now on some are outside
  std::set<std::string> noted_;
  std::map<std::uint64_t, PendingConnect> connects_;  // by epoll tag
  std::uint64_t next_tag_ = kFirstTag;
  std::optional<std::uint64_t> next_connect_look_;
  std::vector<Unmatched> unmatched_;  // one for each published entry at most
};

}  // namespace sbx::supervise
