#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""sbx confines its own processes: the supervisor outside and init inside, as the kernel shows them."""

import contextlib
import os
import pathlib
import signal

import sbxtest


def descriptors(pid):
    found = {}
    for entry in os.listdir(f"/proc/{pid}/fd"):
        try:
            found[int(entry)] = os.readlink(f"/proc/{pid}/fd/{entry}")
        except OSError:
            pass
    return found


class TestCase(sbxtest.TestCase):
    """Ends what a test started before it looks for what is left."""

    def setUp(self):
        super().setUp()
        self.running = contextlib.ExitStack()

    def tearDown(self):
        self.running.close()
        super().tearDown()


class OwnConfinement(TestCase):
    def start(self, *options, **more):
        running = sbxtest.start_sbx("run", *options, "--", "/bin/sh", "-c",
                                    "echo ready; read -r x; sleep 60", **more)
        self.running.enter_context(running)
        running.wait_for("ready")
        init = sbxtest.wait_until(lambda: sbxtest.inside(running.process.pid, name="sbx-init"))
        return running, init[0]

    def assertConfined(self, pid):
        status = sbxtest.status_of(pid)
        self.assertEqual(status["Seccomp"], "2")
        self.assertEqual(status["Seccomp_filters"], "1")
        self.assertEqual(status["NoNewPrivs"], "1")
        for held in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            self.assertEqual(int(status[held], 16), 0, held)

    def test_supervisor_and_init(self):
        running, init = self.start()
        self.assertConfined(running.process.pid)
        # init installs its own after the command has started.
        sbxtest.wait_until(lambda: sbxtest.status_of(init)["Seccomp"] == "2")
        self.assertConfined(init)
        self.assertEqual(int(sbxtest.status_of(init)["CapBnd"], 16), 0)

    def test_started_by_root(self):
        if not sbxtest.IS_ROOT:
            self.skipTest(sbxtest.BY_DESIGN + "only root can start it as root")
        for user in ([], ["--user", "root"]):
            running, _ = self.start(*user, as_root=True)
            self.assertConfined(running.process.pid)

    def test_descriptors(self):
        """Only what it works with: nothing that the caller left open or that the command was given."""
        secret = self.write(self.directory() / "secret", "x")
        running = sbxtest.Running(
            ["/bin/sh", "-c", f"exec 7<{secret} 9<{secret}; exec {sbxtest.sbx_path()} run --keep-fd 7 "
             "-- /bin/sh -c 'echo ready; sleep 60'"])
        self.running.enter_context(running)
        running.wait_for("ready")
        init = sbxtest.wait_until(lambda: sbxtest.inside(running.process.pid, name="sbx-init"))[0]
        if sbxtest.IS_ROOT:  # the processes are undumpable: their descriptors are root's to see
            sbxtest.wait_until(lambda: len(descriptors(init)) == 1)
            self.assertEqual(len(descriptors(init)), 1, descriptors(init))
            own = descriptors(running.process.pid)
            self.assertNotIn(str(secret), own.values(), own)
            more = {number: name for number, name in own.items() if number > 2}
            logs = [name for name in more.values() if name.endswith(".jsonl")]
            self.assertEqual(len(logs), 2, more)  # the two files of the log of runs
            self.assertLessEqual(len(more), 9, more)
        else:
            self.assertRaises(OSError, os.listdir, f"/proc/{running.process.pid}/fd")

    def test_limits(self):
        running, _ = self.start()
        limits = pathlib.Path(f"/proc/{running.process.pid}/limits").read_text()
        for line in limits.splitlines():
            if line.startswith(("Max core file size", "Max processes")):
                self.assertEqual(line.split()[-3:-1] if line.split()[-1].isalpha() else
                                 line.split()[-2:], ["0", "0"], line)

    def test_a_dead_supervisor_takes_all_with_it(self):
        """What its own filter would do to it, SIGSYS, ends everything inside."""
        running, init = self.start()
        os.kill(running.process.pid, signal.SIGSYS)  # blocked, as all signals: read and passed on
        os.kill(running.process.pid, signal.SIGKILL)
        self.assertEqual(running.wait(), -signal.SIGKILL)
        self.assertTrue(sbxtest.wait_until(lambda: not sbxtest.status_of(init)))


class Report(TestCase):
    """The report takes its place although the supervisor may rename nothing."""

    def test_replaced_whole(self):
        report = self.write(self.directory() / "report", "old\n")
        finished = sbxtest.sbx("run", "--report", str(report), "--", "/bin/true")
        self.assertStatus(finished, 0)
        self.assertIn('"ended"', report.read_text())
        self.assertEqual(os.listdir(report.parent), ["report"])

    def test_killed_leaves_the_old_one(self):
        report = self.write(self.directory() / "report", "old\n")
        running = sbxtest.start_sbx("run", "--report", str(report), "--", "/bin/sh", "-c",
                                    "echo ready; sleep 60")
        self.running.enter_context(running)
        running.wait_for("ready")
        running.signal(signal.SIGKILL)
        running.wait()
        self.assertEqual(report.read_text(), "old\n")
        self.assertEqual(os.listdir(report.parent), ["report"])

    def test_an_interrupt_of_the_group_costs_no_report(self):
        report = self.directory() / "report"
        running = sbxtest.Running(["setsid", sbxtest.sbx_path(), "run", "--report", str(report), "--",
                                   "/bin/sh", "-c", "echo ready; exec sleep 60"])
        self.running.enter_context(running)
        running.wait_for("ready")
        os.killpg(running.process.pid, signal.SIGINT)
        self.assertEqual(running.wait(), 128 + signal.SIGINT)
        self.assertIn('"ended"', report.read_text())


if __name__ == "__main__":
    sbxtest.main()
