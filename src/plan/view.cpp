// SPDX-License-Identifier: Apache-2.0
#include "plan/view.h"

#include "base/path.h"

namespace sbx::plan {
namespace {

constexpr int kMaxLinks = 40;  // as the kernel (path_resolution(7))

// They change nothing of what is seen.
bool is_transparent(const MountOp& op) {
  return std::holds_alternative<Pin>(op.what) || std::holds_alternative<MakeOnHost>(op.what);
}

}  // namespace

const MountOp* deciding(const std::vector<MountOp>& mounts, const std::string& inside) {
  const MountOp* found = nullptr;
  std::size_t length = 0;
  for (const MountOp& op : mounts) {
    const std::string& destination = destination_of(op);
    if (!is_transparent(op) && path::is_below(inside, destination) && destination.size() >= length) {
      found = &op;
      length = destination.size();
    }
  }
  return found;
}

const std::string& destination_of(const MountOp& op) {
  return std::visit([](const auto& what) -> const std::string& { return what.destination; }, op.what);
}

Seen look(const std::vector<MountOp>& mounts, const std::string& inside) {
  std::string at = inside;
  for (int links = 0; links < kMaxLinks; ++links) {
    const MountOp* op = deciding(mounts, at);
    if (op == nullptr) {
      return {at == "/" ? Seen::Kind::Own : Seen::Kind::Nothing, "", true, false};
    }
    const std::string& destination = destination_of(*op);
    const std::string rest = at.substr(destination == "/" ? 0 : destination.size());
    if (const auto* link = std::get_if<MakeSymlink>(&op->what)) {
      at = path::normalise(link->target + rest, path::parent(destination));
      continue;
    }
    if (const auto* bind = std::get_if<Bind>(&op->what)) {
      return {Seen::Kind::Host, path::normalise(bind->source + rest), bind->read_only,
              !bind->no_exec && !bind->libraries_only};
    }
    if (const auto* overlay = std::get_if<OverlayMount>(&op->what)) {
      return {Seen::Kind::Host, path::normalise(overlay->source + rest), false, false};
    }
    return {rest.empty() ? Seen::Kind::Own : Seen::Kind::Nothing, "", true, false};
  }
  return {};
}

std::optional<std::string> inside_path_of(const std::vector<MountOp>& mounts, const std::string& host) {
  for (const MountOp& op : mounts) {
    const auto* bind = std::get_if<Bind>(&op.what);
    if (bind == nullptr || !path::is_below(host, bind->source)) {
      continue;
    }
    const std::string inside = path::normalise(
        bind->destination + host.substr(bind->source == "/" ? 0 : bind->source.size()));
    // A deeper operation may cover it.
    if (const Seen seen = look(mounts, inside); seen.kind == Seen::Kind::Host && seen.host_path == host) {
      return inside;
    }
  }
  return std::nullopt;
}

}  // namespace sbx::plan
