#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The formats of the tools around sbx, on those tools themselves: a profile of Docker's kind under
sbx run, exported profiles under runc, exported scripts under bubblewrap, and hostile files."""

import json
import os
import pathlib
import shutil
import sys

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)
from sbxtest import sbx  # noqa: E402

# An allow-list as engines ship them, in small: what sh, mkdir and ls call.
ALLOWED = """access arch_prctl brk chdir clone close dup2 dup3 execve exit exit_group faccessat faccessat2
fchmodat fcntl fstat fstatfs futex getcwd getdents64 getegid geteuid getgid getpgrp getpid getppid
getrandom getuid getxattr ioctl lgetxattr lseek lstat mkdir mkdirat mmap mprotect munmap newfstatat open
openat pipe pipe2 poll pread64 prlimit64 read readlink readlinkat rseq rt_sigaction rt_sigprocmask
rt_sigreturn set_robust_list set_tid_address setpgid stat statfs statx sysinfo umask uname vfork wait4
write writev""".split()


def profile(*without):
    return json.dumps({
        "defaultAction": "SCMP_ACT_ERRNO",
        "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]},
                    {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": None}],
        "syscalls": [{"names": [name for name in ALLOWED if name not in without],
                      "action": "SCMP_ACT_ALLOW"},
                     {"names": ["chroot"], "action": "SCMP_ACT_ALLOW",
                      "includes": {"caps": ["CAP_SYS_CHROOT"]}}]}, indent=1)


def is_sanitized():
    return b"__asan_init" in pathlib.Path(sbxtest.sbx_path()).read_bytes()


class InteropCase(sbxtest.TestCase):
    def setUp(self):
        super().setUp()
        self.work = self.directory()

    def file(self, name, content):
        path = self.work / name
        self.write(path, content)
        return str(path)


class Docker(InteropCase):
    def test_a_shell_under_a_profile_with_and_without_mkdir(self):
        whole = self.file("whole.json", profile())
        done = sbx("run", "--seccomp", whole, "--", "sh", "-c", "cd /tmp && mkdir test && ls -d test")
        self.assertStatus(done, 0)
        self.assertEqual(done.out, "test\n")
        less = self.file("less.json", profile("mkdir", "mkdirat"))
        done = sbx("run", "--seccomp", less, "--", "sh", "-c", "cd /tmp && mkdir test")
        self.assertStatus(done, 1)
        self.assertIn("Operation not permitted", done.err)
        self.assertRegex(done.err, r"denied mkdir(at)?\(")
        self.assertRegex(done.err, r"less\.json:2\b")

    def test_the_imported_policy_does_the_same(self):
        less = self.file("less.json", profile("mkdir", "mkdirat"))
        policy = str(self.work / "less.toml")
        done = sbx("import", less, "-o", policy)
        self.assertStatus(done, 0)
        self.assertIn("syscalls[1] SCMP_ACT_ALLOW chroot: only with CAP_SYS_CHROOT", done.err)
        self.assertIn("proof: ", done.err)
        self.assertStatus(sbx("check", policy), 0)
        done = sbx("run", "--policy", policy, "--", "sh", "-c", "cd /tmp && mkdir test")
        self.assertStatus(done, 1)
        self.assertRegex(done.err, r"denied mkdir(at)?\(")
        self.assertRegex(done.err, r"less\.toml:\d+")

    def test_verbs_take_a_profile_for_a_policy(self):
        whole, less = self.file("whole.json", profile()), self.file("less.json", profile("mkdir", "mkdirat"))
        done = sbx("diff", "--neutral", whole, less)
        self.assertStatus(done, 1)
        self.assertIn("more in A  mkdir", done.out)
        done = sbx("explain", less, "mkdir")
        self.assertStatus(done, 1)
        self.assertIn("less.json:2", done.out)
        report = json.loads(sbx("import", "--json", less).out)
        self.assertEqual(report["format"], "oci")
        self.assertEqual({"mapped", "changed", "dropped"},
                         {finding["kind"] for finding in report["findings"]})
        self.assertStatus(sbx("import", "--strict", "-q", less), 1)

    def test_a_profile_comes_back_as_it_was(self):
        """What no policy uses too: comments, order, names that no kernel has, conditions, a listener."""
        texts = {"own": profile("mkdir").replace('"action"', '"comment": "x\x7f\u00e9 #| [", "action"', 1)
                 .replace('"mkdirat"', '"no_such_call", "mkdirat"')
                 .replace('"defaultAction"', '"listenerPath": "/run/agent", "defaultAction"', 1)}
        debian = pathlib.Path("/usr/share/containers/seccomp.json")
        texts["debian"] = debian.read_text()
        for name, text in texts.items():
            with self.subTest(profile=name):
                source, policy = self.file(f"{name}.json", text), str(self.work / f"{name}.toml")
                back = self.work / "back.json"
                self.assertStatus(sbx("import", "-q", source, "-o", policy), 0)
                self.assertStatus(sbx("check", policy), 0)
                for operand in (policy, source):
                    self.assertStatus(sbx("export", "-q", "--to", "docker", operand, "-o", str(back)), 0)
                    self.assertEqual(json.loads(back.read_text()), json.loads(text))
                    self.assertEqual(back.read_text().replace("\\u007f", "\x7f"), text)
        # Only Docker's dialect has what it has.
        policy = str(self.work / "own.toml")
        done = sbx("export", "--to", "oci", policy)
        self.assertNotIn("archMap", json.loads(done.out))
        self.assertIn("only Docker's dialect has them", done.err)
        # A policy that was changed is what counts.
        changed = pathlib.Path(policy).read_text().replace('"chdir", ', "", 1)
        policy = self.file("changed.toml", changed)
        done = sbx("export", "--to", "docker", policy)
        self.assertStatus(done, 0)
        self.assertIn("the policy decides otherwise by now", done.err)
        self.assertNotIn("no_such_call", done.out)
        allowed = [name for rule in json.loads(done.out)["syscalls"] for name in rule["names"]
                   if rule["action"] == "SCMP_ACT_ALLOW"]
        self.assertNotIn("chdir", allowed)
        self.assertIn("getcwd", allowed)

    def test_a_config_json_gives_its_profile_back(self):
        inner = json.loads(profile())
        config = self.file("config.json", json.dumps({"ociVersion": "1.0.2", "linux": {"seccomp": inner}}))
        policy, back = str(self.work / "app.toml"), self.work / "back.json"
        self.assertStatus(sbx("import", "-q", config, "-o", policy), 0)
        self.assertStatus(sbx("export", "-q", "--to", "docker", policy, "-o", str(back)), 0)
        self.assertEqual(json.loads(back.read_text()), inner)

    def test_every_pair_of_formats_is_compared(self):
        operands = ["default", self.file("p.json", profile()), self.file("p.toml", "schema = 1\n"),
                    self.file("p.profile", "include default.local\nnoroot\nseccomp\n"),
                    self.file("p.service", "[Service]\nExecStart=/bin/true\nSystemCallFilter=@system-service\n")]
        for a in operands:
            for b in operands:
                done = sbx("diff", "--neutral", a, b)
                self.assertStatus(done, 0 if a == b else 1)
                self.assertIn("are equal" if a == b else "A is ", done.out)

    def test_import_and_export_come_to_the_same(self):
        less = self.file("less.json", profile("mkdir", "mkdirat"))
        again = str(self.work / "again.json")
        self.assertStatus(sbx("export", "-q", "--to", "docker", less, "-o", again), 0)
        done = sbx("diff", "--neutral", less, again)
        self.assertNotIn("more in B", done.out)


class Hostile(InteropCase):
    def refused(self, content, *expected, name="hostile.json"):
        path = self.work / name
        self.write(path, "")
        path.write_bytes(content)
        self.import_refused(f"{sbxtest.sbx_path()} import {path}", *expected)

    def import_refused(self, command, *expected):
        """With less memory than what is read would fill, if all of it were kept."""
        # The sanitizers reserve terabytes of addresses.
        bound = "" if is_sanitized() else f"ulimit -v {256 << 10}; "
        done = sbxtest.run(["sh", "-c", bound + command])
        self.assertStatus(done, 125)
        self.assertEqual(done.out, "")
        for text in expected:
            self.assertIn(text, done.err)

    def test_malformed_files(self):
        self.refused(b'{"a":' * 100_000, "nested deeper")
        self.refused(b'{"defaultAction":1,"defaultAction":2}', "stands twice")
        self.refused(b'{"defaultAction":"\xff"}', "is no JSON")
        self.refused(b"nothing of any kind\n", "cannot tell the format")
        self.refused(b"[" * 100_000, "cannot tell the format")
        self.refused(b'{"syscalls":' + b"[" * 100_000, "nested deeper")
        self.refused(b'{"defaultAction":"SCMP_ACT_ERRNO","a":[' + b"0," * (1 << 20) + b"0]}", "more than", "values")

    def test_malformed_profiles_of_firejail(self):
        for content, expected in ((b"noroot\ninclude hostile.profile\n", "hostile.profile:2"),
                                  (b"noroot\nblacklist /" + b"x" * 100_000 + b"\n", "hostile.profile:2"),
                                  (b"noroot\n" * 100_000, "more than 50000 lines"),
                                  (b"ignore noroot\n" * 2_000, "more than 1000 ignore lines")):
            self.refused(content, expected, name="hostile.profile")
        # Every level includes the next one many times: 16 levels would be 10^16 lines.
        for level in range(17):
            self.write(self.work / f"{level}.inc", f"include {level + 1}.inc\n" * 10)
        self.refused(b"include 0.inc\n" * 10, "hint:", name="hostile.profile")
        # Bytes that are no text are no reason to fail, nor to write what cannot be read.
        path = self.write(self.work / "bytes.profile", "")
        path.write_bytes(b"include disable-nothing.local\nblacklist /\xff\xfe\x01\nenv A=\xff\n\xff\n")
        out = self.work / "bytes.toml"
        done = sbx("import", str(path), "-o", str(out))
        self.assertIn(done.status, (0, 125), done.err)
        if done.status == 0:
            self.assertStatus(sbx("check", str(out)), 0)

    def test_a_file_of_a_gigabyte(self):
        path = self.work / "large.json"
        self.write(path, "")
        os.truncate(path, 1 << 30)
        self.import_refused(f"{sbxtest.sbx_path()} import {path}", "EFBIG")
        # From a pipe, whose size nobody knows before.
        self.import_refused(f"yes noroot | head -c 1G | {sbxtest.sbx_path()} import /dev/stdin", "EFBIG")


def every_policy():
    """Of those that ship; under the sanitizers, where each takes long, some."""
    names = sbx("list", "--names").out.split()
    return names[::10] if is_sanitized() else names


class Formats(InteropCase):
    ACTIONS = {"SCMP_ACT_" + word for word in ("ALLOW", "ERRNO", "KILL_PROCESS", "LOG", "NOTIFY")}
    COMPARISONS = {"SCMP_CMP_" + word for word in ("NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ")}

    def exported(self, to, name, ending):
        path = self.work / f"{name}{ending}"
        self.assertStatus(sbx("export", "-q", "--to", to, name, "-o", str(path)), 0)
        return path.read_text()

    def expect_profile(self, profile, *heads):
        """What the runtime specification says of linux.seccomp, and an engine's types would refuse."""
        self.assertEqual(set(profile) - {"defaultErrnoRet"}, {"defaultAction", "syscalls", *heads})
        self.assertIn(profile["defaultAction"], self.ACTIONS)
        for rule in profile["syscalls"]:
            self.assertTrue(rule["names"])
            self.assertEqual(len(set(rule["names"])), len(rule["names"]))
            self.assertIn(rule["action"], self.ACTIONS)
            self.assertLessEqual(set(rule), {"names", "action", "errnoRet", "args", "comment"})
            self.assertTrue("errnoRet" not in rule or rule["action"] == "SCMP_ACT_ERRNO", rule)
            for argument in rule.get("args", []):
                self.assertIn(argument["op"], self.COMPARISONS)
                self.assertIn(argument["index"], range(6))
                for value in (argument["value"], argument.get("valueTwo", 0)):
                    self.assertIn(value, range(1 << 64))

    def test_every_policy_in_every_format(self):
        for name in every_policy():
            with self.subTest(policy=name):
                oci = json.loads(self.exported("oci", name, ".json"))
                self.expect_profile(oci, "architectures")
                docker = json.loads(self.exported("docker", name, ".json"))
                self.expect_profile(docker, "archMap")
                self.assertEqual([rule["names"] for rule in oci["syscalls"]],
                                 [rule["names"] for rule in docker["syscalls"]])
                snippet = yaml.safe_load(self.exported("kubernetes", name, ".yaml"))["securityContext"]
                self.assertEqual(snippet["seccompProfile"], {"type": "Localhost", "localhostProfile": f"{name}.json"})
                self.assertEqual(json.loads((self.work / f"{name}.json").read_text())["defaultAction"],
                                 oci["defaultAction"])
                entry = yaml.safe_load(self.exported("security-profiles-operator", name, ".yaml"))
                self.assertEqual((entry["kind"], entry["spec"]["defaultAction"]), ("SeccompProfile", oci["defaultAction"]))
                self.assertLessEqual(set(entry["spec"]), {"defaultAction", "architectures", "syscalls", "flags"})


