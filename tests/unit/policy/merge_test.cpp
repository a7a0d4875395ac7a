// SPDX-License-Identifier: Apache-2.0
#include "policy/merge.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>

#include "policy/toml_reader.h"
#include "policy/value.h"

namespace {

using namespace sbx;
using policy::Key;
using policy::PolicyLayer;

PolicyLayer layer(const std::string& text, const std::string& name = "x") {
  auto read = policy::read_toml("schema = 1\n" + text, name + ".toml", name);
  INFO((read ? "" : to_text(read.error())));
  REQUIRE(read);
  return std::move(*read);
}

policy::Policy merged(const std::vector<PolicyLayer>& layers) {
  auto result = policy::merge(layers);
  INFO((result ? "" : to_text(result.error())));
  REQUIRE(result);
  return std::move(*result);
}

std::string failure(const std::vector<PolicyLayer>& layers) {
  const auto result = policy::merge(layers);
  REQUIRE(!result);
  return to_text(result.error());
}

std::vector<std::string> values_of(const std::vector<policy::LayeredName>& names) {
  std::vector<std::string> values;
  for (const auto& name : names) {
    values.push_back(name.value + "@" + std::to_string(name.layer));
  }
  return values;
}

std::vector<std::string> places_of(const std::vector<policy::LayeredPath>& paths) {
  std::vector<std::string> places;
  for (const auto& path : paths) {
    places.push_back(path.entry.path);
  }
  return places;
}

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE("a policy of no layers is complete and built in", "[policy]") {
  const policy::Policy policy = merged({});
  CHECK(policy.wx == policy::Text{"deny", {"built in"}});
  CHECK(policy.memfd.value == "deny");
  CHECK(policy.seccomp_default.value == "deny");
  CHECK(policy.network_mode.value == "private");
  CHECK(policy.home.value == "none");
  CHECK(policy.env_pass.value == "safe");
  CHECK(policy.on_violation.value == "errno");
  CHECK(policy.single_uid.value == "map");
  CHECK(policy.allow.empty());
  CHECK(policy.limits.empty());
}

TEST_CASE("of scalars the later layer wins and keeps its origin", "[policy]") {
  const auto policy = merged({layer("[filesystem]\nhome = \"private\"\n[limits]\ncore = 0", "a"),
                              layer("[filesystem]\nhome = \"read\"", "b")});
  CHECK(policy.home == policy::Text{"read", {"b.toml", 3, 8}});
  CHECK(policy.limits.at(Key::LimitsCore).origin.source == "a.toml");
  CHECK(policy.name == "b");
  CHECK(policy.sources == Strings{"a.toml", "b.toml"});
}

TEST_CASE("lists append and remember their layer", "[policy]") {
  const auto policy =
      merged({layer("[seccomp]\nallow = [\"read\", \"@io-event\"]\ndeny = [\"ptrace\"]"),
              layer("[seccomp]\nallow = [\"write\"]\n[[seccomp.rule]]\n"
                    "syscall = \"socket\"\naction = \"deny\"")});
  CHECK(values_of(policy.allow) == Strings{"read@0", "@io-event@0", "write@1"});
  CHECK(values_of(policy.deny) == Strings{"ptrace@0"});
  REQUIRE(policy.rules.size() == 1);
  CHECK(policy.rules[0].layer == 1);
}

TEST_CASE("arguments are replaced as a whole", "[policy]") {
  const auto policy =
      merged({layer("[command]\nargs = [\"-a\", \"-b\"]"), layer("[command]\nargs = [\"-c\"]")});
  REQUIRE(policy.args.size() == 1);
  CHECK(policy.args[0].value == "-c");
}

TEST_CASE("remove takes entries of earlier layers away, not of its own", "[policy]") {
  const auto policy = merged(
      {layer("[seccomp]\nallow = [\"read\", \"write\"]\n[filesystem]\nread = [\"/usr\", \"/opt\"]\n"
             "[environment]\nset = { A = \"1\", B = \"2\" }\n[network]\npublish = [\"8080:80\"]\n"
             "[[seccomp.rule]]\nsyscalls = [\"bind\", \"connect\"]\naction = \"deny\"\n"
             "[[seccomp.rule]]\nsyscall = \"connect\"\naction = \"kill\"\n"),
       layer("[seccomp]\nallow = [\"write\"]\n[remove]\nseccomp.allow = [\"write\"]\n"
             "filesystem.read = [\"/opt/\"]\nenvironment.set = [\"A\"]\n"
             "network.publish = [\"8080:80\"]\nseccomp.rule = [\"connect\"]\n")});
  CHECK(values_of(policy.allow) == Strings{"read@0", "write@1"});
  CHECK(places_of(policy.read) == Strings{"/usr"});
  CHECK(policy.env_set.count("A") == 0);
  CHECK(policy.env_set.count("B") == 1);
  CHECK(policy.publish.empty());
  REQUIRE(policy.rules.size() == 1);
  REQUIRE(policy.rules[0].rule.syscalls.size() == 1);
  CHECK(policy.rules[0].rule.syscalls[0].value == "bind");
}

TEST_CASE("a layer that inherits no calls is complete in itself", "[policy]") {
  const auto earlier = layer(
      "[seccomp]\ndefault = \"kill\"\nallow = [\"@floor\"]\ndeny = [\"read\"]\n"
      "[[seccomp.rule]]\nsyscall = \"socket\"\naction = \"deny\"\n");
  const auto alone = layer("[seccomp]\ninherit = false\nallow = [\"write\"]\n");
  const auto policy = merged({earlier, alone, layer("[seccomp]\nallow = [\"exit\"]\n")});
  CHECK(values_of(policy.allow) == Strings{"write@1", "exit@2"});
  CHECK(policy.deny.empty());
  CHECK(policy.rules.empty());
  CHECK(policy.seccomp_default.value == "deny");
  // A later layer that says nothing of it, or the default, gives nothing back.
  const auto combined = policy::combine(alone, layer("[seccomp]\ninherit = true\n"));
  CHECK(values_of(merged({earlier, combined}).allow) == Strings{"write@1"});
}

TEST_CASE("a removal that hits nothing is an error", "[policy]") {
  const auto base = layer("[seccomp]\nallow = [\"read\"]\n[filesystem]\nread = [\"/usr\"]");
  for (const char* removal : {"seccomp.allow = [\"raed\"]", "seccomp.deny = [\"read\"]",
                              "filesystem.read = [\"/usr/lib\"]", "filesystem.hide = [\"/usr\"]",
                              "environment.set = [\"A\"]", "seccomp.rule = [\"read\"]"}) {
    CHECK(failure({base, layer(std::string("[remove]\n") + removal)}).find("no earlier layer") !=
          std::string::npos);
  }
}

TEST_CASE("a later path entry replaces the earlier one for the same place", "[policy]") {
  const auto policy = merged(
      {layer("[filesystem]\nread = [\"/srv/www\", \"/opt\"]\ntmpfs = [\"/run\"]"),
       layer("[filesystem]\nwrite = [\"/srv/www\", { path = \"/home/x/run\", at = \"/run\" }]\n"
             "hide = [\"/opt\"]")});
  CHECK(policy.read.empty());
  CHECK(policy.tmpfs.empty());
  CHECK(places_of(policy.write) == Strings{"/srv/www", "/home/x/run"});
  CHECK(places_of(policy.hide) == Strings{"/opt"});
}

TEST_CASE("a later published port replaces the earlier one for the same port inside", "[policy]") {
  const auto policy = merged({layer("[network]\npublish = [\"127.0.0.1:8080:80\", \"8443:443\"]"),
                              layer("[network]\npublish = [\"[::1]:9090:80/tcp\"]")});
  REQUIRE(policy.publish.size() == 2);
  CHECK(policy.publish[0].value == "8443:443");
  CHECK(policy.publish[1].value == "[::1]:9090:80/tcp");
}

TEST_CASE("one layer may publish a port for both families", "[policy]") {
  const auto both = layer("[network]\npublish = [\"8080:80\", \"[::1]:8080:80\"]");
  CHECK(merged({both}).publish.size() == 2);
  CHECK(merged({both, layer("[network]\npublish = [\"9090:80\"]")}).publish.size() == 1);
}

TEST_CASE("what a later layer says of a variable holds alone", "[policy]") {
  const auto policy =
      merged({layer("[environment]\nkeep = [\"A\", \"B\"]\nunset = [\"C\"]\nset = { D = \"1\" }"),
              layer("[environment]\nkeep = [\"C\"]\nunset = [\"A\", \"D\"]\nset = { B = \"2\" }")});
  REQUIRE(policy.env_keep.size() == 1);
  CHECK(policy.env_keep[0].value == "C");
  CHECK(policy.env_unset.size() == 2);
  CHECK(policy.env_set.size() == 1);
  CHECK(policy.env_set.count("B") == 1);
}

TEST_CASE("contradictions within a layer are errors", "[policy]") {
  struct Row {
    std::string text;
    std::string part;
  };
  const auto row = GENERATE(values<Row>({
      {"[seccomp]\nallow = [\"read\"]\ndeny = [\"read\"]", "both name \"read\""},
      {"[environment]\nkeep = [\"A\"]\nunset = [\"A\"]", "both name \"A\""},
      {"[environment]\nkeep = [\"A\"]\nset = { A = \"1\" }", "both name \"A\""},
      {"[filesystem]\nread = [\"/a\"]\nwrite = [\"/a\"]", "both name \"/a\""},
      {"[filesystem]\nread = [\"/a\", { path = \"/b\", at = \"/a\" }]", "twice"},
  }));
  CHECK(failure({layer(row.text)}).find(row.part) != std::string::npos);
}

TEST_CASE("values of the command line are checked as those of files", "[policy]") {
  PolicyLayer bad{"command line", "", {}, {}};
  bad.values[Key::NetworkMode] = policy::Text{"hots", {"--net hots"}};
  CHECK(failure({bad}).find("[--net hots]") != std::string::npos);
  bad.values[Key::NetworkMode] = policy::Number{1, {"--net"}};
  CHECK(failure({bad}).find("wrong type") != std::string::npos);
}

TEST_CASE("a policy goes by its own name under its local layer and the command line", "[policy]") {
  PolicyLayer options{"command line", "", {}, {}};
  CHECK(merged({layer("", "base"), layer("", "nginx"), layer("", "nginx.local"), options}).name ==
        "nginx");
}

namespace {

// Random layers over a small vocabulary, so that they meet often.
class Layers {
 public:
  explicit Layers(unsigned seed) : random_(seed) {}

