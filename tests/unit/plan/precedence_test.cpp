// SPDX-License-Identifier: Apache-2.0
// Random layers of allow, deny and unconditional rules, merged and made a filter, against precedence
// written down once more from its definition: a call's own name before a group, then the later layer,
// then the stricter. So no denial disappears unless a more specific or later entry says so.
#include <catch2/catch.hpp>

#include <algorithm>
#include <random>
#include <tuple>

#include "plan/expand.h"
#include "policy/merge.h"
#include "seccomp/compile.h"
#include "seccomp/evaluate.h"
#include "seccomp/groups.h"
#include "seccomp/syscall_table.h"

using namespace sbx;

namespace {

// Calls and groups that overlap; none of them is one that sbx itself decides.
const std::vector<std::string> kWords = {"getppid", "sync",  "fsync", "getuid",    "alarm",
                                         "@sync",   "@timer", "@file-system", "@basic-io", "@io-event"};

struct Entry {
  std::string word;
  int layer;
  bool allows;
};

policy::PolicyLayer random_layer(std::mt19937& random, int number, std::vector<Entry>& entries) {
  policy::PolicyLayer layer;
  layer.name = std::string(1, static_cast<char>('a' + number));
  layer.source = layer.name + ".toml";
  std::vector<policy::Text> allow, deny;
  std::vector<policy::SeccompRule> rules;
  for (const std::string& word : kWords) {
    const Origin origin{layer.source, static_cast<int>(random() % 100) + 1, 1};
    switch (random() % 6) {
      case 0:
        allow.push_back({word, origin});
        entries.push_back({word, number, true});
        break;
      case 1:
        deny.push_back({word, origin});
        entries.push_back({word, number, false});
        break;
      case 2: {
        const bool allows = random() % 2 == 0;
        rules.push_back({{{word, origin}}, {}, {allows ? "allow" : "deny", origin}, origin});
        entries.push_back({word, number, allows});
        break;
      }
      default:
        break;
    }
  }
  layer.values[policy::Key::SeccompAllow] = allow;
  layer.values[policy::Key::SeccompDeny] = deny;
  layer.values[policy::Key::SeccompRules] = rules;
  return layer;
}

bool names(const std::string& word, std::string_view call) {
  const seccomp::Group* group = seccomp::find_group(word);
  if (group == nullptr) {
    return word == call;
  }
  const auto members = seccomp::expand_group(*group);
  return std::binary_search(members.begin(), members.end(), call);
}

// By the definition: nothing named it: denied.
bool is_allowed(const std::vector<Entry>& entries, std::string_view call) {
  const Entry* best = nullptr;
  const auto rank = [](const Entry& entry) {
    return std::tuple(entry.word.front() != '@', entry.layer, !entry.allows);
  };
  for (const Entry& entry : entries) {
    if (names(entry.word, call) && (best == nullptr || rank(*best) < rank(entry))) {
      best = &entry;
    }
  }
  return best != nullptr && best->allows;
}

}  // namespace

TEST_CASE("precedence: random layers, as its definition says", "[plan][property]") {
  plan::HostFacts facts;
  facts.arch = seccomp::Arch::X86_64;
  int denied = 0, allowed = 0;
  for (unsigned seed = 0; seed < 300; ++seed) {
    std::mt19937 random(seed);
    std::vector<Entry> entries;
    std::vector<policy::PolicyLayer> layers;
    for (int i = 0; i < 1 + static_cast<int>(random() % 4); ++i) {
      layers.push_back(random_layer(random, i, entries));
    }
    const auto policy = policy::merge(layers);
    REQUIRE(policy);
    const auto filter = plan::expand_filter(*policy, facts);
    REQUIRE(filter);
    for (const char* name : {"getppid", "sync", "fsync", "getuid", "alarm", "read", "unlink", "poll",
                             "epoll_wait", "timer_create", "fdatasync", "rename", "write"}) {
      seccomp_data call{};
      call.arch = seccomp::audit_arch(facts.arch);
      call.nr = seccomp::number_of(facts.arch, name).value();
      const bool runs = seccomp::lets_run(seccomp::evaluate(*filter, call));
      INFO("seed " << seed << ", " << name);
      CHECK(runs == is_allowed(entries, name));
      (runs ? allowed : denied) += 1;
    }
  }
  CHECK(allowed > 500);
  CHECK(denied > 500);
}
