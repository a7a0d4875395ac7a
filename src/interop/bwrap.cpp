// SPDX-License-Identifier: Apache-2.0
// A plan as a script that calls bubblewrap, with the filter as a file beside it: for places where sbx
// is not. bwrap(1) has no noexec, no Landlock and nobody who answers for the filter: all of that is
// reported as lost.
#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include <fmt/format.h>

#include "base/path.h"
#include "interop/bwrap.h"
#include "plan/answer.h"
#include "policy/capabilities.h"
#include "seccomp/compile.h"
#include "seccomp/evaluate.h"
#include "seccomp/syscall_table.h"

namespace sbx::interop {
namespace {

using Kind = Finding::Kind;

std::string shell_quoted(std::string_view text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,+@%";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string_view::npos) {
    return std::string(text);
  }
  std::string quoted = "'";
  for (const char c : text) {
    quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return quoted + "'";
}

// What `bwrap --dev /dev` makes.
bool is_of_dev(const std::string& destination) {
  constexpr std::array<std::string_view, 12> kMade = {
      "/dev", "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom",
      "/dev/tty", "/dev/fd", "/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/ptmx"};
  return std::find(kMade.begin(), kMade.end(), destination) != kMade.end() ||
         destination == "/dev/pts";
}

// The filter for a kernel that has nobody to ask.
seccomp::Rule unasked(seccomp::Rule rule, plan::OnViolation on_violation) {
  const plan::Answer answer = plan::answer_to(rule, on_violation);
  switch (answer.kind) {
    case plan::Answer::Kind::Run:
    case plan::Answer::Kind::RunTold:
    case plan::Answer::Kind::Supervised:
      rule.action = {seccomp::Verdict::Allow, 0};
      break;
    case plan::Answer::Kind::Fail:
      rule.action = {seccomp::Verdict::Errno, static_cast<std::uint16_t>(answer.errno_value)};
      break;
    case plan::Answer::Kind::Kill:
      rule.action = {seccomp::Verdict::Kill, 0};
      break;
  }
  return rule;
}

class Writer {
 public:
  explicit Writer(const ExportRequest& request) : plan_(request.plan), request_(request) {}

  Result<Export> write() {
    add_namespaces();
    add_identity();
    for (const plan::MountOp& op : plan_.mounts) {
      std::visit([&](const auto& what) { add(what, op.origin); }, op.what);
    }
    for (const std::string& place : read_only_) {
      word("--remount-ro", place);
    }
    word("--remount-ro", "/");
    add_environment();
    auto filter = make_filter();
    if (!filter) {
      return std::move(filter).error();
    }
    report();
    written_.text = script();
    return std::move(written_);
  }

 private:
  void word(std::string_view option, std::string_view one = {}, std::string_view two = {}) {
    std::string line(option);
    for (const std::string_view value : {one, two}) {
      if (value.data() != nullptr) {
        line += " " + shell_quoted(value);
      }
    }
    lines_.push_back(std::move(line));
  }

  void lose(Kind kind, std::string what, std::string becomes, std::string reason, const Origin& origin = {}) {
    written_.lost.push_back({kind, std::move(what), std::move(becomes), std::move(reason), origin});
  }

  void add_namespaces() {
    constexpr struct {
      std::uint64_t flag;
      const char* option;
    } kOptions[] = {{CLONE_NEWPID, "--unshare-pid"}, {CLONE_NEWIPC, "--unshare-ipc"},
                    {CLONE_NEWUTS, "--unshare-uts"}, {CLONE_NEWCGROUP, "--unshare-cgroup"},
                    {CLONE_NEWNET, "--unshare-net"}};
    word("--unshare-user");
    for (const auto& one : kOptions) {
      if ((plan_.namespaces.own & one.flag) != 0) {
        word(one.option);
      }
    }
    if (plan_.namespaces.nested == 0) {
      word("--disable-userns");
    }
    word("--die-with-parent");
    if (!plan_.terminal.inherits) {
      word("--new-session");
    }
  }

  void add_identity() {
    word("--uid", std::to_string(plan_.identity.inside_uid));
    word("--gid", std::to_string(plan_.identity.inside_gid));
    if ((plan_.namespaces.own & CLONE_NEWUTS) != 0 && !plan_.hostname.empty()) {
      word("--hostname", plan_.hostname);
    }
    word("--cap-drop", "ALL");
    for (std::size_t i = 0; i < policy::capabilities().size(); ++i) {
      if ((plan_.capabilities >> i & 1) != 0) {
        word("--cap-add", policy::capabilities()[i].name);
      }
    }
    if (plan_.identity.leave_root) {
      lose(Kind::Dropped, "root's own uid", {},
           "sbx becomes an unprivileged uid first; start the script as an ordinary user");
    }
  }

