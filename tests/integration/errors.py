#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every way in which a launch cannot begin: two lines that say what, why, where and what to do; the
right exit status; and the command has not run."""

import errno
import json
import os
import subprocess
import tempfile
import unittest
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)
from sbxtest import sbx  # noqa: E402


# (what, body of the policy below schema and extends, line of the fault, words of the first line)
BAD_POLICIES = [
    ("an unknown key", '[filesystem]\nraed = ["/srv"]\n', 5, ["raed"]),
    ("an unknown table", '[filesytem]\nread = ["/srv"]\n', 4, ["filesytem"]),
    ("a wrong type", '[limits]\nprocesses = "many"\n', 5, ["processes"]),
    ("an unknown word", '[memory]\nwx = "maybe"\n', 5, ["maybe"]),
    ("an unknown system call", '[seccomp]\nallow = ["read", "opne"]\n', 5, ["opne"]),
    ("an unknown group", '[seccomp]\nallow = ["@basic-oi"]\n', 5, ["@basic-oi"]),
    ("an unknown constant",
     '[[seccomp.rule]]\nsyscall = "socket"\nwhen = "domain == AF_UNIXX"\naction = "allow"\n', 6,
     ["AF_UNIXX"]),
    ("an unknown argument",
     '[[seccomp.rule]]\nsyscall = "socket"\nwhen = "domian == AF_UNIX"\naction = "allow"\n', 6,
     ["domian"]),
    ("an unknown action", '[[seccomp.rule]]\nsyscall = "socket"\naction = "permit"\n', 6,
     ["permit"]),
    ("an expression without end",
     '[[seccomp.rule]]\nsyscall = "socket"\nwhen = "domain == "\naction = "allow"\n', 6, []),
    ("a syntax error", '[filesystem\nread = ["/srv"]\n', 4, []),
    ("an unclosed string", '[policy]\ndescription = "no end\n', 5, []),
    ("a path that is not there", '[filesystem]\nread = ["/nonexistent/place"]\n', 5,
     ["/nonexistent/place", "ENOENT"]),
    ("a malformed publish", '[network]\npublish = ["80:eighty"]\n', 5, ["80:eighty"]),
    ("a port out of range", '[network]\npublish = ["70000:80"]\n', 5, ["70000"]),
]


class Errors(sbxtest.TestCase):
    def setUp(self):
        super().setUp()
        self.work = self.directory()
        self.marker = self.work / "ran"

    def attempt(self, *options, command=None, **more):
        """A run whose command would leave a trace outside."""
        command = command or ["touch", self.marker]
        return sbx("run", *options, "--rw", self.work, "--", *command, **more)

    def assertNotRun(self):
        self.assertFalse(self.marker.exists(), "the command has run")

    def test_positive_control(self):
        self.assertStatus(self.attempt(), 0)
        self.assertTrue(self.marker.exists())

    def test_bad_policies(self):
        for what, body, line, words in BAD_POLICIES:
            with self.subTest(what):
                head = 'schema = 1\n[policy]\nextends = ["default"]\n'
                if body.startswith("[policy]\n"):
                    head, body = "schema = 1\n\n\n", body
                policy = self.write(self.work / "bad.toml", head + body)
                done = self.attempt("--policy", policy)
                self.assertTwoLineError(done, 125, f"bad.toml:{line}", *words)
                self.assertNotRun()
                checked = sbx("check", policy)
                if "/nonexistent" not in body:  # a path is the host's affair, not the policy's
                    self.assertNotEqual(checked.status, 0, checked)
                    self.assertIn(f"bad.toml:{line}", checked.err + checked.out)

    def test_did_you_mean(self):
        policy = self.write(self.work / "bad.toml", 'schema = 1\n[filesystem]\nraed = ["/srv"]\n')
        self.assertIn("read", self.attempt("--policy", policy).err.splitlines()[-1])

    def test_not_utf8(self):
        for content in (b"\xef\xbb\x8a", b"\xff\xfe", b'schema = 1\n# \xc3\x28\n', b"a" * (2 << 20)):
            path = self.work / "bad.toml"
            path.write_bytes(content)
            done = self.attempt("--policy", path)
            self.assertEqual(done.status, 125, done)
            self.assertRegex(done.err, r"^sbx: .*bad\.toml")
            self.assertNotRun()

    def test_a_cycle_in_extends(self):
        self.write(self.work / "one.toml", 'schema = 1\n[policy]\nextends = ["two"]\n')
        self.write(self.work / "two.toml", 'schema = 1\n[policy]\nextends = ["one"]\n')
        done = self.attempt("--policy", "one", env=sbxtest.environment(
            SBX_POLICY_PATH=str(self.work)))
        self.assertTwoLineError(done, 125, "one", "two", ".toml:3")
        self.assertNotRun()

    def test_an_unknown_parent(self):
        policy = self.write(self.work / "bad.toml", 'schema = 1\n[policy]\nextends = ["defualt"]\n')
        done = self.attempt("--policy", policy)
        self.assertTwoLineError(done, 125, "defualt", "bad.toml:3", hint="default")
        self.assertNotRun()

    def test_an_unknown_policy(self):
        done = self.attempt("--policy", "ngnix")
        self.assertTwoLineError(done, 125, "ngnix", hint="nginx")
        self.assertNotRun()

    def test_bad_words_on_the_command_line(self):
        for options, words in ((["--allow", "opne"], ["opne", "--allow"]),
                               (["--deny", "@basic-oi"], ["@basic-oi", "--deny"]),
                               (["--ro", "/nonexistent/place"], ["/nonexistent/place", "--ro"]),
                               (["-P", "99999:80"], ["99999"]),
                               (["--limit", "procesess=3"], ["procesess"])):
            with self.subTest(options):
                done = self.attempt(*options)
                self.assertTwoLineError(done, 125, *words)
                self.assertNotRun()

    def test_an_unknown_option(self):
        done = self.attempt("--polciy", "default")
        self.assertEqual(done.status, 125, done)
        self.assertIn("--polciy", done.err)
        self.assertNotRun()

    def test_a_missing_program(self):
        done = self.attempt(command=["no-such-program-here"])
        self.assertTwoLineError(done, 127, "no-such-program-here")
        done = self.attempt(command=["/usr/bin/no-such-program-here"])
        self.assertTwoLineError(done, 127, "/usr/bin/no-such-program-here")

    def test_a_program_without_execute_permission(self):
        plain = self.write(self.work / "plain", "#!/bin/sh\ntouch " + str(self.marker) + "\n", 0o644)
        done = self.attempt("--ro", plain, command=[plain])
        self.assertTwoLineError(done, 126, "plain")
        self.assertNotRun()
        done = self.attempt(command=["/usr/share"])
        self.assertTwoLineError(done, 126, "/usr/share")

    def test_a_missing_interpreter(self):
        script = self.write(self.work / "script", "#!/no/such/interpreter\n", 0o755)
        done = sbx("run", "--ro", self.work, "--", script)
        self.assertIn(done.status, (126, 127), done)
        self.assertTwoLineError(done, done.status, "script")

    def test_no_command(self):
        done = sbx("run")
        self.assertEqual(done.status, 125, done)
        self.assertTrue(done.err.startswith("sbx: "), done)

    def test_a_full_disk(self):
        # /dev/full is the disk that is always full (full(4)).
        done = self.attempt("--report", "/dev/full")
        self.assertTwoLineError(done, 125, "/dev/full", "ENOSPC")
        self.assertNotRun()

    @unittest.skipUnless(sbxtest.IS_ROOT, sbxtest.BY_DESIGN + "mounting a small disk needs root")
    def test_a_really_full_disk(self):
        disk = pathlib.Path(tempfile.mkdtemp(prefix="sbx-disk-"))
        self.addCleanup(disk.rmdir)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k,mode=1777", "tmpfs", disk],
                       check=True)
        self.addCleanup(subprocess.run, ["umount", disk], check=True)
        self.remains.mounts = sbxtest.mounts()
        (disk / "filler").write_bytes(b"x" * 4096)
        done = self.attempt("--report", disk / "report.json")
        self.assertTwoLineError(done, 125, "report.json", "ENOSPC")
        self.assertNotRun()

    def test_full_standard_output(self):
        for words in (["list"], ["run", "--dry-run", "--", "true"], ["show", "default"], ["--help"]):
            with self.subTest(words):
                done = sbxtest.run(["sh", "-c", '"$0" "$@" > /dev/full', sbxtest.sbx_path(), *words])
                self.assertEqual(done.status, 125, done)
                self.assertIn("ENOSPC", done.err)

    def test_user_namespaces_refused_by_seccomp(self):
        for number in (errno.EPERM, errno.EACCES):
            done = sbxtest.run([sbxtest.probe("refuse"), str(number), sbxtest.sbx_path(), "run",
                                "--rw", self.work, "--", "touch", self.marker])
            self.assertTwoLineError(done, 125, "namespace", errno.errorcode[number])
            self.assertNotRun()

    def test_user_namespaces_refused_by_limit(self):
        script = ('echo 0 > /proc/sys/user/max_user_namespaces || exit 77; '
                  'exec "$0" run --rw "$1" -- touch "$1/ran"')
        done = sbxtest.run(["unshare", "--user", "--map-current-user", "--keep-caps", "sh", "-c",
                            script, sbxtest.sbx_path(), self.work])
        if done.status == 77:
            self.skipTest("the limit cannot be set here: " + done.err)
        self.assertTwoLineError(done, 125, "namespace", "ENOSPC")
        self.assertNotRun()

    def test_messages_escape_what_comes_from_files(self):
        policy = self.write(self.work / "bad.toml",
                            'schema = 1\n[filesystem]\nread = ["/no\\u001b[31mwhere"]\n')
        done = self.attempt("--policy", policy)
        self.assertEqual(done.status, 125, done)
        self.assertNotIn("\x1b", done.err)

    def test_a_setuid_sbx_refuses(self):
        copy = self.work / "sbx"
        copy.write_bytes(pathlib.Path(sbxtest.sbx_path()).read_bytes())
        copy.chmod(0o4755)
        # Its owner starts it: no privilege is gained, but the next caller's would be. To be seen
        # by uid alone it has to be another's: root's, if we are root.
        if not sbxtest.IS_ROOT:
            self.skipTest(sbxtest.BY_DESIGN + "needs a file of another user")
        os.chown(copy, 0, 0)
        copy.chmod(0o4755)
        done = sbxtest.run([copy, "run", "--rw", self.work, "--", "touch", self.marker])
        self.assertEqual(done.status, 125, done)
        self.assertIn("setuid", done.err)
        self.assertNotRun()


class DryRun(sbxtest.TestCase):
    def test_runs_nothing_and_says_everything(self):
        work = self.directory()
        done = sbx("run", "--rw", work, "--dry-run", "--", "touch", work / "ran")
        self.assertStatus(done, 0)
        self.assertFalse((work / "ran").exists())
        for part in (str(work), "/usr", "pivot", "seccomp", "touch"):
            self.assertIn(part, done.out)

    def test_as_json(self):
        done = sbx("run", "--dry-run", "--json", "--", "true")
        self.assertStatus(done, 0)
        plan = json.loads(done.out)
        self.assertIsInstance(plan, dict)
        self.assertIn("mounts", plan)

    def test_says_the_same_errors(self):
        done = sbx("run", "--dry-run", "--ro", "/nonexistent/place", "--", "true")
        self.assertTwoLineError(done, 125, "/nonexistent/place")

    def test_a_policy_without_a_program(self):
        done = sbx("run", "--dry-run", "--policy", "nginx")
        self.assertStatus(done, 0)
        self.assertIn("nginx", done.out)


if __name__ == "__main__":
    sbxtest.main()
