// SPDX-License-Identifier: Apache-2.0
#include "seccomp/when.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "seccomp/constants.h"
#include "seccomp/syscall_table.h"

namespace sbx::seccomp {
namespace {

constexpr std::size_t kMaxBytes = 4096;
constexpr int kMaxLevels = 32;

enum class TokenKind : std::uint8_t { End, Word, Number, Symbol, String };

struct Token {
  TokenKind kind = TokenKind::End;
  std::string_view text;
  std::size_t position = 0;
};

bool is_word_byte(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
         (byte >= '0' && byte <= '9') || byte == '_';
}

bool is_digit(char byte) {
  return byte >= '0' && byte <= '9';
}

// Decimal, 0x hexadecimal; octal with 0o or, as in C and as modes are printed, with a leading 0.
std::optional<std::uint64_t> parse_constant_number(std::string_view text) {
  if (text.size() < 2 || text[0] != '0' || !(is_digit(text[1]) || text[1] == 'o')) {
    return parse_number(text);
  }
  text.remove_prefix(text[1] == 'o' ? 2 : 1);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 8);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

// The argument of a test, and its mask if there is one.
struct Operand {
  std::uint8_t index = 0;
  ArgumentInfo info;
  std::uint64_t mask = ~0ull;
  bool is_masked = false;
  Token token;
};

class Parser {
 public:
  Parser(std::string_view text, std::string_view syscall, const Origin& origin)
      : text_(text), syscall_(syscall), arguments_(arguments_of(syscall)), origin_(origin) {}

  Result<Condition> parse() {
    if (text_.size() > kMaxBytes) {
      return fail({TokenKind::End, {}, 0},
                  fmt::format("it has {} bytes, at most {} are read", text_.size(), kMaxBytes));
    }
    SBX_TRY(advance());
    auto condition = parse_or();
    if (condition && token_.kind != TokenKind::End) {
      return fail(token_, fmt::format("\"{}\" does not belong here", escape(token_.text)),
                  "join tests with and, or; group them with ( )");
    }
    return condition;
  }

  Result<KnownArguments> parse_call() {
    what_ = "arguments";
    is_call_ = true;
    KnownArguments arguments{};
    if (text_.size() > kMaxBytes) {
      return fail({},
                  fmt::format("there are {} bytes, at most {} are read", text_.size(), kMaxBytes));
    }
    SBX_TRY(advance());
    SBX_TRY(expect("("));
    for (std::size_t next = 0; !at(")"); ++next) {
      if (next > 0) {
        SBX_TRY(expect(","));
      }
      const auto named = parse_item_name();
      if (!named) {
        return named.error();
      }
      SBX_TRY(parse_item(named->value_or(next), arguments));
    }
    SBX_TRY(advance());
    if (token_.kind != TokenKind::End) {
      return fail(token_, fmt::format("\"{}\" does not belong here", escape(token_.text)));
    }
    return arguments;
  }

 private:
  Error fail(const Token& token, std::string_view reason, std::string hint = {}) const {
    Origin origin = origin_;
    if (origin.column > 0) {
      origin.column += static_cast<int>(token.position);
    }
    return Error{
        fmt::format("cannot read the {} \"{}\" of {}: {}", what_, escape(text_), syscall_, reason),
        0, std::move(origin), std::move(hint)};
  }

  std::string found() const {
    return token_.kind == TokenKind::End ? "the end" : "\"" + escape(token_.text) + "\"";
  }

  Status advance() {
    next_ = std::min(text_.find_first_not_of(" \t\r\n", next_), text_.size());
    token_ = {TokenKind::End, {}, next_};
    if (next_ == text_.size()) {
      return {};
    }
    std::size_t length = 0;
    if (is_word_byte(text_[next_])) {
      token_.kind = is_digit(text_[next_]) ? TokenKind::Number : TokenKind::Word;
      while (next_ + length < text_.size() && is_word_byte(text_[next_ + length])) {
        ++length;
      }
    } else if (is_call_ && text_[next_] == '"') {
      token_.kind = TokenKind::String;
      length = string_length(text_.substr(next_));
    } else {
      token_.kind = TokenKind::Symbol;
      length = symbol_length(text_.substr(next_, 2));
      if (is_call_ && text_[next_] == '=') {
        length = 1;
      }
    }
    if (length == 0) {
      return bad_symbol(text_.substr(next_, 2));
    }
    token_.text = text_.substr(next_, length);
    next_ += length;
    return {};
  }

  // Of the symbol at the start of these two bytes; 0 if there is none.
  static std::size_t symbol_length(std::string_view two) {
    if (two == "==" || two == "!=" || two == "<=" || two == ">=") {
      return 2;
    }
    if (two == "&&" || two == "||") {
      return 0;
    }
    return std::string_view("<>&|~(){},-").find(two[0]) == std::string_view::npos ? 0 : 1;
  }

