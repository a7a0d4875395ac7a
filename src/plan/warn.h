// SPDX-License-Identifier: Apache-2.0
// The parts of plan::check that find warnings, a file each.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "plan/check.h"

namespace sbx::plan {

// What is examined.
struct Examined {
  const std::vector<policy::PolicyLayer>& layers;
  const policy::Policy& policy;
  const seccomp::FilterSpec& filter;
  const HostFacts& facts;
  const std::vector<OwnPath>& own;

  // The layer that a file's line belongs to; -1 for what is built in.
  int layer_of(const Origin& origin) const;
  // True for the policy itself and its .local layer: what the layers below them do to each other is
  // not the reader's affair.
  bool is_own(int layer) const;
};

using Warnings = std::vector<Warning>;

// The rules of a call; null if no rule of the policy names it, or the architecture has none such.
const std::vector<seccomp::Rule>* rules_of(const seccomp::FilterSpec& filter, std::string_view call);

void warn_of_paths(const Examined& examined, Warnings& warnings);
void warn_of_calls(const Examined& examined, Warnings& warnings);
void warn_of_siblings(const Examined& examined, Warnings& warnings);

// "a, b, c and 4 more".
std::string shortened(const std::vector<std::string>& words, std::size_t most = 4);

}  // namespace sbx::plan
