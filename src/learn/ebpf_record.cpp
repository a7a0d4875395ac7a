// SPDX-License-Identifier: Apache-2.0
#include "learn/ebpf_record.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <tuple>

#include <fmt/format.h>

#include "base/path.h"
#include "learn/argument_classes.h"
#include "learn/path_arguments.h"
#include "seccomp/evaluate.h"
#include "seccomp/everyday.h"
#include "seccomp/syscall_table.h"
#include "seccomp/when.h"
#include "supervise/address_text.h"
#include "supervise/destination.h"

namespace sbx::learn {
namespace {

constexpr std::uint64_t kProtExec = 4;

// The everyday uses of these (seccomp/everyday.h): a name below an opened directory; of openat only
// the opening of a directory to list it.
void leave_out_below(std::string_view call, sbx_shape& shape) {
  if (call == "newfstatat" || call == "statx") {
    shape.skips_below = 1;
  } else if (call == "openat") {
    shape.skips_below = 1;
    shape.quiet_mask = O_DIRECTORY | O_ACCMODE | O_CREAT | O_PATH;
    shape.quiet_value = O_DIRECTORY;
  }
}

sbx_shape shape_of(std::string_view call, bool every_name) {
  sbx_shape shape{};
  const auto infos = seccomp::arguments_of(call);
  for (const ClassArgument& one : class_arguments(call)) {
    const std::uint8_t at = shape.classes++;
    const auto bit = static_cast<std::uint8_t>(1u << at);
    const bool is_read = one.argument < infos.size();
    shape.argument[at] = one.argument;
    shape.mask[at] = is_read ? one.mask : 0;
    if (is_read && infos[one.argument].width == 32) {
      shape.width32 = static_cast<std::uint8_t>(shape.width32 | bit);
    }
    if (one.presence_only) {
      shape.presence = static_cast<std::uint8_t>(shape.presence | bit);
    }
  }
  for (const PathArgument& one : path_arguments(call)) {
    shape.path[shape.paths++] = {one.path, one.directory, one.open_flags, 0};
  }
  shape.role = call == "listen"    ? SBX_LISTEN
               : call == "bind"    ? SBX_BIND
               : call == "connect" ? SBX_CONNECT
               : call == "sendto"  ? SBX_SEND_TO
               : call == "sendmsg" ? SBX_SEND_MESSAGE
                                   : SBX_PLAIN;
  if (!every_name) {
    leave_out_below(call, shape);
    shape.paths = seccomp::everyday_when(call) == "*" ? 0 : shape.paths;
  }
  return shape;
}

// The notify engine would not have been told of it.
bool is_on_fast_path(const CallUse& use) {
  if (use.call == "mmap" || use.call == "mprotect") {
    return (use.values[0] & kProtExec) == 0;
  }
  if (use.call == "fcntl") {
    static const auto everyday = seccomp::parse_when(seccomp::kEverydayFcntl, "fcntl", {});
    seccomp_data call{};
    call.args[1] = use.values[0];
    return everyday && seccomp::holds(*everyday, call);
  }
  return seccomp::everyday_when(use.call) == "*";
}

class Converter {
 public:
  explicit Converter(const EbpfRecord& record) : record_(record) {}

  std::uint64_t since_start(std::uint64_t time_ns) const {
    return time_ns > record_.start_ns ? (time_ns - record_.start_ns) / 1000 : 0;
  }
  Use use_of(const sbx_count& count) const {
    Use use{
        count.count, since_start(count.first), since_start(std::max(count.first, count.last)), {}};
    for (std::size_t i = 0; i < SBX_MOST_PROGRAMS; ++i) {
      if ((count.programs >> i & 1) != 0) {
        use.programs.insert(i < record_.programs.size() ? record_.programs[i] : std::string());
      }
    }
    return use;
  }

