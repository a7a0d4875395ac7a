#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Code that the command wrote itself must not run: the ways round the plain ones, which
integration/confinement.py tries. Each has its positive control."""

import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)

WX = 'schema = 1\n[policy]\nextends = ["default"]\n[memory]\nwx = "allow"\nmemfd = "allow"\n'
CALLS = ("ptrace-text", "vm-writev", "userfaultfd", "remap-file-pages", "mremap-duplicate", "modify-ldt",
         "growsdown-stack", "zero-device", "memfd")


class WriteExec(sbxtest.TestCase):
    def probe(self, *words, options=(), **more):
        return sbxtest.sbx("run", *options, "--ro", sbxtest.stage().probes, "--",
                           sbxtest.probe("written_code"), *words, **more)

    def allowed(self):
        return self.write(self.directory() / "wx.toml", WX)

    def test_calls(self):
        """Also when a policy allows the calls themselves: W^X is not theirs to give."""
        granted = ("--allow", "ptrace,process_vm_writev,userfaultfd,remap_file_pages,@default")
        for way in CALLS:
            with self.subTest(way):
                control = sbxtest.run([sbxtest.probe("written_code"), way])
                done = self.probe(way, options=granted)
                self.assertNotIn("OPEN", done.out, f"{way}: {done}")
                self.assertTrue("BLOCKED" in done.out or done.status >= 128, done)
                if "OPEN" not in control.out:
                    print(f"{way}: {control.out.strip()} without sbx too")

    def test_some_calls_work_without_sbx(self):
        working = [way for way in CALLS
                   if "OPEN" in sbxtest.run([sbxtest.probe("written_code"), way]).out]
        for way in ("ptrace-text", "mremap-duplicate", "memfd"):
            self.assertIn(way, working)

    def test_wx_allow_opens_them(self):
        done = self.probe("mremap-duplicate", options=("--policy", self.allowed()))
        self.assertIn("OPEN", done.out, done)

    def test_a_file_that_the_caller_opened(self):
        """`> out` hands on a file of the host's: what is written there is not mapped executable."""
        for policy, expected in (((), "BLOCKED"), (("--policy", self.allowed()), "OPEN")):
            path = self.write(self.directory() / "out", "")
            shell = ["sh", "-c", 'out=$1; shift; exec "$@" > "$out"', "sh", path, sbxtest.sbx_path(), "run",
                     *policy, "--ro", sbxtest.stage().probes, "--", sbxtest.probe("written_code"), "stdout"]
            done = sbxtest.run(shell)
            self.assertIn(expected, done.err, done)

    def test_a_file_to_read_and_write(self):
        """One file handed on for both, by one descriptor or two; and one to read that the command
        can write by its name."""
        program = sbxtest.probe("written_code")
        sbx = f"{sbxtest.sbx_path()} run --ro {sbxtest.stage().probes}"
        for code in (f"{sbx} -- {program} map /proc/self/fd/1 1<>out",
                     f"{sbx} --rw . -- {program} map /proc/self/fd/0 <out"):
            directory = self.directory()
            self.write(directory / "out", "code\n")
            bare = code.replace(sbx, "exec").replace(" --rw .", "").replace(" --", "")
            control = sbxtest.run(["sh", "-c", bare], cwd=directory)
            self.assertIn("OPEN", control.out + (directory / "out").read_text(), control)
            self.write(directory / "out", "code\n")
            done = sbxtest.run(["sh", "-c", code], cwd=directory)
            said = done.out + done.err + (directory / "out").read_text()
            self.assertNotIn("OPEN", said)
            self.assertTrue("BLOCKED" in said or "ermission" in said, said)
        directory = self.directory()
        self.write(directory / "out", "code\n")
        done = sbxtest.run(["sh", "-c", f"{sbx} -- cat <out >>out"], cwd=directory)
        self.assertStatus(done, 125)
        self.assertIn("descriptors 0 and 1 are one file", done.err)

    def test_positions_are_kept(self):
        directory = self.directory()
        self.write(directory / "in", "one\ntwo\nthree\n")
        code = ("{ read first; %s run --rw . -- cat; } <in; "
                "{ echo a; %s run -- sh -c 'echo b; echo c >&2'; } 1<>both 2>&1; cat both"
                % (sbxtest.sbx_path(), sbxtest.sbx_path()))
        done = sbxtest.run(["bash", "-c", code], cwd=directory)
        self.assertEqual(done.out, "two\nthree\na\nb\nc\n", done)

    def test_output_to_a_file_still_works(self):
        path = self.write(self.directory() / "out", "")
        done = sbxtest.run(["sh", "-c", 'exec "$2" run -- sh -c "cat /etc/passwd; echo x >/dev/stdout" > "$1"',
                            "sh", path, sbxtest.sbx_path()])
        self.assertStatus(done, 0)
        self.assertTrue(path.read_text().endswith("x\n"), done)

    def test_files_move_while_the_output_goes_to_a_file(self):
        """By rename(2) and link(2): mv would copy without a word where the first is refused."""
        path = self.write(self.directory() / "out", "")
        code = ("mkdir a b; echo x >a/x; ln a/x b/linked && "
                "perl -e 'rename q(a/x), q(b/x) or die qq($!\\n)' && echo moved")
        done = sbxtest.run(["sh", "-c", 'exec "$2" run -- sh -c "cd /tmp; $3" > "$1"', "sh", path,
                            sbxtest.sbx_path(), code])
        self.assertStatus(done, 0)
        self.assertEqual(path.read_text(), "moved\n", done)

    def test_one_tree_granted_twice(self):
        """Written by one name, executed and mapped by the other."""
        for executed in ("tree", "part"):
            directory = self.directory()
            part = directory / "part"
            part.mkdir()
            if sbxtest.IS_ROOT:
                os.chown(part, sbxtest.ACCOUNT.uid, sbxtest.ACCOUNT.gid)
            shown = directory if executed == "tree" else part
            code = (f"cp {sbxtest.probe('bare_true')} /data/t; chmod +x /data/t; {part}/t && echo executed; "
                    f"{sbxtest.probe('written_code')} map {part}/t")
            self.assertIn("executed", sbxtest.run(["sh", "-c", code.replace("/data", str(part))]).out)
            done = sbxtest.sbx("run", "--rw", f"{part}=/data", "--ro", shown, "--ro",
                               sbxtest.stage().probes, "--", "sh", "-c", code)
            self.assertNotIn("executed", done.out, done)
            self.assertIn("BLOCKED", done.out, done)

    def test_a_program_that_asks_for_an_executable_stack(self):
        program = sbxtest.stage().probes / "executable_stack"
        self.assertIn("OPEN", sbxtest.run([program]).out)
        done = sbxtest.sbx("run", "--", program)
        self.assertStatus(done, 126)
        self.assertIn("executable stack", done.err)
        done = sbxtest.sbx("run", "--policy", self.allowed(), "--", program)
        self.assertIn("OPEN", done.out, done)

    def test_the_loader_on_a_written_file(self):
        loader = next((path for path in ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1")
                       if os.path.exists(path)), None)
        directory = self.directory()
        for place in ("/tmp", str(directory), "/dev/shm"):
            code = f"cp /usr/bin/true {place}/t; chmod 600 {place}/t; {loader} {place}/t && echo loaded"
            done = sbxtest.sbx("run", "--rw", directory, "--", "sh", "-c", code)
            self.assertNotIn("loaded", done.out, done)
        self.assertIn("loaded", sbxtest.run(["sh", "-c", code.replace(place, str(directory))]).out)


if __name__ == "__main__":
    sbxtest.main()
