// SPDX-License-Identifier: Apache-2.0
#include "events/notice.h"

#include <csignal>

#include <catch2/catch.hpp>

using namespace sbx::events;

namespace {

Event denied() {
  Denied call;
  call.id = 1;
  call.call = "ptrace";
  call.number = 101;
  call.actor = {"pro\nbe", "/opt/probe", "probe", 2, 4713, 4713};
  call.rule = "not in allow";
  call.answer = "EPERM";
  return {1, "r", "strict", call};
}

}  // namespace

TEST_CASE("a denial goes to the journal with fields to search for") {
  const std::string datagram = journal_datagram(denied());
  CHECK(datagram.find("MESSAGE=denied ptrace() [101] by pro\\nbe (pid 2, thread probe); policy: ") == 0);
  CHECK(datagram.find("\nPRIORITY=4\n") != std::string::npos);
  CHECK(datagram.find("\nSBX_SYSCALL=ptrace\n") != std::string::npos);
  CHECK(datagram.find("\nSBX_POLICY=strict\n") != std::string::npos);
  CHECK(datagram.find("\nSBX_PROGRAM=pro\\nbe\n") != std::string::npos);  // it cannot make a field
  CHECK(datagram.find("\nMESSAGE_ID=") != std::string::npos);
}

TEST_CASE("syslog gets one line with facility and severity") {
  CHECK(syslog_datagram(denied(), "Nov 24 09:14:08", 7).find("<12>Nov 24 09:14:08 sbx[7]: denied ptrace") ==
        0);
  Crashed crashed;
  crashed.signal = SIGSEGV;
  const Event crash{1, "r", "strict", crashed};
  CHECK(syslog_datagram(crash, "t", 7).find("<11>") == 0);
  CHECK(syslog_datagram(denied(), "t", 7).find('\n') == std::string::npos);
}

TEST_CASE("a start and an end are nobody's business but the user's") {
  CHECK(is_notable(denied()));
  CHECK_FALSE(is_notable({1, "r", "p", Started{}}));
  CHECK_FALSE(is_notable({1, "r", "p", Ended{}}));
  CHECK(is_notable({1, "r", "p", Restarted{}}));
}
