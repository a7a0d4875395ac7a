// SPDX-License-Identifier: Apache-2.0
#include "supervise/sandbox_cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>

#include <fmt/format.h>

#include "base/text.h"
#include "supervise/process_facts.h"
#include "supervise/systemd_scope.h"
#include "sys/process.h"

namespace sbx::supervise {
namespace {

constexpr std::string_view kPrefix = "sbx-";             // then the supervisor's pid
constexpr std::string_view kSupervisors = "supervisor";  // where sbx itself steps down to

int write_text(const std::string& path, const std::string& text) {
  return sys::write_file(path.c_str(), text.data(), text.size());
}

Error cannot(const std::string& what, int errno_value, const Origin& origin) {
  return Error{"cannot " + what, errno_value, origin,
               "sbx doctor says which cgroups there are; limits.cgroup = \"never\" does without"};
}

std::optional<std::uint64_t> number_after(const std::string& text, std::string_view name) {
  for (const std::string& line : split(text, '\n')) {
    if (line.starts_with(name) && line.size() > name.size() && line[name.size()] == ' ') {
      return parse_number(std::string_view(line).substr(name.size() + 1));
    }
  }
  return std::nullopt;
}

// A supervisor that was killed leaves its group behind, empty. No other may be touched: it may be
// one that its sbx is about to enter.
void remove_stale(const std::string& parent) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(parent.c_str()), ::closedir);
  while (const dirent* entry = directory ? ::readdir(directory.get()) : nullptr) {
    const std::string_view name = entry->d_name;
    if (!name.starts_with(kPrefix)) {
      continue;
    }
    const auto pid = parse_number(name.substr(kPrefix.size()));
    if (pid && ::kill(static_cast<pid_t>(*pid), 0) != 0 && errno == ESRCH) {
      ::rmdir(fmt::format("{}/{}", parent, name).c_str());  // EBUSY: still in use after all
    }
  }
}

// cgroups(7), "no internal processes": a group that hands controllers down has no processes itself.
Status step_down(const std::string& parent, const Origin& origin) {
  const std::string group = fmt::format("{}/{}", parent, kSupervisors);
  if (::mkdir(group.c_str(), 0755) != 0 && errno != EEXIST) {
    return cannot("make the cgroup " + group, errno, origin);
  }
  if (const int answer = write_text(group + "/cgroup.procs", "0"); answer < 0) {
    return cannot("move to the cgroup " + group, -answer, origin);
  }
  return {};
}

Status hand_down(const std::string& parent, const plan::Cgroup& cgroup, const Origin& origin) {
  const std::string path = parent + "/cgroup.subtree_control";
  const std::string present = read_proc_file(path, 4096);
  for (const std::string& controller : cgroup.controllers) {
    const std::vector<std::string> words = split(present.substr(0, present.find('\n')), ' ');
    if (std::find(words.begin(), words.end(), controller) != words.end()) {
      continue;
    }
    if (const int answer = write_text(path, "+" + controller); answer < 0) {
      return cannot(fmt::format("hand the {} controller down from {}", controller, parent), -answer,
                    origin);
    }
  }
  return {};
}

// The kernel rounds memory down to pages; nothing else may differ.
bool is_set(const std::string& read_back, const std::string& value) {
  constexpr std::uint64_t kPage = 4096;
  const std::string text = read_back.substr(0, read_back.find('\n'));
  const auto is = parse_number(text), wanted = parse_number(value);
  return text == value || (is && wanted && *is == *wanted / kPage * kPage);
}

