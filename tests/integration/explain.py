#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`sbx explain` tells the truth: under several policies each question is asked of explain, and tried
by a program in the real sandbox of the same policy and options."""

import errno
import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)
from sbxtest import sbx  # noqa: E402

# Tries each thing of a list and prints the errno of each, 0 if it worked. A child in place of the
# program itself where trying would end it.
PROBE = r'''
import ctypes, errno, json, os, socket, stat, sys
libc = ctypes.CDLL(None, use_errno=True)

def call(number, *arguments):
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *[ctypes.c_ulong(a) for a in arguments])
    return ctypes.get_errno() if result == -1 else 0

def opened(place, flags):
    """A file that is hidden is covered by a device that swallows all and gives nothing."""
    fd = os.open(place, flags, 0o600)
    is_device = stat.S_ISCHR(os.fstat(fd).st_mode)
    os.close(fd)
    return errno.ENOENT if is_device and not place.startswith("/dev/") else 0

def path(intent, place):
    try:
        if intent == "read":
            return opened(place, os.O_RDONLY)
        elif intent == "write":
            return opened(place, os.O_WRONLY | os.O_CREAT)
        else:
            reader, writer = os.pipe()
            if os.fork() == 0:
                os.dup2(os.open("/dev/null", os.O_WRONLY), 1)
                try:
                    os.execv(place, [place, "--version"])
                except OSError as error:
                    os.write(writer, str(error.errno).encode())
                os._exit(0)
            os.close(writer)
            text = os.read(reader, 20)
            os.wait()
            return int(text or 0)
        return 0
    except OSError as error:
        return error.errno

def address(verb, family, kind, place):
    try:
        with socket.socket(getattr(socket, family), getattr(socket, kind)) as one:
            one.settimeout(5)
            getattr(one, verb)(tuple(place) if isinstance(place, list) else place)
        return 0
    except OSError as error:
        return error.errno or errno.ETIMEDOUT

def variable(name):
    return 0 if name in os.environ else errno.ENOENT

print(json.dumps([globals()[kind](*rest) for kind, *rest in json.loads(sys.argv[1])]))
'''

# What refuses; anything else is an answer of a call that ran.
REFUSED = {errno.EPERM, errno.ENOSYS, errno.EACCES, errno.EROFS, errno.ENOENT, errno.ENETUNREACH,
           errno.EADDRNOTAVAIL, errno.ENOTDIR}
CALL_REFUSED = {errno.EPERM, errno.ENOSYS, errno.EPROTONOSUPPORT, errno.EACCES}

X86_64 = {"getpid": 39, "socket": 41, "ioctl": 16, "mprotect": 10, "ptrace": 101, "perf_event_open": 298, "bpf": 321,
          "memfd_create": 319, "personality": 135, "unshare": 272, "keyctl": 250, "chroot": 161,
          "fchmod": 91, "sched_yield": 24, "swapon": 167}
AARCH64 = {"getpid": 172, "socket": 198, "ioctl": 29, "mprotect": 226, "ptrace": 117, "perf_event_open": 241, "bpf": 280,
           "memfd_create": 279, "personality": 92, "unshare": 97, "keyctl": 219, "chroot": 51,
           "fchmod": 52, "sched_yield": 124, "swapon": 224}
NUMBERS = X86_64 if os.uname().machine == "x86_64" else AARCH64

TIOCSTI, AF_PACKET, CLONE_NEWUSER = 0x5412, 17, 0x10000000

CALLS = [
    ("getpid", ["call", "getpid"]),
    ("sched_yield()", ["call", "sched_yield"]),
    ("socket(AF_PACKET, SOCK_RAW, 0)", ["call", "socket", AF_PACKET, 3, 0]),
    ("socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)", ["call", "socket", 2, 3, 1]),
    ("socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, 0)", ["call", "socket", 2, 0o2000001, 0]),
    ("socket(AF_UNIX, SOCK_DGRAM, 0)", ["call", "socket", 1, 2, 0]),
    ("ioctl(99, TIOCSTI, 0)", ["call", "ioctl", 99, TIOCSTI, 0]),
    # The kernel reads 32 bits of the request, and so do both.
    ("ioctl(99, 0x100005412, 0)", ["call", "ioctl", 99, 0x100000000 + TIOCSTI, 0]),
    ("ioctl(99, FIONREAD, 0)", ["call", "ioctl", 99, 0x541b, 0]),
    ("mprotect(0, 4096, PROT_READ|PROT_EXEC)", ["call", "mprotect", 0, 4096, 5]),
    ("mprotect(0, 4096, PROT_READ)", ["call", "mprotect", 0, 4096, 1]),
    ("ptrace(PTRACE_TRACEME)", ["call", "ptrace", 0, 0, 0, 0]),
    ("bpf(BPF_MAP_CREATE, NULL, 0)", ["call", "bpf", 0, 0, 0]),
    ("memfd_create", ["call", "memfd_create", 0, 0]),
    ("personality(0xffffffff)", ["call", "personality", 0xffffffff]),
    ("personality(0x400000)", ["call", "personality", 0x400000]),
    ("unshare(CLONE_NEWUSER)", ["call", "unshare", CLONE_NEWUSER]),
    ("keyctl(0)", ["call", "keyctl", 0, 0, 0]),
    ("chroot", ["call", "chroot", 0]),
    ("swapon", ["call", "swapon", 0, 0]),
    ("fchmod(99, 04755)", ["call", "fchmod", 99, 0o4755]),
    ("fchmod(99, 0755)", ["call", "fchmod", 99, 0o755]),
]

ADDRESSES = [
    ("connect 127.0.0.1:9", ["address", "connect", "AF_INET", "SOCK_STREAM", ["127.0.0.1", 9]]),
    ("connect 203.0.113.1:9", ["address", "connect", "AF_INET", "SOCK_STREAM", ["203.0.113.1", 9]]),
    ("connect udp://203.0.113.1:9", ["address", "connect", "AF_INET", "SOCK_DGRAM",
                                     ["203.0.113.1", 9]]),
    ("bind 0.0.0.0:80", ["address", "bind", "AF_INET", "SOCK_STREAM", ["0.0.0.0", 80]]),
    ("bind 127.0.0.1:8080", ["address", "bind", "AF_INET", "SOCK_STREAM", ["127.0.0.1", 8080]]),
    ("bind 203.0.113.1:80", ["address", "bind", "AF_INET", "SOCK_STREAM", ["203.0.113.1", 80]]),
    ("connect unix:/run/none.sock", ["address", "connect", "AF_UNIX", "SOCK_STREAM",
                                     "/run/none.sock"]),
    ("bind unix:/tmp/own.sock", ["address", "bind", "AF_UNIX", "SOCK_STREAM", "/tmp/own.sock"]),
    ("bind unix:/usr/own.sock", ["address", "bind", "AF_UNIX", "SOCK_STREAM", "/usr/own.sock"]),
    ("bind unix:@own", ["address", "bind", "AF_UNIX", "SOCK_STREAM", "\0own"]),
]

VARIABLES = [(f"env {name}", ["variable", name])
             for name in ("HOME", "PATH", "LANG", "SSH_AUTH_SOCK", "SECRET", "USER")]

PATHS = ["read /etc/shadow", "read /etc/passwd", "write /etc/passwd", "read /usr/bin/env",
         "write /usr/bin/env", "write /usr/lib/new", "read /proc/self/status",
         "write /proc/self/oom_score_adj", "read /proc/kallsyms", "read /root/.profile",
         "read /nowhere", "write /nowhere", "write /tmp/new", "write /dev/null", "read /dev/urandom",
         "read /dev/mem", "write /dev/shm/new", "read /bin/sh", "read /sys/kernel/notes"]


class Explain(sbxtest.TestCase):
    def check(self, policy, questions, options=(), variables=None):
        """Asks and tries; a question that explain leaves open is a mistake of the test."""
        python = "/usr/bin/python3"
        environment = sbxtest.environment(SECRET="x", SSH_AUTH_SOCK="/run/agent", **(variables or {}))
        options = ["--on-violation", "errno", *options]
        tried = [[kind, NUMBERS[rest[0]], *rest[1:]] if kind == "call" else [kind, *rest]
                 for _, (kind, *rest) in questions]
        done = sbx("run", "--quiet", "--policy", policy, *options, "--", python, "-I", "-c", PROBE,
                   json.dumps(tried), env=environment, timeout=60)
        self.assertStatus(done, 0)
        wrong = []
        for (question, (kind, *_)), number in zip(questions, json.loads(done.out)):
            asked = sbx("explain", "--json", *options, policy, question, env=environment)
            self.assertIn(asked.status, (0, 1), (question, asked))
            answer = json.loads(asked.out)
            self.assertEqual(answer["ruling"], "allowed" if asked.status == 0 else "denied")
            refused = number in (CALL_REFUSED if kind == "call" else REFUSED)
            name = errno.errorcode.get(number, number)
            told = " ".join(finding["effect"] for finding in answer["findings"])
            if refused != (asked.status == 1):
                wrong.append(f"{policy} {options}: {question}: {answer['ruling']} ({told}), but {name}")
            elif refused and kind in ("call", "address") and f"fails with {name}" not in told:
                wrong.append(f"{policy} {options}: {question}: {told}, but {name}")
        self.assertEqual(wrong, [])

    def paths(self, *questions):
        return [(question, ["path", *question.split(" ", 1)]) for question in questions]

    def test_default(self):
        self.check("default", CALLS + ADDRESSES + VARIABLES + self.paths(*PATHS, "exec /usr/bin/env",
                                                                          "exec /etc/passwd"))

    def test_python3(self):
        self.check("python3", CALLS + VARIABLES + self.paths(*PATHS))

    def test_untrusted(self):
        self.check("untrusted", CALLS + VARIABLES + self.paths(*PATHS))

    def test_options_count(self):
        place = self.directory()
        (place / "ro").mkdir()
        (place / "rw").mkdir()
        for name in ("ro", "rw"):
            self.write(place / name / "file", "x")
            (place / name).chmod(0o777)
        self.write(place / "ro" / "program", "#!/bin/sh\n", mode=0o755)
        self.write(place / "rw" / "program", "#!/bin/sh\n", mode=0o755)
        self.write(place / "ro" / "secret", "x", mode=0o000)
        (place / "ro" / "link").symlink_to("/etc/shadow")
        (place / "ro" / "near").symlink_to("file")
        options = ["--ro", place / "ro", "--rw", place / "rw", "--tmpfs", "/scratch", "--hide",
                   place / "rw" / "file", "--allow", "personality", "--deny", "getpid", "--env",
                   "SECRET", "--net", "none"]
        self.check("default", CALLS[:4] + ADDRESSES + VARIABLES + self.paths(
            f"read {place}/ro/file", f"write {place}/ro/file", f"write {place}/ro/new",
            f"exec {place}/ro/program", f"exec {place}/rw/program", f"write {place}/rw/program",
            f"write {place}/rw/new", f"read {place}/ro/secret", f"read {place}/ro/link",
            f"read {place}/ro/near", "write /scratch/x", f"write {place}/rw/file",
            "read /scratch/x/y"), options)

    def test_the_remedy_is_one(self):
        """What explain says would allow it does: the option it names, given to both."""
        asked = sbx("explain", "--json", "default", "perf_event_open")
        self.assertStatus(asked, 1)
        self.assertIn("--allow perf_event_open", json.loads(asked.out)["findings"][0]["remedy"])
        self.assertStatus(sbx("explain", "--allow", "perf_event_open", "default", "perf_event_open"), 0)
        self.check("default", [("perf_event_open(0, 0, -1, -1, 0)", ["call", "perf_event_open", 0, 0, -1, -1, 0])],
                   ["--allow", "perf_event_open"])

    def test_a_question_that_cannot_be_read(self):
        done = sbx("explain", "default", "socket(AF_INTE)")
        self.assertStatus(done, 125)
        self.assertIn("  1 | socket(AF_INTE)\n    |        ^\n", done.err)
        self.assertIn("did you mean AF_INET?", done.err)

    def test_what_is_left_open_is_listed(self):
        done = sbx("explain", "default", "socket")
        self.assertStatus(done, 2)
        self.assertRegex(done.out, r"denied  when not \(domain == AF_UNIX")
        self.assertIn("allowed otherwise", done.out)


class Diff(sbxtest.TestCase):
    def test_status_and_verdict(self):
        self.assertStatus(sbx("diff", "default", "default"), 0)
        narrower = self.write(self.directory() / "less.toml",
                              'schema = 1\n[policy]\nextends = ["default"]\n'
                              '[seccomp]\ndeny = ["socket"]\n')
        done = sbx("diff", "default", narrower)
        self.assertStatus(done, 1)
        self.assertIn("B is narrower than A", done.out)
        self.assertRegex(done.out, r"less\.toml:5\]")
        self.assertStatus(sbx("diff", "--only-wider", "default", narrower), 0)
        self.assertStatus(sbx("diff", "--only-wider", narrower, "default"), 1)
        self.assertStatus(sbx("diff", "default"), 125)

    def test_neutral_needs_nothing_of_the_host(self):
        policy = self.write(self.directory() / "absent.toml",
                            'schema = 1\n[filesystem]\nread = ["/not/here"]\n')
        refused = sbx("diff", policy, policy)
        self.assertStatus(refused, 125)
        self.assertIn("--neutral", refused.err)
        self.assertStatus(sbx("diff", "--neutral", policy, policy), 0)

    def test_json(self):
        done = sbx("diff", "--json", "--neutral", "xz", "curl")
        self.assertStatus(done, 1)
        answer = json.loads(done.out)
        socket = [one for one in answer["differences"] if one["subject"] == "socket"]
        self.assertTrue(socket and all(one["more_in_b"] for one in socket), socket)
        self.assertEqual(answer["verdict"], "different")


if __name__ == "__main__":
    sbxtest.main()
