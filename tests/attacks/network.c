// SPDX-License-Identifier: Apache-2.0
// Ways to the host's network and to what listens on this machine. Parameters: port (TCP and UDP of
// the host's loopback, whose servers answer with the secret), abstract (a name), socket (a path),
// session (a D-Bus-like socket's path), secret.
#include "attack.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/un.h>

static int opened(long result, const char* step) { return result < 0 ? blocked(step) : kOpen; }

static int answered(int fd) {
  struct timeval patience = {2, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  char text[200];
  const ssize_t got = recv(fd, text, sizeof text - 1, 0);
  if (got < 0) return blocked("recv");
  text[got] = 0;
  return holds_secret(text) ? kOpen : blocked("recv");
}

static int connects(int fd, const void* address, socklen_t length) {
  if (fd < 0) return blocked("socket");
  if (connect(fd, address, length) != 0) return blocked("connect");
  // A server of streams answers unasked, and may have left again.
  if (send(fd, "x", 1, MSG_NOSIGNAL) < 0 && errno != EPIPE) return blocked("send");
  return answered(fd);
}

static struct sockaddr_in loopback(void) {
  return (struct sockaddr_in){.sin_family = AF_INET,
                              .sin_port = htons((uint16_t)number("port")),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int tcp(void) {
  const struct sockaddr_in to = loopback();
  return connects(socket(AF_INET, SOCK_STREAM, 0), &to, sizeof to);
}

static int tcp_fastopen(void) {
  const struct sockaddr_in to = loopback();
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (sendto(fd, "x", 1, 0x20000000, (const void*)&to, sizeof to) < 0) return blocked("sendto");
  return answered(fd);
}

static int tcp_mapped(void) {
  struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)number("port"))};
  inet_pton(AF_INET6, "::ffff:127.0.0.1", &to.sin6_addr);
  return connects(socket(AF_INET6, SOCK_STREAM, 0), &to, sizeof to);
}

static int udp(void) {
  const struct sockaddr_in to = loopback();
  return connects(socket(AF_INET, SOCK_DGRAM, 0), &to, sizeof to);
}

static int udp_unconnected(void) {
  const struct sockaddr_in to = loopback();
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (sendto(fd, "x", 1, 0, (const void*)&to, sizeof to) < 0) return blocked("sendto");
  return answered(fd);
}

static int local(const char* name, int is_abstract, int type) {
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  snprintf(to.sun_path + is_abstract, sizeof to.sun_path - 1, "%s", name);
  const socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name) + 1);
  return connects(socket(AF_UNIX, type, 0), &to, length);
}

static int abstract_stream(void) { return local(value("abstract", "?"), 1, SOCK_STREAM); }
static int abstract_datagram(void) {
  char name[108];
  snprintf(name, sizeof name, "%.90s-d", value("abstract", "?"));
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  snprintf(to.sun_path + 1, sizeof to.sun_path - 1, "%.106s", name);
  const int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
  return opened(sendto(fd, "x", 1, 0, (void*)&to,
                       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name) + 1)),
                "sendto");
}
static int socket_path(void) { return local(value("socket", "?"), 0, SOCK_STREAM); }

static int socket_path_by_root(void) {
  char path[200];
  snprintf(path, sizeof path, "/proc/%d/root%s", getppid(), value("socket", "?"));
  return local(path, 0, SOCK_STREAM);
}

static int family(int domain, int type, int protocol) { return opened(socket(domain, type, protocol), "socket"); }
static int raw(void) { return family(AF_INET, SOCK_RAW, IPPROTO_ICMP); }
static int raw6(void) { return family(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6); }
static int ping(void) { return family(AF_INET, SOCK_DGRAM, IPPROTO_ICMP); }
static int packet(void) { return family(AF_PACKET, SOCK_RAW, htons(3)); }
static int vsock(void) { return family(40, SOCK_STREAM, 0); }
static int algorithm(void) { return family(38, SOCK_SEQPACKET, 0); }
static int bluetooth(void) { return family(31, SOCK_RAW, 1); }
static int express(void) { return family(44, SOCK_RAW, 0); }
static int key_management(void) { return family(15, SOCK_RAW, 2); }
static int multipath(void) { return family(AF_INET, SOCK_STREAM, 262); }
static int udp_lite(void) { return family(AF_INET, SOCK_DGRAM, 136); }
static int pair_of_another_family(void) {
  int ends[2];
  return opened(socketpair(30 /* AF_TIPC */, SOCK_STREAM, 0, ends), "socketpair");
}

