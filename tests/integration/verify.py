#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""sbx verify: a running sandbox against its policy, as the user who started it."""

import contextlib
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)
from sbxtest import sbx  # noqa: E402


def policy_file(case, directory, processes):
    return case.write(directory / "watched.toml",
                      'schema = 1\n[policy]\ndescription = "a test"\nextends = ["default"]\n'
                      f"[limits]\nprocesses = {processes}\n")


@contextlib.contextmanager
def sleeping(*options):
    """A sandbox with a sleep in it: the supervisor's pid and the sleep's, both from outside."""
    with sbxtest.start_sbx("run", *options, "--", "sleep", "60") as running:
        supervisor = running.process.pid
        found = sbxtest.wait_until(lambda: sbxtest.inside(supervisor, name="sleep"))
        assert found, running.texts()
        yield supervisor, found[0]


class Verify(sbxtest.TestCase):
    def test_a_sandbox_is_what_its_policy_says(self):
        with sleeping() as (supervisor, command):
            for operand in (supervisor, command, "sleep"):
                done = sbx("verify", operand)
                self.assertStatus(done, 0)
                self.assertIn("policy default", done.out)
                self.assertNotIn("BROKEN", done.out)
                for promise in ("no_new_privs", "system call filter", "own net namespace",
                                "no capability", "root is read-only", "limits.processes"):
                    self.assertIn(promise, done.out)

    def test_json(self):
        with sleeping() as (supervisor, _):
            found = json.loads(sbx("verify", "--json", supervisor).out)
        self.assertEqual(len(found), 1)
        self.assertIs(found[0]["holds"], True)
        self.assertEqual(found[0]["supervisor"], supervisor)
        self.assertGreater(len(found[0]["promises"]), 15)

    def test_a_difference_is_told_with_its_line(self):
        """The policy becomes stricter than what was started."""
        directory = self.directory()
        path = policy_file(self, directory, 200)
        with sleeping("--policy", path) as (supervisor, _):
            self.assertStatus(sbx("verify", supervisor), 0)
            policy_file(self, directory, 100)
            done = sbx("verify", supervisor)
        self.assertStatus(done, 1)
        self.assertRegex(done.out,
                         r"BROKEN +limits\.processes = 100: sleep \(pid \d+\).*watched\.toml:6\]")

    def test_a_stopped_command_can_be_verified(self):
        with sleeping() as (_, command):
            sbxtest.run(["kill", "-STOP", command])
            self.assertStatus(sbx("verify", command), 0)
            sbxtest.run(["kill", "-CONT", command])

    def test_what_does_not_run(self):
        done = sbx("verify", "no-such-program")
        self.assertStatus(done, 125)
        self.assertIn('no running sandbox is or holds "no-such-program"', done.err)


if __name__ == "__main__":
    sbxtest.main()
