# SPDX-License-Identifier: Apache-2.0
"""What the integration and attack tests share: an ordinary user, a clean call of sbx, and a look at
what a run leaves behind.

The tests must show what an ordinary user gets. Started by root, everything that runs sbx is
therefore done as `sbx-test`, made if missing; root is used only to look (at /proc of that user) and
for the tests that are about root.

Environment: SBX the program, SBX_PROBES the built probes, SBX_TEST_USER another user (two runs at
the same time would take each other's processes for remains), SBX_TEST_REQUIRE=1 turns a skip into
a failure, so that a machine which lacks something cannot pass by saying nothing.
"""

import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

TEST_USER = os.environ.get("SBX_TEST_USER", "sbx-test")
# Begins the reason of a skip that is no gap: a test about root, run by an ordinary user.
BY_DESIGN = "by design: "
TIMEOUT = 60
ROOT = pathlib.Path(__file__).resolve().parents[2]
IS_ROOT = os.geteuid() == 0

_stage = None


class Account:
    """Who runs sbx in the tests."""

    def __init__(self):
        if not IS_ROOT:
            entry = pwd.getpwuid(os.geteuid())
        else:
            try:
                entry = pwd.getpwnam(TEST_USER)
            except KeyError:
                subprocess.run(["useradd", "--create-home", "--shell", "/bin/bash", TEST_USER],
                               check=True)
                entry = pwd.getpwnam(TEST_USER)
        self.name, self.uid, self.gid = entry.pw_name, entry.pw_uid, entry.pw_gid
        self.home = entry.pw_dir

    def become(self):
        """For preexec_fn: irrevocably this user, with none of root's groups."""
        if IS_ROOT:
            os.setgroups([])
            os.setresgid(self.gid, self.gid, self.gid)
            os.setresuid(self.uid, self.uid, self.uid)


ACCOUNT = Account()


def environment(**more):
    """Nothing of the caller's: a test must not pass because of somebody's shell."""
    base = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": ACCOUNT.home, "USER": ACCOUNT.name, "LOGNAME": ACCOUNT.name,
            "LANG": "C.UTF-8", "TERM": "dumb", "ASAN_OPTIONS": "detect_leaks=0"}
    base.update(more)
    return {name: value for name, value in base.items() if value is not None}


class Stage:
    """A directory that the test user can reach, with sbx, its policies and the probes in it: the
    checkout may lie under a home that nobody else may enter."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="sbx-stage-"))
        self.directory.chmod(0o755)
        source = pathlib.Path(os.environ.get("SBX", ROOT / "build" / "release" / "sbx")).resolve()
        if not source.exists():
            raise SystemExit(f"no sbx at {source}: build it, or name it in SBX")
        self.sbx = self.directory / "sbx"
        shutil.copy2(source, self.sbx)
        self.sbx.chmod(0o755)
        for policies in (source.parent / "share" / "sbx" / "policies",
                         source.parent.parent / "share" / "sbx" / "policies", ROOT / "policies"):
            if policies.is_dir():
                shutil.copytree(policies, self.directory / "share" / "sbx" / "policies")
                break
        self.probes = self.directory / "probes"
        self.probes.mkdir()
        built = pathlib.Path(os.environ.get("SBX_PROBES", source.parent / "tests" / "probes"))
        for probe in sorted(built.iterdir()) if built.is_dir() else []:
            if probe.is_file() and os.access(probe, os.X_OK):
                shutil.copy2(probe, self.probes / probe.name)
        for path in self.directory.rglob("*"):
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)

    def remove(self):
        shutil.rmtree(self.directory, ignore_errors=True)


def stage():
    global _stage
    if _stage is None:
        _stage = Stage()
    return _stage


def sbx_path():
    return str(stage().sbx)


def probe(name):
    path = stage().probes / name
    if not path.exists():
        raise AssertionError(f"probe {name} is not built: look at SBX_PROBES")
    return str(path)


class Finished:
    """A finished run: `status` as a shell shows it (128+n for a signal that ended sbx itself is
    `signal`)."""

    def __init__(self, completed):
        self.returncode = completed.returncode
        self.signal = -completed.returncode if completed.returncode < 0 else 0
        self.status = completed.returncode
        self.out = completed.stdout.decode("utf-8", "replace")
        self.err = completed.stderr.decode("utf-8", "replace")

    def __repr__(self):
        return f"status {self.status}\n--- stdout\n{self.out}--- stderr\n{self.err}"


def run(command, *, as_root=False, stdin=b"", env=None, cwd="/", timeout=TIMEOUT, before=None,
        pass_fds=()):
    """Runs any command as the test user."""
    def prepare():
        if before:
            before()
        if not as_root:
            ACCOUNT.become()
    return Finished(subprocess.run(
        [str(word) for word in command], input=stdin, capture_output=True, cwd=cwd,
        env=env if env is not None else environment(), timeout=timeout, preexec_fn=prepare,
        pass_fds=pass_fds, check=False))


def sbx(*words, **options):
    return run([sbx_path(), *words], **options)


class Running:
    """A command started as the test user; a context manager that leaves nothing running."""

    def __init__(self, command, *, as_root=False, env=None, cwd="/"):
        self.out, self.err = bytearray(), bytearray()
        self.changed = threading.Condition()
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=env if env is not None else environment(), cwd=cwd,
            preexec_fn=(lambda: None) if as_root else ACCOUNT.become)
        self.readers = [threading.Thread(target=self._read, args=pair, daemon=True) for pair in
                        ((self.process.stdout, self.out), (self.process.stderr, self.err))]
        for reader in self.readers:
            reader.start()

    def _read(self, stream, into):
        while chunk := os.read(stream.fileno(), 65536):
            with self.changed:
                into.extend(chunk)
                self.changed.notify_all()

    def wait_for(self, text, timeout=TIMEOUT):
        """Until stdout has `text`."""
        wanted, end = text.encode(), time.monotonic() + timeout
        with self.changed:
            while wanted not in self.out:
                if not self.changed.wait(0.2) and self.process.poll() is not None:
                    if wanted not in self.out:
                        raise AssertionError(f"ended with {self.process.returncode} before "
                                             f"{text!r}: {self.texts()}")
                if time.monotonic() > end:
                    raise AssertionError(f"no {text!r} in time: {self.texts()}")

    def texts(self):
        return (self.out.decode("utf-8", "replace"), self.err.decode("utf-8", "replace"))

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, timeout=TIMEOUT):
        status = self.process.wait(timeout)
        for reader in self.readers:
            reader.join(5)
        return status

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        for reader in self.readers:
            reader.join(5)
        self.process.stdout.close()
        self.process.stderr.close()


def start_sbx(*words, **options):
    return Running([sbx_path(), *words], **options)


def wait_until(condition, timeout=20, every=0.02):
    """The condition's first true value, or its last false one."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(every)


