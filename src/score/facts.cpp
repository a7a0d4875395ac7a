// SPDX-License-Identifier: Apache-2.0
#include "score/facts.h"

#include <sched.h>

#include "base/text.h"
#include "policy/capabilities.h"
#include "seccomp/groups.h"
#include "seccomp/syscall_table.h"

namespace sbx::score {
namespace {

struct CapabilityItem {
  Item item;
  std::string_view names;  // separated by blanks
};

constexpr std::array kCapabilityItems = {
    CapabilityItem{Item::CapAdmin, "CAP_SYS_ADMIN"},
    CapabilityItem{Item::CapSetIds, "CAP_SETUID CAP_SETGID CAP_SETPCAP"},
    CapabilityItem{Item::CapPtrace, "CAP_SYS_PTRACE"},
    CapabilityItem{Item::CapFileOwner, "CAP_CHOWN CAP_FSETID CAP_SETFCAP"},
    CapabilityItem{Item::CapFilePermissions, "CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER CAP_IPC_OWNER"},
    CapabilityItem{Item::CapModule, "CAP_SYS_MODULE"},
    CapabilityItem{Item::CapRawIo, "CAP_SYS_RAWIO"},
    CapabilityItem{Item::CapTime, "CAP_SYS_TIME"},
    CapabilityItem{Item::CapNetAdmin, "CAP_NET_ADMIN"},
    CapabilityItem{Item::CapMknod, "CAP_MKNOD"},
    CapabilityItem{Item::CapSyslog, "CAP_SYSLOG"},
    CapabilityItem{Item::CapAudit, "CAP_AUDIT_CONTROL CAP_AUDIT_READ CAP_AUDIT_WRITE"},
    CapabilityItem{Item::CapKill, "CAP_KILL"},
    CapabilityItem{Item::CapNet, "CAP_NET_BIND_SERVICE CAP_NET_BROADCAST CAP_NET_RAW"},
    CapabilityItem{Item::CapNice, "CAP_SYS_NICE CAP_SYS_RESOURCE"},
    CapabilityItem{Item::CapMac, "CAP_MAC_ADMIN CAP_MAC_OVERRIDE"},
    CapabilityItem{Item::CapBoot, "CAP_SYS_BOOT"},
    CapabilityItem{Item::CapImmutable, "CAP_LINUX_IMMUTABLE"},
    CapabilityItem{Item::CapIpcLock, "CAP_IPC_LOCK"},
    CapabilityItem{Item::CapChroot, "CAP_SYS_CHROOT"},
    CapabilityItem{Item::CapBlockSuspend, "CAP_BLOCK_SUSPEND"},
    CapabilityItem{Item::CapBpf, "CAP_BPF"},
    CapabilityItem{Item::CapLease, "CAP_LEASE"},
    CapabilityItem{Item::CapPacct, "CAP_SYS_PACCT"},
    CapabilityItem{Item::CapTty, "CAP_SYS_TTY_CONFIG"},
    CapabilityItem{Item::CapWakeAlarm, "CAP_WAKE_ALARM"},
};

struct NamespaceItem {
  Item item;
  std::uint64_t flag;
};

constexpr std::array kNamespaceItems = {
    NamespaceItem{Item::NewUser, CLONE_NEWUSER}, NamespaceItem{Item::NewMount, CLONE_NEWNS},
    NamespaceItem{Item::NewPid, CLONE_NEWPID},   NamespaceItem{Item::NewNet, CLONE_NEWNET},
    NamespaceItem{Item::NewIpc, CLONE_NEWIPC},   NamespaceItem{Item::NewCgroup, CLONE_NEWCGROUP},
    NamespaceItem{Item::NewUts, CLONE_NEWUTS},
};

constexpr std::array kCallItems = {
    Item::CallsClock, Item::CallsDebug,     Item::CallsModule,    Item::CallsMount,        Item::CallsRawIo,   Item::CallsReboot,
    Item::CallsSwap,  Item::CallsPrivileged, Item::CallsResources, Item::CallsCpuEmulation, Item::CallsObsolete};

// "SystemCallFilter=~@clock" → "@clock"
std::string_view group_of(Item item) {
  const std::string_view name = info(item).name;
  return name.substr(name.find('@'));
}

}  // namespace

void rate(Facts& facts, Item item, unsigned badness, std::string text, const Origin& origin) {
  facts[static_cast<std::size_t>(item)] = {Fact::State::Rated, badness, std::move(text), origin};
}

void set_meaningless(Facts& facts, Item item, std::string text) {
  facts[static_cast<std::size_t>(item)] = {Fact::State::Meaningless, 0, std::move(text), {}};
}

void set_unseen(Facts& facts, Item item, std::string text) {
  facts[static_cast<std::size_t>(item)] = {Fact::State::Unseen, 0, std::move(text), {}};
}

void rate_capabilities(Facts& facts, std::uint64_t held, std::string_view where, const Origin& origin) {
  const auto all = policy::capabilities();
  for (const CapabilityItem& one : kCapabilityItems) {
    std::vector<std::string> names;
    for (std::size_t number = 0; number < all.size(); ++number) {
      const bool is_named = (" " + std::string(one.names) + " ").find(" " + std::string(all[number].name) + " ") != std::string::npos;
      if (is_named && ((held >> number) & 1) != 0) {
        names.emplace_back(all[number].name);
      }
    }
    const std::string text = names.empty() ? "" : std::string(info(one.item).open) + ": " + join(names, ", ") + std::string(where);
    rate(facts, one.item, names.empty() ? 0 : 1, text, origin);
  }
}

void rate_namespaces(Facts& facts, std::uint64_t can_make, const Origin& origin) {
  for (const NamespaceItem& one : kNamespaceItems) {
    rate(facts, one.item, (can_make & one.flag) != 0 ? 1 : 0, {}, origin);
  }
}

std::span<const Item> call_items() {
  return kCallItems;
}

void rate_calls(Facts& facts, seccomp::Arch arch, unsigned badness,
                const std::function<std::optional<Origin>(std::string_view)>& opened_by) {
  constexpr std::size_t kExamples = 3;
  for (const Item item : kCallItems) {
    std::vector<std::string> open;
    Origin decides{};
    for (const std::string_view call : seccomp::expand_group(*seccomp::find_group(group_of(item)))) {
      const auto origin = seccomp::number_of(arch, call) ? opened_by(call) : std::nullopt;
      if (origin) {
        decides = open.empty() ? *origin : decides;
        open.emplace_back(call);
      }
    }
    const std::size_t count = open.size();
    open.resize(std::min(count, kExamples));
    const std::string text = count == 0 ? "" : std::string(group_of(item)) + " is open: " + join(open, ", ") +
                                                   (count > kExamples ? " and " + std::to_string(count - kExamples) + " more" : "");
    rate(facts, item, count == 0 ? 0 : badness, text, decides);
  }
}

void rate_umask(Facts& facts, std::uint32_t umask, const Origin& origin) {
  const std::uint32_t mode = 0666 & ~umask;
  struct Step {
    std::uint32_t bit;
    unsigned badness;
    std::string_view text;
  };
  constexpr std::array kSteps = {Step{0002, 10, "makes files that everybody may write"},
                                 Step{0004, 5, "makes files that everybody may read"},
                                 Step{0020, 2, "makes files that its group may write"},
                                 Step{0040, 1, "makes files that its group may read"}};
  for (const Step& step : kSteps) {
    if ((mode & step.bit) != 0) {
      rate(facts, Item::UMask, step.badness, std::string(step.text), origin);
      return;
    }
  }
  rate(facts, Item::UMask, 0, {}, origin);
}

}  // namespace sbx::score
