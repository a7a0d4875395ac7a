// SPDX-License-Identifier: Apache-2.0
// Errors as values. `Result<T>` has the names of std::expected (C++23), which GCC 12 in C++20
// mode and Clang 14 lack, and only those that sbx needs; it is [[nodiscard]], and an ignored one
// does not compile. An Error is composed once, where the object is known; nobody adds prefixes,
// and only main prints it.
#pragma once

#include <string>
#include <utility>
#include <variant>

#include "base/origin.h"

namespace sbx {

// Exit statuses of sbx itself, as env(1) and timeout(1) use them.
enum class ExitCode : int {
  TimeLimit = 124,
  SbxFailed = 125,
  CannotExecute = 126,
  NotFound = 127,
};

struct Error {
  std::string action;       // whole clause naming its object: "cannot bind-mount /srv/www"
  int errno_value = 0;      // 0: not from the kernel
  Origin origin = {};       // the policy line or option that asked for it; may be empty
  std::string hint = {};    // what to do about it; may be empty
  ExitCode exit_code = ExitCode::SbxFailed;
};

// The two lines a user sees (three more with `excerpt`, the quoted source line and its caret):
//   sbx: cannot bind-mount /srv/www: No such file or directory (ENOENT) [policies/nginx.toml:14]
//   hint: create it, or mark the line optional = true
// Control bytes in the texts are escaped, since names may come from hostile files.
std::string to_text(const Error& error, const std::string& excerpt = {});

template <typename T>
class [[nodiscard]] Result {
 public:
  // Implicit on purpose, as std::expected's: `return value;` and `return error;` both read well.
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}        // NOLINT
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}    // NOLINT

  explicit operator bool() const { return state_.index() == 0; }
  T& operator*() & { return std::get<0>(state_); }
  const T& operator*() const& { return std::get<0>(state_); }
  T&& operator*() && { return std::get<0>(std::move(state_)); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }
  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)), failed_(true) {}  // NOLINT: see above

  explicit operator bool() const { return !failed_; }
  const Error& error() const& { return error_; }
  Error&& error() && { return std::move(error_); }

 private:
  Error error_;
  bool failed_ = false;
};

using Status = Result<void>;

}  // namespace sbx

// Passes the error of a Status (or of a Result whose value is not wanted) on to the caller.
// A value is taken with `auto x = f(); if (!x) return x.error();`. The only macro of the project.
#define SBX_TRY(expression)                                             \
  do {                                                                  \
    if (auto sbx_status = (expression); !sbx_status) {                  \
      return std::move(sbx_status).error();                             \
    }                                                                   \
  } while (false)
