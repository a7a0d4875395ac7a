#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Attempts to gain what a sandbox must not give. Each is first run where it works: as an ordinary
user without a sandbox, or as root of a user namespace of one's own. An attack that works nowhere on
this kernel shows nothing, and is named as such."""

import fcntl
import os
import platform
import termios
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)

BARE, OWN_ROOT = [], ["unshare", "--user", "--map-root-user", "--mount", "--uts", "--net", "--"]
# (way, where the positive control runs, whether every kernel of the floor lets the control work)
WAYS = [
    ("unshare-user", BARE, True),
    ("clone-user", BARE, True),
    ("clone-user-upper-bits", BARE, True),
    ("clone3-user", BARE, True),
    ("mount", OWN_ROOT, True),
    ("open-tree", OWN_ROOT, True),
    ("chroot", OWN_ROOT, True),
    ("sethostname", OWN_ROOT, True),
    ("int-0x80", BARE, False),             # CONFIG_IA32_EMULATION
    ("ptrace", BARE, False),               # yama
    ("process-vm-writev", BARE, False),    # yama
    ("keyring", BARE, False),              # quota, CONFIG_KEYS
    ("raw-socket", OWN_ROOT, True),
    ("odd-family", BARE, False),           # a module
    ("odd-family-upper-bits", BARE, False),
    ("userfaultfd", BARE, False),          # vm.unprivileged_userfaultfd, CONFIG
]
TERMINAL_WAYS = ["terminal", "terminal-upper-bits"]


class Privilege(sbxtest.TestCase):
    def sandboxed(self, way, **options):
        return sbxtest.sbx("run", "--ro", str(sbxtest.stage().probes), "--",
                           sbxtest.probe("privilege"), way, **options)

    def test_every_way(self):
        unknown = []
        for way, where, everywhere in WAYS:
            with self.subTest(way):
                control = sbxtest.run([*where, sbxtest.probe("privilege"), way])
                if "OPEN" not in control.out:
                    self.assertFalse(everywhere, f"positive control of {way}: {control}")
                    unknown.append(way)
                done = self.sandboxed(way)
                self.assertNotIn("OPEN", done.out, f"{way} ESCAPED: {done}")
                # Blocked with an errno, or killed for it; never because it could not start.
                # A kernel without that entry ends the process by itself, here as in the control.
                kernel_says = 128 + control.signal if control.signal else None
                self.assertTrue("BLOCKED" in done.out or done.status in (159, 137, kernel_says), done)
        if unknown:
            print(f"impossible on {platform.release()} even without sbx: {', '.join(unknown)}")

    def test_the_terminal(self):
        """TIOCSTI, on a terminal that is the command's own controlling one."""
        for way in TERMINAL_WAYS:
            with self.subTest(way):
                control = self.on_terminal([sbxtest.probe("privilege"), way])
                if "OPEN" not in control:
                    self.skipTest("dev.tty.legacy_tiocsti is off: nothing to protect")
                said = self.on_terminal([sbxtest.sbx_path(), "run", "--ro",
                                         str(sbxtest.stage().probes), "--",
                                         sbxtest.probe("privilege"), way])
                self.assertNotIn("OPEN", said)
                self.assertIn("BLOCKED", said)

    def on_terminal(self, command):
        """What the command prints, on a new pseudo-terminal."""
        master, slave = os.openpty()
        if sbxtest.IS_ROOT:
            os.fchown(slave, sbxtest.ACCOUNT.uid, sbxtest.ACCOUNT.gid)
        pid = os.fork()
        if pid == 0:
            try:
                os.setsid()
                fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
                for number in (0, 1, 2):
                    os.dup2(slave, number)
                os.closerange(3, 100)
                sbxtest.ACCOUNT.become()
                os.chdir("/")
                os.execve(command[0], command, sbxtest.environment())
            finally:
                os._exit(99)
        os.close(slave)
        out = b""
        try:
            while chunk := os.read(master, 4096):
                out += chunk
        except OSError:  # EIO: the last one has closed the terminal
            pass
        os.close(master)
        os.waitpid(pid, 0)
        return out.decode("utf-8", "replace")


if __name__ == "__main__":
    sbxtest.main()
