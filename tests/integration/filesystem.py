#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The words of [filesystem] and [landlock] at work: what is shown, executed, kept in memory, and what
becomes of it."""

import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)


class Case(sbxtest.TestCase):
    def policy(self, text, extends="default"):
        return self.write(self.directory() / "case.toml",
                          f'schema = 1\n[policy]\nextends = ["{extends}"]\n{text}')

    def under(self, text, *command, options=(), **more):
        return sbxtest.sbx("run", "--policy", self.policy(text), *options, "--", *command, **more)


class System(Case):
    def test_none_shows_what_is_named_alone(self):
        done = self.under('[filesystem]\nsystem = "none"\n', sbxtest.probe("bare_true"))
        self.assertStatus(done, 0)  # a static program named by its path needs nothing else
        done = self.under('[filesystem]\nsystem = "none"\n', "ls", "/")
        self.assertStatus(done, 127)

    def test_host_shows_the_system_and_no_data(self):
        done = self.under('[filesystem]\nsystem = "host"\n', "sh", "-c",
                          "cat /etc/hostname; ls -d /var/lib/dpkg; ls / /var")
        self.assertStatus(done, 0)
        self.assertIn("/var/lib/dpkg", done.out)
        names = done.out.split()
        for name in ("root", "run", "srv", "mnt", "media", "log", "mail", "spool"):
            self.assertNotIn(name, names)
        done = self.under('[filesystem]\nsystem = "host"\n', "sh", "-c",
                          "cat /etc/shadow; echo x > /etc/sbx-test-written")
        self.assertNotEqual(done.status, 0)
        self.assertNotIn(":", done.out)


class Tmp(Case):
    def test_host_and_none(self):
        directory = self.directory()
        marker = self.write(directory / "marker", "of the host\n")
        self.assertEqual(directory.parent, pathlib.Path("/tmp"))
        done = self.under('[filesystem]\ntmp = "host"\n', "cat", marker)
        self.assertIn("of the host", done.out, done)
        self.assertNotIn("of the host", sbxtest.sbx("run", "--", "cat", marker).out)
        done = self.under('[filesystem]\ntmp = "none"\n', "ls", "-d", "/tmp", "/usr")
        self.assertNotIn("/tmp", done.out)
        self.assertIn("/usr", done.out)

    def test_the_dry_run_says_what_is_open(self):
        done = sbxtest.sbx("run", "--dry-run", "--policy", self.policy(
            '[filesystem]\ntmp = "host"\ndev = ["/dev/null"]\n[memory]\nwx = "allow"\nmemfd = "allow"\n'),
            "--", "true")
        for text in ("OPEN: /tmp is shared", "OPEN: the driver behind /dev/null",
                     "OPEN: memory that is written", "OPEN: files in memory"):
            self.assertIn(text, done.out)


class Exec(Case):
    ONLY_CAT = '[filesystem]\nexec = ["/usr/bin/cat"]\n'

    def test_only_what_is_named_can_be_executed(self):
        self.assertIn("root", self.under(self.ONLY_CAT, "cat", "/etc/passwd").out)
        done = self.under(self.ONLY_CAT, "ls", "/")
        self.assertStatus(done, 126)
        self.assertIn("does not let /usr/bin/ls be executed", done.err)
        self.assertIn('filesystem.exec = ["/usr/bin/ls"]', done.err)

    def test_neither_by_execve_nor_by_the_loader(self):
        loader = "/lib64/ld-linux-x86-64.so.2"
        if not os.path.exists(loader):
            loader = "/lib/ld-linux-aarch64.so.1"
        code = f"/usr/bin/true && echo executed; {loader} /usr/bin/true && echo loaded"
        control = sbxtest.sbx("run", "--", "sh", "-c", code)
        self.assertEqual(control.out.split(), ["executed", "loaded"], control)
        done = self.under('[filesystem]\nexec = ["/usr/bin/dash"]\n', "/usr/bin/dash", "-c", code)
        self.assertEqual(done.out, "", done)

    def test_what_it_stops_and_what_not(self):
        """A program among the libraries can still be mapped by the loader: said in the manual."""
        directory = self.directory()
        self.write(directory / "script", "#!/bin/sh\necho ran\n", 0o755)
        done = self.under('[filesystem]\nexec = ["%s"]\n' % (directory / "script"), directory / "script")
        self.assertIn("ran", done.out, done)  # its interpreter came with it

    def test_the_option(self):
        done = sbxtest.sbx("run", "--exec", "/usr/bin/env", "--", "env", "ls")
        self.assertStatus(done, 126)


class Overlay(Case):
    def tree(self):
        directory = self.directory()
        self.write(directory / "kept", "as it was\n")
        self.write(directory / "old", "old\n")
        (directory / "sub").mkdir()
        self.write(directory / "sub" / "deep", "deep\n")
        if sbxtest.IS_ROOT:
            os.chown(directory / "sub", sbxtest.ACCOUNT.uid, sbxtest.ACCOUNT.gid)
        return directory

    def run_in(self, directory, code, *options):
        return sbxtest.sbx("run", "--overlay", directory, "--workdir", directory, *options, "--", "sh",
                           "-c", code)

    def test_writes_are_seen_inside_and_gone_afterwards(self):
        directory = self.tree()
        done = self.run_in(directory, "echo new > new; echo more >> kept; rm old; mv sub/deep sub/moved; "
                                      "mkdir made; cat new kept; ls")
        self.assertStatus(done, 0)
        self.assertEqual(done.out.split(), ["new", "as", "it", "was", "more", "kept", "made", "new", "sub"])
        self.assertEqual(sorted(os.listdir(directory)), ["kept", "old", "sub"])
        self.assertEqual((directory / "kept").read_text(), "as it was\n")
        self.assertEqual((directory / "sub" / "deep").read_text(), "deep\n")

    def test_nothing_in_it_can_be_executed(self):
        directory = self.tree()
        done = self.run_in(directory, "cp /usr/bin/true t; chmod +x t; ./t && echo executed")
        self.assertNotIn("executed", done.out, done)
        self.write(directory / "given", "#!/bin/sh\necho executed\n", 0o755)
        self.assertNotIn("executed", self.run_in(directory, "./given").out)

    def test_changes_are_limited(self):
        done = self.run_in(self.tree(), "head -c 4M /dev/zero > big; echo $?; wc -c < big",
                           "--limit", "scratch=1M")
        status, size = done.out.split()
        self.assertNotEqual(status, "0", done)
        self.assertLessEqual(int(size), 1 << 20)

    def test_a_file_is_an_error(self):
        directory = self.tree()
        done = sbxtest.sbx("run", "--overlay", directory / "kept", "--", "true")
        self.assertStatus(done, 125)
        self.assertIn("cannot lay an overlay over", done.err)

    def test_a_name_with_a_colon(self):
        directory = self.tree()
        odd = directory / "a:b,c"
        self.write(directory / "kept", "")
        odd.mkdir()
        self.write(odd / "file", "odd\n")
        done = sbxtest.sbx("run", "--overlay", odd, "--", "cat", odd / "file")
        self.assertEqual(done.out, "odd\n", done)


class DevAndProc(Case):
    def test_a_device_is_added(self):
        # Every host has /dev/ptmx's directory and full; loop-control and kvm may be missing.
        done = self.under('[filesystem]\ndev = [{ path = "/dev/kvm", optional = true }, "/dev/full"]\n',
                          "sh", "-c", "ls /dev")
        self.assertStatus(done, 0)
        self.assertEqual(os.path.exists("/dev/kvm"), "kvm" in done.out.split())
        done = self.under('[filesystem]\ndev = ["/dev/sbx-no-such-device"]\n', "true")
        self.assertStatus(done, 125)

    def test_pids_only(self):
        done = self.under('[filesystem]\nproc = "pids"\n', "sh", "-c",
                          "ls /proc; echo > /proc/self/comm && echo written")
        names = done.out.split()
        self.assertIn("self", names)
        for name in ("cpuinfo", "meminfo", "sys", "kallsyms", "mounts"):
            self.assertNotIn(name, names)
        self.assertNotIn("written", names)
        self.assertLessEqual(sum(name.isdigit() for name in names), 3)

    def test_none(self):
        done = self.under('[filesystem]\nproc = "none"\n', "sh", "-c", "ls -A /proc; echo end")
        self.assertEqual(done.out.split(), ["end"])
        # The limit of user namespaces, set by /proc/sys, holds all the same.
        done = self.under('[filesystem]\nproc = "none"\n', "unshare", "--user", "true")
        self.assertNotEqual(done.status, 0)

    def test_the_kernels_tables_are_covered(self):
        files = ("kallsyms", "modules", "keys", "key-users", "timer_list", "config.gz")
        done = sbxtest.sbx("run", "--", "sh", "-c",
                           "for f in %s; do cat /proc/$f 2>/dev/null; done; true" % " ".join(files))
        self.assertEqual(done.out, "")
        done = sbxtest.sbx("run", "--", "sh", "-c", "ls /sys; echo b > /proc/sysrq-trigger && echo hit; true")
        self.assertEqual(done.out, "")


class Landlock(Case):
    READS = '[landlock]\nreads = "rules"\n'

    def test_programs_run_under_read_rules(self):
        done = self.under(self.READS, "sh", "-c", "cat /etc/passwd > /dev/null && cat < /dev/null && "
                          "echo x > /tmp/x && cat /tmp/x && ls /usr > /dev/null && cat /proc/self/comm")
        self.assertStatus(done, 0)
        self.assertEqual(done.out.split(), ["x", "cat"])
        self.assertIn("in", self.under(self.READS, "sh", "-c", "echo in | cat /dev/stdin").out)

    def test_the_root_is_not_listed_under_read_rules(self):
        self.assertNotEqual(self.under(self.READS, "ls", "/").status, 0)
        self.assertStatus(sbxtest.sbx("run", "--", "ls", "/"), 0)

    def test_no_tcp_without_a_network(self):
        python = self.need("python3")
        code = "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); print('bound')"
        self.assertIn("bound", sbxtest.sbx("run", "--", python, "-c", code).out)
        done = sbxtest.sbx("run", "--net", "none", "--", python, "-c", code)
        self.assertNotIn("bound", done.out)
        self.assertIn("PermissionError", done.err)


if __name__ == "__main__":
    sbxtest.main()
