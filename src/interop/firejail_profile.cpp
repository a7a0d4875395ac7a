// SPDX-License-Identifier: Apache-2.0
#include "interop/firejail_profile.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <set>

#include "base/path.h"
#include "base/text.h"
#include "interop/layer_draft.h"

namespace sbx::interop {
namespace {

constexpr int kMaxDepth = 16;                 // of includes, as firejail's MAX_INCLUDE_LEVEL
constexpr std::size_t kMaxLineBytes = 8192;   // firejail's MAX_READ
constexpr std::size_t kMaxLines = 50'000;     // of all files together; Debian's longest has 3,000
constexpr std::size_t kMaxFiles = 1'000;
constexpr std::size_t kMaxIgnores = 1'000;

// Conditions whose answer is the administrator's (firejail.config), with the answer that ships.
constexpr std::array<std::pair<std::string_view, bool>, 3> kConfigured{{
    {"BROWSER_DISABLE_U2F", true}, {"BROWSER_ALLOW_DRM", false}, {"ALLOW_TRAY", false}}};

class Reader {
 public:
  explicit Reader(const ImportRequest& request) : request_(request) {}

  Result<std::vector<FirejailLine>> read() {
    SBX_TRY(read_file(request_.text, request_.source, 0));
    return std::move(lines_);
  }

 private:
  Status read_file(std::string_view text, const std::string& source, int depth);
  Status read_line(std::string_view raw, const Origin& origin, int depth);
  Status include(FirejailLine line, int depth);
  bool is_ignored(const std::string& text) const;
  bool holds(const std::string& condition) const;
  void note(const FirejailLine& line);

