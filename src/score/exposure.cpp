// SPDX-License-Identifier: Apache-2.0
#include "score/exposure.h"

namespace sbx::score {
namespace {

constexpr unsigned divide_up(unsigned amount, unsigned by) {
  return by == 0 ? 0 : (amount + by - 1) / by;
}

unsigned badness_of(const ItemInfo& item, const Fact& fact) {
  return fact.state == Fact::State::Unseen ? item.range : fact.badness;
}

}  // namespace

Exposure add_up(const Facts& facts) {
  Exposure exposure;
  unsigned weights = 0, bad = 0, surely_bad = 0;
  std::array<unsigned, kAreas> area_bad{}, area_weight{};
  for (const ItemInfo& item : items()) {
    const Fact& fact = facts[static_cast<std::size_t>(item.item)];
    if (fact.state == Fact::State::Meaningless) {
      continue;
    }
    const unsigned points = divide_up(badness_of(item, fact) * item.weight, item.range);
    const auto area = static_cast<std::size_t>(item.area);
    weights += item.weight;
    bad += points;
    area_bad[area] += points;
    area_weight[area] += item.weight;
    if (fact.state == Fact::State::Unseen) {
      ++exposure.unseen;
    } else {
      surely_bad += points;
    }
  }
  for (const ItemInfo& item : items()) {
    const auto index = static_cast<std::size_t>(item.item);
    if (facts[index].state != Fact::State::Meaningless) {
      exposure.item_tenths[index] =
          divide_up(divide_up(badness_of(item, facts[index]) * item.weight * 100, item.range), weights);
    }
  }
  for (std::size_t area = 0; area < kAreas; ++area) {
    exposure.area_tenths[area] = divide_up(area_bad[area] * 100, weights);
    exposure.area_most[area] = divide_up(area_weight[area] * 100, weights);
  }
  exposure.tenths = divide_up(bad * 100, weights);
  exposure.at_best = divide_up(surely_bad * 100, weights);
  return exposure;
}

std::string_view level_of(unsigned tenths) {
  struct Level {
    unsigned from;
    std::string_view name;
  };
  constexpr std::array kLevels = {Level{100, "DANGEROUS"}, Level{90, "UNSAFE"}, Level{75, "EXPOSED"}, Level{50, "MEDIUM"},
                                  Level{10, "OK"},         Level{1, "SAFE"},    Level{0, "PERFECT"}};
  for (const Level& level : kLevels) {
    if (tenths >= level.from) {
      return level.name;
    }
  }
  return "";
}

std::string_view text_of(const ItemInfo& item, const Fact& fact) {
  return !fact.text.empty() ? std::string_view(fact.text) : fact.badness > 0 ? item.open : item.shut;
}

std::string tenths_text(unsigned tenths) {
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10);
}

}  // namespace sbx::score
