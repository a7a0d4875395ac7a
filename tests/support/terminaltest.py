# SPDX-License-Identifier: Apache-2.0
"""What tests at a terminal share: a bare pseudo-terminal, and a whole screen with a shell on it."""

import fcntl
import os
import pathlib
import pty
import re
import select
import struct
import subprocess
import tempfile
import termios
import time
import shutil

import sbxtest

PATIENCE = 30


class AtTerminal:
    """A command with a terminal of its own, that is typed to and read from."""

    def __init__(self, case, command, *, cwd="/", size=(24, 80), replaced=None):
        """`end` it: an open terminal keeps the command. `replaced`: {descriptor: file} for those that are no terminal."""
        self.case, self.seen, self.all = case, b"", b""
        self.terminal, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
        self.modes = termios.tcgetattr(inner)
        self.identity = os.fstat(inner)
        streams = [(replaced or {}).get(number, inner) for number in (0, 1, 2)]

        def prepare():
            os.setsid()
            fcntl.ioctl(inner, termios.TIOCSCTTY, 0)
            sbxtest.ACCOUNT.become()
        if sbxtest.IS_ROOT:
            os.chown(os.ttyname(inner), sbxtest.ACCOUNT.uid, sbxtest.ACCOUNT.gid)
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=streams[0], stdout=streams[1],
            stderr=streams[2], cwd=cwd, env=sbxtest.environment(TERM="xterm"), preexec_fn=prepare)
        self.inner = inner

    def type(self, text):
        os.write(self.terminal, text.encode())

    def read(self, seconds):
        if select.select([self.terminal], [], [], seconds)[0]:
            try:
                chunk = os.read(self.terminal, 65536)
            except OSError:
                return False  # the other end is closed
            self.seen += chunk
            self.all += chunk
            return bool(chunk)
        return False

    def wait_for(self, text, timeout=PATIENCE):
        end = time.monotonic() + timeout
        while text.encode() not in self.seen:
            self.case.assertLess(time.monotonic(), end, f"no {text!r} in {self.seen!r}")
            self.read(0.1)
        self.seen = self.seen.split(text.encode(), 1)[1]

    def wait(self, timeout=PATIENCE):
        """The exit status, and in `all` everything that was written."""
        end = time.monotonic() + timeout
        while self.process.poll() is None:
            self.case.assertLess(time.monotonic(), end, f"does not end: {self.seen[-500:]!r}")
            self.read(0.1)
        while self.read(0):
            pass
        return self.process.returncode

    def present_modes(self):
        return termios.tcgetattr(self.inner)

    def hang_up(self):
        os.close(self.inner)
        os.close(self.terminal)
        self.inner = self.terminal = -1

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self.terminal >= 0:
            self.hang_up()


class Screen:
    """A terminal as a person sees it: tmux with an interactive shell of the test user on it."""

    PROMPT = "outer> "

    def __init__(self, case, cwd="/"):
        self.case = case
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="sbx-screen-"))
        if sbxtest.IS_ROOT:
            os.chown(self.directory, sbxtest.ACCOUNT.uid, sbxtest.ACCOUNT.gid)
        self.environment = sbxtest.environment(TERM="xterm", PS1=self.PROMPT,
                                               SBX=sbxtest.sbx_path())
        self.tmux("new-session", "-d", "-x", "80", "-y", "24", "-c", str(cwd),
                  "bash", "--norc", "--noprofile", "-i")
        self.wait_for_prompt()

    def tmux(self, *words, check=True):
        done = sbxtest.run(["tmux", "-f", "/dev/null", "-S", self.directory / "socket", *words],
                           env=self.environment)
        if check:
            self.case.assertEqual(done.status, 0, done)
        return done.out

    def type(self, text):
        """A line, with Enter."""
        self.tmux("send-keys", "-l", text)
        self.keys("Enter")

    def keys(self, *names):
        self.tmux("send-keys", *names)

    def text(self):
        return self.tmux("capture-pane", "-p").rstrip("\n")

    def last_line(self):
        return self.text().split("\n")[-1]

    def wait_for(self, pattern, timeout=PATIENCE):
        """Until the screen matches."""
        found = sbxtest.wait_until(lambda: re.search(pattern, self.text(), re.MULTILINE), timeout,
                                   every=0.05)
        self.case.assertTrue(found, f"no {pattern!r} on the screen:\n{self.text()}")
        return found

    def wait_for_prompt(self, timeout=PATIENCE):
        """Until the outer shell waits, its cursor behind the prompt."""
        self.wait_for(rf"(?:^|\n){re.escape(self.PROMPT.rstrip())}\s*\Z", timeout)

    def clear(self):
        self.tmux("send-keys", "-R")
        self.tmux("clear-history")
        self.keys("C-l")
        self.wait_for(rf"\A{re.escape(self.PROMPT.rstrip())}\s*\Z")

    def run(self, line, timeout=PATIENCE):
        """What the outer shell shows between the line and its next prompt."""
        self.clear()
        self.type(line)
        self.wait_for(rf"\n{re.escape(self.PROMPT.rstrip())}\s*\Z", timeout)
        lines = self.text().split("\n")
        return "\n".join(lines[1:-1])

    def shell(self):
        return int(self.tmux("list-panes", "-F", "#{pane_pid}"))

    def resize(self, columns, rows):
        self.tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def close(self):
        self.tmux("kill-server", check=False)
        sbxtest.wait_until(lambda: not (self.directory / "socket").exists(), 2)
        shutil.rmtree(self.directory, ignore_errors=True)