  // With both quotes; 0 if the second is missing.
  static std::size_t string_length(std::string_view text) {
    for (std::size_t i = 1; i < text.size(); ++i) {
      if (text[i] == '"') {
        return i + 1;
      }
      i += text[i] == '\\' ? 1u : 0u;
    }
    return 0;
  }

  Error bad_symbol(std::string_view two) const {
    const std::string_view shown = two == "&&" || two == "||" ? two : two.substr(0, 1);
    return fail(token_, fmt::format("{} is no part of the language", quote(shown)),
                two == "&&"     ? "write and"
                : two == "||"   ? "write or"
                : two[0] == '=' ? "equality is =="
                                : "");
  }

  bool at(std::string_view text) const {
    return token_.kind != TokenKind::End && token_.text == text;
  }

  // "name =" at the start of a call's item; nothing if the item is the next one in order.
  Result<std::optional<std::size_t>> parse_item_name() {
    const bool is_named =
        token_.kind == TokenKind::Word &&
        text_.substr(std::min(text_.find_first_not_of(" \t", next_), text_.size()))
            .starts_with('=');
    if (!is_named) {
      return std::optional<std::size_t>();
    }
    const auto index = find_argument(token_.text);
    if (!index) {
      return fail(token_, fmt::format("it has no argument \"{}\"", token_.text),
                  argument_hint(token_));
    }
    SBX_TRY(advance());
    SBX_TRY(advance());
    return index;
  }

  Status parse_item(std::size_t index, KnownArguments& arguments) {
    if (index >=
        std::min(arguments.size(), arguments_.empty() ? std::size_t{6} : arguments_.size())) {
      return fail(token_,
                  fmt::format("it takes {} argument{}", arguments_.size(),
                              arguments_.size() == 1 ? "" : "s"),
                  argument_hint(token_));
    }
    if (at("_") || token_.kind == TokenKind::String) {
      return advance();  // what an address points to, no filter sees
    }
    if (at("NULL")) {
      arguments[index] = 0;
      return advance();
    }
    const auto value =
        parse_constant(index < arguments_.size() ? arguments_[index] : ArgumentInfo{});
    if (!value) {
      return value.error();
    }
    arguments[index] = *value;
    return {};
  }

  Status expect(std::string_view symbol) {
    if (!at(symbol)) {
      return fail(token_, fmt::format("expected {}, found {}", symbol, found()));
    }
    return advance();
  }

  // Counts nesting, so that a hostile expression cannot exhaust the stack.
  class Level {
   public:
    explicit Level(int& levels) : levels_(levels) { ++levels_; }
    ~Level() { --levels_; }
    Level(const Level&) = delete;
    Level(Level&&) = delete;
    Level& operator=(const Level&) = delete;
    Level& operator=(Level&&) = delete;

   private:
    int& levels_;
  };

  Status check_level() const {
    if (levels_ > kMaxLevels) {
      return fail(token_, fmt::format("it is nested more than {} levels deep", kMaxLevels));
    }
    return {};
  }

  static Condition combine(Condition::Kind kind, std::vector<Condition> operands) {
    if (operands.size() == 1) {
      return std::move(operands.front());
    }
    return Condition{.kind = kind, .test = {}, .operands = std::move(operands)};
  }

  Result<Condition> parse_or() {
    const Level level(levels_);
    SBX_TRY(check_level());
    std::vector<Condition> operands;
    for (;;) {
      auto operand = parse_and();
      if (!operand) {
        return operand;
      }
      operands.push_back(*std::move(operand));
      if (!at("or")) {
        return combine(Condition::Kind::Or, std::move(operands));
      }
      SBX_TRY(advance());
    }
  }

  Result<Condition> parse_and() {
    std::vector<Condition> operands;
    for (;;) {
      auto operand = parse_factor();
      if (!operand) {
        return operand;
      }
      operands.push_back(*std::move(operand));
      if (!at("and")) {
        return combine(Condition::Kind::And, std::move(operands));
      }
      SBX_TRY(advance());
    }
  }

  Result<Condition> parse_factor() {
    if (at("not")) {
      return parse_not();
    }
    if (!at("(")) {
      return parse_test();
    }
    SBX_TRY(advance());
    auto inner = parse_or();
    if (inner) {
      SBX_TRY(expect(")"));
    }
    return inner;
  }

  Result<Condition> parse_not() {
    const Level level(levels_);
    SBX_TRY(check_level());
    SBX_TRY(advance());
    auto operand = parse_factor();
    if (!operand) {
      return operand;
    }
    Condition negated{.kind = Condition::Kind::Not, .test = {}, .operands = {}};
    negated.operands.push_back(*std::move(operand));
    return negated;
  }

