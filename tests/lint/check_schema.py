#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds `sbx schema` to the policies: it is a valid JSON Schema, accepts every policy that ships, and
refuses every policy of tests/bad-policies whose fault can be seen in one file's shape.

    check_schema.py SBX ROOT
"""

import json
import pathlib
import subprocess
import sys
import tomllib

import jsonschema

# Faults that a schema does not see: texts with a meaning of their own (conditions, amounts, names of
# accounts and variables), and what several values or several files say together.
BEYOND = ("call-with-arguments", "contradiction-", "encoding-nul", "extends-", "host-name", "limit-",
          "path-at-tmpfs", "path-dot-dot", "path-no-device", "publish-", "bind-form", "connect-name", "connect-network", "dns-name", "family-unknown", "choice-errno-name", "uts-", "remove-flat", "remove-member",
          "remove-nothing", "rule-call-unknown", "variable-name", "when-", "capabilit", "identity-",
          "landlock-", "machine-id", "namespace", "nested-", "syntax-", "network-")
# And of these the ones that it does.
SEEN = ("limit-negative", "limit-unit", "remove-flat", "remove-scalar")


def load(path):
    try:
        return tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return None


def main():
    program, root = sys.argv[1], pathlib.Path(sys.argv[2])
    schema = json.loads(subprocess.run([program, "schema"], check=True, capture_output=True).stdout)
    checker = jsonschema.Draft202012Validator
    checker.check_schema(schema)
    validator = checker(schema)
    faults = []
    for path in sorted((root / "policies").glob("*.toml")):
        for error in validator.iter_errors(load(path)):
            faults.append(f"{path.name} is refused: {error.json_path}: {error.message[:200]}")
    refused = 0
    for path in sorted((root / "tests/bad-policies").glob("*.toml")):
        policy = load(path)
        if policy is None:
            continue
        is_refused = not validator.is_valid(policy)
        refused += is_refused
        name = path.stem
        if not is_refused and (name in SEEN or not name.startswith(BEYOND)):
            faults.append(f"{path.name} is accepted")
    if refused < 30:
        faults.append(f"only {refused} bad policies are refused")
    print("\n".join(faults) if faults else f"schema: {refused} bad policies refused")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
