// SPDX-License-Identifier: Apache-2.0
#include "cli/import_collection.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <set>
#include <unordered_map>

#include <fmt/format.h>

#include "base/path.h"
#include "base/text.h"
#include "cli/imported.h"
#include "cli/output.h"
#include "host/files.h"

namespace sbx::cli {
namespace {

using interop::Finding;
using Kind = Finding::Kind;

// By Kind.
using Counts = std::array<std::size_t, 3>;

std::size_t& of(Counts& counts, Kind kind) {
  return counts[static_cast<std::size_t>(kind)];
}

std::string counts_text(const Counts& counts) {
  return fmt::format("{} mapped, {} changed, {} dropped", counts[0], counts[1], counts[2]);
}

void write_counts(JsonWriter& json, const Counts& counts) {
  constexpr std::array<std::string_view, 3> kNames{"mapped", "changed", "dropped"};
  for (std::size_t kind = 0; kind < kNames.size(); ++kind) {
    json.key(kNames[kind]);
    json.number(counts[kind]);
  }
}

struct Entry {
  std::string file;
  std::string policy;  // the file written; empty: none
  std::string_view format;
  Counts counts{};
  std::optional<Error> error;
};

// A finding, and how many of the files have it: an included line is met again and again.
struct Repeated {
  Finding finding;
  std::size_t times = 0;
};

// What is found of a whole collection.
class Collected {
 public:
  void add(Entry entry, std::vector<Finding> findings) {
    for (Finding& finding : findings) {
      ++of(entry.counts, finding.kind);
      add(std::move(finding));
    }
    entries_.push_back(std::move(entry));
  }

  void fail(const std::string& file, Error error) {
    entries_.push_back({file, {}, {}, {}, std::move(error)});
  }

  const std::vector<Entry>& entries() const { return entries_; }

  std::size_t failed() const {
    return static_cast<std::size_t>(
        std::count_if(entries_.begin(), entries_.end(),
                      [](const Entry& entry) { return entry.error.has_value(); }));
  }

  // Each item of a file once, as the worst that any policy made of it.
  Counts items() const;
  std::string text() const;
  std::string json() const;

 private:
  void add(Finding finding) {
    std::string key =
        fmt::format("{}\n{}\n{}\n{}\n{}\n{}", finding.origin.source.str(), finding.origin.line,
                    static_cast<int>(finding.kind), finding.what, finding.becomes, finding.reason);
    const auto [place, is_new] = places_.try_emplace(std::move(key), findings_.size());
    if (is_new) {
      findings_.push_back({std::move(finding), 0});
    }
    ++findings_[place->second].times;
  }

  std::string reasons_text(Kind kind) const;

