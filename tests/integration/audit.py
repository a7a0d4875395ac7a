#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""sbx audit: records of this machine's kernel, made by a probe, and logs as files."""

import json
import os
import pathlib
import signal
import socket
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)
from sbxtest import sbx  # noqa: E402

RECORD = ('type=SECCOMP msg=audit({time}.400:{serial}): auid=1000 uid=1000 gid=1000 ses=3 pid={pid} '
          'comm="{comm}" exe="/srv/{comm}" sig=31 arch=c000003e syscall={call} compat=0 '
          'ip=0x7f9a9db65829 code=0x80000000 \x1dAUID="unset" ARCH=x86_64 SYSCALL=unknown-syscall(-1)\n')
WANTED = {"kill_process": ("getpid", "kill_process"), "kill_thread": ("getpid", "kill_thread"),
          "log": ("getpid", "log"), "errno": ("getpid", "errno"), "x32": ("x32 getpid", "log"),
          "int80": ("i386 getpid", "kill_process"), "odd_name": ("getpid", "log")}


def record(call=101, comm="k", time=1795332202, serial=7, pid=1 << 22):
    return RECORD.format(call=call, comm=comm, time=time, serial=serial, pid=pid)


class Control:
    """The same multicast group, read here: what the kernel sent, to hold sbx to."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 9)
        try:
            self.socket.bind((0, 1))
        except OSError:
            self.socket.close()
            self.socket = None
        else:
            self.socket.setblocking(False)

    def records_of(self, pids):
        """{pid: text} of the SECCOMP records that came."""
        found = {}
        while True:
            try:
                data = self.socket.recv(16384)
            except BlockingIOError:
                return found
            text = data[16:].decode("utf-8", "replace")
            for pid in pids:
                if int.from_bytes(data[4:6], sys.byteorder) == 1326 and f" pid={pid} " in text:
                    found[pid] = text

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.socket:
            self.socket.close()


def provoke():
    """{pid: what it did}."""
    done = sbxtest.run([sbxtest.probe("audit_records"), *WANTED])
    assert done.status == 0, done
    made = {}
    for line in done.out.splitlines():
        pid, what, _ = line.split()
        made[int(pid)] = what
    return made


class OfThisKernel(sbxtest.TestCase):
    def setUp(self):
        super().setUp()
        if not sbxtest.IS_ROOT:
            raise unittest.SkipTest(sbxtest.BY_DESIGN + "the kernel shows its records to root only")

    def check(self, what, shown):
        text, action = WANTED[what]
        self.assertEqual(shown["what"], text)
        self.assertEqual(shown["action"], action)
        self.assertEqual(shown.get("signal"), "SIGSYS" if action.startswith("kill") else None)
        self.assertTrue(shown["exe"].endswith("/audit_records"), shown)
        self.assertEqual(shown["uid"], sbxtest.ACCOUNT.uid)
        if what == "odd_name":
            self.assertEqual(shown["comm"], 'a\\n\\x1b[31m " b')

    def test_follow_shows_what_the_kernel_sends(self):
        made, sent = {}, {}
        with Control() as control:
            if control.socket is None:
                return  # this root may not listen; what sbx says then is tested below
            for _ in range(20):
                made.update(provoke())
                time.sleep(0.2)
                sent.update(control.records_of(made))
                if sent:
                    break
            else:
                return  # this kernel sends none
        with Control() as control, sbxtest.Running(
                [sbxtest.sbx_path(), "audit", "--follow", "--json", "--match", "exe=*/audit_records"],
                as_root=True) as running:
            # The probe may be quicker than the start of sbx: repeated until its first record came.
            made, sent = {}, {}
            end = time.monotonic() + sbxtest.TIMEOUT
            while b"}" not in running.out and time.monotonic() < end:
                made.update(provoke())
                time.sleep(0.2)
            made.update(provoke())
            self.assertTrue(sbxtest.wait_until(
                lambda: sent.update(control.records_of(made)) or any(pid in sent for pid in made)))
            last = max(sent)
            sbxtest.wait_until(lambda: f'"pid":{last},' in running.texts()[0].replace(" ", ""))
            running.signal(signal.SIGINT)
            self.assertEqual(running.wait(), 0, running.texts())
        shown = {entry["pid"]: entry for entry in map(json.loads, running.texts()[0].splitlines())}
        first = min(shown)
        for pid, text in sent.items():
            if pid >= first:
                self.assertIn(pid, shown, text)
                self.check(made[pid], shown[pid])
        self.assertIn(last, shown)

    def test_the_kernel_log(self):
        made = provoke()
        try:
            log = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        except OSError:
            self.assertStatus(sbx("audit", "/dev/kmsg", as_root=True), 125)
            return
        lines = []
        try:
            while True:
                try:
                    lines.append(os.read(log, 16384).decode("utf-8", "replace"))
                except BrokenPipeError:
                    continue
        except BlockingIOError:
            pass
        finally:
            os.close(log)
        written = {pid for pid in made for line in lines
                   if f" pid={pid} " in line and "audit: type=1326 " in line}
        done = sbx("audit", "/dev/kmsg", "--json", "--match", "exe=*/audit_records", as_root=True)
        self.assertStatus(done, 0)
        groups = json.loads(done.out)["groups"]
        for what in {made[pid] for pid in written}:
            self.assertIn(WANTED[what], [(group["what"], group["action"]) for group in groups])


class OfFiles(sbxtest.TestCase):
    def log(self, *parts):
        return self.write(self.directory() / "audit.log", "".join(parts))

    def test_equal_records_are_counted(self):
        done = sbx("audit", self.log(record(), record(time=1795332260), record(call=39)))
        self.assertStatus(done, 0)
        header, first, second = done.out.splitlines()
        self.assertEqual(header.split(), "COUNT FIRST LAST UNIT EXE CALL ACTION".split())
        self.assertEqual(first.split(), ["2", "2026-11-22T07:23:22Z", "2026-11-22T07:24:20Z", "-",
                                         "/srv/k", "ptrace", "kill_process", "SIGSYS"])
        self.assertEqual(second.split()[5], "getpid")

    def test_standard_input(self):
        done = sbx("audit", "-", stdin=record().encode())
        self.assertStatus(done, 0)
        self.assertIn("ptrace", done.out)

    def test_what_cannot_be_read_is_said_and_is_no_silence(self):
        path = self.log(record(), record()[:150] + "\n", "\x00\x01garbage\n", record(serial=9)[:-120])
        done = sbx("audit", "--alert-on", "crash", path)
        self.assertIn("3 records are cut off, garbled", done.err)
        self.assertStatus(done, 2)
        self.assertStatus(sbx("audit", "--alert-on", "kill", path), 1)
        self.assertStatus(sbx("audit", path), 0)
        lost = "[13304.581213] kauditd_printk_skb: 44 callbacks suppressed\n"
        done = sbx("audit", "--alert-on", "kill", "-", stdin=lost.encode())
        self.assertIn("the kernel log left out 44 records", done.err)
        self.assertStatus(done, 2)

    def test_status_for_monitoring(self):
        path = self.log(record(), record(call=39, comm="a"))
        for condition, status in (("kill", 1), ("call=ptrace and exe=/srv/k", 1), ("crash", 0),
                                  ("call=ptrace and exe=/srv/a", 0), ("call=@debug", 1)):
            done = sbx("audit", "--alert-on", condition, path)
            self.assertStatus(done, status)
            self.assertEqual("ALERT" in done.out, status == 1)
        self.assertStatus(sbx("audit", "--since", "@1795332300", "--alert-on", "kill", path), 0)
        done = sbx("audit", "--alert-on", "kil", path)
        self.assertStatus(done, 125)
        self.assertIn("did you mean kill?", done.err)

    def test_escapes_do_not_reach_the_terminal(self):
        odd = record().replace('comm="k"', "comm=1B5B33316D").replace('exe="/srv/k"', "exe=2F1B5B33316D0A")
        done = sbx("audit", self.log(odd))
        self.assertStatus(done, 0)
        self.assertIn("/\\x1b[31m\\n", done.out)
        self.assertNotIn("\x1b", done.out + done.err)

    def test_the_unit_is_only_that_of_the_same_process(self):
        """This test's own pid, in a record of another program, and in one from before it started."""
        other = record(pid=os.getpid(), time=int(time.time()) + 60)
        done = sbx("audit", "--json", self.log(other))
        self.assertEqual(json.loads(done.out)["groups"][0]["unit"], "")

    def test_following_a_file_that_is_replaced(self):
        path = self.directory() / "audit.log"
        path.write_text(record(comm="old"))
        path.chmod(0o644)
        with sbxtest.start_sbx("audit", "--follow", "--since", "@0", path) as running:
            running.wait_for("/srv/old")
            with open(path, "a") as log:
                log.write(record(comm="half")[:60])
                log.flush()
                time.sleep(0.5)
                log.write(record(comm="half")[60:])
            running.wait_for("/srv/half")
            path.rename(path.with_suffix(".1"))
            path.write_text(record(comm="next"))
            path.chmod(0o644)
            running.wait_for("/srv/next")
            with open(path, "r+") as log:
                log.truncate(0)
            time.sleep(0.6)
            with open(path, "a") as log:
                log.write(record(comm="e"))
            running.wait_for("/srv/e\n")
            running.signal(signal.SIGTERM)
            self.assertEqual(running.wait(), 0)
        self.assertEqual(running.texts()[1], "")

    def test_a_million_lines_in_flat_memory(self):
        # The sanitizers' build is slow, and reserves terabytes of addresses.
        sanitized = b"__asan_init" in pathlib.Path(sbxtest.sbx_path()).read_bytes()
        blocks = 30 if sanitized else 334
        path = self.directory() / "audit.log"
        with open(path, "w") as log:
            block = "".join(record(call=i % 300, comm=f"k{i % 50}", serial=i, pid=100 + i)
                            for i in range(3000))
            for _ in range(blocks):
                log.write(block)
        path.chmod(0o644)
        limit = 64 << 20  # of address space; the log has 280 megabytes
        bound = "" if sanitized else f"ulimit -v {limit >> 10}; "
        done = sbxtest.run(["sh", "-c", bound + 'exec "$@"', "sh", sbxtest.sbx_path(), "audit",
                            "--json", path], timeout=600)
        self.assertStatus(done, 0)
        found = json.loads(done.out)
        self.assertEqual(found["records"], 3000 * blocks)
        self.assertEqual(found["unreadable"], 0)
        self.assertEqual(sum(group["count"] for group in found["groups"]), 3000 * blocks)

    def test_an_ordinary_user_is_told_what_to_do(self):
        done = sbx("audit")
        if done.status == 0:
            return  # this machine's log may be read by everybody
        self.assertStatus(done, 125)
        self.assertIn("sudo sbx audit", done.err)

    def test_files_that_cannot_be_read(self):
        done = sbx("audit", "/no/such/file")
        self.assertStatus(done, 125)
        self.assertIn("cannot read /no/such/file", done.err)
        self.assertStatus(sbx("audit", "/"), 125)


if __name__ == "__main__":
    sbxtest.main()
