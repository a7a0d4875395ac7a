// SPDX-License-Identifier: Apache-2.0
// client_escape WAY LISTED DEAD SILENT CANARY: a client that may connect to some ports of the host's
// 127.0.0.1 tries to make its connected socket reach another, or serve there.
//
// LISTED has a TCP and a UDP server, DEAD has nobody, SILENT is a TCP port that never answers; all
// three may be connected to. CANARY is where the test watches, TCP and UDP, or the port to open.
// Prints "OPEN what" or "BLOCKED step errno"; the test judges by its canary too. Exit status:
// 0 blocked, 1 open, 2 could not be tried.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef MSG_FASTOPEN
#define MSG_FASTOPEN 0x20000000
#endif

static int listed, dead, silent, canary;

static void say(const char* word, const char* what, int status) {
  printf("%s %s %d\n", word, what, errno);
  fflush(stdout);
  _exit(status);
}
static void open_way(const char* what) { say("OPEN", what, 1); }
static void blocked(const char* step) { say("BLOCKED", step, 0); }
static void unable(const char* step) { say("UNABLE", step, 2); }

static struct sockaddr_in at(int port) {
  struct sockaddr_in address;
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_port = htons((unsigned short)port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

static int connect_to(int fd, int port) {
  struct sockaddr_in address = at(port);
  return connect(fd, (struct sockaddr*)&address, sizeof address);
}

static int disconnect(int fd) {
  struct sockaddr none = {.sa_family = AF_UNSPEC};
  return connect(fd, &none, sizeof none);
}

static int client(int type, int port) {
  int fd = socket(AF_INET, type, 0);
  if (fd < 0 || connect_to(fd, port) != 0) {
    unable("connect to the listed port");
  }
  return fd;
}

// A socket of the listed destination that is connected to nothing any more.
static int failed_client(void) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (connect_to(fd, dead) == 0) {
    unable("somebody is at the dead port");
  }
  struct pollfd wait = {.fd = fd, .events = POLLOUT};
  poll(&wait, 1, 5000);
  connect_to(fd, dead);  // the kernel tells the error and makes the socket fresh
  fcntl(fd, F_SETFL, 0);
  return fd;
}

// Connecting, then let go of.
static int abandoned_client(void) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (connect_to(fd, silent) == 0 || errno != EINPROGRESS) {
    unable("the silent port answers");
  }
  if (shutdown(fd, SHUT_RDWR) != 0) {
    unable("shutdown");
  }
  fcntl(fd, F_SETFL, 0);
  return fd;
}

static void must_not_connect(int fd) {
  if (connect_to(fd, canary) != 0) {
    blocked("connect");
  }
  open_way("connected to the canary");
}

static void unlisted(void) { must_not_connect(socket(AF_INET, SOCK_STREAM, 0)); }

static void reconnect_unspec(void) {
  int fd = client(SOCK_STREAM, listed);
  if (disconnect(fd) != 0) {
    blocked("connect AF_UNSPEC");
  }
  must_not_connect(fd);
}

static void reconnect_failed(void) { must_not_connect(failed_client()); }
static void reconnect_abandoned(void) { must_not_connect(abandoned_client()); }

static void fast_open(void) {
  int fd = failed_client();
  struct sockaddr_in address = at(canary);
  if (sendto(fd, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL, (struct sockaddr*)&address,
             sizeof address) < 0) {
    blocked("sendto");
  }
  open_way("sent to the canary");
}

static void fast_open_connect(void) {
  int fd = failed_client(), one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &one, sizeof one);
  if (connect_to(fd, canary) != 0 || write(fd, "x", 1) != 1) {
    blocked("connect");
  }
  open_way("connected to the canary");
}

static void serve(int fd) {
  if (listen(fd, 16) != 0) {
    blocked("listen");
  }
  struct sockaddr_in own;
  socklen_t size = sizeof own;
  getsockname(fd, (struct sockaddr*)&own, &size);
  printf("port %d\n", ntohs(own.sin_port));
  fflush(stdout);
  struct pollfd wait = {.fd = fd, .events = POLLIN};
  if (poll(&wait, 1, 3000) != 1) {
    errno = ETIMEDOUT;
    blocked("nobody reached it");
  }
  open_way("listening on a port of the host");
}

