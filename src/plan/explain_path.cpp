// SPDX-License-Identifier: Apache-2.0
// A path as the sandboxee would use it: symbolic links of the plan and of the host followed inside,
// then the mount, Landlock, the host's own permissions, and the calls that opening it takes.
#include <fcntl.h>

#include <fmt/format.h>

#include "base/path.h"
#include "plan/access.h"
#include "plan/answer.h"
#include "plan/explain.h"
#include "plan/view.h"
#include "plan/walk.h"
#include "seccomp/syscall_table.h"

namespace sbx::plan {
namespace {

using Intent = PathQuestion::Intent;
using Kind = Access::Kind;

std::string_view word_of(Intent intent) {
  return intent == Intent::Read ? "read" : intent == Intent::Write ? "write" : "execute";
}

// Symbolic links as they are found inside.
std::optional<LinkFacts> link_inside(const LaunchPlan& plan, const Probes& probes,
                                     const std::string& place) {
  const MountOp* op = deciding(plan.mounts, place);
  if (op == nullptr) {
    return std::nullopt;
  }
  if (const auto* link = std::get_if<MakeSymlink>(&op->what)) {
    return link->destination == place ? std::optional(LinkFacts{link->target, 0}) : std::nullopt;
  }
  const Access access = access_at(plan, place);
  return access.kind == Kind::Host ? probes.link(access.host_path) : std::nullopt;
}

std::string expanded(const LaunchPlan& plan, const HostFacts& facts, const std::string& path) {
  return path == "~" || path.starts_with("~/")
             ? path::normalise(plan.identity.home + path.substr(1))
             : path::normalise(path, facts.cwd);
}

// The call by which a C library does it.
CallQuestion call_for(Intent intent, seccomp::Arch arch) {
  CallQuestion call;
  call.name = intent == Intent::Execute ? "execve" : "openat";
  call.text = call.name;
  call.number = seccomp::number_of(arch, call.name).value_or(-1);
  if (intent != Intent::Execute) {
    call.arguments[0] = static_cast<std::uint64_t>(AT_FDCWD);
    call.arguments[2] = intent == Intent::Read
                            ? std::uint64_t{O_RDONLY | O_CLOEXEC}
                            : std::uint64_t{O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC};
    call.arguments[3] = 0644;
  }
  return call;
}

class PathExplainer {
 public:
  PathExplainer(const policy::Policy& policy, const LaunchPlan& plan, const HostView& host,
                std::string place)
      : policy_(policy),
        plan_(plan),
        host_(host),
        place_(std::move(place)),
        access_(access_at(plan, place_)) {
    if (access_.kind == Kind::Host) {
      facts_ = host.probes.path(access_.host_path);
    }
  }

  const Access& access() const { return access_; }
  const PathFacts& facts() const { return facts_; }

  bool is_there() const {
    return access_.kind == Kind::Host ? facts_.kind != PathFacts::Kind::Missing
                                      : access_.kind != Kind::Nothing;
  }

  Finding finding(Intent intent) const {
    Finding finding;
    finding.subject = word_of(intent);
    finding.origin = access_.op == nullptr ? Origin{} : access_.op->origin;
    finding.reason = to_text(access_, place_);
    judge(intent, finding);
    if (finding.ruling == Ruling::Allowed) {
      judge_call(intent, finding);
    }
    return finding;
  }

 private:
  void deny(Finding& finding, std::string effect, std::string remedy) const {
    finding.ruling = Ruling::Denied;
    finding.effect = std::move(effect);
    finding.remedy = std::move(remedy);
  }

  std::string remedy(Intent intent) const {
    const bool writes = intent == Intent::Write;
    if (access_.kind == Kind::Hidden) {
      return "take it out of what hides it";
    }
    return fmt::format("{} {}, or  filesystem.{} = [\"{}\"]", writes ? "--rw" : "--ro", place_,
                       writes ? "write" : "read", place_);
  }

