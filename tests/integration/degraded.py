#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hosts that refuse what a launch needs: refused with the cause and the remedy, and with
--allow-degraded held by what is left."""

import errno
import os
import pathlib
import re
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)


PREPARE = """
import ctypes, os, sys
libc, BIND = ctypes.CDLL(None, use_errno=True), 4096 | 16384
def mount(source, target, kind, flags):
    if libc.mount(source, target, kind, flags, None) != 0:
        sys.exit("mount: " + os.strerror(ctypes.get_errno()))
def start():
    os.execv(sys.argv[1], ["sbx", "run", "--", "true"])
"""


def no_userns(*words):
    """A command line on a host that refuses user namespaces, as Docker's default profile does."""
    return [sbxtest.probe("refuse"), str(errno.EPERM), *words]


def degraded(*words, options=()):
    return no_userns(sbxtest.sbx_path(), "run", "--quiet", "--allow-degraded", "userns", *options,
                     "--", *words)


def scratch_directories():
    return [name for name in os.listdir("/tmp") if re.fullmatch("sbx-[0-9a-f]{32}", name)
            and os.stat("/tmp/" + name).st_uid == sbxtest.ACCOUNT.uid]


class Cause(sbxtest.TestCase):
    """By default sbx refuses, and says why."""

    def test_a_filter_that_refuses_user_namespaces(self):
        done = sbxtest.run(no_userns(sbxtest.sbx_path(), "run", "--", "true"))
        self.assertTwoLineError(done, 125, "namespaces", "EPERM", hint="runs under a seccomp filter")
        self.assertIn("--allow-degraded userns", done.err)

    def test_a_limit_of_no_user_namespaces(self):
        script = ('echo 0 > /proc/sys/user/max_user_namespaces || exit 77; exec "$0" run -- true')
        done = sbxtest.run(["unshare", "--user", "--map-current-user", "--keep-caps", "sh", "-c",
                            script, sbxtest.sbx_path()])
        self.assertTwoLineError(done, 125, "namespaces", "ENOSPC",
                                hint="user.max_user_namespaces is 0")

    def prepared(self, script):
        """sbx, after a script that has the capabilities of a namespace of its own."""
        return sbxtest.run(["unshare", "--user", "--map-current-user", "--keep-caps", "--mount",
                            "python3", "-c", PREPARE + script, sbxtest.sbx_path(), self.directory()])

    def test_a_chroot(self):
        # The tree is the host's own, by mounts; that it is a chroot is what the kernel objects to.
        done = self.prepared("root = sys.argv[2].encode(); mount(b'none', root, b'tmpfs', 0); "
                             "os.mkdir(root + b'/in'); mount(b'/', root + b'/in', None, BIND); "
                             "os.chroot(root + b'/in'); os.chdir('/'); start()")
        self.assertTwoLineError(done, 125, "namespaces", "EPERM", hint="chroot")

    def test_a_proc_that_is_covered_in_part(self):
        # As in a container: the kernel then gives no new procfs (mount_too_revealing).
        done = self.prepared("mount(b'/dev/null', b'/proc/uptime', None, BIND); start()")
        self.assertTwoLineError(done, 125, "mount a procfs on /proc", "EPERM", hint="uncovered /proc")

    def test_sbx_inside_sbx(self):
        stage = sbxtest.stage().directory
        done = sbxtest.sbx("run", "--quiet", "--ro", stage, "--", sbxtest.sbx_path(), "run", "--", "true")
        self.assertTwoLineError(done, 125, "namespaces", "EPERM", hint="as it is inside another sbx")

    def test_doctor_names_it(self):
        done = sbxtest.run(no_userns(sbxtest.sbx_path(), "doctor", "--json"))
        self.assertEqual(done.status, 1, done)
        self.assertIn("--allow-degraded userns", done.out)


