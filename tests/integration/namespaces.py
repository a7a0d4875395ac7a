#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""[namespaces], [capabilities], identity.machine-id and landlock.require, by what the kernel says."""

import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)

ALLOWED = 'memory.wx = "allow"\nseccomp.allow = ["mount", "umount2", "pivot_root", "capset"]\n'
NESTED = ALLOWED + 'namespaces.nested = ["user", "mount", "pid"]\n'


class Case(sbxtest.TestCase):
    def policy(self, text):
        """A policy over default with these lines."""
        return self.write(self.directory() / "mine.toml",
                          'schema = 1\npolicy.extends = ["default"]\n' + text)

    def inside(self, text, *command, options=()):
        return sbxtest.sbx("run", "--policy", self.policy(text), *options, "--", *command)


class Namespaces(Case):
    def test_what_is_false_is_the_hosts(self):
        kinds = ("ipc", "uts", "cgroup", "net")
        done = self.inside('network.mode = "host"\n[namespaces]\nipc = false\nuts = false\n'
                           "cgroup = false\nnet = false\n",
                           "readlink", *(f"/proc/self/ns/{kind}" for kind in kinds + ("pid",)))
        self.assertStatus(done, 0)
        links = done.out.split()
        for kind, link in zip(kinds, links):
            self.assertEqual(link, os.readlink(f"/proc/self/ns/{kind}"))
        self.assertNotEqual(links[-1], os.readlink("/proc/self/ns/pid"))

    def test_own_clocks_start_near_zero(self):
        script = "import time; print(time.monotonic(), time.clock_gettime(time.CLOCK_BOOTTIME))"
        done = self.inside("namespaces.time = true\n", "sh", "-c",
                           "cat /proc/uptime; readlink /proc/self/ns/time; python3 -c '%s'" % script,
                           options=("--quiet",))
        self.assertStatus(done, 0)
        uptime, link, clocks = done.out.splitlines()
        self.assertLess(float(uptime.split()[0]), 100)
        self.assertNotEqual(link, os.readlink("/proc/self/ns/time"))
        for clock in clocks.split():
            self.assertLess(float(clock), 100)
        with open("/proc/uptime", encoding="ascii") as host:
            self.assertGreater(float(host.read().split()[0]), 0)

    def test_user_mount_and_pid_cannot_be_false(self):
        for kind in ("user", "mount", "pid"):
            done = self.inside(f"namespaces.{kind} = false\n", "true")
            self.assertTwoLineError(done, 125, f"namespaces.{kind} cannot be false", hint="take the line out")


class Nested(Case):
    def test_unshare_makes_what_is_named_and_nothing_else(self):
        self.need("unshare")
        works = self.inside(NESTED, "unshare", "--user", "--map-root-user", "--mount", "--pid",
                            "--fork", "id", "-u")
        self.assertStatus(works, 0)
        self.assertEqual(works.out, "0\n")
        for option in ("--net", "--ipc", "--uts", "--cgroup", "--time"):
            done = self.inside(NESTED, "unshare", "--user", "--map-root-user", option, "true")
            self.assertNotEqual(done.status, 0, f"{option}: {done}")
        refused = self.inside(ALLOWED, "unshare", "--user", "true")
        self.assertNotEqual(refused.status, 0, refused)

    def test_the_kernels_limits_hold_without_the_filter(self):
        limits = "cd /proc/sys/user; for k in user mnt pid net ipc uts cgroup time; do " \
                 "echo $k $(cat max_${k}_namespaces); done"
        done = self.inside(NESTED, "sh", "-c", limits)
        self.assertStatus(done, 0)
        found = dict(line.split() for line in done.out.splitlines())
        for kind in ("net", "ipc", "uts", "cgroup", "time"):
            self.assertEqual(found[kind], "0", kind)
        for kind in ("user", "mnt", "pid"):
            self.assertNotEqual(found[kind], "0", kind)

    def test_bubblewrap_inside(self):
        self.need("bwrap")
        command = ("bwrap", "--ro-bind", "/", "/", "--tmpfs", "/tmp", "--unshare-pid", "--", "sh",
                   "-c", "touch /tmp/x && echo inside")
        done = self.inside(NESTED, *command)
        self.assertStatus(done, 0)
        self.assertEqual(done.out, "inside\n")
        # A fresh procfs would be refused where parts of the present one are covered.
        refused = self.inside(ALLOWED, *command)
        self.assertNotEqual(refused.status, 0, refused)

    def test_dry_run_says_what_is_open(self):
        done = sbxtest.sbx("run", "--policy", self.policy(NESTED), "--dry-run", "--", "true")
        self.assertStatus(done, 0)
        self.assertIn("nested ones: user, mount and pid", done.out)
        self.assertIn("OPEN: inside a nested user namespace", done.out)
        self.assertIn("no rules on paths", done.out)


