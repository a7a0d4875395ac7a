#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""sbx score beside systemd-analyze security, item by item; of policies and of processes."""

import json
import os
import pathlib
import re
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)
from sbxtest import sbx  # noqa: E402

OWN_UNITS = pathlib.Path(__file__).resolve().parents[1] / "units"
SYSTEM_UNITS = pathlib.Path("/lib/systemd/system")


def scores(*arguments):
    done = sbx("score", "--json", *arguments)
    assert done.status in (0, 1), done
    return json.loads(done.out)


def items(score):
    return {item["id"]: item for item in score["items"]}


class Score(sbxtest.TestCase):
    def setUp(self):
        super().setUp()
        self.work = self.directory()

    def copy_units(self):
        """Where the user of the tests reaches them."""
        work = self.work / "units"
        shutil.copytree(OWN_UNITS, work)
        for root, directories, files in os.walk(work):
            for name in (*directories, *files, "."):
                os.chmod(os.path.join(root, name), 0o755)
        return sorted(work.glob("*.service"))


class Units(Score):
    def by_systemd(self, paths):
        """Of each unit its exposure, and of each item by name whether it counts, and how much."""
        done = sbxtest.run(["systemd-analyze", "security", "--offline=yes", "--no-pager", *map(str, paths)])
        measures, table = {}, {}
        for line in done.out.splitlines():
            if found := re.search(r"Overall exposure level for (\S+): ([0-9.]+)", line):
                measures[found.group(1)] = (found.group(2), table)
                table = {}
            elif found := re.match(r"(.) (\S+=\S*) .*?([0-9]\.[0-9])?\s*$", line):
                table[found.group(2)] = (found.group(1) != " ", found.group(3) or "0.0")
        return measures

    def test_every_unit_is_measured_as_systemd_measures_it(self):
        if shutil.which("systemd-analyze") is None:
            self.skipTest("systemd-analyze is not installed")
        paths = [*self.copy_units(), *(path for path in sorted(SYSTEM_UNITS.glob("*.service")) if not path.is_symlink())]
        theirs = self.by_systemd(paths)
        self.assertGreaterEqual(len(theirs), 40)
        ours = {pathlib.Path(score["subject"]).name.replace("@.", "@i."): score for score in scores(*map(str, paths))}
        for unit, (exposure, table) in theirs.items():
            with self.subTest(unit=unit):
                self.assertEqual(ours[unit]["exposure"], exposure)
                self.assertEqual(len(table), len(ours[unit]["items"]))
                self.assertEqual({item["name"]: (item["state"] != "meaningless", item["exposure"])
                                  for item in ours[unit]["items"]}, table)

    def test_a_drop_in_counts(self):
        unit = self.write(self.work / "x.service", "[Service]\nExecStart=/bin/true\n")
        before = items(scores(str(unit))[0])["PrivateNetwork"]
        (self.work / "x.service.d").mkdir()
        (self.work / "x.service.d").chmod(0o755)
        self.write(self.work / "x.service.d" / "a.conf", "[Service]\nPrivateNetwork=yes\n")
        after = items(scores(str(unit))[0])["PrivateNetwork"]
        self.assertEqual((before["exposure"], after["exposure"]), ("0.5", "0.0"))
        self.assertTrue(after["file"].endswith("a.conf"))

    def test_broken_units_are_errors_with_a_place(self):
        for text, part in ((b"[Service]\nExecStart=/bin/tr\0ue\n", ":2"), (b"[Service]\nUser=\xff\n", ":2"),
                           (b"User=x\n", ":1"), (b"[Service]\n" + b"A=b\n" * 100000, "lines"),
                           (b"[Service]\nA=" + b"x" * (2 << 20), "megabyte")):
            path = self.work / "broken.service"
            path.write_bytes(text)
            path.chmod(0o644)
            done = sbx("score", str(path))
            self.assertStatus(done, 125)
            self.assertIn(part, done.err)


