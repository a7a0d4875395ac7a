// SPDX-License-Identifier: Apache-2.0
// What a policy comes to, as a drop-in for a service unit: the same program under systemd alone, with
// as much of the policy as systemd 252 can say. Put it into NAME.service.d/sbx.conf.
#include <algorithm>
#include <array>

#include "base/path.h"
#include "base/text.h"
#include "interop/layer_draft.h"
#include "interop/systemd_unit.h"
#include "policy/capabilities.h"
#include "seccomp/evaluate.h"
#include "seccomp/syscall_table.h"

namespace sbx::interop {
namespace {

using policy::Key;

class Exporter {
 public:
  explicit Exporter(const ExportRequest& request) : policy_(request.policy), plan_(request.plan), request_(request) {}
  Export write();

 private:
  void identity();
  void mounts();
  void network();
  void calls();
  void say_weaker(const std::vector<std::string>& allowed);
  void limits();
  void environment();
  void line(std::string_view name, std::string_view value) { text_.append(name).append("=").append(value).append("\n"); }
  void lose(std::string what, std::string reason, const Origin& origin = {}) {
    lost_.push_back(dropped(std::move(what), std::move(reason), origin));
  }
  void change(std::string what, std::string becomes, std::string reason, const Origin& origin = {}) {
    lost_.push_back(changed(std::move(what), std::move(becomes), std::move(reason), origin));
  }

