// SPDX-License-Identifier: Apache-2.0
// --report FILE: events as JSON lines. A reader of FILE sees the old report or the whole new one,
// never a part: the lines go to a file without a name, which takes the place of FILE at the end.
// The supervisor's own filter lets it rename nothing (supervise/confine.cpp): an errand does that.
// A report that was not finished leaves nothing behind.
#pragma once

#include <string>

#include "base/result.h"
#include "supervise/errand.h"
#include "sys/unique_fd.h"

namespace sbx::cli {

class ReportFile {
 public:
  ReportFile() = default;
  ReportFile(ReportFile&&) = default;
  ReportFile& operator=(ReportFile&&) = default;

  // Opens and forks before anything starts, so that a path that cannot be written is a clear error.
  // A FILE that is a device, a pipe or a socket is written directly, and so is one for a run that
  // leaves root: nobody could replace it at the end.
  static Result<ReportFile> open(const std::string& path, bool leaves_root);

  explicit operator bool() const { return bool(file_); }

  void write_line(const std::string& json);

  // The error of a write so far, if there was one.
  Status state() const;

  // For a process forked since: finish() is the parent's.
  void leave_to_parent() { errand_.leave_to_parent(); }

  // Puts the report in place. Errors: of any write so far, or of the renaming.
  Status finish();

 private:
  std::string path_;
  sys::UniqueFd file_;
  supervise::Errand errand_;  // puts the report in place; none: it is there
  int errno_value_ = 0;       // of the first write that failed
};

}  // namespace sbx::cli
