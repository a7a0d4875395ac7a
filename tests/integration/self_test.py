#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""sbx run --self-test: the attempts of plan/self_test.cpp under several policies."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)
from sbxtest import sbx  # noqa: E402


def states(done):
    return {attempt["attempt"]: attempt["state"] for attempt in json.loads(done.out)["attempts"]}


class SelfTest(sbxtest.TestCase):
    def test_shipped_policies_hold(self):
        for policy in ("default", "strict", "nginx", "untrusted", "python3"):
            with self.subTest(policy):
                done = sbx("run", "--self-test", "--json", "--policy", policy)
                self.assertStatus(done, 0)
                self.assertEqual(done.err, "")
                found = states(done)
                self.assertGreater(len(found), 30)
                self.assertEqual(set(found.values()), {"refused"}, found)

    def test_what_a_policy_allows_is_said_with_its_line(self):
        done = sbx("run", "--self-test", "--policy", "java")
        self.assertStatus(done, 0)
        self.assertRegex(done.out, r"allowed +memory that is writable and executable: .*\[.*\.toml:\d+\]")
        self.assertIn("Everything that the policy does not allow was refused.", done.out)

    def test_a_policy_that_lets_all_through_fails(self):
        done = sbx("run", "--self-test", "--on-violation", "log", "--policy", "default")
        self.assertStatus(done, 1)
        self.assertIn("OPEN", done.out)

    def test_the_command_is_not_run(self):
        directory = self.directory()
        done = sbx("run", "--self-test", "--rw", directory, "--", "touch", directory / "witness")
        self.assertStatus(done, 0)
        self.assertEqual(list(directory.iterdir()), [])


if __name__ == "__main__":
    sbxtest.main()
