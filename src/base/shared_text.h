// SPDX-License-Identifier: Apache-2.0
// Text that never changes and that many values have in common: the path of a policy stands in the
// Origin of each of its values, and each value is copied from layer to policy to plan. A copy is a
// pointer; between equal texts that were made apart it compares the characters.
#pragma once

#include <concepts>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace sbx {

class SharedText {
 public:
  SharedText() = default;
  // Implicit on purpose: it stands where a std::string would.
  SharedText(std::string text)  // NOLINT
      : text_(text.empty() ? nullptr : std::make_shared<const std::string>(std::move(text))) {}
  SharedText(std::string_view text) : SharedText(std::string(text)) {}  // NOLINT
  SharedText(const char* text) : SharedText(std::string(text)) {}       // NOLINT

  const std::string& str() const { return text_ ? *text_ : none(); }
  operator const std::string&() const { return str(); }  // NOLINT
  bool empty() const { return !text_; }
  bool starts_with(std::string_view start) const { return str().starts_with(start); }

  friend bool operator==(const SharedText& one, const SharedText& other) {
    return one.text_ == other.text_ || one.str() == other.str();
  }
  template <typename T>
    requires std::convertible_to<const T&, std::string_view>
  friend bool operator==(const SharedText& one, const T& other) {
    return one.str() == std::string_view(other);
  }

  // For test reports.
  template <typename Stream>
  friend Stream& operator<<(Stream& stream, const SharedText& text) {
    stream << text.str();
    return stream;
  }

 private:
  static const std::string& none() {
    static const std::string empty;
    return empty;
  }

  std::shared_ptr<const std::string> text_;
};

}  // namespace sbx
