// SPDX-License-Identifier: Apache-2.0
// The help texts, made of the tables in options.cpp.
#pragma once

#include <string>

#include "cli/options.h"

namespace sbx::cli {

std::string overview();            // sbx --help
std::string help_text(Verb verb);  // sbx VERB --help

}  // namespace sbx::cli
