// SPDX-License-Identifier: Apache-2.0
// bubblewrap's command line.
#pragma once

#include "base/result.h"
#include "interop/format.h"

namespace sbx::interop {

Result<Export> export_bwrap(const ExportRequest& request);

}  // namespace sbx::interop