class Capabilities(Case):
    def test_exactly_what_is_kept(self):
        done = self.inside('capabilities.keep = ["CAP_NET_BIND_SERVICE", "CAP_NET_RAW"]\n',
                           "cat", "/proc/self/status", "/proc/1/status")
        self.assertStatus(done, 0)
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            found = [int(line.split()[1], 16) for line in done.out.splitlines()
                     if line.startswith(name + ":")]
            self.assertEqual(found, [1 << 10 | 1 << 13] * 2, name)

    def test_a_raw_socket_with_it_and_not_without(self):
        script = "import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)"
        allow = '[[seccomp.rule]]\nsyscall = "socket"\naction = "allow"\n' \
                'when = "domain == AF_INET and type & 0xf == SOCK_RAW"\n'
        with_it = self.inside('capabilities.keep = ["CAP_NET_RAW"]\n' + allow, "python3", "-c", script,
                              options=("--quiet",))
        self.assertStatus(with_it, 0)
        without = self.inside(allow, "python3", "-c", script, options=("--quiet",))
        self.assertIn("PermissionError", without.err)


class MachineId(Case):
    def test_none_random_and_given(self):
        places = ("/etc/machine-id", "/var/lib/dbus/machine-id")
        self.assertNotEqual(self.inside("", "cat", *places).status, 0)
        given = "00112233445566778899aabbccddeeff"
        done = self.inside(f'identity.machine-id = "{given}"\n', "cat", *places)
        self.assertStatus(done, 0)
        self.assertEqual(done.out.split(), [given, given])
        policy = 'identity.machine-id = "random"\n'
        first, second = (self.inside(policy, "cat", *places) for _ in range(2))
        ids = first.out.split() + second.out.split()
        for one in ids:
            self.assertRegex(one, "^[0-9a-f]{32}$")
        self.assertEqual((ids[0], ids[2]), (ids[1], ids[3]))
        self.assertNotEqual(ids[0], ids[2])

    def test_a_granted_directory_does_not_show_it(self):
        done = self.inside("", "cat", "/etc/machine-id", options=("--ro", "/etc"))
        self.assertStatus(done, 0)
        self.assertEqual(done.out, "")


class Landlock(Case):
    def test_a_kernel_that_is_too_old_for_the_policy(self):
        done = self.inside("landlock.require = 99\n", "true")
        self.assertTwoLineError(done, 125, "the policy requires 99", "mine.toml:3",
                                hint="--allow-degraded landlock")
        allowed = sbxtest.sbx("run", "--policy", self.policy("landlock.require = 99\n"),
                              "--allow-degraded", "landlock", "--dry-run", "--", "true")
        self.assertStatus(allowed, 0)
        self.assertIn("WITHOUT Landlock ABI 99", allowed.out)
        self.assertStatus(self.inside("landlock.require = 1\n", "true"), 0)


if __name__ == "__main__":
    sbxtest.main()