  PolicyLayer next(const std::string& name) {
    PolicyLayer made{name, name + ".toml", {}, {}};
    for (const Key key : {Key::SeccompAllow, Key::SeccompDeny}) {
      made.values[key] = names(name, {"read", "write", "@io-event", "ptrace", "bpf"});
    }
    // No name in both: that is an error within one layer.
    auto& deny = std::get<std::vector<policy::Text>>(made.values[Key::SeccompDeny]);
    const auto& allow = std::get<std::vector<policy::Text>>(made.values[Key::SeccompAllow]);
    deny.erase(std::remove_if(deny.begin(), deny.end(),
                              [&](const policy::Text& text) {
                                return std::any_of(allow.begin(), allow.end(), [&](const auto& a) {
                                  return a.value == text.value;
                                });
                              }),
               deny.end());
    add_paths(made, name);
    add_variables(made, name);
    if (flip()) {
      made.values[Key::FilesystemHome] = policy::Text{flip() ? "private" : "none", {name}};
    }
    if (flip()) {
      made.values[Key::NetworkPublish] = std::vector<policy::Text>{
          {std::to_string(8000 + pick(3)) + ":" + std::to_string(80 + pick(2)), {name}}};
    }
    if (flip()) {
      made.values[Key::SeccompRules] = std::vector<policy::SeccompRule>{
          {names(name, {"socket", "bind"}, 1), {}, {"deny", {name}}, {name}}};
    }
    for (auto value = made.values.begin(); value != made.values.end();) {
      const auto* list = std::get_if<std::vector<policy::Text>>(&value->second);
      value = list != nullptr && list->empty() ? made.values.erase(value) : std::next(value);
    }
    return made;
  }

