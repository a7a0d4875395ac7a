// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "score/exposure.h"
#include "score/process.h"
#include "score/unit.h"

using namespace sbx;
using score::Fact;
using score::Item;

namespace {

score::Facts unit(const std::string& service) {
  const auto lines = interop::read_unit("[Service]\n" + service, "app.service");
  REQUIRE(lines);
  return score::facts_of_unit(*lines, seccomp::Arch::X86_64);
}

const Fact& fact(const score::Facts& facts, Item item) {
  return facts[static_cast<std::size_t>(item)];
}

}  // namespace

TEST_CASE("score: nothing said is nearly everything open, as systemd 252 counts", "[score]") {
  const auto exposure = score::add_up(unit(""));
  CHECK(exposure.tenths == 96);
  CHECK(exposure.at_best == 96);
  CHECK(exposure.unseen == 0);
  CHECK(exposure.item_tenths[static_cast<std::size_t>(Item::PrivateNetwork)] == 5);
  CHECK(score::level_of(96) == "UNSAFE");
  CHECK(score::level_of(0) == "PERFECT");
  CHECK(score::level_of(100) == "DANGEROUS");
  CHECK(score::tenths_text(5) == "0.5");
}

TEST_CASE("score: directives imply others", "[score]") {
  const auto dynamic = unit("DynamicUser=yes\nPrivateTmp=no\nProtectHome=no\n");
  for (const Item item : {Item::User, Item::NoNewPrivileges, Item::PrivateTmp, Item::ProtectSystem, Item::RestrictSuidSgid,
                          Item::DynamicIpc}) {
    CHECK(fact(dynamic, item).badness == 0);
  }
  CHECK(fact(dynamic, Item::ProtectHome).badness == 5);
  const auto devices = unit("PrivateDevices=yes\n");
  CHECK(fact(devices, Item::CapMknod).badness == 0);
  CHECK(fact(devices, Item::CapRawIo).badness == 0);
  CHECK(fact(devices, Item::DeviceAllow).badness == 0);
  CHECK(fact(unit("PrivateDevices=yes\nProtectClock=yes\n"), Item::DeviceAllow).badness == 5);
}

TEST_CASE("score: lists begin, subtract and reset as systemd reads them", "[score]") {
  const auto badness = [](const std::string& text, Item item) { return fact(unit(text), item).badness; };
  CHECK(badness("SystemCallFilter=@system-service\n", Item::CallsPrivileged) == 9);
  CHECK(badness("SystemCallFilter=@system-service\nSystemCallFilter=~@privileged\n", Item::CallsPrivileged) == 0);
  CHECK(badness("SystemCallFilter=~@mount\n", Item::CallsClock) == 10);
  CHECK(badness("SystemCallFilter=@basic-io\nSystemCallFilter=\n", Item::CallsClock) == 10);
  CHECK(badness("SystemCallFilter=@basic-io @clock:EPERM\n", Item::CallsClock) == 0);
  CHECK(badness("RestrictNamespaces=user\nRestrictNamespaces=~user\n", Item::NewUser) == 0);
  CHECK(badness("RestrictNamespaces=~user\nRestrictNamespaces=user\n", Item::NewUser) == 1);
  CHECK(badness("RestrictAddressFamilies=~AF_INET\n", Item::FamilyInet) == 0);
  CHECK(badness("RestrictAddressFamilies=AF_INET\n", Item::FamilyInet) == 1);
  CHECK(badness("CapabilityBoundingSet=CAP_CHOWN\nCapabilityBoundingSet=\n", Item::CapFileOwner) == 0);
  CHECK(badness("ProtectSystem=strict\nProtectSystem=perhaps\n", Item::ProtectSystem) == 0);
  CHECK(badness("IPAddressDeny=any\nIPAddressAllow=localhost\n", Item::AddressDeny) == 2);
}

TEST_CASE("score: what cannot be seen of a process counts as open, and is told apart", "[score]") {
  score::Look look;
  look.process.uid = 1000;
  look.process.seccomp_mode = 2;
  look.process.no_new_privs = true;
  const auto facts = score::facts_of_process(look);
  CHECK(fact(facts, Item::CallsClock).state == Fact::State::Unseen);
  CHECK(fact(facts, Item::PrivateNetwork).state == Fact::State::Unseen);
  CHECK(fact(facts, Item::NoNewPrivileges).badness == 0);
  CHECK(fact(facts, Item::CapAdmin).badness == 0);
  const auto exposure = score::add_up(facts);
  CHECK(exposure.tenths > exposure.at_best);
  CHECK(exposure.unseen > 20);
  look.process.seccomp_mode = 0;
  CHECK(fact(score::facts_of_process(look), Item::CallsClock).badness == 10);
  look.process.namespaces["net"] = "net:[2]";
  look.host["net"] = "net:[1]";
  look.only_loopback = true;
  const auto own = score::facts_of_process(look);
  CHECK(fact(own, Item::PrivateNetwork).badness == 0);
  CHECK(fact(own, Item::AddressDeny).badness == 0);
}

TEST_CASE("score: a root process without a user namespace holds its bounding set", "[score]") {
  score::Look look;
  look.process.bounding = 1ull << 21;  // CAP_SYS_ADMIN
  CHECK(fact(score::facts_of_process(look), Item::CapAdmin).badness == 1);
  look.process.no_new_privs = true;    // nothing can be gained any more
  CHECK(fact(score::facts_of_process(look), Item::CapAdmin).badness == 0);
}
