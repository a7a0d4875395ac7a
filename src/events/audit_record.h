// SPDX-License-Identifier: Apache-2.0
// The kernel's own records of denials and crashes, of any process on the machine: SECCOMP (1326),
// ANOM_ABEND (1701), LANDLOCK_ACCESS (1423) and LANDLOCK_DOMAIN (1424) of linux/audit.h, read from
// one line of text each. Three forms of line:
//   type=SECCOMP msg=audit(1795332202.400:7): auid=… pid=16247 comm="k" …       auditd's log
//   [12357.4] audit: type=1326 audit(1795332202.400:7): auid=… …                 dmesg, journalctl
//   -k 6,3121,12357403275,-;audit: type=1326 audit(1795332202.400:7): …             /dev/kmsg
// and the multicast group, which gives the type apart from the text (parse_audit_payload).
//
// Own reader, not libauparse: that one reads auditd's form only, keeps whole events, knows neither
// Landlock's types nor calls above 450, and interprets by the ENRICHED part. auditd writes that
// part after byte 0x1d, from tables of its own (3.0.9 calls every SECCOMP record's call
// "unknown-syscall(-1)"): here the line ends at that byte.
//
// A line is hostile: programs choose comm and exe, and what other messages say. The kernel writes
// both in hexadecimal digits when a byte is odd (audit_log_untrustedstring), so quotes and blanks
// mean what they say; what is no exact record is counted as unreadable and never half believed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sbx::events {

struct AuditRecord {
  // Syscall (1300) and End (1320) say who made the access of a Landlock record of the same event.
  enum class Kind : std::uint8_t { Seccomp, Crash, LandlockAccess, LandlockDomain, Syscall, End };
  Kind kind = Kind::Seccomp;
  std::uint64_t time_us = 0;  // since 1970; the kernel gives milliseconds
  std::uint64_t serial = 0;   // of the event, from boot on
  std::string node;           // the machine, where a log names it

  bool has_process = false;  // pid, uid, comm, exe are known
  int pid = 0;               // in the initial pid namespace
  std::uint32_t uid = 0;
  std::string comm;  // raw bytes, as are exe and object
  std::string exe;
  std::string subject;  // label of the security module: subj=

  int signal = 0;             // Seccomp: 0 or the one that killed; Crash
  std::uint32_t arch = 0;     // Seccomp: AUDIT_ARCH_*
  std::int64_t number = 0;    // Seccomp: of the call
  std::uint64_t address = 0;  // Seccomp: of the instruction
  std::uint32_t code = 0;     // Seccomp: SECCOMP_RET_* without its data
  std::uint64_t domain = 0;   // Landlock
  std::string blockers;       // LandlockAccess: "fs.make_reg,fs.refer"
  std::string object;         // LandlockAccess: a path, "127.0.0.1:80", "pid 1 (systemd)"
};

struct AuditLine {
  enum class Kind : std::uint8_t {
    Foreign,     // no record of the audit subsystem
    Other,       // a record of another type
    Record,      // `record` holds it
    Unreadable,  // one of ours, or of auditd's log, cut off or garbled
    Lost,        // the kernel says that `lost` records are missing
  };
  Kind kind = Kind::Foreign;
  bool audit_log = false;  // auditd's form: there every line is a record
  AuditRecord record;
  std::uint64_t lost = 0;
};

// One line without its newline.
AuditLine parse_audit_line(std::string_view line);

// The same for a netlink message: its type, and the text "audit(SECONDS.mmm:SERIAL): …".
AuditLine parse_audit_payload(unsigned type, std::string_view payload);

// "kill_process", "kill_thread", "trap", "errno", "user_notif", "trace", "log", "allow"; a code
// that no kernel up to 6.18 writes comes as "0x…".
std::string action_name(std::uint32_t code);

// "SIGSYS", "signal 99".
std::string signal_name(int signal);

}  // namespace sbx::events
