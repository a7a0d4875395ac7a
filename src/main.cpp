// SPDX-License-Identifier: Apache-2.0
// argv → a verb → an exit status. The only place that prints an Error.
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "cli/excerpt.h"
#include "cli/output.h"
#include "cli/parse.h"
#include "cli/policies.h"
#include "cli/verbs.h"

namespace {

using sbx::Result;
using sbx::cli::Command;
using sbx::cli::Verb;

Result<int> dispatch(Command command) {
  switch (command.verb) {
    case Verb::Run:
      return sbx::cli::run(std::move(command));
    case Verb::Learn:
      return sbx::cli::learn(command);
    case Verb::Minimize:
      return sbx::cli::minimize(std::move(command));
    case Verb::Check:
      return sbx::cli::check(command);
    case Verb::Show:
      return sbx::cli::show(command);
    case Verb::Explain:
      return sbx::cli::explain(std::move(command));
    case Verb::Diff:
      return sbx::cli::diff(command);
    case Verb::List:
      return sbx::cli::list(command);
    case Verb::Syscall:
      return sbx::cli::syscall(command);
    case Verb::Schema:
      return sbx::cli::schema();
    case Verb::Import:
      return sbx::cli::import(command);
    case Verb::Export:
      return sbx::cli::write_export(command);
    case Verb::Score:
      return sbx::cli::score(command);
    case Verb::Unit:
      return sbx::cli::unit(command);
    case Verb::Verify:
      return sbx::cli::verify(command);
    case Verb::Audit:
      return sbx::cli::audit(command);
    case Verb::Why:
      return sbx::cli::why(command);
    case Verb::Events:
      return sbx::cli::events(command);
    case Verb::Doctor:
      return sbx::cli::doctor(command);
    case Verb::Help:
      return sbx::cli::help(command);
    case Verb::Version:
      return sbx::cli::version();
  }
  return sbx::cli::version();
}

int report(const sbx::Error& error, sbx::cli::Color color) {
  const std::string text =
      sbx::to_text(error, sbx::cli::excerpt(error.origin, sbx::cli::file_source()));
  const bool colored =
      sbx::cli::wants_color(color, STDERR_FILENO, std::getenv("NO_COLOR"), std::getenv("TERM"));
  sbx::cli::write_all(STDERR_FILENO, colored ? sbx::cli::paint(text) : text);
  return static_cast<int>(error.exit_code);
}

}  // namespace

int main(int argc, char** argv) {
  // argv[0] is absent if the caller passed an empty argv (execve(2), before Linux 5.18).
  const std::vector<std::string> arguments(argc > 0 ? argv + 1 : argv, argv + argc);
  auto command = sbx::cli::parse(arguments);
  if (!command) {
    return report(command.error(), sbx::cli::Color::Auto);
  }
  const auto color = command->color;
  const auto status = dispatch(*std::move(command));
  return status ? *status : report(status.error(), color);
}
