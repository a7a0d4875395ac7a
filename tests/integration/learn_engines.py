#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The engines of sbx learn: both see each call that strace sees, in the same run; eBPF also watches what
runs already, and says what it lacks where it cannot."""

import os
import pathlib
import re
import signal
import subprocess

import realtest
import sbxtest

PYTHON = """
import os, socket, subprocess, threading
t = threading.Thread(target=lambda: open("/etc/hostname").read()); t.start(); t.join()
subprocess.run(["/bin/true"])
if os.fork() == 0:
    os._exit(0)
os.wait()
a, b = socket.socketpair()
a.send(b"x"); b.recv(1)
"""

# Real commands: threads, children, pipes, scripts, walks through trees, signals, sockets.
COMMANDS = [
    ["true"],
    ["ls", "-lR", "/etc/apt"],
    ["cat", "/etc/passwd", "/etc/hosts"],
    ["sh", "-c", "sort /etc/passwd | head -2; id"],
    ["bash", "-c", "echo $(echo $(uname)); cat <(ls /)"],
    ["find", "/etc/apt", "-newer", "/etc/passwd"],
    ["grep", "-r", "root", "/etc/pam.d"],
    ["sed", "-n", "1,3p", "/etc/passwd"],
    ["awk", "BEGIN { system(\"true\"); print 1 }"],
    ["perl", "-e", "print `date`; kill 0, $$"],
    ["/usr/bin/python3", "-c", PYTHON],
    ["tar", "cf", "/dev/null", "/etc/apt"],
    ["dd", "if=/dev/zero", "of=/dev/null", "bs=1", "count=100"],
    ["xargs", "-n1", "echo"],
    ["timeout", "5", "sleep", "0.01"],
    ["stat", "/etc/hosts"],
    ["git", "--version"],
    ["openssl", "rand", "-hex", "4"],
    ["getent", "hosts", "localhost"],
    ["sh", "-c", "mkdir d; touch d/f; mv d/f d/g; ln -s g d/l; chmod 600 d/g; rm -r d"],
]

# Answered by the filter, unheard by anybody: clone3's flags are behind a pointer, so it is not there.
UNHEARD = {"clone3"}
# A notified call that a signal interrupts starts anew: strace shows it twice, and it ran once.
REPEATED = {"restart_syscall"}


def calls_by_strace(trace, sbx):
    """How often each call was made from the command's execve on, by it and what comes of it: whatever
    is first seen after it, since the supervisor starts nothing any more."""
    before, command, counts = set(), None, {}
    for line in trace.read_text(errors="replace").splitlines():
        match = re.match(r"(\d+)\s+(\w+)\((.*)", line)
        if not match:
            continue
        pid, call, rest = match.groups()
        if command is None:
            if call == "execve" and before and not rest.startswith(f'"{sbx}"'):
                command = pid
            before.add(pid)
        elif pid == command or pid not in before:
            counts[call] = counts.get(call, 0) + 1
    return counts


class Record:
    """FILE.seen: numbers end in a blank, strings have their length before them."""

    def __init__(self, path):
        self.bytes, self.at = path.read_bytes(), 0
        self.string()
        self.calls = {}
        for _ in range(self.number()):
            name = self.string().decode()
            for _ in range(6):
                self.number()
            self.calls[name] = self.calls.get(name, 0) + self.use()
        self.files = {}
        for _ in range(self.number()):
            path = self.string()
            doings = self.number()
            self.files[path] = (doings, self.use())

    def number(self):
        end = self.bytes.index(b" ", self.at)
        value, self.at = int(self.bytes[self.at:end]), end + 1
        return value

    def string(self):
        end = self.bytes.index(b":", self.at)
        start, size = end + 1, int(self.bytes[self.at:end])
        self.at = start + size + 1
        return self.bytes[start:start + size]

    def use(self):
        count = self.number()
        self.number()
        self.number()
        for _ in range(self.number()):
            self.string()
        return count


class Engines(realtest.RealCase):
    def setUp(self):
        super().setUp()
        self.policy = self.outside / "learned.toml"

    def need_ebpf(self):
        if not sbxtest.IS_ROOT:
            self.skipTest(sbxtest.BY_DESIGN + "eBPF needs root")
        done = sbxtest.run([sbxtest.sbx_path(), "doctor"], as_root=True)
        finding = [line for line in done.out.splitlines() if "eBPF for sbx learn" in line]
        if not finding or not finding[0].startswith("good"):
            self.skipTest(sbxtest.BY_DESIGN + f"no eBPF here: {finding}")

    def learn(self, engine, command, *, before=(), as_root=True):
        seen = pathlib.Path(f"{self.policy}.seen")
        seen.unlink(missing_ok=True)
        done = sbxtest.run([*before, sbxtest.sbx_path(), "learn", "--engine", engine, "--exact", "--verify",
                            "never", "--merge", "-q", "-o", str(self.policy), "--", *command],
                           as_root=as_root, cwd=str(self.work))
        self.assertTrue(seen.exists(), done)
        return Record(seen)

    def compare_with_strace(self, engine, as_root):
        self.need("strace")
        differences = []
        for command in COMMANDS:
            trace = self.outside / "trace"
            trace.unlink(missing_ok=True)
            record = self.learn(engine, command, as_root=as_root,
                                before=["strace", "-f", "-qq", "-o", str(trace)])
            shown = calls_by_strace(trace, sbxtest.sbx_path())
            self.assertGreater(len(shown), 10, command)
            unlike = {call for call in shown.keys() ^ record.calls.keys() if call not in UNHEARD | REPEATED}
            if unlike:
                differences.append((command[0], sorted(unlike)))
        self.assertEqual(differences, [])

    def test_notify_sees_what_strace_sees(self):
        self.compare_with_strace("notify", as_root=False)

    def test_ebpf_sees_what_strace_sees(self):
        self.need_ebpf()
        self.compare_with_strace("ebpf", as_root=True)

    def test_both_see_the_same_files(self):
        self.need_ebpf()
        self.make_directory(self.work / "sub")
        self.write(self.work / "sub" / "in", "x\n")
        script = "cd sub; cat in ../sub/./in >/dev/null; cp in copy; exec rm copy"
        one = self.learn("notify", ["sh", "-c", script])
        other = self.learn("ebpf", ["sh", "-c", script])
        self.assertIn(os.fsencode(self.work / "sub" / "in"), other.files)
        self.assertEqual(one.files, other.files)
        self.assertEqual(one.calls.keys(), other.calls.keys())  # a wait may be interrupted once more

    def test_ebpf_hears_that_a_service_is_ready(self):
        self.need_ebpf()
        script = """
