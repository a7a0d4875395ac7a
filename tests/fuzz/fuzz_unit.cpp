// SPDX-License-Identifier: Apache-2.0
// Any bytes as a service unit with itself as its drop-in. An Error is a good answer; so are a policy
// whose text can be read back, a weight from 0.0 to 10.0, and words that survive being quoted.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "expectations.h"
#include "interop/service_unit.h"
#include "interop/systemd_unit.h"
#include "policy/toml_reader.h"
#include "policy/toml_writer.h"
#include "score/exposure.h"
#include "score/unit.h"

namespace {

using sbx::fuzz::expect;

void weigh(const std::vector<sbx::interop::UnitLine>& lines) {
  const auto exposure = sbx::score::add_up(sbx::score::facts_of_unit(lines, sbx::seccomp::Arch::X86_64));
  expect(exposure.tenths <= 100 && exposure.at_best <= exposure.tenths, "an exposure is from 0.0 to 10.0");
}

void quote_words(const std::vector<sbx::interop::UnitLine>& lines) {
  for (const auto& line : lines) {
    const auto words = sbx::interop::unit_words(line.value);
    for (const std::string& word : words.value_or(std::vector<std::string>())) {
      // A "$" is doubled as well, and systemd takes the second away; the words here keep it.
      const bool plain = word.find_first_of("$\r\a\b\f\v") == std::string::npos;
      const auto back = sbx::interop::expand_specifiers(sbx::interop::exec_word(word), "u.service");
      expect(!plain || (back && sbx::interop::unit_words(*back) == std::vector<std::string>{word}), "a quoted word is one word");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  sbx::interop::looks_like_unit(text, "fuzz");
  sbx::interop::ImportRequest request;
  request.text = text;
  request.source = "/u/fuzz-it@i.service";
  request.name = "fuzz";
  request.read = [&](const std::string&) -> sbx::Result<std::string> { return std::string(text); };
  request.glob = [](const std::string& pattern) {
    return pattern.find("fuzz-.service") != std::string::npos ? std::vector<std::string>{"/u/fuzz-.service.d/a.conf"}
                                                              : std::vector<std::string>{};
  };
  const auto lines = sbx::interop::read_whole_unit(text, request.source, {request.read, request.glob});
  const auto import = sbx::interop::import_unit(request);
  expect(bool(lines) == bool(import), "what can be read can be imported");
  if (!import) {
    sbx::fuzz::expect_presentable(import.error());
    return 0;
  }
  expect(import->findings.size() == lines->size(), "every line has a finding");
  weigh(*lines);
  quote_words(*lines);
  const std::string written = sbx::policy::to_toml(import->layer, import->comments);
  const auto layer = sbx::policy::read_toml(written, "fuzz.toml", "fuzz");
  if (!layer) {
    sbx::fuzz::expect_presentable(layer.error());
  }
  return 0;
}
