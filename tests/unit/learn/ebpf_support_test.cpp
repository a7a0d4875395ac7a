// SPDX-License-Identifier: Apache-2.0
#include "learn/ebpf_support.h"

#include <catch2/catch.hpp>

using namespace sbx;
using namespace sbx::learn;

namespace {

EbpfFacts root() {
  return {"Name:\tsbx\nCapEff:\t000001ffffffffff\nCapBnd:\t0\n",
          "         0          0 4294967295\n", "none [integrity] confidentiality\n", true};
}

std::string why_not(const EbpfFacts& facts) {
  const Status possible = ebpf_possible(facts);
  return possible ? "" : possible.error().action;
}

}  // namespace

TEST_CASE("ebpf support: the first thing that is missing is named") {
  CHECK(why_not(root()).empty());
  EbpfFacts facts = root();
  facts.status =
      "Name:\tCapEff:\t1ff\nCapEff:\t000000c000000000\n";  // CAP_BPF and CAP_PERFMON alone
  CHECK(why_not(facts).empty());
  for (const char* held : {"0000000000000000", "0000008000000000", "0000004000000000"}) {
    facts.status = std::string("Name:\tsbx\nCapEff:\t") + held + "\n";
    CHECK(why_not(facts).find("CAP_BPF") != std::string::npos);
  }
  facts = root();
  facts.user_map = "         0       1000          1\n";
  CHECK(why_not(facts).find("user namespace") != std::string::npos);
  facts = root();
  facts.has_types = false;
  CHECK(why_not(facts).find("btf") != std::string::npos);
  facts = root();
  facts.lockdown = "none integrity [confidentiality]\n";
  CHECK(why_not(facts).find("locked down") != std::string::npos);
}