static void listen_abandoned(void) { serve(abandoned_client()); }
static void listen_failed(void) { serve(failed_client()); }

static void bind_abandoned(void) {
  int fd = abandoned_client();
  struct sockaddr_in address = at(canary);
  if (bind(fd, (struct sockaddr*)&address, sizeof address) != 0) {
    blocked("bind");
  }
  serve(fd);
}

static struct msghdr message_to(struct sockaddr_in* address, struct iovec* vector) {
  static char byte = 'x';
  *vector = (struct iovec){&byte, 1};
  struct msghdr message;
  memset(&message, 0, sizeof message);
  message.msg_name = address;
  message.msg_namelen = address == NULL ? 0 : sizeof *address;
  message.msg_iov = vector;
  message.msg_iovlen = 1;
  return message;
}

static void datagram(int fd, char how) {
  struct sockaddr_in address = at(canary);
  struct iovec vector;
  struct mmsghdr messages[2];
  memset(messages, 0, sizeof messages);
  messages[0].msg_hdr = message_to(NULL, &vector);  // the first one is in order
  messages[1].msg_hdr = message_to(&address, &vector);
  long result = how == 't'   ? sendto(fd, "x", 1, 0, (struct sockaddr*)&address, sizeof address)
                : how == 'm' ? sendmsg(fd, &messages[1].msg_hdr, 0)
                             : sendmmsg(fd, messages, 2, 0) - 1;
  if (result < 1) {
    blocked("send");
  }
  open_way("sent to the canary");
}

static void udp_sendto(void) { datagram(client(SOCK_DGRAM, listed), 't'); }
static void udp_sendmsg(void) { datagram(client(SOCK_DGRAM, listed), 'm'); }
static void udp_sendmmsg(void) { datagram(client(SOCK_DGRAM, listed), 'M'); }
static void udp_unconnected(void) { datagram(socket(AF_INET, SOCK_DGRAM, 0), 't'); }

// The kernel takes AF_UNSPEC for AF_INET here (udp_sendmsg).
static void udp_unspec_family(void) {
  int fd = client(SOCK_DGRAM, listed);
  struct sockaddr_in address = at(canary);
  address.sin_family = AF_UNSPEC;
  if (sendto(fd, "x", 1, 0, (struct sockaddr*)&address, sizeof address) < 0) {
    blocked("send");
  }
  open_way("sent to the canary");
}

// An IPv6 socket takes IPv4 addresses for a send.
static void udp_other_family(void) {
  int fd = socket(AF_INET6, SOCK_DGRAM, 0);
  datagram(fd, 't');
}

static void udp_reconnect(void) {
  int fd = client(SOCK_DGRAM, listed);
  if (connect_to(fd, canary) != 0 || send(fd, "x", 1, 0) != 1) {
    blocked("connect");
  }
  open_way("sent to the canary");
}

static void udp_disconnect(void) {
  int fd = client(SOCK_DGRAM, listed);
  if (disconnect(fd) != 0) {
    blocked("connect AF_UNSPEC");
  }
  datagram(fd, 't');
}

static void udp_bind(void) {
  int fd = client(SOCK_DGRAM, listed);
  disconnect(fd);
  struct sockaddr_in address = at(canary);
  int one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(fd, (struct sockaddr*)&address, sizeof address) != 0) {
    blocked("bind");
  }
  open_way("bound to a port of the host");
}

static void device(void) {
  if (setsockopt(client(SOCK_STREAM, listed), SOL_SOCKET, SO_BINDTODEVICE, "lo", 3) != 0) {
    blocked("SO_BINDTODEVICE");
  }
  open_way("chose an interface of the host");
}

static void interfaces(void) {
  int fd = client(SOCK_STREAM, listed);
  for (int index = 2; index < 16; ++index) {
    struct ifreq one;
    memset(&one, 0, sizeof one);
    one.ifr_ifindex = index;
    if (ioctl(fd, SIOCGIFNAME, &one) == 0) {
      open_way(one.ifr_name);
    }
  }
  blocked("SIOCGIFNAME");
}

