// SPDX-License-Identifier: Apache-2.0
// Which addresses and ports a unit leaves its service: IPAddressAllow=, IPAddressDeny=, SocketBindAllow=
// and SocketBindDeny= (systemd.resource-control(5)), which only together say anything.
#pragma once

#include <vector>

#include "interop/systemd_unit.h"

namespace sbx::interop {

struct UnitNetwork {
  bool is_private = false;            // PrivateNetwork=yes
  bool denies_addresses = false;      // all that `connect` does not list
  std::vector<std::string> connect;   // entries of network.connect
  bool denies_ports = false;          // all that `bind` does not list
  std::vector<std::string> bind;      // entries of network.bind
};

UnitNetwork network_of(const std::vector<UnitLine>& lines);

}  // namespace sbx::interop
