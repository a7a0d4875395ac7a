// SPDX-License-Identifier: Apache-2.0
// One method call over D-Bus (dbus.freedesktop.org, "D-Bus Specification", "Message Protocol"), by
// hand: systemd's library has no static archive, and starting busctl for it would cost more than
// the launch.
#include "supervise/systemd_scope.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "base/text.h"
#include "supervise/process_facts.h"
#include "sys/unique_fd.h"

namespace sbx::supervise {
namespace {

constexpr int kPatience = 5;  // seconds for an answer, and then for the move

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "messages are sent as 'l'");

// Marshalling: each value is aligned to its own size from the start of the message.
class Writer {
 public:
  void align(std::size_t to) { bytes_.resize((bytes_.size() + to - 1) / to * to, '\0'); }
  void byte(char value) { bytes_.push_back(value); }
  void number(std::uint32_t value) {
    align(4);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void string(std::string_view text) {
    number(static_cast<std::uint32_t>(text.size()));
    bytes_.append(text).push_back('\0');
  }
  void signature(std::string_view text) {
    byte(static_cast<char>(text.size()));
    bytes_.append(text).push_back('\0');
  }
  // An array's length counts from its first element, after the alignment.
  std::size_t begin_array(std::size_t element_alignment) {
    number(0);
    const std::size_t length_at = bytes_.size() - 4;
    align(element_alignment);
    starts_.push_back(bytes_.size());
    return length_at;
  }
  void end_array(std::size_t length_at) {
    const auto length = static_cast<std::uint32_t>(bytes_.size() - starts_.back());
    starts_.pop_back();
    std::memcpy(bytes_.data() + length_at, &length, sizeof length);
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
  std::vector<std::size_t> starts_;
};

// A header field: its code, then a variant of one string-like type ('s', 'o' or 'g').
void field(Writer& out, char code, std::string_view type, std::string_view value) {
  out.align(8);
  out.byte(code);
  out.signature(type);
  type == "g" ? out.signature(value) : out.string(value);
}

struct Call {
  std::string_view destination, path, interface, member, signature;
  std::string body;
};

std::string message(const Call& call, std::uint32_t serial) {
  constexpr char kMethodCall = 1;
  Writer out;
  out.byte('l');
  out.byte(kMethodCall);
  out.byte(0);
  out.byte(1);  // version
  out.number(static_cast<std::uint32_t>(call.body.size()));
  out.number(serial);
  const std::size_t fields = out.begin_array(8);
  field(out, 1, "o", call.path);
  field(out, 2, "s", call.interface);
  field(out, 3, "s", call.member);
  field(out, 6, "s", call.destination);
  if (!call.signature.empty()) {
    field(out, 8, "g", call.signature);
  }
  out.end_array(fields);
  out.align(8);
  return out.take() + call.body;
}

// StartTransientUnit(in s name, in s mode, in a(sv) properties, in a(sa(sv)) aux, out o job)
std::string scope_body(const std::string& unit) {
  Writer out;
  out.string(unit);
  out.string("fail");
  const std::size_t properties = out.begin_array(8);
  out.align(8);
  out.string("PIDs");
  out.signature("au");
  const std::size_t pids = out.begin_array(4);
  out.number(static_cast<std::uint32_t>(::getpid()));
  out.end_array(pids);
  out.align(8);
  out.string("Delegate");
  out.signature("b");
  out.number(1);
  out.align(8);
  out.string("Description");
  out.signature("s");
  out.string("sandbox of sbx");
  out.align(8);
  out.string("CollectMode");  // no failed unit stays behind
  out.signature("s");
  out.string("inactive-or-failed");
  out.end_array(properties);
  const std::size_t none = out.begin_array(8);
  out.end_array(none);
  return out.take();
}

bool send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) {
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool receive_all(int socket, std::string& into, std::size_t size) {
  into.resize(size);
  return ::recv(socket, into.data(), size, MSG_WAITALL) == static_cast<ssize_t>(size);
}

std::uint32_t number_at(const std::string& bytes, std::size_t at) {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

// The serial that a message answers (header field 5, of type u); 0 if it is none.
std::uint32_t answered_serial(const std::string& fields) {
  static constexpr std::string_view kReplySerial("\5\1u\0", 4);
  // Structs stand at multiples of 8; the fields begin at one.
  for (std::size_t at = 0; at + 8 <= fields.size(); at += 8) {
    if (std::string_view(fields).substr(at, kReplySerial.size()) == kReplySerial) {
      return number_at(fields, at + 4);
    }
  }
  return 0;
}

struct Answer {
  bool is_error = false;
  std::string body;
};

// The answer to the call with this serial; signals and other answers are passed over.
Result<Answer> answer_to(int socket, std::uint32_t serial) {
  constexpr std::size_t kFixed = 16;
  constexpr std::uint32_t kMost = 1u << 20;
  for (int messages = 0; messages < 1000; ++messages) {
    std::string header, fields, body;
    errno = 0;
    if (!receive_all(socket, header, kFixed)) {
      return Error{"no answer", errno == EAGAIN ? ETIMEDOUT : errno};
    }
    const std::uint32_t body_length = number_at(header, 4), field_length = number_at(header, 12);
    if (header[0] != 'l' || body_length > kMost || field_length > kMost ||
        !receive_all(socket, fields, (field_length + 7) / 8 * 8) ||
        !receive_all(socket, body, body_length)) {
      return Error{"an answer that is none of D-Bus", EPROTO};
    }
    constexpr char kReturn = 2, kError = 3;
    if ((header[1] == kReturn || header[1] == kError) && answered_serial(fields) == serial) {
      return Answer{header[1] == kError, std::move(body)};
    }
  }
  return Error{"no answer among many messages", EPROTO};
}

// "Authentication Protocol", EXTERNAL: the kernel tells the bus our uid.
bool authenticate(int socket) {
  std::string hex;
  for (const char digit : std::to_string(::geteuid())) {
    hex += fmt::format("{:02x}", static_cast<unsigned>(digit));
  }
  if (!send_all(socket, std::string(1, '\0') + "AUTH EXTERNAL " + hex + "\r\n")) {
    return false;
  }
  std::string line;
  for (char next = 0; line.size() < 256 && !line.ends_with("\r\n");) {
    if (::recv(socket, &next, 1, 0) != 1) {
      return false;
    }
    line += next;
  }
  return line.starts_with("OK ") && send_all(socket, "BEGIN\r\n");
}

sys::UniqueFd connect_to(const std::string& bus) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (bus.size() >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return sys::UniqueFd();
  }
  std::memcpy(address.sun_path, bus.data(), bus.size());
  sys::UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval patience{kPatience, 0};
  if (!socket ||
      ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ||
      ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return sys::UniqueFd();
  }
  return socket;
}

// Ours in version 2's tree once systemd has moved us; empty if it does not.
std::string wait_for_move(const std::string& unit) {
  constexpr timespec kPause{0, 1'000'000};
  for (int tries = 0; tries < kPatience * 1000; ++tries) {
    for (const std::string& line : split(read_proc_file("/proc/self/cgroup", 8192), '\n')) {
      if (line.starts_with("0::/") && line.ends_with("/" + unit)) {
        return line.substr(3);
      }
    }
    ::nanosleep(&kPause, nullptr);
  }
  return "";
}

}  // namespace

Result<std::string> enter_scope(const std::string& bus, const std::string& mount,
                                const Origin& origin) {
  const std::string unit = fmt::format("sbx-{}.scope", ::getpid());
  const auto cannot = [&](const std::string& why, int errno_value) {
    return Error{
        "cannot get a cgroup from the user's systemd: " + why, errno_value, origin,
        "systemctl --user status shows whether it runs; limits.cgroup = \"never\" does without"};
  };
  const sys::UniqueFd socket = connect_to(bus);
  if (!socket) {
    return cannot("no bus at " + bus, errno);
  }
  if (!authenticate(socket.get())) {
    return cannot("the bus at " + bus + " refuses this user", 0);
  }
  const Call hello{
      "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello", "", ""};
  const Call start{
      "org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
      "StartTransientUnit",       "ssa(sv)a(sa(sv))",          scope_body(unit)};
  constexpr std::uint32_t kHello = 1, kStart = 2;
  if (!send_all(socket.get(), message(hello, kHello) + message(start, kStart))) {
    return cannot("the bus hung up", errno);
  }
  const auto answer = answer_to(socket.get(), kStart);
  if (!answer) {
    return cannot(answer.error().action, answer.error().errno_value);
  }
  if (answer->is_error) {
    // The first argument of an error is its text (length, bytes, NUL).
    const std::string& body = answer->body;
    const std::size_t length = body.size() < 4 ? 0 : number_at(body, 0);
    return cannot(length + 4 <= body.size() ? escape(body.substr(4, length)) : "it refuses", 0);
  }
  const std::string group = wait_for_move(unit);
  if (group.empty()) {
    return cannot(unit + " was made, but sbx is not in it", ETIMEDOUT);
  }
  return mount + group;
}

}  // namespace sbx::supervise
