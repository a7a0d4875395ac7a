// SPDX-License-Identifier: Apache-2.0
// Comments of a learned policy: who, how often, when. Coarse on purpose, so that two runs that do
// the same are written the same.
#pragma once

#include <optional>
#include <string>

#include "learn/observations.h"

namespace sbx::learn {

// "nginx; often; serving": which programs; once, repeatedly (fewer than 100 times) or often; starting,
// before it first listened, serving, after that, or always. Names are escaped: a comment is one line.
std::string note_of(const Use& use, const std::optional<std::uint64_t>& ready_us);

}  // namespace sbx::learn
