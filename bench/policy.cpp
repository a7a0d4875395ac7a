// SPDX-License-Identifier: Apache-2.0
// What lies between a policy's text and a filter that may be loaded, stage by stage, in one process:
//
//   bench_policy [--rounds N] POLICIES        POLICIES: the directory of the shipped ones
//
// Rows: shipped policies, and two made-up ones of 300 rules. Columns: medians of the microseconds of
// each stage, and the first, cold round as a launch sees it (alone in the process if --only names it).
#include <time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "plan/expand.h"
#include "policy/library.h"
#include "policy/merge.h"
#include "seccomp/compile.h"
#include "seccomp/syscall_table.h"

namespace {

using namespace sbx;

constexpr std::array<const char*, 5> kStages = {"read", "merge", "expand", "compile", "verify"};
using Times = std::array<double, kStages.size()>;

double now_us() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

[[noreturn]] void fail(const Error& error) {
  std::fputs(to_text(error).c_str(), stderr);
  std::exit(1);
}

// A policy of its own for the bench: its text, found under its name.
struct Subject {
  std::string name;
  std::string text;  // empty: a shipped policy
};

// 300 calls by name, none with a condition.
std::string names_text() {
  std::string text = "schema = 1\n[seccomp]\nallow = [\n";
  const auto names = seccomp::all_names(seccomp::native_arch());
  for (std::size_t i = 0; i < 300; ++i) {
    text.append("  \"").append(names[i]).append("\",\n");
  }
  return text + "]\n";
}

// 300 [[seccomp.rule]]s, every one with a condition of two tests.
std::string conditions_text() {
  std::string text = "schema = 1\n";
  std::size_t made = 0;
  for (const std::string_view name : seccomp::all_names(seccomp::native_arch())) {
    const auto arguments = seccomp::arguments_of(name);
    const auto usable = std::find_if(arguments.begin(), arguments.end(),
                                     [](const auto& argument) { return !argument.is_pointer; });
    if (usable == arguments.end()) {
      continue;
    }
    const std::string argument(usable->name);
    const std::string number = std::to_string(made % 50);
    text.append("[[seccomp.rule]]\nsyscall = \"").append(name).append("\"\nwhen = \"");
    text += argument + " & 0xf0 == 16 or " + argument + " == " + number + "\"\naction = \"allow\"\n";
    if (++made == 300) {
      break;
    }
  }
  return text;
}

Times measure(const Subject& subject, const policy::SearchPath& search,
              const policy::FileSource& files) {
  Times times{};
  plan::HostFacts facts;
  facts.arch = seccomp::native_arch();
  double last = now_us();
  std::size_t stage = 0;
  const auto lap = [&] {
    const double time = now_us();
    times[stage++] = time - last;
    last = time;
  };
  Result<policy::PolicyFile> file = policy::PolicyFile{subject.name, subject.name + ".toml", subject.text};
  if (subject.text.empty()) {
    file = policy::find_policy(subject.name, search, files);
  }
  if (!file) {
    fail(file.error());
  }
  const auto layers = policy::load_layers(*file, search, files);
  if (!layers) {
    fail(layers.error());
  }
  lap();
  const auto merged = policy::merge(*layers);
  if (!merged) {
    fail(merged.error());
  }
  lap();
  const auto filter = plan::expand_filter(*merged, facts);
  if (!filter) {
    fail(filter.error());
  }
  lap();
  const auto program = seccomp::compile(*filter);
  if (!program) {
    fail(program.error());
  }
  lap();
  if (const auto verified = seccomp::verify(*filter, *program); !verified) {
    fail(verified.error());
  }
  lap();
  return times;
}

double sum(const Times& times) {
  double total = 0;
  for (const double time : times) {
    total += time;
  }
  return total;
}

void print_row(const Subject& subject, const policy::SearchPath& search,
               const policy::FileSource& files, int rounds) {
  const double cold = sum(measure(subject, search, files));
  std::vector<Times> all;
  for (int i = 0; i < rounds; ++i) {
    all.push_back(measure(subject, search, files));
  }
  std::printf("| %s |", subject.name.c_str());
  const auto median = [&](auto value) {
    std::vector<double> values;
    for (const Times& times : all) {
      values.push_back(value(times));
    }
    std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                     values.end());
    return values[values.size() / 2];
  };
  for (std::size_t stage = 0; stage < kStages.size(); ++stage) {
    std::printf(" %.0f |", median([&](const Times& times) { return times[stage]; }));
  }
  std::printf(" %.0f | %.0f |\n", median(sum), cold);
}

policy::FileSource disk() {
  policy::FileSource files;
  files.read = [](const std::string& path) -> Result<std::string> {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
      return Error{"cannot read " + path, ENOENT};
    }
    return std::string{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  };
  files.list = [](const std::string&) { return std::vector<std::string>(); };
  return files;
}

}  // namespace

int main(int count, char** words) {
  int rounds = 200;
  std::string directory, only;
  for (int i = 1; i < count; ++i) {
    const std::string_view word = words[i];
    if (word == "--rounds" && i + 1 < count) {
      rounds = std::max(1, std::atoi(words[++i]));
    } else if (word == "--only" && i + 1 < count) {
      only = words[++i];
    } else {
      directory = word;
    }
  }
  if (directory.empty()) {
    std::fputs("usage: bench_policy [--rounds N] [--only NAME] POLICIES\n", stderr);
    return 2;
  }
  const policy::SearchPath search{{}, {directory}};
  const Subject subjects[] = {{"strict", {}},      {"default", {}}, {"nginx", {}},
                              {"git", {}},         {"postgres", {}}, {"300-names", names_text()},
                              {"300-conditions", conditions_text()}};
  std::printf("| policy | read µs | merge | expand | compile | verify | together | first round |\n"
              "|---|---|---|---|---|---|---|---|\n");
  for (const Subject& subject : subjects) {
    if (only.empty() || only == subject.name) {
      print_row(subject, search, disk(), rounds);
    }
  }
  return 0;
}
