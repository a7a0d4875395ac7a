#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""sbx learn: what a run did becomes a policy that grants it and little else; learning itself opens
nothing that its base keeps shut."""

import json
import os
import pathlib
import signal
import stat
from xml.etree import ElementTree

import realtest
import sbxtest

# What somebody who has taken over a program would want; `sbx explain` answers for the policy.
WANTED = ["ptrace", "socket(AF_PACKET, SOCK_RAW, 0)", "mprotect(_, _, PROT_READ|PROT_EXEC)",
          "unshare(CLONE_NEWUSER)", "init_module"]


class Learn(realtest.RealCase):
    def setUp(self):
        super().setUp()
        self.policy = self.outside / "learned.toml"

    def learn(self, *words, status=0, **options):
        finished = sbxtest.sbx("learn", "-o", str(self.policy), *words, cwd=str(self.work), **options)
        self.assertStatus(finished, status)
        return finished

    def text(self):
        return self.policy.read_text()

    def assertRefuses(self, *questions):
        for question in questions:
            answer = sbxtest.sbx("explain", str(self.policy), question)
            self.assertStatus(answer, 1)

    def test_learn_then_enforce(self):
        self.write(self.work / "in", "b\na\n")
        script = "sort in > out; cat out; id > /dev/null; ls -l > /tmp/list"
        learned = self.learn("--verify", "always", "--", "sh", "-c", script)
        self.assertIn("verified", learned.err)
        self.assertEqual(learned.out, "a\nb\n" * 2)  # the run, and its proof
        # Nothing of it has reached the host.
        self.assertFalse((self.work / "out").exists())
        finished = self.run_sbx("-p", str(self.policy), "--", "sh", "-c", script)
        self.assertStatus(finished, 0)
        self.assertNoDenials(finished.err)
        self.assertEqual(finished.out, "a\nb\n")
        self.assertTrue((self.work / "out").exists())
        self.assertRefuses(*WANTED, "socket")
        self.assertIn('cwd = "write"', self.text())
        # Another program is not to be started.
        other = self.run_sbx("-p", str(self.policy), "--", "sh", "-c", "/usr/bin/env true")
        self.assertNotEqual(other.status, 0)

    def test_what_is_learned_is_all_that_is_granted(self):
        self.learn("--", "cat", "/dev/null")
        for other in (["id"], ["sh", "-c", "true"]):
            refused = self.run_sbx("-p", str(self.policy), "--", *other)
            self.assertNotEqual(refused.status, 0, other)

    def test_keys_are_not_shown_while_learning(self):
        keys = self.keys()
        self.assertIn(realtest.SECRET, self.bare("cat", keys / "secret").out)  # the control
        finished = self.learn("--verify", "never", "--", "cat", str(keys / "secret"))
        self.assertNotIn(realtest.SECRET, finished.out + finished.err)
        granted = [line for line in self.text().splitlines() if not line.startswith("#")]
        self.assertNotIn(".ssh", "\n".join(granted))

    def test_the_base_holds_while_learning(self):
        listener = realtest.Listener()
        self.addCleanup(listener.close)
        script = self.work / "attempts.py"
        self.write(script, f"""
import ctypes, mmap, os, socket
c = ctypes.CDLL(None, use_errno=True)
def attempt(name, what):
    try:
        result = what()
    except OSError:
        result = -1
    print(name, "refused" if result == -1 else "DONE")