  // The position of the argument that this word names.
  std::optional<std::size_t> find_argument(std::string_view word) const {
    for (std::size_t i = 0; i < arguments_.size(); ++i) {
      if (arguments_[i].name == word) {
        return i;
      }
    }
    if (word.size() == 4 && word.starts_with("arg") && word[3] >= '0' && word[3] <= '5') {
      return static_cast<std::size_t>(word[3] - '0');
    }
    return std::nullopt;
  }

  Result<Operand> parse_operand() {
    if (token_.kind != TokenKind::Word) {
      return fail(token_, fmt::format("expected an argument, found {}", found()),
                  argument_hint(token_));
    }
    const auto index = find_argument(token_.text);
    if (!index) {
      return fail(token_, fmt::format("{} has no argument \"{}\"", syscall_, token_.text),
                  argument_hint(token_));
    }
    Operand operand;
    operand.token = token_;
    operand.index = static_cast<std::uint8_t>(*index);
    if (*index < arguments_.size()) {
      operand.info = arguments_[*index];
    }
    SBX_TRY(advance());
    if (at("&")) {
      SBX_TRY(parse_mask(operand));
    }
    return operand;
  }

  Status parse_mask(Operand& operand) {
    SBX_TRY(advance());
    const Token mask_token = token_;
    auto mask = parse_constant(operand.info);
    if (!mask) {
      return std::move(mask).error();
    }
    SBX_TRY(check_width(operand, *mask, mask_token));
    operand.mask = *mask;
    operand.is_masked = true;
    return {};
  }

  std::string argument_hint(const Token& token) const {
    if (arguments_.empty()) {
      return fmt::format("the arguments of {} have no names here: arg0 ... arg5", syscall_);
    }
    std::vector<std::string_view> names;
    std::vector<std::string> listed;
    for (const ArgumentInfo& info : arguments_) {
      names.push_back(info.name);
      listed.emplace_back(info.name);
    }
    if (const auto near = nearest(token.text, names)) {
      return fmt::format("did you mean {}?", *near);
    }
    return fmt::format("its arguments are {}", join(listed, ", "));
  }

  Result<Condition> parse_test() {
    auto operand = parse_operand();
    if (!operand) {
      return std::move(operand).error();
    }
    if (at("in")) {
      return parse_in(*operand);
    }
    const auto compare = comparison_at_token();
    if (!compare) {
      return fail(token_, fmt::format("expected a comparison, found {}", found()),
                  "== != < <= > >= or in { }");
    }
    SBX_TRY(advance());
    return parse_comparison(*operand, *compare);
  }

  std::optional<Compare> comparison_at_token() const {
    static constexpr std::pair<std::string_view, Compare> kOperators[] = {
        {"==", Compare::Equal},     {"!=", Compare::NotEqual}, {"<", Compare::Less},
        {"<=", Compare::LessEqual}, {">", Compare::Greater},   {">=", Compare::GreaterEqual}};
    for (const auto& [text, compare] : kOperators) {
      if (at(text)) {
        return compare;
      }
    }
    return std::nullopt;
  }

  Result<Condition> parse_in(const Operand& operand) {
    SBX_TRY(advance());
    if (!at("{")) {
      return fail(token_, fmt::format("expected {{, found {}", found()));
    }
    std::vector<Condition> tests;
    do {
      SBX_TRY(advance());
      auto test = parse_comparison(operand, Compare::Equal);
      if (!test) {
        return test;
      }
      tests.push_back(*std::move(test));
    } while (at(","));
    if (!at("}")) {
      return fail(token_, fmt::format("expected , or }}, found {}", found()));
    }
    SBX_TRY(advance());
    return combine(Condition::Kind::Or, std::move(tests));
  }

  Result<Condition> parse_comparison(const Operand& operand, Compare compare) {
    const Token value_token = token_;
    auto value = parse_constant(operand.info);
    if (!value) {
      return std::move(value).error();
    }
    SBX_TRY(check_width(operand, *value, value_token));
    SBX_TRY(check_pointer(operand, compare, *value, value_token));
    ArgumentTest test;
    test.argument = operand.index;
    test.width = operand.info.width;
    test.is_signed = operand.info.is_signed && !operand.is_masked;
    test.compare = compare;
    test.mask = operand.mask & operand.info.mask & width_mask(operand.info);
    test.value = *value & width_mask(operand.info);
    if (operand.info.width == 64) {
      test.mask = operand.mask & operand.info.mask;
    }
    const bool is_order = compare != Compare::Equal && compare != Compare::NotEqual;
    if (!is_order && (test.value & ~test.mask) != 0) {
      return fail(value_token,
                  fmt::format("\"{} & {:#x}\" can never equal {:#x}", operand.token.text, test.mask,
                              test.value),
                  "the constant has bits that the mask takes away");
    }
    return Condition{.kind = Condition::Kind::Test, .test = test, .operands = {}};
  }