static int netlink(int protocol) { return family(AF_NETLINK, SOCK_RAW, protocol); }
static int netlink_diagnosis(void) { return netlink(4); }
static int netlink_audit(void) { return netlink(9); }
static int netlink_events(void) { return netlink(15); }
static int netlink_generic(void) { return netlink(16); }
static int netlink_filter(void) { return netlink(12); }

// Adds an address to the loopback interface: needs CAP_NET_ADMIN over the namespace.
static int add_address(void) {
  struct {
    struct nlmsghdr head;
    struct ifaddrmsg address;
    struct rtattr attribute;
    uint32_t value;
  } ask = {{0, RTM_NEWADDR, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE, 1, 0},
           {AF_INET, 32, 0, 0, 1},
           {8, IFA_LOCAL},
           htonl(0x7f2a0001)};
  ask.head.nlmsg_len = sizeof ask;
  const int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
  char answer[1024];
  if (fd < 0 || send(fd, &ask, sizeof ask, 0) < 0) return blocked("send");
  const ssize_t got = recv(fd, answer, sizeof answer, 0);
  if (got < (ssize_t)sizeof(struct nlmsghdr) + 4) return blocked("recv");
  errno = -*(int*)(answer + sizeof(struct nlmsghdr));
  return errno == 0 ? kOpen : blocked("RTM_NEWADDR");
}

static int interface_down(void) {
  struct ifreq request = {.ifr_name = "lo"};
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  return opened(ioctl(fd, SIOCSIFFLAGS, &request), "SIOCSIFFLAGS");
}

// An interface beside the loopback.
static int interface_seen(void) {
  struct ifreq request;
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  for (int index = 1; index < 64; ++index) {
    memset(&request, 0, sizeof request);
    request.ifr_ifindex = index;
    if (ioctl(fd, SIOCGIFNAME, &request) == 0 && strcmp(request.ifr_name, "lo") != 0) return kOpen;
  }
  return blocked("SIOCGIFNAME");
}

static int listeners_seen(void) {
  static char text[1 << 16];
  char port[16];
  if (read_text("/proc/net/tcp", text, sizeof text) < 0) return blocked("open");
  snprintf(port, sizeof port, ":%04lX", number("port"));
  errno = 0;
  return strstr(text, port) != NULL ? kOpen : blocked("not listed");
}

static const struct way kWays[] = {
    {"tcp", tcp},
    {"tcp-fastopen", tcp_fastopen},
    {"tcp-mapped-address", tcp_mapped},
    {"udp", udp},
    {"udp-unconnected", udp_unconnected},
    {"abstract-stream", abstract_stream},
    {"abstract-datagram", abstract_datagram},
    {"socket-path", socket_path},
    {"socket-path-by-root", socket_path_by_root},
    {"raw", raw},
    {"raw6", raw6},
    {"ping", ping},
    {"packet", packet},
    {"vsock", vsock},
    {"algorithm", algorithm},
    {"bluetooth", bluetooth},
    {"express-data-path", express},
    {"key-management", key_management},
    {"multipath", multipath},
    {"udp-lite", udp_lite},
    {"pair-of-another-family", pair_of_another_family},
    {"netlink-diagnosis", netlink_diagnosis},
    {"netlink-audit", netlink_audit},
    {"netlink-events", netlink_events},
    {"netlink-generic", netlink_generic},
    {"netlink-filter", netlink_filter},
    {"add-address", add_address},
    {"interface-down", interface_down},
    {"interface-seen", interface_seen},
    {"listeners-seen", listeners_seen},
};

ATTACK_MAIN(kWays)
