// SPDX-License-Identifier: Apache-2.0
// --dry-run --json: the plan as one JSON object. Field names are a contract: add, never rename.
#include <nlohmann/json.hpp>

#include <array>

#include "base/text.h"
#include "plan/namespaces.h"
#include "plan/print.h"
#include "plan/view.h"
#include "policy/capabilities.h"

namespace sbx::plan {
namespace {

using Json = nlohmann::ordered_json;

// JSON strings are UTF-8; paths and arguments are bytes.
std::string text_of(const std::string& bytes) { return is_utf8(bytes) ? bytes : escape(bytes); }

Json with_origin(Json object, const Origin& origin) {
  object["origin"] = text_of(to_text(origin));
  return object;
}

struct ToJson {
  Json operator()(const MakeDirectory&) const { return {{"op", "directory"}}; }
  Json operator()(const MakeFile&) const { return {{"op", "file"}}; }
  Json operator()(const MakeSymlink& op) const { return {{"op", "symlink"}, {"target", text_of(op.target)}}; }
  Json operator()(const Bind& op) const {
    return {{"op", "bind"},         {"source", text_of(op.source)}, {"read_only", op.read_only},
            {"noexec", op.no_exec}, {"device", op.device},
            {"libraries_only", op.libraries_only}};
  }
  Json operator()(const Tmpfs& op) const {
    return {{"op", "tmpfs"}, {"mode", op.mode}, {"size_bytes", op.size_bytes}, {"read_only", op.read_only}};
  }
  Json operator()(const OverlayMount& op) const {
    return {{"op", "overlay"}, {"source", text_of(op.source)}, {"size_bytes", op.size_bytes}};
  }
  Json operator()(const Proc& op) const {
    return {{"op", "proc"},
            {"read_only", op.read_only},
            {"show", op.show == Proc::Show::All    ? "all"
                     : op.show == Proc::Show::Pids ? "pids"
                                                   : "nothing"}};
  }
  Json operator()(const Devpts&) const { return {{"op", "devpts"}}; }
  Json operator()(const Pin& op) const { return {{"op", "pin"}, {"read_only", op.read_only}}; }
  Json operator()(const MakeOnHost& op) const {
    return {{"op", "host-directory"}, {"on_host", text_of(op.on_host)}};
  }
};

Json mounts_json(const LaunchPlan& plan) {
  Json list = Json::array();
  for (const MountOp& op : plan.mounts) {
    Json entry = std::visit(ToJson{}, op.what);
    entry["destination"] = text_of(destination_of(op));
    list.push_back(with_origin(std::move(entry), op.origin));
  }
  return list;
}

Json strings(const std::vector<std::string>& list) {
  Json array = Json::array();
  for (const std::string& text : list) {
    array.push_back(text_of(text));
  }
  return array;
}

// null: not limited.
Json rules_json(const AddressRules& rules) {
  if (!rules.limited) {
    return nullptr;
  }
  Json list = Json::array();
  for (const AddressRule& rule : rules.allowed) {
    list.push_back(with_origin({{"entry", text_of(rule.text)}}, rule.origin));
  }
  return list;
}

Json network_json(const LaunchPlan& plan) {
  Json publish = Json::array();
  for (const Publish& entry : plan.publish) {
    publish.push_back(with_origin({{"address", entry.address},
                                   {"outside_port", entry.outside_port},
                                   {"inside_port", entry.inside_port}},
                                  entry.origin));
  }
  return {{"own_namespace", plan.own_network},
          {"loopback", plan.loopback},
          {"publish", publish},
          {"connect", rules_json(plan.connect)},
          {"bind", rules_json(plan.bind)}};
}

Json limits_json(const LaunchPlan& plan) {
  Json list = Json::array();
  for (const ResourceLimit& limit : plan.limits) {
    list.push_back(with_origin({{"name", limit.name}, {"value", limit.value},
                                {"mechanism", std::string(mechanism(limit))}}, limit.origin));
  }
  if (plan.cgroup) {
    for (const CgroupSetting& setting : plan.cgroup->settings) {
      list.push_back(with_origin({{"name", setting.name}, {"value", setting.amount},
                                  {"mechanism", "cgroup, " + setting.file}}, setting.origin));
    }
  }
  if (plan.time_limit_seconds) {
    list.push_back(with_origin({{"name", "time"}, {"value", *plan.time_limit_seconds}}, plan.time_limit_origin));
  }
  return list;
}

Json landlock_json(const LaunchPlan& plan) {
  Json rules = Json::array();
  for (const LandlockRule& rule : plan.landlock.rules) {
    rules.push_back({{"path", text_of(rule.path)},
                     {"execute", rule.execute},
                     {"write", rule.write},
                     {"device_ioctl", rule.device_ioctl},
                     {"read", rule.read}});
  }
  const auto ports = [](const std::optional<std::vector<std::uint16_t>>& list) {
    return list ? Json(*list) : Json(nullptr);
  };
  return {{"abi", plan.landlock.abi},
          {"paths", plan.landlock.paths},
          {"rules", rules},
          {"reads", plan.landlock.reads},
          {"tcp_bind", ports(plan.landlock.tcp_bind)},
          {"tcp_connect", ports(plan.landlock.tcp_connect)}};
}

Json kinds_json(std::uint64_t flags) {
  Json list = Json::array();
  for (const NamespaceKind& kind : namespace_kinds()) {
    if ((flags & kind.flag) != 0) {
      list.push_back(kind.name);
    }
  }
  return list;
}

Json capabilities_json(const LaunchPlan& plan) {
  Json list = Json::array();
  const auto known = policy::capabilities();
  for (std::size_t i = 0; i < known.size(); ++i) {
    if ((plan.capabilities >> i & 1) != 0) {
      list.push_back(known[i].name);
    }
  }
  return list;
}

Json terminal_json(const Terminal& terminal) {
  return {{"own", terminal.own}, {"replaces", terminal.replaces}, {"inherits", terminal.inherits}};
}

Json reporting_json(const Reporting& reporting) {
  Json sinks = Json::array();
  for (const Sink& sink : reporting.sinks) {
    const bool is_descriptor = sink.kind == Sink::Kind::Descriptor;
    Json one = is_descriptor ? Json{{"descriptor", sink.descriptor}}
                             : Json{{sink.kind == Sink::Kind::Journal ? "journald" : "syslog",
                                     text_of(sink.path)}};
    sinks.push_back(with_origin(std::move(one), sink.origin));
  }
  constexpr std::array kModes{"none", "problems", "all"};
  return {{"log", kModes[static_cast<std::size_t>(reporting.log)]},
          {"sinks", sinks},
          {"notify_command", strings(reporting.notify_command)}};
}

Json openings_json(const LaunchPlan& plan) {
  Json list = Json::array();
  for (const Opening& opening : plan.openings) {
    list.push_back(with_origin({{"text", text_of(opening.text)}}, opening.origin));
  }
  return list;
}

}  // namespace

std::string to_json(const LaunchPlan& plan) {
  const Identity& id = plan.identity;
  const Json object = {
      {"policy", text_of(plan.policy_name)},
      {"sources", strings(plan.policy_sources)},
      {"identity",
       {{"inside_uid", id.inside_uid},
        {"inside_gid", id.inside_gid},
        {"outside_uid", id.outside_uid},
        {"outside_gid", id.outside_gid},
        {"leaves_root", id.leave_root}}},
      {"hostname", text_of(plan.hostname)},
      {"mounts", mounts_json(plan)},
      {"network", network_json(plan)},
      {"limits", limits_json(plan)},
      {"namespaces", {{"own", kinds_json(plan.namespaces.own)}, {"nested", kinds_json(plan.namespaces.nested)}}},
      {"capabilities", capabilities_json(plan)},
      {"no_new_privs", true},
      {"mdwe", plan.mdwe},
      {"landlock", landlock_json(plan)},
      {"filter", {{"instructions", plan.filter_program.size()}, {"exec_once", plan.exec_once}}},
      {"openings", openings_json(plan)},
      {"reporting", reporting_json(plan.reporting)},
      {"on_host_tree", plan.on_host_tree},
      {"listens", plan.listens},
      {"degraded", strings(plan.degraded)},
      {"program", text_of(plan.program)},
      {"argv", strings(plan.argv)},
      {"environment", strings(plan.environment)},
      {"cwd", text_of(plan.cwd)},
      {"keep_fds", plan.keep_fds},
      {"terminal", terminal_json(plan.terminal)},
  };
  return object.dump(2) + "\n";
}

}  // namespace sbx::plan
