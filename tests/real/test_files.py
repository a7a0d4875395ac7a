#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Programs that work on files of the current directory: archives, copies, databases."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)
from realtest import RealCase  # noqa: E402


class Files(RealCase):
    def tree(self):
        top = self.make_directory(self.work / "tree")
        self.make_directory(top / "deep")
        for number in range(50):
            self.write(top / "deep" / f"file{number}", f"{number}\n" * 500)
        self.write(top / "script", "#!/bin/sh\n", 0o755)
        (top / "link").symlink_to("deep/file0")
        return top

    def same(self, other):
        compared = self.bare("diff", "-r", "tree", other)
        self.assertStatus(compared, 0)
        self.assertEqual((self.work / other / "script").stat().st_mode & 0o777, 0o755)
        self.assertEqual((self.work / other / "link").readlink(), pathlib.Path("deep/file0"))


class Tar(Files):
    def test_round_trips(self):
        self.tree()
        for letter, program in (("", None), ("z", "gzip"), ("J", "xz"), ("j", "bzip2")):
            with self.subTest(letter):
                if program:
                    self.need(program)
                self.works("tar", f"-c{letter}f", f"all{letter}.tar", "tree")
                listed = self.works("tar", f"-t{letter}f", f"all{letter}.tar").out
                self.assertIn("tree/deep/file49\n", listed)
                self.make_directory(self.work / f"out{letter}")
                self.works("tar", f"-x{letter}f", f"all{letter}.tar", "-C", f"out{letter}")
                self.same(f"out{letter}/tree")
        piped = self.works("tar", "-xOf", "all.tar", "tree/deep/file7")
        self.assertEqual(piped.out, "7\n" * 500)

    def test_an_archive_does_not_lead_out(self):
        """Absolute names, which tar keeps when told to, end at what is not there."""
        there = self.outside / "planted"
        self.write(self.work / "file", "evil\n")
        packed = self.bare("tar", "-Pcf", "evil.tar", f"--transform=s|^file$|{there}|", "file")
        self.assertStatus(packed, 0)
        self.run_sbx("tar", "-Pxf", "evil.tar")
        self.assertFalse(there.exists())
        self.assertStatus(self.bare("tar", "-Pxf", "evil.tar"), 0)
        self.assertTrue(there.exists(), "the control: without sbx it is written")


class Xz(Files):
    def test_round_trip(self):
        text = "".join(f"line {n}\n" for n in range(100000))
        self.write(self.work / "text", text)
        self.works("xz", "-k", "-T2", "text")
        self.works("xz", "-t", "text.xz")
        self.assertIn("text.xz", self.works("xz", "-l", "text.xz").out)
        (self.work / "text").unlink()
        self.works("xz", "-d", "text.xz")
        self.assertEqual((self.work / "text").read_text(), text)
        piped = self.works("xz", "-9", "-c", "-", stdin=b"through a pipe" * 1000)
        self.assertTrue(piped.out)
        self.works("xz", "text")
        self.assertEqual(self.works("xzcat", "text.xz").out, text)
        self.works("unxz", "text.xz")
        self.assertEqual((self.work / "text").read_text(), text)


class Rsync(Files):
    def test_copies(self):
        self.debian("rsync")
        top = self.tree()
        self.works("rsync", "-a", "tree/", "copy/")
        self.same("copy")
        self.write(top / "deep" / "file3", "changed\n")
        (top / "deep" / "file4").unlink()
        changed = self.works("rsync", "-ac", "--delete", "--itemize-changes", "tree/", "copy/").out
        self.assertIn("deep/file3", changed)
        self.assertIn("*deleting", changed)
        self.assertIn("deep/file4", changed)
        self.assertNotIn("file5", changed)
        self.same("copy")
        self.works("rsync", "-aHAXz", "--inplace", "--no-whole-file", "--link-dest=../copy",
                   "tree/", "second/")
        self.same("second")


class Sqlite(Files):
    def test_creates_and_selects(self):
        self.debian("sqlite3")
        self.works("sqlite3", "test.db", "CREATE TABLE t (n INTEGER, s TEXT);"
                   "INSERT INTO t VALUES (1, 'one'), (2, 'two');")
        asked = self.works("sqlite3", "test.db", "SELECT s FROM t ORDER BY n DESC")
        self.assertEqual(asked.out, "two\none\n")
        work = """PRAGMA journal_mode = WAL;
            WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 20000)
            INSERT INTO t SELECT x, hex(x) FROM c;
            CREATE INDEX i ON t (s);
            SELECT count(*) FROM t WHERE s > '31';
            PRAGMA integrity_check; VACUUM;
            .backup copy.db
            .once out.csv
            SELECT 42;
            """
        done = self.works("sqlite3", "-batch", "test.db",
                          stdin="\n".join(line.strip() for line in work.splitlines()).encode())
        self.assertIn("ok\n", done.out)
        self.assertEqual((self.work / "out.csv").read_text(), "42\n")
        self.assertIn("20002", self.works("sqlite3", "copy.db", "SELECT count(*) FROM t").out)

    def test_starts_no_shell(self):
        self.debian("sqlite3")
        refused = self.run_sbx("sqlite3", ":memory:", ".shell touch ran")
        self.assertTrue([line for line in refused.err.splitlines()
                         if line.startswith("sbx: denied")], refused)
        self.assertFalse((self.work / "ran").exists())
        self.bare("sqlite3", ":memory:", ".shell touch ran")
        self.assertTrue((self.work / "ran").exists(), "the control: without sbx it runs")


if __name__ == "__main__":
    sbxtest.main()
