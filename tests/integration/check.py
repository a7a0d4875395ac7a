#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the verbs about policies say to a person and to a program: check with its warnings, syscall,
schema. What a warning is about is tested in tests/unit/plan/check_test.cpp."""

import json
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)
from sbxtest import sbx  # noqa: E402

UNWISE = '''schema = 1
[policy]
extends = ["default"]
[filesystem]
write = ["~/.bashrc"]
[seccomp]
deny = ["mkdir"]
allow = ["ptrace"]
'''


class Check(sbxtest.TestCase):
    def setUp(self):
        super().setUp()
        self.work = self.directory()

    def policy(self, text):
        return str(self.write(self.work / "mine.toml", text))

    def test_a_warning_has_place_line_caret_name_and_hint(self):
        path = self.policy(UNWISE)
        done = sbx("check", path)
        self.assertStatus(done, 0)
        self.assertIn("3 warnings", done.out)
        blocks = re.split(r"(?m)^(?=sbx: warning: )", done.err)[1:]
        self.assertEqual([re.search(r"\[([a-z-]+)\]", block).group(1) for block in blocks],
                         ["runs-outside", "sibling-allowed", "dangerous-call"])
        for line, (block, column) in enumerate(zip(blocks, (10, 9, 10)), start=5):
            if line > 5:
                line += 1
            first, quoted, caret, hint = block.splitlines()
            self.assertIn(f"mine.toml:{line}", first)
            self.assertTrue(quoted.startswith(f"  {line} | "), block)
            self.assertEqual(caret.index("^") - quoted.index("|") - 2, column - 1, block)
            self.assertTrue(hint.startswith("hint: "), block)

    def test_taking_mkdir_out_tells_of_mkdirat(self):
        done = sbx("check", self.policy(UNWISE))
        self.assertIn("mkdir is denied, but not mkdirat", done.err)
        self.assertIn('seccomp.deny = ["mkdirat"]', done.err)

    def test_strict_fails_for_a_warning(self):
        path = self.policy(UNWISE)
        self.assertStatus(sbx("check", "--strict", path), 1)
        self.assertStatus(sbx("check", "--strict", "--json", path), 1)
        calm = self.policy('schema = 1\n[policy]\nextends = ["default"]\n')
        self.assertStatus(sbx("check", "--strict", calm), 0)

    def test_json_has_the_warnings(self):
        done = sbx("check", "--json", self.policy(UNWISE), "default")
        self.assertStatus(done, 0)
        mine, default = json.loads(done.out)
        self.assertTrue(mine["ok"])
        self.assertEqual([warning["name"] for warning in mine["warnings"]],
                         ["runs-outside", "sibling-allowed", "dangerous-call"])
        first = mine["warnings"][0]
        self.assertTrue(first["file"].endswith("/mine.toml"))
        self.assertEqual((first["line"], first["column"]), (5, 10))
        self.assertTrue(first["text"] and first["hint"])
        self.assertEqual(default["warnings"], [])

    def test_accepting_needs_a_reason_and_a_known_name(self):
        head = 'schema = 1\n[policy]\naccept = ["log-only{}"]\n[report]\non-violation = "log"\n'
        self.assertStatus(sbx("check", "--strict", self.policy(head.format(": to try it out"))), 0)
        done = sbx("check", self.policy(head.format("")))
        self.assertStatus(done, 1)
        self.assertIn("no reason", done.err)
        self.assertStatus(sbx("check", self.policy(head.format("y: so"))), 1)

    def test_every_shipped_policy_is_strict(self):
        names = sbx("list", "--names").out.split()
        self.assertGreater(len(names), 50)
        done = sbx("check", "--strict", *names)
        self.assertStatus(done, 0)
        self.assertEqual(done.err, "")


class Syscall(sbxtest.TestCase):
    def test_a_call(self):
        done = sbx("syscall", "socket")
        self.assertStatus(done, 0)
        for words in ("41 on x86-64, 198 on aarch64", "Linux 2.0", "domain: 32 bits", "@network-io"):
            self.assertIn(words, done.out)
        facts = json.loads(sbx("syscall", "--json", "fchmodat2").out)[0]
        self.assertEqual(facts["since"], "6.6")
        self.assertIn("chmod", facts["siblings"])
        # Set-id bits are never granted, so it is allowed by rule at most.
        self.assertIn("default", facts["policies"]["conditional"])
        self.assertIn("strict", facts["policies"]["denied"])
        facts = json.loads(sbx("syscall", "--json", "read").out)[0]
        self.assertIn("strict", facts["policies"]["allowed"])
        self.assertNotIn("default", facts["policies"]["denied"])

    def test_the_dump_has_every_number_once(self):
        done = sbx("syscall", "--dump")
        self.assertStatus(done, 0)
        header, *lines = done.out.splitlines()
        columns = header.split("\t")
        rows = [dict(zip(columns, line.split("\t"), strict=True)) for line in lines]
        for arch, least in (("x86-64", 370), ("aarch64", 320)):
            numbers = [int(row[arch]) for row in rows if row[arch] != "-"]
            self.assertEqual(len(numbers), len(set(numbers)))
            self.assertGreater(len(numbers), least)
            self.assertEqual(max(numbers), 469)
        names = json.loads(sbx("syscall", "--dump", "--json").out)
        self.assertEqual([row["name"] for row in rows], [call["name"] for call in names])
        self.assertStatus(sbx("syscall", "--dump", "read"), 125)


class Schema(sbxtest.TestCase):
    def test_it_is_json_and_names_keys_and_calls(self):
        done = sbx("schema")
        self.assertStatus(done, 0)
        schema = json.loads(done.out)
        self.assertEqual(schema["$schema"], "https://json-schema.org/draft/2020-12/schema")
        mode = schema["properties"]["network"]["properties"]["mode"]
        self.assertIn("private", mode["enum"])
        self.assertEqual(mode["default"], "private")
        self.assertTrue(mode["description"])
        self.assertIn("@basic-io", schema["$defs"]["call"]["enum"])
        self.assertIn("openat2", schema["$defs"]["call"]["enum"])


if __name__ == "__main__":
    sbxtest.main()
