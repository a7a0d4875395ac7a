#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Started by root: the command is nobody special outside. Host uid 0 only where it is asked for."""

import os
import unittest
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)
from sbxtest import sbx  # noqa: E402


@unittest.skipUnless(sbxtest.IS_ROOT, sbxtest.BY_DESIGN + "needs root")
class StartedByRoot(sbxtest.TestCase):
    def outside_status(self, *options):
        """/proc/PID/status of the command, read from outside."""
        with sbxtest.start_sbx("run", *options, "--", "sh", "-c", "echo ready; exec sleep 60",
                               as_root=True) as running:
            running.wait_for("ready\n")
            inner = sbxtest.wait_until(
                lambda: sbxtest.inside(running.process.pid, name="sleep"))
            self.assertEqual(len(inner), 1)
            init = [pid for pid in sbxtest.inside(running.process.pid) if pid not in inner]
            return (sbxtest.status_of(inner[0]), [sbxtest.status_of(pid) for pid in init],
                    sbxtest.status_of(running.process.pid))

    def test_the_command_is_unprivileged_outside(self):
        status, init, supervisor = self.outside_status()
        uids, gids = status["Uid"].split(), status["Gid"].split()
        self.assertNotIn("0", uids + gids)
        self.assertEqual(len(set(uids)), 1)
        self.assertEqual(status["Groups"].split(), [group for group in status["Groups"].split()
                                                    if group != "0"])
        self.assertEqual(int(status["CapEff"], 16), 0)
        for other in init + [supervisor]:
            self.assertNotIn("0", other["Uid"].split(), "sbx itself kept root")

    def test_the_uid_is_stable(self):
        first, second = self.outside_status()[0], self.outside_status()[0]
        self.assertEqual(first["Uid"], second["Uid"])

    def test_each_policy_has_its_own(self):
        work = self.directory()
        users = set()
        for name in ("alpha", "beta"):
            policy = self.write(work / f"{name}.toml",
                                'schema = 1\n[policy]\nextends = ["default"]\n')
            users.add(self.outside_status("--policy", policy)[0]["Uid"])
        self.assertEqual(len(users), 2)

    def test_a_named_user(self):
        status = self.outside_status("--user", sbxtest.TEST_USER)[0]
        self.assertEqual(status["Uid"].split(), [str(sbxtest.ACCOUNT.uid)] * 4)
        self.assertEqual(status["Gid"].split(), [str(sbxtest.ACCOUNT.gid)] * 4)

    def test_root_where_it_is_asked_for(self):
        status = self.outside_status("--user", "root")[0]
        self.assertEqual(status["Uid"].split(), ["0"] * 4)
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            self.assertEqual(int(status[name], 16), 0)

    def test_roots_files_are_closed(self):
        done = sbxtest.sbx("run", "--", "cat", "/etc/shadow", as_root=True)
        self.assertNotEqual(done.status, 0)
        self.assertEqual(done.out, "")

    def test_a_low_port_is_published_before_root_is_left(self):
        port = next((candidate for candidate in range(1023, 600, -1)
                     if not sbxtest.listening(candidate)), None)
        with sbxtest.start_sbx("run", "-P", f"127.0.0.1:{port}:80", "--ro",
                               str(sbxtest.stage().probes), "--", sbxtest.probe("listen"), "4", "80",
                               "any", "serve", as_root=True) as running:
            running.wait_for("bound\n")
            import socket
            with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
                self.assertEqual(connection.recv(100), b"hello from inside\n")
            self.assertEqual(running.wait(), 0)

    def test_a_checkout_that_only_root_may_enter(self):
        """The policies and the program are read before root is left."""
        closed = self.directory()
        os.chown(closed, 0, 0)
        policy = closed / "mine.toml"
        policy.write_text('schema = 1\n[policy]\nextends = ["default"]\n')
        os.chmod(closed, 0o700)
        done = sbxtest.sbx("run", "--policy", policy, "--", "true", as_root=True)
        self.assertStatus(done, 0)


if __name__ == "__main__":
    sbxtest.main()
