#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""From start to end: exact exit status, signals both ways, and nothing left however it ends."""

import os
import re
import signal
import tempfile
import time
import unittest
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)
from sbxtest import sbx  # noqa: E402

LAUNCHES = int(os.environ.get("SBX_TEST_LAUNCHES", "1000"))

# SIGKILL and SIGSTOP cannot be forwarded; SIGCHLD is the supervisor's own. Job control (TSTP,
# TTIN, TTOU, CONT) is about the supervisor's process group too and is tested by itself.
FORWARDED = [signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2,
             signal.SIGALRM, signal.SIGTERM, signal.SIGWINCH]


def probes_and(*words):
    return ["run", "--ro", str(sbxtest.stage().probes), "--", *words]


class ExitStatus(sbxtest.TestCase):
    def test_every_code(self):
        program = sbxtest.probe("ending")
        for code in (0, 1, 2, 23, 124, 125, 126, 127, 128, 159, 255):
            with self.subTest(code):
                self.assertStatus(sbx(*probes_and(program, "exit", str(code))), code)

    def test_signals(self):
        program = sbxtest.probe("ending")
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGABRT, signal.SIGKILL,
                       signal.SIGSEGV, signal.SIGPIPE, signal.SIGTERM, signal.SIGRTMIN):
            with self.subTest(number):
                done = sbx(*probes_and(program, "signal", str(int(number))))
                self.assertStatus(done, 128 + number)

    def test_standard_streams_pass_through(self):
        done = sbx("run", "--", "cat", stdin=b"a\x00b\n" * 10000)
        self.assertStatus(done, 0)
        self.assertEqual(done.out, "a\x00b\n" * 10000)
        done = sbx("run", "--", "sh", "-c", "echo out; echo err >&2")
        self.assertEqual((done.out, done.err), ("out\n", "err\n"), "sbx itself says nothing")

    def test_a_closed_standard_stream(self):
        done = sbxtest.run(["sh", "-c", '"$0" run -- true <&- >&-', sbxtest.sbx_path()])
        self.assertIn(done.status, (0, 125), done)  # whichever it is, it ends and says so

    def test_orphans_end_with_the_command(self):
        self.assertStatus(sbx(*probes_and(sbxtest.probe("ending"), "orphans")), 0)
        self.assertNothingLeft()

    def test_init_reaps(self):
        script = ("for i in 1 2 3 4 5 6 7 8; do (sleep 0.05 & ) ; done; sleep 0.4; "
                  "grep -l 'State:.*zombie' /proc/[0-9]*/status; true")
        done = sbx("run", "--", "sh", "-c", script)
        self.assertStatus(done, 0)
        self.assertEqual(done.out, "")

    def test_the_command_is_not_pid_1(self):
        done = sbx("run", "--", "sh", "-c", "echo $$")
        self.assertStatus(done, 0)
        self.assertNotEqual(done.out.strip(), "1")

    def test_time_limit(self):
        done = sbx("run", "--limit", "time=1", "--", "sleep", "60")
        self.assertStatus(done, 124)


class Signals(sbxtest.TestCase):
    def test_all_are_forwarded(self):
        with sbxtest.start_sbx(*probes_and(sbxtest.probe("signals"))) as running:
            running.wait_for("ready\n")
            for number in FORWARDED:
                running.signal(number)
                running.wait_for(f"\n{int(number)}\n")
            self.assertIsNone(running.process.poll(), "the first SIGTERM must not end it")
            running.signal(signal.SIGTERM)
            self.assertEqual(running.wait(), 23)

    def test_realtime_signals_are_forwarded(self):
        with sbxtest.start_sbx(*probes_and(sbxtest.probe("signals"))) as running:
            running.wait_for("ready\n")
            for number in (signal.SIGRTMIN, signal.SIGRTMIN + 5, signal.SIGRTMAX):
                running.signal(number)
                running.wait_for(f"\n{int(number)}\n")

    def test_interrupt_ends_a_plain_program(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number):
                with sbxtest.start_sbx(*probes_and(sbxtest.probe("ending"), "stay")) as running:
                    running.wait_for("ready\n")
                    running.signal(number)
                    self.assertEqual(running.wait(), 128 + number)

    def test_job_control_signals_arrive(self):
        # What they do by default is another matter: the command leads a session of its own, and
        # the kernel stops no orphaned process group by SIGTSTP (setpgid(2)).
        with sbxtest.start_sbx(*probes_and(sbxtest.probe("signals"))) as running:
            running.wait_for("ready\n")
            for number in (signal.SIGTSTP, signal.SIGCONT):
                running.signal(number)
                running.wait_for(f"\n{int(number)}\n")


