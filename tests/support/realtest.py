# SPDX-License-Identifier: Apache-2.0
"""What the tests of shipped policies share: a directory to work in, a key in the user's home, and
"it ran, and nothing was denied"."""

import os
import pathlib
import shutil
import socket
import tempfile
import threading

import sbxtest

SECRET = "not for programs"


def lines_of_sbx(text):
    """What sbx itself said among what the command wrote to standard error."""
    return [line for line in text.splitlines() if line.startswith("sbx:")]


class RealCase(sbxtest.TestCase):
    """Each test has a directory of its own: `work` in it to start in, the rest is outside."""

    def setUp(self):
        super().setUp()
        self.outside = self.directory()
        self.work = self.make_directory(self.outside / "work")

    def keys(self):
        """A directory in the test user's ~/.ssh with a secret in it; gone after the test. The home
        directory is the one of passwd, as for OpenSSH: HOME does not move it."""
        ssh = pathlib.Path(sbxtest.ACCOUNT.home) / ".ssh"
        if not ssh.exists():
            self.make_directory(ssh, 0o700)
            self.addCleanup(ssh.rmdir)
        keys = pathlib.Path(tempfile.mkdtemp(prefix="sbx-test-", dir=ssh))
        self.addCleanup(shutil.rmtree, keys)
        if sbxtest.IS_ROOT:
            os.chown(keys, sbxtest.ACCOUNT.uid, sbxtest.ACCOUNT.gid)
        self.write(keys / "secret", SECRET + "\n", 0o600)
        return keys

    def make_directory(self, path, mode=0o755):
        path.mkdir()
        path.chmod(mode)
        if sbxtest.IS_ROOT:
            os.chown(path, sbxtest.ACCOUNT.uid, sbxtest.ACCOUNT.gid)
        return path

    def debian(self, program, directory="/usr/bin"):
        """Debian's own program, whatever stands before it in PATH."""
        path = f"{directory}/{program}"
        if not os.access(path, os.X_OK):
            self.skipTest(f"{path} is not installed")
        return path

    def write_bytes(self, path, content):
        self.write(path, "")
        path.write_bytes(content)
        return path

    def run_sbx(self, *words, cwd=None, **options):
        return sbxtest.sbx("run", *words, cwd=str(cwd or self.work), **options)

    def bare(self, *words, cwd=None, **options):
        """Without sbx: what the machine must be able to do, and the control of a denial."""
        return sbxtest.run(words, cwd=str(cwd or self.work), **options)

    def works(self, *words, status=0, **options):
        """Runs under the policy of its name, ends as it should, and nothing was denied."""
        finished = self.run_sbx(*words, **options)
        self.assertStatus(finished, status)
        self.assertNoDenials(finished.err)
        return finished

    def start(self, *words, cwd=None, **options):
        running = sbxtest.start_sbx("run", *words, cwd=str(cwd or self.work), **options)
        self.addCleanup(running.__exit__)
        return running

    def stop(self, running, number):
        running.signal(number)
        status = running.wait()
        self.assertNoDenials(running.texts()[1])
        return status

    def assertNoDenials(self, text):
        # That a port is published for one family only is a note, not a denial.
        told = [line for line in lines_of_sbx(text) if not line.startswith("sbx: port ")]
        self.assertEqual(told, [], text)

    def assertDenied(self, finished, call):
        told = [line for line in lines_of_sbx(finished.err)
                if line.startswith(f"sbx: denied {call}(")]
        self.assertTrue(told, finished)

    def until(self, condition, running, timeout=30):
        """Waits for a condition; fails at once if the command ends before."""
        self.assertTrue(sbxtest.wait_until(
            lambda: running.process.poll() is not None or condition(), timeout), running.texts())
        self.assertIsNone(running.process.poll(), running.texts())


class Listener:
    """A TCP server of the host that sends one line to whoever connects, and counts them."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.connections = 0
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                connection.sendall(b"reached the host\n")

    def close(self):
        # Wakes accept, which close alone does not.
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(5)


