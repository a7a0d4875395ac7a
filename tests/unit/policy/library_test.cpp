// SPDX-License-Identifier: Apache-2.0
#include "policy/library.h"

#include <catch2/catch.hpp>

#include "policy_files.h"

namespace {

using namespace sbx;
using policy::testing::FakeFiles;

const policy::SearchPath kSearch{{"/own", "/etc/sbx/policies"}, {"/data"}};

std::string file(const std::string& body = "") {
  return "schema = 1\n" + body;
}
std::string extending(const std::string& names) {
  return file("[policy]\nextends = [" + names + "]");
}

std::string names_of(const Result<std::vector<policy::PolicyLayer>>& layers) {
  if (!layers) {
    return to_text(layers.error());
  }
  std::string names;
  for (const auto& layer : *layers) {
    names += (names.empty() ? "" : " ") + layer.name;
  }
  return names;
}

std::string load(FakeFiles& files, const std::string& name) {
  const auto source = files.source();
  const auto found = policy::find_policy(name, kSearch, source);
  return found ? names_of(policy::load_layers(*found, kSearch, source)) : to_text(found.error());
}

}  // namespace

TEST_CASE("the earlier directory's policy is found", "[policy]") {
  FakeFiles files{
      {{"/own/nginx.toml", file()}, {"/data/nginx.toml", file()}, {"/data/curl.toml", file()}}};
  CHECK(policy::find_policy("nginx", kSearch, files.source())->path == "/own/nginx.toml");
  CHECK(policy::find_policy("curl", kSearch, files.source())->path == "/data/curl.toml");
  CHECK(policy::find_policy("./x/my.toml", kSearch, files.source())->name == "my");
  const auto all = policy::list_policies(kSearch, files.source());
  REQUIRE(all.size() == 2);
  CHECK(all[0].name == "curl");
  CHECK(all[1].path == "/own/nginx.toml");
}

TEST_CASE("a policy that cannot be read does not become another one", "[policy]") {
  FakeFiles files{{{"/data/nginx.toml", file()}}, {{"/own/nginx.toml", EACCES}}};
  const auto found = policy::find_policy("nginx", kSearch, files.source());
  REQUIRE(!found);
  CHECK(found.error().errno_value == EACCES);
}

TEST_CASE("unknown policies are errors with a near name", "[policy]") {
  FakeFiles files{{{"/data/nginx.toml", file()}}};
  const auto found = policy::find_policy("ngnix", kSearch, files.source());
  REQUIRE(!found);
  CHECK(found.error().hint == "did you mean nginx?");
  for (const char* bad : {"", "..", "-p", "nginx.local", "a b"}) {
    CHECK(!policy::find_policy(bad, kSearch, files.source()));
  }
}

TEST_CASE("a program's policy is the file of its name", "[policy]") {
  FakeFiles files{{{"/data/nginx.toml", file()}, {"/data/service.toml", file()}}};
  const auto found = policy::policy_for_program("nginx", kSearch, files.source());
  REQUIRE(found);
  REQUIRE(*found);
  CHECK((*found)->name == "nginx");
  // service(8) is a program as well as the name of a shared policy.
  for (const char* none : {"service", "base", "default", "strict", "true", "[", "a b"}) {
    CHECK(!*policy::policy_for_program(none, kSearch, files.source()));
  }
}

TEST_CASE("own policies may name further programs", "[policy]") {
  FakeFiles files{{
      {"/own/web.toml", file("[policy]\nprograms = [\"httpd\", \"apache2\"]")},
      {"/own/broken.toml", "this is no TOML"},
      {"/data/shipped.toml", file("[policy]\nprograms = [\"other\"]")},
  }};
  const auto found = policy::policy_for_program("apache2", kSearch, files.source());
  REQUIRE(found);
  REQUIRE(*found);
  CHECK((*found)->name == "web");
  CHECK(!*policy::policy_for_program("other", kSearch, files.source()));
  // A program without a policy costs no look into the shipped ones.
  files.reads.clear();
  CHECK(!*policy::policy_for_program("true", kSearch, files.source()));
  for (const auto& read : files.reads) {
    CHECK((read.starts_with("/own/") || read.ends_with("/true.toml")));
  }
}

TEST_CASE("layers come in order: base, parents, policy, local", "[policy]") {
  FakeFiles files{{
      {"/data/base.toml", file()},
      {"/data/service.toml", file()},
      {"/data/tls.toml", extending("\"service\"")},
      {"/data/nginx.toml", extending("\"service\", \"tls\", \"base\"")},
      {"/own/nginx.local.toml", file()},
      {"/data/curl.toml", file()},
      {"/data/curl.local.toml", file()},
  }};
  CHECK(load(files, "nginx") == "base service tls nginx nginx.local");
  CHECK(load(files, "curl") == "base curl");  // no local layer in the data directory
  CHECK(load(files, "base") == "base");
}

TEST_CASE("a file given by its path has no local layer and may extend its namesake", "[policy]") {
  FakeFiles files{{
      {"/data/base.toml", file()},
      {"/data/nginx.toml", file()},
      {"/own/nginx.local.toml", file()},
      {"/tmp/x/nginx.toml", extending("\"nginx\"")},
  }};
  CHECK(load(files, "/tmp/x/nginx.toml") == "base nginx nginx");
}

TEST_CASE("circles, depth and unknown parents are errors at their line", "[policy]") {
  FakeFiles files{{
      {"/data/base.toml", file()},
      {"/data/a.toml", extending("\"b\"")},
      {"/data/b.toml", extending("\"c\"")},
      {"/data/c.toml", extending("\"b\"")},
      {"/data/self.toml", extending("\"self\"")},
      {"/data/lost.toml", extending("\"serivce\"")},
      {"/data/service.toml", file()},
      {"/own/a2.toml", file()},
      {"/own/a2.local.toml", extending("\"a\"")},
  }};
  CHECK(load(files, "a").find("in a circle: b → c → b [/data/c.toml:3:12]") != std::string::npos);
  CHECK(load(files, "self").find("self → self") != std::string::npos);
  CHECK(load(files, "lost")
            .find("no policy is named \"serivce\" [/data/lost.toml:3:12]\n"
                  "hint: did you mean service?") != std::string::npos);
  CHECK(load(files, "a2").find("a .local policy cannot extend") != std::string::npos);
  for (int i = 0; i < 40; ++i) {
    files.files["/data/d" + std::to_string(i) + ".toml"] =
        extending("\"d" + std::to_string(i + 1) + "\"");
  }
  CHECK(load(files, "d0").find("nested deeper than 16") != std::string::npos);
}

TEST_CASE("a launch reads few files", "[policy]") {
  FakeFiles files{{{"/data/base.toml", file()}, {"/data/nginx.toml", file()}}};
  CHECK(load(files, "nginx") == "base nginx");
  // Three directories for the policy, three for base, two for the local layer; none twice.
  CHECK(files.reads.size() == 8);
}
