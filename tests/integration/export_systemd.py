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
        return str(self.write(self.work / f"sbx-test-{policy}.service",
                              "[Unit]\nDescription=test\n" + done.out + "ExecStart=/bin/true\n"))

    def test_systemd_takes_every_line(self):
        for policy in ("nginx", "untrusted", "default", "curl"):
            with self.subTest(policy=policy):
                path = self.unit(policy)
                done = sbxtest.run(["systemd-analyze", "verify", path])
                self.assertEqual([line for line in (done.out + done.err).splitlines() if "sbx-test-" in line], [])
                # Control: a line that it does not know is told of.
                self.write(pathlib.Path(path), pathlib.Path(path).read_text() + "ProtectEverything=yes\n")
                done = sbxtest.run(["systemd-analyze", "verify", path])
                self.assertIn("ProtectEverything", done.out + done.err)

    def test_its_own_measure_is_low(self):
        done = sbxtest.run(["systemd-analyze", "security", "--offline=yes", "--no-pager", self.unit("nginx")])
        found = re.search(r"Overall exposure level for .*: ([0-9.]+)", done.out)
        self.assertIsNotNone(found, done)
        self.assertLessEqual(float(found.group(1)), 1.5)

    def test_what_is_lost_is_said(self):
        done = sbx("export", "--to", "systemd", "nginx")
        for lost in ("network.mode", "conditions on arguments", "command.args", "Landlock"):
            self.assertIn(lost, done.err)
        self.assertStatus(sbx("export", "--strict", "--quiet", "--to", "systemd", "nginx"), 1)

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