import os, socket
a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
os.getppid()
a.sendall(b"STATUS=up\\nREADY=1\\n")
os.getsid(0)
"""
        self.learn("ebpf", ["/usr/bin/python3", "-c", script])
        text = self.policy.read_text()
        # A note stands behind one entry, or above several.
        for call, phase in (("getppid", "starting"), ("getsid", "serving")):
            before, after = text.split(f'"{call}"', 1)
            notes = before.rsplit("#", 1)[1] + after.split("\n", 1)[0]
            self.assertIn(phase, notes, text)

    def test_a_flood_of_names_is_held_or_told(self):
        self.need_ebpf()
        script = "import os\nfor i in range(30000):\n  os.access(f'/nowhere/{i}', 0)"
        record = self.learn("ebpf", ["/usr/bin/python3", "-c", script])
        flood = [path for path in record.files if path.startswith(b"/nowhere/")]
        self.assertEqual(len(flood), 30000)

    def watch(self, *words):
        """sbx learn on what runs; started, and watching by now."""
        running = sbxtest.Running([sbxtest.sbx_path(), "learn", "-o", str(self.policy), *words], as_root=True)
        self.addCleanup(running.__exit__)
        self.assertTrue(sbxtest.wait_until(lambda: "watching" in running.texts()[1] or
                                           running.process.poll() is not None, timeout=60), running.texts())
        return running

    def program(self):
        """Waits for a name on standard input, then looks at it in a thread, a child and itself."""
        script = self.work / "program.py"
        self.write(script, """
