#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Servers under the policies of their names: they serve, and nothing is denied."""

import http.server
import pathlib
import signal
import socket
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)
from realtest import RealCase  # noqa: E402


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        return True
    except OSError:
        return False


def talk(port, text, until):
    """Sends a request and reads until the answer ends as expected."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(text.encode())
        answer = b""
        while not answer.endswith(until.encode()):
            chunk = connection.recv(65536)
            if not chunk:
                break
            answer += chunk
    return answer.decode("utf-8", "replace")


class Web(RealCase):
    def pages(self, program, ending, more=()):
        self.need("curl")
        port = sbxtest.free_port()
        running = self.start("-P", f"127.0.0.1:{port}:80", *more, program)
        self.until(lambda: sbxtest.fetched(port), running)
        page = self.bare("curl", "-sS", "--fail", f"http://127.0.0.1:{port}/")
        self.assertStatus(page, 0)
        self.assertIn("<title>", page.out)
        many = [word for n in range(200)
                for word in ("-o", "/dev/null", f"http://127.0.0.1:{port}/?{n}")]
        self.assertStatus(self.bare("curl", "-sS", "--fail", "--parallel", "--parallel-max", "20",
                                    *many), 0)
        self.assertIn("404", sbxtest.fetch(port, path="/not-there").split("\r\n")[0])
        self.assertIn(self.stop(running, ending), (0, 128 + ending))

    def test_nginx(self):
        self.need("nginx")
        self.pages("nginx", signal.SIGQUIT)

    def test_nginx_as_a_reverse_proxy(self):
        self.need("nginx")
        behind, spare = self.backend(), self.backend()
        configuration = self.write(self.outside / "proxy.conf", f"""
            error_log stderr; pid /run/nginx.pid;
            events {{}}
            http {{
              access_log off;
              server {{
                listen 80;
                location / {{ proxy_pass http://127.0.0.1:{behind.server_port}; }}
                location /other/ {{ proxy_pass http://127.0.0.1:{spare.server_port}/; }}
                location /down/ {{ proxy_pass http://192.0.2.200:81/; }}
              }}
            }}""")
        port = sbxtest.free_port()
        running = self.start("-P", f"127.0.0.1:{port}:80", "--connect",
                             f"127.0.0.1:{behind.server_port}", "--ro", f"{configuration}=/srv/proxy.conf",
                             "nginx", "-g", "daemon off;", "-c", "/srv/proxy.conf")
        self.until(lambda: sbxtest.fetched(port), running)
        for n in range(20):
            self.assertIn(f"behind the proxy: /{n}", sbxtest.fetch(port, path=f"/{n}"))
        self.assertNoDenials(running.texts()[1])
        # Listed is one port of the host's, not its neighbours.
        self.assertIn("502", sbxtest.fetch(port, path="/other/").split("\r\n")[0])
        self.assertIn("502", sbxtest.fetch(port, path="/down/").split("\r\n")[0])
        self.until(lambda: "192.0.2.200:81 is not in network.connect" in running.texts()[1], running)
        self.assertEqual(spare.paths, [])
        running.signal(signal.SIGQUIT)
        self.assertIn(running.wait(), (0, 128 + signal.SIGQUIT))

    def backend(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.server.paths.append(self.path)
                body = f"behind the proxy: {self.path}".encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *unused):
                pass
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.paths = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server

    def test_apache2(self):
        self.debian("apache2", "/usr/sbin")
        self.pages("apache2", signal.SIGTERM)

    def test_apache2_reloads(self):
        self.debian("apache2", "/usr/sbin")
        port = sbxtest.free_port()
        running = self.start("-P", f"127.0.0.1:{port}:80", "apache2")
        self.until(lambda: sbxtest.fetched(port), running)
        before = set(sbxtest.inside(running.process.pid, name="apache2"))
        master = next(pid for pid in before
                      if int(sbxtest.status_of(pid).get("PPid", 0)) not in before)
        running.signal(signal.SIGUSR1)
        # Until the new workers are there apache may lose the signal that ends it.

        def reloaded():
            now = set(sbxtest.inside(running.process.pid, name="apache2"))
            return before & now == {master} and now - before
        self.until(reloaded, running)
        self.assertIn("200", sbxtest.fetch(port).split("\r\n")[0])
        self.stop(running, signal.SIGTERM)


class Redis(RealCase):
    def setUp(self):
        super().setUp()
        self.debian("redis-server")
        self.port = sbxtest.free_port()
        self.running = self.start("-P", f"127.0.0.1:{self.port}:6379", "redis-server")
        self.until(lambda: answers(self.port), self.running)

    def client(self, *words):
        return self.bare("redis-cli", "-p", self.port, *words)

    def test_sets_and_gets(self):
        self.assertEqual(self.client("SET", "colour", "green").out.strip(), "OK")
        self.assertEqual(self.client("GET", "colour").out.strip(), "green")
        self.assertEqual(self.client("EVAL", "return redis.call('GET', KEYS[1])", "1", "colour").out
                         .strip(), "green")
        self.assertIn("saving started", self.client("BGSAVE").out)
        self.assertTrue(sbxtest.wait_until(
            lambda: "rdb_bgsave_in_progress:0" in self.client("INFO", "persistence").out))
        self.assertIn("rdb_last_bgsave_status:ok", self.client("INFO", "persistence").out)
        self.assertIn("rewriting started", self.client("BGREWRITEAOF").out)
        self.assertTrue(sbxtest.wait_until(
            lambda: "aof_rewrite_in_progress:0" in self.client("INFO", "persistence").out))
        self.assertEqual(self.stop(self.running, signal.SIGTERM), 0)

    def test_redis_benchmark(self):
        benchmark = self.bare("redis-benchmark", "-p", self.port, "-q", "-n", "5000", "-c", "20",
                              "-t", "ping,set,get,incr,lpush,mset", timeout=120)
        self.assertStatus(benchmark, 0)
        self.assertIn("GET:", benchmark.out)
        self.assertEqual(self.stop(self.running, signal.SIGTERM), 0)


class Memcached(RealCase):
    def test_sets_and_gets(self):
        self.debian("memcached")
        port = sbxtest.free_port()
        running = self.start("-P", f"127.0.0.1:{port}:11211", "memcached")
        self.until(lambda: answers(port), running)
        self.assertEqual(talk(port, "set colour 0 0 5\r\ngreen\r\n", "\r\n"), "STORED\r\n")
        self.assertEqual(talk(port, "get colour\r\n", "END\r\n"),
                         "VALUE colour 0 5\r\ngreen\r\nEND\r\n")
        stored = "".join(f"set k{n} 0 0 4\r\n{n:04}\r\n" for n in range(1000))
        self.assertEqual(talk(port, stored, "STORED\r\n" * 1000).count("STORED"), 1000)
        self.assertIn("STAT curr_items 1001", talk(port, "stats\r\n", "END\r\n"))
        self.assertIn(self.stop(running, signal.SIGTERM), (0, 128 + signal.SIGTERM))


class Postgres(RealCase):
    def test_initdb_server_and_pgbench(self):
        found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        if not found:
            self.skipTest("PostgreSQL is not installed")
        programs = found[-1].parent
        data = ("--rw", f"{self.work}=/var/lib/postgresql")
        made = self.works(*data, programs / "initdb", "--no-sync", timeout=120)
        self.assertIn("Success", made.out)
        port = sbxtest.free_port()
        running = self.start(*data, "-P", f"127.0.0.1:{port}:5432", programs / "postgres",
                             "-c", "fsync=off")
        there = ("-h", "127.0.0.1", "-p", port, "-U", "postgres")
        self.until(lambda: self.bare(programs / "pg_isready", *there).status == 0, running)
        self.assertStatus(self.bare(programs / "createdb", *there, "bench"), 0)
        filled = self.bare(programs / "pgbench", *there, "-i", "-q", "bench")
        self.assertStatus(filled, 0)
        measured = self.bare(programs / "pgbench", *there, "-c", "4", "-j", "2", "-t", "100",
                             "bench")
        self.assertStatus(measured, 0)
        self.assertIn("number of failed transactions: 0", measured.out)
        # A sort on disk, parallel workers with memory of their own, and a vacuum.
        asked = self.bare(
            programs / "psql", *there, "-At", "bench", "-c", "SET work_mem = '64kB'", "-c",
            "SET parallel_setup_cost = 0", "-c", "SET min_parallel_table_scan_size = 0", "-c",
            "SELECT count(*), sum(abalance) FROM pgbench_accounts WHERE bid + aid > 0", "-c",
            "SELECT count(*) FROM (SELECT aid FROM pgbench_accounts ORDER BY filler, aid DESC) s",
            "-c", "VACUUM ANALYZE", "-c", "CHECKPOINT")
        self.assertStatus(asked, 0)
        self.assertIn("100000", asked.out)
        self.assertEqual(self.stop(running, signal.SIGINT), 0)
        self.assertEqual((self.work / "data" / "PG_VERSION").read_text().strip(),
                         programs.parent.name)


if __name__ == "__main__":
    sbxtest.main()
