// SPDX-License-Identifier: Apache-2.0
// Facts added up: each item's badness by its weight, in tenths of 0.0 to 10.0, rounded as
// systemd-analyze(1) does it (up, so that nothing that is open shows as 0.0).
#pragma once

#include "score/items.h"

namespace sbx::score {

struct Exposure {
  unsigned tenths = 0;     // what cannot be seen counts as open
  unsigned at_best = 0;    // and as shut
  std::array<unsigned, kItems> item_tenths{};
  std::array<unsigned, kAreas> area_tenths{}, area_most{};  // and what the area would be if all were open
  std::size_t unseen = 0;  // items
};

Exposure add_up(const Facts& facts);

// "SAFE": the words of systemd-analyze.
std::string_view level_of(unsigned tenths);

// The item's own words, or the fact's.
std::string_view text_of(const ItemInfo& item, const Fact& fact);

// "1.4"
std::string tenths_text(unsigned tenths);

}  // namespace sbx::score