Status apply(const std::string& group, const plan::CgroupSetting& setting) {
  const std::string path = group + "/" + setting.file;
  if (const int answer = write_text(path, setting.value); answer < 0) {
    return cannot(fmt::format("set the limit {} = {} ({})", setting.name, setting.amount, path),
                  -answer, setting.origin);
  }
  const std::string read_back = read_proc_file(path, 256);
  if (!is_set(read_back, setting.value)) {
    return cannot(fmt::format("set the limit {} = {}: {} says {}", setting.name, setting.amount,
                              path, quote(read_back)),
                  0, setting.origin);
  }
  // Swap would be memory beyond the limit. Not there: no swap is counted, or none is built in.
  if (setting.file == "memory.max") {
    const int answer = write_text(group + "/memory.swap.max", "0");
    if (answer < 0 && answer != -ENOENT) {
      return cannot("forbid swap beyond the limit memory", -answer, setting.origin);
    }
  }
  return {};
}

// The errand: whatever is left in the group dies, and the group goes.
int take_down(const std::string& group) {
  write_text(group + "/cgroup.kill", "1");  // Linux 5.14; the sandbox is dead already, or dying
  constexpr timespec kPause{0, 2'000'000};
  for (int tries = 0; ::rmdir(group.c_str()) != 0 && errno == EBUSY && tries < 1000; ++tries) {
    ::nanosleep(&kPause, nullptr);
  }
  return 0;
}

}  // namespace

LimitWatch::LimitWatch(sys::UniqueFd file, std::string counter, plan::CgroupSetting setting)
    : file_(std::move(file)), counter_(std::move(counter)), setting_(std::move(setting)) {}

std::optional<std::string> LimitWatch::look() {
  std::array<char, 512> bytes{};
  const ssize_t length = ::pread(file_.get(), bytes.data(), bytes.size(), 0);
  const auto now =
      length < 0
          ? std::nullopt
          : number_after(std::string(bytes.data(), static_cast<std::size_t>(length)), counter_);
  if (!now || *now <= counted_) {
    return std::nullopt;
  }
  const std::uint64_t more = *now - counted_;
  counted_ = *now;
  const bool kills = counts_kills();
  if (!kills && told_) {
    return std::nullopt;  // a fork bomb hits the limit a million times
  }
  told_ = true;
  return fmt::format(
      "the limit {} = {} was reached: {}", setting_.name, setting_.amount,
      kills ? fmt::format("the kernel killed {} process{}", more, more == 1 ? "" : "es")
            : "no more processes could be started");
}

Result<SandboxCgroup> SandboxCgroup::make(const plan::LaunchPlan& plan) {
  SandboxCgroup made;
  if (!plan.cgroup) {
    return made;
  }
  const plan::Cgroup& cgroup = *plan.cgroup;
  const Origin& origin = cgroup.settings.front().origin;
  std::string parent = cgroup.parent;
  if (parent.empty()) {
    auto scope = enter_scope(cgroup.user_bus, cgroup.mount, origin);
    if (!scope) {
      return std::move(scope).error();
    }
    parent = *std::move(scope);
  }
  if (cgroup.vacate) {
    SBX_TRY(step_down(parent, origin));
  }
  SBX_TRY(hand_down(parent, cgroup, origin));
  remove_stale(parent);
  const std::string group = fmt::format("{}/{}{}", parent, kPrefix, ::getpid());
  if (::mkdir(group.c_str(), 0755) != 0) {
    return cannot("make the cgroup " + group, errno, origin);
  }
  auto removal = Errand::start({}, [&group](bool) { return take_down(group); });
  if (!removal) {
    ::rmdir(group.c_str());
    return std::move(removal).error();
  }
  made.removal_ = *std::move(removal);
  for (const plan::CgroupSetting& setting : cgroup.settings) {
    SBX_TRY(apply(group, setting));
    const bool memory = setting.file == "memory.max";
    if (memory || setting.file == "pids.max") {
      const std::string path = group + (memory ? "/memory.events" : "/pids.events");
      sys::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
      if (!file) {
        return cannot("watch " + path, errno, setting.origin);
      }
      made.watches_.emplace_back(std::move(file), memory ? "oom_kill" : "max", setting);
    }
  }
  made.processes_.reset(::open((group + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
  if (!made.processes_) {
    return cannot("open the cgroup " + group, errno, origin);
  }
  return made;
}

}  // namespace sbx::supervise