  // By what is mounted there and by the host's permissions.
  void judge(Intent intent, Finding& finding) const {
    finding.ruling = Ruling::Allowed;
    const bool missing = !is_there();
    if (missing && access_.kind == Kind::Host && intent != Intent::Write) {
      finding.reason = fmt::format("the host has no {}", access_.host_path);
      return deny(finding, "fails with ENOENT", "");
    }
    if (missing && intent != Intent::Write) {
      return deny(finding, "fails with ENOENT", remedy(intent));
    }
    if (access_.kind == Kind::Hidden) {
      return deny(finding, "an empty file or a closed directory is there instead", remedy(intent));
    }
    if (intent == Intent::Write && !access_.write) {
      finding.reason += access_.landlock_decides ? ", says Landlock" : "";
      return deny(finding,
                  fmt::format("fails with {}", missing && access_.kind != Kind::Host ? "ENOENT"
                                               : access_.landlock_decides            ? "EACCES"
                                                                                     : "EROFS"),
                  remedy(intent));
    }
    if (intent == Intent::Execute && !access_.execute) {
      return deny(finding, "fails with EACCES",
                  access_.write ? "nothing that can be written can be executed; show it with "
                                  "filesystem.read"
                                : remedy(intent));
    }
    if (access_.kind == Kind::Host && host_.permits && !permitted(intent)) {
      finding.reason = fmt::format("the permissions of {} on the host", access_.host_path);
      finding.origin = {};
      deny(finding, "fails with EACCES", "");
    }
  }

  // A file that is to be made needs its directory.
  bool permitted(Intent intent) const {
    return host_.permits(facts_.kind == PathFacts::Kind::Missing ? path::parent(access_.host_path)
                                                                 : access_.host_path,
                         intent);
  }

  void judge_call(Intent intent, Finding& finding) const {
    const Explanation call = explain_call(policy_, plan_, call_for(intent, plan_.filter.arch));
    if (call.ruling == Ruling::Denied && !call.findings.empty()) {
      Finding denied = call.findings.front();
      denied.subject = finding.subject;
      denied.reason = fmt::format("{}: {}", call.question, denied.reason);
      finding = std::move(denied);
    }
  }

  const policy::Policy& policy_;
  const LaunchPlan& plan_;
  const HostView& host_;
  const std::string place_;
  const Access access_;
  PathFacts facts_;
};

}  // namespace

Explanation explain_path(const policy::Policy& policy, const LaunchPlan& plan, const HostView& host,
                         const PathQuestion& question) {
  Explanation explanation;
  explanation.kind = "path";
  const std::string asked = expanded(plan, host.facts, question.path);
  explanation.question = asked;
  const auto walked = walk(
      asked, [&](const std::string& place) { return link_inside(plan, host.probes, place); }, {});
  if (!walked) {
    explanation.findings.push_back(
        {Ruling::Denied, "", walked.error().action, {}, "fails with ELOOP", "", "", {}});
    return explanation;
  }
  if (walked->end != asked) {
    explanation.notes.push_back("symbolic links lead to " + walked->end);
  }
  const PathExplainer path(policy, plan, host, walked->end);
  for (const Intent intent : {Intent::Read, Intent::Write, Intent::Execute}) {
    const bool can_execute = path.facts().kind == PathFacts::Kind::File;
    if (question.intent == intent ||
        (question.intent == Intent::Any && (intent != Intent::Execute || can_execute))) {
      explanation.findings.push_back(path.finding(intent));
    }
  }
  explanation.ruling = ruling_of(explanation.findings);
  if (path.access().kind == Kind::Host && !host.permits) {
    explanation.notes.push_back(fmt::format(
        "the file's own permissions are those of uid {} on the host", plan.identity.outside_uid));
  }
  if (plan.landlock.abi > 0 && plan.landlock.paths) {
    explanation.notes.push_back(fmt::format("Landlock there: {}, {}",
                                            path.access().write ? "write" : "no write",
                                            path.access().execute ? "execute" : "no execute"));
  }
  return explanation;
}

}  // namespace sbx::plan
