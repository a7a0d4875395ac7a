#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What becomes of a denied call: an event that names it, its place and its remedy; a count that is
exact whatever the command does; a crash with what was denied before; a summary at the end."""

import json
import os
import pathlib
import re
import signal
import sys
import time

import jsonschema

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)
from sbxtest import sbx  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs/events.schema.json").read_text())
X86 = os.uname().machine == "x86_64"


def granted():
    return ["--ro", str(sbxtest.stage().probes)]


class EventsCase(sbxtest.TestCase):
    """Runs with a report, which must fit the schema."""

    def run_told(self, *words, **options):
        report = self.write(self.directory() / "report.json", "")
        done = sbx("run", "--report", report, *granted(), *words, **options)
        return done, self.read(report)

    def read(self, report):
        events = [json.loads(line) for line in report.read_text().splitlines()]
        check = jsonschema.Draft202012Validator(SCHEMA)
        for event in events:
            for error in check.iter_errors(event):
                self.fail(f"{event}: {error.message}")
        self.assertEqual({event["run"] for event in events}, {events[0]["run"]})
        self.assertEqual((events[0]["event"], events[-1]["event"]), ("started", "ended"))
        return events

    def denied(self, events, call=None):
        """By id, as last told."""
        return list({event["id"]: event for event in events
                     if event["event"] == "denied" and call in (None, event["call"])}.values())


class Example(EventsCase):
    """Four calls allowed, getpid not among them."""

    POLICY = """
        schema = 1

        [policy]
        extends = ["strict"]

        [remove]
        seccomp.allow = ["rt_sigreturn"]
        """

    def test_the_event_leads_to_the_line_that_makes_it_run(self):
        work = self.directory()
        policy = self.write(work / "four.toml", self.POLICY)
        program = sbxtest.probe("bare_getpid")
        done, events = self.run_told("--policy", policy, "--", program)
        self.assertStatus(done, 128 + signal.SIGSYS)
        self.assertEqual(done.out, "before\n")
        [denied] = self.denied(events)
        self.assertEqual((denied["call"], denied["number"]), ("getpid", 39 if X86 else 172))
        place = denied["place"]
        self.assertEqual(place["function"], "ask_for_pid")
        self.assertIn(place["source"], ("bare_getpid.c", "bare.h"))  # the instruction is in an inline function
        source = (ROOT / "tests/probes" / place["source"]).read_text().splitlines()
        self.assertRegex(source[place["line"] - 1], "__NR_getpid|syscall|svc")
        self.assertIn(f"ask_for_pid ({place['source']}:{place['line']})", done.err)
        if X86:
            caller = denied["callers"][0]
            self.assertEqual((caller["function"], caller["source"]), ("_start", "bare_getpid.c"))
            source = (ROOT / "tests/probes/bare_getpid.c").read_text().splitlines()
            self.assertIn("ask_for_pid()", source[caller["line"] - 1])
        self.assertEqual(denied["rule"], "not in allow")
        self.assertEqual(denied["remedy"]["line"], 'seccomp.allow = ["getpid"]')
        self.assertEqual(events[-1]["ending"], "violation")
        # Exactly that line.
        repaired = self.write(work / "repaired.toml",
                              self.POLICY.replace("schema = 1", "schema = 1\n" + denied["remedy"]["line"]))
        done, events = self.run_told("--policy", repaired, "--", program)
        self.assertStatus(done, 0)
        self.assertEqual(done.out, "before\nafter\n")
        self.assertEqual(done.err, "")
        self.assertEqual(self.denied(events), [])

    def test_the_summary(self):
        done, events = self.run_told("--policy", "strict", "--on-violation", "errno", "--",
                                     sbxtest.probe("bare_getpid"))
        self.assertIn("sbx: in this run one call was denied:\n           1 x getpid()", done.err)
        self.assertIn("to allow it, in ~/.config/sbx/policies/strict.local.toml:\n"
                      '       seccomp.allow = ["getpid"]\n', done.err)
        self.assertEqual(events[-1]["denied"], 1)
        quiet, _ = self.run_told("--quiet", "--policy", "strict", "--on-violation", "errno", "--",
                                 sbxtest.probe("bare_getpid"))
        self.assertEqual(quiet.err, "")

    def test_the_caller_of_a_library_is_named(self):
        if not X86:
            return  # the return address is in a register there
        done, events = self.run_told("--deny", "chroot", "--on-violation", "kill", "--",
                                     sbxtest.probe("denials"), "pointers")
        [denied] = self.denied(events)
        self.assertEqual(denied["place"]["function"], "syscall")
        functions = [caller["function"] for caller in denied["callers"]]
        self.assertTrue({"odd_pointers", "main"} & set(functions), denied["callers"])
        self.assertIn("denials.c", [caller["source"] for caller in denied["callers"]])
        self.assertIn("called from denials+0x", done.err)


class Flood(EventsCase):
    def test_the_count_is_exact_and_the_supervisor_does_not_grow(self):
        threads, each = 8, 125_000
        report = self.write(self.directory() / "report.json", "")
        with sbxtest.start_sbx("run", "--report", report, "--deny", "getpgid", *granted(), "--",
                               sbxtest.probe("denials"), "flood", str(threads), str(each)) as run:
            most = []
            while run.process.poll() is None:
                match = re.search(r"VmRSS:\s+(\d+)", self.status(run.process.pid))
                most.append(int(match.group(1)) if match else 0)
                time.sleep(0.05)
            self.assertEqual(run.wait(), 0, run.texts())
            out, err = run.texts()
        self.assertEqual(out, "done 1\n")  # the other thread went on
        events = self.read(report)
        [denied] = self.denied(events, "getpgid")
        self.assertEqual(denied["count"], threads * each)
        self.assertEqual(events[-1]["denied"], threads * each)
        self.assertLess(denied["first_us"], denied["last_us"])
        self.assertLess(report.stat().st_size, 20_000)
        self.assertIn(f"{threads * each} x getpgid(", err)
        self.assertLess(len(err), 4000)
        steady = [size for size in most[len(most) // 4:] if size]
        if len(steady) > 4:
            self.assertLess(max(steady) - min(steady), 1024, most)  # KiB

    @staticmethod
    def status(pid):
        try:
            return pathlib.Path(f"/proc/{pid}/status").read_text()
        except OSError:
            return ""


class Hostile(EventsCase):
    def run_hostile(self, mode):
        done, events = self.run_told("--deny", "chroot,acct,umount2,chdir,getpgid", "--",
                                     sbxtest.probe("denials"), mode)
        self.assertStatus(done, 0)
        self.assertEqual(done.out, "done\n")
        self.assertNotIn("\x1b", done.err)
        self.assertNotIn("\a", done.err)
        # Every line is sbx's: its own start, or the indent of what belongs to it.
        for line in done.err.splitlines():
            self.assertRegex(line, r"^(sbx: |     |hint: )")
        self.assertNotIn("\nsbx: denied nothing", done.err)
        for event in self.denied(events):
            number = {"chroot": (161, 51), "acct": (163, 89), "umount2": (166, 39), "chdir": (80, 49),
                      "getpgid": (121, 155)}
            self.assertEqual(event["number"], number[event["call"]][0 if X86 else 1])  # no lie
        return events

    def test_names_and_strings_that_are_escapes_and_pointers_to_nothing(self):
        events = self.run_hostile("pointers")
        told = {event["call"]: event for event in self.denied(events)}
        self.assertEqual(told["chroot"]["arguments"], "0x8")
        self.assertEqual(told["acct"]["arguments"], '"aaaaaa"…')
        self.assertEqual(told["umount2"]["arguments"], "0xffffffffffffffff, 0")
        self.assertEqual(told["chdir"]["arguments"], r'"\x1b[31mred\nsbx: denied nothing"')
        self.assertEqual(told["chdir"]["thread"], r"\x1b]0;own\x07\nsbx:")

    def test_arguments_that_change_under_the_report(self):
        events = self.run_hostile("rewriting")
        [denied] = self.denied(events)
        self.assertEqual(denied["count"], 200)
        self.assertRegex(denied["arguments"], r'^"/(first|other|[a-z]+)"$')

    def test_threads_that_die_while_they_are_described(self):
        self.run_hostile("dying")

    def test_threads_that_are_stopped_and_killed_in_a_denial(self):
        events = self.run_hostile("stopping")
        told = sum(event["count"] for event in self.denied(events, "chroot"))
        self.assertGreaterEqual(told, 40, events)

    def test_a_file_name_that_is_an_escape(self):
        work = self.directory()
        program = work / "x\nsbx: denied nothing\x1b[31m"
        program.write_bytes(pathlib.Path(sbxtest.probe("denials")).read_bytes())
        program.chmod(0o755)
        if sbxtest.IS_ROOT:
            os.chown(program, sbxtest.ACCOUNT.uid, sbxtest.ACCOUNT.gid)
        done = sbx("run", "--deny", "chroot,chdir", "--ro", work, "--", program, "pointers")
        self.assertNotIn("\x1b", done.err)
        self.assertNotIn("\nsbx: denied nothing", done.err)
        self.assertIn(r"x\nsbx: denied nothing\x1b[31m", done.err)


class Crash(EventsCase):
    def test_the_command_crashes_after_a_refusal(self):
        done, events = self.run_told("--", sbxtest.probe("denials"), "jit")
        self.assertStatus(done, 128 + signal.SIGSEGV)
        [denied] = self.denied(events)
        self.assertEqual((denied["call"], denied["layer"]), ("mprotect", "write-exec"))
        self.assertEqual(denied["remedy"]["line"], 'memory.wx = "allow"')
        [crashed] = [event for event in events if event["event"] == "crashed"]
        self.assertEqual((crashed["signal"], crashed["command"], crashed["denial"]),
                         (signal.SIGSEGV, True, denied["id"]))
        self.assertTrue(crashed["same_thread"])
        self.assertIn("PROT_EXEC", crashed["denied_call"])
        self.assertIn("W^X refused mprotect(", done.err)
        self.assertRegex(done.err, r"before, mprotect\(.*\) was denied in the same thread")

    def test_a_worker_crashes_after_a_refusal(self):
        release = tuple(int(part) for part in re.findall(r"\d+", os.uname().release)[:2])
        if release < (6, 15):
            return  # the kernel tells nobody but the parent
        done, events = self.run_told("--", sbxtest.probe("denials"), "worker")
        self.assertStatus(done, 0)
        self.assertEqual(done.out, f"worker ended by {int(signal.SIGSEGV)}\n")
        [crashed] = [event for event in events if event["event"] == "crashed"]
        self.assertEqual((crashed["signal"], crashed["command"], crashed["program"]),
                         (signal.SIGSEGV, False, "denials"))
        self.assertNotEqual(crashed["denial"], 0)


if __name__ == "__main__":
    sbxtest.main()
