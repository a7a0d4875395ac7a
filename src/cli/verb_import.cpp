// SPDX-License-Identifier: Apache-2.0
// sbx import: a policy of another tool's file, and what became of each item of it.
#include <unistd.h>

#include "cli/import_collection.h"
#include "cli/imported.h"
#include "cli/output.h"
#include "cli/verbs.h"

namespace sbx::cli {

Result<int> import(const Command& command) {
  if (!command.output_directory.empty()) {
    return import_collection(command);
  }
  const Library library = open_library();
  ForeignFiles files(library.home);
  const auto imported =
      import_policy({.file = command.operands[0], .from = command.format, .compat = command.compat},
                    files, library, !command.quiet || command.strict || command.json);
  if (!imported) {
    return imported.error();
  }
  if (!command.output.empty()) {
    SBX_TRY(write_file(command.output, imported->text));
  }
  if (command.json) {
    JsonWriter json;
    json.begin_object();
    json.member("format", imported->format->name);
    json.member("policy", imported->text);
    write_translation(json, imported->translation);
    json.end_object();
    SBX_TRY(print(json.take()));
  } else {
    if (command.output.empty()) {
      SBX_TRY(print(imported->text));
    }
    if (!command.quiet) {
      write_all(STDERR_FILENO, translation_text(imported->translation));
    }
  }
  return command.strict && has_losses(imported->translation) ? 1 : 0;
}

}  // namespace sbx::cli
