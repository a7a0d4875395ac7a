#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""[desktop]: exactly the sockets that are asked for, and the variables that lead to them. The servers
are stand-ins that send one line: what they speak is not sbx's business."""

import os
import pathlib
import socket
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)

READ = "import socket, sys\ns = socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\nprint(s.recv(99).decode())"


class Desktop(sbxtest.TestCase):
    def setUp(self):
        super().setUp()
        self.python = self.need("python3")
        self.session = self.directory()
        self.session.chmod(0o700)
        self.environment = sbxtest.environment(XDG_RUNTIME_DIR=str(self.session))

    def serve(self, path):
        """A socket of the test user's that greets with its own name."""
        path = pathlib.Path(path)
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(path))
        if sbxtest.IS_ROOT:
            os.chown(path, sbxtest.ACCOUNT.uid, sbxtest.ACCOUNT.gid)
        server.listen()

        def greet():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(f"this is {path.name}".encode())

        thread = threading.Thread(target=greet, daemon=True)
        thread.start()
        self.addCleanup(path.unlink)
        self.addCleanup(server.close)
        self.addCleanup(server.shutdown, socket.SHUT_RDWR)
        return path

    def run_with(self, wishes, *command):
        policy = self.write(self.directory() / "desktop.toml",
                            f'schema = 1\n[policy]\nextends = ["default"]\n[desktop]\n{wishes}\n')
        return sbxtest.sbx("run", "--policy", policy, "--", *command, env=self.environment)

    def connects(self, wishes, variable_of_path):
        return self.run_with(wishes, "sh", "-c", f'"$0" -c "$1" {variable_of_path}', self.python, READ)

    def test_wayland(self):
        self.serve(self.session / "wayland-7")
        self.serve(self.session / "bus")
        self.environment["WAYLAND_DISPLAY"] = "wayland-7"
        done = self.connects('wayland = "on"', '"$XDG_RUNTIME_DIR/$WAYLAND_DISPLAY"')
        self.assertIn("this is wayland-7", done.out, done)
        done = self.run_with('wayland = "on"', "sh", "-c", 'ls "$XDG_RUNTIME_DIR"')
        self.assertEqual(done.out.split(), ["wayland-7"])
        self.assertEqual(self.run_with("", "sh", "-c", 'echo "$WAYLAND_DISPLAY$XDG_RUNTIME_DIR"').out, "\n")

    def test_audio(self):
        self.serve(self.session / "pipewire-0")
        done = self.connects('audio = "on"', '"$XDG_RUNTIME_DIR/pipewire-0"')
        self.assertIn("this is pipewire-0", done.out, done)

    def test_x11(self):
        directory = pathlib.Path("/tmp/.X11-unix")
        if not directory.exists():
            directory.mkdir()
            directory.chmod(0o1777)
            self.addCleanup(directory.rmdir)
        number = 7000 + os.getpid() % 1000
        self.serve(directory / f"X{number}")
        self.serve(directory / f"X{number + 1000}")
        cookies = self.write(self.directory() / "cookies", "cookie of the display\n", 0o600)
        self.environment.update(DISPLAY=f":{number}.0", XAUTHORITY=str(cookies))
        done = self.connects('x11 = "on"', f'"/tmp/.X11-unix/X{number}"')
        self.assertIn(f"this is X{number}", done.out, done)
        done = self.run_with('x11 = "on"', "sh", "-c", 'cat "$XAUTHORITY"; ls /tmp/.X11-unix; uname -n; echo "$DISPLAY"')
        self.assertEqual(done.out.splitlines(), ["cookie of the display", f"X{number}", socket.gethostname(),
                                                 f":{number}.0"])
        policy = self.write(self.directory() / "d.toml", 'schema = 1\n[policy]\nextends = ["default"]\n[desktop]\nx11 = "on"\n')
        self.assertIn("OPEN: a client of the X11 display", sbxtest.sbx(
            "run", "--dry-run", "--policy", policy, "--", "true", env=self.environment).out)

    def test_what_is_missing(self):
        for wish in ("x11", "wayland", "audio"):
            done = self.run_with(f'{wish} = "on"', "true")
            self.assertStatus(done, 125)
            self.assertIn(f"cannot grant desktop.{wish}", done.err)
            self.assertStatus(self.run_with(f'{wish} = "optional"', "true"), 0)
        done = self.run_with('gpu = "optional"', "sh", "-c", "ls -d /dev/dri; true")
        self.assertEqual("/dev/dri" in done.out, os.path.exists("/dev/dri"))


if __name__ == "__main__":
    sbxtest.main()
