#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Debian's own firejail profiles: they become policies, every line of them is accounted for, and what
they were written for runs under what they become."""

import collections
import json
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)
from sbxtest import sbx  # noqa: E402

PROFILES = pathlib.Path("/etc/firejail")


class Firejail(sbxtest.TestCase):
    def setUp(self):
        super().setUp()
        if not (PROFILES / "default.profile").exists():
            self.skipTest("Debian's package firejail-profiles is not installed")
        self.work = self.directory()

    def test_every_line_is_accounted_for(self):
        """Some of all, since each takes a while under the sanitizers: the long ones among them."""
        chosen = sorted(PROFILES.glob("*.profile"))[::300]
        chosen += [PROFILES / f"{name}.profile" for name in ("default", "firefox", "server")]
        kinds = collections.Counter()
        for path in chosen:
            done = sbx("import", "--json", str(path))
            self.assertStatus(done, 0)
            findings = json.loads(done.out)["findings"]
            kinds.update(finding["kind"] for finding in findings)
            lines = {(finding["file"], finding["line"]) for finding in findings}
            self.assertEqual(len(lines), len({(f["file"], f["line"], f["what"]) for f in findings}))
            for number, line in enumerate(path.read_text().splitlines(), 1):
                if line.strip() and not line.strip().startswith("#"):
                    self.assertIn((str(path), number), lines, line)
        told = kinds["mapped"] + kinds["changed"]
        self.assertGreaterEqual(told / sum(kinds.values()), 0.97, kinds)

    def imported(self, name):
        path = self.work / f"{name}.toml"
        done = sbx("import", "--quiet", str(PROFILES / f"{name}.profile"), "-o", str(path))
        self.assertStatus(done, 0)
        if name in ("curl", "ffmpeg"):
            self.assertStatus(sbx("check", str(path)), 0)
        return str(path)

    def test_programs_run_under_what_their_profiles_become(self):
        commands = {
            "curl": ["curl", "--version"], "wget": ["wget", "--version"], "git": ["git", "--version"],
            "ssh": ["ssh", "-V"], "less": ["less", "--version"], "vim": ["vim", "--version"],
            "tar": ["tar", "--version"], "gzip": ["gzip", "--version"], "xz": ["xz", "--version"],
            "bzip2": ["bzip2", "--help"], "md5sum": ["md5sum", "/usr/bin/md5sum"],
            "sha256sum": ["sha256sum", "/usr/bin/sha256sum"], "cksum": ["cksum", "/usr/bin/cksum"],
            "b2sum": ["b2sum", "/usr/bin/b2sum"], "sum": ["sum", "/usr/bin/sum"],
            "sha1sum": ["sha1sum", "/usr/bin/sha1sum"], "sha512sum": ["sha512sum", "/usr/bin/sha512sum"],
            "ffmpeg": ["ffmpeg", "-version"], "pdftotext": ["pdftotext", "-v"], "tmux": ["tmux", "-V"],
        }
        for name, command in commands.items():
            with self.subTest(program=name):
                self.assertTrue(any(os.access(f"{directory}/{command[0]}", os.X_OK)
                                    for directory in ("/usr/bin", "/bin")), command[0])
                done = sbx("run", "--policy", self.imported(name), "--", *command, cwd=str(self.work))
                self.assertStatus(done, 0)

    def test_a_blacklisted_file_is_hidden_and_another_is_not(self):
        home = pathlib.Path(sbxtest.ACCOUNT.home)
        # A file that disable-common.inc blacklists, and its neighbour that nobody names.
        secret, plain = home / ".netrc", home / "sbx-test-plain"
        for path in (secret, plain):
            if path.exists():
                self.skipTest(f"{path} is somebody's")
            self.write(path, "the contents\n")
            self.addCleanup(path.unlink)
        profile = self.write(self.work / "cat.profile", "include disable-programs.inc\n"
                             "blacklist ${HOME}/.netrc\n")
        policy = self.work / "cat.toml"
        self.assertStatus(sbx("import", "-q", str(profile), "-o", str(policy)), 0)
        bare = sbxtest.run(["cat", str(secret)])
        self.assertIn("the contents", bare.out)
        done = sbx("run", "--policy", str(policy), "--", "cat", str(secret))
        self.assertNotIn("the contents", done.out)
        done = sbx("run", "--policy", str(policy), "--", "cat", str(plain))
        self.assertIn("the contents", done.out, done.err)

    def test_a_cycle_is_an_error_with_its_place(self):
        path = self.write(self.work / "round.profile", "noroot\ninclude round.profile\n")
        done = sbx("import", str(path))
        self.assertStatus(done, 125)
        self.assertIn("round.profile:2", done.err)
        self.assertIn("nested too deeply", done.err)


if __name__ == "__main__":
    sbxtest.main()
