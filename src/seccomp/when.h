// SPDX-License-Identifier: Apache-2.0
// The expression of a rule's `when`, over the call's named arguments and named constants:
//
//   expression := and-list { "or" and-list }
//   and-list   := factor { "and" factor }
//   factor     := "not" factor | "(" expression ")" | test
//   test       := operand ( "==" | "!=" | "<" | "<=" | ">" | ">=" ) constant
//               | operand "in" "{" constant { "," constant } "}"
//   operand    := argument [ "&" constant ]
//   argument   := a name of the call's prototype (`sbx syscall socket` lists them), or arg0 … arg5
//   number     := decimal, 0x hexadecimal, 0o or 0 octal
//   constant   := number | NAME | constant "|" constant | "~" constant | "-" constant
//               | "(" constant ")"
//
// Example: domain in {AF_UNIX, AF_INET} and type & SOCK_RAW == 0
// Comparisons are made at the width the kernel reads; a constant that does not fit it is an error.
// "&" binds tighter than a comparison, "~" and "-" tighter than "|". A masked argument has no sign.
// An argument that is a pointer cannot be compared but with 0. Limits: 4096 bytes, 32 levels.
#pragma once

#include <string_view>

#include "base/result.h"
#include "seccomp/assume.h"
#include "seccomp/filter_spec.h"

namespace sbx::seccomp {

// `origin` is where the expression's first character stands; an Error points into the expression.
Result<Condition> parse_when(std::string_view expression, std::string_view syscall,
                             const Origin& origin);

// The arguments of a call that is asked about, "(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, _)":
//
//   arguments := "(" [ item { "," item } ] ")"
//   item      := [ argument "=" ] ( constant | "_" | "NULL" | string )
//
// What is "_", a string or left out may be anything. A constant is taken at 64 bits, as a program
// may pass it.
Result<KnownArguments> parse_arguments(std::string_view arguments, std::string_view syscall,
                                       const Origin& origin);

}  // namespace sbx::seccomp