  std::vector<Entry> entries_;
  std::vector<Repeated> findings_;
  std::unordered_map<std::string, std::size_t> places_;  // in findings_
};

Counts Collected::items() const {
  std::map<std::tuple<std::string_view, int, std::string_view>, Kind> worst;
  for (const Repeated& one : findings_) {
    const Finding& finding = one.finding;
    Kind& kind = worst[{finding.origin.source.str(), finding.origin.line, finding.what}];
    kind = std::max(kind, finding.kind);
  }
  Counts counts{};
  for (const auto& [item, kind] : worst) {
    ++of(counts, kind);
  }
  return counts;
}

// Why something was changed or dropped, the most frequent reason first, with an example.
std::string Collected::reasons_text(Kind kind) const {
  struct Reason {
    std::size_t times = 0;
    const Finding* example = nullptr;
  };
  std::map<std::string_view, Reason> reasons;
  for (const Repeated& one : findings_) {
    if (one.finding.kind == kind) {
      Reason& reason = reasons[one.finding.reason];
      reason.times += one.times;
      reason.example = reason.example == nullptr ? &one.finding : reason.example;
    }
  }
  std::vector<std::pair<std::string_view, Reason>> sorted(reasons.begin(), reasons.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second.times > b.second.times; });
  std::string text;
  for (const auto& [reason, one] : sorted) {
    const std::string origin =
        one.example->origin.line > 0 ? " [" + to_text(one.example->origin) + "]" : "";
    text += fmt::format("  {:>6} × {}, as {}{}\n", one.times, escape(reason),
                        quote(one.example->what), escape(origin));
  }
  return text;
}

std::string Collected::text() const {
  std::string text;
  for (const Entry& entry : entries_) {
    if (!entry.error) {
      text += fmt::format("{}: {} → {}: {}\n", escape(entry.file), entry.format,
                          escape(entry.policy), counts_text(entry.counts));
    }
  }
  for (const auto& [kind, heading] :
       {std::pair{Kind::Changed, "changed"}, {Kind::Dropped, "dropped"}}) {
    const std::string reasons = reasons_text(kind);
    text += reasons.empty() ? "" : std::string(heading) + ", by reason:\n" + reasons;
  }
  const Counts counts = items();
  const std::size_t all = counts[0] + counts[1] + counts[2];
  text += fmt::format("{} files, {} policies", entries_.size(), entries_.size() - failed());
  if (all > 0) {
    text += fmt::format(
        ". Of {} lines, each of an included file once, as the worst that became of it: {} ({:.1f} "
        "% "
        "said)",
        all, counts_text(counts),
        100.0 * static_cast<double>(counts[0] + counts[1]) / static_cast<double>(all));
  }
  return text + "\n";
}

std::string Collected::json() const {
  JsonWriter json;
  json.begin_object();
  json.key("files");
  json.begin_array();
  for (const Entry& entry : entries_) {
    json.begin_object();
    json.member("file", entry.file);
    if (entry.error) {
      json.member("error", entry.error->action);
      json.member("hint", entry.error->hint);
      write_origin(json, "origin", entry.error->origin);
    } else {
      json.member("policy", entry.policy);
      json.member("format", entry.format);
      write_counts(json, entry.counts);
    }
    json.end_object();
  }
  json.end_array();
  json.key("lines");
  json.begin_object();
  write_counts(json, items());
  json.end_object();
  json.key("findings");
  json.begin_array();
  for (const Repeated& one : findings_) {
    json.begin_object();
    write_finding(json, one.finding);
    json.key("times");
    json.number(one.times);
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return json.take();
}

bool is_directory(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

// A directory stands for those of its files that are called as a format's are.
Result<std::vector<std::string>> files_of(const std::vector<std::string>& operands) {
  std::vector<std::string> files;
  std::set<std::string> suffixes;
  for (const interop::Format& format : interop::formats()) {
    if (format.import != nullptr) {
      for (std::string& suffix : split(format.suffixes, ' ')) {
        suffixes.insert(std::move(suffix));
      }
    }
  }
  for (const std::string& operand : operands) {
    if (!is_directory(operand)) {
      files.push_back(operand);
      continue;
    }
    const std::size_t before = files.size();
    for (const std::string& suffix : suffixes) {
      for (const std::string& name : host::list_directory(operand, suffix)) {
        files.push_back(path::join(operand, name));
      }
    }
    if (files.size() == before) {
      return Error{.action = "nothing to import in " + operand,
                   .hint = "of a directory the files are taken that end in " +
                           join({suffixes.begin(), suffixes.end()}, ", ")};
    }
  }
  return files;
}

Status make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0777) == 0 || is_directory(path)) {
    return {};
  }
  return Error{.action = "cannot make the directory " + path, .errno_value = errno};
}

}  // namespace

Result<int> import_collection(const Command& command) {
  const auto files = files_of(command.operands);
  if (!files) {
    return files.error();
  }
  SBX_TRY(make_directory(command.output_directory));
  const Library library = open_library();
  ForeignFiles foreign(library.home);
  Collected collected;
  std::map<std::string, std::string> written;  // by whom
  bool lossless = true;
  for (const std::string& file : *files) {
    auto imported = import_policy({.file = file, .from = command.format, .compat = command.compat},
                                  foreign, library, command.strict);
    if (!imported) {
      collected.fail(file, std::move(imported).error());
      continue;
    }
    const std::string policy = path::join(command.output_directory, policy_name(file) + ".toml");
    if (const auto [other, is_new] = written.emplace(policy, file); !is_new) {
      collected.fail(
          file, Error{.action = file + " and " + other->second + " would both become " + policy,
                      .hint = "import one of them with -o FILE"});
      continue;
    }
    SBX_TRY(write_file(policy, imported->text));
    lossless = lossless && !has_losses(imported->translation);
    collected.add({file, policy, imported->format->name, {}, {}},
                  std::move(imported->translation.findings));
  }
  if (command.json) {
    SBX_TRY(print(collected.json()));
  } else if (!command.quiet) {
    write_all(STDERR_FILENO, collected.text());
  }
  for (const Entry& entry : collected.entries()) {
    if (entry.error) {
      write_all(STDERR_FILENO, to_text(*entry.error));
    }
  }
  return collected.failed() > 0 ? 125 : command.strict && !lossless ? 1 : 0;
}

}  // namespace sbx::cli
