// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace sbx {
namespace {

// A number followed by one optional unit letter, times the unit's factor.
std::optional<std::uint64_t> parse_scaled(std::string_view text, std::string_view units,
                                          const std::uint64_t* factors) {
  std::uint64_t factor = 1;
  if (!text.empty()) {
    if (const auto unit = units.find(text.back()); unit != std::string_view::npos) {
      factor = factors[unit];
      text.remove_suffix(1);
    }
  }
  const auto number = parse_number(text);
  if (!number || *number > std::numeric_limits<std::uint64_t>::max() / factor) {
    return std::nullopt;
  }
  return *number * factor;
}

// Length of the well-formed UTF-8 sequence at the start of `bytes`, 0 if there is none (RFC 3629).
std::size_t utf8_sequence(std::string_view bytes) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) {
    return 1;
  }
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || bytes.size() < length) {
    return 0;
  }
  // The second byte alone rules out overlong forms, surrogates and what lies above U+10FFFF.
  const unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (byte(1) < low || byte(1) > high) {
    return 0;
  }
  for (std::size_t i = 2; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) {
      return 0;
    }
  }
  return length;
}

}  // namespace

std::optional<std::uint64_t> parse_number(std::string_view text) {
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  }
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  constexpr std::uint64_t kFactors[] = {1ull << 10, 1ull << 20, 1ull << 30, 1ull << 40,
                                        1ull << 10, 1ull << 20, 1ull << 30, 1ull << 40};
  return parse_scaled(text, "KMGTkmgt", kFactors);
}

std::optional<std::uint64_t> parse_seconds(std::string_view text) {
  constexpr std::uint64_t kFactors[] = {1, 60, 3600, 86400};
  return parse_scaled(text, "smhd", kFactors);
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  std::size_t start = 0;
  for (;;) {
    const std::size_t end = text.find(separator, start);
    parts.emplace_back(text.substr(start, end - start));
    if (end == std::string_view::npos) {
      return parts;
    }
    start = end + 1;
  }
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string joined;
  for (const std::string& part : parts) {
    if (&part != &parts.front()) {
      joined += separator;
    }
    joined += part;
  }
  return joined;
}

std::string escape(std::string_view bytes) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string safe;
  safe.reserve(bytes.size());
  while (!bytes.empty()) {
    const auto first = static_cast<unsigned char>(bytes.front());
    const std::size_t length = utf8_sequence(bytes);
    // U+0080 … U+009F are control characters too (C1): some terminals act on them.
    const bool c1 = length == 2 && first == 0xc2 && static_cast<unsigned char>(bytes[1]) < 0xa0;
    if (first == '\n') {
      safe += "\\n";
    } else if (first == '\t') {
      safe += "\\t";
    } else if (first == '\\') {
      safe += "\\\\";
    } else if (length == 0 || c1 || first < 0x20 || first == 0x7f) {
      for (const char raw : bytes.substr(0, std::max<std::size_t>(length, 1))) {
        const auto byte = static_cast<unsigned char>(raw);
        safe += "\\x";
        safe += kHex[byte >> 4];
        safe += kHex[byte & 15];
      }
    } else {
      safe += bytes.substr(0, length);
    }
    bytes.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return safe;
}

std::optional<std::string> unescape(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  while (!text.empty()) {
    std::size_t length = 1;
    char byte = text[0];
    if (byte == '\\') {
      const char kind = text.size() > 1 ? text[1] : '\0';
      unsigned code = 0;
      if (kind == 'x' && text.size() >= 4) {
        const char* const end = text.data() + 4;
        if (std::from_chars(text.data() + 2, end, code, 16).ptr != end) {
          return std::nullopt;
        }
      } else if (kind != 'n' && kind != 't' && kind != '\\') {
        return std::nullopt;
      }
      length = kind == 'x' ? 4 : 2;
      byte = kind == 'x' ? static_cast<char>(code) : kind == 'n' ? '\n' : kind == 't' ? '\t' : '\\';
    }
    bytes += byte;
    text.remove_prefix(length);
  }
  return bytes;
}

std::string printable(std::string_view text) {
  const bool has_control = std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  // U+0080 … U+009F are control characters too, and UTF-8 writes them as C2 80 … C2 9F.
  bool has_c1 = false;
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    has_c1 = has_c1 || (text[i] == '\xc2' && static_cast<unsigned char>(text[i + 1]) < 0xa0);
  }
  return has_control || has_c1 || !is_utf8(text) ? escape(text) : std::string(text);
}

std::string quote(std::string_view bytes) {
  std::string quoted = "\"";
  for (const char c : escape(bytes)) {
    if (c == '"') {
      quoted += '\\';
    }
    quoted += c;
  }
  return quoted + '"';
}

bool is_utf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t length = utf8_sequence(bytes);
    if (length == 0) {
      return false;
    }
    bytes.remove_prefix(length);
  }
  return true;
}

namespace {

// Damerau-Levenshtein distance with adjacent transpositions (optimal string alignment).
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), previous(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) {
    previous[j] = j;
  }
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substitution = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({previous[j] + 1, row[j - 1] + 1, substitution});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    std::swap(before, previous);
    std::swap(previous, row);
  }
  return previous[b.size()];
}

}  // namespace

std::optional<std::string> nearest(std::string_view word,
                                   const std::vector<std::string_view>& candidates) {
  constexpr std::size_t kLongestWord = 64;
  if (word.empty() || word.size() > kLongestWord) {
    return std::nullopt;
  }
  std::size_t best = 1 + word.size() / 4;  // one slip in a short word, more in a long one
  std::optional<std::string> found;
  for (const std::string_view candidate : candidates) {
    const std::size_t d = distance(word, candidate);
    if (d < best || (d == best && !found)) {
      best = d;
      found = std::string(candidate);
    }
  }
  return found;
}

}  // namespace sbx
