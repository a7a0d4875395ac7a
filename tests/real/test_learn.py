#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""sbx learn on real programs: learn, enforce, the same work again without a denial; and what somebody
who has taken the program over would want is denied by what was learned."""

import re
import signal

import realtest
import sbxtest

WANTED = ["ptrace", "socket(AF_PACKET, SOCK_RAW, 0)", "mprotect(_, _, PROT_READ|PROT_EXEC)", "unshare"]


class Learned(realtest.RealCase):
    def setUp(self):
        super().setUp()
        self.policy = self.outside / "learned.toml"

    def learn(self, *words, cwd=None):
        finished = sbxtest.sbx("learn", "-o", str(self.policy), *words, cwd=str(cwd or self.work), timeout=180)
        self.assertStatus(finished, 0)
        return finished

    def enforce(self, *words, cwd=None, status=0):
        finished = self.run_sbx("-p", str(self.policy), *words, cwd=cwd)
        self.assertStatus(finished, status)
        self.assertNoDenials(finished.err)
        return finished

    def assertTight(self, *more):
        for question in (*WANTED, *more):
            self.assertStatus(sbxtest.sbx("explain", str(self.policy), question), 1)
        keys = self.keys()
        self.assertStatus(sbxtest.sbx("explain", str(self.policy), str(keys / "secret")), 1)

    def serve(self, *words, work):
        """Learns a server while `work` goes on, ends it, and serves the same under what was learned."""
        learning = sbxtest.Running([sbxtest.sbx_path(), "learn", "-o", str(self.policy), *words], cwd=str(self.work))
        self.addCleanup(learning.__exit__)
        work(learning)
        learning.signal(signal.SIGTERM)
        self.assertEqual(learning.wait(), 0, learning.texts())
        serving = self.start("-p", str(self.policy), *[word for word in words if word != "--"])
        work(serving)
        self.stop(serving, signal.SIGTERM)

    def test_nginx(self):
        self.debian("nginx", "/usr/sbin")
        port = sbxtest.free_port()

        def work(running):
            self.until(lambda: sbxtest.fetched(port), running)
            for _ in range(20):
                self.assertTrue(sbxtest.fetched(port))

        self.serve("-P", f"127.0.0.1:{port}:80", "--", "nginx", work=work)
        self.assertTight("execve", "socket(AF_INET, SOCK_DGRAM, 0)")
        text = self.policy.read_text()
        self.assertLess(len(text.splitlines()), 95)
        # Docker's default profile names some 360 calls.
        dump = sbxtest.sbx("run", "--dry-run", "-p", str(self.policy), "--", "nginx").out
        self.assertLess(allowed(dump), 130)

    def test_redis(self):
        self.debian("redis-server")
        port = sbxtest.free_port()

        def work(running):
            self.until(lambda: b"PONG" in redis(port, b"PING\r\n"), running)
            redis(port, b"SET a 1\r\n")
            self.assertIn(b"1", redis(port, b"GET a\r\n"))
            self.assertIn(b"OK", redis(port, b"SAVE\r\n"))

        self.serve("-P", f"127.0.0.1:{port}:6379", "--", "redis-server", work=work)
        self.assertTight("execve")

    def test_gcc(self):
        self.debian("gcc")
        self.write(self.work / "hello.c", '#include <stdio.h>\nint main(void) { puts("hello"); return 0; }\n')
        self.learn("-p", "default", "--", "gcc", "-O1", "-o", "hello", "hello.c")
        self.assertFalse((self.work / "hello").exists())
        self.enforce("--", "gcc", "-O1", "-o", "hello", "hello.c")
        self.assertEqual(self.bare(self.work / "hello").out, "hello\n")
        self.assertTight("socket(AF_INET, SOCK_STREAM, 0)")

    def test_git(self):
        self.debian("git")
        script = ("git init -q r && cd r && git config user.name a && git config user.email b && "
                  "echo x > f && git add f && git commit -q -m c && git log --oneline && "
                  "git clone -q . ../s")
        self.learn("-p", "default", "--", "sh", "-c", script)
        self.assertFalse((self.work / "r").exists())
        self.enforce("--", "sh", "-c", script)
        self.assertTrue((self.work / "s" / "f").exists())
        self.assertTight("socket(AF_INET, SOCK_STREAM, 0)")

    def test_python(self):
        script = self.work / "job.py"
        self.write(script, "import subprocess, socket, threading, sqlite3, tempfile, json\n"
                           "print(subprocess.run(['ls', '/usr'], capture_output=True, check=True).returncode)\n"
                           "s = socket.create_server(('127.0.0.1', 0))\n"
                           "c = socket.create_connection(s.getsockname()); c.close()\n"
                           "t = threading.Thread(target=int); t.start(); t.join()\n"
                           "d = sqlite3.connect(tempfile.mktemp()); d.execute('create table a(b)'); d.commit()\n")
        python = self.debian("python3")
        self.learn("-p", "default", "--", python, str(script))
        self.enforce("--", python, str(script))
        self.assertTight("socket(AF_NETLINK, SOCK_RAW, 0)")

    def test_ffmpeg(self):
        self.debian("ffmpeg")
        words = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc=duration=0.2:size=64x64", "out.gif"]
        self.learn("-p", "default", "--", *words)
        self.enforce("--", *words)
        self.assertTrue((self.work / "out.gif").exists())
        self.assertTight("execve", "socket(AF_INET, SOCK_STREAM, 0)")


def redis(port, request):
    try:
        with sbxtest.socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(request)
            return connection.recv(4096)
    except OSError:
        return b""


def allowed(dump):
    """How many calls the listing of a plan lets run at all."""
    count = 0
    for line in dump.split("system calls", 1)[1].splitlines():
        match = re.match(r"^[0-9-]+\s+([a-z0-9_ ]+): (.*)$", line)
        if match and re.search(r"\ballow\b|supervisor", match.group(2)):
            count += len(match.group(1).split())
    return count


if __name__ == "__main__":
    sbxtest.main()
