#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""sbx run --explain: calls that fail because of the policy are told, those that would fail anyway are
not, and none is changed by being watched."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)
from sbxtest import sbx  # noqa: E402

SLOWER = "sbx: --explain watches file, exec and network calls too: the command runs slower\n"


class RunExplain(sbxtest.TestCase):
    def told(self, *words, status=None):
        """The denials of layers that an ordinary run cannot see, by object."""
        done = sbx("run", "--explain", "--json", *words)
        if status is not None:
            self.assertStatus(done, status)
        found = {}
        for line in done.err.splitlines():
            if line.startswith("{"):
                event = json.loads(line)
                if event["event"] == "denied" and event["layer"] in ("filesystem", "network"):
                    found[event["object"]] = event
        return found

    def secret(self):
        """A file of the host's that no policy shows: /tmp inside is another."""
        return self.write(self.directory() / "secret", "content\n")

    def test_a_path_that_is_not_shown(self):
        path = self.secret()
        self.assertNotIn("filesystem", sbx("run", "--json", "--", "cat", path).err)  # not else
        event = self.told("--", "cat", path, status=1)[str(path)]
        self.assertEqual(event["answer"], "ENOENT")
        self.assertEqual(event["layer"], "filesystem")
        self.assertEqual(event["program"], "cat")
        done = sbx("run", "--explain", "--", "cat", path)
        self.assertTrue(done.err.startswith(SLOWER), done)
        self.assertIn(f'filesystem.read = ["{path}"]', done.err)
        # Exactly what it suggests makes it run, and then there is nothing to tell.
        done = sbx("run", "--explain", "--ro", path, "--", "cat", path)
        self.assertStatus(done, 0)
        self.assertEqual((done.out, done.err), ("content\n", SLOWER))

    def test_what_is_missing_everywhere_is_not_told(self):
        self.assertEqual(self.told("--", "cat", "/no/such/thing", "/usr/no-such-thing", status=1), {})
        self.assertEqual(self.told("--", "ls", "/", status=0), {})

    def test_relative_paths(self):
        path = self.secret()
        found = self.told("--ro", "/usr", "--", "sh", "-c",
                          f"cd /tmp; cat ../{str(path)[1:]}; cat {path.parent.name}/secret")
        self.assertIn(str(path), found)

    def test_a_read_only_directory(self):
        directory = self.secret().parent
        found = self.told("--ro", directory, "--", "sh", "-c",
                          f"echo >{directory}/new; echo >{directory}/secret; mkdir {directory}/d")
        for place in (directory, directory / "secret"):
            self.assertEqual(found[str(place)]["answer"], "EROFS", found)
        done = sbx("run", "--explain", "--ro", directory, "--", "touch", directory / "new")
        self.assertIn(f'filesystem.write = ["{directory}"]', done.err)
        self.assertEqual(self.told("--rw", directory, "--", "touch", directory / "new", status=0), {})

    def test_what_cannot_be_executed(self):
        program = self.secret().parent / "program"
        self.write(program, "#!/bin/sh\ntrue\n", 0o755)
        found = self.told("--rw", program.parent, "--", "sh", "-c", str(program), status=126)
        self.assertEqual(found[str(program)]["answer"], "EACCES")

    def test_the_network(self):
        connect = "import socket; socket.socket().connect(('192.0.2.1', 80))"
        for mode in ("none", "private"):
            found = self.told("--net", mode, "--", "python3", "-c", connect, status=1)
            self.assertIn("192.0.2.1:80", found)
            self.assertEqual(found["192.0.2.1:80"]["layer"], "network")
        local = "import socket; socket.socket().connect(('127.0.0.1', 1))"
        self.assertEqual(self.told("--net", "private", "--", "python3", "-c", local, status=1), {})

    def test_datagrams_to_what_is_not_reached(self):
        for send in ("s.sendto(b'x', ('192.0.2.1', 53))", "s.sendmsg([b'x'], [], 0, ('192.0.2.1', 53))"):
            datagram = f"import socket; s = socket.socket(type=socket.SOCK_DGRAM); {send}"
            found = self.told("--net", "private", "--", "python3", "-c", datagram, status=1)
            self.assertEqual(found["udp:192.0.2.1:53"]["answer"], "ENETUNREACH", found)
        local = ("import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.bind(('127.0.0.1', 0)); "
                 "s.sendto(b'x', s.getsockname()); a, b = socket.socketpair(); a.send(b'y'); "
                 "print(s.recv(1), b.recv(1))")
        self.assertEqual(self.told("--net", "private", "--", "python3", "-c", local, status=0), {})

    def test_equal_ones_are_folded(self):
        path = self.secret()
        done = sbx("run", "--explain", "--", "sh", "-c",
                   f"for i in 1 2 3 4 5 6 7 8 9; do test -e {path}; done")
        self.assertEqual(done.err.count("sbx: denied "), 1, done)
        self.assertIn("9 x ", done.err)

    def test_nothing_is_changed_by_being_watched(self):
        script = "cat /etc/hostname >/dev/null; echo $?; cat /nothing; ls /usr/bin | wc -l; exit 7"
        plain = sbx("run", "--", "sh", "-c", script)
        watched = sbx("run", "--explain", "--quiet", "--", "sh", "-c", script)
        self.assertEqual((plain.status, plain.out), (watched.status, watched.out))
        self.assertNotIn("sbx:", watched.err)


if __name__ == "__main__":
    sbxtest.main()