def free_port(family=socket.AF_INET, kind=socket.SOCK_STREAM):
    with socket.socket(family, kind) as probe_socket:
        probe_socket.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        return probe_socket.getsockname()[1]


def has_ipv6():
    try:
        free_port(socket.AF_INET6)
        return True
    except OSError:
        return False


def fetch(port, host="127.0.0.1", path="/", timeout=10):
    """The whole answer to an HTTP/1.0 request; OSError when nobody is there."""
    with socket.create_connection((host, port), timeout=timeout) as connection:
        connection.sendall(f"GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    return answer.decode("utf-8", "replace")


def fetched(port, **options):
    """fetch, or nothing while the server is not up."""
    try:
        return fetch(port, **options)
    except OSError:
        return ""


# --- what is there before and after -----------------------------------------------------------

def status_of(pid):
    """/proc/PID/status as a dictionary; empty if it is gone."""
    try:
        text = pathlib.Path(f"/proc/{pid}/status").read_text(errors="replace")
    except OSError:
        return {}
    return {name: value.strip() for name, _, value in
            (line.partition(":") for line in text.splitlines())}


def parse_status(text):
    return {name: value.strip() for name, _, value in
            (line.partition(":") for line in text.splitlines())}


def processes():
    """{pid: name} of what the test user runs: all of it where that user exists for the tests only,
    else what lives in another pid namespace than we."""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        status = status_of(entry)
        if str(ACCOUNT.uid) not in status.get("Uid", "").split():
            continue
        if IS_ROOT or len(status.get("NSpid", "").split()) > 1:
            found[int(entry)] = status.get("Name", "?")
    return found


def descendants(pid):
    """Pids of all processes below `pid`."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            parent = status_of(entry).get("PPid")
            if parent:
                children.setdefault(int(parent), []).append(int(entry))
    found, queue = [], [pid]
    while queue:
        for child in children.get(queue.pop(), []):
            found.append(child)
            queue.append(child)
    return found


def inside(pid, *, name=None):
    """Processes below `pid` that live in another pid namespace, by name if given."""
    result = []
    for child in descendants(pid):
        status = status_of(child)
        if len(status.get("NSpid", "").split()) > 1 and name in (None, status.get("Name")):
            result.append(child)
    return result


def mounts():
    return sorted(pathlib.Path("/proc/self/mountinfo").read_text().splitlines())


def temporary_files():
    found = set()
    for directory in ("/tmp", "/var/tmp", "/dev/shm", "/run", f"/run/user/{ACCOUNT.uid}"):
        with contextlib.suppress(OSError):
            for entry in os.scandir(directory):
                with contextlib.suppress(OSError):
                    if entry.stat(follow_symlinks=False).st_uid == ACCOUNT.uid:
                        found.add(entry.path)
    return found


def listening(port):
    """Whether anybody listens on this TCP port, by the kernel's own table."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in pathlib.Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and int(fields[1].rsplit(":", 1)[1], 16) == port:
                    return True
    return False


class Remains:
    """Processes, mounts and temporary files that came to be since it was made."""

    def __init__(self):
        self.processes, self.mounts, self.files = set(processes()), mounts(), temporary_files()

    def found(self):
        # An ordinary user on a shared machine sees others' work too: only what is new counts, and
        # only if it stays (wait_until), since the kernel tears a pid namespace down in its time.
        now = processes()
        left = [f"process {pid} ({name})" for pid, name in now.items() if pid not in self.processes]
        left += [f"mount {line}" for line in mounts() if line not in self.mounts]
        left += [f"file {path}" for path in sorted(temporary_files() - self.files)]
        return left


class TestCase(unittest.TestCase):
    """Checks after each test that nothing is left."""

    maxDiff = None
    check_remains = True

    def setUp(self):
        stage()
        self.remains = Remains()

    def tearDown(self):
        if self.check_remains:
            self.assertNothingLeft()

    def assertNothingLeft(self):
        wait_until(lambda: not self.remains.found(), timeout=10)
        self.assertEqual(self.remains.found(), [])

    def directory(self):
        """A fresh directory of the test user's, gone after the test (and before the check for
        what is left)."""
        path = pathlib.Path(tempfile.mkdtemp(prefix="sbx-case-"))
        self.addCleanup(shutil.rmtree, path, ignore_errors=True)
        path.chmod(0o755)
        if IS_ROOT:
            os.chown(path, ACCOUNT.uid, ACCOUNT.gid)
        self.remains.files.add(str(path))
        return path

    def write(self, path, text, mode=0o644):
        path = pathlib.Path(path)
        path.write_text(text)
        path.chmod(mode)
        if IS_ROOT:
            os.chown(path, ACCOUNT.uid, ACCOUNT.gid)
        return path

    def need(self, program):
        found = shutil.which(program, path=environment()["PATH"])
        if not found:
            self.skipTest(f"{program} is not installed")
        return found

    def assertStatus(self, finished, status):
        self.assertEqual(finished.status, status, finished)

    def assertTwoLineError(self, finished, status, *parts, hint=None):
        """sbx's own failure: `sbx: what: why [where]`, then `hint: …`, and nothing else. Where the
        quoted line and its caret say it all, they may stand for the hint."""
        self.assertEqual(finished.status, status, finished)
        lines = finished.err.splitlines()
        self.assertTrue(lines and lines[0].startswith("sbx: "), finished)
        self.assertTrue(lines[-1].startswith("hint: ") or lines[-1].strip(" |") == "^", finished)
        # Between the two only the quoted source line and its caret may stand.
        self.assertLessEqual(len(lines), 5, finished)
        self.assertFalse(any(line.startswith(("sbx: ", "hint: ")) for line in lines[1:-1]), finished)
        for part in parts:
            self.assertIn(part, lines[0], finished)
        if hint:
            self.assertIn(hint, lines[-1], finished)
        self.assertNotRegex(finished.err, "[\x00-\x08\x0b-\x1f]", finished)


def main():
    """unittest.main that turns skips into failures where SBX_TEST_REQUIRE asks for it."""
    program = unittest.main(module="__main__", exit=False, verbosity=2, argv=sys.argv,
                            buffer=False, warnings="ignore")
    result = program.result
    if _stage is not None:
        _stage.remove()
    skipped = [f"{test}: {why}" for test, why in result.skipped if not why.startswith(BY_DESIGN)]
    if skipped and os.environ.get("SBX_TEST_REQUIRE", "0") not in ("", "0"):
        print("skipped, and SBX_TEST_REQUIRE is set:\n  " + "\n  ".join(skipped), file=sys.stderr)
        sys.exit(1)
    if not result.wasSuccessful():
        sys.exit(1)
    # 77 tells ctest that nothing at all was tested (SKIP_RETURN_CODE).
    sys.exit(77 if result.testsRun and len(result.skipped) == result.testsRun else 0)
