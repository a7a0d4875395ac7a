// SPDX-License-Identifier: Apache-2.0
// The manual page says what the tables say: every verb, every option, every key with its words and
// its description. Whoever changes a key changes docs/sbx.1 too.
#include <string>

#include <catch2/catch.hpp>

#include "base/text.h"
#include "cli/options.h"
#include "host/files.h"
#include "policy/cautions.h"
#include "policy/keys.h"

namespace {

// The page's text: escapes of roff(7) resolved, requests and fonts dropped, lines joined.
std::string manual_text() {
  const auto page = sbx::host::read_file(std::string(SBX_SOURCE_DIR) + "/docs/sbx.1");
  REQUIRE(page);
  std::string text;
  for (std::string line : sbx::split(*page, '\n')) {
    if (line.starts_with('.') && line.find(' ') != std::string::npos) {
      line.erase(0, line.find(' ') + 1);
    }
    text += line + ' ';
  }
  const std::vector<std::pair<std::string, std::string>> kEscapes = {
      {"\\(aq", "'"}, {"\\(ga", "`"}, {"\\(ti", "~"}, {"\\-", "-"}, {"\\&", ""},
      {"\\fB", ""},   {"\\fI", ""},   {"\\fR", ""},   {"\\e", "\\"}};
  for (const auto& [escape, plain] : kEscapes) {
    for (std::size_t at = 0; (at = text.find(escape, at)) != std::string::npos;
         at += plain.size()) {
      text.replace(at, escape.size(), plain);
    }
  }
  return text;
}

}  // namespace

TEST_CASE("manual page: every verb and option") {
  const std::string manual = manual_text();
  for (const sbx::cli::VerbInfo& verb : sbx::cli::verbs()) {
    CHECK_THAT(manual, Catch::Contains("sbx " + std::string(verb.name)));
  }
  for (const sbx::cli::OptionInfo& option : sbx::cli::options()) {
    CHECK_THAT(manual, Catch::Contains(std::string(option.name)));
    CHECK_THAT(manual, Catch::Contains(std::string(option.short_name)));
  }
}

TEST_CASE("manual page: every key, its words, its default, its description") {
  const std::string manual = manual_text();
  for (const sbx::policy::KeyInfo& key : sbx::policy::keys()) {
    const std::string name = std::string(key.table) + "." + std::string(key.name) + " \" (";
    const std::size_t start = manual.find(name);
    CAPTURE(name);
    REQUIRE(start != std::string::npos);
    // Up to the next entry.
    const std::string entry = manual.substr(start, manual.find(".TP", start) - start);
    CHECK_THAT(entry, Catch::Contains(std::string(key.description)));
    CHECK_THAT(entry, Catch::Contains(std::string(key.default_value)));
    for (const std::string& word : sbx::split(key.choices, '|')) {
      CHECK_THAT(entry, Catch::Contains(word));
    }
  }
}

TEST_CASE("manual page: every warning of sbx check") {
  const std::string manual = manual_text();
  for (const sbx::policy::CautionInfo& caution : sbx::policy::cautions()) {
    CHECK_THAT(manual, Catch::Contains(std::string(caution.name)));
    CHECK_THAT(manual, Catch::Contains(std::string(caution.meaning.substr(1)) + "."));
  }
}