  const ImportRequest& request_;
  std::vector<FirejailLine> lines_;
  std::vector<std::string> ignores_;
  std::set<std::string> seen_;  // commands that conditions ask about
  // An include stands in many files: each is read once.
  std::map<std::string, std::optional<std::string>> files_;
  std::size_t count_ = 0, included_ = 0;
};

Status Reader::read_file(std::string_view text, const std::string& source, int depth) {
  const SharedText shared(source);
  int number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const Origin origin{shared, ++number, 0};
    if (++count_ > kMaxLines) {
      return Error{"more than " + std::to_string(kMaxLines) + " lines in " + request_.source +
                       " and what it includes",
                   0, origin, "that is no profile"};
    }
    SBX_TRY(read_line(text.substr(0, end), origin, depth));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return {};
}

// "ignore net" takes out "net none", but not "netfilter".
bool Reader::is_ignored(const std::string& text) const {
  return std::any_of(ignores_.begin(), ignores_.end(), [&](const std::string& ignore) {
    return text.starts_with(ignore) && (text.size() == ignore.size() || text[ignore.size()] == ' ');
  });
}

bool Reader::holds(const std::string& condition) const {
  for (const auto& [name, answer] : kConfigured) {
    if (condition == name) {
      return answer;
    }
  }
  const auto saw = [&](const char* command) { return seen_.contains(command); };
  return (condition == "HAS_NET" && saw("net")) || (condition == "HAS_NODBUS" && saw("dbus")) ||
         (condition == "HAS_NOSOUND" && saw("nosound")) ||
         (condition == "HAS_PRIVATE" && saw("private")) || (condition == "HAS_X11" && saw("x11"));
}

void Reader::note(const FirejailLine& line) {
  const bool bus = line.command == "nodbus" || line.command.starts_with("dbus-");
  seen_.insert(bus ? "dbus" : line.command);
}

Status Reader::read_line(std::string_view raw, const Origin& origin, int depth) {
  if (raw.size() > kMaxLineBytes) {
    return Error{"a line of " + std::to_string(raw.size()) + " bytes", 0, origin,
                 "that is no profile of firejail's"};
  }
  FirejailLine line;
  line.text = trim(raw);
  if (const std::size_t comment = line.text.find(" #"); comment != std::string::npos) {
    line.text = trim(std::string_view(line.text).substr(0, comment));
  }
  line.origin = origin;
  if (line.text.empty() || line.text.front() == '#') {
    return {};
  }
  std::string rest = line.text;
  if (rest.front() == '?') {
    const std::size_t colon = rest.find(':');
    const std::string condition = trim(std::string_view(rest).substr(1, std::min(colon, rest.size()) - 1));
    rest = colon == std::string::npos ? std::string() : trim(std::string_view(rest).substr(colon + 1));
    if (rest.empty() || !holds(condition)) {
      line.settled = "the condition " + condition + " does not hold";
    }
  }
  const std::size_t blank = rest.find_first_of(" \t");
  line.command = rest.substr(0, blank);
  line.argument = blank == std::string::npos ? std::string() : trim(std::string_view(rest).substr(blank));
  if (line.settled.empty() && is_ignored(rest)) {
    line.settled = "taken out by an earlier ignore";
  }
  if (line.settled.empty() && line.command == "include") {
    return include(std::move(line), depth);
  }
  if (line.settled.empty() && line.command == "ignore") {
    if (ignores_.size() == kMaxIgnores) {
      return Error{"more than " + std::to_string(kMaxIgnores) + " ignore lines", 0, origin, {}};
    }
    ignores_.push_back(line.argument);
    line.settled = "later lines that say it are left out";
  }
  if (line.settled.empty()) {
    note(line);
  }
  lines_.push_back(std::move(line));
  return {};
}

// As firejail looks for it: the user's own, then the administrator's; the profile's own directory
// first, so that a set of profiles can be imported where it lies.
Status Reader::include(FirejailLine line, int depth) {
  std::string name = line.argument;
  if (name.starts_with("${CFG}/")) {
    name = name.substr(7);
  }
  std::vector<std::string> places{name};
  if (!path::is_absolute(name)) {
    const std::size_t slash = request_.source.rfind('/');
    places = {(slash == std::string::npos ? "" : request_.source.substr(0, slash + 1)) + name};
    if (!request_.home.empty()) {
      places.push_back(request_.home + "/.config/firejail/" + name);
    }
    places.push_back("/etc/firejail/" + name);
  }
  const Origin origin = line.origin;
  if (depth == kMaxDepth || ++included_ > kMaxFiles) {
    return Error{"includes are nested too deeply at " + quote(name), 0, origin,
                 "a file that includes itself?"};
  }
  for (const std::string& place : places) {
    auto known = files_.find(place);
    if (known == files_.end()) {
      auto text = request_.read(place);
      if (!text && text.error().errno_value != ENOENT) {
        return Error{text.error().action, text.error().errno_value, origin, text.error().hint};
      }
      known = files_.emplace(place, text ? std::optional(*std::move(text)) : std::nullopt).first;
    }
    if (known->second) {
      line.settled = "included";
      lines_.push_back(std::move(line));
      return read_file(*known->second, place, depth + 1);
    }
  }
  if (!name.ends_with(".local")) {
    return Error{"cannot find the included file " + quote(name), ENOENT, origin,
                 "it was looked for at " + join(places, ", ")};
  }
  line.settled = "there is no such file, as mostly";
  lines_.push_back(std::move(line));
  return {};
}

}  // namespace

Result<std::vector<FirejailLine>> read_firejail(const ImportRequest& request) {
  return Reader(request).read();
}

bool looks_like_firejail(std::string_view text, std::string_view source) {
  constexpr std::array<std::string_view, 6> kTelling{"include ", "noblacklist ", "blacklist ", "caps.drop ",
                                                     "whitelist ", "private-bin "};
  if (source.ends_with(".toml")) {
    return false;
  }
  int lines = 0;
  while (!text.empty() && ++lines < 200) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    if (line.starts_with("# Firejail profile") ||
        std::any_of(kTelling.begin(), kTelling.end(), [&](auto word) { return line.starts_with(word); })) {
      return true;
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return source.ends_with(".profile");
}

}  // namespace sbx::interop
