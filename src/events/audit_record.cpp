// SPDX-License-Identifier: Apache-2.0
#include "events/audit_record.h"

#include <linux/audit.h>
#include <linux/seccomp.h>

#include <fmt/format.h>

#include <charconv>
#include <climits>
#include <cstring>
#include <optional>

#include "base/text.h"

namespace sbx::events {
namespace {

using Kind = AuditRecord::Kind;

constexpr char kEnriched = '\x1d';  // AUDIT_INTERP_SEPARATOR of auditd
// Of Linux 6.15, newer than the headers of Debian 12.
constexpr unsigned kLandlockAccess = 1423;
constexpr unsigned kLandlockDomain = 1424;

struct TypeName {
  unsigned number;
  std::string_view name;
  Kind kind;
};
constexpr TypeName kTypes[] = {{AUDIT_SECCOMP, "SECCOMP", Kind::Seccomp},
                               {AUDIT_ANOM_ABEND, "ANOM_ABEND", Kind::Crash},
                               {kLandlockAccess, "LANDLOCK_ACCESS", Kind::LandlockAccess},
                               {kLandlockDomain, "LANDLOCK_DOMAIN", Kind::LandlockDomain},
                               {AUDIT_SYSCALL, "SYSCALL", Kind::Syscall},
                               {AUDIT_EOE, "EOE", Kind::End}};

std::optional<Kind> kind_of(unsigned type) {
  for (const TypeName& one : kTypes) {
    if (one.number == type) {
      return one.kind;
    }
  }
  return std::nullopt;
}

template <typename T>
std::optional<T> number_in(std::string_view text, int base = 10) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

// "1326", "SECCOMP", and "UNKNOWN[1423]" of an auditd that is older than the kernel. 0: a name of
// no interest.
unsigned type_number(std::string_view word) {
  if (word.starts_with("UNKNOWN[") && word.ends_with(']')) {
    word = word.substr(8, word.size() - 9);
  }
  for (const TypeName& one : kTypes) {
    if (one.name == word) {
      return one.number;
    }
  }
  return number_in<unsigned>(word).value_or(0);
}

bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) {
    return false;
  }
  text.remove_prefix(prefix.size());
  return true;
}

