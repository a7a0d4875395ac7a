#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Debian's own firejail profiles: they become policies, every line of them is accounted for, and what
they were written for runs under what they become."""

import json
import os
import pathlib
import re
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

    def test_the_whole_collection_and_every_line_of_it(self):
        """All 1,209 of Debian's; under the sanitizers, which take a while for each, some of them."""
        everything = sorted(PROFILES.glob("*.profile"))
        sanitized = b"__asan_init" in pathlib.Path(sbxtest.sbx_path()).read_bytes()
        operands = [str(path) for path in everything[::60]] if sanitized else [str(PROFILES)]
        out = self.work / "policies"
        done = sbx("import", "--json", "--outdir", str(out), *operands, timeout=900)
        report = json.loads(done.out)
        failed = {entry["file"]: entry for entry in report["files"] if "error" in entry}
        for path, entry in failed.items():
            # One of Debian's includes a file that there is not, and so it is of no use to firejail.
            included = re.search(r'cannot find the included file "(.+)"', entry["error"]).group(1)
            self.assertFalse((PROFILES / included).exists(), entry)
        self.assertStatus(done, 125 if failed else 0)
        self.assertLessEqual(len(failed), 1, failed)
        self.assertEqual({entry["file"] for entry in report["files"]},
                         {str(path) for path in (everything[::60] if sanitized else everything)})
        written = {entry["policy"] for entry in report["files"] if "policy" in entry}
        self.assertEqual(written, {str(path) for path in out.iterdir()})

        # Each line that is no comment, of every file that was read, stands in the report.
        lines = {(finding["file"], finding["line"]) for finding in report["findings"]}
        for path in {finding["file"] for finding in report["findings"]}:
            text = pathlib.Path(path).read_text(errors="replace")
            for number, line in enumerate(text.split("\n"), 1):
                if line.strip() and not line.strip().startswith("#"):
                    self.assertIn((path, number), lines, line)
        kinds = report["lines"]
        self.assertGreaterEqual((kinds["mapped"] + kinds["changed"]) / sum(kinds.values()), 0.97, kinds)
        for finding in report["findings"]:
            self.assertTrue(finding["reason"] or finding["kind"] == "mapped", finding)

    def test_a_collection_has_its_own_mistakes(self):
        one, other = self.work / "one", self.work / "other"
        for directory in (one, other):
            directory.mkdir()
            self.write(directory / "tool.profile", "noroot\n")
        self.write(one / "broken.profile", "include missing.inc\n")
        self.write(one / "tool.inc", "noroot\n")  # no file of its own
        out = self.work / "out"
        done = sbx("import", "--outdir", str(out), str(one), str(other / "tool.profile"))
        self.assertStatus(done, 125)
        self.assertIn("broken.profile:1", done.err)
        self.assertIn("would both become", done.err)
        self.assertIn("3 files, 1 policies", done.err)
        self.assertEqual([path.name for path in out.iterdir()], ["tool.toml"])
        done = sbx("import", str(one / "tool.profile"), str(other / "tool.profile"))
        self.assertStatus(done, 125)
        self.assertIn("--outdir", done.err)
        self.assertStatus(sbx("import", "--outdir", str(out), str(out)), 125)

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