  bool in_dev(const std::string& destination) {
    if (!path::is_below(destination, "/dev")) {
      return false;
    }
    if (!has_dev_) {
      has_dev_ = true;
      word("--dev", "/dev");
    }
    return is_of_dev(destination);
  }

  void add(const plan::MakeDirectory& directory, const Origin&) {
    if (directory.destination != "/proc" && !in_dev(directory.destination)) {
      lines_.push_back(fmt::format("--perms {:04o} --dir {}", directory.mode,
                                   shell_quoted(directory.destination)));
    }
  }

  // Mount points are made by bwrap.
  void add(const plan::MakeFile& file, const Origin&) {
    if (!file.contents.empty() && !in_dev(file.destination)) {
      const std::string name = fmt::format("FILE{}", ++documents_);
      const int descriptor = 10 + documents_;
      const std::string end = file.contents.ends_with('\n') ? "" : "\n";
      here_ += fmt::format("exec {}<<'{}'\n{}{}{}\n", descriptor, name, file.contents, end, name);
      word("--ro-bind-data", std::to_string(descriptor), file.destination);
    }
  }

  void add(const plan::MakeSymlink& link, const Origin&) {
    if (!in_dev(link.destination)) {
      word("--symlink", link.target, link.destination);
    }
  }

  void add(const plan::Bind& bind, const Origin& origin) {
    if (in_dev(bind.destination)) {
      return;
    }
    word(bind.read_only ? "--ro-bind" : bind.device ? "--dev-bind" : "--bind", bind.source,
         bind.destination);
    if (bind.no_exec && !bind.read_only) {
      lose(Kind::Changed, "noexec on " + bind.destination, "writable",
           "bwrap has no noexec: what is written there can be executed", origin);
    }
  }

  void add(const plan::Tmpfs& tmpfs, const Origin&) {
    if (in_dev(tmpfs.destination)) {
      return;
    }
    lines_.push_back(fmt::format("--perms {:04o}{} --tmpfs {}", tmpfs.mode,
                                 tmpfs.size_bytes > 0 ? fmt::format(" --size {}", tmpfs.size_bytes) : "",
                                 shell_quoted(tmpfs.destination)));
    if (tmpfs.read_only) {
      read_only_.push_back(tmpfs.destination);
    }
  }

  void add(const plan::OverlayMount& overlay, const Origin& origin) {
    word("--ro-bind", overlay.source, overlay.destination);
    lose(Kind::Changed, "overlay on " + overlay.destination, "read-only",
         "bwrap has overlays from 0.11 on only", origin);
  }

  void add(const plan::Proc& proc, const Origin& origin) {
    if (proc.show == plan::Proc::Show::Nothing) {
      return;
    }
    word("--proc", proc.destination);
    if (proc.read_only) {
      read_only_.push_back(proc.destination);
    }
    if (proc.show == plan::Proc::Show::Pids) {
      lose(Kind::Changed, "filesystem.proc = pids", "all of /proc", "bwrap has no subset=pid", origin);
    }
  }

  void add(const plan::Devpts&, const Origin&) { (void)in_dev("/dev/pts"); }

  void add(const plan::Pin& pin, const Origin& origin) {
    lose(Kind::Dropped, "sbx's own files held at " + pin.destination, {},
         "they matter where sbx is run", origin);
  }

  void add(const plan::MakeOnHost& directory, const Origin& origin) {
    lose(Kind::Dropped, "sbx's own files held at " + directory.destination, {},
         "they matter where sbx is run", origin);
  }

  void add_environment() {
    word("--clearenv");
    for (const std::string& variable : plan_.environment) {
      const std::size_t equals = variable.find('=');
      word("--setenv", variable.substr(0, equals), variable.substr(equals + 1));
    }
    if (!plan_.cwd.empty()) {
      word("--chdir", plan_.cwd);
    }
  }

  Status make_filter() {
    seccomp::FilterSpec spec = plan_.filter;
    for (auto& [number, rules] : spec.calls) {
      for (seccomp::Rule& rule : rules) {
        note(number, rule);
        rule = unasked(std::move(rule), plan_.on_violation);
      }
    }
    spec.denied = unasked(spec.denied, plan_.on_violation);
    spec.unknown = unasked(spec.unknown, plan_.on_violation);
    spec.foreign = unasked(spec.foreign, plan_.on_violation);
    allow_exec(spec);
    const auto program = seccomp::compile(spec);
    if (!program) {
      return program.error();
    }
    SBX_TRY(seccomp::verify(spec, *program));
    written_.files[".bpf"] = std::string(reinterpret_cast<const char*>(program->data()),
                                         program->size() * sizeof(sock_filter));
    written_.filter = std::move(spec);
    return {};
  }

