#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""[limits] against programs that want more, and against programs that should not notice."""

import json
import os
import pathlib
import signal

import sbxtest

EAT = "import sys; x = bytearray(int(sys.argv[1]) << 20); print('fine')"


def cgroup_mount():
    """Where version 2 is mounted, or nothing."""
    for place in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified"):
        if os.path.exists(f"{place}/cgroup.controllers"):
            return pathlib.Path(place)
    return None


class ResourceLimits(sbxtest.TestCase):
    def events(self, finished, report):
        return [event for event in map(json.loads, report.read_text().splitlines())
                if event.get("event") == "limit"]

    def python(self, code, *arguments, options=(), **more):
        return sbxtest.sbx("run", *options, "--", self.need("python3"), "-c", code, *arguments, **more)

    def test_processes_inside_only(self):
        """A fork bomb ends at the limit, whatever the user runs outside."""
        bomb = ("import os\nn = 0\ntry:\n  while n < 200:\n    if os.fork() == 0:\n"
                "      import time; time.sleep(60)\n    n += 1\nexcept OSError as error:\n"
                "  print(error.errno, n)")
        finished = self.python(bomb, options=["--limit", "processes=20"])
        self.assertStatus(finished, 0)
        self.assertEqual(finished.out.split()[0], "11", finished)
        # The command and its init are two of them.
        self.assertIn(int(finished.out.split()[1]), (18, 19), finished)

    def test_memory_of_a_process(self):
        options = ["--limit", "memory=256M", "--limit", "cgroup=never"]
        self.assertEqual(self.python(EAT, "30", options=options).out, "fine\n")
        finished = self.python(EAT, "400", options=options)
        self.assertStatus(finished, 1)
        self.assertIn("MemoryError", finished.err)

    def test_files(self):
        code = ("import os\ntry:\n  while True: os.open('/dev/null', 0)\n"
                "except OSError as error: print(error.errno)")
        self.assertEqual(self.python(code, options=["--limit", "files=16"]).out, "24\n")

    def test_scratch(self):
        code = ("try:\n  f = open('/tmp/x', 'wb', 0)\n  while True: f.write(bytes(65536))\n"
                "except OSError as error: print(error.errno, f.tell() >> 20)")
        self.assertEqual(self.python(code, options=["--limit", "scratch=2M"]).out, "28 2\n")

    def test_cpu_time_ends_with_its_signal_and_is_told(self):
        report = self.directory() / "report"
        finished = sbxtest.sbx("run", "--report", str(report), "--limit", "cpu=1", "--",
                               "/bin/sh", "-c", "while :; do :; done")
        self.assertStatus(finished, 128 + signal.SIGXCPU)
        self.assertIn("the limit cpu = 1 was reached", finished.err)
        self.assertIn("--limit cpu=1", finished.err)

    def test_file_size(self):
        out = self.directory()
        finished = sbxtest.sbx("run", "--rw", str(out), "--limit", "file-size=1M", "--", "/bin/sh",
                               "-c", f"exec head -c 3000000 /dev/zero > {out}/big")
        self.assertStatus(finished, 128 + signal.SIGXFSZ)
        self.assertIn("the limit file-size = 1048576 was reached", finished.err)
        self.assertEqual((out / "big").stat().st_size, 1 << 20)

    def test_no_core(self):
        code = "import resource; print(resource.getrlimit(resource.RLIMIT_CORE))"
        self.assertEqual(self.python(code).out, "(0, 0)\n")

    def test_the_dry_run_names_each_mechanism(self):
        finished = sbxtest.sbx("run", "--dry-run", "--limit", "memory=1G", "--limit", "cgroup=never",
                               "--", "/bin/true")
        self.assertIn("memory = 1073741824, the address space of each process (RLIMIT_AS)", finished.out)
        self.assertIn("all processes and threads together (RLIMIT_NPROC)", finished.out)

    def test_what_needs_a_cgroup_is_refused_or_given_up_by_name(self):
        options = ["--limit", "cgroup=never", "--limit", "cpu-weight=50"]
        finished = sbxtest.sbx("run", *options, "--", "/bin/true")
        self.assertTwoLineError(finished, 125, "cpu-weight", "cgroup", hint="--allow-degraded cgroup")
        finished = sbxtest.sbx("run", *options, "--allow-degraded", "cgroup", "--", "/bin/true")
        self.assertStatus(finished, 0)


