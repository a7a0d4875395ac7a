// SPDX-License-Identifier: Apache-2.0
// Any bytes as a profile of firejail that may include itself. An Error is a good answer; so is a
// policy whose text can be read back.
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "expectations.h"
#include "interop/firejail_profile.h"
#include "policy/toml_reader.h"
#include "policy/toml_writer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  sbx::interop::looks_like_firejail(text, "fuzz.profile");
  sbx::interop::ImportRequest request;
  request.text = text;
  request.source = "/p/fuzz.profile";
  request.name = "fuzz";
  request.home = "/home/somebody";
  request.read = [&](const std::string& path) -> sbx::Result<std::string> {
    if (path == "/p/self.inc") {
      return std::string(text);
    }
    return sbx::Error{"no file", ENOENT, {}, {}};
  };
  request.glob = [](const std::string& pattern) {
    return pattern.size() % 2 == 0 ? std::vector<std::string>{"/usr/bin/a", "/home/somebody/.b"}
                                   : std::vector<std::string>{};
  };
  const auto import = sbx::interop::import_firejail(request);
  if (!import) {
    sbx::fuzz::expect_presentable(import.error());
    return 0;
  }
  const std::string written = sbx::policy::to_toml(import->layer, import->comments);
  const auto layer = sbx::policy::read_toml(written, "fuzz.toml", "fuzz");
  if (!layer) {
    sbx::fuzz::expect_presentable(layer.error());
  }
  return 0;
}
