#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The log of runs and what is told from it (sbx why, sbx events), sinks, and sbx run --restart."""

import json
import os
import pathlib
import signal
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)
from sbxtest import sbx, wait_until  # noqa: E402


class LogCase(sbxtest.TestCase):
    """Each test with a log and policies of its own."""

    def setUp(self):
        super().setUp()
        self.place = self.directory()
        self.env = sbxtest.environment(XDG_STATE_HOME=str(self.place / "state"),
                                       XDG_CONFIG_HOME=str(self.place / "config"))
        self.policies = self.place / "config" / "sbx" / "policies"
        sbxtest.run(["mkdir", "-p", self.policies])
        self.write(self.policies / "mine.toml",
                   'schema = 1\n[policy]\nextends = ["default"]\n')
        self.probe = sbxtest.probe("denied")

    def sbx(self, *words, **options):
        return sbx(*words, env=self.env, **options)

    def denied(self, *options, what=("calls", "1"), **more):
        return self.sbx("run", "-p", "mine", *options, "--", self.probe, *what, **more)

    def start(self, *options, what):
        return sbxtest.start_sbx("run", "-p", "mine", *options, "--", self.probe, *what, env=self.env)

    def events(self, *words):
        done = self.sbx("events", "--json", *words)
        self.assertStatus(done, 0)
        return [json.loads(line) for line in done.out.splitlines()]

    def kinds(self, *words):
        return [event["event"] for event in self.events(*words)]


