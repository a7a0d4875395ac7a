// SPDX-License-Identifier: Apache-2.0
// Bytes as they come into lines, in bounded memory: of a line that is longer than kMost only the
// start is kept, and the line is marked.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sbx {

class LineSplitter {
 public:
  // Audit records are at most 8970 bytes (MAX_AUDIT_MESSAGE_LENGTH), twice that with ENRICHED part.
  static constexpr std::size_t kMost = 32u << 10;

  // Calls line(text, whole) for each line that ends in `bytes`, without its newline.
  template <typename Line>
  void feed(std::string_view bytes, Line&& line) {
    while (!bytes.empty()) {
      const std::size_t end = bytes.find('\n');
      const std::string_view part = bytes.substr(0, end);
      if (end != std::string_view::npos && pending_.empty() && part.size() <= kMost) {
        line(part, true);
      } else {
        cut_ = cut_ || part.size() > kMost - pending_.size();
        pending_ += part.substr(0, kMost - pending_.size());
        if (end != std::string_view::npos) {
          line(std::string_view(pending_), !cut_);
          clear();
        }
      }
      bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
    }
  }

  // What came after the last newline.
  std::string_view rest() const { return pending_; }
  void clear() {
    pending_.clear();
    cut_ = false;
  }

 private:
  std::string pending_;
  bool cut_ = false;
};

}  // namespace sbx
