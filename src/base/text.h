// SPDX-License-Identifier: Apache-2.0
// Text without a kernel and without a policy: strict parsing of whole strings, escaping of hostile
// bytes, the "did you mean" distance.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sbx {

// Decimal, or hexadecimal with 0x; the whole string or nothing.
std::optional<std::uint64_t> parse_number(std::string_view text);

// A size in bytes: a number with an optional K, M, G or T (powers of 1024); whole string or nothing;
// nothing on overflow.
std::optional<std::uint64_t> parse_size(std::string_view text);

// A time in seconds: a number with an optional s, m, h or d.
std::optional<std::uint64_t> parse_seconds(std::string_view text);

std::vector<std::string> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);

// Printable form for a terminal or a log line: control bytes, backslash and bytes that are no
// UTF-8 become \n, \\ and \xNN. Names and strings of a sandboxee are hostile: an escape sequence
// in a process name must not reach the user's terminal.
std::string escape(std::string_view bytes);

// What escape() was given; nothing for a text that escape() does not make.
std::optional<std::string> unescape(std::string_view text);

// For a text that sbx composed, each hostile part of it already quoted: as it is, unless a terminal
// could act on something in it, then escaped.
std::string printable(std::string_view text);

// escape(), in double quotes, inner quotes escaped.
std::string quote(std::string_view bytes);

// True for well-formed UTF-8 without surrogates and overlong forms (RFC 3629).
bool is_utf8(std::string_view bytes);

// The candidate nearest to `word` (Damerau-Levenshtein), if near enough to be a slip of the hand.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace sbx
