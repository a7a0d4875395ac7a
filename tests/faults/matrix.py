#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every system call of a launch made to fail, one at a time, in supervisor, init and sandboxee.

A launch must then be closed: the command has not run, sbx says what it could not do and ends with
125, and nothing is left. Or the fault must be of no effect: the command ran, confined exactly as in
an undisturbed run (tests/probes/state.c prints that). Nothing between the two is allowed.

    matrix.py                  what the test suite runs: each distinct call once, one errno each
    matrix.py --all            every call with every errno (half an hour)
    matrix.py --brief          every call with EPERM, each distinct one with every errno
    matrix.py --brief --write  ... and docs/fault-matrix.md made again (also with --all)
    matrix.py --show 'init 12' EPERM [--launch NAME]    one cell, in full
"""

import argparse
import collections
import concurrent.futures
import errno
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)

ERRNOS = ["EPERM", "ENOMEM", "EINTR", "EMFILE", "ENOSYS", "EAGAIN", "EINVAL"]
PROCESSES = ["supervisor", "init", "sandboxee", "other"]
DOCUMENT = sbxtest.ROOT / "docs" / "fault-matrix.md"
CELL_TIMEOUT = 20
WORKERS = 2

# System calls without an error, by their man pages.
NEVER_FAIL = {"umask", "getpid", "gettid", "getppid", "getuid", "geteuid", "getgid", "getegid", "exit",
              "exit_group", "restart_syscall", "sched_yield"}

# What a cell may come to. The first five are right, the others are defects.
CLOSED, UNAFFECTED, UNSEEN, ENDED, EARLY = "closed", "unaffected", "unseen", "ended", "early"
MUTE, WRONG_STATUS, WEAKENED, LEFT, HUNG, CRASHED, RAN = (
    "MUTE", "WRONG STATUS", "WEAKENED", "LEFT", "HUNG", "CRASHED", "RAN")
RIGHT = (CLOSED, UNAFFECTED, UNSEEN, ENDED, EARLY)

Call = collections.namedtuple("Call", "process number name path which")
Cell = collections.namedtuple("Cell", "outcome says")


def call_names():
    """Number → name on this machine, from sbx's own table."""
    column = {"x86_64": 2, "aarch64": 3}[os.uname().machine]
    table = (sbxtest.ROOT / "src" / "seccomp" / "syscall_numbers.inc").read_text()
    return {int(row[column - 1]): row[0] for row in
            re.findall(r'\{"(\w+)", (-?\d+), (-?\d+)\}', table)}


NAMES = call_names()


class Launch:
    """One command line of sbx whose calls are made to fail."""

    def __init__(self, name, options, directory, as_root=False):
        self.name, self.as_root = name, as_root
        self.directory = directory
        self.command = [sbxtest.sbx_path(), "run", *options, "--ro", str(sbxtest.stage().probes),
                        "--", sbxtest.probe("state")]

    def run(self, *options):
        """(status, stdout, stderr, calls, marks); None if it hangs."""
        own = tempfile.mkdtemp(dir=self.directory)
        os.chmod(own, 0o777)
        log = os.path.join(own, "log")
        command = [word.replace("{OWN}", own) for word in self.command]
        try:
            done = sbxtest.run([sbxtest.probe("inject"), "-l", log, *options, "--", *command],
                               as_root=self.as_root, timeout=CELL_TIMEOUT)
        except subprocess.TimeoutExpired:
            return None
        lines = pathlib.Path(log).read_text().splitlines()
        left = [name for name in os.listdir(own) if name not in ("log", "report")]
        marks = {line.split()[0] for line in lines if line.split()[0] in ("exec", "hit", "left")}
        if left or (os.path.exists(os.path.join(own, "report")) and done.status == 125 and
                    "exec" not in marks):
            marks.add("file")
        shutil.rmtree(own)
        return done.status, done.out.replace(own, "OWN"), done.err.replace(own, "OWN"), lines, marks

    def calls(self):
        """Every call of an undisturbed launch, and what the command says of its confinement."""
        status, out, err, lines, marks = self.run()
        if status != 0 or "exec" not in marks or "end of state" not in out:
            raise AssertionError(f"the undisturbed launch: {status} {out} {err}")
        self.undisturbed = comparable(out)
        found, seen = [], collections.Counter()
        for line in lines:
            process, number, call, *path = line.split(" ") + ["", ""]
            if process in PROCESSES and number.isdigit():
                name = NAMES.get(int(call), call)
                seen[process, name] += 1
                found.append(Call(process, int(number), name, path[0].replace(str(self.directory), ""),
                                  seen[process, name]))
        # Up to its first open it is the C library that starts.
        self.first_own = next(call.number for call in found if call.name in ("openat", "open"))
        # The first is the execve that starts sbx itself.
        return [call for call in self.of_the_launch(found) if call.name not in NEVER_FAIL and
                (call.process, call.number) != ("supervisor", 1)]

    @staticmethod
    def of_the_launch(calls):
        """Up to where each process waits for what comes: the supervisor in its loop, init for
        signals. What follows is not the launch any more."""
        waiting = set()
        for call in calls:
            if call.name in ("epoll_wait", "epoll_pwait", "rt_sigtimedwait"):
                waiting.add(call.process)
            if call.process not in waiting:
                yield call

    def cell(self, call, fault):
        result = self.run("-p", call.process, "-k", str(call.number), "-e",
                          str(getattr(errno, fault)))
        cell = judge(result, self.undisturbed)
        if call.process == "supervisor" and call.number < self.first_own and cell.outcome in (MUTE, CRASHED):
            return Cell(EARLY, cell.says)
        return cell