class Policies(Score):
    def test_a_threshold_decides_the_status(self):
        strict = scores("--neutral", "untrusted")[0]
        self.assertLess(float(strict["exposure"]), 1.0)
        self.assertStatus(sbx("score", "--neutral", "--threshold", strict["exposure"], "untrusted"), 0)
        self.assertStatus(sbx("score", "--neutral", "--threshold", "0.0", "untrusted"), 1)
        for wrong in ("15", "-1", "1.55", "x", "10.1"):
            self.assertStatus(sbx("score", "--threshold=" + wrong, "untrusted"), 125)

    def test_each_opening_raises_its_item(self):
        closed = items(scores("--neutral", "untrusted")[0])
        for text, item in (('network.mode = "host"', "PrivateNetwork"), ('network.families = ["packet"]\n[seccomp]\nallow = ["socket"]', "RestrictAddressFamilies_AF_PACKET"),
                           ('capabilities.keep = ["CAP_NET_ADMIN"]', "CapabilityBoundingSet_CAP_NET_ADMIN"),
                           ('seccomp.allow = ["@clock"]', "SystemCallFilter_clock"),
                           ('filesystem.home = "write"', "ProtectHome"), ('filesystem.tmp = "host"', "PrivateTmp"),
                           ('filesystem.write = ["/etc"]', "ProtectSystem"), ('memory.wx = "allow"', "MemoryDenyWriteExecute"),
                           ('filesystem.dev = ["/dev/kvm"]', "DeviceAllow")):
            with self.subTest(text=text):
                path = self.write(self.work / "open.toml", 'schema = 1\n[policy]\nextends = ["untrusted"]\n')
                table, rest = text.split(".", 1)
                path.write_text(path.read_text() + f"[{table}]\n{rest}\n")
                opened = items(scores("--neutral", str(path))[0])
                self.assertGreater(opened[item]["badness"], closed[item]["badness"])
                self.assertEqual(opened[item]["file"], str(path))

    def test_foreign_files_are_policies_too(self):
        profile = self.write(self.work / "filter.json", json.dumps(
            {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["read", "clock_settime"], "action": "SCMP_ACT_ALLOW"}]}))
        found = items(scores("--neutral", str(profile))[0])
        self.assertIn("clock_settime", found["SystemCallFilter_clock"]["description"])
        self.assertEqual(found["SystemCallFilter_mount"]["exposure"], "0.0")


class Processes(Score):
    def test_of_any_launcher(self):
        unshare, setpriv, sleep = self.need("unshare"), self.need("setpriv"), self.need("sleep")
        command = [setpriv, "--no-new-privs", unshare, "--user", "--net", "--mount", "sh", "-c", f"echo up; exec {sleep} 600"]
        with sbxtest.Running(["sh", "-c", f"echo up; exec {sleep} 600"]) as plain, sbxtest.Running(command) as confined:
            plain.wait_for("up")
            confined.wait_for("up")
            before, after = (items(scores(str(run.process.pid))[0]) for run in (plain, confined))
        for item in ("NoNewPrivileges", "PrivateNetwork", "PrivateUsers", "PrivateMounts"):
            self.assertNotEqual(before[item]["exposure"], "0.0", item)
            self.assertEqual(after[item]["exposure"], "0.0", item)
        # No filter: what one would close is surely open.
        self.assertEqual(before["SystemCallFilter_clock"]["state"], "rated")
        self.assertEqual(before["RootDirectoryOrRootImage"]["exposure"], "0.1")

    def test_of_a_sandbox(self):
        sleep = self.need("sleep")
        with sbxtest.start_sbx("run", "-p", "untrusted", "--", sleep, "600") as run:
            inside = sbxtest.wait_until(lambda: sbxtest.inside(run.process.pid, name="sleep"))
            score = scores(str(inside[0]))[0]
        found = items(score)
        for item in ("NoNewPrivileges", "PrivateNetwork", "PrivateUsers", "PrivateMounts", "ProtectHome",
                     "ProtectSystem", "PrivateTmp", "PrivateDevices", "RootDirectoryOrRootImage", "ProtectProc",
                     "CapabilityBoundingSet_CAP_SYS_ADMIN"):
            self.assertEqual((item, found[item]["exposure"], found[item]["state"]), (item, "0.0", "rated"))
        # What the filter says shows nowhere, and so counts as open.
        self.assertEqual(found["SystemCallFilter_clock"]["state"], "unseen")
        self.assertGreater(float(score["exposure"]), float(score["at_best"]))

    def test_a_process_that_is_not_there(self):
        self.assertTwoLineError(sbx("score", str(2**22 + 1)), 125, "no process")


if __name__ == "__main__":
    sbxtest.main()
