// SPDX-License-Identifier: Apache-2.0
#include "learn/reduce.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/path.h"
#include "base/text.h"
#include "learn/notes.h"
#include "learn/reduction.h"
#include "policy/merge.h"

namespace sbx::learn {
namespace {

using policy::Key;

// Shared policies that allow no call and no address: safe to inherit from.
constexpr std::string_view kQuietParents[] = {"workdir", "offline", "interactive"};

bool is_quiet(std::string_view name) {
  return std::find(std::begin(kQuietParents), std::end(kQuietParents), name) != std::end(kQuietParents);
}

// Grants of files are kept where something at or below them was used.
void prune_paths(Reduction& to, const std::vector<policy::PathEntry>& asked) {
  for (const Key key : {Key::FilesystemRead, Key::FilesystemWrite, Key::FilesystemOverlay,
                        Key::FilesystemTmpfs, Key::FilesystemCreate, Key::FilesystemDev}) {
    const auto held = to.learned.layer.values.find(key);
    if (held == to.learned.layer.values.end()) {
      continue;
    }
    auto& entries = std::get<std::vector<policy::PathEntry>>(held->second);
    std::erase_if(entries, [&](const policy::PathEntry& entry) {
      const std::string& written = entry.at.empty() ? entry.path : entry.at;
      const std::string place =
          written.starts_with("~") ? path::normalise(to.where.home + written.substr(1)) : written;
      return std::find(asked.begin(), asked.end(), entry) == asked.end() && !was_used(to, place);
    });
    for (const policy::PathEntry& entry : entries) {
      to.learned.comments.beside[{key, entry.path}] = std::find(asked.begin(), asked.end(), entry) != asked.end()
                                                ? "asked for on the command line"
                                                : fmt::format("from {}, and used", to.base.name);
    }
    if (entries.empty()) {
      to.learned.layer.values.erase(held);
    }
  }
}

// How much of what it does was seen: what came once may well have brothers that did not come.
void tell_coverage(Reduction& to) {
  std::size_t once = 0;
  const auto count = [&](const auto& list) {
    for (const auto& one : list) {
      once += one.use.count == 1 ? 1u : 0u;
    }
    return list.size();
  };
  const std::size_t all = count(to.seen.calls) + count(to.seen.files) + count(to.seen.addresses);
  if (all == 0) {
    return;
  }
  const std::string_view next = to.seen.ready_us      ? "reload, new logs, errors"
                                : !needs_sockets(to) ? "bad input, missing files, other options"
                                                     : "servers and names that do not answer";
  to.title(fmt::format("Coverage: {} in 100 came more than once{}. Next, with --merge: {}.",
                       (all - once) * 100 / all,
                       to.seen.runs > 1 ? fmt::format(" in {} runs", to.seen.runs) : "", next));
}

}  // namespace

void Reduction::set(Key key, std::string word, std::string note) {
  learned.layer.values[key] = policy::Text{std::move(word), {}};
  learned.comments.beside[{key, ""}] = std::move(note);
}

void Reduction::extend(const std::string& parent) {
  add(Key::PolicyExtends, parent, "");
}

void Reduction::add(Key key, const std::string& entry, std::string note) {
  auto& list = value<std::vector<policy::Text>>(key);
  if (std::none_of(list.begin(), list.end(),
                   [&](const policy::Text& one) { return one.value == entry; })) {
    list.push_back({entry, {}});
  }
  learned.comments.beside.try_emplace({key, entry}, std::move(note));
}

void Reduction::add_path(Key key, const std::string& path, bool optional, std::string note) {
  auto& list = value<std::vector<policy::PathEntry>>(key);
  if (std::none_of(list.begin(), list.end(),
                   [&](const policy::PathEntry& one) { return one.path == path && one.at.empty(); })) {
    list.push_back({path, "", optional, {}});
  }
  learned.comments.beside.try_emplace({key, path}, std::move(note));
}

void Reduction::title(const std::string& line) {
  learned.comments.title += (learned.comments.title.empty() ? "" : "\n") + line;
}

void Reduction::decide(const std::string& line) {
  learned.comments.end += (learned.comments.end.empty() ? "To decide: " : "\nTo decide: ") + line;
}

std::string Reduction::base_word(Key key) const {
  for (auto layer = base.layers.rbegin(); layer != base.layers.rend(); ++layer) {
    if (const auto found = layer->values.find(key); found != layer->values.end()) {
      return std::get<policy::Text>(found->second).value;
    }
  }
  return {};
}

bool was_used(const Reduction& of, std::string_view place) {
  return std::any_of(of.seen.files.begin(), of.seen.files.end(),
                     [&](const FileUse& file) { return path::is_below(file.path, place); });
}

std::string as_written(const Surroundings& where, const std::string& path) {
  return where.home != "/" && path::is_below(path, where.home) ? "~" + path.substr(where.home.size())
                                                               : path;
}

void reduce_base(Reduction& to) {
  policy::PolicyLayer all;
  std::vector<policy::Text> parents;
  for (const policy::PolicyLayer& layer : to.base.layers) {
    if (is_quiet(layer.name)) {
      parents.push_back({layer.name, {}});
    } else {
      all = policy::combine(all, layer);
    }
  }
  for (const Key key : {Key::PolicyDescription, Key::PolicyExtends, Key::PolicyPrograms,
                        Key::PolicyAccept, Key::SeccompAllow, Key::SeccompDeny, Key::SeccompRules,
                        Key::SeccompDefault, Key::ReportOnViolation}) {
    all.values.erase(key);
  }
  // Where a run starts and with which arguments is the user's business, but for the service's own.
  std::map<Key, std::vector<policy::Text>> removed;
  if (!parents.empty() && all.removed.contains(Key::FilesystemHide)) {
    removed[Key::FilesystemHide] = all.removed[Key::FilesystemHide];
  }
  all.removed = std::move(removed);
  to.learned.layer.values = std::move(all.values);
  to.learned.layer.removed = std::move(all.removed);
  if (!parents.empty()) {
    to.learned.layer.values[Key::PolicyExtends] = parents;
  }
  std::vector<policy::PathEntry> asked;
  if (!to.base.layers.empty()) {
    for (const auto& [key, value] : to.base.layers.back().values) {
      if (const auto* entries = std::get_if<std::vector<policy::PathEntry>>(&value)) {
        asked.insert(asked.end(), entries->begin(), entries->end());
      }
    }
  }
  prune_paths(to, asked);
}

Observations with_targets(const Observations& seen, const Surroundings& where) {
  Observations targets;
  targets.runs = 0;
  for (const FileUse& file : seen.files) {
    // Not for being executed: filesystem.exec follows links itself.
    const auto doings =
        static_cast<std::uint8_t>(file.doings & (kLooked | kRead | kListed | kWrote));
    if (doings != 0 && where.was_there(file.path)) {
      std::string target = where.target(file.path);
      if (target != file.path) {
        targets.files.push_back({std::move(target), doings, file.use});
      }
    }
  }
  return unite(seen, targets);
}

Learned reduce(const Observations& watched, const Base& base, const Subject& subject,
               const Surroundings& where) {
  const Observations seen = with_targets(watched, where);
  Reduction to{seen, base, subject, where, {}};
  const std::string name(path::basename(subject.program));
  to.title(
      fmt::format("Learned from: {}", escape(join(subject.command, " "))));
  to.title(subject.watched_how);
  reduce_base(to);
  to.set(Key::PolicyDescription, fmt::format("{}, learned from what it did", escape(name)));
  reduce_files(to);
  reduce_network(to);
  reduce_calls(to);
  reduce_rest(to);
  tell_coverage(to);
  if (seen.unlisted != 0) {
    to.decide(
        fmt::format("{} uses of files or calls were more than a run can hold, and are missing here.",
                    seen.unlisted));
  }
  const auto mode = to.learned.layer.values.find(Key::NetworkMode);
  if (mode != to.learned.layer.values.end() &&
      std::get<policy::Text>(mode->second).value == policy::info(Key::NetworkMode).default_value) {
    to.learned.layer.values.erase(mode);
  }
  // An empty list says nothing.
  std::erase_if(to.learned.layer.values, [](const auto& entry) {
    const auto* list = std::get_if<std::vector<policy::Text>>(&entry.second);
    const auto* paths = std::get_if<std::vector<policy::PathEntry>>(&entry.second);
    return (list != nullptr && list->empty()) || (paths != nullptr && paths->empty());
  });
  return std::move(to.learned);
}

}  // namespace sbx::learn
