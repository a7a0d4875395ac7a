// SPDX-License-Identifier: Apache-2.0
#include "interop/kubernetes.h"

#include <sys/resource.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "interop/oci_profile.h"
#include "policy/capabilities.h"

namespace sbx::interop {
namespace {

using Kind = Finding::Kind;

constexpr std::uint64_t kMaxInt64 = 0x7fff'ffff'ffff'ffff;

// YAML reads bare words of this form as strings, but for those of kWords.
bool is_plain(std::string_view text) {
  constexpr std::string_view kFirst = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
  constexpr std::string_view kRest =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789.-/";
  constexpr std::string_view kWords[] = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"};
  return !text.empty() && kFirst.find(text[0]) != std::string_view::npos &&
         text.find_first_not_of(kRest) == std::string_view::npos &&
         std::find(std::begin(kWords), std::end(kWords), text) == std::end(kWords);
}

std::string scalar(const Json& value) {
  return value.kind == Json::Kind::String && is_plain(value.text) ? value.text : write_json(value, 0);
}

// Block style; an empty list or object in flow style.
std::string to_yaml(const Json& value, std::size_t indent) {
  const std::string margin(indent, ' ');
  std::string text;
  for (const auto& [name, member] : value.members) {
    const bool is_block = !member.members.empty() || !member.items.empty();
    text += margin + name + ":" + (is_block ? "\n" + to_yaml(member, indent + 2) : " " + scalar(member) + "\n");
  }
  for (const Json& item : value.items) {
    if (item.members.empty() && item.items.empty()) {
      text += margin + "- " + scalar(item) + "\n";
    } else {
      std::string block = to_yaml(item, indent + 2);
      block.replace(indent, 2, "- ");
      text += block;
    }
  }
  return text;
}

// Names of objects are DNS labels (RFC 1123): "c++" becomes "c-plus-plus".
std::string object_name(std::string_view name) {
  std::string label;
  for (const char c : name) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      label += c;
    } else if (c >= 'A' && c <= 'Z') {
      label += static_cast<char>(c - 'A' + 'a');
    } else if (c == '+') {
      label += "-plus";
    } else if (!label.empty() && label.back() != '-') {
      label += '-';
    }
  }
  while (!label.empty() && label.back() == '-') {
    label.pop_back();
  }
  return label.empty() ? "policy" : label;
}

Json boolean(bool value) {
  return Json{.kind = Json::Kind::Boolean, .boolean = value};
}

Json security_context(const plan::LaunchPlan& plan, const std::string& profile) {
  Json seccomp = Json::object();
  seccomp.set("type", Json::string("Localhost"));
  seccomp.set("localhostProfile", Json::string(profile));
  Json drop = Json::array();
  drop.items.push_back(Json::string("ALL"));
  Json capabilities = Json::object();
  capabilities.set("drop", std::move(drop));
  Json add = Json::array();
  for (std::size_t i = 0; i < policy::capabilities().size(); ++i) {
    if ((plan.capabilities >> i & 1) != 0) {
      add.items.push_back(Json::string(policy::capabilities()[i].name.substr(4)));  // without CAP_
    }
  }
  if (!add.items.empty()) {
    capabilities.set("add", std::move(add));
  }
  Json context = Json::object();
  context.set("seccompProfile", std::move(seccomp));
  context.set("privileged", boolean(false));
  context.set("allowPrivilegeEscalation", boolean(false));  // no_new_privs
  context.set("readOnlyRootFilesystem", boolean(true));
  context.set("runAsNonRoot", boolean(true));
  context.set("capabilities", std::move(capabilities));
  return context;
}

// limits.memory and limits.cpu-percent, which Kubernetes counts for the whole container too.
Json resource_limits(const plan::LaunchPlan& plan) {
  Json limits = Json::object();
  if (plan.cgroup) {
    for (const plan::CgroupSetting& setting : plan.cgroup->settings) {
      if (setting.name == "memory") {
        limits.set("memory", Json::string(std::to_string(setting.amount)));
      } else if (setting.name == "cpu-percent") {
        limits.set("cpu", Json::string(std::to_string(setting.amount * 10) + "m"));
      }
    }
  }
  return limits;
}

