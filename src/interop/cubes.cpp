// SPDX-License-Identifier: Apache-2.0
#include "interop/cubes.h"

#include <algorithm>
#include <bit>

namespace sbx::interop {
namespace {

using seccomp::ArgumentTest;
using seccomp::Compare;
using seccomp::Condition;
using Bits = Cube::Bits;

std::optional<Bits> both(const Bits& one, const Bits& other) {
  if (((one.value ^ other.value) & one.mask & other.mask) != 0) {
    return std::nullopt;
  }
  return Bits{one.mask | other.mask, one.value | other.value};
}

std::optional<Cube> both(const Cube& one, const Cube& other) {
  Cube result;
  for (std::size_t i = 0; i < result.arguments.size(); ++i) {
    const auto bits = both(one.arguments[i], other.arguments[i]);
    if (!bits) {
      return std::nullopt;
    }
    result.arguments[i] = *bits;
  }
  return result;
}

bool is_within(const Cube& inner, const Cube& outer) {
  for (std::size_t i = 0; i < inner.arguments.size(); ++i) {
    const Bits& in = inner.arguments[i];
    const Bits& out = outer.arguments[i];
    if ((out.mask & ~in.mask) != 0 || (in.value & out.mask) != out.value) {
      return false;
    }
  }
  return true;
}

// Leaves out what is within another.
void absorb(Cubes& cubes) {
  Cubes kept;
  for (const Cube& cube : cubes) {
    const auto covers = [&](const Cube& other) { return is_within(cube, other); };
    if (std::none_of(kept.begin(), kept.end(), covers)) {
      const auto covered = [&](const Cube& other) { return is_within(other, cube); };
      kept.erase(std::remove_if(kept.begin(), kept.end(), covered), kept.end());
      kept.push_back(cube);
    }
  }
  cubes = std::move(kept);
}

Cube single(std::size_t argument, const Bits& bits) {
  Cube cube;
  cube.arguments[argument] = bits;
  return cube;
}

// Values whose masked bits, read as a number of `top`'s width, are below `limit`: for each bit that
// is set in the limit those that agree above it and have it clear. `flip` turns the sign bit, which
// makes a signed order an unsigned one.
Cubes below(std::size_t argument, std::uint64_t mask, std::uint64_t limit, std::uint64_t width_mask,
            std::uint64_t flip) {
  Cubes cubes;
  const std::uint64_t goal = limit ^ flip;
  std::uint64_t fixed = 0;  // bits that agree with the goal so far
  for (std::uint64_t bit = std::bit_floor(width_mask); bit != 0; bit >>= 1) {
    const bool is_free = (mask & bit) != 0;
    const bool wants = (goal & bit) != 0;
    // A bit outside the mask reads as 0, as 1 once its sign is turned.
    const bool reads_one = !is_free && (flip & bit) != 0;
    if (wants && is_free) {
      cubes.push_back(single(argument, {fixed | bit, ((goal ^ flip) & fixed) | (flip & bit)}));
    } else if (wants && !reads_one) {
      // Always smaller from here on.
      cubes.push_back(single(argument, {fixed, (goal ^ flip) & fixed}));
      return cubes;
    } else if (!wants && reads_one) {
      return cubes;  // always larger from here on
    }
    fixed |= is_free ? bit : 0;
  }
  return cubes;
}

Cubes everything() {
  return {Cube{}};
}

// The values that differ from the bits: first at this bit, from the highest down, so that several
// inequalities of one argument share their prefixes and do not multiply.
Cubes other_than(std::size_t argument, const Bits& bits) {
  Cubes cubes;
  std::uint64_t agreed = 0;
  for (std::uint64_t open = bits.mask; open != 0;) {
    const std::uint64_t bit = std::bit_floor(open);
    open &= ~bit;
    cubes.push_back(single(argument, {agreed | bit, (bits.value & agreed) | (~bits.value & bit)}));
    agreed |= bit;
  }
  return cubes;
}

Compare negation(Compare compare) {
  switch (compare) {
    case Compare::Equal:
      return Compare::NotEqual;
    case Compare::NotEqual:
      return Compare::Equal;
    case Compare::Less:
      return Compare::GreaterEqual;
    case Compare::LessEqual:
      return Compare::Greater;
    case Compare::Greater:
      return Compare::LessEqual;
    case Compare::GreaterEqual:
      return Compare::Less;
  }
  return Compare::Equal;
}

// x < v, x <= v, and the others by turning all bits: x > v is ~x < ~v.
Cubes ordered(const ArgumentTest& test, Compare compare, std::uint64_t width_mask) {
  const std::uint64_t sign = test.is_signed ? width_mask ^ (width_mask >> 1) : 0;
  const bool is_greater = compare == Compare::Greater || compare == Compare::GreaterEqual;
  const std::uint64_t flip = is_greater ? width_mask ^ sign : sign;
  return below(test.argument, test.mask & width_mask, test.value & width_mask, width_mask, flip);
}

Cubes test_cubes(const ArgumentTest& test, bool negated) {
  if (test.argument >= 6) {
    return negated ? everything() : Cubes{};
  }
  const Compare compare = negated ? negation(test.compare) : test.compare;
  const std::uint64_t width_mask = test.width == 32 ? 0xffff'ffffull : ~0ull;
  const std::uint64_t mask = test.mask & width_mask;
  const std::uint64_t value = test.value & width_mask;
  const bool can_equal = (value & ~mask) == 0;
  if (compare == Compare::NotEqual) {
    return can_equal ? other_than(test.argument, {mask, value}) : everything();
  }
  Cubes cubes;
  if (compare != Compare::Equal) {
    cubes = ordered(test, compare, width_mask);
  }
  if (can_equal && (compare == Compare::Equal || compare == Compare::LessEqual ||
                    compare == Compare::GreaterEqual)) {
    cubes.push_back(single(test.argument, {mask, value}));
  }
  return cubes;
}

// All hold: the smallest sets first, so that the large ones meet little.
std::optional<Cubes> all_of(std::vector<Cubes> sets, std::size_t most) {
  std::sort(sets.begin(), sets.end(),
            [](const Cubes& one, const Cubes& other) { return one.size() < other.size(); });
  Cubes all = everything();
  for (const Cubes& set : sets) {
    auto next = intersection(all, set, most);
    if (!next) {
      return std::nullopt;
    }
    all = *std::move(next);
  }
  return all;
}

}  // namespace

std::optional<Cubes> intersection(const Cubes& one, const Cubes& other, std::size_t most) {
  Cubes result;
  for (const Cube& a : one) {
    for (const Cube& b : other) {
      if (const auto shared = both(a, b)) {
        result.push_back(*shared);
      }
    }
    if (result.size() > 8 * most) {
      return std::nullopt;
    }
  }
  absorb(result);
  return result.size() > most ? std::nullopt : std::optional(std::move(result));
}

std::optional<Cubes> cubes_of(const Condition& condition, bool negated, std::size_t most) {
  switch (condition.kind) {
    case Condition::Kind::Always:
      return negated ? Cubes{} : everything();
    case Condition::Kind::Test:
      return test_cubes(condition.test, negated);
    case Condition::Kind::Not:
      return cubes_of(condition.operands.front(), !negated, most);
    case Condition::Kind::And:
    case Condition::Kind::Or:
      break;
  }
  std::vector<Cubes> sets;
  for (const Condition& operand : condition.operands) {
    auto set = cubes_of(operand, negated, most);
    if (!set) {
      return std::nullopt;
    }
    sets.push_back(*std::move(set));
  }
  if ((condition.kind == Condition::Kind::And) != negated) {
    return all_of(std::move(sets), most);
  }
  Cubes any;
  for (const Cubes& set : sets) {
    any.insert(any.end(), set.begin(), set.end());
  }
  absorb(any);
  return any.size() > most ? std::nullopt : std::optional(std::move(any));
}

}  // namespace sbx::interop
