// SPDX-License-Identifier: Apache-2.0
// sbx list: every policy that can be named.
#include <algorithm>

#include "base/text.h"
#include "cli/json_writer.h"
#include "cli/output.h"
#include "cli/policies.h"
#include "cli/verbs.h"
#include "policy/toml_reader.h"

namespace sbx::cli {
namespace {

struct Entry {
  policy::PolicyFile file;
  std::string description;
  bool readable = true;
};

// A policy with an error is listed all the same, with the word to check it.
Entry describe(const policy::PolicyFile& file, const Library& library) {
  const auto text = library.files.read(file.path);
  if (!text) {
    return {file, "cannot be read", false};
  }
  const auto layer = policy::read_toml(*text, file.path, file.name);
  if (!layer) {
    return {file, "has an error: see sbx check " + file.name, false};
  }
  const auto found = layer->values.find(policy::Key::PolicyDescription);
  return {file, found != layer->values.end() ? std::get<policy::Text>(found->second).value : "",
          true};
}

std::string as_names(const std::vector<policy::PolicyFile>& files) {
  std::string out;
  for (const policy::PolicyFile& file : files) {
    out += escape(file.name) + "\n";
  }
  return out;
}

std::string as_json(const std::vector<Entry>& entries) {
  JsonWriter json;
  json.begin_array();
  for (const Entry& entry : entries) {
    json.begin_object();
    json.member("name", entry.file.name);
    json.member("file", entry.file.path);
    json.member("description", entry.description);
    json.key("readable");
    json.boolean(entry.readable);
    json.end_object();
  }
  json.end_array();
  return json.take();
}

std::string as_table(const std::vector<Entry>& entries) {
  std::size_t width = 0;
  for (const Entry& entry : entries) {
    width = std::max(width, entry.file.name.size());
  }
  std::string out;
  for (const Entry& entry : entries) {
    out += escape(entry.file.name) + std::string(width - entry.file.name.size() + 2, ' ') +
           escape(entry.description) + "\n" + std::string(width + 2, ' ') +
           escape(entry.file.path) + "\n";
  }
  return out;
}

}  // namespace

Result<int> list(const Command& command) {
  const Library library = open_library();
  const auto files = policy::list_policies(library.search, library.files);
  if (command.names) {
    SBX_TRY(print(as_names(files)));
    return 0;
  }
  if (files.empty() && !command.json) {
    std::vector<std::string> searched = library.search.directories;
    searched.insert(searched.end(), library.search.installed.begin(),
                    library.search.installed.end());
    return Error{.action = "there are no policies in " + join(searched, ", "),
                 .hint = "is sbx installed whole? its policies lie in share/sbx/policies"};
  }
  std::vector<Entry> entries;
  for (const policy::PolicyFile& file : files) {
    entries.push_back(describe(file, library));
  }
  SBX_TRY(print(command.json ? as_json(entries) : as_table(entries)));
  return 0;
}

}  // namespace sbx::cli
