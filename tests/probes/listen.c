// SPDX-License-Identifier: Apache-2.0
// listen FAMILY PORT [WORD...]: a socket with options set before bind, and what is left of them
// after bind and listen. FAMILY is 4, 6 (v6only) or dual. Words: nonblock, cloexec, nodelay,
// keepalive, reuse, udp, any (bind the wildcard address), serve (answer one connection).
// Prints OPTION=VALUE lines, then "bound"; serving, one line for the peer and "served".
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int has(int count, char** words, const char* word) {
  for (int i = 3; i < count; ++i) {
    if (strcmp(words[i], word) == 0) {
      return 1;
    }
  }
  return 0;
}

static void turn_on(int fd, int level, int option) {
  int one = 1;
  if (setsockopt(fd, level, option, &one, sizeof one) != 0) {
    printf("setsockopt=%d\n", errno);
    exit(3);
  }
}

static int value_of(int fd, int level, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  return getsockopt(fd, level, option, &value, &size) == 0 ? value : -1;
}

static socklen_t fill_address(struct sockaddr_storage* address, int six, int any, int port) {
  memset(address, 0, sizeof *address);
  if (six) {
    struct sockaddr_in6* in6 = (struct sockaddr_in6*)address;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons((unsigned short)port);
    in6->sin6_addr = any ? in6addr_any : in6addr_loopback;
    return sizeof *in6;
  }
  struct sockaddr_in* in4 = (struct sockaddr_in*)address;
  in4->sin_family = AF_INET;
  in4->sin_port = htons((unsigned short)port);
  in4->sin_addr.s_addr = htonl(any ? INADDR_ANY : INADDR_LOOPBACK);
  return sizeof *in4;
}

static void report(int fd, int six) {
  printf("nonblock=%d\n", (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
  printf("cloexec=%d\n", (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  printf("nodelay=%d\n", value_of(fd, IPPROTO_TCP, TCP_NODELAY));
  printf("keepalive=%d\n", value_of(fd, SOL_SOCKET, SO_KEEPALIVE));
  printf("reuse=%d\n", value_of(fd, SOL_SOCKET, SO_REUSEADDR));
  printf("v6only=%d\n", six ? value_of(fd, IPPROTO_IPV6, IPV6_V6ONLY) : -1);
  printf("family=%d\n", value_of(fd, SOL_SOCKET, SO_DOMAIN));
}

static int serve(int fd) {
  struct pollfd wait = {.fd = fd, .events = POLLIN};
  if (poll(&wait, 1, 20000) != 1) {
    printf("nobody=1\n");
    return 4;
  }
  struct sockaddr_storage peer;
  socklen_t size = sizeof peer;
  int connection = accept4(fd, (struct sockaddr*)&peer, &size, SOCK_CLOEXEC);
  if (connection < 0) {
    printf("accept=%d\n", errno);
    return 4;
  }
  printf("peer-family=%d\n", peer.ss_family);
  static const char kAnswer[] = "hello from inside\n";
  if (write(connection, kAnswer, sizeof kAnswer - 1) < 0) {
    return 4;
  }
  close(connection);
  printf("served\n");
  return 0;
}

int main(int count, char** words) {
  if (count < 3) {
    return 2;
  }
  int six = strcmp(words[1], "4") != 0;
  int udp = has(count, words, "udp");
  int type = (udp ? SOCK_DGRAM : SOCK_STREAM) | (has(count, words, "nonblock") ? SOCK_NONBLOCK : 0) |
             (has(count, words, "cloexec") ? SOCK_CLOEXEC : 0);
  int fd = socket(six ? AF_INET6 : AF_INET, type, 0);
  if (fd < 0) {
    printf("socket=%d\n", errno);
    return 3;
  }
  if (has(count, words, "nodelay")) turn_on(fd, IPPROTO_TCP, TCP_NODELAY);
  if (has(count, words, "keepalive")) turn_on(fd, SOL_SOCKET, SO_KEEPALIVE);
  if (has(count, words, "reuse")) turn_on(fd, SOL_SOCKET, SO_REUSEADDR);
  if (six) {
    int only = strcmp(words[1], "6") == 0;
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
  }
  struct sockaddr_storage address;
  socklen_t size = fill_address(&address, six, has(count, words, "any"), atoi(words[2]));
  if (bind(fd, (struct sockaddr*)&address, size) != 0) {
    printf("bind=%d\n", errno);
    return 3;
  }
  if (!udp && listen(fd, 16) != 0) {
    printf("listen=%d\n", errno);
    return 3;
  }
  report(fd, six);
  printf("bound\n");
  fflush(stdout);
  int status = has(count, words, "serve") && !udp ? serve(fd) : 0;
  fflush(stdout);
  return status;
}
