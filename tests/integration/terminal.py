#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The command's own terminal: what a person sees, what reaches the caller's terminal and what never
does, who has the keys, and how the caller's terminal is left."""

import os
import pathlib
import re
import signal
import subprocess
import sys
import termios
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)
from sbxtest import sbx  # noqa: E402
from terminaltest import AtTerminal, Screen  # noqa: E402


def terminal_of(pid, descriptor):
    """Device and inode of what a descriptor of another process is: names mean another thing there."""
    found = os.stat(f"/proc/{pid}/fd/{descriptor}")
    return found.st_dev, found.st_ino


class TerminalCase(sbxtest.TestCase):
    def setUp(self):
        super().setUp()
        self.terminals = []

    def tearDown(self):
        for terminal in self.terminals:
            terminal.end()
        super().tearDown()

    def start(self, *command, **options):
        self.terminals.append(AtTerminal(self, command, **options))
        return self.terminals[-1]

    def at(self, *words, **options):
        return self.start(sbxtest.sbx_path(), "run", *words, **options)


class Pty(TerminalCase):
    """On a bare pseudo-terminal, byte by byte."""

    def test_nothing_of_the_callers_terminal_is_inside(self):
        if not sbxtest.IS_ROOT:
            self.skipTest(sbxtest.BY_DESIGN + "only root may look at init's descriptors")
        here = self.at("--", "sh", "-c", "tty; exec sleep 100")
        here.wait_for("/dev/pts/0\r\n")
        outside = (here.identity.st_dev, here.identity.st_ino)
        self.assertEqual(terminal_of(here.process.pid, 0), outside, "the control")
        inner = sbxtest.inside(here.process.pid)
        self.assertEqual(len(inner), 2)
        looked_at = 0
        for pid in inner:
            for descriptor in os.listdir(f"/proc/{pid}/fd"):
                self.assertNotEqual(terminal_of(pid, descriptor), outside)
                looked_at += 1
        self.assertGreaterEqual(looked_at, 5)  # the command's three; init's pipe and terminal
        here.type("\x03")
        self.assertEqual(here.wait(), 128 + signal.SIGINT)

    def test_names_and_controlling_terminal(self):
        here = self.at("--", "sh", "-c", "tty; tty < /dev/tty; ls /dev/pts; echo to-tty > /dev/tty; "
                                         "ps -o sid=,pgid=,tpgid= -p $$; stty size; test -t 2")
        self.assertEqual(here.wait(), 0)
        said = here.all.decode().split()
        self.assertEqual(said[:7],
                         ["/dev/pts/0", "/dev/tty", "0", "ptmx", "to-tty", "1", "2"], said)
        self.assertEqual(said[7:], ["2", "24", "80"])

    def test_every_byte_arrives(self):
        here = self.at("--", "seq", "200000")
        self.assertEqual(here.wait(60), 0)
        self.assertEqual(here.all.decode(), "".join(f"{n}\r\n" for n in range(1, 200001)))

    def test_the_last_output_of_one_that_is_killed(self):
        here = self.at("--", "sh", "-c", "seq 3000; kill -9 $$")
        self.assertEqual(here.wait(), 128 + signal.SIGKILL)
        self.assertTrue(here.all.endswith(b"\r\n3000\r\n"), here.all[-50:])

    def test_eight_bits_and_long_lines_go_in(self):
        here = self.at("--", "sh", "-c", "stty raw -echo; echo ready; head -c 100000 | md5sum")
        here.wait_for("ready")
        content = bytes(range(256)) * 400
        sent = 0
        while sent < 100000:
            sent += os.write(here.terminal, content[sent:100000][:2048])
            here.read(0)
        self.assertEqual(here.wait(), 0)
        expected = subprocess.run(["md5sum"], input=content[:100000], capture_output=True,
                                  check=True).stdout.split()[0]
        self.assertIn(expected, here.all)

    def test_modes_are_copied_and_given_back(self):
        here = self.at("--", "sh", "-c", "stty -g; exec cat")
        here.wait_for("\r\n")
        raw = here.present_modes()
        self.assertEqual(raw[3] & (termios.ICANON | termios.ECHO | termios.ISIG), 0)
        outside = subprocess.run(["stty", "-g"], stdin=here.inner, capture_output=True, check=True)
        self.assertNotIn(outside.stdout.strip(), here.all, "the control")
        here.type("\x04")
        self.assertEqual(here.wait(), 0)
        self.assertEqual(here.present_modes(), here.modes)
        outside = subprocess.run(["stty", "-g"], stdin=here.inner, capture_output=True, check=True)
        self.assertIn(outside.stdout.strip(), here.all)

    def test_modes_are_given_back_however_it_ends(self):
        def kill_inner(here):
            os.kill(sbxtest.inside(here.process.pid)[-1], signal.SIGKILL)

        def kill_init(here):
            os.kill(sbxtest.inside(here.process.pid)[0], signal.SIGKILL)

        def terminate(here):
            here.process.terminate()
        for end, status in ((kill_inner, 137), (kill_init, 137), (terminate, 143)):
            with self.subTest(end.__name__):
                here = self.at("--", "sh", "-c", "stty raw -echo; echo ready; exec sleep 100")
                here.wait_for("ready")
                self.assertNotEqual(here.present_modes(), here.modes)
                end(here)
                self.assertEqual(here.wait(), status)
                self.assertEqual(here.present_modes(), here.modes)

    def test_keys_that_are_signals(self):
        for key, number in (("\x03", signal.SIGINT), ("\x1c", signal.SIGQUIT)):
            with self.subTest(number):
                here = self.at("--", "sh", "-c", "echo ready; exec sleep 100")
                here.wait_for("ready")
                here.type(key)
                self.assertEqual(here.wait(), 128 + number)

    def test_a_flood_stops_at_once(self):
        here = self.at("--", "yes")
        here.wait_for("y\r\n" * 1000)
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            here.read(0.1)
        here.type("\x03")
        after = len(here.all)
        self.assertEqual(here.wait(), 128 + signal.SIGINT)
        self.assertLess(len(here.all) - after, 1 << 20)

    def test_nobody_reads_the_terminal(self):
        """The command waits and memory does not grow; what it says at the end is not waited for for
        ever."""
        here = self.at("--", "yes")
        here.wait_for("y\r\n" * 100)

        def resident():
            return int(sbxtest.status_of(here.process.pid)["VmRSS"].split()[0])
        before = resident()
        sbxtest.wait_until(lambda: "S" in sbxtest.status_of(
            sbxtest.inside(here.process.pid, name="yes")[0])["State"], 5)
        self.assertLess(resident(), before + 1024)
        here.process.terminate()
        self.assertTrue(sbxtest.wait_until(lambda: here.process.poll() is not None, 20))
        self.assertEqual(here.present_modes(), here.modes)

    def test_the_terminal_is_hung_up(self):
        here = self.at("--", "sh", "-c", "trap 'exit 0' HUP; echo ready; while :; do sleep 0.05; done")
        here.wait_for("ready")
        here.hang_up()
        self.assertTrue(sbxtest.wait_until(lambda: here.process.poll() is not None))
        self.assertEqual(here.process.returncode, 0)

    def test_resize(self):
        here = self.at("--", "sh", "-c", "trap 'stty size' WINCH; echo ready; "
                                         "while :; do sleep 0.05; done")
        here.wait_for("ready")
        termios.tcsetwinsize(here.inner, (31, 117)) if hasattr(termios, "tcsetwinsize") else \
            subprocess.run(["stty", "rows", "31", "cols", "117"], stdin=here.inner, check=True)
        here.wait_for("31 117")

    def test_messages_of_sbx_keep_their_lines(self):
        here = self.at("--no-color", "--deny", "mkdir,mkdirat", "--", "sh", "-c",
                       "printf half; mkdir /tmp/x; echo; exec cat")
        here.wait_for("sbx: denied mkdir")
        here.type("\x04")
        here.wait()
        text = here.all.decode()
        self.assertIn("half\r\nsbx: denied mkdir", text)
        self.assertNotRegex(text, r"[^\r]\n")

    def test_pipes_stay_what_they_are(self):
        for replaced, script, expected in (
                ({1: subprocess.DEVNULL}, "test -t 0 && ! test -t 1 && test -t 2", 0),
                ({0: subprocess.DEVNULL}, "! test -t 0 && test -t 1 && test -t 2", 0),
                ({0: subprocess.DEVNULL, 1: subprocess.DEVNULL}, "! test -t 0 && test -t 2", 0)):
            with self.subTest(script):
                here = self.at("--", "sh", "-c", script, replaced=replaced)
                self.assertEqual(here.wait(), expected, here.all)

    def test_the_filter_keeps_the_terminal_from_being_typed_into(self):
        script = ("import fcntl, termios\n"
                  "for request in (termios.TIOCSTI, termios.TIOCSTI | 1 << 32, 0x541c, 0x5423):\n"
                  "  try: fcntl.ioctl(0, request & 0xffffffff, b'x'); print('OPEN')\n"
                  "  except OSError as error: print('refused', error.errno)\n")
        here = self.at("-q", "--", "python3", "-c", script)
        self.assertEqual(here.wait(), 0, here.all)
        self.assertEqual(here.all.count(b"refused 1\r\n"), 4, here.all)


