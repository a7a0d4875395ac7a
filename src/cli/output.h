// SPDX-License-Identifier: Apache-2.0
// Text to a descriptor, whole, and the colours of it. Plain write(2): streams cost start-up time.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/command.h"

namespace sbx::cli {

// Writes everything, retrying after signals. False if the descriptor takes no more (closed pipe,
// full disk): the caller decides whether that is an error.
bool write_all(int fd, std::string_view text);

// To standard output; an Error if it cannot be written, since half a listing looks like a whole
// one.
Status print(std::string_view text);

// A file of this content in place of what was there, whole or not at all; a device or a pipe is
// written to. The umask takes its bits from `mode`.
Status write_file(const std::string& path, std::string_view text, mode_t mode = 0666);

// Before the work whose result goes to that file: its directory is made where it is missing, for its
// owner alone, and can be written in.
Status make_place_for(const std::string& path);

// Never for Color::Never; Auto: a terminal, NO_COLOR unset or empty (no-color.org), TERM not dumb.
bool wants_color(Color color, int fd, const char* no_color, const char* term);

// The lines of a diagnostic with "sbx:" and "hint:" coloured.
std::string paint(std::string_view diagnostic);

}  // namespace sbx::cli
