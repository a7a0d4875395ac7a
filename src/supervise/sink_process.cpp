// SPDX-License-Identifier: Apache-2.0
#include "supervise/sink_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "events/notice.h"
#include "supervise/event_sinks.h"
#include "sys/event_loop.h"

namespace sbx::supervise {
namespace {

constexpr std::size_t kMostBytes = 1 << 18;  // of one event
constexpr int kReaderMilliseconds = 1000;    // that a reader of a descriptor may take for one event

// A connected datagram socket that never blocks; -errno.
int connect_datagram(const std::string& path) {
  sockaddr_un address{};
  if (path.size() >= sizeof address.sun_path) {
    return -ENAMETOOLONG;
  }
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket >= 0 &&
      ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int errno_value = errno;
    ::close(socket);
    return -errno_value;
  }
  return socket < 0 ? -errno : socket;
}

// The journal or syslog: started anew, it has another socket of the same name.
class DatagramSink {
 public:
  explicit DatagramSink(const plan::Sink& sink) : sink_(sink) {}

  void send(const events::Event& event) {
    std::string datagram;
    if (sink_.kind == plan::Sink::Kind::Journal) {
      datagram = events::journal_datagram(event);
    } else {
      datagram = events::syslog_datagram(event, local_time(event.time_us), ::getppid());
    }
    if (!try_send(datagram)) {
      socket_.reset(std::max(-1, connect_datagram(sink_.path)));
      try_send(datagram);
    }
  }

 private:
  static std::string local_time(std::uint64_t time_us) {
    const auto seconds = static_cast<time_t>(time_us / 1'000'000);
    tm local{};
    std::array<char, 32> text{};
    ::localtime_r(&seconds, &local);
    ::strftime(text.data(), text.size(), "%b %e %H:%M:%S", &local);
    return text.data();
  }

  bool try_send(const std::string& datagram) {
    return socket_ && (::send(socket_.get(), datagram.data(), datagram.size(), MSG_NOSIGNAL) >= 0 ||
                       errno == EAGAIN);  // it is flooded: one line of many is lost
  }

  const plan::Sink& sink_;
  sys::UniqueFd socket_;
};

// Lines to a descriptor of the caller's: whole ones, or none where its reader has stopped reading.
void write_line(int descriptor, const std::string& line) {
  constexpr std::size_t kAtOnce = 4096;  // PIPE_BUF: what a pipe that is writable has room for
  for (std::size_t at = 0; at < line.size();) {
    pollfd ready{descriptor, POLLOUT, 0};
    if (::poll(&ready, 1, kReaderMilliseconds) <= 0 || (ready.revents & POLLOUT) == 0) {
      return;
    }
    const ssize_t written =
        ::write(descriptor, line.data() + at, std::min(kAtOnce, line.size() - at));
    if (written < 0 && errno != EINTR && errno != EAGAIN) {
      return;
    }
    at += written > 0 ? static_cast<std::size_t>(written) : 0;
  }
}

// In the child of the command's fork.
[[noreturn]] void execute(const std::vector<std::string>& command, int input) {
  sigset_t none;
  ::sigemptyset(&none);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  // Its own session: Ctrl-C is meant for what runs in the sandbox.
  if (::setsid() < 0 || null < 0 || ::dup2(input, STDIN_FILENO) < 0 ||
      ::dup2(null, STDOUT_FILENO) < 0 || ::dup2(null, STDERR_FILENO) < 0 || ::chdir("/") != 0 ||
      ::sigprocmask(SIG_SETMASK, &none, nullptr) != 0) {
    ::_exit(125);
  }
  std::vector<char*> argv;
  for (const std::string& word : command) {
    argv.push_back(const_cast<char*>(word.c_str()));
  }
  argv.push_back(nullptr);
  ::execvp(argv[0], argv.data());
  ::_exit(127);
}

class NotifyCommand {
 public:
  explicit NotifyCommand(const std::vector<std::string>& words) : words_(words) {}

  void add(const std::string& line) {
    if (!words_.empty() && waiting_.size() + line.size() <= kNotifyBytes) {
      waiting_ += line;
    }
  }

  // Starts it if its time has come. How long until then, in milliseconds; -1: there is nothing to
  // wait for.
  int look(bool at_once) {
    const std::uint64_t now = sys::monotonic_milliseconds();
    if (running_ > 0) {
      if (::waitpid(running_, nullptr, WNOHANG) == 0) {
        if (now < kill_at_) {
          constexpr int kLookAgain = 50;
          return kLookAgain;
        }
        ::kill(-running_, SIGKILL);
        ::waitpid(running_, nullptr, 0);
      }
      running_ = 0;
    }
    if (waiting_.empty()) {
      return -1;
    }
    if (now < next_ && !at_once) {
      return static_cast<int>(next_ - now);
    }
    start(now);
    return look(false);
  }

 private:
  void start(std::uint64_t now) {
    const sys::UniqueFd input(::memfd_create("sbx-events", MFD_CLOEXEC));
    const bool written = input && ::write(input.get(), waiting_.data(), waiting_.size()) ==
                                      static_cast<ssize_t>(waiting_.size());
    waiting_.clear();
    next_ = now + static_cast<std::uint64_t>(kNotifyPause.count());
    kill_at_ = now + static_cast<std::uint64_t>(std::chrono::milliseconds(kNotifyTime).count());
    if (!written || ::lseek(input.get(), 0, SEEK_SET) != 0) {
      return;
    }
    const pid_t pid = ::fork();
    if (pid == 0) {
      execute(words_, input.get());
    }
    running_ = std::max(pid, 0);
  }

  const std::vector<std::string>& words_;
  std::string waiting_;
  pid_t running_ = 0;
  std::uint64_t next_ = 0, kill_at_ = 0;
};

}  // namespace

int try_datagram_socket(const std::string& path) {
  const int socket = connect_datagram(path);
  const sys::UniqueFd closed(std::max(-1, socket));
  return socket < 0 ? -socket : 0;
}

[[noreturn]] void run_sinks(const plan::Reporting& reporting, int channel) {
  // What is opened from here on must not become 0, 1 or 2.
  for (int null = 0; null >= 0 && null <= STDERR_FILENO;) {
    null = ::open("/dev/null", O_RDWR);
    if (null > STDERR_FILENO) {
      ::close(null);
    }
  }
  std::vector<DatagramSink> datagrams;
  std::vector<int> descriptors;
  for (const plan::Sink& sink : reporting.sinks) {
    if (sink.kind == plan::Sink::Kind::Descriptor) {
      descriptors.push_back(sink.descriptor);
    } else {
      datagrams.emplace_back(sink);
    }
  }
  NotifyCommand command(reporting.notify_command);
  std::vector<char> buffer(kMostBytes);
  for (bool open = true; open;) {
    pollfd ready{channel, POLLIN, 0};
    if (::poll(&ready, 1, command.look(false)) <= 0) {
      continue;
    }
    const ssize_t length = ::recv(channel, buffer.data(), buffer.size(), 0);
    open = length > 0;
    const std::string json(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
    const auto event = events::from_json(json);
    if (!event) {
      continue;
    }
    for (const int descriptor : descriptors) {
      write_line(descriptor, json + "\n");
    }
    if (!events::is_notable(*event)) {
      continue;
    }
    for (DatagramSink& sink : datagrams) {
      sink.send(*event);
    }
    command.add(json + "\n");
  }
  // What has come since the command was started last.
  for (int wait = command.look(true); wait >= 0; wait = command.look(true)) {
    ::poll(nullptr, 0, wait);
  }
  ::_exit(0);
}

}  // namespace sbx::supervise
