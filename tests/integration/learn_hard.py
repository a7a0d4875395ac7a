#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""sbx learn where it is hard: many processes, many files, a full disk, ends that nobody planned: a
policy that holds or a clear error, and the file is whole or as it was."""

import os
import pathlib
import re
import signal
import subprocess

import realtest
import sbxtest


class Hard(realtest.RealCase):
    def setUp(self):
        super().setUp()
        self.policy = self.outside / "learned.toml"

    def learn(self, *words, status=0, **options):
        finished = sbxtest.sbx("learn", "-o", str(self.policy), "--verify", "never", *words, cwd=str(self.work),
                               timeout=120, **options)
        self.assertStatus(finished, status)
        return finished

    def text(self):
        return self.policy.read_text()

    def limit(self, key):
        return int(re.search(rf"^{key} = (\d+)", self.text(), re.M).group(1))

    def test_500_processes(self):
        """All there at one time, none of which does anything that is heard of before its end."""
        script = self.write(self.work / "many.pl",
                            "pipe(R, W); for (1..500) { my $p = fork; die qq(fork: $!\\n) unless defined $p; "
                            "if (!$p) { close W; <R>; exit } } close W; 1 while wait > 0; print qq(done\\n);\n")
        self.assertEqual(self.learn("-p", "default", "--", "perl", str(script)).out, "done\n")
        self.assertIn(self.limit("processes"), (1024, 2048))
        finished = self.run_sbx("-p", str(self.policy), "perl", str(script), timeout=120)
        self.assertEqual(finished.out, "done\n", finished)
        self.assertNoDenials(finished.err)

    def test_processes_one_after_the_other_are_few(self):
        script = "i=0; while [ $i -lt 60 ]; do sleep 60 & kill -9 $!; wait $!; i=$((i+1)); done"
        self.learn("-p", "default", "--", "bash", "-c", script, status=0)
        self.assertLessEqual(self.limit("processes"), 64)

    def test_children_end_while_others_start(self):
        """dash does not restart what SIGCHLD interrupts, and expects that no fork is."""
        finished = self.learn("-p", "default", "--", "sh", "-c",
                              "for i in $(seq 100); do : & done; wait; echo done")
        self.assertEqual((finished.out, "fork" in finished.err), ("done\n", False), finished)
        self.assertIn('when = "flags & CLONE_THREAD == 0"', self.text())

    def test_10000_files(self):
        place = self.make_directory(self.work / "many")
        for number in range(10000):
            (place / f"{number:05}").touch()
        other = self.make_directory(pathlib.Path(sbxtest.ACCOUNT.home) / f"sbx-learn-{os.getpid()}")
        self.addCleanup(lambda: [child.unlink() for child in other.iterdir()] and other.rmdir())
        for number in range(300):
            (other / f"{number:05}").touch()
        self.learn("--", "sh", "-c", f"cat many/* {other}/* >/dev/null")
        self.assertLess(len(self.text().splitlines()), 60)
        self.assertIn(f'"~/{other.name}"', self.text())

    def test_a_full_disk(self):
        if not sbxtest.IS_ROOT:
            self.skipTest("only root can mount a small file system")
        small = self.outside / "small"
        small.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o",
                                  f"size=8k,uid={sbxtest.ACCOUNT.uid},gid={sbxtest.ACCOUNT.gid}", "none", small])
        self.assertEqual(mounted.returncode, 0)
        try:
            self.fill_and_learn(small)
        finally:
            subprocess.run(["umount", small], check=True)

    def fill_and_learn(self, small):
        self.policy = small / "x.toml"
        self.learn("--", "true")
        before = self.text()
        with open(small / "filler", "wb", buffering=0) as filler, self.assertRaises(OSError):
            while True:
                filler.write(b"x" * 512)
        for more in ((), ("--merge",)):
            failed = self.learn(*more, "--", "id", status=125)
            self.assertIn("No space left on device", failed.err)
            self.assertEqual(self.text(), before)
            self.assertEqual(sorted(path.name for path in small.iterdir()), ["filler", "x.toml"])

    def test_an_interrupt(self):
        # No shell: dash forgets a signal that comes while its child is on the way to execve (vfork).
        script = ("import subprocess, time; subprocess.run(['id'], stdout=subprocess.DEVNULL); "
                  "print('started', flush=True); time.sleep(60); print('over')")
        running = sbxtest.Running([sbxtest.sbx_path(), "learn", "-o", str(self.policy), "--",
                                   "/usr/bin/python3", "-c", script], cwd=str(self.work))
        self.addCleanup(running.__exit__)
        running.wait_for("started")
        running.signal(signal.SIGINT)
        running.wait()
        self.assertNotIn("over", running.texts()[0])
        self.assertStatus(sbxtest.sbx("check", str(self.policy)), 0)
        self.assertIn('/usr/bin/id"', self.text())

    def test_sbx_itself_is_killed(self):
        self.write(self.policy, "as it was\n")
        running = sbxtest.Running([sbxtest.sbx_path(), "learn", "-o", str(self.policy), "--", "sh", "-c",
                                   "echo started; sleep 60"], cwd=str(self.work))
        self.addCleanup(running.__exit__)
        running.wait_for("started")
        below = sbxtest.descendants(running.process.pid)
        running.signal(signal.SIGKILL)
        running.wait()
        self.assertTrue(sbxtest.wait_until(
            lambda: not [pid for pid in below if sbxtest.status_of(pid).get("State", "Z")[0] != "Z"], 60))
        self.assertEqual(self.text(), "as it was\n")
        self.assertEqual(sorted(path.name for path in self.outside.iterdir()), ["learned.toml", "work"])

    def test_hostile_names_of_programs(self):
        for name in (b"new\nline", b'quo"te', b"back\\slash", b"# hash", b"not\xff\xfeutf8"):
            path = os.path.join(os.fsencode(self.work), name)
            with open(path, "wb") as file:
                file.write(b"#!/bin/sh\necho ran\n")
            os.chmod(path, 0o755)
            word = path.decode("utf-8", "surrogateescape")
            self.assertEqual(self.learn("-p", "default", "--", word).out, "ran\n")
            self.assertStatus(sbxtest.sbx("check", str(self.policy)), 0)
            self.assertNotRegex(self.text(), r"(?m)^(line|hash)")


if __name__ == "__main__":
    sbxtest.main()
