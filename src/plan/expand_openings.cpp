// SPDX-License-Identifier: Apache-2.0
#include "plan/expand.h"

namespace sbx::plan {

std::vector<Opening> expand_openings(const policy::Policy& policy) {
  std::vector<Opening> openings;
  if (policy.wx.value == "allow") {
    openings.push_back({"memory that is written can be executed (mmap, mprotect, shmat, mremap, "
                        "userfaultfd), and code be changed by /proc/self/mem, ptrace and "
                        "process_vm_writev",
                        policy.wx.origin});
  }
  if (policy.memfd.value == "allow") {
    openings.push_back({"files in memory (memfd_create) can be filled, then mapped executable",
                        policy.memfd.origin});
  }
  if (policy.tmp.value == "host") {
    openings.push_back({"/tmp is shared with the host's programs: their files, locks and sockets "
                        "(ssh-agent, terminal multiplexers) are within reach",
                        policy.tmp.origin});
  }
  if (const auto x11 = policy.desktop.find(policy::Key::DesktopX11); x11 != policy.desktop.end()) {
    openings.push_back({"a client of the X11 display sees every key and window, and can type into them",
                        x11->second.origin});
  }
  for (const policy::LayeredPath& device : policy.dev) {
    openings.push_back({"the driver behind " + device.entry.path + " takes every request (ioctl)",
                        device.entry.origin});
  }
  return openings;
}

}  // namespace sbx::plan
