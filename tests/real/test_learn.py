#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""sbx learn on real programs: learn, enforce, the same work again without a denial; and what somebody
who has taken the program over would want is denied by what was learned."""

import http.server
import json
import os
import pathlib
import re
import signal
import ssl
import threading
import tomllib

import realtest
import sbxtest

WANTED = ["ptrace", "socket(AF_PACKET, SOCK_RAW, 0)", "mprotect(_, _, PROT_READ|PROT_EXEC)", "unshare",
          "init_module"]
DOCKER = pathlib.Path("/usr/share/containers/seccomp.json")


class Learned(realtest.RealCase):
    def setUp(self):
        super().setUp()
        self.policy = self.outside / "learned.toml"

    def learn(self, *words, cwd=None, status=0):
        finished = sbxtest.sbx("learn", "-o", str(self.policy), *words, cwd=str(cwd or self.work), timeout=180)
        self.assertStatus(finished, status)
        return finished

    def enforce(self, *words, cwd=None, status=0):
        finished = self.run_sbx("-p", str(self.policy), *words, cwd=cwd, timeout=180)
        self.assertStatus(finished, status)
        self.assertNoDenials(finished.err)
        return finished

    def text(self):
        return self.policy.read_text()

    def assertSameGrants(self, before):
        """The same work once more is the same policy. Not its comments: whether a call comes once or twice,
        before or after the first request, is a matter of time in a real program. Nor its limits: how
        many requests were under way at one time is as well."""
        def grants(text):
            read = tomllib.loads(text)
            read["seccomp"]["allow"].sort()
            read.pop("limits")
            return read
        self.assertEqual(grants(self.text()), grants(before))

    def assertTight(self, *more):
        for question in (*WANTED, *more):
            self.assertStatus(sbxtest.sbx("explain", str(self.policy), question), 1)
        keys = self.keys()
        self.assertStatus(sbxtest.sbx("explain", str(self.policy), str(keys / "secret")), 1)

    def learn_while(self, *words, work, ending=signal.SIGTERM):
        learning = sbxtest.Running([sbxtest.sbx_path(), "learn", "-o", str(self.policy), *words], cwd=str(self.work))
        self.addCleanup(learning.__exit__)
        work(learning)
        learning.signal(ending)
        self.assertEqual(learning.wait(), 0, learning.texts())

    def serve(self, *words, work, ending=signal.SIGTERM):
        """Learns a server while `work` goes on, ends it, and serves the same under what was learned."""
        self.learn_while(*words, work=work, ending=ending)
        serving = self.start("-p", str(self.policy), *[word for word in words if word != "--"])
        work(serving)
        self.stop(serving, ending)


class Servers(Learned):
    def test_nginx_under_load_and_reloaded(self):
        self.debian("nginx", "/usr/sbin")
        ab = self.debian("ab")
        port = sbxtest.free_port()

        def load():
            done = self.bare(ab, "-q", "-n", "500", "-c", "20", f"http://127.0.0.1:{port}/", timeout=60)
            self.assertStatus(done, 0)
            self.assertRegex(done.out, r"Failed requests: +0\n")

        def work(running):
            self.until(lambda: sbxtest.fetched(port), running)
            load()
            before = set(sbxtest.inside(running.process.pid, name="nginx"))
            master = next(pid for pid in before if int(sbxtest.status_of(pid)["PPid"]) not in before)
            os.kill(master, signal.SIGHUP)
            self.until(lambda: not before & set(sbxtest.inside(running.process.pid, name="nginx")) - {master},
                       running)
            self.until(lambda: sbxtest.fetched(port), running)
            load()

        words = ("-P", f"127.0.0.1:{port}:80", "--", "nginx")
        self.serve(*words, work=work)
        self.assertTight("execve", "socket(AF_INET, SOCK_DGRAM, 0)")
        first = self.text()
        self.assertLess(len([line for line in first.splitlines() if line]), 80, first)
        dump = sbxtest.sbx("run", "--dry-run", "-p", str(self.policy), "--", "nginx").out
        allowed, known = calls_of(dump)
        docker = docker_default() & known
        self.assertLessEqual(3 * len(allowed & docker), len(docker), sorted(allowed))
        self.learn_while(*words, work=work)
        self.assertSameGrants(first)

    def test_redis_under_its_benchmark(self):
        self.debian("redis-server")
        port = sbxtest.free_port()

        def client(*words):
            return self.bare("redis-cli", "-p", port, *words).out

        def work(running):
            self.until(lambda: "PONG" in client("PING"), running)
            done = self.bare("redis-benchmark", "-p", port, "-q", "-n", "500", "-c", "20", "-t",
                             "ping,set,get,incr,lpush,mset", timeout=60)
            self.assertStatus(done, 0)
            self.assertIn("started", client("BGSAVE"))
            self.until(lambda: "rdb_bgsave_in_progress:0" in client("INFO", "persistence"), running)
            self.assertIn("started", client("BGREWRITEAOF"))
            self.until(lambda: "aof_rewrite_in_progress:0" in client("INFO", "persistence"), running)
            state = client("INFO", "persistence")
            self.assertIn("rdb_last_bgsave_status:ok", state)
            self.assertIn("aof_last_bgrewrite_status:ok", state)

        self.serve("-P", f"127.0.0.1:{port}:6379", "--", "redis-server", work=work)
        self.assertTight("execve")
        self.assertIn("# redis-server; ", self.text())  # not the file behind its symbolic link

    def test_postgres_under_pgbench(self):
        found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        if not found:
            self.skipTest("PostgreSQL is not installed")
        programs = found[-1].parent
        data = ("--rw", f"{self.work}=/var/lib/postgresql")
        self.works(*data, programs / "initdb", "--no-sync", timeout=120)
        port = sbxtest.free_port()
        there = ("-h", "127.0.0.1", "-p", port, "-U", "postgres")

        def work(running):
            self.until(lambda: self.bare(programs / "pg_isready", *there).status == 0, running)
            filled = self.bare(programs / "pgbench", *there, "-i", "-q", "postgres", timeout=60)
            self.assertStatus(filled, 0)
            measured = self.bare(programs / "pgbench", *there, "-c", "4", "-j", "2", "-t", "50", "postgres",
                                 timeout=60)
            self.assertStatus(measured, 0)
            self.assertIn("number of failed transactions: 0", measured.out)

        self.serve(*data, "-P", f"127.0.0.1:{port}:5432", "--", str(programs / "postgres"), "-c", "fsync=off",
                   work=work, ending=signal.SIGINT)
        self.assertTight("execve", "socket(AF_INET, SOCK_DGRAM, 0)")


class Clients(Learned):
    def test_curl_to_a_tls_server(self):
        self.debian("curl")
        openssl = self.debian("openssl")
        key, certificate = self.outside / "key.pem", self.work / "certificate.pem"
        made = self.bare(openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                         "-keyout", key, "-out", certificate, "-subj", "/CN=127.0.0.1", "-addext",
                         "subjectAltName=IP:127.0.0.1")
        self.assertStatus(made, 0)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        address = f"127.0.0.1:{server.server_port}"
        words = ["curl", "-sS", "--cacert", str(certificate), "-o", "page", f"https://{address}/"]
        self.learn("-p", "default", "--connect", "127.0.0.1:*", "--", *words)
        self.assertFalse((self.work / "page").exists())
        self.assertIn(f'connect = ["{address}"]', self.text())
        self.enforce("--", *words)
        self.assertEqual((self.work / "page").read_text(), "a page\n")
        self.assertTight("execve", "socket(AF_NETLINK, SOCK_RAW, 0)")


class Commands(Learned):
    def test_gcc(self):
        self.debian("gcc")
        self.write(self.work / "hello.c", '#include <stdio.h>\nint main(void) { puts("hello"); return 0; }\n')
        words = ("--", "gcc", "-O1", "-o", "hello", "hello.c")
        self.learn("-p", "default", *words)
        first = self.text()
        self.assertFalse((self.work / "hello").exists())
        self.enforce(*words)
        self.assertEqual(self.bare(self.work / "hello").out, "hello\n")
        self.assertTight("socket(AF_INET, SOCK_STREAM, 0)")
        (self.work / "hello").unlink()
        self.learn("-p", "default", "--verify", "never", *words)
        self.assertSameGrants(first)

    def test_git(self):
        self.debian("git")
        script = ("git init -q r && cd r && git config user.name a && git config user.email b && "
                  "echo x > f && git add f && git commit -q -m c && git log --oneline && "
                  "git clone -q . ../s")
        self.learn("-p", "default", "--", "sh", "-c", script)
        first = self.text()
        self.assertFalse((self.work / "r").exists())
        self.enforce("--", "sh", "-c", script)
        self.assertTrue((self.work / "s" / "f").exists())
        self.assertTight("socket(AF_INET, SOCK_STREAM, 0)")
        self.bare("rm", "-r", "r", "s")
        self.learn("-p", "default", "--verify", "never", "--", "sh", "-c", script)
        self.assertSameGrants(first)

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

    def cpython(self, *words):
        """CPython's own tests of a module, learned and enforced: the same ones fail, which for some is
        all that a sandbox can answer (test_cpython.py), and nothing more is denied."""
        if self.bare("python3", "-c", "import test.test_os").status != 0:
            self.skipTest("CPython's tests are not installed (libpython3.11-testsuite)")
        command = ["--", self.debian("python3"), "-m", "test", "-v", *words]
        learned = sbxtest.sbx("learn", "-o", str(self.policy), "-p", "default", "--verify", "never", *command,
                              cwd=str(self.work), timeout=180)
        enforced = self.run_sbx("-p", str(self.policy), *command, timeout=180)
        self.assertNoDenials(enforced.err)
        outcome = r"^(?:FAIL|ERROR): \S+ \(([\w.]+)\)"
        self.assertEqual(set(re.findall(outcome, enforced.out, re.M)), set(re.findall(outcome, learned.out, re.M)))
        self.assertRegex(enforced.out, r"Ran \d\d+ tests")
        self.assertTight()

    def test_the_tests_of_sockets(self):
        # Without the ones of local sockets: where ports are listed, a name that the supervisor has bound is
        # not shown as it was given (mediate_bind.cpp).
        self.cpython("-m", "*BasicTCP*", "-m", "*BasicUDPTest*", "-m", "*General*", "-m", "*msgTCP*", "-m",
                     "*CreateServer*", "-i", "*[tT]imeout*", "test_socket")

    def test_the_tests_of_subprocesses(self):
        self.cpython("-m", "test.test_subprocess.ProcessTestCase.*", "-i", "*timeout*", "-i", "*leaking*", "-i",
                     "*pipe_buf*", "test_subprocess")

    def test_ffmpeg(self):
        self.debian("ffmpeg")
        words = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc=duration=0.2:size=64x64", "out.gif"]
        self.learn("-p", "default", "--", *words)
        self.enforce("--", *words)
        self.assertTrue((self.work / "out.gif").exists())
        self.assertTight("execve", "socket(AF_INET, SOCK_STREAM, 0)")


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "7")
        self.end_headers()
        self.wfile.write(b"a page\n")

    def log_message(self, *unused):
        pass


def calls_of(dump):
    """The calls that the listing of a plan lets run, and all that it lists."""
    allowed, known = set(), set()
    for line in dump.split("system calls", 1)[1].splitlines():
        match = re.match(r"^[0-9-]+\s+([a-z0-9_ ]+): (.*)$", line)
        if match:
            names = match.group(1).split()
            known.update(names)
            if re.search(r"\ballow\b|supervisor", match.group(2)):
                allowed.update(names)
    return allowed, known


def docker_default():
    """What Docker's default profile allows a container without further capabilities."""
    rules = json.loads(DOCKER.read_text())["syscalls"]
    return {name for rule in rules if rule["action"] == "SCMP_ACT_ALLOW" and not rule.get("includes", {}).get("caps")
            for name in rule["names"]}


if __name__ == "__main__":
    sbxtest.main()
