// SPDX-License-Identifier: Apache-2.0
#include "cli/audit_input.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/line_splitter.h"
#include "base/text.h"
#include "sys/audit_multicast.h"
#include "sys/event_loop.h"

namespace sbx::cli {
namespace {

constexpr const char* kAuditLog = "/var/log/audit/audit.log";
constexpr const char* kKernelLog = "/dev/kmsg";
constexpr std::size_t kBlock = 256u << 10;
constexpr int kTickMs = 250;

using Kind = AuditInput::Kind;

Error cannot_read(const std::string& path, int errno_value) {
  return Error{.action = "cannot read " + path, .errno_value = errno_value};
}

sys::UniqueFd open_to_read(const std::string& path) {
  // O_NONBLOCK: a FIFO that nobody writes to would hold us here; /dev/kmsg would wait at its end.
  return sys::UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
}

// One read: how many bytes came, 0 at the end of what there is, or an Error.
struct Block {
  std::string bytes;
  bool at_end = false;   // of a file or a closed pipe
  bool waiting = false;  // nothing now
  bool skipped = false;  // the kernel log went on without us
};

Result<Block> read_block(const AuditInput& input) {
  Block block;
  block.bytes.resize(kBlock);
  const ssize_t got = ::read(input.descriptor(), block.bytes.data(), block.bytes.size());
  const int errno_value = errno;
  block.bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  block.at_end = got == 0;
  if (got >= 0) {
    return block;
  }
  block.waiting = errno_value == EAGAIN || errno_value == EINTR;
  block.skipped = errno_value == EPIPE && input.kind == Kind::KernelLog;
  if (!block.waiting && !block.skipped) {
    return cannot_read(input.path, errno_value);
  }
  return block;
}

// Lines of one input into the report, with what stands between two reads.
class LineFeed {
 public:
  explicit LineFeed(AuditReport& report) : report_(report) {}

  void take(const Block& block) {
    splitter_.feed(block.bytes,
                   [this](std::string_view line, bool whole) { report_.line(line, whole); });
    if (block.skipped) {
      report_.lost_unknown();
    }
  }

  // A last line without a newline was cut off, even if it looks whole: "code=0x7" may have been
  // "code=0x7ffc0000".
  void end() {
    if (!splitter_.rest().empty()) {
      report_.line(splitter_.rest(), false);
      splitter_.clear();
    }
  }

 private:
  AuditReport& report_;
  LineSplitter splitter_;
};

struct Identity {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  friend bool operator==(const Identity& a, const Identity& b) {
    return a.device == b.device && a.inode == b.inode;
  }
};

Identity identity(const struct stat& info) {
  return {info.st_dev, info.st_ino, info.st_size};
}

// True if the name is another file now (which `input` then reads), or the file was emptied.
bool rotated(AuditInput& input) {
  struct stat by_name {};
  struct stat open_file {};
  if (::stat(input.path.c_str(), &by_name) != 0 || ::fstat(input.fd.get(), &open_file) != 0) {
    return false;  // between two files: the next look will find the new one
  }
  if (identity(by_name) == identity(open_file)) {
    const off_t at = ::lseek(input.fd.get(), 0, SEEK_CUR);
    return open_file.st_size < at && ::lseek(input.fd.get(), 0, SEEK_SET) == 0;
  }
  sys::UniqueFd next = open_to_read(input.path);
  if (next) {
    input.fd = std::move(next);
  }
  return static_cast<bool>(input.fd);
}

// Signals that end --follow, as something to wait for.
Result<sys::UniqueFd> ending_signals() {
  sigset_t ending;
  sigemptyset(&ending);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    sigaddset(&ending, signal);
  }
  if (::sigprocmask(SIG_BLOCK, &ending, nullptr) != 0) {
    return Error{"cannot block signals", errno};
  }
  return sys::create_signalfd();
}

// Reads until nothing is there. False at the end of standard input.
Result<bool> drain_lines(AuditInput& input, LineFeed& feed, AuditReport& report) {
  const bool is_stream = !input.fd;
  for (;;) {
    const auto block = read_block(input);
    if (!block) {
      return block.error();
    }
    feed.take(*block);
    SBX_TRY(report.state());
    if (block->at_end && is_stream) {
      return false;
    }
    if (block->at_end && input.kind == Kind::Lines && rotated(input)) {
      feed.end();
      continue;
    }
    if (block->at_end || block->waiting || is_stream) {
      return true;  // of a stream one read: a second might wait, and no signal would end it
    }
  }
}

Status drain_messages(AuditInput& input, AuditReport& report) {
  std::string buffer;
  sys::AuditMessage message;
  for (;;) {
    const auto read = sys::read_audit_message(input.fd.get(), buffer, message);
    if (!read) {
      return read.error();
    }
    if (*read == sys::AuditRead::Nothing) {
      return {};
    }
    if (*read == sys::AuditRead::Overrun) {
      report.lost_unknown();
    } else if (message.type != 0) {
      report.message(message.type, message.payload);
    }
    SBX_TRY(report.state());
  }
}

Error nothing_to_read(const Error& log, const Error& kernel) {
  const bool forbidden =
      log.errno_value == EACCES || kernel.errno_value == EPERM || kernel.errno_value == EACCES;
  return Error{
      .action = std::string("cannot read ") + kAuditLog + " nor " + kKernelLog,
      .errno_value = kernel.errno_value,
      .hint = forbidden
                  ? "only root may see what the kernel recorded of everybody: sudo sbx audit, "
                    "or give a FILE; your own sandboxes report by themselves"
                  : "give a FILE, or - for standard input: dmesg | sbx audit -"};
}

}  // namespace

