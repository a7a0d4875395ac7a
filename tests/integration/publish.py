#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Published ports: opened outside before anything starts, injected when the command binds, options
and flags carried over, the traffic the kernel's own affair."""

import os
import socket
import unittest
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)
from sbxtest import sbx  # noqa: E402


def answer(port, host="127.0.0.1"):
    with socket.create_connection((host, port), timeout=10) as connection:
        return connection.recv(100).decode()


def facts(text):
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


class Publish(sbxtest.TestCase):
    def command(self, publish, *words):
        return ["run", "-P", publish, "--ro", str(sbxtest.stage().probes), "--",
                sbxtest.probe("listen"), *words]

    def serve(self, publish, host, port, *words):
        with sbxtest.start_sbx(*self.command(publish, *words, "serve")) as running:
            running.wait_for("bound\n")
            self.assertEqual(answer(port, host), "hello from inside\n")
            self.assertEqual(running.wait(), 0, running.texts())
            return facts(running.texts()[0])

    def test_positive_control_unconfined(self):
        port = sbxtest.free_port()
        with sbxtest.Running([sbxtest.probe("listen"), "4", str(port), "any", "serve"]) as running:
            running.wait_for("bound\n")
            self.assertEqual(answer(port), "hello from inside\n")

    def test_not_published_is_not_reachable(self):
        port = sbxtest.free_port()
        with sbxtest.start_sbx("run", "--ro", str(sbxtest.stage().probes), "--",
                               sbxtest.probe("listen"), "4", str(port), "any", "serve") as running:
            running.wait_for("bound\n")
            with self.assertRaises(OSError):
                answer(port)

    def test_ipv4(self):
        port = sbxtest.free_port()
        self.serve(f"127.0.0.1:{port}:80", "127.0.0.1", port, "4", "80", "any")

    def test_the_default_address_is_loopback(self):
        port = sbxtest.free_port()
        self.serve(f"{port}:80", "127.0.0.1", port, "4", "80", "any")
        with sbxtest.start_sbx(*self.command(f"{port}:80", "4", "80", "any", "serve")) as running:
            running.wait_for("bound\n")
            table = pathlib.Path("/proc/net/tcp").read_text()
            self.assertIn(f"0100007F:{port:04X} ", table)
            self.assertNotIn(f"00000000:{port:04X} ", table)

    def test_bound_to_loopback_inside(self):
        port = sbxtest.free_port()
        self.serve(f"127.0.0.1:{port}:8080", "127.0.0.1", port, "4", "8080")

    @unittest.skipUnless(sbxtest.has_ipv6(), "no IPv6 on this host")
    def test_ipv6(self):
        port = sbxtest.free_port(socket.AF_INET6)
        seen = self.serve(f"[::1]:{port}:80", "::1", port, "6", "80", "any")
        self.assertEqual(seen["v6only"], "1")
        self.assertEqual(seen["peer-family"], str(int(socket.AF_INET6)))

    def test_a_dual_stack_program_on_an_ipv4_port(self):
        port = sbxtest.free_port()
        seen = self.serve(f"127.0.0.1:{port}:80", "127.0.0.1", port, "dual", "80", "any")
        self.assertEqual(seen["v6only"], "0")
        self.assertEqual(seen["family"], str(int(socket.AF_INET6)), "the socket's kind must stay")

    def test_an_ipv4_program_sees_ipv4_peers(self):
        port = sbxtest.free_port()
        seen = self.serve(f"127.0.0.1:{port}:80", "127.0.0.1", port, "4", "80", "any")
        self.assertEqual(seen["family"], str(int(socket.AF_INET)))
        self.assertEqual(seen["peer-family"], str(int(socket.AF_INET)))

    def test_flags_and_options_are_carried_over(self):
        for family in ("4", "dual"):
            for words in ([], ["nonblock"], ["cloexec"], ["nodelay"], ["keepalive"], ["reuse"],
                          ["nonblock", "cloexec", "nodelay", "keepalive", "reuse"]):
                with self.subTest(family=family, words=words):
                    port = sbxtest.free_port()
                    # What the kernel says of the same program unconfined is what it must be.
                    control = sbxtest.run([sbxtest.probe("listen"), family, str(port), "any", *words])
                    self.assertIn("bound", control.out, control)
                    done = sbx(*self.command(f"127.0.0.1:{port}:80", family, "80", "any", *words))
                    self.assertStatus(done, 0)
                    # sbx itself reuses the address, so that a restart finds the port free.
                    self.assertEqual(facts(done.out), {**facts(control.out), "reuse": "1"})

    def test_two_ports(self):
        first, second = sbxtest.free_port(), sbxtest.free_port()
        script = "for p in 80 443; do \"$0\" 4 $p any serve & done; wait"
        with sbxtest.start_sbx("run", "-P", f"{first}:80", "-P", f"{second}:443", "--ro",
                               str(sbxtest.stage().probes), "--", "sh", "-c", script,
                               sbxtest.probe("listen")) as running:
            sbxtest.wait_until(lambda: running.out.count(b"bound") == 2)
            self.assertEqual(answer(second), "hello from inside\n")
            self.assertEqual(answer(first), "hello from inside\n")
            self.assertEqual(running.wait(), 0)

    def test_nobody_hears_before_the_program_listens(self):
        port = sbxtest.free_port()
        with sbxtest.start_sbx("run", "-P", f"{port}:80", "--", "sh", "-c",
                               "echo ready; exec sleep 60") as running:
            running.wait_for("ready\n")
            with self.assertRaises(OSError):
                answer(port)

    def test_a_taken_port_is_an_error_before_anything_starts(self):
        work = self.directory()
        for family, host, spec in ((socket.AF_INET, "127.0.0.1", "127.0.0.1:{}:80"),
                                   (socket.AF_INET6, "::1", "[::1]:{}:80")):
            if family == socket.AF_INET6 and not sbxtest.has_ipv6():
                continue
            with self.subTest(host), socket.create_server((host, 0), family=family) as taken:
                port = taken.getsockname()[1]
                done = sbx("run", "-P", spec.format(port), "--rw", work, "--", "touch",
                           work / "ran")
                self.assertTwoLineError(done, 125, str(port), "EADDRINUSE")
                self.assertFalse((work / "ran").exists())

    def test_a_foreign_address_is_an_error(self):
        done = sbx("run", "-P", "192.0.2.123:8080:80", "--", "true")
        self.assertTwoLineError(done, 125, "192.0.2.123")

    @unittest.skipIf(int(pathlib.Path(
        "/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()) < 2, sbxtest.BY_DESIGN + "every port is free")
    def test_a_low_port_outside_is_an_error(self):
        done = sbx("run", "-P", "127.0.0.1:1:80", "--", "true")
        self.assertTwoLineError(done, 125, "EACCES")

    def test_udp_is_a_clear_error(self):
        done = sbx("run", "-P", "127.0.0.1:5353:53/udp", "--", "true")
        self.assertTwoLineError(done, 125, "udp")

    def test_malformed(self):
        for spec in ("", "80", "x:80", "80:x", "0:80", "1:2:3:4", "127.0.0.1:80", "[::1:80:80",
                     "8080:80/sctp", "127.0.0.256:80:80", "-1:80"):
            with self.subTest(spec):
                done = sbx("run", "-P", spec, "--", "true")
                self.assertEqual(done.status, 125, done)

    def test_the_port_is_free_again_at_once(self):
        port = sbxtest.free_port()
        for _ in range(3):
            self.serve(f"127.0.0.1:{port}:80", "127.0.0.1", port, "4", "80", "any", "reuse")
        self.assertFalse(sbxtest.listening(port))

    def test_traffic_does_not_pass_through_sbx(self):
        """Nothing of sbx holds the connection: with the supervisor stopped it still works."""
        port = sbxtest.free_port()
        with sbxtest.start_sbx(*self.command(f"{port}:80", "4", "80", "any", "serve")) as running:
            running.wait_for("bound\n")
            os.kill(running.process.pid, 19)  # SIGSTOP
            try:
                self.assertEqual(answer(port), "hello from inside\n")
            finally:
                os.kill(running.process.pid, 18)  # SIGCONT
            self.assertEqual(running.wait(), 0)


if __name__ == "__main__":
    sbxtest.main()
