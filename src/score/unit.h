// SPDX-License-Identifier: Apache-2.0
// A service unit weighed as systemd-analyze(1) security --offline=true weighs it, version 252: what is
// not said, and what is said in a way that systemd ignores, stays at its default. Directives that
// imply others (DynamicUser=, PrivateDevices=, ProtectClock= …) do so here too (systemd.exec(5)).
#pragma once

#include <vector>

#include "interop/systemd_unit.h"
#include "score/items.h"
#include "seccomp/filter_spec.h"

namespace sbx::score {

// `lines`: of the unit, then of its drop-ins, in the order in which systemd reads them.
Facts facts_of_unit(const std::vector<interop::UnitLine>& lines, seccomp::Arch arch);

}  // namespace sbx::score
