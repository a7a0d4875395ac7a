// SPDX-License-Identifier: Apache-2.0
// The one table of all keys of the policy language: name, shape, permitted words, default,
// description. The TOML reader, the merge, `sbx show`, the manual page and the completions are
// all driven by it; a key that is not in it is an error.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sbx::policy {

enum class Key {
  PolicyDescription,
  PolicyExtends,
  PolicyPrograms,
  PolicyAccept,
  CommandArgs,
  CommandWorkdir,
  IdentityUser,
  IdentityGroup,
  IdentitySingleUid,
  IdentityHostname,
  IdentityMachineId,
  NamespacesUser,
  NamespacesMount,
  NamespacesPid,
  NamespacesNet,
  NamespacesIpc,
  NamespacesUts,
  NamespacesCgroup,
  NamespacesTime,
  NamespacesNested,
  FilesystemSystem,
  FilesystemSystemUsr,
  FilesystemSystemHost,
  FilesystemHome,
  FilesystemCwd,
  FilesystemRead,
  FilesystemWrite,
  FilesystemExec,
  FilesystemOverlay,
  FilesystemTmp,
  FilesystemTmpfs,
  FilesystemHide,
  FilesystemCreate,
  FilesystemDev,
  FilesystemProc,
  NetworkMode,
  NetworkPublish,
  NetworkConnect,
  NetworkBind,
  NetworkFamilies,
  NetworkDns,
  SeccompInherit,
  SeccompDefault,
  SeccompAllow,
  SeccompDeny,
  SeccompRules,
  MemoryWx,
  MemoryMemfd,
  CapabilitiesKeep,
  LandlockRequire,
  LandlockReads,
  LimitsTime,
  LimitsMemory,
  LimitsProcesses,
  LimitsCpu,
  LimitsFiles,
  LimitsFileSize,
  LimitsScratch,
  LimitsCore,
  LimitsCpuPercent,
  LimitsCpuWeight,
  LimitsCgroup,
  EnvironmentKeep,
  EnvironmentSet,
  EnvironmentUnset,
  EnvironmentPass,
  TerminalMode,
  DesktopX11,
  DesktopWayland,
  DesktopAudio,
  DesktopGpu,
  ReportOnViolation,
  ReportLog,
  ReportSinks,
  ReportNotifyCommand,
};

enum class KeyType {
  Text,
  Choice,   // Text, one of `choices` (separated by '|'; "errno(NAME)" stands for any errno)
  Flag,     // true or false
  Size,     // Number in bytes: 512, "64M"
  Seconds,  // Number: 30, "10m"
  Count,    // Number
  Names,    // list of Text
  Paths,    // list of PathEntry
  Pairs,    // table of Text
  Rules,    // array of tables
};

struct KeyInfo {
  Key key;
  std::string_view table;  // "filesystem"
  std::string_view name;   // "read"
  KeyType type;
  std::string_view choices;        // for Choice: "deny|allow"
  std::string_view default_value;  // as written in TOML without quotes; empty: none
  std::string_view description;    // one or two sentences, for people
};

std::span<const KeyInfo> keys();
const KeyInfo& info(Key key);
std::optional<Key> find_key(std::string_view table, std::string_view name);

// "filesystem.read"
std::string qualified_name(Key key);

// Why a key or a whole table (empty name) that other tools or later versions have is not accepted:
// a hint for the error. Empty if there is nothing to say.
std::string_view why_unsupported(std::string_view table, std::string_view name);

}  // namespace sbx::policy