// What stands before `mark`, which is dropped; nothing if there is no mark.
std::optional<std::string_view> take_until(std::string_view& text, char mark) {
  const std::size_t end = text.find(mark);
  if (end == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view before = text.substr(0, end);
  text.remove_prefix(end + 1);
  return before;
}

// "audit(1795332202.400:7):" and the blanks behind it.
bool take_header(std::string_view& text, AuditRecord& record) {
  constexpr std::uint64_t kMostSeconds = 1ull << 40;
  if (!take(text, "audit(")) {
    return false;
  }
  const auto seconds = take_until(text, '.');
  const auto fraction = seconds ? take_until(text, ':') : std::nullopt;
  const auto serial = fraction ? take_until(text, ')') : std::nullopt;
  if (!serial || !take(text, ":")) {
    return false;
  }
  const auto whole = number_in<std::uint64_t>(*seconds);
  const auto milliseconds = number_in<std::uint64_t>(*fraction);
  const auto event = number_in<std::uint64_t>(*serial);
  if (!whole || *whole > kMostSeconds || !milliseconds || fraction->size() != 3 || !event) {
    return false;
  }
  record.time_us = *whole * 1'000'000 + *milliseconds * 1000;
  record.serial = *event;
  while (take(text, " ")) {
  }
  return true;
}

// An untrusted string: in quotes, or as hexadecimal digits, or "(null)".
std::optional<std::string> decode(std::string_view value) {
  if (value == "(null)" || value == "?") {
    return std::string();
  }
  if (value.size() >= 2 && value.front() == '"') {
    return value.back() == '"' ? std::optional(std::string(value.substr(1, value.size() - 2)))
                               : std::nullopt;
  }
  if (value.empty() || value.size() % 2 != 0) {
    return std::nullopt;
  }
  std::string bytes;
  bytes.reserve(value.size() / 2);
  for (std::size_t i = 0; i < value.size(); i += 2) {
    const auto byte = number_in<std::uint8_t>(value.substr(i, 2), 16);
    if (!byte) {
      return std::nullopt;
    }
    bytes += static_cast<char>(*byte);
  }
  return bytes;
}

// The next KEY=VALUE. A quoted value ends at its second quote. False at the end, or when the rest
// is no field: then `text` is not empty.
bool take_field(std::string_view& text, std::string_view& key, std::string_view& value) {
  while (take(text, " ")) {
  }
  const std::size_t equals = text.find_first_of("= ");
  if (equals == std::string_view::npos || text[equals] == ' ' || equals == 0) {
    return false;
  }
  key = text.substr(0, equals);
  std::size_t end = std::string_view::npos;
  if (equals + 1 < text.size() && text[equals + 1] == '"') {
    const std::size_t quote = text.find('"', equals + 2);
    if (quote == std::string_view::npos || (quote + 1 < text.size() && text[quote + 1] != ' ')) {
      return false;
    }
    end = quote + 1;
  } else {
    end = std::min(text.find(' ', equals + 1), text.size());
  }
  value = text.substr(equals + 1, end - equals - 1);
  text.remove_prefix(end);
  return true;
}

// Which of the fields that a kind needs were there, one bit each.
enum Seen : unsigned {
  kPid = 1u << 0,
  kUid = 1u << 1,
  kComm = 1u << 2,
  kExe = 1u << 3,
  kSignal = 1u << 4,
  kArch = 1u << 5,
  kNumber = 1u << 6,
  kCode = 1u << 7,
  kAddress = 1u << 8,
  kDomain = 1u << 9,
  kBlockers = 1u << 10,
  kStatus = 1u << 11,
};

constexpr unsigned kProcess = kPid | kUid | kComm | kExe;

unsigned needed(Kind kind) {
  switch (kind) {
    case Kind::Seccomp:
      return kProcess | kSignal | kArch | kNumber | kAddress | kCode;
    case Kind::Crash:
      return kProcess | kSignal;
    case Kind::LandlockAccess:
      return kDomain | kBlockers;
    case Kind::LandlockDomain:
      return kDomain | kStatus;
    case Kind::Syscall:
      return kProcess;
    case Kind::End:
      return 0;
  }
  return 0;
}

template <typename T>
bool store(const std::optional<T>& value, T& into) {
  if (value) {
    into = *value;
  }
  return value.has_value();
}

std::string_view without_0x(std::string_view text) {
  return text.starts_with("0x") ? text.substr(2) : std::string_view();
}

// The object of a Landlock record (security/lsm_audit.c); fields of one kind of object at a time.
bool read_object(std::string_view key, std::string_view value, AuditRecord& record) {
  if (key == "path" || key == "name") {
    auto path = decode(value);
    // An abstract socket's name starts with a zero byte.
    if (path && path->starts_with('\0')) {
      (*path)[0] = '@';
    }
    return store(path, record.object);
  }
  if (key == "daddr" || key == "saddr") {
    const bool is_v6 = value.find(':') != std::string_view::npos;
    record.object = is_v6 ? "[" + std::string(value) + "]" : std::string(value);
  } else if (key == "dest" || key == "src") {
    record.object += ":" + std::string(value);
  } else if (key == "opid") {
    record.object = "pid " + std::string(value);
  } else if (key == "ocomm") {
    const auto comm = decode(value);
    record.object += comm ? " (" + *comm + ")" : "";
    return comm.has_value();
  }
  return true;
}

// False if the value is none of that field. Fields without a meaning here are passed over.
bool read_field(std::string_view key, std::string_view value, AuditRecord& record, unsigned& seen) {
  const bool landlock = record.kind == Kind::LandlockAccess || record.kind == Kind::LandlockDomain;
  // A field that comes twice is no work of the kernel's.
  const auto first = [&seen](unsigned bit) {
    const bool fresh = (seen & bit) == 0;
    seen |= bit;
    return fresh;
  };
  if (key == "pid") {
    return first(kPid) && store(number_in<int>(value), record.pid);
  }
  if (key == "uid") {
    return first(kUid) && store(number_in<std::uint32_t>(value), record.uid);
  }
  if (key == "comm") {
    return first(kComm) && store(decode(value), record.comm);
  }
  if (key == "exe") {
    return first(kExe) && store(decode(value), record.exe);
  }
  if (key == "subj") {
    record.subject = value;
    return true;
  }
  if (key == "sig") {
    return first(kSignal) && store(number_in<int>(value), record.signal);
  }
  if (landlock) {
    if (key == "domain") {
      return first(kDomain) && store(number_in<std::uint64_t>(value, 16), record.domain);
    }
    if (key == "blockers") {
      record.blockers = value;
      return first(kBlockers) && !value.empty();
    }
    if (key == "status") {
      return first(kStatus);
    }
    return read_object(key, value, record);
  }
  if (record.kind != Kind::Seccomp) {
    return true;
  }
  if (key == "arch") {
    return first(kArch) && store(number_in<std::uint32_t>(value, 16), record.arch);
  }
  if (key == "syscall") {
    return first(kNumber) && store(number_in<std::int64_t>(value), record.number);
  }
  if (key == "ip") {
    return first(kAddress) &&
           store(number_in<std::uint64_t>(without_0x(value), 16), record.address);
  }
  if (key == "code") {
    return first(kCode) && store(number_in<std::uint32_t>(without_0x(value), 16), record.code);
  }
  return true;
}

bool read_fields(std::string_view text, AuditRecord& record) {
  unsigned seen = 0;
  std::string_view key, value;
  while (take_field(text, key, value)) {
    if (!read_field(key, value, record, seen)) {
      return false;
    }
    // A label of AppArmor's has its mode behind a blank: subj=docker-default (enforce)
    if (key == "subj" && text.starts_with(" (")) {
      const auto mode = take_until(text, ')');
      if (!mode) {
        return false;
      }
    }
  }
  record.has_process = (seen & kProcess) == kProcess;
  return text.empty() && (seen & needed(record.kind)) == needed(record.kind);
}

// What the kernel log has before the message; nothing if the line is no message of the kernel's.
// Only exact forms: the text behind them may quote what a program chose.
std::optional<std::string_view> kernel_message(std::string_view line) {
  const std::size_t semicolon = line.find(';');
  if (const std::size_t comma = line.find(','); comma < semicolon && semicolon < 80) {
    if (const auto priority = number_in<unsigned>(line.substr(0, comma))) {
      // /dev/kmsg: the priority's upper bits are the facility, and 0 is the kernel (syslog(2)).
      return *priority < 8 ? std::optional(line.substr(semicolon + 1)) : std::nullopt;
    }
  }
  if (line.size() > 2 && line[0] == '<' && line[2] == '>') {  // dmesg --raw
    line.remove_prefix(3);
  }
  constexpr std::string_view kKernel = " kernel: ";
  if (const std::size_t mark = line.find(kKernel); mark != std::string_view::npos) {
    // journalctl -k, syslog: before it the time and the host, and no ": " of another's message.
    if (line.substr(0, mark).find(": ") != std::string_view::npos) {
      return std::nullopt;
    }
    line.remove_prefix(mark + kKernel.size());
  } else if (line.starts_with("kern ")) {  // dmesg --decode: "kern  :info  : [1.2] …"
    const std::size_t bracket = line.find('[');
    line.remove_prefix(bracket == std::string_view::npos ? line.size() : bracket);
  }
  if (line.starts_with('[')) {
    const std::size_t bracket = line.find("] ");
    if (bracket == std::string_view::npos) {
      return std::nullopt;
    }
    line.remove_prefix(bracket + 2);
  }
  return line;
}

AuditLine lost(std::uint64_t count) {
  AuditLine line;
  line.kind = AuditLine::Kind::Lost;
  line.lost = count;
  return line;
}

AuditLine of_kind(AuditLine::Kind kind) {
  AuditLine line;
  line.kind = kind;
  return line;
}

// "kauditd_printk_skb: 44 callbacks suppressed": the kernel log takes ten records in five seconds.
AuditLine parse_kernel_message(std::string_view message) {
  if (take(message, "kauditd_printk_skb: ")) {
    const auto count = take_until(message, ' ');
    const auto number = count ? number_in<std::uint64_t>(*count) : std::nullopt;
    return number && message == "callbacks suppressed" ? lost(*number) : AuditLine{};
  }
  if (!take(message, "audit: type=")) {
    return {};
  }
  const auto type = take_until(message, ' ');
  const auto number = type ? number_in<unsigned>(*type) : std::nullopt;
  return number ? parse_audit_payload(*number, message) : of_kind(AuditLine::Kind::Unreadable);
}

AuditLine parse_log_line(std::string_view line) {
  AuditLine parsed = of_kind(AuditLine::Kind::Unreadable);
  std::string_view node;
  if (take(line, "node=")) {
    node = take_until(line, ' ').value_or(std::string_view());
  }
  if (take(line, "type=")) {
    const auto type = take_until(line, ' ');
    if (type && !type->empty() && take(line, "msg=")) {
      parsed = parse_audit_payload(type_number(*type), line);
    }
  }
  parsed.record.node = node;
  parsed.audit_log = true;
  return parsed;
}

// journald's own form, "audit[4711]: SECCOMP auid=…", has neither the serial nor a time of the
// kernel's: it is said to be unreadable, since silence would be a lie.
bool is_journal_record(std::string_view line) {
  const std::size_t mark = line.find(" audit[");
  const std::size_t end = line.find("]: ", mark == std::string_view::npos ? line.size() : mark);
  if (end == std::string_view::npos || line.substr(0, mark).find(": ") != std::string_view::npos) {
    return false;
  }
  const std::string_view text = line.substr(end + 3);
  const unsigned type = type_number(text.substr(0, text.find(' ')));
  return type != 0 && type != AUDIT_SYSCALL && kind_of(type).has_value();
}

}  // namespace