class Modes(TerminalCase):
    """terminal.mode, --tty."""

    def test_always(self):
        done = sbx("run", "--tty", "always", "--", "sh", "-c", "tty; stty size; read a; echo got $a",
                   stdin=b"one\n")
        self.assertStatus(done, 0)
        self.assertEqual(done.out, "/dev/pts/0\r\n24 80\r\ngot one\r\n")

    def test_always_and_the_end_of_input(self):
        for stdin, expected in ((b"a\nb\n", "a\r\nb\r\n"), (b"", ""), (b"half", "half")):
            with self.subTest(stdin):
                done = sbx("run", "--tty", "always", "--", "cat", stdin=stdin)
                self.assertStatus(done, 0)
                self.assertEqual(done.out, expected)

    def test_always_from_and_to_a_file(self):
        lines = self.write(self.directory() / "lines", "".join(f"{n}\n" for n in range(5000)))
        done = sbxtest.run(["sh", "-c", f'"$0" run --tty always cat < {lines} > /dev/null',
                            sbxtest.sbx_path()])
        self.assertStatus(done, 0)
        done = sbxtest.run(["sh", "-c", f'"$0" run --tty always cat < {lines} | md5sum',
                            sbxtest.sbx_path()])
        expected = sbxtest.run(["sh", "-c", f"sed 's/$/\\r/' {lines} | md5sum"])
        self.assertEqual(done.out, expected.out)

    def test_always_with_a_slow_reader_loses_nothing(self):
        done = sbxtest.run(["sh", "-c", '"$0" run --tty always seq 30000 | (sleep 3; wc -l)',
                            sbxtest.sbx_path()])
        self.assertEqual(done.out.strip(), "30000")

    def test_never(self):
        here = self.at("--tty", "never", "true")
        self.assertEqual(here.wait(), 125)
        self.assertIn(b"descriptor 0 is a terminal", here.all)
        self.assertStatus(sbx("run", "--tty", "never", "--", "true"), 0)

    def test_inherit(self):
        if not sbxtest.IS_ROOT:
            self.skipTest(sbxtest.BY_DESIGN + "only root may look at init's descriptors")
        here = self.at("--tty", "inherit", "--", "sh", "-c", "echo ready; exec sleep 100")
        here.wait_for("ready")
        command = sbxtest.inside(here.process.pid, name="sleep")[0]
        self.assertEqual(terminal_of(command, 0), (here.identity.st_dev, here.identity.st_ino))

    def test_a_kept_descriptor_is_no_terminal(self):
        line = '"$0" run --keep-fd 3 true 3<&0'
        here = self.start("sh", "-c", line, sbxtest.sbx_path())
        self.assertEqual(here.wait(), 125)
        self.assertIn(b"descriptor 3 is a terminal", here.all)

    def test_two_terminals(self):
        other = self.start("sleep", "100")
        here = self.at("true", replaced={2: other.inner})
        self.assertEqual(here.wait(), 125)
        other.wait_for("descriptors 0 and 2 are different terminals")

    def test_no_terminal_costs_nothing(self):
        self.need("strace")
        for words, opened in (((), False), (("--tty", "always"), True)):
            log = self.write(self.directory() / "log", "")
            done = sbxtest.run(["strace", "-f", "-o", log, "-e", "trace=openat,ioctl",
                                sbxtest.sbx_path(), "run", *words, "--", "true"])
            self.assertStatus(done, 0)
            calls = log.read_text()
            self.assertEqual("/dev/pts/ptmx" in calls and "TIOCSWINSZ" in calls, opened, calls)

    def test_dry_run_says_it(self):
        done = sbx("run", "--dry-run", "--tty", "always", "true")
        self.assertIn("a terminal of its own, relayed, as descriptor 0, 1, 2", done.out)
        self.assertNotIn("terminal of its own", sbx("run", "--dry-run", "true").out)