  void note(int number, const seccomp::Rule& rule) {
    const plan::Answer answer = plan::answer_to(rule, plan_.on_violation);
    if (answer.kind == plan::Answer::Kind::Supervised) {
      lose(Kind::Changed,
           fmt::format("{}: {}", rule.text.str(), seccomp::name_of(plan_.filter.arch, number)), "allowed",
           "nobody is there to read the address", rule.origin);
    }
  }

  // bwrap executes the program, and its own process 1 waits for it, under the filter.
  void allow_exec(seccomp::FilterSpec& spec) {
    for (const char* call : {"execve", "wait4"}) {
      const auto number = seccomp::number_of(spec.arch, call);
      if (!number) {
        continue;
      }
      std::vector<seccomp::Rule> rules = seccomp::rules_for(spec, *number);
      if (seccomp::lets_run(rules.back())) {
        continue;
      }
      lose(Kind::Changed, call, "allowed", "bwrap itself makes the call under this filter",
           rules.back().origin);
      rules.back().action = {seccomp::Verdict::Allow, 0};
      spec.calls[*number] = {rules.back()};
    }
  }

  void report() {
    lose(Kind::Dropped, "Landlock", {}, "bwrap's mounts are the only layer");
    if (plan_.mdwe) {
      lose(Kind::Dropped, "memory.wx beyond the filter", {}, "bwrap sets no MDWE and mounts nothing noexec");
    }
    if (!plan_.publish.empty()) {
      lose(Kind::Dropped, "network.publish", {}, "nobody hands sockets in", plan_.publish.front().origin);
    }
    if (!plan_.connect.allowed.empty()) {
      lose(Kind::Dropped, "network.connect", {}, "nobody connects outside", {});
    }
    for (const plan::ResourceLimit& limit : plan_.limits) {
      if (option_of(limit).empty()) {
        lose(Kind::Dropped, "limits." + limit.name, {}, "counted per sandbox, which prlimit(1) cannot",
             limit.origin);
      }
    }
    if (plan_.cgroup) {
      lose(Kind::Dropped, "limits of the whole sandbox", {}, "bwrap makes no cgroup");
    }
    if (plan_.terminal.own) {
      lose(Kind::Changed, "a terminal of its own", "a session of its own",
           "the caller's terminal is handed on; the filter refuses input into it");
    }
    lose(Kind::Dropped, "reports of denied calls", {}, "nobody is there to tell of them");
  }

  static std::string option_of(const plan::ResourceLimit& limit) {
    switch (limit.resource) {
      case RLIMIT_CORE:
        return fmt::format("--core={}", limit.value);
      case RLIMIT_NOFILE:
        return fmt::format("--nofile={}", limit.value);
      case RLIMIT_FSIZE:
        return fmt::format("--fsize={}", limit.value);
      case RLIMIT_AS:
        return fmt::format("--as={}", limit.value);
      case RLIMIT_CPU:
        return fmt::format("--cpu={}", limit.value);
      default:
        return {};  // RLIMIT_NPROC counts all of the user's processes outside a namespace of its own
    }
  }

  std::string script() const {
    const std::string bpf = request_.stem + ".bpf";
    std::string text =
        "#!/bin/bash\n# What sbx does for the policy " + request_.name +
        ", by bubblewrap. The filter is in the file beside this one.\n# Usage: this script " +
        (plan_.program.empty() ? "COMMAND [ARGUMENT]...\n" : "[ARGUMENT]...\n") +
        "set -eu\nexec 9<\"$(dirname \"$(readlink -f \"$0\")\")\"/" + shell_quoted(bpf) + "\n" + here_ + "exec ";
    std::string limits;
    for (const plan::ResourceLimit& limit : plan_.limits) {
      const std::string option = option_of(limit);
      limits += option.empty() ? "" : option + " ";
    }
    if (plan_.time_limit_seconds) {
      text += fmt::format("timeout {} ", *plan_.time_limit_seconds);
    }
    if (!limits.empty()) {
      text += "prlimit " + limits;
    }
    text += "bwrap";
    for (const std::string& line : lines_) {
      text += " \\\n  " + line;
    }
    text += " \\\n  --seccomp 9 \\\n  -- ";
    if (plan_.program.empty()) {
      return text + "\"$@\"\n";
    }
    text += shell_quoted(plan_.program);
    for (std::size_t i = 1; i < plan_.argv.size(); ++i) {
      text += " " + shell_quoted(plan_.argv[i]);
    }
    return text + " \"$@\"\n";
  }

  const plan::LaunchPlan& plan_;
  const ExportRequest& request_;
  Export written_;
  std::vector<std::string> lines_;
  std::vector<std::string> read_only_;
  std::string here_;  // documents for --ro-bind-data
  int documents_ = 0;
  bool has_dev_ = false;
};

}  // namespace

Result<Export> export_bwrap(const ExportRequest& request) {
  return Writer(request).write();
}

}  // namespace sbx::interop
