// SPDX-License-Identifier: Apache-2.0
// Points in time as text, in UTC: a log of another machine means the same everywhere. Microseconds
// since 1970 are the value; the present is a parameter.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sbx {

// "2026-11-24T09:12:47Z", with milliseconds "2026-11-24T09:12:47.755Z"; "-" for 0, which is no
// time.
std::string utc_text(std::uint64_t time_us, bool milliseconds = false);

// "10m", "2h", "1d" before now; "2026-11-24", "2026-11-24T09:12", "2026-11-24 09:12:47Z" in UTC;
// "@1795511533" since 1970. The whole text or nothing.
std::optional<std::uint64_t> parse_since(std::string_view text, std::uint64_t now_us);

}  // namespace sbx