class Cgroup(sbxtest.TestCase):
    """Below a subtree that root has given to the test user, as a delegating manager does."""

    def setUp(self):
        super().setUp()
        mount = cgroup_mount()
        if not sbxtest.IS_ROOT or mount is None:
            self.skipTest(sbxtest.BY_DESIGN + "only root can delegate a cgroup of version 2")
        there = (mount / "cgroup.controllers").read_text().split()
        if not {"memory", "pids", "cpu"} <= set(there):
            self.skipTest(sbxtest.BY_DESIGN + "this kernel's controllers are with cgroup version 1")
        for name in ("memory", "pids", "cpu"):
            (mount / "cgroup.subtree_control").write_text("+" + name)
        self.group = mount / f"sbx-test-{os.getpid()}"
        self.leaf = self.group / "leaf"
        self.leaf.mkdir(parents=True)
        for directory in (self.group, self.leaf):
            for path in (directory, directory / "cgroup.procs", directory / "cgroup.subtree_control"):
                os.chown(path, sbxtest.ACCOUNT.uid, sbxtest.ACCOUNT.gid)

    def tearDown(self):
        if hasattr(self, "group"):
            left = [entry.name for entry in self.group.iterdir()
                    if entry.is_dir() and entry.name.startswith("sbx-")]
            for directory in (*(self.group / name for name in left), self.leaf, self.group):
                sbxtest.wait_until(lambda: self.removed(directory))
            self.assertEqual(left, [])
        super().tearDown()

    @staticmethod
    def removed(directory):
        try:
            directory.rmdir()
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True

    def sbx(self, *words):
        return sbxtest.sbx("run", *words,
                           before=lambda: (self.leaf / "cgroup.procs").write_text("0"))

    def test_memory_counts_together_and_is_told(self):
        python = self.need("python3")
        # A reservation is no use of memory: node and java make one of terabytes.
        reserve = "import mmap; mmap.mmap(-1, 8 << 30, flags=0x4022); print('fine')"
        finished = self.sbx("--limit", "memory=128M", "--", python, "-c", reserve)
        self.assertEqual(finished.out, "fine\n", finished)
        finished = self.sbx("--limit", "memory=64M", "--", python, "-c", EAT, "300")
        self.assertStatus(finished, 128 + signal.SIGKILL)
        self.assertIn("the limit memory = 67108864 was reached: the kernel killed 1 process", finished.err)
        self.assertIn("--limit memory=64M", finished.err)

    def test_required(self):
        finished = self.sbx("--limit", "cgroup=require", "--limit", "processes=5", "--", "/bin/sh", "-c",
                            "cat /proc/self/cgroup; for i in 1 2 3 4 5 6 7 8; do sleep 0.2 & done; wait")
        self.assertIn("0::/\n", finished.out)  # the root of a namespace of its own
        self.assertIn("the limit processes = 5 was reached", finished.err)

    def test_killed_supervisors_group_goes(self):
        running = sbxtest.Running(["/bin/sh", "-c", f"echo $$ > {self.leaf}/cgroup.procs; exec "
                                   f"{sbxtest.sbx_path()} run --limit memory=64M -- /bin/sh -c "
                                   "'echo ready; sleep 60'"])
        with running:
            running.wait_for("ready")
            self.assertTrue(list(self.group.glob("sbx-*")))
            running.signal(signal.SIGKILL)
            running.wait()
        self.assertTrue(sbxtest.wait_until(lambda: not list(self.group.glob("sbx-*"))))


if __name__ == "__main__":
    sbxtest.main()
