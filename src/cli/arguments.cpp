// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.h"

#include <algorithm>

#include "base/text.h"

namespace sbx::cli {
namespace {

using Known = std::vector<const OptionInfo*>;

const OptionInfo* find_long(const Known& known, std::string_view name) {
  for (const OptionInfo* option : known) {
    if (option->name == name) {
      return option;
    }
  }
  return nullptr;
}

const OptionInfo* find_short(const Known& known, char letter) {
  for (const OptionInfo* option : known) {
    if (option->short_name.size() == 2 && option->short_name[1] == letter) {
      return option;
    }
  }
  return nullptr;
}

Error no_such_option(Verb verb, const Known& known, std::string_view name) {
  std::vector<std::string_view> names;
  for (const OptionInfo* option : known) {
    names.push_back(option->name);
  }
  const std::string help = "see sbx " + std::string(info(verb).name) + " --help";
  const auto near = name.starts_with("--") ? nearest(name, names) : std::nullopt;
  return Error{.action = "there is no option " + std::string(name) + " of sbx " +
                         std::string(info(verb).name),
               .hint = near ? "did you mean " + *near + "? (" + help + ")" : help};
}

Error needs_value(Verb verb, const OptionInfo& option) {
  return Error{.action = std::string(option.name) + " needs a value",
               .hint = "write " + std::string(option.name) + " " + std::string(option.value) +
                       " (see sbx " + std::string(info(verb).name) + " --help)"};
}

void note(const OptionInfo* option, Known& named) {
  if (std::find(named.begin(), named.end(), option) == named.end()) {
    named.push_back(option);
  }
}

// True if the value is the next word.
Result<bool> read_long(Verb verb, const Known& known, std::string_view word, Known& named) {
  const std::size_t equals = word.find('=');
  const OptionInfo* option = find_long(known, word.substr(0, equals));
  if (option == nullptr) {
    return no_such_option(verb, known, word.substr(0, equals));
  }
  note(option, named);
  const bool has_value = equals != std::string_view::npos;
  if (has_value && option->value.empty()) {
    return Error{.action = std::string(option->name) + " takes no value",
                 .hint = "write " + std::string(option->name) + " alone"};
  }
  if (has_value && equals + 1 == word.size()) {
    return needs_value(verb, *option);
  }
  return !has_value && !option->value.empty();
}

// "-q", "-pNAME", "-qp NAME": flags, then at most one option with a value.
Result<bool> read_short(Verb verb, const Known& known, std::string_view word, Known& named) {
  for (std::size_t i = 1; i < word.size(); ++i) {
    const OptionInfo* option = find_short(known, word[i]);
    if (option == nullptr) {
      return no_such_option(verb, known, "-" + std::string(1, word[i]));
    }
    note(option, named);
    if (!option->value.empty()) {
      return i + 1 == word.size();
    }
  }
  return false;
}

}  // namespace

Result<Arguments> split_arguments(Verb verb, std::span<const std::string> words) {
  const Known known = options_of(verb);
  Arguments split;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    const bool is_option = word.size() > 1 && word[0] == '-';
    const bool is_command = verb == Verb::Run || verb == Verb::Learn ||
                            (verb == Verb::Minimize && !split.operands.empty());
    if (word == "--" || (!is_option && is_command)) {
      const auto rest = words.subspan(word == "--" ? i + 1 : i);
      split.operands.insert(split.operands.end(), rest.begin(), rest.end());
      return split;
    }
    if (!is_option) {
      split.operands.push_back(word);
      continue;
    }
    const auto takes_next = word.starts_with("--") ? read_long(verb, known, word, split.named)
                                                   : read_short(verb, known, word, split.named);
    if (!takes_next) {
      return takes_next.error();
    }
    split.options.push_back(word);
    if (*takes_next) {
      if (i + 1 == words.size() || words[i + 1].empty()) {
        const OptionInfo* option =
            word.starts_with("--") ? find_long(known, word) : find_short(known, word.back());
        return needs_value(verb, *option);
      }
      split.options.push_back(words[++i]);
    }
  }
  return split;
}

}  // namespace sbx::cli
