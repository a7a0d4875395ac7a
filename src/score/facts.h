// SPDX-License-Identifier: Apache-2.0
// What units, policies and processes say in the same terms: sets of capabilities, of system calls, of
// namespaces. For the other files of this folder.
#pragma once

#include <functional>
#include <optional>

#include "score/items.h"
#include "seccomp/filter_spec.h"

namespace sbx::score {

void rate(Facts& facts, Item item, unsigned badness, std::string text = {}, const Origin& origin = {});
void set_meaningless(Facts& facts, Item item, std::string text);
void set_unseen(Facts& facts, Item item, std::string text);

// Bit N is capability N. `where` follows the name of what is held: " (in its own user namespace)".
void rate_capabilities(Facts& facts, std::uint64_t held, std::string_view where, const Origin& origin);

// CLONE_NEW* flags of what can be made.
void rate_namespaces(Facts& facts, std::uint64_t can_make, const Origin& origin);

// For every item that is a group of calls: the badness if any of it can be made. `opened_by` is asked
// with the calls' names, those that the architecture has; nothing: the call cannot be made.
void rate_calls(Facts& facts, seccomp::Arch arch, unsigned badness,
                const std::function<std::optional<Origin>(std::string_view)>& opened_by);
// The items of calls, for a program of which the same is to be said for each.
std::span<const Item> call_items();

void rate_umask(Facts& facts, std::uint32_t umask, const Origin& origin);

}  // namespace sbx::score
