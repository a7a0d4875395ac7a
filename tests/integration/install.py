#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""cmake --install puts everything in its place, and what is installed works from there."""

import gzip
import os
import shutil
import subprocess
import tempfile
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)
from sbxtest import sbx  # noqa: E402

BUILD = os.environ.get("SBX_BUILD", str(sbxtest.ROOT / "build" / "release"))


class Install(sbxtest.TestCase):
    def install(self, prefix, destdir=None):
        cmake = shutil.which("cmake")
        if not cmake:
            self.skipTest("cmake is not installed")
        env = dict(os.environ)
        env.pop("DESTDIR", None)
        if destdir:
            env["DESTDIR"] = str(destdir)
        subprocess.run([cmake, "--install", BUILD, "--prefix", str(prefix)], check=True, env=env,
                       stdout=subprocess.DEVNULL)

    def place(self):
        path = pathlib.Path(tempfile.mkdtemp(prefix="sbx-install-"))
        self.addCleanup(shutil.rmtree, path, ignore_errors=True)
        path.chmod(0o755)
        self.remains.files.add(str(path))
        return path

    def assertInPlace(self, root):
        for name in ("bin/sbx", "share/sbx/policies/base.toml", "share/sbx/policies/default.toml",
                     "share/sbx/policies/nginx.toml", "share/sbx/policies/strict.toml",
                     "share/bash-completion/completions/sbx", "share/zsh/site-functions/_sbx",
                     "share/fish/vendor_completions.d/sbx.fish", "share/man/man1/sbx.1"):
            self.assertTrue((root / name).is_file(), name)
        mode = (root / "bin/sbx").stat().st_mode & 0o7777
        self.assertEqual(mode, 0o755, "setuid-free: never a special bit")

    def test_with_a_prefix(self):
        prefix = self.place()
        self.install(prefix)
        self.assertInPlace(prefix)
        # Its own policies, not the build tree's: that one is out of reach in this run.
        done = sbxtest.run([prefix / "bin/sbx", "list"])
        self.assertStatus(done, 0)
        for name in ("default", "nginx", "strict"):
            self.assertIn(name, done.out)
        done = sbxtest.run([prefix / "bin/sbx", "show", "nginx", "--origin"])
        self.assertStatus(done, 0)
        self.assertIn(str(prefix / "share/sbx/policies"), done.out)
        done = sbxtest.run([prefix / "bin/sbx", "run", "--", "echo", "installed"])
        self.assertStatus(done, 0)
        self.assertEqual(done.out, "installed\n")

    def test_with_destdir(self):
        destdir = self.place()
        self.install("/usr", destdir)
        self.assertInPlace(destdir / "usr")
        outside = [str(path) for path in destdir.iterdir()]
        self.assertEqual(outside, [str(destdir / "usr")])

    def test_the_manual_page_is_readable(self):
        prefix = self.place()
        self.install(prefix)
        page = (prefix / "share/man/man1/sbx.1").read_bytes()
        if page.startswith(b"\x1f\x8b"):
            page = gzip.decompress(page)
        man = shutil.which("man", path=sbxtest.environment()["PATH"])
        if not man:
            self.skipTest("man is not installed")
        done = subprocess.run([man, "--warnings", "-l", str(prefix / "share/man/man1/sbx.1")],
                              capture_output=True, check=False, text=True,
                              env=sbxtest.environment(MANWIDTH="80"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr, "")
        self.assertIn("sbx", done.stdout)


if __name__ == "__main__":
    sbxtest.main()