class Log(LogCase):
    def test_a_run_that_met_something_is_logged_and_another_is_not(self):
        self.assertStatus(self.sbx("run", "-p", "mine", "--", "true"), 0)
        self.assertEqual(self.kinds(), [])
        self.assertStatus(self.denied(what=("calls", "3")), 0)
        self.assertEqual(self.kinds(), ["started", "denied", "denied", "ended"])
        events = self.events()
        self.assertEqual([event["count"] for event in events[1:3]], [1, 3])
        self.assertEqual(len({event["run"] for event in events}), 1)
        state = self.place / "state" / "sbx"
        self.assertEqual(state.stat().st_mode & 0o777, 0o700)
        for file in state.iterdir():
            self.assertEqual(file.stat().st_mode & 0o777, 0o600, file)
        # All runs, or none.
        self.assertStatus(self.sbx("run", "--log", "all", "--", "true"), 0)
        self.assertEqual(self.kinds()[4:], ["started", "ended"])
        self.assertStatus(self.denied("--log", "none"), 0)
        self.assertEqual(len(self.events()), 6)

    def test_events_are_selected_and_shown(self):
        self.assertStatus(self.denied(what=("names",)), 0)
        self.assertEqual(self.kinds("--syscall", "swapon"), ["denied"])
        self.assertEqual(self.kinds("--exe", "denied"), ["denied"] * 3)
        self.assertEqual(self.kinds("--syscall", "ptrace"), [])
        self.assertEqual(len(self.events("--policy", "mine", "--since", "1h")), 5)
        self.assertEqual(self.events("--policy", "default"), [])
        self.assertEqual(self.events("--since", "2999-01-01"), [])
        table = self.sbx("events", "--syscall", "swapon")
        self.assertIn("denied swapon(", table.out)
        csv = self.sbx("events", "--syscall", "swapon", "--csv")
        self.assertEqual(len(csv.out.splitlines()), 2)
        self.assertTrue(csv.out.startswith("time,run,policy,event,"), csv)
        self.assertTwoLineError(self.sbx("events", "--since", "soon"), 125, "--since", hint="10m")

    def test_follow_tells_what_comes(self):
        with sbxtest.start_sbx("events", "--follow", "--json", env=self.env) as following:
            self.assertStatus(self.denied(), 0)
            following.wait_for('"event":"ended"')

    def test_the_command_does_not_see_the_log(self):
        self.assertStatus(self.denied(), 0)
        state = str(self.place / "state" / "sbx")
        script = f"cat {state}/events.0.jsonl; echo planted >>{state}/events.0.jsonl; ls {state}"
        for grant in (["--ro", str(self.place)], ["--rw", str(self.place)], []):
            with self.subTest(grant):
                done = self.sbx("run", *grant, "--", "sh", "-c", script)
                self.assertEqual(done.out, "", done)
        self.assertEqual(len(self.events()), 3)
        # Nor has it a descriptor of it.
        done = self.sbx("run", "--log", "all", "--sink", "fd:2", "--", "sh", "-c", "ls -l /proc/self/fd")
        self.assertNotIn("jsonl", done.out)
        self.assertEqual(done.out.count("->"), 4, done)  # 0, 1, 2 and the directory

    def test_what_cannot_be_logged_is_one_warning(self):
        state = self.place / "state"
        self.write(state, "no directory")
        done = self.denied(what=("names",))
        self.assertStatus(done, 0)
        self.assertEqual(done.err.count("cannot keep the log"), 1, done)
        self.assertIn("denied acct", done.err)  # told all the same
        self.assertEqual(self.sbx("run", "--", "true").err, "")  # and nothing where there is nothing to log
        state.unlink()
        sbxtest.run(["mkdir", "-p", state / "sbx"])
        (state / "sbx").chmod(0o500)
        done = self.denied()
        self.assertStatus(done, 0)
        if sbxtest.ACCOUNT.uid != 0:
            self.assertEqual(done.err.count("cannot keep the log"), 1, done)
        (state / "sbx").chmod(0o700)

    def test_a_full_disk_is_one_warning(self):
        # A file system that is full by the user's own limit of file sizes would end sbx by SIGXFSZ;
        # /dev/full behind both names is refused as no file; so a real one, in a mount namespace.
        state = self.place / "state"
        sbxtest.run(["mkdir", state])
        script = ('mount -t tmpfs -o size=64k,mode=0700 tmpfs "$XDG_STATE_HOME" && mkdir "$XDG_STATE_HOME/sbx" && '
                  'dd if=/dev/zero of="$XDG_STATE_HOME/filler" bs=4096 2>/dev/null; '
                  '"$@"; echo "status $?"; rm "$XDG_STATE_HOME/filler"; "$@" 2>/dev/null; '
                  '"$1" events --json --syscall acct | wc -l')
        run = [sbxtest.sbx_path(), "run", "-p", "mine", "--", self.probe, "names"]
        done = sbxtest.run(["unshare", "--user", "--map-current-user", "--keep-caps", "--mount",
                            "sh", "-c", script, "sh", *run], env=self.env)
        self.assertIn("status 0", done.out, done)
        self.assertEqual(done.err.count("cannot keep the log"), 1, done)
        self.assertIn("No space left on device", done.err)
        self.assertIn("denied acct", done.err)
        self.assertEqual(done.out.split()[-1], "1", done)  # the second run found room again

    def test_parallel_runs_do_not_mix(self):
        many = int(os.environ.get("SBX_TEST_PARALLEL", "40"))
        runs = [self.start("-q", what=("names",)) for _ in range(many)]
        for run in runs:
            with run:
                self.assertEqual(run.wait(120), 0, run.texts())
        text = "".join(file.read_text() for file in (self.place / "state" / "sbx").iterdir())
        events = [json.loads(line) for line in text.splitlines()]  # each line whole
        self.assertEqual(len(events), many * 5)
        for kind in ("started", "denied", "ended"):
            self.assertEqual(len({event["run"] for event in events if event["event"] == kind}), many)