def comparable(state):
    """Two confinements alike: the numbers of namespaces are new each time."""
    own = {kind: os.readlink(f"/proc/self/ns/{kind}")
           for kind in ("user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "time")}
    lines = []
    for line in state.splitlines():
        for kind, link in own.items():
            if line.startswith(f"namespace {kind}:"):
                line = f"namespace {kind}: {'the host' if link in line else 'own'}"
        lines.append(line)
    return lines


def judge(result, undisturbed):
    if result is None:
        return Cell(HUNG, "")
    status, out, err, _, marks = result
    says = next((line[5:] for line in err.splitlines() if line.startswith("sbx: ")
                 and not line.startswith(("sbx: denied", "sbx: state has"))), "")
    if "hit" not in marks:
        return Cell(UNSEEN, "")  # this launch took another way, and never came there
    if "left" in marks or "file" in marks:
        return Cell(LEFT, says)
    if status > 128:
        return Cell(CRASHED, says)
    if "exec" not in marks:
        if status not in (125, 126, 127):
            return Cell(WRONG_STATUS, f"{status} {says}")
        return Cell(CLOSED if re.search(r"cannot|died|is not|refuse|no ", says) else MUTE, says)
    if status == 0:
        state = comparable(out)
        if state != undisturbed:
            differ = [line for line in state if line not in undisturbed]
            missing = [line for line in undisturbed if line not in state]
            return Cell(WEAKENED, "; ".join(differ[:2]) + " instead of " + "; ".join(missing[:2]))
        return Cell(UNAFFECTED, says)
    if status == 125 and says:
        return Cell(ENDED, says)  # the command ran; sbx could not go on beside it, and ended it
    return Cell(RAN, f"{status} {says}")


def launches(directory):
    every = [Launch("default", [], directory),
             Launch("much", ["--rw", "{OWN}", "--report", "{OWN}/report", "-P", f"127.0.0.1:{sbxtest.free_port()}:80",
                             "--limit", "time=60", "--limit", "files=100", "--tmpfs", "/opt"],
                    directory),
             Launch("exec once", ["--deny", "execve"], directory)]
    if sbxtest.IS_ROOT:
        every.append(Launch("root", [], directory, as_root=True))
    return every


def representative(calls):
    """Each call's first and last occurrence in each process, and some between."""
    last = {(call.process, call.name): call.number for call in calls}
    return [call for call in calls
            if call.which in (1, 2) or call.which % 12 == 0 or
            last[call.process, call.name] == call.number]


def run_cells(launch, pairs):
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        cells = pool.map(lambda pair: launch.cell(*pair), pairs)
        return dict(zip(pairs, cells))


class Faults(sbxtest.TestCase):
    def test_each_distinct_call(self):
        directory = self.directory()
        directory.chmod(0o777)
        for launch in launches(directory):
            pairs = [(call, ERRNOS[i % len(ERRNOS)])
                     for i, call in enumerate(representative(launch.calls()))]
            if launch.name != "default":
                pairs = pairs[len(pairs) % 6::6]
            for (call, fault), cell in run_cells(launch, pairs).items():
                with self.subTest(launch=launch.name, call=call, fault=fault):
                    self.assertIn(cell.outcome, RIGHT, cell.says)


# --- the document -------------------------------------------------------------------------------

HEAD = """# Every system call of a launch, made to fail

Made by `tests/faults/matrix.py --brief --write` (or `--all --write`); do not edit. One cell is one launch in which one system
call of one process did not reach the kernel and failed with that errno
(`tests/faults/inject.c`, by ptrace).

- **closed**: the command has not run; sbx says what it could not do, and ends with 125 (126, 127 where
  the command itself cannot be executed).
- **unaffected**: the command ran, and what `tests/probes/state.c` prints of its confinement (ids,
  capabilities, no_new_privs, filter, Landlock, MDWE, namespaces, mounts, limits, descriptors) is what
  it prints in an undisturbed run.
- **ended**: the fault came when the command ran already; sbx ended it, says why, and ends with 125.
- **early**: the C library ended sbx before its first line ran.
- **unseen**: with this fault before it the launch took another way, and never came to that call.

After every cell: no process, no mount and no file is left. A row stands for calls of one name one
after another that came to the same.
"""


def rows_of(calls, cells, faults):
    """[(process, calls, name, path, outcomes, says)], like neighbours joined."""
    rows = []
    for call in calls:
        outcomes = tuple((fault, cells[call, fault].outcome) for fault in faults if (call, fault) in cells)
        if not outcomes:
            continue
        says = next((cells[call, fault].says for fault in faults
                     if (call, fault) in cells and cells[call, fault].says), "")
        says = re.sub(r" \[[^]]*\]$", "", re.sub(r": [^:]* \(E\w+\)", "", says))
        # Calls that differ only in how often they were tried belong together.
        key = (call.process, call.name, outcomes if len(set(dict(outcomes).values())) > 1
               else (("any", outcomes[0][1]),), says)
        if rows and rows[-1][0] == key:
            rows[-1][1].append(call)
        else:
            rows.append((key, [call]))
    return rows


def described(outcomes):
    by_outcome = collections.defaultdict(list)
    for fault, outcome in outcomes:
        by_outcome[outcome].append(fault)
    if len(by_outcome) == 1:
        return next(iter(by_outcome))
    return "; ".join(f"{outcome}: {' '.join(names)}" for outcome, names in by_outcome.items())


def neutral(text):
    """Nothing of the machine it was made on."""
    text = re.sub(r"/\S*sbx-stage-\w+", "…", text)
    text = re.sub(r"/\S*sbx-faults-\w+(/\w+)?", "…", text)
    return text.replace(sbxtest.ACCOUNT.home, "~").replace("|", "\\|")


def table(launch, calls, cells, faults):
    lines = [f"\n## {launch.name}: `sbx " +
             neutral(" ".join(launch.command[1:])).replace("{OWN}", "DIRECTORY") + "`",
             "", f"{len(calls)} calls, {len(cells)} cells: " +
             ", ".join(f"{count} {outcome}" for outcome, count in
                       collections.Counter(cell.outcome for cell in cells.values()).most_common())]
    for process in PROCESSES:
        rows = [row for row in rows_of(calls, cells, faults) if row[0][0] == process]
        if not rows:
            continue
        lines += ["", f"### {process}", "", "| call | at | outcome | sbx says |", "|---|---|---|---|"]
        for (_, name, outcomes, says), joined in rows:
            times = f" ×{len(joined)}" if len(joined) > 1 else ""
            lines.append(f"| {name}{times} | {neutral(joined[0].path)} | "
                         f"{described(outcomes)} | {neutral(says)} |")
    return lines


def pairs_of(launch, calls, brief):
    if not brief:
        return [(call, fault) for call in calls for fault in ERRNOS]
    distinct = representative(calls)
    if launch.name != "default":
        return [(call, "EPERM") for call in distinct]
    return ([(call, "EPERM") for call in calls] +
            [(call, fault) for call in distinct for fault in ERRNOS[1:]])


def whole_matrix(brief, write):
    defects, lines = 0, [HEAD]
    before = sbxtest.Remains()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="sbx-faults-"))
    directory.chmod(0o777)
    before.files.add(str(directory))
    for launch in launches(directory):
        calls = launch.calls()
        cells = run_cells(launch, pairs_of(launch, calls, brief))
        lines += table(launch, calls, cells, ERRNOS)
        for (call, fault), cell in cells.items():
            if cell.outcome not in RIGHT:
                defects += 1
                print(f"{launch.name}: {call.process} {call.number} {call.name} {call.path} {fault}: "
                      f"{cell.outcome} {cell.says}")
        print(f"{launch.name}: {len(calls)} calls, {len(cells)} cells", flush=True)
    shutil.rmtree(directory)
    sbxtest.wait_until(lambda: not before.found(), timeout=10)
    defects += len(before.found())
    print("\n".join(before.found()) or "nothing is left")
    if write and defects == 0:
        DOCUMENT.write_text("\n".join(lines) + "\n")
    print(f"{defects} defects")
    return 1 if defects else 0


def show(place, fault, name):
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o777)
        launch = next(one for one in launches(pathlib.Path(directory)) if one.name == name)
        launch.calls()
        process, number = place.split()
        result = launch.run("-p", process, "-k", number, "-e", str(getattr(errno, fault)))
        print(judge(result, launch.undisturbed))
        if result:
            print(*result[1:3], sep="--- stderr\n")
            print("status", result[0], result[4], *result[3][-5:], sep="\n")


def main():
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument("--all", action="store_true")
    options.add_argument("--brief", action="store_true")
    options.add_argument("--write", action="store_true")
    options.add_argument("--show", nargs=2)
    options.add_argument("--launch", default="default")
    chosen, rest = options.parse_known_args()
    if chosen.show:
        show(*chosen.show, chosen.launch)
    elif chosen.all or chosen.brief:
        status = whole_matrix(chosen.brief, chosen.write)
        sbxtest.stage().remove()
        sys.exit(status)
    else:
        sys.argv[1:] = rest
        sbxtest.main()


if __name__ == "__main__":
    main()