class Userns(sbxtest.TestCase):
    """--allow-degraded userns: Landlock and the filter on the host's own tree."""

    def test_where_namespaces_are_to_be_had_it_changes_nothing(self):
        done = sbxtest.sbx("run", "--allow-degraded", "userns", "--", "readlink", "/proc/self/ns/user")
        self.assertStatus(done, 0)
        self.assertNotEqual(done.out.strip(), os.readlink("/proc/self/ns/user"))

    def test_files(self):
        work = self.directory()
        secret = self.write(work / "secret", "secret\n")
        granted = work / "granted"
        granted.mkdir()
        if sbxtest.IS_ROOT:
            os.chown(granted, sbxtest.ACCOUNT.uid, sbxtest.ACCOUNT.gid)
        script = (f"cat {secret}; ls {work}; echo x > {secret}; echo x > {granted}/new; rm {secret}; "
                  f"ln {secret} {granted}/link; mv {secret} {granted}; chmod 777 {secret}; "
                  f"cat /etc/machine-id; ls /tmp; cat /proc/1/cmdline; echo x > $HOME/mine && cat $HOME/mine; "
                  "true")
        done = sbxtest.run(degraded("sh", "-c", script, options=("--rw", granted)))
        self.assertStatus(done, 0)
        self.assertEqual(done.out, "x\n")
        self.assertEqual(secret.read_text(), "secret\n")
        self.assertEqual(secret.stat().st_mode & 0o777, 0o644)
        self.assertEqual(os.listdir(granted), ["new"])
        self.assertEqual(scratch_directories(), [])

    def test_nothing_that_was_written_is_executed(self):
        script = "cp /usr/bin/true $HOME/own; chmod +x $HOME/own; $HOME/own"
        done = sbxtest.run(degraded("sh", "-c", script))
        self.assertEqual(done.status, 126, done)

    def test_privilege_network_and_processes(self):
        with sbxtest.Running(["sleep", "60"]) as outside:
            script = (f"kill -9 {outside.process.pid}; renice 5 {outside.process.pid}; "
                      "unshare --user true && echo userns; "
                      "python3 -c 'import socket; socket.socket()' && echo socket; "
                      "python3 -c 'import socket; socket.socketpair()' && echo pair; "
                      "grep -E 'NoNewPrivs|CapEff|CapPrm' < /proc/self/status; true")
            done = sbxtest.run(degraded("sh", "-c", script))
            self.assertStatus(done, 0)
            lines = done.out.splitlines()
            self.assertNotIn("userns", lines)
            self.assertNotIn("socket", lines)
            self.assertIn("pair", lines)
            self.assertIn("NoNewPrivs:\t1", lines)
            self.assertIn("CapEff:\t" + "0" * 16, lines)
            self.assertIsNone(outside.process.poll())
            self.assertEqual(os.getpriority(os.PRIO_PROCESS, outside.process.pid), 0)

    def test_status_signals_and_time_limit(self):
        self.assertStatus(sbxtest.run(degraded("sh", "-c", "exit 7")), 7)
        self.assertStatus(sbxtest.run(degraded("sh", "-c", "kill -9 $$")), 137)
        done = sbxtest.run(degraded("sh", "-c", "(setsid sleep 300 &); sleep 300",
                                    options=("--limit", "time=1")))
        self.assertStatus(done, 124)

    def test_the_session_of_a_container(self):
        # Its leader lives in the pid namespace above, so that getsid(2) answers 0.
        done = sbxtest.run(["unshare", "--user", "--map-current-user", "--pid", "--fork",
                            "--mount-proc", *degraded("sh", "-c", "exit 7")])
        self.assertStatus(done, 7)
        self.assertEqual(scratch_directories(), [])

    def end_of(self, name):
        """Kills sbx or init while the command and what it has detached run."""
        script = "(sleep 300 &); (setsid sh -c 'sleep 300; true' &); echo ready; sleep 300"
        with sbxtest.Running(degraded("sh", "-c", script)) as running:
            running.wait_for("ready")
            victim = running.process.pid
            if name == "sbx-init":
                victim = next(pid for pid in sbxtest.descendants(running.process.pid)
                              if sbxtest.status_of(pid).get("Name") == name)
                os.kill(victim, signal.SIGKILL)
            else:
                running.process.kill()
            running.wait()
        sbxtest.wait_until(lambda: not scratch_directories(), timeout=10)
        self.assertEqual(scratch_directories(), [])

    def test_no_survivor_of_sbx(self):
        self.end_of("sbx")

    def test_no_survivor_of_init(self):
        self.end_of("sbx-init")

    def test_what_only_namespaces_give_is_refused_by_name(self):
        for options, name in ((("--publish", "18080:80"), "network.publish"),
                              (("--home", "write"), "sbx's own"),
                              (("--tmpfs", "/srv"), "/srv"), (("--user", "0"), "uid 0")):
            with self.subTest(name):
                done = sbxtest.run(degraded("true", options=options))
                self.assertTwoLineError(done, 125, name, "needs user namespaces")

    def test_dry_run_says_what_is_lost(self):
        done = sbxtest.run(no_userns(sbxtest.sbx_path(), "run", "--allow-degraded", "userns",
                                     "--dry-run", "--", "true"))
        self.assertStatus(done, 0)
        self.assertIn("WITHOUT userns", done.out)
        self.assertIn("lost: ", done.out)
        self.assertIn("the host's own tree, by Landlock", done.out)