class Why(LogCase):
    def test_the_story_of_a_run(self):
        self.assertTwoLineError(self.sbx("why"), 125, "no run is in the log")
        self.assertStatus(self.denied(what=("calls", "3")), 0)
        done = self.sbx("why")
        self.assertStatus(done, 1)
        self.assertIn(f"of {self.probe} calls 3 under the policy mine", done.out)
        self.assertRegex(done.out, r"denied swapon\(.*3 times until")
        self.assertIn("default.toml:", done.out)
        self.assertIn("ended with status 0", done.out)
        first = self.events()[0]
        for name in ("last", "mine", "denied", first["run"], first["run"][:15], str(first["supervisor"])):
            self.assertEqual(self.sbx("why", name).out, done.out, name)
        self.assertTwoLineError(self.sbx("why", "nothing"), 125, "no run")

    def test_a_crash_and_the_denial_before_it(self):
        done = self.denied(what=("jit",))
        self.assertStatus(done, 128 + signal.SIGSEGV)
        told = self.sbx("why").out
        self.assertIn("mprotect(", told)
        self.assertIn("probably a JIT", told)
        self.assertIn("see memory.wx", told)

    def test_what_was_fixed_is_allowed_once_the_file_is_renamed(self):
        local = self.write(self.policies / "mine.local.toml",
                           'schema = 1\n[seccomp]\n# kept\nallow = ["uname"]\n')
        self.assertIn("denied swapon", self.denied(what=("names",)).err)
        old = local.read_text()
        done = self.sbx("why", "--fix", "mine")
        self.assertStatus(done, 0)
        new = self.policies / "mine.local.toml.new"
        self.assertEqual(local.read_text(), old, "nothing is put into force")
        self.assertEqual(new.stat().st_mode & 0o777, 0o600)
        self.assertIn("# kept", new.read_text())
        new.rename(local)
        self.assertStatus(self.sbx("check", "mine"), 0)
        after = self.denied(what=("names",))
        self.assertEqual(after.err, "", after)  # the kernel refuses them, sbx does not
        self.assertIn("nothing to add", self.sbx("why", "--fix", "mine").out)

    def test_a_policy_given_as_a_file_is_fixed_beside_it(self):
        file = self.write(self.place / "other.toml", 'schema = 1\n[policy]\nextends = ["default"]\n')
        self.sbx("run", "-p", file, "--", self.probe, "calls")
        self.assertStatus(self.sbx("why", "--fix"), 0)
        fixed = pathlib.Path(f"{file}.new")
        self.assertIn('"swapon"', fixed.read_text())
        self.assertIn('extends = ["default"]', fixed.read_text())


class Sinks(LogCase):
    def receiver(self, name):
        path = self.place / name
        received = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(received.close)
        received.bind(str(path))
        path.chmod(0o777)
        received.settimeout(20)
        return received, path

    def test_the_journal_and_syslog_get_a_datagram_each(self):
        journal, journal_path = self.receiver("journal")
        syslog, syslog_path = self.receiver("log")
        done = self.denied("--sink", f"journald:{journal_path}", "--sink", f"syslog:{syslog_path}")
        self.assertStatus(done, 0)
        entry = journal.recv(65536).decode()
        for field in ("MESSAGE=denied swapon(", "SBX_SYSCALL=swapon\n", "SBX_POLICY=mine\n", "PRIORITY=4\n",
                      "MESSAGE_ID=d8c15e1e3d734e6a93ee4b190013cf97\n"):
            self.assertIn(field, entry)
        line = syslog.recv(65536).decode()
        self.assertRegex(line, r"^<12>\w+ +\d+ [\d:]+ sbx\[\d+\]: denied swapon\(")
        self.assertNotIn("\n", line)

    def test_a_sink_that_is_not_there_is_one_warning(self):
        done = self.denied("--sink", f"journald:{self.place}/none", what=("names",))
        self.assertStatus(done, 0)
        self.assertEqual(done.err.count("cannot report to the journal"), 1, done)
        self.assertTwoLineError(self.denied("--sink", "mail"), 125, "report.sinks", hint="journald")

    def test_a_descriptor_gets_lines_and_the_command_does_not_get_it(self):
        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        done = self.denied("--sink", f"fd:{writing}", pass_fds=(writing,))
        os.close(writing)
        self.assertStatus(done, 0)
        lines = [json.loads(line) for line in os.read(reading, 65536).splitlines()]
        self.assertEqual([line["event"] for line in lines], ["started", "denied", "ended"])
        self.assertTwoLineError(self.denied("--sink", "fd:77"), 125, "descriptor 77", hint="open it")

    def test_a_reader_that_does_not_read_holds_nothing_up(self):
        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        self.addCleanup(os.close, writing)
        os.set_blocking(writing, False)
        while True:
            try:
                os.write(writing, b"x" * 4096)
            except BlockingIOError:
                break
        os.set_blocking(writing, True)
        self.assertStatus(self.denied("--sink", f"fd:{writing}", pass_fds=(writing,)), 0)

    def test_a_command_outside_is_given_the_events(self):
        into = self.place / "notified"
        script = self.write(self.place / "notify", f'#!/bin/sh\ncat >>{into}\n', mode=0o755)
        done = self.denied("--notify-command", script, what=("names",))
        self.assertStatus(done, 0)
        lines = [json.loads(line) for line in into.read_text().splitlines()]
        self.assertEqual([line["call"] for line in lines], ["swapon", "acct", "settimeofday"])
        into.unlink()
        self.assertStatus(self.denied("--notify-command", script, what=("calls", "0")), 0)
        self.assertFalse(into.exists(), "there was nothing to notify of")


