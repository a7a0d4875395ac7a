// SPDX-License-Identifier: Apache-2.0
// The names of everything that is legal in a policy but unwise. plan/check.h finds it, `sbx check`
// shows it as a warning, and policy.accept = ["NAME: reason"] says that it is meant.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace sbx::policy {

enum class Caution : std::uint8_t {
  BroadRead,
  BroadWrite,
  ControlSocket,
  DangerousCall,
  HiddenEntry,
  HostNetwork,
  LogOnly,
  Memfd,
  NoEffect,
  OwnPolicyWritable,
  RedundantAllow,
  RuleHidden,
  RuleNeverMatches,
  RunsOutside,
  SecretPath,
  SiblingAllowed,
  SiblingDenied,
  UnusedAccept,
  WholeEnvironment,
  WritableExecutable,
  WriteExecuteMemory,
};

struct CautionInfo {
  Caution caution;
  std::string_view name;     // "writable-executable", sorted
  std::string_view meaning;  // one sentence, for people
};

std::span<const CautionInfo> cautions();
const CautionInfo& info(Caution caution);

// An entry of policy.accept in its two parts.
struct Acceptance {
  std::string_view name;
  std::string_view reason;
};
Acceptance split_acceptance(std::string_view entry);

std::optional<Caution> find_caution(std::string_view name);

}  // namespace sbx::policy