class Nested(sbxtest.TestCase):
    def test_sbx_inside_sbx_with_what_is_left(self):
        stage = sbxtest.stage().directory
        inner = [sbxtest.sbx_path(), "run", "--quiet", "--allow-degraded", "userns",
                 "--allow-degraded", "notify", "--"]
        script = "echo inside; cat /etc/services; mkdir /x; python3 -c 'import socket; socket.socket()'; true"
        outer = ["run", "--quiet", "--ro", stage, "--"]
        done = sbxtest.sbx(*outer, *inner, "sh", "-c", script)
        self.assertStatus(done, 0)
        self.assertIn("inside", done.out)
        self.assertIn("Operation not permitted", done.err)
        # The inner one lets less through than the outer: its own policy knows no /var/tmp.
        self.assertStatus(sbxtest.sbx(*outer, "sh", "-c", "echo x > /var/tmp/x"), 0)
        done = sbxtest.sbx(*outer, *inner, "sh", "-c", "echo x > /var/tmp/x")
        self.assertNotEqual(done.status, 0, done)


class Notify(sbxtest.TestCase):
    def test_denied_calls_fail_without_a_report(self):
        stage = sbxtest.stage().directory
        # An outer sandbox that lets the inner one have its namespaces, but holds the listener.
        outer = self.write(self.directory() / "outer.toml",
                           'schema = 1\npolicy.extends = ["default"]\nmemory.wx = "allow"\n'
                           'namespaces.nested = ["user"]\nseccomp.allow = ["pidfd_getfd"]\n')
        inner = [sbxtest.sbx_path(), "run"]
        done = sbxtest.sbx("run", "--quiet", "--policy", outer, "--ro", stage, "--", *inner,
                           "--allow-degraded", "userns", "--", "true")
        self.assertTwoLineError(done, 125, "filter", "EBUSY", hint="--allow-degraded notify")
        done = sbxtest.sbx("run", "--quiet", "--policy", outer, "--ro", stage, "--", *inner,
                           "--allow-degraded", "userns", "--allow-degraded", "notify", "--",
                           "sh", "-c", "chroot / true; exit 3")
        self.assertStatus(done, 3)
        self.assertNotIn("denied chroot", done.err)


class Packaging(sbxtest.TestCase):
    def test_the_apparmor_profile_parses(self):
        """Debian 12's parser knows no `userns`: the rest of the profile is what it can check."""
        parser = self.need("apparmor_parser")
        profile = (sbxtest.ROOT / "packaging" / "apparmor" / "sbx").read_text()
        self.assertIn("\n  userns,\n", profile)
        old = profile.replace("  userns,\n", "").replace("abi/4.0", "abi/3.0")
        done = subprocess.run([parser, "--skip-kernel-load", "--skip-cache", "--stdout"], input=old.encode(),
                              capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr.decode())


if __name__ == "__main__":
    sbxtest.main()
