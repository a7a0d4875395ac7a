// SPDX-License-Identifier: Apache-2.0
#include "learn/argument_classes.h"

#include <algorithm>
#include <iterator>
#include <map>

#include <fmt/format.h>

#include "base/text.h"
#include "seccomp/constants.h"
#include "seccomp/syscall_table.h"

namespace sbx::learn {
namespace {

using Class = std::array<std::uint64_t, 3>;

constexpr std::uint64_t kAll = ~0ull;
constexpr std::uint64_t kSocketType = 0xf;      // beside SOCK_CLOEXEC and SOCK_NONBLOCK (socket(2))
constexpr std::uint64_t kCloneThread = 0x10000;
constexpr std::uint64_t kFileType = 0170000;    // S_IFMT
constexpr std::uint64_t kWriteExec = 6;         // PROT_WRITE | PROT_EXEC
constexpr std::size_t kMostWhen = 4096;         // seccomp/when.h

struct Row {
  std::string_view call;
  std::uint8_t count;
  std::array<ClassArgument, 3> arguments;
};

constexpr Row kRows[] = {
    {"bpf", 1, {{{0, kAll}}}},
    {"clone", 1, {{{0, kCloneThread, true}}}},
    {"fcntl", 1, {{{1, kAll}}}},
    {"ioctl", 1, {{{1, kAll}}}},
    {"ioprio_set", 1, {{{0, kAll}}}},
    {"keyctl", 1, {{{0, kAll}}}},
    {"kill", 1, {{{1, kAll}}}},
    {"mknod", 1, {{{1, kFileType}}}},
    {"mknodat", 1, {{{2, kFileType}}}},
    {"mmap", 1, {{{2, kWriteExec}}}},
    {"mprotect", 1, {{{2, kWriteExec}}}},
    {"personality", 1, {{{0, kAll}}}},
    {"pidfd_send_signal", 1, {{{1, kAll}}}},
    {"pkey_mprotect", 1, {{{2, kWriteExec}}}},
    {"prctl", 1, {{{0, kAll}}}},
    {"prlimit64", 3, {{{0, kAll, true}, {1, kAll}, {2, kAll, true}}}},
    {"rt_sigqueueinfo", 1, {{{1, kAll}}}},
    {"rt_tgsigqueueinfo", 1, {{{2, kAll}}}},
    {"sched_setscheduler", 1, {{{1, kAll}}}},
    {"seccomp", 1, {{{0, kAll}}}},
    {"setpriority", 1, {{{0, kAll}}}},
    {"setrlimit", 1, {{{0, kAll}}}},
    {"setsockopt", 2, {{{1, kAll}, {2, kAll}}}},
    {"socket", 3, {{{0, kAll}, {1, kSocketType}, {2, kAll}}}},
    {"tgkill", 1, {{{2, kAll}}}},
    {"tkill", 1, {{{1, kAll}}}},
    {"unshare", 1, {{{0, kAll}}}},
};

// The value as the kernel reads it.
std::uint64_t read_as(const seccomp::ArgumentInfo& info, std::uint64_t value) {
  return info.width == 32 ? value & 0xffff'ffff : value;
}

std::string operand(const ClassArgument& one, const seccomp::ArgumentInfo& info) {
  if (one.mask == kAll) {
    return std::string(info.name);
  }
  return fmt::format("{} & {}", info.name,
                     one.mask == kSocketType ? "0xf" : seccomp::decode_mask(info, one.mask));
}

// The options of setsockopt(2) have names within their level alone.
std::string option_name(std::uint64_t level, std::uint64_t option) {
  struct Level {
    std::string_view level, family, prefix;
  };
  constexpr Level kLevels[] = {{"SOL_SOCKET", "SO", "SO_"},
                               {"SOL_TCP", "TCP", "TCP_"},
                               {"SOL_IP", "IP", "IP_"},
                               {"SOL_IPV6", "IP", "IPV6_"}};
  for (const Level& one : kLevels) {
    if (seccomp::constant_value(one.level) != level) {
      continue;
    }
    for (const std::string_view name : seccomp::constants_of(one.family)) {
      if (name.starts_with(one.prefix) && seccomp::constant_value(name) == option) {
        return std::string(name);
      }
    }
  }
  return std::to_string(option);
}

// "" where every value there is belongs to it. `before`: the value of the argument before it.
std::string test(const ClassArgument& one, const seccomp::ArgumentInfo& info,
                 const std::vector<std::uint64_t>& values, std::uint64_t before) {
  const std::string left = operand(one, info);
  if (one.presence_only) {
    return values.size() > 1 ? "" : fmt::format("{} {} 0", left, values.front() == 0 ? "==" : "!=");
  }
  std::vector<std::string> texts;
  for (const std::uint64_t value : values) {
    texts.push_back(info.name == "optname" ? option_name(before, value)
                                           : seccomp::decode_argument(info, value));
  }
  return texts.size() == 1 ? fmt::format("{} == {}", left, texts.front())
                           : fmt::format("{} in {{{}}}", left, join(texts, ", "));
}

std::string both(const std::string& first, const std::string& rest) {
  if (first.empty() || rest.empty()) {
    return first + rest;
  }
  return first + " and " + (rest.find(" or ") != std::string::npos ? "(" + rest + ")" : rest);
}

// The classes from argument `index` on. Values with the same rest stand together.
std::string describe(std::span<const ClassArgument> fields,
                     std::span<const seccomp::ArgumentInfo> infos, const std::vector<Class>& classes,
                     std::size_t index) {
  if (index == fields.size()) {
    return {};
  }
  std::map<std::uint64_t, std::vector<Class>> by_value;
  for (const Class& one : classes) {
    by_value[one[index]].push_back(one);
  }
  std::vector<std::pair<std::string, std::vector<std::uint64_t>>> groups;
  for (const auto& [value, having] : by_value) {
    const std::string rest = describe(fields, infos, having, index + 1);
    const auto same = std::find_if(groups.begin(), groups.end(),
                                   [&](const auto& group) { return group.first == rest; });
    if (same == groups.end()) {
      groups.push_back({rest, {value}});
    } else {
      same->second.push_back(value);
    }
  }
  std::vector<std::string> alternatives;
  const std::uint64_t before = index == 0 ? 0 : classes.front()[index - 1];
  for (const auto& [rest, values] : groups) {
    const std::string text =
        both(test(fields[index], infos[fields[index].argument], values, before), rest);
    if (text.empty()) {
      return {};
    }
    alternatives.push_back(text);
  }
  return join(alternatives, " or ");
}

}  // namespace

std::span<const ClassArgument> class_arguments(std::string_view call) {
  const auto* row = std::lower_bound(std::begin(kRows), std::end(kRows), call,
                                     [](const Row& one, std::string_view name) { return one.call < name; });
  return row != std::end(kRows) && row->call == call
             ? std::span(row->arguments.data(), row->count)
             : std::span<const ClassArgument>{};
}

std::array<std::uint64_t, 3> class_of(std::string_view call, const std::array<unsigned long long, 6>& arguments) {
  Class values{};
  const auto infos = seccomp::arguments_of(call);
  const auto fields = class_arguments(call);
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::size_t place = fields[i].argument;
    if (place < infos.size() && place < arguments.size()) {
      const std::uint64_t read = read_as(infos[place], arguments[place]) & fields[i].mask;
      values[i] = fields[i].presence_only ? (read != 0 ? 1 : 0) : read;
    }
  }
  return values;
}

std::string when_of(std::string_view call, std::vector<Class> classes) {
  const auto fields = class_arguments(call);
  const auto infos = seccomp::arguments_of(call);
  if (fields.empty() || infos.size() <= fields.back().argument || classes.empty()) {
    return {};
  }
  std::sort(classes.begin(), classes.end());
  classes.erase(std::unique(classes.begin(), classes.end()), classes.end());
  const std::string text = describe(fields, infos, classes, 0);
  // Without its last arguments where it is longer than a policy may say.
  return text.size() <= kMostWhen ? text : describe(fields.first(1), infos, classes, 0);
}

}  // namespace sbx::learn