 private:
  const EbpfRecord& record_;
};

void add_calls(const EbpfRecord& record, seccomp::Arch arch, const Converter& convert,
               Observations& to) {
  const auto add = [&](int number, const std::array<std::uint64_t, 3>& values,
                       const sbx_count& count) {
    CallUse use;
    use.call = seccomp::name_of(arch, number);
    if (use.call.empty()) {
      use.call = fmt::format("call number {}", number);
    }
    use.values = values;
    use.use = convert.use_of(count);
    to.calls.push_back(std::move(use));
  };
  for (const auto& [key, count] : record.classes) {
    add(static_cast<int>(key.number), {key.values[0], key.values[1], key.values[2]}, count);
  }
  for (const auto& [number, count] : record.numbers) {
    const bool has_classes = !class_arguments(seccomp::name_of(arch, number)).empty();
    if (count.count != 0 && !has_classes) {
      add(number, {}, count);
    }
  }
}

std::string absolute(const NameUse& name, const std::string& path) {
  return path::is_absolute(path)        ? path::normalise(path)
         : path::is_absolute(name.base) ? path::normalise(path, name.base)
                                        : std::string();
}

// Files of the sandbox's own: nothing that a policy grants.
bool is_own(std::string_view path) {
  return path::is_below(path, "/proc") || path::is_below(path, "/dev/pts") ||
         path::is_below(path, "/dev/fd");
}

std::optional<std::string> address_of(const NameUse& name, bool is_bind) {
  sys::SocketAddress address;
  address.length = static_cast<socklen_t>(std::min(name.bytes.size(), sizeof address.storage));
  std::memcpy(&address.storage, name.bytes.data(), address.length);
  if (address.family() == AF_UNIX) {
    const std::string path = supervise::unix_path(address);
    if (const std::string abstract = supervise::unix_abstract(address); path.empty()) {
      return abstract.empty() ? std::nullopt : std::optional("unix:@" + abstract);
    }
    const std::string place = absolute(name, path);
    return place.empty() ? std::nullopt : std::optional("unix:" + place);
  }
  const supervise::SocketForm form{name.record.family, name.record.type, name.record.protocol};
  const auto place = is_bind ? supervise::bound_place(form, address)
                             : supervise::reached_destination(form, address);
  return place ? std::optional(plan::to_text(*place)) : std::nullopt;
}

void add_names(const EbpfRecord& record, seccomp::Arch arch, const Converter& convert,
               Observations& to) {
  for (const NameUse& name : record.names) {
    const int number = static_cast<int>(name.record.key.number & 0xffff);
    const std::size_t which = name.record.key.number >> 16;
    const std::string_view call = seccomp::name_of(arch, number);
    if (call == "bind" || call == "connect") {
      if (auto address = address_of(name, call == "bind")) {
        to.addresses.push_back({*std::move(address), call == "bind", convert.use_of(name.count)});
      }
      continue;
    }
    const auto arguments = path_arguments(call);
    std::string path = absolute(name, name.bytes);
    if (path.empty() || which >= arguments.size()) {
      ++to.unlisted;
      continue;
    }
    if (!is_own(path)) {
      const PathArgument& argument = arguments[which];
      const std::uint8_t doings =
          argument.open_flags < 0 ? argument.doings : doings_of_open(name.record.key.flags);
      to.files.push_back({std::move(path), doings, convert.use_of(name.count)});
    }
  }
}

auto key_of(const CallUse& use) {
  return std::tuple(use.call, use.values, use.fate, use.errno_value, use.by_policy);
}

// Where both have a thing, `one`'s word counts.
template <typename T, typename Key>
void add_missing(std::vector<T>& one, const std::vector<T>& other, Key key) {
  std::set<decltype(key(other.front()))> known;
  for (const T& use : one) {
    known.insert(key(use));
  }
  for (const T& use : other) {
    if (!known.contains(key(use))) {
      one.push_back(use);
    }
  }
}

}  // namespace

std::vector<sbx_shape> shapes_of(seccomp::Arch arch, bool every_name) {
  std::vector<sbx_shape> shapes(SBX_MOST_NUMBERS);
  for (int number = 0; number <= seccomp::highest_number(arch); ++number) {
    if (const auto call = seccomp::name_of(arch, number); !call.empty()) {
      shapes.at(static_cast<std::size_t>(number)) = shape_of(call, every_name);
    }
  }
  return shapes;
}

std::string path_of_components(std::string_view components) {
  std::string path;
  while (!components.empty()) {
    const std::size_t end = components.find('\0');
    path.insert(0, "/" + std::string(components.substr(0, end)));
    components.remove_prefix(end == std::string_view::npos ? components.size() : end + 1);
  }
  return path.empty() ? "/" : path;
}

Observations observations_of(const EbpfRecord& record, seccomp::Arch arch, bool exact) {
  Observations seen;
  const Converter convert(record);
  add_calls(record, arch, convert, seen);
  if (!exact) {
    std::erase_if(seen.calls, is_on_fast_path);
  }
  add_names(record, arch, convert, seen);
  seen.peaks.tasks = std::max<std::uint64_t>(record.totals.peak_tasks, 1);
  seen.peaks.memory_bytes = record.totals.peak_pages * record.page_bytes;
  seen.peaks.descriptors = record.totals.peak_descriptors;
  if (record.totals.ready != 0) {
    seen.ready_us = convert.since_start(record.totals.ready);
  }
  seen.length_us = convert.since_start(record.end_ns);
  seen.unlisted += record.totals.lost_names + record.totals.lost_classes + record.totals.lost_tasks;
  seen.runs = 0;
  Observations sorted;
  return unite(std::move(sorted), seen);
}

void call_program(Observations& seen, const std::string& file, const std::string& name) {
  const auto change = [&](auto& uses) {
    for (auto& use : uses) {
      if (use.use.programs.erase(file) != 0) {
        use.use.programs.insert(name);
      }
    }
  };
  change(seen.calls);
  change(seen.files);
  change(seen.addresses);
}

Observations join_engines(Observations kernel, const Observations& supervisor) {
  // What the policy lacks was told of, and ran, and was counted there too.
  for (const CallUse& told : supervisor.calls) {
    if (told.fate == Fate::Lacking) {
      for (CallUse& counted : kernel.calls) {
        if (counted.call == told.call && counted.values == told.values &&
            counted.fate == Fate::Granted) {
          counted.use.count -= std::min(counted.use.count, told.use.count);
        }
      }
    }
  }
  std::erase_if(kernel.calls, [](const CallUse& use) { return use.use.count == 0; });
  add_missing(kernel.calls, supervisor.calls, [](const CallUse& use) { return key_of(use); });
  add_missing(kernel.files, supervisor.files, [](const FileUse& use) { return use.path; });
  add_missing(kernel.addresses, supervisor.addresses,
              [](const AddressUse& use) { return std::tuple(use.address, use.is_bind); });
  Observations rest;
  rest.peaks = supervisor.peaks;
  rest.ready_us = supervisor.ready_us;
  rest.unlisted = supervisor.unlisted;
  rest.runs = 0;
  if (kernel.ready_us && rest.ready_us) {
    kernel.ready_us = std::min(*kernel.ready_us, *rest.ready_us);
  }
  return unite(std::move(kernel), rest);
}

}  // namespace sbx::learn
