// SPDX-License-Identifier: Apache-2.0
// socket_escape WAY FAMILY PORT CANARY: a server on a published port that tries to turn its
// listening socket, or a connection accepted from it, into a way to the host's network.
//
// FAMILY is 4 or 6 (dual stack, v4-mapped). CANARY is a port of the host's 127.0.0.1 where the test
// listens; the namespace inside has nobody there. For the ways that publish more than was asked,
// CANARY is the port to open. Prints "listening", then "OPEN what" or "BLOCKED step errno". The
// test judges by its canary too: a connection that it sees is an escape, whatever is said here.
// Exit status: 0 blocked, 1 open, 2 could not be tried.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
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
#include <sys/wait.h>
#include <unistd.h>

#include "verdict.h"

#ifndef MSG_FASTOPEN
#define MSG_FASTOPEN 0x20000000
#endif

static int six, port, canary;

static socklen_t address_of(struct sockaddr_storage* out, int number, int wildcard) {
  memset(out, 0, sizeof *out);
  if (six) {
    struct sockaddr_in6* in6 = (struct sockaddr_in6*)out;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons((unsigned short)number);
    if (!wildcard) {
      inet_pton(AF_INET6, "::ffff:127.0.0.1", &in6->sin6_addr);
    }
    return sizeof *in6;
  }
  struct sockaddr_in* in4 = (struct sockaddr_in*)out;
  in4->sin_family = AF_INET;
  in4->sin_port = htons((unsigned short)number);
  in4->sin_addr.s_addr = htonl(wildcard ? INADDR_ANY : INADDR_LOOPBACK);
  return sizeof *in4;
}

static int make_listener(void) {
  int fd = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
  if (fd < 0) {
    unable("socket");
  }
  int one = 1, off = 0;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (six) {
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  }
  struct sockaddr_storage address;
  socklen_t size = address_of(&address, port, 1);
  if (bind(fd, (struct sockaddr*)&address, size) != 0) {
    unable("bind");
  }
  if (listen(fd, 16) != 0) {
    unable("listen");
  }
  printf("listening\n");
  fflush(stdout);
  return fd;
}

// One connection from outside: the test makes it when it sees "listening".
static int accept_one(int listener) {
  struct pollfd wait = {.fd = listener, .events = POLLIN};
  if (poll(&wait, 1, 20000) != 1) {
    unable("nobody came");
  }
  int fd = accept(listener, NULL, NULL);
  if (fd < 0) {
    unable("accept");
  }
  return fd;
}

static int connect_to_canary(int fd) {
  struct sockaddr_storage address;
  socklen_t size = address_of(&address, canary, 0);
  return connect(fd, (struct sockaddr*)&address, size);
}

static int disconnect(int fd) {
  struct sockaddr none = {.sa_family = AF_UNSPEC};
  return connect(fd, &none, sizeof none);
}

static void finish_connect(int fd, const char* step) {
  if (connect_to_canary(fd) != 0) {
    blocked(step);
  }
  open_way("connected to the host");
}

static void shutdown_connect(void) {
  int fd = make_listener();
  shutdown(fd, SHUT_RDWR);
  finish_connect(fd, "connect");
}

static void listener_unspec(void) {
  int fd = make_listener();
  if (disconnect(fd) != 0) {
    shutdown(fd, SHUT_RDWR);
  }
  finish_connect(fd, "connect");
}

static void accepted_unspec(void) {
  int fd = accept_one(make_listener());
  if (disconnect(fd) != 0) {
    blocked("connect AF_UNSPEC");
  }
  finish_connect(fd, "connect");
}

static void unbound_connect(void) {
  // A fresh socket is of the own namespace: nothing of the host's may answer.
  int fd = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
  finish_connect(fd, "connect");
}

enum Sender { kSendto, kSendmsg, kSendmmsg };

static long send_fast(int fd, enum Sender how) {
  struct sockaddr_storage address;
  socklen_t size = address_of(&address, canary, 0);
  char byte = 'x';
  struct iovec vector = {&byte, 1};
  struct mmsghdr message;
  memset(&message, 0, sizeof message);
  message.msg_hdr.msg_name = &address;
  message.msg_hdr.msg_namelen = size;
  message.msg_hdr.msg_iov = &vector;
  message.msg_hdr.msg_iovlen = 1;
  switch (how) {
    case kSendto:
      return sendto(fd, &byte, 1, MSG_FASTOPEN | MSG_NOSIGNAL, (struct sockaddr*)&address, size);
    case kSendmsg:
      return sendmsg(fd, &message.msg_hdr, MSG_FASTOPEN | MSG_NOSIGNAL);
    case kSendmmsg:
      return sendmmsg(fd, &message, 1, MSG_FASTOPEN | MSG_NOSIGNAL);
  }
  return -1;
}

static void fast_open(enum Sender how, int accepted) {
  int fd = make_listener();
  if (accepted) {
    fd = accept_one(fd);
    if (disconnect(fd) != 0) {
      blocked("connect AF_UNSPEC");
    }
  } else {
    shutdown(fd, SHUT_RDWR);
  }
  if (send_fast(fd, how) < 0) {
    blocked("send");
  }
  open_way("sent to the host");
}

// TCP_FASTOPEN_CONNECT defers the connection to the first write: connect alone says 0.
static void fast_open_connect(void) {
  int fd = make_listener();
  shutdown(fd, SHUT_RDWR);
  int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &one, sizeof one);
  finish_connect(fd, "connect");
}