  static std::uint64_t width_mask(const ArgumentInfo& info) {
    return info.width == 32 ? 0xffff'ffffull : ~0ull;
  }

  // A 32-bit argument takes 0 ... 0xffffffff, and the negative numbers of an int.
  Status check_width(const Operand& operand, std::uint64_t value, const Token& token) const {
    const std::uint64_t upper = value & ~(operand.info.mask & width_mask(operand.info));
    if (upper == 0) {
      return {};
    }
    const bool is_negative_int = operand.info.width == 32 && operand.info.mask > 0xffff &&
                                 upper == 0xffff'ffff'0000'0000 && (value & 0x8000'0000) != 0;
    // A complement such as ~O_CLOEXEC sets all upper bits; what the kernel does not read, a mask
    // need not have.
    const bool is_complement = token.text == "~" || token.text == "-";
    if (is_negative_int || (is_complement && (~value & ~operand.info.mask) == 0)) {
      return {};
    }
    return fail(token, fmt::format("{:#x} does not fit {}, of which the kernel reads {} bits",
                                   value, operand.token.text,
                                   operand.info.mask == 0xffff ? 16 : int{operand.info.width}));
  }

  Status check_pointer(const Operand& operand, Compare compare, std::uint64_t value,
                       const Token& token) const {
    if (!operand.info.is_pointer || (value == 0 && !operand.is_masked &&
                                     (compare == Compare::Equal || compare == Compare::NotEqual))) {
      return {};
    }
    return fail(
        token,
        fmt::format("{} is an address, which can only be compared with 0", operand.token.text),
        "a filter cannot read what an address points to");
  }

  Result<std::uint64_t> parse_constant(const ArgumentInfo& info) {
    const Level level(levels_);
    SBX_TRY(check_level());
    auto value = parse_single(info);
    while (value && at("|")) {
      SBX_TRY(advance());
      auto more = parse_single(info);
      if (!more) {
        return more;
      }
      value = *value | *more;
    }
    return value;
  }

  Result<std::uint64_t> parse_single(const ArgumentInfo& info) {
    if (at("~") || at("-")) {
      return parse_signed(info);
    }
    if (at("(")) {
      return parse_group(info);
    }
    auto value = value_of(token_, info);
    if (value) {
      SBX_TRY(advance());
    }
    return value;
  }

  Result<std::uint64_t> parse_group(const ArgumentInfo& info) {
    SBX_TRY(advance());
    auto value = parse_constant(info);
    if (value) {
      SBX_TRY(expect(")"));
    }
    return value;
  }

  Result<std::uint64_t> parse_signed(const ArgumentInfo& info) {
    const Level level(levels_);
    SBX_TRY(check_level());
    const bool is_complement = at("~");
    SBX_TRY(advance());
    auto value = parse_single(info);
    if (value) {
      value = is_complement ? ~*value : 0 - *value;
    }
    return value;
  }

  Result<std::uint64_t> value_of(const Token& token, const ArgumentInfo& info) const {
    if (token.kind == TokenKind::Number) {
      if (const auto value = parse_constant_number(token.text)) {
        return *value;
      }
      return fail(token, fmt::format("\"{}\" is no number", token.text),
                  token.text[0] == '0' ? "a number that begins with 0 is octal" : "");
    }
    if (token.kind == TokenKind::Word) {
      if (const auto value = constant_value(token.text)) {
        return *value;
      }
      return fail(token, fmt::format("unknown constant \"{}\"", token.text),
                  constant_hint(token.text, info));
    }
    return fail(token, fmt::format("expected a constant, found {}", found()));
  }

  static std::string constant_hint(std::string_view word, const ArgumentInfo& info) {
    if (!info.constants.empty()) {
      if (const auto near = nearest(word, constants_of(info.constants))) {
        return fmt::format("did you mean {}?", *near);
      }
    }
    if (const auto near = nearest(word, constants_of({}))) {
      return fmt::format("did you mean {}?", *near);
    }
    return "a number does as well";
  }

  std::string_view what_ = "condition";
  std::string_view text_;
  std::string_view syscall_;
  std::span<const ArgumentInfo> arguments_;
  Origin origin_;
  Token token_;
  std::size_t next_ = 0;
  int levels_ = 0;
  bool is_call_ = false;  // a call's arguments, not a condition
};

}  // namespace

Result<Condition> parse_when(std::string_view expression, std::string_view syscall,
                             const Origin& origin) {
  return Parser(expression, syscall, origin).parse();
}

Result<KnownArguments> parse_arguments(std::string_view arguments, std::string_view syscall,
                                       const Origin& origin) {
  return Parser(arguments, syscall, origin).parse_call();
}

}  // namespace sbx::seccomp
