#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A socket connected to a listed address lives in the host's network namespace. These attacks try to
make it, or the supervisor that makes it, reach another place there, or serve there. Each is first run
without a sandbox: an attack that does not work there would show nothing here."""

import contextlib
import pathlib
import socket
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)

# What the attack does with CANARY: reaches it by TCP or UDP, opens a port, or none of it.
WAYS = {
    "unlisted": "tcp", "reconnect-unspec": "tcp", "reconnect-failed": "tcp",
    "reconnect-abandoned": "tcp", "fastopen": "tcp", "fastopen-connect": "tcp",
    "listen-abandoned": "serves", "listen-failed": "serves", "bind-abandoned": "serves",
    "udp-sendto": "udp", "udp-sendmsg": "udp", "udp-sendmmsg": "udp", "udp-unconnected": "udp",
    "udp-unspec-family": "udp", "udp-other-family": "udp", "udp-reconnect": "udp",
    "udp-disconnect": "udp", "udp-bind": "binds", "device": "says", "interfaces": "says",
    "address-race": "tcp", "datagram-race": "udp", "descriptor-race": "tcp",
}
# On the host's own network these are no way out: what matters there is where packets go.
HOST_WAYS = [way for way, what in WAYS.items() if what in ("tcp", "udp")]
# Here the attack itself cannot tell: in a network of its own such a message is sent, inside.
ONLY_THE_CANARY_TELLS = ("udp-unconnected", "udp-other-family", "datagram-race")


class Ground:
    """The ports of the host that an attack is about."""

    def __init__(self, canary):
        self.visits = 0
        self.sockets = []
        self.listed = self.free_pair()
        self.serve_both(self.listed, lambda: None)
        self.dead = sbxtest.free_port()
        self.silent = self.add(socket.SOCK_STREAM, 0)
        self.silent.listen(0)
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(self.silent.getsockname())
            self.sockets.append(filler)
        self.canary = self.free_pair()
        if canary:
            self.serve_both(self.canary, self.visit)
        time.sleep(0.05)

    @staticmethod
    def free_pair():
        while True:
            port = sbxtest.free_port()
            with contextlib.suppress(OSError), socket.socket(type=socket.SOCK_DGRAM) as udp:
                udp.bind(("127.0.0.1", port))
                return port

    def visit(self):
        self.visits += 1

    def add(self, kind, port):
        one = socket.socket(type=kind)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind(("127.0.0.1", port))
        self.sockets.append(one)
        return one

    def serve_both(self, port, told):
        tcp, udp = self.add(socket.SOCK_STREAM, port), self.add(socket.SOCK_DGRAM, port)
        tcp.listen(1024)
        udp.settimeout(0.2)

        def take(step):
            while True:
                try:
                    step()
                except TimeoutError:
                    if udp.fileno() < 0:
                        return
                    continue
                except OSError:
                    return
                told()
        for step in (lambda: tcp.accept()[0].close(), lambda: udp.recvfrom(100)):
            threading.Thread(target=take, args=(step,), daemon=True).start()

    def close(self):
        for one in self.sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except ConnectionResetError:
        pass  # it was there, and ended meanwhile
    except OSError:
        return False
    return True


class ClientEscape(sbxtest.TestCase):
    def attack(self, way, options=None):
        """(what the attack says, whether an escape was seen from outside); options: None for no
        sandbox."""
        kind = WAYS.get(way, "says")
        ground = Ground(canary=kind in ("tcp", "udp"))
        command = [sbxtest.probe("client_escape"), way, ground.listed, ground.dead,
                   ground.silent.getsockname()[1], ground.canary]
        if options is not None:
            ports = [f"127.0.0.1:{port}" for port in
                     (ground.listed, ground.dead, ground.silent.getsockname()[1])]
            listed = [word for port in ports for word in ("--connect", port)]
            command = [sbxtest.sbx_path(), "run", *listed, "--connect", f"udp:{ports[0]}", *options,
                       "--ro", str(sbxtest.stage().probes), "--", *command]
        served = False
        try:
            with sbxtest.Running(command) as running:
                if kind == "serves":
                    sbxtest.wait_until(lambda: b"port " in running.out or
                                       running.process.poll() is not None, 20)
                    if b"port " in running.out:
                        port = int(running.out.split(b"port ")[1].split()[0])
                        served = answers(port)
                running.wait(timeout=60)
                out, err = running.texts()
            if kind in ("tcp", "udp"):
                sbxtest.wait_until(lambda: ground.visits, 0.3 if options is not None else 2)
        finally:
            ground.close()
        said = [line for line in out.splitlines() if line.startswith(("OPEN", "BLOCKED", "UNABLE"))]
        return "\n".join(said) or f"nothing: {err}", served or ground.visits > 0

    def check(self, way, options, control=True):
        if control:
            said, seen = self.attack(way)
            kind = WAYS.get(way)
            self.assertTrue("OPEN" in said or way in ONLY_THE_CANARY_TELLS,
                            f"positive control of {way}: it does not work unconfined: {said}")
            self.assertTrue(seen or kind in ("says", "binds"), f"{way}: the canary saw nobody")
        said, seen = self.attack(way, options)
        self.assertFalse(seen, f"{way} ESCAPED: {said}")
        if way not in ONLY_THE_CANARY_TELLS:
            self.assertNotIn("OPEN", said, f"{way}: {said}")
            self.assertRegex(said, "BLOCKED|nothing: sbx: denied",
                             f"{way} could not be tried: {said}")

    def test_in_a_network_of_its_own(self):
        for way in WAYS:
            with self.subTest(way=way):
                self.check(way, ["--net", "private"])

    def test_beside_a_published_port(self):
        for way in ("listen-abandoned", "listen-failed", "bind-abandoned", "reconnect-failed"):
            with self.subTest(way=way):
                self.check(way, ["-P", f"{sbxtest.free_port()}:80"], control=False)

    def test_on_the_hosts_network(self):
        for way in HOST_WAYS:
            with self.subTest(way=way):
                self.check(way, ["--net", "host"], control=False)

    def test_io_uring(self):
        said, _ = self.attack("io_uring")
        if "OPEN" not in said:
            self.skipTest(f"io_uring is off on this kernel: {said}")
        for mode in ("private", "host"):
            said, _ = self.attack("io_uring", ["--net", mode, "--allow", "io_uring_setup"])
            self.assertNotIn("OPEN", said)


if __name__ == "__main__":
    sbxtest.main()
