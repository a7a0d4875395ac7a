#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A published socket lives in the host's network namespace. These attacks try to make it, or a
connection accepted from it, a client of the host's network or a second server there. Each is first
run without a sandbox: an attack that does not work there would show nothing here."""

import os
import socket
import threading
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)

# (way, wants a connection to the published port, opens a port instead of connecting to one)
WAYS = [
    ("shutdown-connect", False, False),
    ("listener-unspec", False, False),
    ("accepted-unspec", True, False),
    ("fastopen-connect", False, False),
    ("fastopen-sendto", False, False),
    ("fastopen-sendmsg", False, False),
    ("fastopen-sendmmsg", False, False),
    ("fastopen-accepted", True, False),
    ("connect-race", False, False),
    ("interfaces", False, False),
    ("relisten-unspec", True, True),
    ("relisten-unbound", True, False),
]
INSIDE_PORT = 8000


class Canary:
    """Listens on the host's loopback and counts who comes."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.visits = 0
        self.thread = threading.Thread(target=self._count, daemon=True)
        self.thread.start()

    def _count(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.visits += 1
            connection.close()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(5)


def visit(port, stay=0.0):
    """Connects to a port of the host and leaves; whether somebody was there."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            threading.Event().wait(stay)
        return True
    except OSError:
        return False


class SocketEscape(sbxtest.TestCase):
    def attack(self, way, family, confined, options=()):
        """(what the attack says, whether an escape was seen from outside)."""
        wants_peer, opens_port = next((row[1:] for row in WAYS if row[0] == way), (False, False))
        program = sbxtest.probe("socket_escape")
        published = sbxtest.free_port()
        inside = INSIDE_PORT if confined else published
        canary = None if opens_port else Canary()
        aim = canary.port if canary else sbxtest.free_port()
        command = [program, way, family, str(inside), str(aim)]
        if confined:
            command = [sbxtest.sbx_path(), "run", "-P", f"127.0.0.1:{published}:{INSIDE_PORT}",
                       *options, "--ro", str(sbxtest.stage().probes), "--", *command]
        try:
            with sbxtest.Running(command) as running:
                try:
                    running.wait_for("listening", timeout=20)
                except AssertionError:
                    if way not in ("io_uring", "multipath", "fresh-connect"):
                        raise
                if wants_peer:
                    # A live connection is what AF_UNSPEC undoes: the peer stays a moment.
                    visit(published, stay=0.3)
                reached = False
                if opens_port:
                    def tried():
                        return running.process.poll() is not None or b"opened" in running.out
                    sbxtest.wait_until(tried, 10)
                    reached = b"opened" in running.out and visit(aim)
                running.wait(timeout=40)
                out, err = running.texts()
            if canary:  # whoever came stands in the queue at the latest now
                sbxtest.wait_until(lambda: canary.visits, 0.3 if confined else 1)
            visits = canary.visits if canary else 0
        finally:
            if canary:
                canary.close()
        # sbx's own messages quote the calls (MSG_FASTOPEN): only what the attack says counts.
        said = [line for line in out.splitlines() if line.startswith(("OPEN", "BLOCKED", "UNABLE"))]
        return "\n".join(said) or f"nothing: {err}", reached or visits > 0

    def check(self, way, family, options=()):
        said, seen = self.attack(way, family, confined=False)
        self.assertIn("OPEN", said, f"positive control of {way}: it does not work unconfined")
        said, seen = self.attack(way, family, confined=True, options=options)
        self.assertFalse(seen, f"{way} ESCAPED: {said}")
        self.assertNotIn("OPEN", said, f"{way}: {said}")
        # Killed for trying is blocked as well; not to have come so far is not.
        self.assertRegex(said, "BLOCKED|nothing: sbx: denied", f"{way} could not be tried: {said}")

    def test_under_the_default_policy(self):
        for way, *_ in WAYS:
            for family in ("4", "6"):
                with self.subTest(way=way, family=family):
                    self.check(way, family)

    def test_where_the_policy_allows_connect(self):
        # The worst case: a policy that needs connect for itself grants it with all its siblings.
        for way, *_ in WAYS:
            with self.subTest(way=way):
                self.check(way, "4", ["--allow", "@network-io"])

    def test_other_doors(self):
        for way in ("io_uring", "multipath"):
            with self.subTest(way=way):
                said, _ = self.attack(way, "4", confined=False)
                if "OPEN" not in said:
                    self.skipTest(f"{way} is off on this kernel: {said}")
                said, seen = self.attack(way, "4", confined=True)
                self.assertFalse(seen)
                self.assertNotIn("OPEN", said)

    def test_a_fresh_socket_stays_inside(self):
        said, seen = self.attack("fresh-connect", "4", confined=False)
        self.assertTrue(seen, said)
        said, seen = self.attack("fresh-connect", "4", confined=True)
        self.assertFalse(seen, said)


if __name__ == "__main__":
    sbxtest.main()