attempt("ptrace", lambda: c.ptrace(0, 0, 0, 0))
attempt("user namespace", lambda: c.unshare(0x10000000))
attempt("cloned namespace", lambda: c.syscall(56, 0x10000000 | 17, 0, 0, 0, 0))
attempt("write and execute", lambda: mmap.mmap(-1, 4096, prot=7))
attempt("raw socket", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))
attempt("packet socket", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
attempt("write /etc", lambda: os.open("/etc/passwd", os.O_WRONLY))
attempt("capabilities", lambda: c.sethostname(b"x", 1))
attempt("the host's loopback", lambda: socket.create_connection(("127.0.0.1", {listener.port})))
""")
        finished = self.learn("-p", "default", "--", self.debian("python3"), str(script))
        lines = finished.out.splitlines()
        self.assertEqual(len(lines), 9, finished)
        self.assertEqual([line for line in lines if not line.endswith(" refused")], [])
        self.assertEqual(listener.connections, 0)

    def test_what_is_dangerous_is_left_to_decide(self):
        attempt = "import ctypes; ctypes.CDLL(None).ptrace(0, 0, 0, 0)"
        finished = self.learn("-p", "default", "--", self.debian("python3"), "-c", attempt)
        self.assertIn(" ptrace(", finished.err)
        self.assertIn("To decide: ptrace was refused", self.text())
        self.assertRefuses("ptrace")
        # Refused as before, and told of no more: it is known.
        again = self.run_sbx("-p", str(self.policy), "--", self.debian("python3"), "-c", attempt)
        self.assertStatus(again, 0)
        self.assertNoDenials(again.err)

    def test_hostile_names(self):
        names = [b"new\nline", b'quo"te', b"back\\slash", b"not\xff\xfeutf8", b"[seccomp]"]
        home = self.make_directory(pathlib.Path(sbxtest.ACCOUNT.home) / f"sbx-learn-{os.getpid()}")
        self.addCleanup(lambda: [child.unlink() for child in home.iterdir()] and home.rmdir())
        for name in names:
            path = os.path.join(os.fsencode(home), name)
            with open(path, "wb") as file:
                file.write(b"x\n")
            os.chmod(path, 0o644)
        paths = [os.path.join(os.fsencode(home), name).decode("utf-8", "surrogateescape") for name in names]
        bad = [path for path in paths if "\udcff" in path]
        good = [path for path in paths if path not in bad]
        self.learn("--verify", "always", "--", "cat", *good[:3])
        self.assertStatus(sbxtest.sbx("check", str(self.policy)), 0)
        self.learn("--verify", "never", "--", "cat", *bad)
        self.assertStatus(sbxtest.sbx("check", str(self.policy)), 0)
        self.assertIn("which a policy cannot say", self.text().replace("\n#", ""))

    def test_a_server_until_a_signal(self):
        self.write(self.work / "page", "hello\n")
        port = sbxtest.free_port()
        running = sbxtest.Running([sbxtest.sbx_path(), "learn", "-o", str(self.policy), "-p", "default",
                                   "-P", f"{port}:8000", "--", self.debian("python3"), "-m", "http.server", "8000"],
                                  cwd=str(self.work))
        self.addCleanup(running.__exit__)
        self.until(lambda: sbxtest.fetched(port), running)
        running.signal(signal.SIGTERM)
        self.assertEqual(running.wait(), 0, running.texts())
        self.assertIn("ended by a signal", running.texts()[1])
        self.assertIn('bind = ["8000"]', self.text())
        self.assertIn("serving", self.text())
        serving = self.start("-p", str(self.policy), "--", self.debian("python3"), "-m", "http.server", "8000")
        self.until(lambda: sbxtest.fetched(port), serving)
        self.stop(serving, signal.SIGTERM)
        self.assertRefuses(*WANTED)

    def test_ready_by_sd_notify(self):
        script = self.write(self.work / "service.py", """
import os, socket
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind("/tmp/manager")
os.umask(0o22)
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as service:
    service.sendto(b"STATUS=warm", "/tmp/manager")
    service.sendmsg([b"STATUS=up\\nREADY=1"], [], 0, "/tmp/manager")
os.getpgid(0)
""")
        self.learn("--verify", "never", "-p", "default", "--", self.debian("python3"), str(script))
        self.assertRegex(self.text(), r'"umask".*; starting|(?s:; starting\n[^#]*"umask")')
        self.assertRegex(self.text(), r'"getpgid".*; serving|(?s:; serving\n[^#]*"getpgid")')

    def test_a_crash_and_a_failure(self):
        crashed = self.learn("--", "sh", "-c", "kill -SEGV $$")
        self.assertIn("ended with status 139", crashed.err)
        self.assertStatus(sbxtest.sbx("check", str(self.policy)), 0)
        failed = self.learn("--", "no-such-program", status=127)
        self.assertIn("cannot find", failed.err)

    def test_where_it_is_written_is_looked_at_first(self):
        self.policy = self.outside / "sbx" / "policies" / "true.toml"
        self.learn("--", "true")
        self.assertEqual(stat.S_IMODE(self.policy.parent.stat().st_mode), 0o700)
        self.policy = pathlib.Path("/proc/no/such.toml")
        learned = self.learn("--", "echo", "ran", status=125)
        self.assertEqual(learned.out, "")
        self.assertIn("cannot write", learned.err)

    def test_the_file_is_whole_or_as_it_was(self):
        self.learn("--", "true")
        before = self.text()
        self.assertEqual(stat.S_IMODE(self.policy.stat().st_mode) & 0o111, 0)
        full = sbxtest.sbx("learn", "-o", "/dev/full", "--", "true")
        self.assertStatus(full, 125)
        self.assertEqual(self.text(), before)
        self.assertEqual([path.name for path in self.outside.iterdir() if "toml." in path.name], [])

    def test_check(self):
        self.learn("--verify", "never", "--", "sh", "-c", "cat /dev/null")
        checked = sbxtest.sbx("learn", "--check", str(self.policy), "--", "sh", "-c", "cat /dev/null",
                              cwd=str(self.work))
        self.assertStatus(checked, 0)
        self.write(self.work / "in", "")
        self.write(self.policy, self.text().replace("allow = [", 'allow = [ "msgget",', 1))
        junit = self.outside / "junit.xml"
        more = ["--", "sh", "-c", "cat in; umask 22; id"]
        checked = sbxtest.sbx("learn", "--check", str(self.policy), "--strict", "--junit", str(junit), *more,
                              cwd=str(self.work))
        self.assertStatus(checked, 1)
        self.assertIn("+ call umask", checked.out)
        self.assertIn(f"+ read {self.work}/in", checked.out)
        self.assertIn("+ execute /usr/bin/id", checked.out)
        self.assertIn("- seccomp.allow msgget", checked.out)
        cases = ElementTree.parse(junit).getroot()
        self.assertEqual((cases.get("tests"), cases.get("failures")), ("2", "2"))
        self.assertIn("umask", cases.find("testcase/failure").text)
        as_json = sbxtest.sbx("learn", "--json", "--check", str(self.policy), *more, cwd=str(self.work))
        self.assertStatus(as_json, 1)
        start = as_json.out.index("{")
        self.assertIn("umask", [one["what"] for one in json.loads(as_json.out[start:])["lacks"]])

    def test_check_of_addresses(self):
        self.write(self.policy, 'schema = 1\n[policy]\nextends = ["default"]\n[network]\n'
                                'bind = ["8000", "8002"]\nconnect = ["192.0.2.1:443"]\n')
        script = ("import socket; socket.create_server(('127.0.0.1', 8000))\n"
                  "for what in (lambda: socket.create_server(('127.0.0.1', 8001)),\n"
                  "             lambda: socket.create_connection(('192.0.2.1', 80))):\n"
                  "  try: what()\n"
                  "  except OSError: pass\n")
        checked = sbxtest.sbx("learn", "--check", str(self.policy), "--strict", "--", self.debian("python3"), "-c",
                              script, cwd=str(self.work))
        self.assertStatus(checked, 1)
        self.assertIn("+ bind 127.0.0.1:8001", checked.out)
        self.assertIn("+ connect 192.0.2.1:80", checked.out)
        self.assertNotIn(":8000", checked.out)
        self.assertIn("- network.bind 8002", checked.out)
        self.assertIn("- network.connect 192.0.2.1:443", checked.out)

    def test_merge(self):
        self.learn("--merge", "--", "sh", "-c", "cat /dev/null")
        self.learn("--merge", "--", "sh", "-c", "id >/dev/null")
        for command in ("cat /dev/null", "id >/dev/null"):
            finished = self.run_sbx("-p", str(self.policy), "--", "sh", "-c", command)
            self.assertStatus(finished, 0)
            self.assertNoDenials(finished.err)
        seen = self.outside / "learned.toml.seen"
        seen.write_bytes(seen.read_bytes()[:100])
        broken = sbxtest.sbx("learn", "--merge", "-o", str(self.policy), "--", "true", cwd=str(self.work))
        self.assertStatus(broken, 125)

    def test_minimize(self):
        wide = self.outside / "wide.toml"
        self.write(wide, 'schema = 1\n[policy]\nextends = ["default"]\n[filesystem]\nread = ["/etc/hosts"]\n')
        finished = sbxtest.sbx("minimize", str(wide), "-o", str(self.policy), "--", "cat", "/etc/passwd",
                               cwd=str(self.work))
        self.assertStatus(finished, 0)
        granted = [line for line in self.text().splitlines() if not line.startswith("#")]
        self.assertNotIn("/etc/hosts", "\n".join(granted))
        self.assertStatus(sbxtest.sbx("explain", str(wide), "socket(AF_INET, SOCK_STREAM, 0)"), 0)
        self.assertRefuses("socket(AF_INET, SOCK_STREAM, 0)", *WANTED)

    def test_the_same_run_is_the_same_text(self):
        self.learn("--", "ls", "/")
        first = self.text()
        self.learn("--", "ls", "/")
        measured = " MB: "  # of memory, which is never quite the same
        self.assertEqual([line for line in self.text().splitlines() if measured not in line],
                         [line for line in first.splitlines() if measured not in line])


if __name__ == "__main__":
    sbxtest.main()
