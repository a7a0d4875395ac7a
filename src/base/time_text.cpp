// SPDX-License-Identifier: Apache-2.0
#include "base/time_text.h"

#include <time.h>

#include <cstdio>

#include "base/text.h"

namespace sbx {
namespace {

constexpr std::uint64_t kSecond = 1'000'000;

// Exactly `width` digits, taken off the front.
std::optional<int> take_number(std::string_view& text, std::size_t width) {
  const std::string_view digits = text.substr(0, width);
  if (digits.size() != width || digits.find_first_not_of("0123456789") != std::string_view::npos) {
    return std::nullopt;
  }
  text.remove_prefix(width);
  return static_cast<int>(*parse_number(digits));
}

bool take_one_of(std::string_view& text, std::string_view marks) {
  if (text.empty() || marks.find(text.front()) == std::string_view::npos) {
    return false;
  }
  text.remove_prefix(1);
  return true;
}

// A field of `tm`: its digits behind a mark.
bool take_part(std::string_view& text, std::string_view marks, std::size_t width, int& into) {
  if (!marks.empty() && !take_one_of(text, marks)) {
    return false;
  }
  const auto number = take_number(text, width);
  into = number.value_or(0);
  return number.has_value();
}

std::optional<std::uint64_t> parse_date(std::string_view text) {
  tm utc{};
  if (!take_part(text, "", 4, utc.tm_year) || !take_part(text, "-", 2, utc.tm_mon) ||
      !take_part(text, "-", 2, utc.tm_mday)) {
    return std::nullopt;
  }
  if (!text.empty()) {
    if (!take_part(text, "T ", 2, utc.tm_hour) || !take_part(text, ":", 2, utc.tm_min)) {
      return std::nullopt;
    }
    if (text.starts_with(':') && !take_part(text, ":", 2, utc.tm_sec)) {
      return std::nullopt;
    }
    take_one_of(text, "Z");
  }
  utc.tm_year -= 1900;
  utc.tm_mon -= 1;
  tm as_given = utc;
  const time_t seconds = ::timegm(&utc);
  // timegm carries over: the 31st of June would become the 1st of July.
  const bool same = utc.tm_mon == as_given.tm_mon && utc.tm_mday == as_given.tm_mday &&
                    utc.tm_hour == as_given.tm_hour && utc.tm_min == as_given.tm_min &&
                    utc.tm_sec == as_given.tm_sec;
  if (!text.empty() || !same || seconds < 0) {
    return std::nullopt;
  }
  return static_cast<std::uint64_t>(seconds) * kSecond;
}

}  // namespace

std::string utc_text(std::uint64_t time_us, bool milliseconds) {
  if (time_us == 0) {
    return "-";
  }
  const auto seconds = static_cast<time_t>(time_us / kSecond);
  tm utc{};
  ::gmtime_r(&seconds, &utc);
  char text[64];
  std::size_t length = ::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  if (milliseconds) {
    length += static_cast<std::size_t>(std::snprintf(text + length, sizeof text - length, ".%03u",
                                                     static_cast<unsigned>(time_us / 1000 % 1000)));
  }
  return std::string(text, length) + "Z";
}

std::optional<std::uint64_t> parse_since(std::string_view text, std::uint64_t now_us) {
  constexpr std::uint64_t kMostSeconds = 1ull << 40;
  if (text.starts_with('@')) {
    const auto seconds = parse_number(text.substr(1));
    return seconds && *seconds < kMostSeconds ? std::optional(*seconds * kSecond) : std::nullopt;
  }
  if (const auto ago = text.empty() ? std::nullopt : parse_seconds(text)) {
    return *ago < now_us / kSecond ? now_us - *ago * kSecond : 0;
  }
  return parse_date(text);
}

}  // namespace sbx
