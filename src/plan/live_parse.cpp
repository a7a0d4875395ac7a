// SPDX-License-Identifier: Apache-2.0
// /proc/PID/status, mountinfo and limits (proc(5)).
#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "plan/live_sandbox.h"

namespace sbx::plan {
namespace {

template <typename Number>
bool read_number(std::string_view text, Number& number, int base = 10) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return error == std::errc() && end != text.data();
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  const std::size_t last = text.find_last_not_of(" \t");
  return first == std::string_view::npos ? std::string_view() : text.substr(first, last - first + 1);
}

std::vector<std::string_view> words(std::string_view line) {
  std::vector<std::string_view> found;
  while (!(line = trimmed(line)).empty()) {
    const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
    found.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
  return found;
}

template <typename Take>
void for_each_line(std::string_view text, const Take& take) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    take(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

// The kernel writes blanks, tabs, newlines and backslashes of a path as \040 and the like.
std::string unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    if (text[i] == '\\' && i + 3 < text.size() && read_number(text.substr(i + 1, 3), byte, 8)) {
      plain.push_back(static_cast<char>(byte));
      i += 3;
    } else {
      plain.push_back(text[i]);
    }
  }
  return plain;
}

// "2" of "Uid:\t1\t2\t3\t4" is the effective one.
bool read_effective(std::string_view value, std::uint32_t& id) {
  const auto ids = words(value);
  return ids.size() == 4 && read_number(ids[1], id);
}

// What older kernels lack, or may be empty.
void take_further_field(LiveProcess& process, std::string_view name, std::string_view value) {
  std::uint32_t number = 0;
  if (name == "Umask" && read_number(value, number, 8)) {
    process.umask = number;
  }
  for (const std::string_view group : name == "Groups" ? words(value) : std::vector<std::string_view>()) {
    if (read_number(group, number)) {
      process.groups.push_back(number);
    }
  }
}

bool take_field(LiveProcess& process, std::string_view name, std::string_view value) {
  if (name == "Name") {
    process.name = value;
    return true;
  }
  int no_new_privs = 0;
  const bool read = name == "Pid"               ? read_number(value, process.pid)
                    : name == "PPid"            ? read_number(value, process.parent)
                    : name == "NSpid"           ? read_number(words(value).back(), process.pid_inside)
                    : name == "Uid"             ? read_effective(value, process.uid)
                    : name == "Gid"             ? read_effective(value, process.gid)
                    : name == "NoNewPrivs"      ? read_number(value, no_new_privs)
                    : name == "Seccomp"         ? read_number(value, process.seccomp_mode)
                    : name == "Seccomp_filters" ? read_number(value, process.filters)
                    : name == "CapInh"          ? read_number(value, process.inheritable, 16)
                    : name == "CapPrm"          ? read_number(value, process.permitted, 16)
                    : name == "CapEff"          ? read_number(value, process.effective, 16)
                    : name == "CapBnd"          ? read_number(value, process.bounding, 16)
                    : name == "CapAmb"          ? read_number(value, process.ambient, 16)
                                                : false;
  process.no_new_privs = process.no_new_privs || no_new_privs == 1;
  return read;
}

}  // namespace

std::optional<LiveProcess> parse_live_status(const std::string& text) {
  LiveProcess process;
  int fields = 0;
  for_each_line(text, [&](std::string_view line) {
    const std::size_t colon = line.find(':');
    const std::string_view value = colon == std::string_view::npos ? "" : trimmed(line.substr(colon + 1));
    if (!value.empty() && take_field(process, line.substr(0, colon), value)) {
      ++fields;
    }
    take_further_field(process, line.substr(0, colon), value);
  });
  constexpr int kAllFields = 14;
  return fields == kAllFields ? std::optional(process) : std::nullopt;
}

std::vector<LiveMount> parse_mountinfo(const std::string& text) {
  // "36 35 98:0 /root /place ro,noexec shared:1 - ext4 source options"
  constexpr std::size_t kId = 0, kPlace = 4, kOptions = 5;
  std::vector<LiveMount> mounts;
  for_each_line(text, [&](std::string_view line) {
    const auto fields = words(line);
    const auto dash = std::find(fields.begin(), fields.end(), "-");
    LiveMount mount;
    if (fields.size() <= kOptions || fields.end() - dash < 2 || !read_number(fields[kId], mount.id)) {
      return;
    }
    mount.place = unescaped(fields[kPlace]);
    mount.type = dash[1];
    mount.options = fields.end() - dash > 3 ? unescaped(dash[3]) : "";
    for (const std::string& option : split(fields[kOptions], ',')) {
      mount.read_only = mount.read_only || option == "ro";
      mount.no_suid = mount.no_suid || option == "nosuid";
      mount.no_dev = mount.no_dev || option == "nodev";
      mount.no_exec = mount.no_exec || option == "noexec";
    }
    mounts.push_back(std::move(mount));
  });
  return mounts;
}

std::map<std::string, LiveLimit> parse_limits(const std::string& text) {
  // The name takes the first 26 columns: "Max open files            1024   4096   files".
  constexpr std::size_t kNameColumns = 26;
  std::map<std::string, LiveLimit> limits;
  for_each_line(text, [&](std::string_view line) {
    if (line.size() <= kNameColumns) {
      return;
    }
    const auto values = words(line.substr(kNameColumns));
    const auto read = [](std::string_view word, std::uint64_t& value) {
      value = ~std::uint64_t{0};
      return word == "unlimited" || read_number(word, value);
    };
    LiveLimit limit;
    if (values.size() >= 2 && read(values[0], limit.soft) && read(values[1], limit.hard)) {
      limits[std::string(trimmed(line.substr(0, kNameColumns)))] = limit;
    }
  });
  return limits;
}

}  // namespace sbx::plan
