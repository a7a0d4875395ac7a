#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What every shipped policy keeps from the program that runs under it. In place of each program
stands another one that tries: the policy is what is tested, and it does not know the difference.
Each attempt has a control that shows it works without sbx."""

import os
import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)
from realtest import SECRET, Listener, RealCase  # noqa: E402

NOT_FOR_PROGRAMS = {"base", "strict"}
# Who may start other programs, whose network is the host's, who sees keys.
STARTS_PROGRAMS = {"default", "git", "tar", "bash", "build", "python3", "perl", "node", "java",
                   "initdb", "interpreter"}
ON_THE_NETWORK = {"client", "curl", "wget", "ssh", "git"}
SEES_KEYS = {"ssh", "git"}
WRITES_HERE = {"workdir", "interactive", "client", "curl", "wget", "git", "rsync", "tar", "xz",
               "sqlite3", "build", "bash", "vim"}
WRITES_CODE = {"node", "java"}
EXECUTES_ITSELF = {"nginx", "redis-server", "memcached"}
PUBLISHED = {"nginx": 80, "apache2": 80, "redis-server": 6379, "memcached": 11211, "postgres": 5432}

CONNECT = """use Socket;
socket(my $s, PF_INET, SOCK_STREAM, 0) or die "socket: $!";
connect($s, sockaddr_in(PORT, INADDR_LOOPBACK)) or die "connect: $!";
print <$s>;"""


def shipped():
    """Every policy but those that are another one under a further name."""
    found = {}
    for path in sorted((sbxtest.ROOT / "policies").glob("*.toml")):
        text = path.read_text()
        settings = [line for line in text.splitlines() if line and not line.startswith("#")]
        is_alias = len(settings) == 4 and settings[-1].startswith("extends")
        if not is_alias and path.stem not in NOT_FOR_PROGRAMS:
            found[path.stem] = path
    return found


POLICIES = sorted(shipped())
ALONE = [name for name in POLICIES if name not in ("workdir", "offline", "interactive", "base")]


class Shipped(RealCase):
    def under(self, policy, *words, **options):
        # A port that is taken on this machine must not be why something does not work.
        ports = (["-P", f"127.0.0.1:{sbxtest.free_port()}:{PUBLISHED[policy]}"]
                 if policy in PUBLISHED else [])
        # Where filesystem.exec names the server alone, what stands in for it is named too.
        stands_in = (["--exec", os.path.realpath(shutil.which(str(words[0])))]
                     if policy in EXECUTES_ITSELF else [])
        return self.run_sbx("-p", policy, *ports, *stands_in, "--", *words, **options)

    def test_what_is_granted(self):
        """The control of all below: under each policy a program starts, reads and prints."""
        for policy in ALONE:
            with self.subTest(policy):
                got = self.under(policy, "cat", "/etc/passwd")
                self.assertStatus(got, 0)
                self.assertIn("root:", got.out)

    def test_every_policy_is_right(self):
        for path in sorted((sbxtest.ROOT / "policies").glob("*.toml")):
            with self.subTest(path.stem):
                checked = sbxtest.sbx("check", path.stem)
                self.assertStatus(checked, 0)
                self.assertNotIn("warning", checked.err)

    def test_keys(self):
        key = self.keys() / "secret"
        self.assertIn(SECRET, self.bare("cat", key).out)
        for policy in ALONE:
            with self.subTest(policy):
                # From the home directory, where those that show the current one would show all.
                got = self.under(policy, "cat", key, cwd=sbxtest.ACCOUNT.home)
                if policy in SEES_KEYS:
                    self.assertIn(SECRET, got.out, got)
                else:
                    self.assertNotEqual(got.status, 0, got)
                    self.assertNotIn(SECRET, got.out)
                    self.assertRegex(got.err, "No such file|Permission denied")

    def test_keys_in_a_home_that_is_granted(self):
        key = self.keys() / "secret"
        for policy in ("tar", "vim", "build", "python3", "curl"):
            with self.subTest(policy):
                got = self.run_sbx("-p", policy, "--home", "write", "--", "cat", key)
                self.assertNotEqual(got.status, 0)
                self.assertNotIn(SECRET, got.out)
        shown = self.run_sbx("-p", "default", "--home", "read", "--", "cat", key)
        self.assertIn(SECRET, shown.out, "the control: default covers nothing of what is granted")

    def test_files_outside(self):
        self.write(self.outside / "other", SECRET)
        for policy in ALONE:
            with self.subTest(policy):
                self.assertNotIn(SECRET, self.under(policy, "cat", self.outside / "other").out)
                self.under(policy, "sh", "-c", f"echo changed > {self.outside}/other")
                self.assertEqual((self.outside / "other").read_text(), SECRET)
        self.assertIn(SECRET, self.bare("cat", self.outside / "other").out)

    def test_writing_to_the_current_directory(self):
        for policy in ALONE:
            with self.subTest(policy):
                file = self.work / f"by-{policy}"
                self.under(policy, "sh", "-c", f"echo written > {file}")
                self.assertEqual(file.exists(), policy in WRITES_HERE)

    def test_other_programs(self):
        """execve by a program that runs already, as an exploit would."""
        for policy in ALONE:
            with self.subTest(policy):
                got = self.under(policy, "sh", "-c", "exec /bin/echo started")
                if policy in STARTS_PROGRAMS:
                    self.assertEqual(got.out, "started\n", got)
                else:
                    self.assertNotIn("started", got.out)
                    self.assertDenied(got, "execve")
        self.assertEqual(self.bare("sh", "-c", "exec /bin/echo started").out, "started\n")

    def test_the_network(self):
        listener = Listener()
        self.addCleanup(listener.close)
        script = CONNECT.replace("PORT", str(listener.port))
        for policy in ALONE:
            with self.subTest(policy):
                before = listener.connections
                got = self.under(policy, "perl", "-e", script)
                reached = policy in ON_THE_NETWORK
                self.assertEqual("reached the host" in got.out, reached, got)
                self.assertEqual(listener.connections > before, reached)
        self.assertIn("reached the host", self.bare("perl", "-e", script).out)

    def test_a_converter_has_no_sockets(self):
        for policy in ("converter", "ffmpeg", "convert", "gs", "pdftotext", "xz", "untrusted",
                       "less", "vim", "tar", "sqlite3"):
            with self.subTest(policy):
                got = self.under(policy, "perl", "-e", CONNECT.replace("PORT", "1"))
                self.assertDenied(got, "socket")

    def test_writable_and_executable_memory(self):
        program = ("import mmap; mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | "
                   "mmap.PROT_EXEC); print('mapped')")
        for policy in ("default", "python3", "perl", "node", "java", "bash", "git", "build"):
            with self.subTest(policy):
                got = self.under(policy, "python3", "-c", program)
                self.assertEqual("mapped" in got.out, policy in WRITES_CODE, got)
        self.assertIn("mapped", self.bare("python3", "-c", program).out)

    def test_untrusted_computes(self):
        numbers = "".join(f"{n * 7919 % 1000}\n" for n in range(5000))
        lines = self.write(self.work / "lines", numbers)
        shown = ("-p", "untrusted", "--ro", lines)
        for words in (["sort", "-n", "--parallel=2"], ["sha256sum"],
                      ["awk", "{ n += $1 } END { print n }"],
                      ["gzip", "-c"], ["xz", "-T2", "-c"], ["wc", "-l"], ["sed", "s/9/nine/g"],
                      ["tac"],
                      ["python3", "-c", "import sys; print(len(open(sys.argv[1]).read()))"],
                      ["perl", "-ne", "$n += $_; END { print $n }"]):
            with self.subTest(words[0]):
                got = self.works(*shown, "--", *words, lines)
                self.assertEqual(got.out, self.bare(*words, lines).out)

    def test_untrusted_makes_no_process(self):
        got = self.under("untrusted", "sh", "-c", "(echo child)")
        self.assertDenied(got, "clone")
        self.assertNotIn("child", got.out)
        got = self.under("untrusted", "sh", "-c", "echo x > /tmp/a && echo y > ~/b && echo alone")
        self.assertEqual(got.out, "alone\n", got)
        self.assertNoDenials(got.err)


if __name__ == "__main__":
    sbxtest.main()
