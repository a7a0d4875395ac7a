// SPDX-License-Identifier: Apache-2.0
// The log read as stories: which events belong to what was asked for, and what happened in a run,
// in order. Pure. Texts come out safe for a terminal.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "events/event.h"

namespace sbx::events {

// What `sbx events` was asked for; what is empty selects all.
struct Selection {
  std::uint64_t since_us = 0;  // CLOCK_REALTIME
  std::string policy;
  std::string call;            // "ptrace"
  std::string executable;      // a path, or a base name

  bool takes(const Event& event) const;
};

// One run, each denial once: where it was first told, with the count that was told last.
struct Story {
  std::string run, policy;
  std::optional<Started> started;
  std::uint64_t started_us = 0;  // or the first event's time
  std::optional<Ended> ended;    // the last one's, of a run that was started again
  std::uint64_t ended_us = 0;
  std::vector<Event> events;     // without start and end

  std::size_t denials() const;   // kinds of
};

// The last run that `asked` names: a run's id or the beginning of one, a pid outside (of the
// supervisor or of what did something), the name of its policy or program; "" or "last": the last one
// of all. "": there is none.
std::string find_run(std::span<const Event> log, std::string_view asked);

Story story_of(std::span<const Event> log, std::string_view run);

// What `sbx why` prints.
std::string to_text(const Story& story);

// Why a process may have died just after this was denied to it, and what to look at: "probably a
// JIT …; see memory.wx".
std::string probable_cause(const Crashed& crashed, const Denied* denied);

// The first line of to_text(event), without "sbx: ".
std::string headline(const Event& event);

// `sbx events --csv`: RFC 4180, without the line's end. No field begins as a spreadsheet's formula.
std::string csv_header();
std::string csv_line(const Event& event);

}  // namespace sbx::events
