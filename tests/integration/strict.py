#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The strict policy, the original seccomp mode: read, write, exit, sigreturn, and the one execve
that starts the command. A denied call becomes an event that a person can act on."""

import json
import os
import re
import signal
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)
from sbxtest import sbx  # noqa: E402


def granted():
    return ["--ro", str(sbxtest.stage().probes)]


class Strict(sbxtest.TestCase):
    def test_positive_control(self):
        done = sbxtest.run([sbxtest.probe("bare_getpid")])
        self.assertStatus(done, 0)
        self.assertEqual(done.out, "before\nafter\n")

    def test_a_denied_call_is_told_and_kills(self):
        done = sbx("run", "--policy", "strict", *granted(), "--", sbxtest.probe("bare_getpid"))
        self.assertStatus(done, 128 + signal.SIGSYS)  # 159
        self.assertEqual(done.out, "before\n")
        self.assertIn("denied getpid", done.err)
        self.assertIn("[39]" if os.uname().machine == "x86_64" else "[172]", done.err)
        self.assertIn("bare_getpid", done.err)
        self.assertRegex(done.err, r"bare_getpid\+0x[0-9a-f]+ ask_for_pid")
        self.assertRegex(done.err, r"strict\.toml:\d+")
        self.assertRegex(done.err, r"--allow[ =]getpid")

    def test_a_program_named_by_its_path_needs_no_grant(self):
        """Only the file itself: what lies beside it stays out of sight."""
        program = sbxtest.probe("bare_getpid")
        done = sbx("run", "--policy", "strict", "--", program)
        self.assertStatus(done, 128 + signal.SIGSYS)
        self.assertEqual(done.out, "before\n")
        plan = sbx("run", "--dry-run", "--json", "--policy", "strict", "--", program)
        sources = {mount.get("source") for mount in json.loads(plan.out)["mounts"]}
        self.assertIn(str(pathlib.Path(program).resolve()), sources)
        self.assertNotIn(str(pathlib.Path(program).resolve().parent), sources)

    def test_the_remedy_works(self):
        done = sbx("run", "--policy", "strict", "--allow", "getpid", *granted(), "--",
                   sbxtest.probe("bare_getpid"))
        self.assertStatus(done, 0)
        self.assertEqual(done.out, "before\nafter\n")

    def test_what_it_allows(self):
        done = sbx("run", "--policy", "strict", *granted(), "--", sbxtest.probe("bare_strict"),
                   stdin=b"echoed\n")
        self.assertStatus(done, 7)
        self.assertEqual(done.out, "echoed\n")
        self.assertEqual(done.err, "")

    def test_exactly_one_execve(self):
        program = sbxtest.probe("bare_strict")
        control = sbxtest.run([program, "exec"])
        self.assertStatus(control, 7)
        self.assertNotIn("refused", control.out)  # the second execve worked
        done = sbx("run", "--policy", "strict", *granted(), "--", program, "exec")
        self.assertStatus(done, 128 + signal.SIGSYS)
        self.assertIn("denied execve", done.err)

    def test_errno_instead_of_death(self):
        done = sbx("run", "--policy", "strict", "--on-violation", "errno", *granted(), "--",
                   sbxtest.probe("bare_getpid"))
        self.assertStatus(done, 3)  # the probe got an errno and went on
        self.assertEqual(done.out, "before\nafter\n")
        self.assertIn("denied getpid", done.err)

    def test_a_libc_program_dies_early(self):
        done = sbx("run", "--policy", "strict", "--", "true")
        self.assertStatus(done, 128 + signal.SIGSYS)
        self.assertIn("denied", done.err)

    def test_the_report_is_json_lines(self):
        work = self.directory()
        report = self.write(work / "report.json", "")
        sbx("run", "--policy", "strict", "--report", report, *granted(), "--", sbxtest.probe("bare_getpid"))
        events = [json.loads(line) for line in report.read_text().splitlines()]
        self.assertTrue(any("getpid" in json.dumps(event) for event in events), events)

    def test_a_hostile_name_cannot_forge_lines(self):
        work = self.directory()
        program = work / "x\nsbx: denied nothing\x1b[31m"
        program.write_bytes(pathlib.Path(sbxtest.probe("bare_getpid")).read_bytes())
        program.chmod(0o755)
        if sbxtest.IS_ROOT:
            os.chown(program, sbxtest.ACCOUNT.uid, sbxtest.ACCOUNT.gid)
        done = sbx("run", "--policy", "strict", "--ro", work, "--", program)
        self.assertNotIn("\x1b", done.err)
        self.assertFalse(re.search(r"^sbx: denied nothing", done.err, re.M), done)


class Default(sbxtest.TestCase):
    def test_a_denied_call_answers_eperm_and_is_told(self):
        done = sbx("run", "--", "unshare", "--mount", "true")
        self.assertNotEqual(done.status, 0)
        self.assertIn("denied unshare", done.err)

    def test_denied_by_the_command_line(self):
        done = sbx("run", "--deny", "getppid", "--", "sh", "-c", "echo alive")
        self.assertIn("alive", done.out, done)  # dash asks for it at its start, and lives without
        self.assertIn("denied getppid", done.err)
        self.assertIn("--deny", done.err)

    def test_unknown_numbers_are_enosys(self):
        python = self.need("python3")
        code = ("import ctypes, os; l = ctypes.CDLL(None, use_errno=True); "
                "print([(l.syscall(n), ctypes.get_errno())[1] for n in (480, 600, 100000)])")
        done = sbx("run", "--", python, "-c", code)
        self.assertStatus(done, 0)
        self.assertEqual(done.out.strip(), "[38, 38, 38]")

    def test_threads_work_although_clone3_is_enosys(self):
        python = self.need("python3")
        code = ("import threading; t = threading.Thread(target=lambda: print('thread')); "
                "t.start(); t.join()")
        done = sbx("run", "--", python, "-c", code)
        self.assertStatus(done, 0)
        self.assertEqual(done.out, "thread\n")


if __name__ == "__main__":
    sbxtest.main()
