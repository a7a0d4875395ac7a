// SPDX-License-Identifier: Apache-2.0
// A policy for a cluster: a profile for the kubelet with the securityContext that names it, or an
// object of the security-profiles-operator, which brings the profile to the nodes itself.
#pragma once

#include "base/result.h"
#include "interop/format.h"

namespace sbx::interop {

Result<Export> export_kubernetes(const ExportRequest& request);
Result<Export> export_profiles_operator(const ExportRequest& request);

}  // namespace sbx::interop
