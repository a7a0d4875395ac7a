#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""network.connect, bind, families and dns: a listed address is reached, any other is not and is told
of; what a program may see of its socket is as without sbx."""

import contextlib
import os
import pathlib
import socket
import sys
import tempfile
import textwrap
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)
from sbxtest import sbx  # noqa: E402

PYTHON = "/usr/bin/python3"


class Server:
    """Answers each connection on the host's loopback with its greeting and what it got."""

    def __init__(self, family=socket.AF_INET, kind=socket.SOCK_STREAM, address=None):
        self.socket = socket.socket(family, kind)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(address or ("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        self.kind, self.visits = kind, []
        if kind == socket.SOCK_STREAM:
            self.socket.listen(64)
        else:
            self.socket.settimeout(0.2)  # recvfrom is not woken by a close
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    @property
    def port(self):
        return self.socket.getsockname()[1]

    def _serve(self):
        while True:
            try:
                if self.kind == socket.SOCK_DGRAM:
                    data, peer = self.socket.recvfrom(65536)
                    self.visits.append(data)
                    self.socket.sendto(b"echo " + data, peer)
                    continue
                connection, _ = self.socket.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            with connection:
                self.visits.append(b"connection")
                connection.settimeout(10)
                with contextlib.suppress(OSError):
                    connection.sendall(b"hello from outside\n")
                    while data := connection.recv(65536):
                        connection.sendall(data)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(5)


def script(text):
    return textwrap.dedent("""\
        import errno, os, select, signal, socket, sys, time
        def attempt(call, *arguments):
            try:
                return call(*arguments)
            except OSError as error:
                return errno.errorcode[error.errno]
        """) + textwrap.dedent(text)


def python(text, *options, policy="python3", **more):
    return sbx("run", "-p", policy, *options, "--", PYTHON, "-c", script(text), **more)


class Connect(sbxtest.TestCase):
    def test_positive_control_without_the_option(self):
        with Server() as server:
            result = python(f"""
                print(attempt(socket.create_connection, ("127.0.0.1", {server.port})))
                """, "--net", "private")
            self.assertIn("ECONNREFUSED", result.out, result)
            self.assertEqual(server.visits, [])

    def test_a_listed_address_is_reached(self):
        with Server() as server:
            result = python(f"""
                s = socket.create_connection(("127.0.0.1", {server.port}))
                print(s.recv(100).decode().strip(), s.getpeername()[1] == {server.port},
                      s.getblocking())
                s.sendall(b"x" * 100000); s.shutdown(socket.SHUT_WR)
                print(sum(len(part) for part in iter(lambda: s.recv(65536), b"")))
                """, "--net", "private", "--connect", f"127.0.0.1:{server.port}")
            self.assertEqual(result.out, "hello from outside True True\n100000\n", result)
            self.assertEqual(result.err, "")

    def test_ipv6_and_mapped_addresses(self):
        if not sbxtest.has_ipv6():
            self.skipTest("no IPv6 on this host")
        with Server(socket.AF_INET6) as six, Server() as four:
            result = python(f"""
                print(socket.create_connection(("::1", {six.port})).recv(5))
                s = socket.socket(socket.AF_INET6)
                s.connect(("::ffff:127.0.0.1", {four.port}))
                print(s.recv(5))
                """, "--net", "private", "--connect", f"[::1]:{six.port}",
                            "--connect", f"127.0.0.1:{four.port}")
            self.assertEqual(result.out, "b'hello'\nb'hello'\n", result)

    def test_every_other_address_is_told_with_its_remedy(self):
        with Server() as server:
            result = python("""
                for place in ("192.0.2.1", 443), ("192.0.2.1", 80), ("192.0.2.1", 443):
                    print(attempt(socket.create_connection, place))
                """, "--net", "private", "--connect", f"127.0.0.1:{server.port}")
            self.assertEqual(result.out, "ENETUNREACH\n" * 3, result)
            self.assertIn("192.0.2.1:443 is not in network.connect", result.err)
            self.assertIn("--connect 192.0.2.1:443", result.err)
            self.assertIn('network.connect = ["192.0.2.1:80"]', result.err)
            self.assertEqual(result.err.count("192.0.2.1:443 is not in"), 1, result)
            self.assertRegex(result.err, r"2 x connect\(\d+, 192.0.2.1:443")

    def test_on_violation_kill(self):
        result = python("""
            socket.create_connection(("192.0.2.1", 443))
            """, "--net", "private", "--connect", "none", "--on-violation", "kill")
        self.assertEqual(result.status, 159, result)
        self.assertIn("192.0.2.1:443 is not in network.connect", result.err)

    def test_loopback_inside_stays(self):
        with Server() as server:
            result = python(f"""
                own = socket.create_server(("127.0.0.1", 0))
                port = own.getsockname()[1]
                s = socket.create_connection(("127.0.0.1", port))
                own.accept()[0].sendall(b"inside")
                print(s.recv(10))
                print(attempt(socket.create_connection, ("127.0.0.1", {server.port})))
                """, "--net", "private", "--connect", "*:*")
            self.assertEqual(result.out, "b'inside'\nECONNREFUSED\n", result)
            self.assertEqual(server.visits, [])

    def test_refused_outside(self):
        port = sbxtest.free_port()
        result = python(f"""
            print(attempt(socket.create_connection, ("127.0.0.1", {port})))
            s = socket.socket(); s.setblocking(False)
            print(attempt(s.connect, ("127.0.0.1", {port})))
            select.select([], [s], [], 10)
            print(errno.errorcode[s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)])
            """, "--net", "private", "--connect", f"127.0.0.1:{port}")
        self.assertEqual(result.out, "ECONNREFUSED\nEINPROGRESS\nECONNREFUSED\n", result)

    def test_a_socket_that_does_not_block(self):
        with Server() as server:
            result = python(f"""
                s = socket.socket(); s.setblocking(False); os.set_inheritable(s.fileno(), True)
                print(attempt(s.connect, ("127.0.0.1", {server.port})))
                print(select.select([], [s], [], 10)[1] == [s])
                print(s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
                print(attempt(s.connect, ("127.0.0.1", {server.port})))  # None: the kernel says 0 once
                print(attempt(s.connect, ("127.0.0.1", {server.port})))
                print(os.get_blocking(s.fileno()), os.get_inheritable(s.fileno()))
                select.select([s], [], [], 10)
                print(s.recv(5))
                """, "--net", "private", "--connect", f"127.0.0.1:{server.port}")
            self.assertEqual(result.out, "EINPROGRESS\nTrue\n0\nNone\nEISCONN\nFalse True\nb'hello'\n",
                             result)

    def test_a_watch_made_before_the_connection(self):
        with Server() as server:
            result = python(f"""
                s = socket.socket(); s.setblocking(False)
                watcher = select.epoll()
                watcher.register(s, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)
                watcher.poll(0)
                print(attempt(s.connect, ("127.0.0.1", {server.port})))
                seen = 0
                while not seen & select.EPOLLIN:
                    got = watcher.poll(10)
                    assert got and got[0][0] == s.fileno(), got
                    seen |= got[0][1]
                print(s.recv(5)); watcher.modify(s, select.EPOLLIN); watcher.unregister(s)
                """, "--net", "private", "--connect", f"127.0.0.1:{server.port}")
            self.assertEqual(result.out, "EINPROGRESS\nb'hello'\n", result)

    def test_options_set_before_are_kept(self):
        with Server() as server:
            result = python(f"""
                s = socket.socket()
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 20000)
                before = s.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
                s.settimeout(7); s.connect(("127.0.0.1", {server.port}))
                print(s.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY),
                      s.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
                      s.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) == before)
                """, "--net", "private", "--connect", f"127.0.0.1:{server.port}")
            self.assertEqual(result.out, "1 1 True\n", result)

    # A listener whose queue is full answers nobody: a connection that stays under way.
    @contextlib.contextmanager
    def silent_port(self):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            fillers = []
            for _ in range(4):
                filler = socket.socket()
                filler.setblocking(False)
                filler.connect_ex(listener.getsockname())
                fillers.append(filler)
            time.sleep(0.2)
            yield listener.getsockname()[1]
            for filler in fillers:
                filler.close()

    def test_a_signal_interrupts_a_connection_under_way(self):
        with self.silent_port() as port:
            result = python(f"""
                class Late(Exception): pass
                def late(*unused): raise Late
                signal.signal(signal.SIGALRM, late)
                signal.setitimer(signal.ITIMER_REAL, 0.5)
                start = time.monotonic()
                try:
                    socket.socket().connect(("127.0.0.1", {port}))
                except Late:
                    print("late", time.monotonic() - start < 10)
                """, "--net", "private", "--connect", f"127.0.0.1:{port}")
            self.assertEqual(result.out, "late True\n", result)

    def test_a_send_timeout_bounds_the_connection(self):
        with self.silent_port() as port:
            result = python(f"""
                import struct
                s = socket.socket()
                s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 0, 300000))
                print(attempt(s.connect, ("127.0.0.1", {port})))
                """, "--net", "private", "--connect", f"127.0.0.1:{port}")
            self.assertEqual(result.out, "EINPROGRESS\n", result)

    def test_other_connections_go_on_meanwhile(self):
        with self.silent_port() as port, Server() as server:
            result = python(f"""
                import threading
                waiting = threading.Thread(daemon=True, target=lambda: attempt(
                    socket.socket().connect, ("127.0.0.1", {port})))
                waiting.start(); time.sleep(0.3)
                print(socket.create_connection(("127.0.0.1", {server.port})).recv(5)); os._exit(0)
                """.replace("print(", "print(", 1), "--net", "private", "--connect",
                            f"127.0.0.1:{port}", "--connect", f"127.0.0.1:{server.port}")
            self.assertEqual(result.status, 0, result)

    def test_a_path_of_the_host(self):
        with tempfile.TemporaryDirectory() as directory:
            os.chmod(directory, 0o755)
            path = directory + "/server"
            with Server(socket.AF_UNIX, address=path):
                os.chmod(path, 0o777)
                text = f"""
                    s = socket.socket(socket.AF_UNIX)
                    print(attempt(s.connect, {path!r})); print(attempt(s.recv, 5))
                    print(os.path.exists({path!r}))
                    """
                result = python(text, "--net", "private")
                self.assertIn("ENOENT", result.out, result)
                result = python(text, "--net", "private", "--connect", f"unix:{path}")
                self.assertEqual(result.out, "None\nb'hello'\nFalse\n", result)

    def test_the_policy_need_not_allow_connect_besides(self):
        with Server() as server:
            result = python(f"""
                print(socket.create_connection(("127.0.0.1", {server.port})).recv(5))
                """, "--net", "private", "--deny", "connect", "--connect", f"127.0.0.1:{server.port}")
            self.assertEqual(result.out, "b'hello'\n", result)

    def test_dry_run_shows_the_addresses(self):
        result = sbx("run", "--dry-run", "--connect", "10.0.0.0/8:443", "--bind", "8080", "true")
        self.assertRegex(result.out, r"connect to 10\.0\.0\.0/8:443, outside +\[--connect")
        self.assertRegex(result.out, r"bind 8080 +\[--bind")

    def test_names_are_an_error_with_a_remedy(self):
        result = sbx("run", "--connect", "example.org:443", "true")
        self.assertEqual(result.status, 125)
        self.assertIn("names a host", result.err)
        self.assertIn("getent ahosts example.org", result.err)


class Datagrams(sbxtest.TestCase):
    def test_connected(self):
        with Server(kind=socket.SOCK_DGRAM) as server:
            result = python(f"""
                s = socket.socket(type=socket.SOCK_DGRAM)
                s.connect(("127.0.0.1", {server.port})); s.send(b"one")
                print(s.recv(100))
                """, "--net", "private", "--connect", f"udp:127.0.0.1:{server.port}")
            self.assertEqual(result.out, "b'echo one'\n", result)

    def test_sent_to_an_address(self):
        with Server(kind=socket.SOCK_DGRAM) as one, Server(kind=socket.SOCK_DGRAM) as two:
            result = python(f"""
                s = socket.socket(type=socket.SOCK_DGRAM); s.settimeout(10)
                s.bind(("0.0.0.0", 0))  # as musl's resolver does
                for port in {one.port}, {two.port}, {one.port}:
                    s.sendto(b"x", ("127.0.0.1", port))
                    print(s.recvfrom(100) == (b"echo x", ("127.0.0.1", port)))
                print(s.sendmsg([b"a", b"bc"], [], 0, ("127.0.0.1", {two.port})), s.recv(100))
                print(attempt(s.sendto, b"x", ("192.0.2.1", 53)))
                """, "--net", "private", "--connect", f"udp:127.0.0.1:{one.port}",
                            "--connect", f"udp:127.0.0.1:{two.port}")
            self.assertEqual(result.out, "True\nTrue\nTrue\n3 b'echo abc'\nENETUNREACH\n", result)
            self.assertIn("udp:192.0.2.1:53 is not in network.connect", result.err)

    def test_local_datagrams_and_descriptors_still_pass(self):
        result = python("""
            own = socket.socket(type=socket.SOCK_DGRAM); own.bind(("127.0.0.1", 0))
            other = socket.socket(type=socket.SOCK_DGRAM)
            other.sendto(b"inside", own.getsockname()); print(own.recv(10))
            a, b = socket.socketpair()
            read, write = os.pipe()
            socket.send_fds(a, [b"fd"], [write])
            data, (got,), *_ = socket.recv_fds(b, 10, 1)
            os.write(got, b"through"); print(data, os.read(read, 10))
            a.sendmsg([b"x" * 300000]); print(len(b.recv(400000)) > 1000)
            b.close(); print(attempt(a.sendmsg, [b"x"]))
            """, "--net", "private", "--connect", "udp:192.0.2.1:53")
        self.assertEqual(result.out, "b'inside'\nb'fd' b'through'\nTrue\nEPIPE\n", result)


class OnTheHostsNetwork(sbxtest.TestCase):
    def test_only_listed_addresses(self):
        with Server() as server, Server() as other:
            result = python(f"""
                print(socket.create_connection(("127.0.0.1", {server.port})).recv(5))
                print(attempt(socket.create_connection, ("127.0.0.1", {other.port})))
                own = socket.create_server(("127.0.0.1", 0))
                print(attempt(socket.create_connection, own.getsockname()))
                """, "--net", "host", "--connect", f"127.0.0.1:{server.port}")
            self.assertEqual(result.out, "b'hello'\nEACCES\nEACCES\n", result)
            self.assertEqual(other.visits, [])
            self.assertIn(f"127.0.0.1:{other.port} is not in network.connect", result.err)

    def test_datagrams(self):
        with Server(kind=socket.SOCK_DGRAM) as server, Server(kind=socket.SOCK_DGRAM) as other:
            result = python(f"""
                s = socket.socket(type=socket.SOCK_DGRAM); s.settimeout(10)
                s.sendto(b"x", ("127.0.0.1", {server.port})); print(s.recv(10))
                print(attempt(s.sendto, b"x", ("127.0.0.1", {other.port})))
                print(attempt(s.sendmsg, [b"x"], [], 0, ("127.0.0.1", {other.port})))
                print(attempt(s.connect, ("127.0.0.1", {other.port})))
                """, "--net", "host", "--connect", f"udp:127.0.0.1:{server.port}")
            self.assertEqual(result.out, "b'echo x'\n" + "EACCES\n" * 3, result)
            self.assertEqual(other.visits, [])

    def test_log_lets_it_by_and_tells(self):
        with Server() as server:
            result = python(f"""
                print(socket.create_connection(("127.0.0.1", {server.port})).recv(5))
                """, "--net", "host", "--connect", "none", "--on-violation", "log")
            self.assertEqual(result.out, "b'hello'\n", result)
            self.assertIn("is not in network.connect", result.err)

    def test_ports_to_bind(self):
        port = sbxtest.free_port()
        text = f"""
            s = socket.socket(); print(attempt(s.bind, ("127.0.0.1", {port}))); print(attempt(s.listen))
            print(attempt(socket.socket().bind, ("127.0.0.1", {port} ^ 1)))
            s = socket.socket(); s.bind(("127.0.0.1", 0)); print(attempt(s.listen))
            print(attempt(socket.socket().listen))
            u = socket.socket(type=socket.SOCK_DGRAM); print(attempt(u.bind, ("127.0.0.1", {port})))
            """
        result = python(text, "--net", "host")
        self.assertEqual(result.out, "None\n" * 6, result)
        result = python(text, "--net", "host", "--bind", str(port))
        self.assertEqual(result.out, "None\nNone\nEACCES\nEACCES\nEACCES\nEACCES\n", result)
        self.assertIn(f"{port ^ 1} is not in network.bind", result.err)
        self.assertIn(f"--bind {port}/udp", result.err)


class Bind(sbxtest.TestCase):
    def test_inside(self):
        result = python("""
            print(attempt(socket.socket().bind, ("127.0.0.1", 80)))
            print(attempt(socket.socket().bind, ("127.0.0.1", 81)))
            s = socket.socket(); s.bind(("127.0.0.1", 0)); print(attempt(s.listen))
            """, "--net", "private", "--bind", "80")
        self.assertEqual(result.out, "None\nEACCES\nNone\n", result)
        self.assertIn("127.0.0.1:81 is not in network.bind", result.err)

    def test_none(self):
        result = python("print(attempt(socket.socket().bind, ('127.0.0.1', 8080)))",
                        "--net", "private", "--bind", "none")
        self.assertEqual(result.out, "EACCES\n", result)


class Families(sbxtest.TestCase):
    def run_with(self, families):
        with tempfile.TemporaryDirectory() as directory:
            os.chmod(directory, 0o755)
            policy = pathlib.Path(directory) / "families.toml"
            policy.write_text('schema = 1\n[policy]\nextends = ["python3"]\n[network]\n'
                              f'mode = "private"\nfamilies = {families}\n')
            policy.chmod(0o644)
            return python("""
                for family in "AF_UNIX", "AF_INET", "AF_INET6", "AF_NETLINK", "AF_VSOCK":
                    kind = socket.SOCK_RAW if family == "AF_NETLINK" else socket.SOCK_STREAM
                    print(family, attempt(lambda: socket.socket(getattr(socket, family), kind).close()))
                socket.socketpair()
                """, policy=str(policy))

    def test_only_the_listed_ones(self):
        result = self.run_with('["unix", "inet"]')
        self.assertEqual(result.out.split()[1::2], ["None", "None", "EPERM", "EPERM", "EPERM"], result)
        self.assertIn("network.families = unix, inet", result.err)
        self.assertIn('network.families = ["unix", "inet", "inet6"]', result.err)

    def test_more_than_base_allows(self):
        result = self.run_with('["unix", "inet", "inet6", "netlink", "vsock"]')
        self.assertEqual(result.out.split()[1:8:2], ["None"] * 4, result)
        self.assertNotIn("EPERM", result.out.split()[9])

    def test_an_unknown_one(self):
        result = self.run_with('["ipv6"]')
        self.assertEqual(result.status, 125)
        self.assertIn('did you mean "inet6"?', result.err)


class Dns(sbxtest.TestCase):
    def test_resolv_conf_and_port_53(self):
        with tempfile.TemporaryDirectory() as directory:
            os.chmod(directory, 0o755)
            policy = pathlib.Path(directory) / "dns.toml"
            policy.write_text('schema = 1\n[policy]\nextends = ["python3"]\n[network]\n'
                              'mode = "private"\ndns = ["127.0.0.7", "192.0.2.53"]\n')
            policy.chmod(0o644)
            result = python("""
                print(open("/etc/resolv.conf").read())
                s = socket.socket(type=socket.SOCK_DGRAM)
                print(attempt(s.connect, ("127.0.0.7", 53)), s.getsockname()[0])
                print(attempt(s.connect, ("127.0.0.7", 54)))
                print(attempt(socket.create_connection, ("127.0.0.7", 53)))
                """, policy=str(policy))
            self.assertIn("nameserver 127.0.0.7\nnameserver 192.0.2.53\n", result.out)
            self.assertIn("None 127.0.0.1\n", result.out, result)

    def test_of_the_host(self):
        servers = [line.split()[1] for line in open("/etc/resolv.conf", encoding="utf-8")
                   if line.startswith("nameserver")]
        with tempfile.TemporaryDirectory() as directory:
            os.chmod(directory, 0o755)
            policy = pathlib.Path(directory) / "dns.toml"
            policy.write_text('schema = 1\n[policy]\nextends = ["default"]\n[network]\n'
                              'mode = "private"\ndns = "host"\n')
            policy.chmod(0o644)
            result = sbx("run", "-p", policy, "--", "cat", "/etc/resolv.conf")
            if not servers:
                self.assertIn("names no server", result.err)
                return
            self.assertEqual([line.split()[1] for line in result.out.splitlines()
                              if line.startswith("nameserver")], servers[:3], result)


if __name__ == "__main__":
    sbxtest.main()
