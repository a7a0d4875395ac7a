// SPDX-License-Identifier: Apache-2.0
// Paths as text: nothing here asks the kernel. What a path leads to is the PathProbe's business
// (plan/host_facts.h).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sbx::path {

// Absolute, no empty, "." or ".." component, no trailing slash (but "/" itself). ".." is taken
// lexically, as realpath -s does. A relative path is put below `base`, which must be absolute.
std::string normalise(std::string_view path, std::string_view base = "/");

// True for what normalise would leave as it is.
bool is_normal(std::string_view path);

bool is_absolute(std::string_view path);

// True if `path` is `directory` or lies below it; both normalised.
bool is_below(std::string_view path, std::string_view directory);

std::string join(std::string_view directory, std::string_view name);
std::string parent(std::string_view path);          // "/" for "/" and "/usr"
std::string_view basename(std::string_view path);   // "" for "/"
int depth(std::string_view path);                   // 0 for "/", 1 for "/usr"

}  // namespace sbx::path
