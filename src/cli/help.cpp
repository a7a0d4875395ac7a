// SPDX-License-Identifier: Apache-2.0
#include "cli/help.h"

#include "base/text.h"

namespace sbx::cli {
namespace {

constexpr std::size_t kColumn = 34;  // where descriptions start
constexpr std::size_t kWidth = 90;

// Columns on a terminal: bytes that continue a UTF-8 sequence take none.
std::size_t columns(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) {
    count += (static_cast<unsigned char>(c) & 0xc0) != 0x80 ? 1 : 0;
  }
  return count;
}

// `text` from the present column on, broken at blanks.
void append_wrapped(std::string& out, std::string_view text, std::size_t column) {
  for (const std::string& word : split(text, ' ')) {
    if (column > kColumn && column + 1 + columns(word) > kWidth) {
      out += "\n" + std::string(kColumn, ' ');
      column = kColumn;
    }
    if (column > kColumn) {
      out += ' ';
      ++column;
    }
    out += word;
    column += columns(word);
  }
  out += '\n';
}

void append_entry(std::string& out, const std::string& left, std::string_view text) {
  out += left;
  std::size_t column = columns(left);
  if (column + 2 > kColumn) {
    out += '\n';
    column = 0;
  }
  out += std::string(kColumn - column, ' ');
  append_wrapped(out, text, kColumn);
}

std::string left_side(const OptionInfo& option) {
  std::string left = "  ";
  left += option.short_name.empty() ? "    " : std::string(option.short_name) + ", ";
  left += option.name;
  if (!option.value.empty()) {
    left.append(" ").append(option.value);
  }
  return left;
}

std::string describe(const OptionInfo& option) {
  std::string text(option.description);
  const bool is_limit = option.option == Option::Limit;
  if (const auto words = words_of(option); !words.empty()) {
    text += is_limit ? "; NAME is one of " : " (";
    text += join(words, is_limit ? " " : ", ");
    text += is_limit ? "" : ")";
  }
  if (option.repeatable) {
    text += " (repeatable)";
  }
  return text;
}

std::string indented(std::string_view lines) {
  std::string out;
  for (const std::string& line : split(lines, '\n')) {
    out += line.empty() ? "" : "  " + line + "\n";
  }
  return out;
}

}  // namespace

std::string overview() {
  std::string out =
      "sbx runs one command with the least it needs: its own namespaces, a minimal file system,\n"
      "no capabilities, no writable and executable memory, and only the system calls that its\n"
      "policy allows. It needs no root and no setuid program.\n\n"
      "Usage: sbx VERB [OPTION]… [ARGUMENT]…\n\nVerbs:\n";
  for (const VerbInfo& verb : verbs()) {
    append_entry(out, "  " + std::string(verb.name), verb.summary);
  }
  out +=
      "\nTo begin:\n"
      "  sbx doctor                  # can this host run sandboxes?\n"
      "  sbx run ls -l /             # a command under the default policy\n"
      "  sbx run --dry-run ls        # what that would do, line by line\n"
      "  sbx run nginx               # a program with a policy of its own\n"
      "  sbx run --rw . -- make      # let it write below this directory\n"
      "  sbx list                    # the policies there are\n"
      "\n`sbx VERB --help` explains a verb; `man sbx` has it all, with the policy language.\n";
  return out;
}

std::string help_text(Verb verb) {
  const VerbInfo& about = info(verb);
  std::string out = "Usage: sbx " + std::string(about.name);
  out += verb == Verb::Run ? " " : " [OPTION]… ";
  out.append(about.operands);
  while (out.ends_with(' ')) {
    out.pop_back();
  }
  out += "\n\n";
  out.append(about.text);
  std::string_view group;
  for (const OptionInfo* option : options_of(verb)) {
    if (option->group != group) {
      group = option->group;
      out.append("\n").append(group).append(":\n");
    }
    append_entry(out, left_side(*option), describe(*option));
  }
  out += "\nExamples:\n" + indented(about.examples);
  if (verb == Verb::Run) {
    out +=
        "\nExit status: the command's own; 128+N if signal N ended it; 124 time limit; 125 sbx\n"
        "failed before the command ran; 126 it cannot be executed; 127 it was not found.\n";
  }
  return out;
}

}  // namespace sbx::cli