AuditLine parse_audit_payload(unsigned type, std::string_view payload) {
  AuditLine line;
  payload = payload.substr(0, payload.find(kEnriched));
  // auditd ends a line without ENRICHED part in a blank; the kernel's messages may end in a NUL.
  while (payload.ends_with(' ') || payload.ends_with('\0') || payload.ends_with('\r')) {
    payload.remove_suffix(1);
  }
  if (!take_header(payload, line.record)) {
    line.kind = AuditLine::Kind::Unreadable;
    return line;
  }
  const auto kind = kind_of(type);
  if (!kind) {
    line.kind = AuditLine::Kind::Other;
    return line;
  }
  line.record.kind = *kind;
  const bool whole = *kind == Kind::End || read_fields(payload, line.record);
  line.kind = whole ? AuditLine::Kind::Record : AuditLine::Kind::Unreadable;
  return line;
}

AuditLine parse_audit_line(std::string_view line) {
  line = line.substr(0, line.find(kEnriched));
  if (line.starts_with("type=") || line.starts_with("node=")) {
    return parse_log_line(line);
  }
  if (is_journal_record(line)) {
    return of_kind(AuditLine::Kind::Unreadable);
  }
  const auto message = kernel_message(line);
  return message ? parse_kernel_message(*message) : AuditLine{};
}

std::string action_name(std::uint32_t code) {
  switch (code) {
    case SECCOMP_RET_KILL_PROCESS:
      return "kill_process";
    case SECCOMP_RET_KILL_THREAD:
      return "kill_thread";
    case SECCOMP_RET_TRAP:
      return "trap";
    case SECCOMP_RET_ERRNO:
      return "errno";
    case SECCOMP_RET_USER_NOTIF:
      return "user_notif";
    case SECCOMP_RET_TRACE:
      return "trace";
    case SECCOMP_RET_LOG:
      return "log";
    case SECCOMP_RET_ALLOW:
      return "allow";
    default:
      return fmt::format("{:#x}", code);
  }
}

std::string signal_name(int signal) {
  const char* name = signal > 0 ? ::sigabbrev_np(signal) : nullptr;
  return name != nullptr ? std::string("SIG") + name : fmt::format("signal {}", signal);
}

}  // namespace sbx::events
