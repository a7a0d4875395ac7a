#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every way of the attack families, under the default policy with a directory to read, one to write and
four limits: what a user would give an ordinary program. Each way must first work somewhere without
sbx (its positive control): as the user, as root of a user namespace of one's own, or, where it is only
asked and changes nothing, as root. One that works nowhere here shows nothing, and is named as such.

One launch tries a whole family: a few seconds for them all."""

import ctypes
import os
import pathlib
import secrets
import socket
import struct
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)

FAMILIES = ["memory", "abi", "authority", "files", "network", "process"]
OWN_ROOT = ["unshare", "--user", "--map-root-user", "--mount", "--uts", "--net", "--ipc", "--pid",
            "--fork", "--"]
LIMITS = ["--limit", "processes=256", "--limit", "memory=1G", "--limit", "files=1024", "--limit",
          "scratch=32M"]
# Their control may run as root of the machine: asked with arguments that change nothing.
AS_ROOT = {"join-init", "open-by-handle", "fanotify", "kernel-log", "kexec", "kernel-module", "set-time",
           "swap-on", "reboot", "accounting", "device-node", "io-ports", "join-group", "advise-other",
           "usr-write", "root-write", "etc-write", "device-write", "real-time", "deadline", "better-nice", "sysrq", "core-pattern", "kernel-memory",
           "kernel-messages", "shadow", "disk", "fuse", "formats", "port-start", "host-name-file",
           "cgroup-made", "sys-tree", "symbols", "victim-environment", "home-by-cwd", "ping",
           "add-address", "user-namespaces", "own-score", "posix-queue", "raw", "raw6", "packet"}
# What some kernel of the floor, or some machine, does not let anybody do.
MAY_BE_IMPOSSIBLE = {
    "int80-getpid", "int80-unshare", "int80-map", "int80-socket", "int80-keyctl", "int80-ptrace",
    "x32-getpid", "x32-unshare", "x32-own-number", "compatibility-mode",  # CONFIG_X86_X32, IA32_EMULATION
    "vsyscall-time", "vsyscall-time-of-day",               # vsyscall=none
    "secret-memory", "memfd-sealed-mapped", "user-faults", "code-segment", "protection-key",
    "read-implies-exec", "read-implies-exec-upper-bits", "pages-remapped",
    "io-uring", "io-uring-enter", "io-uring-register", "key-persistent", "key-request", "bpf",
    "perf-event", "kexec", "kernel-module", "io-ports", "advise-other", "move-pages", "compare",
    "ambient-raised", "join-group", "join-init", "mount-proc", "late-calls", "quota", "set-id-program",
    "trace-child", "read-child", "poke-child", "take-descriptor", "trace", "memory-of-victim",
    "boss-memory", "boss-environment", "boss-program", "boss-trace", "home-by-root", "home-by-cwd",
    "home-by-init", "vm-write-data", "script-executed", "fanotify-reports", "set-id-fchmodat2",
    "vsock", "algorithm", "bluetooth", "express-data-path", "key-management", "multipath", "ping",
    "packet", "pair-of-another-family", "netlink-audit", "netlink-filter", "netlink-diagnosis",
    "family-upper-bits", "udp-lite", "tcp-fastopen", "raw6", "type-upper-bits",
    "disk", "kernel-messages", "fuse", "kernel-memory", "sysrq", "formats", "symbols", "sys-tree",
    "cgroup-made", "host-name-file", "port-start", "interface-seen", "granted-inode-flags",
    "deadline", "real-time", "posix-queue", "message-queue", "shared-segment", "device-node",
    "socket-path-by-root", "signal-by-proc", "many-children", "reboot", "open-by-handle", "host-name-seen",
}
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p


class Outside:
    """What a sandboxee must not reach: made once, for all families."""

    def __init__(self, case):
        self.secret = "secret-" + secrets.token_hex(8)
        self.case = case
        self.directory = case.directory()
        self.work, self.granted, self.private = (self.make(name) for name in ("work", "granted", "mine"))
        case.write(self.granted / "file", "granted\n")
        case.write(self.private / "private", self.secret)
        self.private_descriptor = os.open(self.private, os.O_RDONLY | os.O_DIRECTORY)
        case.addCleanup(os.close, self.private_descriptor)
        self.start_servers()
        self.start_victim()
        self.make_ipc()

    def make(self, name):
        path = self.directory / name
        path.mkdir()
        if sbxtest.IS_ROOT:
            os.chown(path, sbxtest.ACCOUNT.uid, sbxtest.ACCOUNT.gid)
        return path

    def serve(self, server, stream):
        def loop():
            while True:
                try:
                    if stream:
                        connection, _ = server.accept()
                        connection.sendall(self.secret.encode())
                        connection.close()
                    else:
                        _, sender = server.recvfrom(100)
                        if sender:
                            server.sendto(self.secret.encode(), sender)
                except OSError:
                    if server.fileno() < 0:
                        return
        threading.Thread(target=loop, daemon=True).start()
        self.case.addCleanup(server.close)

    def start_servers(self):
        tcp = socket.create_server(("127.0.0.1", 0))
        self.port = tcp.getsockname()[1]
        tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 5)
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", self.port))
        self.serve(tcp, True)
        self.serve(udp, False)
        self.abstract = "sbx-attack-" + self.secret[-8:]
        self.path = self.directory / "socket"
        for address in ("\0" + self.abstract, str(self.path)):
            server = socket.socket(socket.AF_UNIX)
            server.bind(address)
            server.listen()
            self.serve(server, True)
        self.path.chmod(0o666)
        datagram = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        datagram.bind("\0" + self.abstract + "-d")
        self.serve(datagram, False)

    def start_victim(self):
        program = self.directory / "victim"
        program.write_bytes(pathlib.Path(sbxtest.probe("ending")).read_bytes())
        program.chmod(0o755)
        self.victim = subprocess.Popen(
            [program, "stay", self.secret], env=sbxtest.environment(MINE=self.secret), cwd=self.private,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, preexec_fn=sbxtest.ACCOUNT.become)
        self.case.addCleanup(self.victim.wait)
        self.case.addCleanup(self.victim.kill)

    def make_ipc(self):
        self.key = 0x53000000 | secrets.randbits(20)
        segment, queue = libc.shmget(self.key, 4096, 0o1666), libc.msgget(self.key, 0o1666)
        at = libc.shmat(segment, None, 0)
        ctypes.memmove(at, self.secret.encode() + b"\0", len(self.secret) + 1)
        libc.shmdt(ctypes.c_void_p(at))
        self.case.addCleanup(libc.shmctl, segment, 0, None)
        self.case.addCleanup(libc.msgctl, queue, 0, None)
        self.queue = f"/sbx-attack-{secrets.token_hex(4)}"
        before = os.umask(0)
        libc.mq_open(self.queue.encode(), os.O_CREAT | os.O_RDWR, 0o666, None)
        os.umask(before)
        self.case.addCleanup(libc.mq_unlink, self.queue.encode())
        shared = pathlib.Path("/dev/shm" + self.queue)
        self.case.write(shared, self.secret)
        self.case.addCleanup(shared.unlink)

    def values(self, inside):
        return [f"{name}={value}" for name, value in {
            "secret": self.secret, "home": self.private, "tmp": self.private, "work": self.work,
            "read_only": self.granted, "victim": self.victim.pid, "boss": 1 if inside else self.victim.pid,
            "directory": self.private_descriptor, "port": self.port, "abstract": self.abstract,
            "socket": self.path, "shm": self.key, "queue": self.key, "mq": self.queue, "many": 300,
            "files": 2000, "host": os.uname().nodename}.items()]


def results(finished):
    return dict(line.split(" ", 1) for line in finished.out.splitlines() if " " in line)


class Corpus(sbxtest.TestCase):
    def controls(self, family, outside):
        """Ways that work without sbx."""
        command = [sbxtest.probe(family), "all", *outside.values(False)]
        env = sbxtest.environment(SBX_ATTACK_SECRET=outside.secret)
        options = {"env": env, "pass_fds": [outside.private_descriptor], "timeout": 120}
        bare = results(sbxtest.run(command, **options))
        working = {way for way, said in bare.items() if said == "OPEN"}
        own_root = results(sbxtest.run([*OWN_ROOT, *command], **options))
        working |= {way for way, said in own_root.items() if said == "OPEN"}
        for way in AS_ROOT & (bare.keys() - working) if sbxtest.IS_ROOT else ():
            tried = results(sbxtest.run([command[0], way, *command[2:]], as_root=True, **options))
            if tried.get(way) == "OPEN":
                working.add(way)
        return working, bare

    def test_every_way(self):
        outside = Outside(self)
        env = sbxtest.environment(SBX_ATTACK_SECRET=outside.secret)
        nowhere, tried = [], 0
        for family in FAMILIES:
            working, ways = self.controls(family, outside)
            done = sbxtest.sbx("run", "--quiet", *LIMITS, "--ro", str(sbxtest.stage().probes), "--ro",
                               outside.granted, "--rw", outside.work, "--", sbxtest.probe(family), "all",
                               *outside.values(True), env=env, pass_fds=[outside.private_descriptor],
                               timeout=120)
            said = results(done)
            self.assertEqual(said.keys(), ways.keys(), done)
            for way in ways:
                tried += 1
                with self.subTest(family=family, way=way):
                    self.assertRegex(said[way], "^(BLOCKED|MISSING)", "ESCAPED")
                    if way not in working:
                        nowhere.append(way)
                        self.assertIn(way, MAY_BE_IMPOSSIBLE, f"no positive control: {ways[way]}")
        self.doCleanups()  # before the look at what is left
        print(f"{tried} ways; impossible here even without sbx: {', '.join(nowhere) or 'none'}")


if __name__ == "__main__":
    sbxtest.main()