// Interfaces and addresses of the host, seen through a socket that lives there.
static void interfaces(void) {
  int fd = make_listener();
  struct ifreq found[64];
  struct ifconf query;
  query.ifc_len = sizeof found;
  query.ifc_req = found;
  if (ioctl(fd, SIOCGIFCONF, &query) != 0) {
    blocked("SIOCGIFCONF");
  }
  for (size_t i = 0; i < (size_t)query.ifc_len / sizeof found[0]; ++i) {
    if (strcmp(found[i].ifr_name, "lo") != 0) {
      open_way(found[i].ifr_name);
    }
  }
  // Without addresses the host's other interfaces still have names.
  for (int index = 2; index < 16; ++index) {
    struct ifreq one;
    memset(&one, 0, sizeof one);
    one.ifr_ifindex = index;
    if (ioctl(fd, SIOCGIFNAME, &one) == 0) {
      open_way(one.ifr_name);
    }
  }
  errno = ENODEV;
  blocked("only lo");
}

// Another port of the host's, opened by a socket that was accepted from the published one.
static void relisten(void) {
  int fd = accept_one(make_listener());
  if (disconnect(fd) != 0) {
    blocked("connect AF_UNSPEC");
  }
  struct sockaddr_storage address;
  int one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  socklen_t size = address_of(&address, canary, 1);
  if (bind(fd, (struct sockaddr*)&address, size) != 0) {
    blocked("bind");
  }
  if (listen(fd, 16) != 0) {
    blocked("listen");
  }
  struct pollfd wait = {.fd = fd, .events = POLLIN};
  printf("opened\n");
  fflush(stdout);
  if (poll(&wait, 1, 3000) != 1) {
    errno = ETIMEDOUT;
    blocked("nobody reached it");
  }
  open_way("listening on another port of the host");
}

// Listening anew without a bind gives any free port, on every address of the host.
static void relisten_unbound(void) {
  int fd = accept_one(make_listener());
  if (disconnect(fd) != 0) {
    blocked("connect AF_UNSPEC");
  }
  if (listen(fd, 16) != 0) {
    blocked("listen");
  }
  struct sockaddr_storage own;
  socklen_t size = sizeof own;
  getsockname(fd, (struct sockaddr*)&own, &size);
  int now = ntohs(((struct sockaddr_in*)&own)->sin_port);  // the port stands at the same place in both
  if (now == port) {
    errno = EADDRINUSE;
    blocked("still the published port");
  }
  printf("port %d\n", now);
  open_way("listening on another port of the host");
}

// A second thread puts another descriptor in the place of the one that connect was asked about.
static int swapped_slot, swap_good, swap_injected;
static volatile int swap_stop;

static void* swap_descriptors(void* unused) {
  (void)unused;
  while (!swap_stop) {
    dup2(swap_good, swapped_slot);
    dup2(swap_injected, swapped_slot);
  }
  return NULL;
}

static void connect_race(void) {
  swap_injected = make_listener();
  shutdown(swap_injected, SHUT_RDWR);
  swap_good = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  swapped_slot = dup(swap_good);
  pthread_t thread;
  if (pthread_create(&thread, NULL, swap_descriptors, NULL) != 0) {
    unable("pthread_create");
  }
  for (int i = 0; i < 2000; ++i) {
    connect_to_canary(swapped_slot);
    if (connect_to_canary(swap_injected) == 0 || errno == EISCONN) {
      swap_stop = 1;
      open_way("connected to the host");
    }
  }
  swap_stop = 1;
  pthread_join(thread, NULL);
  blocked("connect");
}

static void io_uring(void) {
  char parameters[256];  // larger than struct io_uring_params
  memset(parameters, 0, sizeof parameters);
  if (syscall(425 /* io_uring_setup */, 4, parameters) < 0) {
    blocked("io_uring_setup");
  }
  open_way("io_uring connects without a system call that a filter sees");
}

static void multipath(void) {
  // IPPROTO_MPTCP: a client's subflows are opened by the kernel, in the socket's own namespace.
  int fd = socket(AF_INET, SOCK_STREAM, 262);
  if (fd < 0) {
    blocked("socket");
  }
  open_way("a multipath socket");
}

int main(int count, char** arguments) {
  if (count != 5) {
    return 2;
  }
  const char* way = arguments[1];
  six = strcmp(arguments[2], "6") == 0;
  port = atoi(arguments[3]);
  canary = atoi(arguments[4]);
  static const struct {
    const char* name;
    void (*run)(void);
  } kWays[] = {
      {"shutdown-connect", shutdown_connect}, {"listener-unspec", listener_unspec},
      {"accepted-unspec", accepted_unspec},   {"relisten-unspec", relisten},
      {"fastopen-connect", fast_open_connect}, {"interfaces", interfaces},
      {"relisten-unbound", relisten_unbound}, {"connect-race", connect_race},
      {"io_uring", io_uring},                 {"multipath", multipath},
      {"fresh-connect", unbound_connect},
  };
  for (size_t i = 0; i < sizeof kWays / sizeof kWays[0]; ++i) {
    if (strcmp(way, kWays[i].name) == 0) {
      kWays[i].run();
    }
  }
  if (strcmp(way, "fastopen-sendto") == 0) fast_open(kSendto, 0);
  if (strcmp(way, "fastopen-sendmsg") == 0) fast_open(kSendmsg, 0);
  if (strcmp(way, "fastopen-sendmmsg") == 0) fast_open(kSendmmsg, 0);
  if (strcmp(way, "fastopen-accepted") == 0) fast_open(kSendto, 1);
  return 2;
}