Result<AuditInput> open_audit_input(const std::string& operand, bool live) {
  AuditInput input;
  input.path = operand;
  if (operand == "-") {
    return input;
  }
  if (!operand.empty()) {
    input.fd = open_to_read(operand);
    struct stat info {};
    if (!input.fd || ::fstat(input.fd.get(), &info) != 0) {
      return cannot_read(operand, errno);
    }
    if (S_ISDIR(info.st_mode)) {
      return cannot_read(operand, EISDIR);
    }
    if (!S_ISREG(info.st_mode)) {
      ::fcntl(input.fd.get(), F_SETFL, 0);  // a pipe: wait for its writer
    }
    input.own_machine = operand == kAuditLog;
    input.kind = operand == kKernelLog ? Kind::KernelLog : Kind::Lines;
    if (input.kind == Kind::KernelLog) {
      ::fcntl(input.fd.get(), F_SETFL, O_NONBLOCK);
      input.own_machine = true;
    }
    return input;
  }
  input.own_machine = true;
  if (live) {
    if (auto group = sys::open_audit_multicast()) {
      return AuditInput{Kind::Multicast, "the audit multicast group", *std::move(group), true};
    }
  }
  input.path = kAuditLog;
  input.fd = open_to_read(kAuditLog);
  if (input.fd) {
    return input;
  }
  const Error log = cannot_read(kAuditLog, errno);
  input = {Kind::KernelLog, kKernelLog, open_to_read(kKernelLog), true};
  // Opening may succeed where reading does not: CONFIG_SECURITY_DMESG_RESTRICT is asked then.
  if (!input.fd) {
    return nothing_to_read(log, cannot_read(kKernelLog, errno));
  }
  return input;
}

Status read_all(AuditInput& input, AuditReport& report) {
  LineFeed feed(report);
  for (;;) {
    const auto block = read_block(input);
    if (!block) {
      return block.error();
    }
    feed.take(*block);
    SBX_TRY(report.state());
    if (block->at_end || (block->waiting && input.kind == Kind::KernelLog)) {
      feed.end();
      return {};
    }
    if (block->waiting) {
      // Standard input that somebody made non-blocking.
      pollfd wait{input.descriptor(), POLLIN, 0};
      (void)::poll(&wait, 1, -1);
    }
  }
}

Status follow(AuditInput& input, bool from_start, AuditReport& report) {
  auto signals = ending_signals();
  if (!signals) {
    return signals.error();
  }
  if (!from_start && input.fd && input.kind != Kind::Multicast) {
    ::lseek(input.fd.get(), 0, SEEK_END);  // a pipe has no end: all of it is read
  }
  LineFeed feed(report);
  // A regular file is always ready: there only the clock says when to look again.
  const bool is_file = input.kind == Kind::Lines && static_cast<bool>(input.fd);
  for (;;) {
    if (input.kind == Kind::Multicast) {
      SBX_TRY(drain_messages(input, report));
    } else if (is_file) {
      const auto more = drain_lines(input, feed, report);
      if (!more) {
        return more.error();
      }
    }
    report.tick();
    SBX_TRY(report.state());
    std::array<pollfd, 2> waits{{{signals->get(), POLLIN, 0}, {input.descriptor(), POLLIN, 0}}};
    if (is_file) {
      waits[1].fd = -1;
    }
    const int ready = ::poll(waits.data(), waits.size(), kTickMs);
    if (ready < 0 && errno != EINTR) {
      return Error{"cannot wait for records", errno};
    }
    if (ready > 0 && (waits[0].revents & POLLIN) != 0) {
      feed.end();
      return {};
    }
    if (ready > 0 && !is_file && input.kind != Kind::Multicast && waits[1].revents != 0) {
      const auto more = drain_lines(input, feed, report);
      if (!more) {
        return more.error();
      }
      if (!*more) {
        feed.end();
        return {};
      }
    }
  }
}

}  // namespace sbx::cli
