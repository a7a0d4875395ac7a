// SPDX-License-Identifier: Apache-2.0
// FileSources for tests: the shipped policies from the source tree, and files that exist in the
// test only.
#pragma once

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "policy/library.h"

namespace sbx::policy::testing {

inline std::string read_whole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline std::vector<std::string> toml_files(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    if (entry.path().extension() == ".toml") {
      names.push_back(entry.path().filename().string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

inline FileSource disk() {
  return {[](const std::string& path) -> Result<std::string> {
            if (!std::filesystem::is_regular_file(path)) {
              return Error{"cannot read " + path, ENOENT};
            }
            return read_whole(path);
          },
          toml_files};
}

// Files by path; counts the reads.
struct FakeFiles {
  std::map<std::string, std::string> files;
  std::map<std::string, int> failures = {};  // path → errno
  std::vector<std::string> reads = {};

  FileSource source() {
    return {[this](const std::string& path) -> Result<std::string> {
              reads.push_back(path);
              if (const auto failure = failures.find(path); failure != failures.end()) {
                return Error{"cannot read " + path, failure->second};
              }
              const auto file = files.find(path);
              if (file == files.end()) {
                return Error{"cannot read " + path, ENOENT};
              }
              return file->second;
            },
            [this](const std::string& directory) {
              std::vector<std::string> names;
              for (const auto& [path, text] : files) {
                if (path.starts_with(directory + "/") &&
                    path.find('/', directory.size() + 1) == std::string::npos) {
                  names.push_back(path.substr(directory.size() + 1));
                }
              }
              return names;
            }};
  }
};

}  // namespace sbx::policy::testing