class Shell(sbxtest.TestCase):
    """Under an interactive shell: job control between the two sides."""

    def setUp(self):
        super().setUp()
        self.need("tmux")
        self.work = self.directory()
        self.screen = Screen(self, self.work)
        self.modes = self.outer_modes()

    def tearDown(self):
        self.screen.close()
        super().tearDown()

    def outer_modes(self):
        return self.screen.run("stty -a")

    def assertModesAsBefore(self):
        self.assertEqual(self.outer_modes(), self.modes)

    def test_bash(self):
        screen = self.screen
        self.assertEqual(screen.run("$SBX run stty -a"), self.modes)
        screen.clear()
        screen.type("$SBX run bash --norc")
        screen.wait_for(r"bash-[\d.]+\$ \Z|bash-[\d.]+\$\Z")
        screen.type("PS1='inner> '")
        screen.wait_for(r"^inner>\s*\Z")
        screen.type("tty; stty size; echo $-")
        screen.wait_for(r"^/dev/pts/0\n24 80\n\w*i\w*m")
        screen.type("sleep 300")
        screen.keys("C-z")
        screen.wait_for(r"Stopped +sleep 300")
        screen.type("bg; jobs")
        screen.wait_for(r"Running +sleep 300")
        screen.type("fg")
        screen.wait_for(r"^sleep 300\n?\Z")
        screen.keys("C-c")
        screen.wait_for(r"\^C\ninner>\s*\Z")
        screen.type("read -p ask: x")
        screen.wait_for("^ask:")
        screen.type("answer")
        screen.type("echo [$x]")
        screen.wait_for(r"^\[answer\]")
        screen.type("suspend")
        screen.wait_for(r"Stopped.*\n+outer>\s*\Z")
        self.assertIn("inner>", (screen.type("fg"), screen.wait_for(r"inner>\s*\Z"))[1].group())
        screen.keys("C-d")
        screen.wait_for_prompt()
        self.assertModesAsBefore()

    def test_vim_is_suspended_and_resized(self):
        screen = self.screen
        sbxtest.TestCase.write(self, self.work / "text", "one\n")
        screen.type("$SBX run vim text")
        screen.wait_for(r"\Aone\n~")
        screen.keys("o", "t", "w", "o", "Escape")
        screen.wait_for(r"^two$")
        screen.keys("C-z")
        screen.wait_for(r"Stopped +\$SBX run vim text\n+outer>\s*\Z")
        self.assertModesAsBefore()
        screen.resize(100, 30)
        self.assertIn("rows 30; columns 100", screen.run("stty -a"))
        screen.type("fg")
        screen.wait_for(r"\Aone\ntwo\n~")
        self.assertEqual(screen.text().count("\n~"), 27)
        screen.resize(90, 20)
        sbxtest.wait_until(lambda: screen.text().count("\n~") == 17)
        self.assertEqual(screen.text().count("\n~"), 17)
        screen.type(":wq")
        screen.wait_for_prompt()
        self.assertEqual((self.work / "text").read_text(), "one\ntwo\n")
        screen.resize(80, 24)
        self.assertModesAsBefore()

    def test_less_and_pipelines(self):
        screen = self.screen
        self.write(self.work / "text", "".join(f"line {n}\n" for n in range(500)))
        for line in ("$SBX run less text", "$SBX run --ro . cat text | less",
                     "cat text | $SBX run less"):
            with self.subTest(line):
                screen.clear()
                screen.type(line)
                screen.wait_for(r"\Aline 0\n")
                screen.keys("G")
                screen.wait_for(r"^line 499$")
                screen.keys("C-z")
                screen.wait_for(r"Stopped.*\n(.*\n)*outer>\s*\Z")
                self.assertModesAsBefore()
                screen.type("fg")
                screen.wait_for(r"^line 499$")
                screen.keys("g")
                screen.wait_for(r"\Aline 0\n")
                screen.keys("q")
                screen.wait_for_prompt()
                self.assertModesAsBefore()
        self.assertEqual(screen.run("$SBX run sh -c 'tty; test -t 1 || echo pipe' | cat"),
                         "/dev/pts/0\npipe")
        self.assertEqual(screen.run("echo x | $SBX run sh -c 'cat; test -t 1 && echo terminal'"),
                         "x\nterminal")

    def test_python(self):
        screen = self.screen
        screen.type("$SBX run python3 -q")
        screen.wait_for(r"^>>>\s*\Z")
        screen.type("6 * 7")
        screen.wait_for(r"^42$")
        screen.keys("C-c")
        screen.wait_for("KeyboardInterrupt")
        screen.type("import os; os.ttyname(0), os.tcgetpgrp(0) == os.getpgrp()")
        screen.wait_for(r"\('/dev/pts/0', True\)")
        screen.keys("C-d")
        screen.wait_for_prompt()
        self.assertModesAsBefore()

    def test_a_plain_program_stops_and_goes_on(self):
        screen = self.screen
        job = """$SBX run -- sh -c 'echo up; exec cat'"""
        shown = re.escape(job)
        screen.type(job)
        screen.wait_for("^up$")  # what is typed before is echoed by the outer terminal too
        for turn in ("first", "second"):
            screen.type(turn)
            screen.wait_for(rf"^{turn}\n{turn}$")
            screen.keys("C-z")
            screen.wait_for(rf"Stopped +{shown}\n+outer>\s*\Z")
            self.assertModesAsBefore()
            screen.type("fg")
            screen.wait_for(rf"^{shown}\n?\Z")
        screen.keys("C-d")
        screen.wait_for_prompt()
        self.assertModesAsBefore()

    def test_in_the_background(self):
        screen = self.screen
        self.assertIn("told", screen.run("$SBX run sh -c 'echo told' & wait"))
        screen.clear()
        screen.type("$SBX run cat &")
        screen.wait_for(r"^outer>")
        # It is stopped for wanting to read, and the shell has its own modes all the while.
        self.assertTrue(sbxtest.wait_until(lambda: "Stopped" in screen.run("jobs")))
        self.assertModesAsBefore()
        screen.type("fg")
        screen.wait_for(r"^\$SBX run cat\n?\Z")
        screen.type("typed")
        screen.wait_for(r"^typed\ntyped$")
        screen.keys("C-d")
        screen.wait_for_prompt()
        self.assertModesAsBefore()

    def test_stopped_and_sent_to_the_background(self):
        screen = self.screen
        # No shell: one that has just forked by vfork(2) cannot be stopped until its child runs.
        self.write(self.work / "wait.py", "import os, time\nprint('ready')\n"
                                          "while not os.path.exists('go'): time.sleep(.05)\n"
                                          "print('gone')\n")
        screen.type("$SBX run python3 wait.py")
        screen.wait_for("^ready")
        screen.keys("C-z")
        screen.wait_for(r"Stopped.*\n(.*\n)*outer>\s*\Z")
        screen.type("bg")
        screen.wait_for_prompt()
        self.assertIn("Running", screen.run("jobs"))
        self.assertModesAsBefore()
        self.write(self.work / "go", "")
        screen.type("wait")
        screen.wait_for(r"gone$")

    def test_status_of_a_stop_from_outside(self):
        """SIGSTOP to sbx alone, which it cannot see: the shell's modes come and go."""
        screen = self.screen
        screen.type("$SBX run cat")
        screen.type("one")
        screen.wait_for(r"^one\none$")
        supervisor = [pid for pid in sbxtest.descendants(screen.shell())
                      if sbxtest.status_of(pid).get("Name") == "sbx"][0]
        os.kill(supervisor, signal.SIGSTOP)
        screen.wait_for(r"Stopped.*\n+outer>\s*\Z")
        self.assertModesAsBefore()
        screen.type("fg")
        screen.type("two")
        screen.wait_for(r"^two\ntwo$")
        screen.keys("C-d")
        screen.wait_for_prompt()
        self.assertModesAsBefore()

    def test_a_closed_window_leaves_nothing(self):
        screen = self.screen
        screen.type("$SBX run sleep 300")
        self.assertTrue(sbxtest.wait_until(
            lambda: sbxtest.inside(screen.shell(), name="sleep")))
        screen.tmux("kill-server", check=False)


if __name__ == "__main__":
    sbxtest.main()
