// SPDX-License-Identifier: Apache-2.0
#include "cli/learn_view.h"

#include <unistd.h>

#include <algorithm>

#include "base/path.h"
#include "base/text.h"

namespace sbx::cli {
namespace {

using policy::Key;

constexpr std::string_view kShown[] = {"/srv",       "/var/lib",   "/var/cache",
                                       "/var/www",   "/var/mail",  "/var/spool"};

const Origin kOrigin{.source = "--view host"};

policy::PathEntry entry(std::string path, bool optional) {
  return policy::PathEntry{std::move(path), "", optional, kOrigin};
}

std::string word_of(const std::vector<policy::PolicyLayer>& layers, Key key) {
  for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
    if (const auto found = layer->values.find(key); found != layer->values.end()) {
      return std::get<policy::Text>(found->second).value;
    }
  }
  return {};
}

bool grants(const std::string& word) {
  return word == "read" || word == "write";
}

// The command's file where the overlays would show it without the right to execute.
std::string program_below(const Command& command, const plan::HostFacts& facts) {
  const std::string& name = command.operands.front();
  if (name.find('/') != std::string::npos) {
    return path::normalise(name, facts.cwd);
  }
  const auto found = facts.environment.find("PATH");
  for (const std::string& directory :
       split(found == facts.environment.end() ? "" : found->second, ':')) {
    const std::string candidate = path::join(directory, name);
    if (path::is_absolute(directory) && ::access(candidate.c_str(), X_OK) == 0) {
      return path::normalise(candidate);
    }
  }
  return {};
}

bool is_overlaid(const std::string& file, const plan::HostFacts& facts) {
  return !file.empty() && ((facts.home != "/" && path::is_below(file, facts.home)) ||
                           (facts.cwd != "/" && path::is_below(file, facts.cwd)));
}

// What the shared policy for work on files covers, but for what BASE uncovers.
Result<std::vector<policy::PathEntry>> secrets(const std::vector<policy::PolicyLayer>& layers,
                                               const Library& library) {
  const auto workdir = load("workdir", library);
  if (!workdir) {
    return workdir.error();
  }
  std::vector<policy::PathEntry> covered;
  const auto hidden = workdir->back().values.find(Key::FilesystemHide);
  if (hidden != workdir->back().values.end()) {
    covered = std::get<std::vector<policy::PathEntry>>(hidden->second);
  }
  for (const policy::PolicyLayer& layer : layers) {
    const auto removed = layer.removed.find(Key::FilesystemHide);
    if (removed == layer.removed.end()) {
      continue;
    }
    std::erase_if(covered, [&](const policy::PathEntry& one) {
      return std::any_of(removed->second.begin(), removed->second.end(),
                         [&](const policy::Text& name) { return name.value == one.path; });
    });
  }
  return covered;
}

}  // namespace

Result<policy::PolicyLayer> learning_view(const Command& command,
                                          const std::vector<policy::PolicyLayer>& layers,
                                          const plan::HostFacts& facts, const Library& library) {
  policy::PolicyLayer view;
  view.name = "learning";
  view.values[Key::FilesystemSystem] = policy::Text{"host", kOrigin};
  std::vector<policy::PathEntry> read;
  for (const std::string_view path : kShown) {
    read.push_back(entry(std::string(path), true));
  }
  std::vector<policy::PathEntry> overlays;
  // A policy for a program that has no home, as a service, means it.
  if (facts.home != "/" && word_of(layers, Key::FilesystemHome) == "private") {
    overlays.push_back(entry("~", true));
  }
  const bool outside_home = facts.cwd != "/" && !path::is_below(facts.cwd, facts.home) &&
                            !path::is_below(facts.home, facts.cwd) && !path::is_below(facts.cwd, "/usr");
  if (outside_home && !grants(word_of(layers, Key::FilesystemCwd))) {
    overlays.push_back(entry(facts.cwd, true));
  }
  if (const std::string program = program_below(command, facts); is_overlaid(program, facts)) {
    read.push_back(entry(program, true));
  }
  auto covered = secrets(layers, library);
  if (!covered) {
    return std::move(covered).error();
  }
  view.values[Key::FilesystemRead] = std::move(read);
  view.values[Key::FilesystemOverlay] = std::move(overlays);
  view.values[Key::FilesystemHide] = *std::move(covered);
  return view;
}

}  // namespace sbx::cli
