#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a command finds inside under the default policy: no privilege, nobody else's processes,
network, home or descriptors, and no memory that is writable and executable."""

import os
import socket
import unittest
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)
from sbxtest import sbx  # noqa: E402


class Privilege(sbxtest.TestCase):
    def test_capabilities_no_new_privs_and_seccomp(self):
        done = sbx("run", "--", "cat", "/proc/self/status")
        self.assertStatus(done, 0)
        status = sbxtest.parse_status(done.out)
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            self.assertEqual(int(status[name], 16), 0, name)
        self.assertEqual(status["NoNewPrivs"], "1")
        self.assertEqual(status["Seccomp"], "2")
        self.assertEqual(status["Seccomp_filters"], "1", "one filter: each more costs every call")

    def test_no_user_but_one_is_mapped(self):
        done = sbx("run", "--", "cat", "/proc/self/uid_map", "/proc/self/gid_map",
                   "/proc/self/setgroups")
        self.assertStatus(done, 0)
        lines = done.out.split("\n")
        for line, outside in ((lines[0], sbxtest.ACCOUNT.uid), (lines[1], sbxtest.ACCOUNT.gid)):
            inside_id, host_id, count = line.split()
            self.assertEqual(count, "1", line)
            # Read from within the namespace itself, the middle column is the id in the parent.
            self.assertEqual(int(host_id), outside, line)
        self.assertEqual(lines[2], "deny")

    def test_a_nested_user_namespace_is_refused(self):
        unshare = self.need("unshare")
        control = sbxtest.run([unshare, "--user", "true"])
        self.assertStatus(control, 0)
        done = sbx("run", "--", "unshare", "--user", "true")
        self.assertNotEqual(done.status, 0, done)

    def test_every_namespace_is_its_own(self):
        kinds = ("user", "mnt", "pid", "net", "ipc", "uts", "cgroup")
        done = sbx("run", "--", "readlink", *(f"/proc/self/ns/{kind}" for kind in kinds))
        self.assertStatus(done, 0)
        for kind, link in zip(kinds, done.out.split()):
            self.assertTrue(link.startswith(f"{kind}:["), link)
            self.assertNotEqual(link, os.readlink(f"/proc/self/ns/{kind}"), kind)


class Processes(sbxtest.TestCase):
    def test_only_its_own(self):
        with sbxtest.Running(["sleep", "60"]) as outside:
            done = sbx("run", "--", "sh", "-c", "echo /proc/[0-9]*; kill -0 %d" %
                       outside.process.pid)
            pids = sorted(int(name.rsplit("/", 1)[1]) for name in done.out.split())
            self.assertLessEqual(len(pids), 3, done)   # init, the shell, nobody else
            self.assertEqual(pids[0], 1)
            self.assertNotEqual(done.status, 0, "it could signal a process outside")
            self.assertIsNone(outside.process.poll())

    def test_init_says_nothing_of_the_caller(self):
        secret = "sbx-secret-4711"
        done = sbx("run", "--", "sh", "-c",
                   "cat /proc/1/environ /proc/1/cmdline /proc/self/environ; true",
                   env=sbxtest.environment(SECRET_TOKEN=secret))
        self.assertNotIn(secret, done.out)


class Network(sbxtest.TestCase):
    def test_only_loopback(self):
        done = sbx("run", "--", "cat", "/proc/net/dev")
        self.assertStatus(done, 0)
        names = [line.split(":")[0].strip() for line in done.out.splitlines() if ":" in line]
        self.assertEqual(names, ["lo"])

    def test_loopback_is_up(self):
        done = sbx("run", "--", "cat", "/sys/class/net/lo/flags")
        if done.status == 0:
            self.assertTrue(int(done.out, 16) & 1, done)
        else:  # no sysfs inside: ask by using it
            python = self.need("python3")
            done = sbx("run", "--", python, "-c", "import socket; s=socket.socket(); "
                       "s.bind(('127.0.0.1', 80)); s.listen(); "
                       "socket.create_connection(('127.0.0.1', 80)); print('up')")
            self.assertIn("up", done.out, done)

    def test_the_hosts_loopback_is_not_reachable(self):
        with socket.create_server(("127.0.0.1", 0)) as outside:
            port = outside.getsockname()[1]
            code = f"exec 3<>/dev/tcp/127.0.0.1/{port} && echo connected"
            control = sbxtest.run(["bash", "-c", code])
            self.assertIn("connected", control.out)
            done = sbx("run", "--", "bash", "-c", code)
            self.assertNotIn("connected", done.out)

    def test_abstract_sockets_of_the_host_are_not_there(self):
        name = f"sbx-test-{os.getpid()}"
        with socket.socket(socket.AF_UNIX) as outside:
            outside.bind("\0" + name)
            outside.listen()
            done = sbx("run", "--", "cat", "/proc/net/unix")
            self.assertNotIn(name, done.out)
            self.assertIn(name, pathlib.Path("/proc/net/unix").read_text())


class Files(sbxtest.TestCase):
    def test_the_home_is_not_visible(self):
        home = pathlib.Path(sbxtest.ACCOUNT.home)
        marker = home / ".sbx-test-marker"
        try:
            self.write(marker, "secret of the home\n")
        except OSError as error:
            self.skipTest(f"cannot write to {home}: {error}")
        self.addCleanup(marker.unlink)
        self.assertIn("secret", sbxtest.run(["cat", marker]).out)
        done = sbx("run", "--", "cat", marker)
        self.assertNotEqual(done.status, 0, done)
        self.assertNotIn("secret", done.out)
        listing = sbx("run", "--", "sh", "-c", "ls -A \"$HOME\" /home /root 2>/dev/null; true")
        self.assertNotIn(".sbx-test-marker", listing.out)

    def test_standing_in_the_home_does_not_show_it(self):
        home = pathlib.Path(sbxtest.ACCOUNT.home)
        marker = home / ".sbx-test-here"
        try:
            self.write(marker, "secret\n")
        except OSError as error:
            self.skipTest(f"cannot write to {home}: {error}")
        self.addCleanup(marker.unlink)
        done = sbx("run", "--", "cat", ".sbx-test-here", cwd=home)
        self.assertNotIn("secret", done.out)

    def test_descriptors_are_0_1_and_2_alone(self):
        read_end, write_end = os.pipe()
        os.set_inheritable(read_end, True)
        os.set_inheritable(write_end, True)
        self.addCleanup(os.close, read_end)
        self.addCleanup(os.close, write_end)
        # The shell expands the pattern itself: the fourth is its own open directory.
        done = sbx("run", "--", "sh", "-c", "for fd in /proc/self/fd/*; do "
                   "[ -e \"$fd\" ] && echo \"${fd##*/}\"; done; true", pass_fds=(read_end, write_end))
        self.assertStatus(done, 0)
        self.assertEqual(done.out.split(), ["0", "1", "2"])

    def test_keep_fd_passes_one(self):
        read_end, write_end = os.pipe()
        self.addCleanup(os.close, read_end)
        self.addCleanup(os.close, write_end)
        os.write(write_end, b"through the pipe\n")
        done = sbx("run", "--keep-fd", str(read_end), "--", "sh", "-c",
                   f"read line <&{read_end}; echo got $line", pass_fds=(read_end,))
        self.assertIn("got through the pipe", done.out, done)

    def test_system_directories_are_read_only(self):
        done = sbx("run", "--", "sh", "-c",
                   "for d in / /usr /usr/bin /etc /bin /lib /proc/sys; do "
                   "(: > $d/sbx-written) 2>/dev/null && echo wrote $d; done; true")
        self.assertStatus(done, 0)
        self.assertEqual(done.out, "")

    def test_what_is_writable_is_not_executable(self):
        done = sbx("run", "--", "cat", "/proc/self/mountinfo")
        self.assertStatus(done, 0)
        for line in done.out.splitlines():
            fields = line.split()
            place, options = fields[4], fields[5].split(",")
            kind = fields[fields.index("-") + 1]
            self.assertIn("nosuid", options, line)
            if kind != "devtmpfs" and not place.startswith("/dev"):
                self.assertIn("nodev", options, line)
            if "rw" in options and not (place.startswith("/dev/") and kind == "devtmpfs"):
                self.assertIn("noexec", options, line)

    def test_nothing_of_the_old_root_is_mounted(self):
        done = sbx("run", "--", "cat", "/proc/self/mountinfo")
        rows = [line.split() for line in done.out.splitlines()]
        self.assertEqual(rows[0][4], "/")
        for row in rows:
            place, kind = row[4], row[row.index("-") + 1]
            if place.startswith(("/home", "/root", "/mnt", "/run", "/var", "/tmp")):
                self.assertEqual(kind, "tmpfs", row)  # made for this run, not the host's

    def test_a_written_script_cannot_be_executed(self):
        for directory in ("/tmp", "/dev/shm", "$HOME"):
            done = sbx("run", "--", "sh", "-c",
                       f"cp /bin/true {directory}/t && chmod +x {directory}/t && {directory}/t "
                       "&& echo executed")
            self.assertNotIn("executed", done.out, f"{directory}: {done}")

    def test_ro_and_rw_paths(self):
        directory = self.directory()
        self.write(directory / "in", "given\n")
        done = sbx("run", "--ro", directory, "--", "sh", "-c",
                   f"cat {directory}/in; echo x > {directory}/out")
        self.assertIn("given", done.out)
        self.assertFalse((directory / "out").exists())
        done = sbx("run", "--rw", directory, "--", "sh", "-c", f"echo x > {directory}/out")
        self.assertStatus(done, 0)
        self.assertEqual((directory / "out").read_text(), "x\n")

    def test_a_link_into_a_granted_directory_leads_nowhere_else(self):
        outside = self.directory()
        secret = self.write(outside / "secret", "not granted\n")
        granted = self.directory()
        os.symlink(secret, granted / "link")
        done = sbx("run", "--rw", granted, "--", "cat", granted / "link")
        self.assertNotIn("not granted", done.out)

    def test_devices_are_few(self):
        done = sbx("run", "--", "ls", "/dev")
        self.assertStatus(done, 0)
        allowed = {"null", "zero", "full", "random", "urandom", "tty", "pts", "ptmx", "shm", "fd",
                   "stdin", "stdout", "stderr", "mqueue", "core", "console"}
        self.assertLessEqual(set(done.out.split()), allowed)
        self.assertIn("null", done.out.split())


class WriteExec(sbxtest.TestCase):
    def lines_of(self, done):
        return dict(line.split(None, 1) for line in done.out.splitlines() if " " in line)

    def test_positive_control(self):
        results = self.lines_of(sbxtest.run([sbxtest.probe("write_exec")]))
        for name in ("mmap-wx", "mprotect-x", "mprotect-wx", "pkey_mprotect-x", "shmat-exec",
                     "proc-mem", "personality"):
            self.assertEqual(results.get(name), "OPEN", results)

    def test_default_policy_refuses_every_way(self):
        program = sbxtest.probe("write_exec")
        done = sbx("run", "--ro", sbxtest.stage().probes, "--", program)
        self.assertStatus(done, 0)
        results = self.lines_of(done)
        self.assertEqual(len(results), 10, done)
        self.assertEqual([name for name, value in results.items() if value == "OPEN"], [], done)

    def test_a_policy_can_allow_it(self):
        directory = self.directory()
        policy = self.write(directory / "jit.toml",
                            'schema = 1\n[policy]\nextends = ["default"]\n[memory]\nwx = "allow"\n')
        program = sbxtest.probe("write_exec")
        done = sbx("run", "--policy", policy, "--ro", sbxtest.stage().probes, "--", program)
        results = self.lines_of(done)
        for name in ("mmap-wx", "mprotect-x", "mprotect-wx"):
            self.assertEqual(results.get(name), "OPEN", done)

    def test_node_runs_where_it_is_allowed(self):
        node = self.need("node")
        if not os.path.realpath(node).startswith("/usr/"):
            self.skipTest(f"{node} is not Debian's")
        directory = self.directory()
        policy = self.write(directory / "node.toml",
                            'schema = 1\n[policy]\nextends = ["default"]\n[memory]\nwx = "allow"\n')
        script = "let s=0; for (let i=0;i<1e6;i++) s+=i%7; console.log('sum', s)"
        done = sbx("run", "--policy", policy, "--", node, "-e", script)
        self.assertStatus(done, 0)
        self.assertIn("sum 2999997", done.out)
        refused = sbx("run", "--policy", "default", "--", node, "-e", script)
        self.assertNotEqual(refused.status, 0, "a JIT cannot run under wx = \"deny\"")


if __name__ == "__main__":
    sbxtest.main()
