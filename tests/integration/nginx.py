#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The main job: Debian's nginx, unmodified, in a sandbox of an ordinary user."""

import os
import signal
import socket
import unittest
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)
from sbxtest import sbx  # noqa: E402


class Nginx(sbxtest.TestCase):
    def setUp(self):
        super().setUp()
        self.need("nginx")
        self.port = sbxtest.free_port()

    def start(self, *options):
        running = sbxtest.start_sbx("run", "-P", f"127.0.0.1:{self.port}:80", *options, "nginx")
        self.addCleanup(running.__exit__)
        self.assertTrue(sbxtest.wait_until(
            lambda: running.process.poll() is not None or sbxtest.fetched(self.port)),
            running.texts())
        self.assertIsNone(running.process.poll(), running.texts())
        return running

    def nginx_processes(self, running):
        """(master, workers) as pids outside."""
        found = sbxtest.inside(running.process.pid, name="nginx")
        masters = [pid for pid in found
                   if int(sbxtest.status_of(pid).get("PPid", 0)) not in found]
        return masters, [pid for pid in found if pid not in masters]

    def stop(self, running, number=signal.SIGINT):
        running.signal(number)
        status = running.wait()
        self.assertFalse(sbxtest.listening(self.port))
        return status

    def test_serves_debians_page(self):
        running = self.start()
        page = sbxtest.fetch(self.port)
        self.assertTrue(page.startswith("HTTP/1.1 200"), page[:200])
        self.assertIn("nginx", page)
        self.assertIn("404", sbxtest.fetch(self.port, path="/not-there").split("\r\n")[0])
        self.assertIn(self.stop(running), (0, 128 + signal.SIGINT))
        self.assertNothingLeft()

    def test_no_denials_in_an_ordinary_run(self):
        running = self.start()
        for _ in range(20):
            sbxtest.fetch(self.port)
        self.stop(running)
        self.assertNotIn("denied", running.texts()[1])

    def test_master_and_workers(self):
        running = self.start()
        masters, workers = self.nginx_processes(running)
        self.assertEqual(len(masters), 1)
        self.assertGreaterEqual(len(workers), 1)
        for pid in masters + workers:
            status = sbxtest.status_of(pid)
            for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                self.assertEqual(int(status[name], 16), 0, f"{pid} {name}")
            self.assertEqual(status["NoNewPrivs"], "1")
            self.assertEqual(status["Seccomp"], "2")
            self.assertEqual(status["Uid"].split(), [str(sbxtest.ACCOUNT.uid)] * 4)
        self.stop(running)

    def test_reload(self):
        running = self.start()
        masters, before = self.nginx_processes(running)
        os.kill(running.process.pid, signal.SIGHUP)

        def reloaded():
            now_masters, now = self.nginx_processes(running)
            return now_masters == masters and now and not set(now) & set(before)
        self.assertTrue(sbxtest.wait_until(reloaded), running.texts())
        self.assertIn("200", sbxtest.fetch(self.port).split("\r\n")[0])
        self.stop(running)

    def test_a_worker_that_dies_is_replaced(self):
        running = self.start()
        _, before = self.nginx_processes(running)
        os.kill(before[0], signal.SIGKILL)
        self.assertTrue(sbxtest.wait_until(
            lambda: set(self.nginx_processes(running)[1]) - set(before)), running.texts())
        self.assertIn("200", sbxtest.fetch(self.port).split("\r\n")[0])
        self.stop(running)

    def test_every_ending_signal_ends_it(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
            with self.subTest(number):
                running = self.start()
                self.assertIn(self.stop(running, number), (0, 128 + number))
                self.assertNothingLeft()

    def test_killed_it_leaves_nothing(self):
        running = self.start()
        inner = sbxtest.inside(running.process.pid)
        running.signal(signal.SIGKILL)
        running.wait()
        self.assertTrue(sbxtest.wait_until(
            lambda: not any(sbxtest.status_of(pid) for pid in inner)))
        self.assertTrue(sbxtest.wait_until(lambda: not sbxtest.listening(self.port)))

    def test_many_connections(self):
        running = self.start()
        connections = [socket.create_connection(("127.0.0.1", self.port), timeout=10)
                       for _ in range(100)]
        try:
            for connection in connections:
                connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            for connection in connections:
                self.assertTrue(connection.recv(20).startswith(b"HTTP/1.1 200"))
        finally:
            for connection in connections:
                connection.close()
        self.stop(running)

    def test_the_port_of_the_policy(self):
        if sbxtest.listening(8080):
            self.skipTest(sbxtest.BY_DESIGN + "somebody has port 8080 of this host")
        with sbxtest.start_sbx("run", "nginx") as running:
            self.assertTrue(sbxtest.wait_until(lambda: sbxtest.fetched(8080)), running.texts())
            running.signal(signal.SIGINT)
            running.wait()

    def test_another_port_replaces_the_policys(self):
        """-P for the same port inside: the policy's 8080 is not opened too."""
        if sbxtest.listening(8080):
            self.skipTest(sbxtest.BY_DESIGN + "somebody has port 8080 of this host")
        running = self.start()
        self.assertFalse(sbxtest.listening(8080))
        self.stop(running)

    def test_a_configuration_of_the_users_own(self):
        work = self.directory()
        (work / "html").mkdir()
        self.write(work / "html" / "index.html", "my own page\n")
        os.chmod(work / "html", 0o755)
        configuration = self.write(work / "nginx.conf", f"""
            daemon off; pid /run/nginx.pid; error_log stderr;
            events {{ worker_connections 64; }}
            http {{ access_log off; client_body_temp_path /tmp/body; proxy_temp_path /tmp/proxy;
              fastcgi_temp_path /tmp/fastcgi; uwsgi_temp_path /tmp/uwsgi;
              scgi_temp_path /tmp/scgi;
              server {{ listen 80; root {work}/html; }} }}
            """)
        with sbxtest.start_sbx("run", "-P", f"{self.port}:80", "--ro", work, "nginx", "-c",
                               configuration) as running:
            self.assertTrue(sbxtest.wait_until(lambda: sbxtest.fetched(self.port)), running.texts())
            self.assertIn("my own page", sbxtest.fetch(self.port))
            running.signal(signal.SIGINT)
            running.wait()


if __name__ == "__main__":
    sbxtest.main()
