#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Attempts of one run to decide about the next: by a policy planted where sbx looks for policies, by
a changed policy file, or by a symbolic link in a directory that is granted later. Each is first done
without sbx, where the next run falls for it."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)

POLICY = 'schema = 1\n[policy]\ndescription = "planted"\nextends = ["default"]\n'
# Shell commands that plant a policy in $BASE/.config/sbx/policies, by all ways that a directory can
# be had: made, put in another's place, led to by a link.
PLANT = 'mkdir -p .config/sbx/policies && cp {source} .config/sbx/policies/planted.toml'
WAYS = {
    "make": PLANT,
    "rename-parent": "mv .config .gone; " + PLANT,
    "rename-directory": "mv .config/sbx .config/gone; " + PLANT,
    "remove-parent": "rm -rf .config; " + PLANT,
    "link-parent": "mkdir -p other/sbx/policies && cp {source} other/sbx/policies/planted.toml; "
                   "mv .config .gone; rm -f .config; ln -s other .config",
    "exchange-parent": "mkdir -p other/sbx/policies && cp {source} other/sbx/policies/planted.toml; "
                       "mv --exchange -T other .config 2>/dev/null || "
                       "{{ mv .config .gone; mv other .config; }}",
    "chmod": "chmod -R u+rwx .config; " + PLANT,
}
# What stands there before the attempt.
BEFORE = {
    "nothing": "true",
    "config": "mkdir .config",
    "all": "mkdir -p .config/sbx/policies && echo secret > .config/sbx/note",
    "link": "mkdir dotfiles && ln -s dotfiles .config",
}


class OwnFiles(sbxtest.TestCase):
    def place(self, before):
        base = self.directory()
        self.shell(BEFORE[before], base)
        return base, sbxtest.environment(XDG_CONFIG_HOME=str(base / ".config"))

    def shell(self, code, base):
        return sbxtest.run(["sh", "-c", code], cwd=str(base))

    def policies(self, environment):
        done = sbxtest.sbx("list", "--names", env=environment)
        self.assertStatus(done, 0)
        return done.out.split()

    def test_a_policy_cannot_be_planted(self):
        source = self.write(self.directory() / "planted.toml", POLICY)
        for before in BEFORE:
            for way, code in WAYS.items():
                with self.subTest(f"{way} with {before}"):
                    code = code.format(source=source)
                    base, environment = self.place(before)
                    self.shell(code, base)
                    self.assertIn("planted", self.policies(environment), "positive control")

                    base, environment = self.place(before)
                    done = sbxtest.sbx("run", "--rw", base, "--ro", source, "--workdir", base, "--",
                                       "sh", "-c", code + "; echo over", env=environment)
                    self.assertIn("over", done.out, done)
                    self.assertNotIn("planted", self.policies(environment), done)

    def test_secrets_cannot_be_read(self):
        base, environment = self.place("all")
        for grant in ("--ro", "--rw"):
            done = sbxtest.sbx("run", grant, base, "--", "sh", "-c",
                               f"cat {base}/.config/sbx/note; chmod 700 {base}/.config/sbx; "
                               f"cat {base}/.config/sbx/note; echo x > {base}/.config/sbx/x",
                               env=environment)
            self.assertNotIn("secret", done.out, done)
            self.assertNotEqual(done.status, 0, done)
        self.assertFalse((base / ".config/sbx/x").exists())

    def test_they_can_be_granted_for_reading_alone(self):
        base, environment = self.place("all")
        done = sbxtest.sbx("run", "--ro", base / ".config/sbx", "--", "cat",
                           base / ".config/sbx/note", env=environment)
        self.assertIn("secret", done.out, done)
        done = sbxtest.sbx("run", "--rw", base / ".config/sbx/policies", "--", "true", env=environment)
        self.assertStatus(done, 125)
        self.assertIn("sbx's own files are there", done.err)

    def test_the_policy_file_of_this_run_stays(self):
        for code in ("echo '# more' >> conf/mine.toml", "rm -f conf/mine.toml", "mv conf conf2",
                     "echo > new; mv -f new conf/mine.toml"):
            with self.subTest(code):
                base = self.make_tree()
                self.shell(code, base)
                self.assertNotEqual(self.text(base), POLICY, "positive control")
                base = self.make_tree()
                done = sbxtest.sbx("run", "--policy", base / "conf/mine.toml", "--rw", base,
                                   "--workdir", base, "--", "sh", "-c", code + "; echo over")
                self.assertIn("over", done.out, done)
                self.assertEqual(self.text(base), POLICY)

    def make_tree(self):
        base = self.directory()
        self.shell("mkdir conf", base)
        self.write(base / "conf" / "mine.toml", POLICY)
        return base

    @staticmethod
    def text(base):
        try:
            return (base / "conf" / "mine.toml").read_text()
        except FileNotFoundError:
            return None

    def test_a_directory_of_the_search_path_stays(self):
        base = self.directory()
        self.shell("mkdir policies", base)
        environment = sbxtest.environment(SBX_POLICY_PATH=str(base / "policies"))
        source = self.write(self.directory() / "planted.toml", POLICY)
        done = sbxtest.sbx("run", "--rw", base, "--ro", source, "--workdir", base, "--", "sh", "-c",
                           f"cp {source} policies; mv policies p2; mkdir policies; cp {source} policies; "
                           "echo over", env=environment)
        self.assertIn("over", done.out, done)
        self.assertNotIn("planted", self.policies(environment))

    def test_the_program_itself_stays(self):
        base = self.directory()
        own = base / "bin"
        self.shell(f"mkdir -p bin share && cp {sbxtest.sbx_path()} bin && "
                   f"cp -r {sbxtest.stage().directory}/share/sbx share", base)
        before = (own / "sbx").read_bytes()
        done = sbxtest.run([own / "sbx", "run", "--rw", base, "--workdir", base, "--", "sh", "-c",
                            "echo x >> bin/sbx; rm -f bin/sbx; mv bin b; mv share s; "
                            "echo > share/sbx/policies/planted.toml; echo over"])
        self.assertIn("over", done.out, done)
        self.assertEqual((own / "sbx").read_bytes(), before)
        self.assertFalse((base / "share/sbx/policies/planted.toml").exists())


class PlantedLinks(sbxtest.TestCase):
    def test_a_link_of_one_run_is_not_followed_by_the_next(self):
        outside = self.directory()
        secret = self.write(outside / "secret", "not granted\n")
        for code, granted in ((f"ln -s {outside} sub", "sub"), (f"ln -s {secret} sub", "sub"),
                              (f"mkdir a; rmdir a; ln -s {outside} a", "a/secret")):
            with self.subTest(code):
                out = self.directory()
                done = sbxtest.sbx("run", "--rw", out, "--workdir", out, "--", "sh", "-c", code)
                self.assertStatus(done, 0)
                path = out / granted
                control = sbxtest.run(["cat", path / "secret" if path.is_dir() else path])
                self.assertIn("not granted", control.out, "the link leads there")
                for option in ("--rw", "--ro"):
                    for word in (path, f"{path}=/data"):
                        done = sbxtest.sbx("run", option, word, "--", "sh", "-c",
                                           f"cat {path} {path}/secret /data /data/secret; true")
                        self.assertStatus(done, 125)
                        self.assertIn("symbolic link", done.err)
                        self.assertNotIn("not granted", done.out)

    def test_the_systems_own_links_are_followed(self):
        done = sbxtest.sbx("run", "--ro", "/etc/localtime", "--", "ls", "-l", "/etc/localtime", "/bin")
        self.assertStatus(done, 0)


if __name__ == "__main__":
    sbxtest.main()
