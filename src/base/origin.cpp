// SPDX-License-Identifier: Apache-2.0
#include "base/origin.h"

namespace sbx {

std::string to_text(const Origin& origin) {
  if (origin.line == 0) {
    return origin.source;
  }
  return origin.source.str() + ":" + std::to_string(origin.line);
}

}  // namespace sbx