  const policy::Policy& policy_;
  const plan::LaunchPlan& plan_;
  const ExportRequest& request_;
  std::string text_;
  std::vector<Finding> lost_;
};

// A path, and words, as systemd.syntax(7) wants them: "%" begins a specifier, blanks end a word.
std::string word(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '%') {
      out += "%%";
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n' || c == '\r') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out.find_first_of(" \t'\"") == std::string::npos ? out : "\"" + out + "\"";
}

void Exporter::identity() {
  const bool named = !policy_.user.value.empty() && policy_.user.value != "root" && policy_.user.value != "0";
  text_ += "# Who it is, and what it may become.\n";
  if (named) {
    line("User", policy_.user.value);
  } else {
    line("DynamicUser", "yes");
    if (!policy_.user.value.empty()) {
      change("identity.user = " + policy_.user.value, "DynamicUser=yes",
             "the program sees that it is not root, and must do without", policy_.user.origin);
    }
  }
  line("NoNewPrivileges", "yes");
  bool low_port = false;
  for (const plan::Publish& port : plan_.publish) {
    low_port = low_port || port.outside_port < 1024 || port.inside_port < 1024;
  }
  std::vector<std::string> kept;
  for (const policy::Text& name : policy_.capabilities) {
    kept.push_back(name.value);
  }
  if (low_port && std::find(kept.begin(), kept.end(), "CAP_NET_BIND_SERVICE") == kept.end()) {
    kept.emplace_back("CAP_NET_BIND_SERVICE");
  }
  line("CapabilityBoundingSet", join(kept, " "));
  line("AmbientCapabilities", join(kept, " "));
  line("PrivateUsers", kept.empty() ? "yes" : "no");
  if (!kept.empty()) {
    change("capabilities", join(kept, " "), "they count on the host, not in a namespace of its own");
  }
  text_ += "\n# What it cannot reach or change.\n";
  for (const char* always : {"PrivateTmp", "PrivateDevices", "PrivateMounts", "PrivateIPC", "ProtectKernelTunables",
                             "ProtectKernelModules", "ProtectKernelLogs", "ProtectControlGroups", "ProtectClock",
                             "ProtectHostname", "LockPersonality", "RestrictRealtime", "RestrictSUIDSGID", "RemoveIPC"}) {
    line(always, "yes");
  }
  line("DevicePolicy", "closed");
  line("ProtectProc", "invisible");
  line("ProcSubset", policy_.proc.value == "pids" ? "pid" : "all");
  line("KeyringMode", "private");
  line("UMask", "0022");
  if (policy_.nested.empty()) {
    line("RestrictNamespaces", "yes");
  } else {
    std::vector<std::string> kinds;
    for (const policy::LayeredName& kind : policy_.nested) {
      kinds.push_back(kind.value == "mount" ? "mnt" : kind.value);
    }
    kinds.erase(std::remove(kinds.begin(), kinds.end(), "time"), kinds.end());
    line("RestrictNamespaces", kinds.empty() ? "yes" : join(kinds, " "));
  }
  if (policy_.wx.value == "deny") {
    line("MemoryDenyWriteExecute", "yes");
    change("memory.wx = deny", "MemoryDenyWriteExecute=yes", "files that can be written can still be mapped executable",
           policy_.wx.origin);
  }
}

void Exporter::mounts() {
  text_ += "\n# Files.\n";
  line("ProtectSystem", "strict");
  const std::string& home = policy_.home.value;
  line("ProtectHome", home == "read" ? "read-only" : home == "private" ? "tmpfs" : home == "write" ? "no" : "yes");
  const auto is_made = [](const std::string& place) {  // by systemd itself, or by the lines above
    constexpr std::array<std::string_view, 6> kMade{"/dev", "/proc", "/tmp", "/var/tmp", "/run", "/sys"};
    return place == "/" || std::any_of(kMade.begin(), kMade.end(), [&](auto made) {
             return place == made || place.starts_with(std::string(made) + "/");
           });
  };
  bool lists_programs = false;
  for (const plan::MountOp& op : plan_.mounts) {
    if (const auto* bind = std::get_if<plan::Bind>(&op.what); bind != nullptr && !is_made(bind->destination)) {
      const bool moved = bind->source != bind->destination;
      if (bind->source == "/dev/null") {
        line("InaccessiblePaths", "-" + word(bind->destination));
      } else if (moved) {
        line(bind->read_only ? "BindReadOnlyPaths" : "BindPaths", word("-" + bind->source + ":" + bind->destination));
      } else if (!bind->read_only) {
        line("ReadWritePaths", word("-" + bind->source));
      }
    } else if (const auto* tmpfs = std::get_if<plan::Tmpfs>(&op.what); tmpfs != nullptr && !is_made(tmpfs->destination)) {
      if (tmpfs->mode == 0) {
        line("InaccessiblePaths", word("-" + tmpfs->destination));
      } else if (tmpfs->destination != plan_.identity.home) {
        line("TemporaryFileSystem", word(tmpfs->destination + ":mode=0777,noexec"));
      }
    } else if (const auto* overlay = std::get_if<plan::OverlayMount>(&op.what)) {
      lose("filesystem.overlay = " + overlay->source, "systemd mounts no overlay of a directory; it is read-only", op.origin);
    }
  }
  for (const policy::LayeredPath& entry : policy_.exec) {
    lists_programs = lists_programs || !entry.entry.path.empty();
  }
  if (lists_programs) {
    line("NoExecPaths", "/");
    line("ExecPaths", "-/usr/lib -/usr/lib64 -/lib -/lib64");
    for (const policy::LayeredPath& entry : policy_.exec) {
      if (entry.entry.path.starts_with('/')) {
        line("ExecPaths", word("-" + entry.entry.path));
      }
    }
  }
  if (std::any_of(policy_.tmpfs.begin(), policy_.tmpfs.end(), [](const auto& entry) { return entry.entry.path == "/run"; })) {
    change("filesystem.tmpfs = /run", "nothing", "systemd itself is there; add RuntimeDirectory= for what the service makes");
  }
  lose("a root of what the policy grants", "all that the user may read stays readable, but for homes and /tmp");
}

void Exporter::network() {
  text_ += "\n# Network.\n";
  const bool reaches_out = !plan_.publish.empty() || plan_.connect.limited;
  if (plan_.own_network && !reaches_out) {
    line("PrivateNetwork", "yes");
  } else if (plan_.own_network) {
    const bool local = !plan_.connect.limited && std::all_of(plan_.publish.begin(), plan_.publish.end(), [](const plan::Publish& port) {
      return port.address.starts_with("127.") || port.address == "::1";
    });
    if (local) {
      line("IPAddressDeny", "any");
      line("IPAddressAllow", "localhost");
    }
    change("network.mode = private", local ? "IPAddressAllow=localhost" : "the host's network",
           "systemd hands no port into a network of its own: the service binds its own ports on the host", policy_.network_mode.origin);
  }
  for (const policy::Text& rule : policy_.connect) {
    lose("network.connect = " + rule.value, "addresses with ports are no rule of systemd's", rule.origin);
  }
  for (const policy::Text& rule : policy_.bind) {
    lose("network.bind = " + rule.value, "see SocketBindAllow=, which needs BPF", rule.origin);
  }
  std::vector<std::string> families;
  for (const policy::Text& family : policy_.families) {
    std::string name = "AF_" + family.value;
    std::transform(name.begin(), name.end(), name.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    families.push_back(std::move(name));
  }
  if (!families.empty()) {
    line("RestrictAddressFamilies", join(families, " "));
  }
}

// Calls that may be made at all; systemd looks at no arguments here.
void Exporter::calls() {
  // The highest number and the late ones that libseccomp 2.5.4, beside systemd 252, has names for.
  constexpr int kHighest = 450;
  constexpr std::array kUnnamed{335, 336};
  constexpr std::size_t kWordsInLine = 10;
  text_ += "\n# System calls.\n";
  line("SystemCallArchitectures", "native");
  line("SystemCallErrorNumber", "EPERM");
  std::vector<std::string> allowed, conditional;
  for (int number = 0; number <= std::min(kHighest, seccomp::highest_number(plan_.filter.arch)); ++number) {
    const std::string name(seccomp::name_of(plan_.filter.arch, number));
    const auto rules = seccomp::rules_for(plan_.filter, number);
    const bool runs = std::any_of(rules.begin(), rules.end(), [](const auto& rule) { return seccomp::lets_run(rule); });
    if (name.empty() || !runs || std::find(kUnnamed.begin(), kUnnamed.end(), number) != kUnnamed.end()) {
      continue;
    }
    allowed.push_back(name);
    if (rules.size() > 1) {
      conditional.push_back(name);
    }
  }
  if (plan_.exec_once) {
    allowed.emplace_back("execve");
    lose("no execve after the start", "systemd cannot tell the first execve from others");
  }
  for (std::size_t i = 0; i < allowed.size(); i += kWordsInLine) {
    const auto end = allowed.begin() + static_cast<std::ptrdiff_t>(std::min(i + kWordsInLine, allowed.size()));
    line("SystemCallFilter", join({allowed.begin() + static_cast<std::ptrdiff_t>(i), end}, " "));
  }
  if (!conditional.empty()) {
    change("conditions on arguments", "SystemCallFilter=", "allowed whatever the arguments are: " + join(conditional, " "));
  }
  say_weaker(allowed);
}

// Where systemd's own directives see less than sbx's filter, or answer otherwise.
void Exporter::say_weaker(const std::vector<std::string>& allowed) {
  const auto runs = [&](std::string_view call) { return std::find(allowed.begin(), allowed.end(), call) != allowed.end(); };
  change("i386 and x32 calls", "SystemCallArchitectures=native", "they kill the process, and nobody is told");
  if (runs("sched_setattr")) {
    lose("sched_setattr", "RestrictRealtime= does not see what its structure asks for");
  }
  if (runs("memfd_create") && policy_.wx.value == "deny") {
    lose("memory.memfd", "MemoryDenyWriteExecute= lets a memfd be mapped executable", policy_.memfd.origin);
  }
}

void Exporter::limits() {
  text_ += "\n# Limits.\n";
  struct Limit {
    Key key;
    std::string_view name, unit;
  };
  constexpr std::array kLimits = {
      Limit{Key::LimitsMemory, "MemoryMax", ""},    Limit{Key::LimitsProcesses, "TasksMax", ""},
      Limit{Key::LimitsCpu, "LimitCPU", ""},        Limit{Key::LimitsFiles, "LimitNOFILE", ""},
      Limit{Key::LimitsFileSize, "LimitFSIZE", ""}, Limit{Key::LimitsCore, "LimitCORE", ""},
      Limit{Key::LimitsTime, "RuntimeMaxSec", ""},  Limit{Key::LimitsCpuPercent, "CPUQuota", "%"},
      Limit{Key::LimitsCpuWeight, "CPUWeight", ""},
  };
  for (const auto& [key, number] : policy_.limits) {
    const auto* limit = std::find_if(kLimits.begin(), kLimits.end(), [wanted = key](const Limit& one) { return one.key == wanted; });
    if (limit == kLimits.end()) {
      lose(policy::qualified_name(key), "systemd has no such limit", number.origin);
    } else {
      line(limit->name, std::to_string(number.value) + std::string(limit->unit));
    }
  }
}

void Exporter::environment() {
  text_ += "\n# Environment.\n";
  for (const auto& [name, value] : policy_.env_set) {
    line("Environment", word(name + "=" + value.value));
  }
  for (const policy::Text& name : policy_.env_unset) {
    line("UnsetEnvironment", name.value);
  }
  if (!policy_.workdir.value.empty()) {
    line("WorkingDirectory", word(policy_.workdir.value));
  }
  if (!policy_.args.empty()) {
    std::vector<std::string> args;
    for (const policy::Text& arg : policy_.args) {
      args.push_back(arg.value);
    }
    lose("command.args = " + join(args, " "), "they belong into ExecStart=", policy_.args.front().origin);
  }
  lose("Landlock, reports of denied calls", "systemd 252 has neither");
}

Export Exporter::write() {
  text_ = "# " + escape(request_.name) + " of sbx, for systemd 252 and later: NAME.service.d/sbx.conf\n[Service]\n";
  identity();
  mounts();
  network();
  calls();
  limits();
  environment();
  return {std::move(text_), {}, std::move(lost_), {}};
}

}  // namespace

Result<Export> export_unit(const ExportRequest& request) {
  return Exporter(request).write();
}

}  // namespace sbx::interop
