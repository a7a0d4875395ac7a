// SPDX-License-Identifier: Apache-2.0
// The options that a program set on its socket before bind, carried over to the socket that takes
// its place. A plain injection loses them: the program would block where it asked not to.
#pragma once

namespace sbx::supervise {

// From a TCP socket to a TCP socket of the same family that is bound but does not listen yet. What
// the new socket's namespace refuses (a congestion control that is not there) stays at its default.
void carry_options(int from, int to);

}  // namespace sbx::supervise