import os, sys, threading
os.chdir(sys.argv[1])
print("up", flush=True)
for line in sys.stdin:
    name = line.strip()
    thread = threading.Thread(target=lambda: open(name + "-thread").read())
    thread.start(); thread.join()
    if os.fork() == 0:
        os.execv("/bin/cat", ["cat", name + "-child"])
    os.wait()
    open(name + "-self", "w").close()
    print("done", flush=True)
""")
        for name in ("a-thread", "a-child"):
            self.write(self.work / name, "")
        process = subprocess.Popen(["/usr/bin/python3", str(script), str(self.work)], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stdin.close)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), "up\n")
        return process

    def assertLearned(self, watching, status=0):
        self.assertEqual(watching.wait(), status, watching.texts())
        text = self.policy.read_text()
        self.assertIn("which ran already", text.replace("\n#", ""))
        self.assertStatus(sbxtest.sbx("check", str(self.policy)), 0)
        return text

    def test_a_process_that_runs(self):
        self.need_ebpf()
        process = self.program()
        watching = self.watch("--pid", str(process.pid), "--merge")
        process.stdin.write("a\n")
        process.stdin.flush()
        self.assertEqual(process.stdout.readline(), "done\n")
        watching.signal(signal.SIGINT)
        text = self.assertLearned(watching)
        self.assertIsNone(process.poll())
        self.assertIn("/bin/cat", text)
        files = Record(pathlib.Path(f"{self.policy}.seen")).files
        for name in ("a-thread", "a-child", "a-self"):
            self.assertIn(os.fsencode(self.work / name), files)
        self.assertNotIn(os.fsencode(self.work / "program.py"), files)  # its start was before

    def test_it_ends_with_the_process_or_after_a_time(self):
        self.need_ebpf()
        process = self.program()
        watching = self.watch("--pid", str(process.pid), "--for", "1s")
        self.assertLearned(watching)
        watching = self.watch("--pid", str(process.pid), "--for", "1h")
        process.stdin.close()
        self.assertLearned(watching)

    def test_a_unit(self):
        self.need_ebpf()
        mounts = [line.split() for line in pathlib.Path("/proc/mounts").read_text().splitlines()]
        mount = next((fields[1] for fields in mounts if fields[2] == "cgroup2"), None)
        if mount is None:
            self.skipTest(sbxtest.BY_DESIGN + "no cgroup hierarchy of version 2")
        unit = f"sbx-test-{os.getpid()}.service"
        cgroup = pathlib.Path(mount) / unit
        try:
            cgroup.mkdir()
        except OSError as error:
            self.skipTest(sbxtest.BY_DESIGN + f"no cgroup can be made: {error}")
        self.addCleanup(lambda: sbxtest.wait_until(lambda: self.removed(cgroup)))
        process = self.program()
        (cgroup / "cgroup.procs").write_text(str(process.pid))
        watching = self.watch("--unit", unit, "--merge")
        # As a service manager starts another one in the same unit.
        join = f"echo $$ > {cgroup}/cgroup.procs; exec /usr/bin/id -u"
        self.assertStatus(sbxtest.run(["sh", "-c", join], as_root=True), 0)
        watching.signal(signal.SIGTERM)
        self.assertLearned(watching)
        self.assertIn(b" 2:id ", pathlib.Path(f"{self.policy}.seen").read_bytes())
        process.kill()
        process.wait()

    @staticmethod
    def removed(cgroup):
        try:
            cgroup.rmdir()
        except OSError:
            return False
        return True

    def test_what_is_missing_is_named(self):
        done = sbxtest.sbx("learn", "--engine", "ebpf", "--", "true")
        self.assertTwoLineError(done, 125, "CAP_BPF", hint="--engine notify")
        done = sbxtest.sbx("learn", "--pid", str(os.getpid()))
        self.assertStatus(done, 125)
        for words, part in ((["--pid", "x"], "no process id"), (["--unit", "no-such-unit-here"], "no such unit"),
                            (["--pid", "1", "--", "true"], "one thing"), (["--for", "1m", "--", "true"], "--for"),
                            (["--pid", "1", "--engine", "notify"], "--engine notify")):
            done = sbxtest.sbx("learn", *words)
            self.assertNotEqual(done.status, 0)
            self.assertIn(part, done.err)


if __name__ == "__main__":
    sbxtest.main()