  // Removals of what the layers so far have.
  void add_removals(PolicyLayer& made, const policy::Policy& before) {
    for (const auto& name : before.allow) {
      remove(made, Key::SeccompAllow, name.value);
    }
    for (const auto& name : before.deny) {
      remove(made, Key::SeccompDeny, name.value);
    }
    for (const auto& path : before.read) {
      remove(made, Key::FilesystemRead, path.entry.path);
    }
    for (const auto& path : before.hide) {
      remove(made, Key::FilesystemHide, path.entry.path);
    }
    for (const auto& name : before.env_keep) {
      remove(made, Key::EnvironmentKeep, name.value);
    }
    for (const auto& entry : before.publish) {
      remove(made, Key::NetworkPublish, entry.value);
    }
    for (const auto& rule : before.rules) {
      for (const auto& name : rule.rule.syscalls) {
        remove(made, Key::SeccompRules, name.value);
      }
    }
  }

 private:
  bool flip() { return pick(2) == 0; }
  std::size_t pick(std::size_t bound) { return random_() % bound; }

  void remove(PolicyLayer& made, Key key, const std::string& value) {
    auto& list = made.removed[key];
    const bool known = std::any_of(list.begin(), list.end(),
                                   [&](const auto& text) { return text.value == value; });
    if (!known && pick(4) == 0) {
      list.push_back({value, {made.name}});
    }
    if (list.empty()) {
      made.removed.erase(key);
    }
  }