// What pods say by other objects than a profile.
void report_pod(const ExportRequest& request, Export& written) {
  const auto drop = [&](std::string what, std::string reason) {
    written.lost.push_back({Kind::Dropped, std::move(what), {}, std::move(reason), {}});
  };
  if (request.plan.identity.inside_uid == 0) {
    written.lost.push_back({Kind::Changed, "identity.user = root", "runAsNonRoot",
                            "sbx's root inside is no root outside; a container's may be", {}});
  }
  drop("writable places", "emptyDir volumes for each tmpfs and each path of filesystem.write");
  drop("network", "a NetworkPolicy, where the cluster's network enforces one");
}

// The operator's values are int64 and not negative. A mask that has bit 63 alone is an order instead.
bool make_signed(OciRule& rule) {
  constexpr std::uint64_t kSign = ~kMaxInt64;
  for (OciArgument& argument : rule.arguments) {
    if (argument.value <= kMaxInt64 && argument.value_two <= kMaxInt64) {
      continue;
    }
    if (argument.compare != OciCompare::MaskedEqual || argument.value != kSign) {
      return false;
    }
    argument.compare = argument.value_two == 0 ? OciCompare::LessEqual : OciCompare::Greater;
    argument.value = kMaxInt64;
    argument.value_two = 0;
  }
  return true;
}

}  // namespace

Result<Export> export_kubernetes(const ExportRequest& request) {
  auto written = export_oci(request);
  if (!written) {
    return written;
  }
  written->lost.erase(std::remove_if(written->lost.begin(), written->lost.end(),
                                     [](const Finding& finding) {
                                       return finding.what.starts_with("capabilities, no_new_privs");
                                     }),
                      written->lost.end());
  const std::string file = request.stem + ".json";
  Json snippet = Json::object();
  snippet.set("securityContext", security_context(request.plan, file));
  if (Json limits = resource_limits(request.plan); !limits.members.empty()) {
    Json resources = Json::object();
    resources.set("limits", std::move(limits));
    snippet.set("resources", std::move(resources));
  }
  written->files[".json"] = std::move(written->text);
  written->text = "# Of the container in the pod's specification. " + file +
                  " belongs into /var/lib/kubelet/seccomp of every node.\n" + to_yaml(snippet, 0);
  report_pod(request, *written);
  return written;
}

Result<Export> export_profiles_operator(const ExportRequest& request) {
  Export written;
  OciProfile profile = export_profile(request.plan, written.lost);
  if (profile.default_errno && *profile.default_errno != EPERM) {
    written.lost.push_back({Kind::Changed, "seccomp.default", "EPERM",
                            "the operator's object has no error number for it", {}});
    profile.default_errno.reset();
  }
  std::vector<OciRule> kept;
  for (OciRule& rule : profile.rules) {
    if (make_signed(rule)) {
      kept.push_back(std::move(rule));
      continue;
    }
    for (const std::string& name : rule.names) {
      Finding finding{Kind::Changed, name, "the default, in some cases",
                      "compared with values above 2^63 - 1, which the object cannot hold", {}};
      if (std::find(written.lost.begin(), written.lost.end(), finding) == written.lost.end()) {
        written.lost.push_back(std::move(finding));
      }
    }
  }
  profile.rules = std::move(kept);
  Json metadata = Json::object();
  metadata.set("name", Json::string(object_name(request.name)));
  Json spec = profile_json(profile, false);
  spec.members.erase(std::remove_if(spec.members.begin(), spec.members.end(),
                                    [](const auto& member) { return member.first == "defaultErrnoRet"; }),
                     spec.members.end());
  Json object = Json::object();
  object.set("apiVersion", Json::string("security-profiles-operator.x-k8s.io/v1beta1"));
  object.set("kind", Json::string("SeccompProfile"));
  object.set("metadata", std::move(metadata));
  object.set("spec", spec);
  written.text = to_yaml(object, 0);
  report_pod(request, written);
  auto filter = read_back(write_json(spec, 0), request);
  if (!filter) {
    return std::move(filter).error();
  }
  written.filter = *std::move(filter);
  return written;
}

}  // namespace sbx::interop