class Engines(InteropCase):
    # As different as shipped policies get; the last one allows too little for an engine.
    POLICIES = ["default", "nginx", "less", "postgres", "untrusted", "strict"]

    def bundle(self, seccomp):
        """A rootless container with one static program."""
        bundle = self.work / "bundle"
        if not bundle.exists():
            for directory in (bundle, bundle / "rootfs", bundle / "rootfs" / "proc", bundle / "state"):
                directory.mkdir()
            shutil.copy(sbxtest.probe("bare_strict"), bundle / "rootfs" / "program")
            if sbxtest.IS_ROOT:
                for path in [bundle, *bundle.rglob("*")]:
                    os.chown(path, sbxtest.ACCOUNT.uid, sbxtest.ACCOUNT.gid)
        config = {
            "ociVersion": "1.0.2",
            "process": {"terminal": False, "user": {"uid": 0, "gid": 0}, "args": ["/program"],
                        "env": [], "cwd": "/", "noNewPrivileges": True, "capabilities": {}},
            "root": {"path": "rootfs", "readonly": True},
            "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
            "linux": {
                "namespaces": [{"type": kind} for kind in ("user", "mount", "pid", "ipc", "uts")],
                "uidMappings": [{"containerID": 0, "hostID": sbxtest.ACCOUNT.uid, "size": 1}],
                "gidMappings": [{"containerID": 0, "hostID": sbxtest.ACCOUNT.gid, "size": 1}]}}
        if seccomp is not None:
            config["linux"]["seccomp"] = seccomp
        self.write(bundle / "config.json", json.dumps(config))
        return bundle

    def contained(self, seccomp, name):
        bundle = self.bundle(seccomp)
        runc = shutil.which("runc") or "/usr/sbin/runc"
        return sbxtest.run([runc, "--root", str(bundle / "state"), "--rootless=true", "run",
                            "--bundle", str(bundle), name], stdin=b"echoed\n")

    def test_runc_starts_a_container_with_each_profile(self):
        # The control: whether this host lets an ordinary user have a container at all.
        control = self.contained(None, "control")
        for name in self.POLICIES:
            with self.subTest(policy=name):
                path = str(self.work / f"{name}.json")
                self.assertStatus(sbx("export", "-q", "--to", "oci", name, "-o", path), 0)
                seccomp = json.loads(pathlib.Path(path).read_text())
                self.assertEqual(seccomp["defaultAction"][:9], "SCMP_ACT_")
                if control.status != 7:
                    continue
                done = self.contained(seccomp, name)
                if name != "strict":
                    self.assertStatus(done, 7)
                    self.assertEqual(done.out, "echoed\n")
                else:
                    self.assertNotEqual(done.status, 7)
        # And that is said.
        report = json.loads(sbx("export", "--json", "--to", "oci", "strict").out)
        self.assertIn("starting a program with runc",
                      [finding["what"] for finding in report["findings"]])

    def test_objects_for_clusters(self):
        for name in ("nginx", "c++"):
            path = str(self.work / "out.yaml")
            self.assertStatus(sbx("export", "-q", "--to", "kubernetes", name, "-o", path), 0)
            snippet = yaml.safe_load(pathlib.Path(path).read_text())["securityContext"]
            beside = snippet["seccompProfile"]["localhostProfile"]
            self.assertEqual(beside, "out.json")
            json.loads((self.work / beside).read_text())
            self.assertIs(snippet["allowPrivilegeEscalation"], False)
            done = sbx("export", "-q", "--to", "security-profiles-operator", name)
            self.assertStatus(done, 0)
            entry = yaml.safe_load(done.out)
            self.assertEqual(entry["kind"], "SeccompProfile")
            self.assertRegex(entry["metadata"]["name"], r"\A[a-z0-9]([-a-z0-9]*[a-z0-9])?\Z")
            for rule in entry["spec"]["syscalls"]:
                self.assertTrue(rule["names"])
                for argument in rule.get("args", []):
                    self.assertLess(max(argument["value"], argument.get("valueTwo", 0)), 1 << 63)

    def test_bubblewrap_runs_the_script(self):
        for name in ("default", "python3"):
            with self.subTest(policy=name):
                script = str(self.work / f"{name}.sh")
                self.assertStatus(sbx("export", "-q", "--to", "bwrap", name, "-o", script), 0)
                done = sbxtest.run([script, "sh", "-c", "echo inside; cat /proc/self/status; mkdir /x"])
                self.assertIn("inside\n", done.out)
                self.assertIn("Seccomp:\t2\n", done.out)
                self.assertIn("CapEff:\t0000000000000000\n", done.out)
                self.assertIn("Read-only file system", done.err)

    def test_bubblewrap_does_with_every_policy_what_sbx_does(self):
        """A program that does nothing starts under the script or does not, as under the policy."""
        for name in every_policy():
            with self.subTest(policy=name):
                script = str(self.work / f"{name}.sh")
                self.assertStatus(sbx("export", "-q", "--to", "bwrap", name, "-o", script), 0)
                own = sbx("run", "-q", "--policy", name, "--", "true")
                if own.status == 125:
                    continue  # this host lacks what the policy wants
                # Which programs may be executed is Landlock's, and told as lost.
                expected = 0 if "does not let" in own.err else own.status
                self.assertStatus(sbxtest.run([script, "true"]), expected)

    def test_what_is_of_several_files_needs_a_name(self):
        done = sbx("export", "--to", "bwrap", "default")
        self.assertStatus(done, 125)
        self.assertIn("-o FILE", done.err)
        done = sbx("export", "--to", "ocy", "default")
        self.assertStatus(done, 125)
        self.assertIn("did you mean oci?", done.err)


if __name__ == "__main__":
    sbxtest.main()