  std::vector<policy::Text> names(const std::string& origin, const Strings& words,
                                  std::size_t least = 0) {
    std::vector<policy::Text> some;
    for (const auto& word : words) {
      if (flip()) {
        some.push_back({word, {origin}});
      }
    }
    if (some.size() < least) {
      some.push_back({words[0], {origin}});
    }
    return some;
  }

  void add_paths(PolicyLayer& made, const std::string& name) {
    for (const char* place : {"/a", "/b", "/c"}) {
      if (flip()) {
        constexpr Key kKeys[] = {Key::FilesystemRead, Key::FilesystemWrite, Key::FilesystemHide};
        auto& value =
            made.values.try_emplace(kKeys[pick(3)], std::vector<policy::PathEntry>{}).first->second;
        std::get<std::vector<policy::PathEntry>>(value).push_back({place, "", false, {name}});
      }
    }
  }

  void add_variables(PolicyLayer& made, const std::string& name) {
    for (const char* variable : {"A", "B"}) {
      switch (pick(4)) {
        case 0:
          std::get<std::vector<policy::Text>>(
              made.values.try_emplace(Key::EnvironmentKeep, std::vector<policy::Text>{})
                  .first->second)
              .push_back({variable, {name}});
          break;
        case 1:
          std::get<std::vector<policy::Text>>(
              made.values.try_emplace(Key::EnvironmentUnset, std::vector<policy::Text>{})
                  .first->second)
              .push_back({variable, {name}});
          break;
        case 2:
          std::get<std::map<std::string, policy::Text>>(
              made.values.try_emplace(Key::EnvironmentSet, std::map<std::string, policy::Text>{})
                  .first->second)[variable] = {"1", {name}};
          break;
        default:
          break;
      }
    }
  }

