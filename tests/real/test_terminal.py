#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Programs that are used at a terminal, without one and at a pseudo-terminal of the test's."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)
from realtest import RealCase  # noqa: E402
from terminaltest import AtTerminal  # noqa: E402


def at_terminal(case, *words):
    terminal = AtTerminal(case, [sbxtest.sbx_path(), "run", *words], cwd=case.work)
    case.addCleanup(terminal.end)
    return terminal


def end_of(case, terminal):
    """Its exit status, after a look at whether sbx had anything to say."""
    status = terminal.wait()
    case.assertNotIn(b"sbx:", terminal.all)
    return status


class Bash(RealCase):
    def test_a_script(self):
        self.write(self.work / "script", """
            set -euo pipefail
            count() { local n=0; while read -r _; do n=$((n + 1)); done; echo $n; }
            seq 100 | count
            diff <(printf 'a\\nb\\n') <(printf 'a\\nc\\n') || true
            for job in 1 2 3; do sleep 0.0$job & done; wait; echo waited
            trap 'echo trapped' USR1; kill -USR1 $$
            cat > note <<< "a note"; [[ -w note && $(< note) == "a note" ]] && echo written
            ls -l note | awk '{ print $NF }'; find . -name note; date +%Y | grep -c .
            id -un; ( ulimit -n 64; echo "$(ulimit -n)" ); exec 3<> /tmp/file; echo x >&3; hostname
            """)
        said = self.works("bash", "script").out.split()
        self.assertEqual(said, ["100", "2c2", "<", "b", "---", ">", "c", "waited", "trapped",
                                "written", "note", "./note", "1", sbxtest.ACCOUNT.name, "64",
                                "localhost"])
        self.works("bash", "-c", "exit 9", status=9)

    def test_at_a_terminal(self):
        shell = at_terminal(self, "bash", "--norc", "-i")
        shell.type("PS1='ready> '\n")
        shell.wait_for("ready> ")
        shell.type("echo $((6 * 7))-here; stty size >/dev/null && echo has-terminal\n")
        shell.wait_for("42-here")
        shell.wait_for("has-terminal")
        shell.type("exit 3\n")
        self.assertEqual(end_of(self, shell), 3)


class Vim(RealCase):
    def test_edits(self):
        self.debian("vim")
        self.write(self.work / "text", "one\ntwo\nthree\n", 0o640)
        self.works("vim", "-es", "-u", "NONE", "text", "-c", "%s/two/2/", "-c", "normal! Gofour",
                   "-c", "wq")
        self.assertEqual((self.work / "text").read_text(), "one\n2\nthree\nfour\n")
        self.assertEqual((self.work / "text").stat().st_mode & 0o777, 0o640)
        # With Debian's configuration, a backup, an undo file, and a sort.
        self.works("vim", "-es", "text", "-c", "set backup undofile", "-c", "%sort", "-c",
                   "write! copy", "-c", "wq")
        self.assertEqual((self.work / "copy").read_text(), "2\nfour\none\nthree\n")

    def test_at_a_terminal(self):
        self.debian("vim")
        self.write(self.work / "text", "one\n")
        editor = at_terminal(self, "vim", "text")
        editor.wait_for("one")
        editor.type("otyped\x1b:wq\r")
        self.assertEqual(end_of(self, editor), 0)
        self.assertEqual((self.work / "text").read_text(), "one\ntyped\n")

    def test_starts_no_program(self):
        self.debian("vim")
        words = ("vim", "-es", "-u", "NONE", "-c", "call system('touch ran')", "-c", "qa!")
        refused = self.run_sbx(*words)
        self.assertTrue([line for line in refused.err.splitlines()
                         if line.startswith("sbx: denied")], refused)
        self.assertFalse((self.work / "ran").exists())
        self.bare(*words)
        self.assertTrue((self.work / "ran").exists(), "the control: without sbx it runs")


class Less(RealCase):
    def test_shows(self):
        self.debian("less")
        self.write(self.work / "text", "".join(f"line {n}\n" for n in range(500)))
        self.assertEqual(self.works("less", "text").out, (self.work / "text").read_text())
        self.assertIn("piped", self.works("less", stdin=b"piped\n").out)

    def test_at_a_terminal(self):
        self.debian("less")
        self.write(self.work / "text", "".join(f"line {n}\n" for n in range(500)))
        pager = at_terminal(self, "less", "text")
        pager.wait_for("line 10")
        pager.type("G")
        pager.wait_for("line 499")
        pager.type("?line 250\r")
        pager.wait_for("line 250")
        pager.type("q")
        self.assertEqual(end_of(self, pager), 0)


if __name__ == "__main__":
    sbxtest.main()