class Restart(LogCase):
    def test_a_crash_is_followed_by_a_start_and_an_exit_status_is_not(self):
        # The third start finds what the first two left.
        work = self.directory()
        script = f'echo x >>{work}/starts; [ $(wc -l <{work}/starts) -lt 3 ] && kill -SEGV $$; exit 7'
        done = self.sbx("run", "--rw", work, "--restart", "on-crash", "--", "sh", "-c", script)
        self.assertStatus(done, 7)
        self.assertEqual((work / "starts").read_text(), "x\n" * 3)
        self.assertEqual(self.kinds().count("restarted"), 2)
        self.assertEqual(len({event["run"] for event in self.events()}), 1)
        self.assertStatus(self.sbx("run", "--restart", "never", "--", "sh", "-c", "kill -SEGV $$"),
                          128 + signal.SIGSEGV)

    def test_a_signal_ends_the_command_and_the_run(self):
        with sbxtest.start_sbx("run", "--ro", sbxtest.stage().probes, "--restart", "on-crash", "--",
                               sbxtest.probe("ending"), "stay", env=self.env) as running:
            running.wait_for("ready\n")
            running.signal(signal.SIGTERM)
            self.assertEqual(running.wait(), 128 + signal.SIGTERM)
        self.assertEqual(self.kinds().count("restarted"), 0)

    def test_a_signal_ends_the_run_in_a_pause_and_a_storm_is_told(self):
        with self.start("--restart", "on-crash", what=("crash",)) as running:
            storm = wait_until(lambda: "restart storm" in running.texts()[1], timeout=60)
            self.assertTrue(storm, running.texts())
            running.signal(signal.SIGTERM)
            self.assertEqual(running.wait(), 128 + signal.SIGTERM)
        self.assertEqual([event["storm"] for event in self.events() if event["event"] == "restarted"][:5],
                         [False] * 4 + [True])

    def test_the_time_limit_is_that_of_all_starts(self):
        done = self.denied("--restart", "on-crash", "--limit", "time=1", what=("crash",))
        self.assertStatus(done, 124)

    def test_killing_sbx_kills_everything(self):
        with sbxtest.start_sbx("run", "--ro", sbxtest.stage().probes, "--restart", "on-crash", "--",
                               sbxtest.probe("ending"), "stay", env=self.env) as running:
            running.wait_for("ready\n")
            running.signal(signal.SIGKILL)
            running.wait()
        self.assertNothingLeft()

    def test_one_report_of_all_starts(self):
        report = self.place / "report"
        done = self.denied("--restart", "on-crash", "--limit", "time=1", "--report", report, what=("crash",))
        self.assertStatus(done, 124)
        kinds = [json.loads(line)["event"] for line in report.read_text().splitlines()]
        self.assertEqual(kinds[:4], ["started", "crashed", "ended", "restarted"])


if __name__ == "__main__":
    sbxtest.main()