class Death(sbxtest.TestCase):
    def test_killing_the_supervisor_kills_everything(self):
        with sbxtest.start_sbx(*probes_and(sbxtest.probe("ending"), "stay")) as running:
            running.wait_for("ready\n")
            inner = sbxtest.inside(running.process.pid)
            self.assertGreaterEqual(len(inner), 2)  # init and the command
            running.signal(signal.SIGKILL)
            running.wait()
            self.assertTrue(sbxtest.wait_until(
                lambda: not any(sbxtest.status_of(pid) for pid in inner)), inner)

    def test_killing_init_ends_the_run(self):
        with sbxtest.start_sbx(*probes_and(sbxtest.probe("ending"), "stay")) as running:
            running.wait_for("ready\n")
            init = [pid for pid in sbxtest.inside(running.process.pid)
                    if sbxtest.status_of(pid).get("NSpid", "").split()[-1:] == ["1"]]
            self.assertEqual(len(init), 1)
            os.kill(init[0], signal.SIGKILL)
            self.assertEqual(running.wait(), 128 + signal.SIGKILL)

    def test_kill_at_each_call_of_the_supervisor(self):
        """The same without luck: strace delivers SIGKILL at each system call in turn."""
        self.need("strace")
        self.assertStatus(sbx("run", "--", "true"), 0)  # the first one ever makes the log's directory
        with tempfile.NamedTemporaryFile("r") as log:
            os.chmod(log.name, 0o666)
            counted = sbxtest.run(["strace", "-o", log.name, sbxtest.sbx_path(), "run", "--",
                                   "sleep", "0"])
            self.assertStatus(counted, 0)
            lines = log.read().splitlines()
        # strace counts each call by itself: the place is a name and which of that name it is. Up to
        # the loop beside the running command: after that nothing would be killed early.
        places, seen = [], {}
        sure = {"clock_nanosleep": 0, "poll": 1, "pidfd_getfd": 1}
        for line in lines:
            match = re.match(r"([a-z]\w*)\(", line)
            if line.startswith("epoll_"):
                break
            if match and match.group(1) != "execve":  # that one starts sbx, before any injection
                seen[match.group(1)] = seen.get(match.group(1), 0) + 1
                # How often it looks for the listener, differs from run to run.
                if seen[match.group(1)] <= sure.get(match.group(1), 1 << 30):
                    places.append((match.group(1), seen[match.group(1)]))
        self.assertGreater(len(places), 50)
        for name, which in places:
            done = sbxtest.run(["strace", "-o", "/dev/null", "-e",
                                f"inject={name}:signal=KILL:when={which}", sbxtest.sbx_path(),
                                "run", "--", "sleep", "300"], timeout=30)
            self.assertEqual(done.signal, signal.SIGKILL, f"{name} number {which}: {done}")
        self.assertNothingLeft()

    def test_kill_while_the_child_is_at_a_step(self):
        """Each step of init and sandboxee held for a while by strace, the supervisor killed
        meanwhile."""
        self.need("strace")
        steps = ["mount_setattr", "move_mount", "pivot_root", "umount2", "sethostname", "capset",
                 "close_range", "seccomp", "execve"]
        held = 0
        for step in steps:
            # The second execve is the command's: the first one is strace starting sbx.
            when = 2 if step == "execve" else 1
            with tempfile.NamedTemporaryFile("r") as log:
                os.chmod(log.name, 0o666)
                with sbxtest.Running(["strace", "-f", "-o", log.name, "-e", f"trace={step}", "-e",
                                      f"inject={step}:delay_enter=1500000:when={when}",
                                      sbxtest.sbx_path(), "run", "--", "sleep", "300"]) as running:
                    supervisor = sbxtest.wait_until(
                        lambda: [pid for pid in sbxtest.descendants(running.process.pid)
                                 if sbxtest.status_of(pid).get("Name") == "sbx"], 5)
                    self.assertTrue(supervisor, running.texts())
                    if sbxtest.wait_until(lambda: sbxtest.inside(supervisor[0]), 3):
                        held += 1
                    time.sleep(0.05)
                    try:
                        os.kill(supervisor[0], signal.SIGKILL)
                    except ProcessLookupError:
                        pass
                    running.wait()
            self.assertNothingLeft()
        self.assertGreater(held, len(steps) // 2)


class Leaks(sbxtest.TestCase):
    def test_many_launches(self):
        """Descriptors are the caller's only witness inside one process, so a shell that starts
        them all counts its own, and the machine is compared before and after."""
        script = (f'i=0; while [ $i -lt {LAUNCHES} ]; do "$0" run -- true || exit 1; i=$((i+1)); '
                  'done; set -- /proc/$$/fd/*; echo $#')
        before = sbxtest.Remains()
        done = sbxtest.run(["sh", "-c", script, sbxtest.sbx_path()], timeout=500)
        self.assertStatus(done, 0)
        self.assertEqual(done.err, "")
        self.assertLessEqual(int(done.out), 6)
        self.assertTrue(sbxtest.wait_until(lambda: not before.found()), before.found())

    def test_the_supervisor_holds_few_descriptors(self):
        with sbxtest.start_sbx(*probes_and(sbxtest.probe("ending"), "stay")) as running:
            running.wait_for("ready\n")
            self.assertLess(len(os.listdir(f"/proc/{running.process.pid}/fd"))
                            if sbxtest.IS_ROOT else 0, 20)


class Trace(sbxtest.TestCase):
    def test_steps_with_microseconds(self):
        done = sbx("run", "--trace-launch", "--", "true")
        self.assertStatus(done, 0)
        text = done.err
        for word in ("supervisor", "init", "sandboxee"):
            self.assertIn(word, text)
        self.assertGreater(len(re.findall(r"\d+(?:\.\d+)?", text)), 10, done)
        for step in ("pivot", "filter", "exec"):
            self.assertIn(step, text)
        self.assertEqual(done.out, "")


if __name__ == "__main__":
    sbxtest.main()
