#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""CPython's own tests under the policy python3. They try every corner of the system, so some must
fail; each that does is named here with the reason, passes without sbx, and no other one fails."""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)
from realtest import RealCase  # noqa: E402

MODULES = ["test_os", "test_posix", "test_subprocess", "test_socket", "test_json", "test_tempfile",
           "test_pathlib", "test_shutil", "test_select", "test_mmap", "test_fcntl", "test_thread",
           "test_stat", "test_zlib"]

# The kernel has UDP-Lite and the policy base has not: 142 tests of one protocol.
IGNORED = ["*UDPLITE*"]

NOEXEC = "what can be written cannot be executed, and access(2) says so"
ONE_UID = "there is one user and one group inside: the kernel knows no other to change to"
DIFFERENCES = {
    "test.test_mmap.MmapTests.test_access_parameter": "maps a file of /tmp executable: W^X",
    "test.test_os.MemfdCreateTests.test_memfd_create": "memfd_create: memory.memfd = deny",
    "test.test_os.ChownFileTests.test_chown_without_permission": ONE_UID,
    "test.test_subprocess.POSIXProcessTestCase.test_args_string": NOEXEC,
    "test.test_subprocess.POSIXProcessTestCase.test_call_string": NOEXEC,
    "test.test_subprocess.POSIXProcessTestCase.test_group": ONE_UID,
    "test.test_subprocess.POSIXProcessTestCase.test_user": ONE_UID,
    **{f"test.test_shutil.{case}.{name}": NOEXEC
       for case in ("TestWhich", "TestWhichBytes")
       for name in ("test_absolute_cmd", "test_basic", "test_environ_path", "test_environ_path_cwd",
                    "test_environ_path_missing", "test_relative_cmd", "test_relative_path")},
}
# Tried, and told of: closed socket families, a root directory and a host name of one's own,
# anonymous executable files, the setgid bit. The tests expect most of it, as a user's lot.
DENIED = {"socket", "chroot", "sethostname", "memfd_create", "chmod"}


class CPython(RealCase):
    def test_its_own_tests(self):
        if self.bare("python3", "-c", "import test.test_os").status != 0:
            self.skipTest("CPython's tests are not installed (libpython3.11-testsuite)")
        words = ["python3", "-m", "test", "-j2", "-v"]
        for pattern in IGNORED:
            words += ["--ignore", pattern]
        inside = self.run_sbx(*words, *MODULES, timeout=300)
        failed = set(re.findall(r"^(?:FAIL|ERROR): \S+ \(([\w.]+)\)", inside.out, re.M))
        self.assertEqual(sorted(failed), sorted(DIFFERENCES), inside.err[-3000:])
        self.assertNotRegex(inside.out, r"crashed|timed out|Exit code -")
        told = set(re.findall(r"^sbx: (?:denied|W\^X refused) (\w+)\(", inside.err, re.M))
        self.assertLessEqual(told, DENIED, inside.err)
        for module in MODULES:
            self.assertRegex(inside.out, rf"\] {module} (passed|failed)|\] {module}\n")
        matching = [word for name in DIFFERENCES for word in ("-m", name)]
        changed = sorted({name.split(".")[1] for name in DIFFERENCES})
        bare = self.bare("python3", "-m", "test", *matching, *changed, timeout=120)
        self.assertStatus(bare, 0)


if __name__ == "__main__":
    sbxtest.main()
