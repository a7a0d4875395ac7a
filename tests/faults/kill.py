#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SIGKILL to supervisor, init, or both, during the launch or while the command runs: nothing stays. No
process, no mount, no socket or temporary file, no report but a whole one.

SBX_TEST_KILLS says how often (150); the report of each run is written to a directory of its own."""

import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)

KILLS = int(os.environ.get("SBX_TEST_KILLS", "150"))
LAUNCH_SECONDS = 0.03  # about twice what a launch takes on a busy machine
LOOK_EVERY = 25


def init_of(pid):
    """The supervisor's children that live in a pid namespace of their own: one, or none yet."""
    try:
        words = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [int(word) for word in words
            if len(sbxtest.status_of(word).get("NSpid", "").split()) > 1]


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


class Kill(sbxtest.TestCase):
    def setUp(self):
        super().setUp()
        self.random = random.Random(os.environ.get("SBX_TEST_SEED", "sbx"))
        self.reports = self.directory()
        self.port = sbxtest.free_port()
        self.command = [sbxtest.sbx_path(), "run", "--quiet", "--report", str(self.reports / "report"),
                        "--rw", str(self.reports), "-P", f"127.0.0.1:{self.port}:80", "--ro",
                        str(sbxtest.stage().probes), "--", sbxtest.probe("ending"), "stay"]
        self.came_to_run = {True: 0, False: 0}

    def one(self, who, running):
        """Starts one, kills `who` (while the command runs, or sometime in the launch)."""
        process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, env=sbxtest.environment(), cwd="/",
                                   preexec_fn=sbxtest.ACCOUNT.become)
        if running:
            self.assertEqual(process.stdout.readline(), b"ready\n")
        time.sleep(self.random.random() * (0.002 if running else LAUNCH_SECONDS))
        init = init_of(process.pid)
        if who != "supervisor":
            for pid in init:
                kill(pid)
        if who != "init" or not init:  # before there is an init, the supervisor stands for it
            kill(process.pid)
        # stdout is the command's too: it ends only when everybody inside is dead.
        rest = process.stdout.read()
        process.stdout.close()
        status = process.wait(20)
        self.came_to_run[running or rest == b"ready\n"] += 1
        # 137 twice: the supervisor killed, or telling that init was; 125: init died before exec.
        self.assertIn(status, (-signal.SIGKILL, 128 + signal.SIGKILL, 125), who)
        return init

    def look(self, inits):
        left = [pid for pid in inits if sbxtest.status_of(pid).get("Name") == "sbx-init"]
        self.assertTrue(sbxtest.wait_until(
            lambda: not any(sbxtest.status_of(pid).get("Name") == "sbx-init" for pid in inits)), left)
        sbxtest.wait_until(lambda: not self.remains.found(), timeout=10)
        self.assertEqual(self.remains.found(), [])
        names = os.listdir(self.reports)
        self.assertIn(names, ([], ["report"]))
        if names:
            last = (self.reports / "report").read_text().splitlines()[-1]
            self.assertEqual(json.loads(last)["event"], "ended")
            (self.reports / "report").unlink()
        with socket.socket() as again:  # the published port is free
            again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            again.bind(("127.0.0.1", self.port))

    def test_at_any_time(self):
        inits = []
        for turn in range(KILLS):
            who = ("supervisor", "init", "both")[turn % 3]
            inits += self.one(who, running=turn % 5 == 4)
            if turn % LOOK_EVERY == LOOK_EVERY - 1:
                self.look(inits)
                inits = []
        self.look(inits)
        print(f"{KILLS} kills, {self.came_to_run[True]} of them when the command ran")


if __name__ == "__main__":
    sbxtest.main()