// Another thread changes what the call was asked about; long enough for it to be scheduled.
static int still_time(void) {
  static time_t end;
  if (end == 0) {
    end = time(NULL) + 2;
  }
  return time(NULL) <= end;
}

static struct sockaddr_in shared_address;
static int slot, good, bad;
static volatile int stop;

static void* swap_ports(void* unused) {
  (void)unused;
  while (!stop) {
    __atomic_store_n(&shared_address.sin_port, htons((unsigned short)canary), __ATOMIC_RELAXED);
    __atomic_store_n(&shared_address.sin_port, htons((unsigned short)listed), __ATOMIC_RELAXED);
  }
  return NULL;
}

static void* swap_descriptors(void* unused) {
  (void)unused;
  while (!stop) {
    dup2(good, slot);
    dup2(bad, slot);
  }
  return NULL;
}

static void start(void* (*entry)(void*)) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, entry, NULL) != 0) {
    unable("pthread_create");
  }
}

static int is_at_canary(int fd) {
  struct sockaddr_in peer;
  socklen_t size = sizeof peer;
  return getpeername(fd, (struct sockaddr*)&peer, &size) == 0 && ntohs(peer.sin_port) == canary;
}

static void address_race(void) {
  shared_address = at(listed);
  start(swap_ports);
  while (still_time()) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr*)&shared_address, sizeof shared_address) == 0 &&
        is_at_canary(fd)) {
      open_way("connected to the canary");
    }
    close(fd);
  }
  blocked("connect");
}

static void datagram_race(void) {
  shared_address = at(listed);
  start(swap_ports);
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  while (still_time()) {
    struct iovec vector;
    struct msghdr message = message_to(&shared_address, &vector);
    sendmsg(fd, &message, 0);
  }
  blocked("sendmsg");  // who sees it says otherwise
}

static void descriptor_race(void) {
  bad = failed_client();
  good = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  slot = dup(good);
  start(swap_descriptors);
  while (still_time()) {
    connect_to(slot, canary);
    if (is_at_canary(bad)) {
      open_way("connected to the canary");
    }
  }
  blocked("connect");
}

static void io_uring(void) {
  char parameters[256];
  memset(parameters, 0, sizeof parameters);
  if (syscall(425 /* io_uring_setup */, 4, parameters) < 0) {
    blocked("io_uring_setup");
  }
  open_way("io_uring connects without a system call that a filter sees");
}

int main(int count, char** arguments) {
  static const struct {
    const char* name;
    void (*run)(void);
  } kWays[] = {
      {"unlisted", unlisted},
      {"reconnect-unspec", reconnect_unspec},
      {"reconnect-failed", reconnect_failed},
      {"reconnect-abandoned", reconnect_abandoned},
      {"fastopen", fast_open},
      {"fastopen-connect", fast_open_connect},
      {"listen-abandoned", listen_abandoned},
      {"listen-failed", listen_failed},
      {"bind-abandoned", bind_abandoned},
      {"udp-sendto", udp_sendto},
      {"udp-sendmsg", udp_sendmsg},
      {"udp-sendmmsg", udp_sendmmsg},
      {"udp-unconnected", udp_unconnected},
      {"udp-unspec-family", udp_unspec_family},
      {"udp-other-family", udp_other_family},
      {"udp-reconnect", udp_reconnect},
      {"udp-disconnect", udp_disconnect},
      {"udp-bind", udp_bind},
      {"device", device},
      {"interfaces", interfaces},
      {"address-race", address_race},
      {"datagram-race", datagram_race},
      {"descriptor-race", descriptor_race},
      {"io_uring", io_uring},
  };
  if (count != 6) {
    return 2;
  }
  listed = atoi(arguments[2]);
  dead = atoi(arguments[3]);
  silent = atoi(arguments[4]);
  canary = atoi(arguments[5]);
  for (size_t i = 0; i < sizeof kWays / sizeof kWays[0]; ++i) {
    if (strcmp(arguments[1], kWays[i].name) == 0) {
      kWays[i].run();
    }
  }
  return 2;
}
