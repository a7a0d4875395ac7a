// SPDX-License-Identifier: Apache-2.0
// sbx why: the story of one run, and with --fix a file of the lines that would allow what was denied.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "base/path.h"
#include "base/text.h"
#include "cli/fix.h"
#include "cli/output.h"
#include "cli/policies.h"
#include "cli/run_log.h"
#include "cli/verbs.h"
#include "events/story.h"

namespace sbx::cli {
namespace {

Error no_such_run(const std::string& asked) {
  return Error{.action = asked.empty() || asked == "last" ? "no run is in the log"
                                                          : "no run " + quote(asked) + " is in the log",
               .hint = "sbx events lists what it holds; report.log = \"all\" keeps runs without "
                       "problems too"};
}

// The file that a fix of this run goes into, without ".new".
Result<std::string> file_to_fix(const events::Story& story) {
  const Library library = open_library();
  const std::string file = story.started ? story.started->policy_file : "";
  const auto is_in = [&](const std::vector<std::string>& directories) {
    return std::find(directories.begin(), directories.end(), path::parent(file)) != directories.end();
  };
  // Only a policy of the search path has a .local one.
  if (!file.empty() && !is_in(library.search.directories) && !is_in(library.search.installed)) {
    return file;
  }
  const std::string name = story.policy + ".local.toml";
  for (const std::string& directory : library.search.directories) {
    const std::string path = path::join(directory, name);
    if (::access(path.c_str(), F_OK) == 0) {
      return path;
    }
  }
  const std::string own = own_policies(library);
  if (own.empty()) {
    return Error{.action = "cannot choose a file for the fix: there is no home directory",
                 .hint = "name one in XDG_CONFIG_HOME"};
  }
  return path::join(own, name);
}

Result<int> write_fix(const events::Story& story) {
  const auto file = file_to_fix(story);
  if (!file) {
    return file.error();
  }
  const auto old = file_source().read(*file);
  if (!old && old.error().errno_value != ENOENT) {
    return old.error();
  }
  const auto fix = compose_fix(old ? *old : std::string(), *file, story);
  if (!fix) {
    return fix.error();
  }
  if (fix->added == 0 && fix->held_back == 0) {
    SBX_TRY(print("nothing to add: " + (story.denials() == 0
                                            ? std::string("nothing was denied")
                                            : escape(*file) + " or no line would allow it") + "\n"));
    return 0;
  }
  const std::string target = *file + ".new";
  SBX_TRY(make_place_for(target));
  SBX_TRY(write_file(target, fix->text, 0600));
  std::string text = fmt::format("{}: {} line{} added", escape(target), fix->added,
                                 fix->added == 1 ? "" : "s");
  text += fix->held_back == 0 ? "\n"
                              : fmt::format(", {} that may be unwise as comments\n", fix->held_back);
  if (fix->lost_comments) {
    text += "the comments of " + escape(*file) + " are not in it\n";
  }
  if (story.policy == "default") {
    text += "it would count for every program without a policy of its own\n";
  }
  SBX_TRY(print(text + "read it; it counts from when it is renamed: mv " + escape(target) + " " +
                escape(*file) + "\n"));
  return 0;
}

}  // namespace

Result<int> why(const Command& command) {
  const auto log = read_run_log();
  if (!log) {
    return log.error();
  }
  const std::string asked = command.operands.empty() ? "" : command.operands.front();
  const std::string run = events::find_run(*log, asked);
  if (run.empty()) {
    return no_such_run(asked);
  }
  const events::Story story = events::story_of(*log, run);
  if (command.fix) {
    return write_fix(story);
  }
  if (command.json) {
    std::string lines;
    for (const events::Event& event : *log) {
      lines += event.run == run ? events::to_json(event) + "\n" : "";
    }
    SBX_TRY(print(lines));
  } else {
    SBX_TRY(print(events::to_text(story)));
  }
  return story.denials() == 0 ? 0 : 1;
}

}  // namespace sbx::cli
