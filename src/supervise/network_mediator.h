// SPDX-License-Identifier: Apache-2.0
// bind, connect, listen and sends where ports are published or addresses are listed. The socket of a
// published port, and that of a connection to a listed address, belongs to the outside network
// namespace. It, and every connection accepted from it, would be a way out if the sandboxee could
// make a client of another place of it, or bind another port with it. So:
//
//   bind     of a published port: the socket is replaced by the one bound outside.
//   bind     of a socket that is outside already: refused. Measured: a connection accepted from it
//            loses its port when its peer resets it, and could be bound anew, outside.
//   connect  to a listed address: a socket is made and connected outside, and replaces the caller's;
//            at once if it does not block, else when it is connected.
//   connect  of a socket that is outside already: to a listed address only. A listener that was shut
//            down could else connect to the host's loopback.
//   listen   outside: only with a socket that was published. A client that has let go of its
//            connection (shutdown while it connects) would else listen, on a port that the kernel
//            chooses. Without network.connect there are no such clients, and the kernel refuses
//            listen on a connected socket, even one that was reset; the sockets put in keep the port
//            that they were bound to (SOCK_BINDPORT_LOCK).
//   send     is asked about where a datagram socket can be outside (mediate_send.cpp).
//   All else is done here, on a duplicate of the caller's socket, with a copy of the address. It is
//   never let run: between the look and the call another thread could put an outside socket under
//   the same descriptor number.
//
// Under network.mode host nothing is put in: what is listed is done on the duplicate.
#pragma once

#include <linux/seccomp.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "plan/answer.h"
#include "plan/launch_plan.h"
#include "supervise/outgoing_message.h"
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

  // An address that no entry of network.connect or network.bind lists.
  struct Denial {
    const plan::AddressRules& rules;
    plan::Destination address;
    std::string key;     // "network.connect"
    std::string option;  // "--connect"
    std::string entry;   // what would list it
    std::string warning;
    int errno_value = 0;
    bool can_run = false;  // on-violation = "log" can let it by
  };
  // Tells of a denial and kills the caller if the policy says so; the mediator does the rest of
  // what the answer says.
  using Deny = std::function<plan::Answer(const seccomp_notif& call, const Denial& denial)>;

  // Epoll tags from kFirstTag on are the mediator's.
  static constexpr std::uint64_t kFirstTag = 1u << 16;

  NetworkMediator(const plan::LaunchPlan& plan, std::vector<PublishedSocket> published,
                  sys::SeccompListener& listener, sys::Epoll& epoll, Note note, Deny deny);

  // Each answers the call, now or (connect) later.
  void bind(const seccomp_notif& call);
  void connect(const seccomp_notif& call);
  void listen(const seccomp_notif& call);
  void send(const seccomp_notif& call);

  // A connect under way has come to an end; the tag is epoll's.
  void finish_connect(std::uint64_t tag);
  // When to call look_around, in monotonic_milliseconds; nothing while nothing is under way.
  std::optional<std::uint64_t> next_look() const;
  void look_around(std::uint64_t now);

 private:
  // ERESTARTSYS: the kernel runs the caller's signal handler, then the call again if the handler has
  // SA_RESTART, else ends it with EINTR (signal(7)). Only for a caller with a signal waiting.
  static constexpr int kRestart = 512;
  // No errno: the caller is killed, and gets no answer.
  static constexpr int kKilled = 513;

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
    // A socket made outside, to be put in the place of this descriptor; -1: the caller's own.
    int descriptor = -1;
    bool blocks = false;  // what it is to be made again before that
    pid_t thread = 0;
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

  bool is_injected(const OwnDuplicate& own) const {
    return plan_.own_network && own.place != Place::Inside;
  }
  bool may_bind(const seccomp_notif& call, int socket, const sys::SocketAddress& address);
  void connect_on_the_spot(const seccomp_notif& call, OwnDuplicate own,
                           const sys::SocketAddress& address, sys::UniqueFd path = {});
  void connect_unix(const seccomp_notif& call, OwnDuplicate own, const sys::SocketAddress& address);
  void connect_injected(const seccomp_notif& call, OwnDuplicate own,
                        const sys::SocketAddress& address,
                        const std::optional<plan::Destination>& destination);
  void connect_unlisted(const seccomp_notif& call, OwnDuplicate own,
                        const sys::SocketAddress& address,
                        const std::optional<plan::Destination>& destination);
  void connect_outside(const seccomp_notif& call, const OwnDuplicate& own,
                       const sys::SocketAddress& address);
  int put_in(const PendingConnect& pending);
  bool may_use_port(const seccomp_notif& call, const plan::Destination& place);
  void conclude(PendingConnect& pending, int result);
  // Sends (mediate_send.cpp). Each returns what the call would: bytes, messages, a negative errno.
  std::int64_t send_all(const seccomp_notif& call, OwnDuplicate& own, int flags);
  std::int64_t send_one(const seccomp_notif& call, OwnDuplicate& own, OutgoingMessage& message,
                        int flags);
  int direct(const seccomp_notif& call, OwnDuplicate& own, OutgoingMessage& message);
  int direct_datagram(const seccomp_notif& call, OwnDuplicate& own, OutgoingMessage& message);
  int direct_local(const seccomp_notif& call, OutgoingMessage& message);
  int put_in_sender(const seccomp_notif& call, OwnDuplicate& own,
                    const sys::SocketAddress& address);
  sys::UniqueFd make_outside(int inside);
  void send_again();
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
  Deny deny_;
  std::optional<std::uint64_t> outside_;  // cookie of our own network namespace
  bool injected_ = false;                 // a socket was put in: from now on some are outside
  std::set<std::uint64_t> published_cookies_;  // of the sockets that were published (SO_COOKIE)
  std::set<std::string> noted_;
  std::map<std::uint64_t, PendingConnect> connects_;  // by epoll tag
  std::uint64_t next_tag_ = kFirstTag;
  std::vector<seccomp_notif> waiting_sends_;  // for room in a socket's buffer: tried again
  std::optional<std::uint64_t> next_send_look_;
  std::optional<std::uint64_t> next_connect_look_;
  std::vector<Unmatched> unmatched_;  // one for each published entry at most
};

}  // namespace sbx::supervise
