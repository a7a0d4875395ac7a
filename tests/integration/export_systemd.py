#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Policies as drop-ins for systemd's units, judged by systemd itself, and read back."""

import pathlib
import re
import shutil
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)
from sbxtest import sbx  # noqa: E402


class ExportSystemd(sbxtest.TestCase):
    def setUp(self):
        super().setUp()
        if shutil.which("systemd-analyze") is None:
            self.skipTest("systemd-analyze is not installed")
        self.work = self.directory()

    def unit(self, policy):
        done = sbx("export", "--quiet", "--to", "systemd", policy)
        self.assertStatus(done, 0)
        self.assertIn("[Service]\n", done.out)
        name = re.sub("[^a-z0-9]", "-", policy)
        return str(self.write(self.work / f"sbx-test-{name}.service",
                              "[Unit]\nDescription=test\n" + done.out + "ExecStart=/bin/true\n"))

    def complaints(self, *paths):
        done = sbxtest.run(["systemd-analyze", "verify", *map(str, paths)])
        return [line for line in (done.out + done.err).splitlines() if "sbx-test-" in line]

    def test_systemd_takes_every_line_of_every_shipped_policy(self):
        policies = sbx("list", "--names").out.split()
        self.assertGreater(len(policies), 20)
        paths = [self.unit(policy) for policy in policies]
        self.assertEqual(self.complaints(*paths), [])
        path = paths[0]
        # Control: a line that it does not know is told of.
        self.write(pathlib.Path(path), pathlib.Path(path).read_text() + "ProtectEverything=yes\n")
        self.assertIn("ProtectEverything", self.complaints(path)[0])

    def test_a_unit_that_runs_the_program_under_sbx(self):
        for words in (["nginx"], ["default", "--", "/bin/echo", "a b", "100%", "$HOME", "x\"y"]):
            path = self.work / "sbx-test-service.service"
            self.assertStatus(sbx("unit", "-o", str(path), *words), 0)
            self.assertEqual(self.complaints(path), [])
        self.assertIn(' run --policy default -- /bin/echo "a b" 100%% $$HOME "x\\"y"\n', path.read_text())
        self.assertStatus(sbx("unit", "nothing-of-the-kind"), 125)
        self.assertTwoLineError(sbx("unit", "strict"), 125, "names no program")
        # A policy that only its file leads to is named by it.
        own = self.write(self.work / "own.toml", 'schema = 1\n[policy]\nextends = ["default"]\nprograms = ["echo"]\n')
        done = sbx("unit", "own.toml", cwd=str(self.work))
        self.assertIn(f" run --policy {own.resolve()} -- echo\n", done.out, done)

    def test_its_own_measure_is_low(self):
        done = sbxtest.run(["systemd-analyze", "security", "--offline=yes", "--no-pager", self.unit("nginx")])
        found = re.search(r"Overall exposure level for .*: ([0-9.]+)", done.out)
        self.assertIsNotNone(found, done)
        self.assertLessEqual(float(found.group(1)), 1.5)

    def test_what_is_lost_is_said(self):
        done = sbx("export", "--to", "systemd", "nginx")
        for lost in ("network.mode", "conditions on arguments", "command.args", "Landlock", "i386"):
            self.assertIn(lost, done.err)
        self.assertStatus(sbx("export", "--strict", "--quiet", "--to", "systemd", "nginx"), 1)

    def test_what_systemd_sees_less_of(self):
        weak = self.write(self.work / "weak.toml", 'schema = 1\n[policy]\nextends = ["default"]\n[memory]\nmemfd = "allow"\n'
                          '[seccomp]\nallow = ["sched_setattr"]\n')
        done = sbx("export", "--to", "systemd", str(weak))
        for lost in ("dropped  sched_setattr", "dropped  memory.memfd"):
            self.assertIn(lost, done.err)

    def test_it_can_be_imported_again(self):
        path = self.unit("untrusted")
        policy = self.work / "again.toml"
        done = sbx("import", path, "-o", str(policy))
        self.assertStatus(done, 0)
        self.assertStatus(sbx("check", str(policy)), 0)
        self.assertIn('wx = "deny"', policy.read_text())
        self.assertIn('"read"', policy.read_text())
        self.assertNotIn('"ptrace"', policy.read_text())


if __name__ == "__main__":
    sbxtest.main()
