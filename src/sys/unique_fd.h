// SPDX-License-Identifier: Apache-2.0
// A file descriptor with one owner. A plain int is borrowed; a UniqueFd by value is handed over.
#pragma once

#include <unistd.h>

#include <utility>

namespace sbx::sys {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) {
      reset(std::exchange(other.fd_, -1));
    }
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1) {
    if (fd_ >= 0) {
      ::close(fd_);  // close(2): never retried on EINTR, the descriptor is gone either way
    }
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

static_assert(sizeof(UniqueFd) == sizeof(int));

}  // namespace sbx::sys
