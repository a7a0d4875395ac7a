// SPDX-License-Identifier: Apache-2.0
// An event as the system's logs take it: one datagram each. Pure.
#pragma once

#include <string>

#include "events/event.h"

namespace sbx::events {

// That something went wrong, or was refused: what logs and commands outside are told. Not the start
// and the end of a run, which its user sees, and of which there are many.
bool is_notable(const Event& event);

// syslog(3)'s severities: a crash is an error (3), the rest a warning (4).
int severity(const Event& event);

// On one line, without the "sbx: " in front and without newline; safe for a terminal.
std::string message(const Event& event);

// systemd's journal, native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL): NAME=value lines, or
// NAME, newline, length as 64 bits little-endian, value, newline. MESSAGE_ID is the same for all
// events of a kind (docs/sbx.1 lists them), so that `journalctl MESSAGE_ID=…` finds them.
std::string journal_datagram(const Event& event);

// syslog(3)'s form, with facility user: "<12>Nov 24 09:14:08 sbx[4711]: …". `time` is local, as
// strftime's "%b %e %H:%M:%S" gives it; `pid` that of sbx.
std::string syslog_datagram(const Event& event, const std::string& time, int pid);

}  // namespace sbx::events