  std::mt19937 random_;
};

// Merging gives numbers to layers, combining does not.
policy::Policy without_layers(policy::Policy policy) {
  for (auto* names : {&policy.allow, &policy.deny}) {
    for (auto& name : *names) {
      name.layer = 0;
    }
  }
  for (auto* paths : {&policy.read, &policy.write, &policy.tmpfs, &policy.hide, &policy.create}) {
    for (auto& path : *paths) {
      path.layer = 0;
    }
  }
  for (auto& rule : policy.rules) {
    rule.layer = 0;
  }
  return policy;
}

bool same(const policy::Policy& one, const policy::Policy& other) {
  return one.allow == other.allow && one.deny == other.deny && one.rules == other.rules &&
         one.read == other.read && one.write == other.write && one.hide == other.hide &&
         one.publish == other.publish && one.env_keep == other.env_keep &&
         one.env_unset == other.env_unset && one.env_set == other.env_set && one.home == other.home;
}

}  // namespace

TEST_CASE("merging random layers is associative", "[policy][property]") {
  for (unsigned seed = 0; seed < 3000; ++seed) {
    Layers random(seed);
    std::vector<PolicyLayer> layers;
    for (const char* name : {"a", "b", "c", "d"}) {
      PolicyLayer next = random.next(name);
      if (!layers.empty()) {
        random.add_removals(next, merged(layers));
      }
      layers.push_back(std::move(next));
    }
    using policy::combine;
    const PolicyLayer left = combine(combine(combine(layers[0], layers[1]), layers[2]), layers[3]);
    const PolicyLayer right = combine(layers[0], combine(layers[1], combine(layers[2], layers[3])));
    const PolicyLayer middle =
        combine(combine(layers[0], layers[1]), combine(layers[2], layers[3]));
    INFO("seed " << seed);
    REQUIRE(left == right);
    REQUIRE(left == middle);
    PolicyLayer alone = left;
    alone.removed.clear();
    // One layer may hold what only two could say: allow and deny of the same call.
    for (const Key key : {Key::SeccompAllow, Key::SeccompDeny}) {
      alone.values.erase(key);
    }
    const auto at_once = without_layers(merged(layers));
    auto combined = merged({alone});
    combined.allow = at_once.allow;
    combined.deny = at_once.deny;
    REQUIRE(same(without_layers(combined), at_once));
  }
}

TEST_CASE("no deny and no allow disappears but by a removal", "[policy][property]") {
  for (unsigned seed = 0; seed < 3000; ++seed) {
    Layers random(seed);
    std::vector<PolicyLayer> layers;
    for (const char* name : {"a", "b", "c"}) {
      PolicyLayer next = random.next(name);
      if (!layers.empty()) {
        random.add_removals(next, merged(layers));
      }
      layers.push_back(std::move(next));
    }
    const policy::Policy policy = merged(layers);
    for (const Key key : {Key::SeccompDeny, Key::SeccompAllow}) {
      const auto& kept = key == Key::SeccompDeny ? policy.deny : policy.allow;
      for (std::size_t i = 0; i < layers.size(); ++i) {
        const auto found = layers[i].values.find(key);
        if (found == layers[i].values.end()) {
          continue;
        }
        for (const auto& name : std::get<std::vector<policy::Text>>(found->second)) {
          bool removed = false;
          for (std::size_t later = i + 1; later < layers.size(); ++later) {
            const auto removals = layers[later].removed.find(key);
            removed = removed ||
                      (removals != layers[later].removed.end() &&
                       std::any_of(removals->second.begin(), removals->second.end(),
                                   [&](const auto& text) { return text.value == name.value; }));
          }
          const bool there = std::any_of(kept.begin(), kept.end(), [&](const auto& entry) {
            return entry.value == name.value && entry.layer == static_cast<int>(i);
          });
          INFO("seed " << seed << " layer " << i << " " << name.value);
          REQUIRE(there == !removed);
        }
      }
    }
  }
}
