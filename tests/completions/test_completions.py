#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the completions of bash, zsh and fish to the options that sbx really has, each tried in its
own shell: after `sbx VERB --` exactly the verb's options are offered, after an option with fixed
words exactly these, after --policy the policies, after a path option the files, and behind the
command's name the command's own completions.

    SBX=build/sbx test_completions.py [SHELL]…

A shell that is not installed is skipped (exit 77), unless SBX_TEST_REQUIRE is set.
"""

import os
import pathlib
import pty
import select
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMPLETIONS = ROOT / "completions"


def read_tree(sbx):
    """(verbs, {verb: {option: (takes_value, words)}}); the verb "-" stands for `sbx` itself."""
    verbs, options = [], {}
    dump = subprocess.run([sbx, "help", "--dump-options"], check=True, capture_output=True, text=True)
    for line in dump.stdout.splitlines():
        kind, verb, *rest = line.split("\t")
        if kind == "verb":
            verbs.append(verb)
            continue
        names, value, words = rest
        for name in names.split(","):
            options.setdefault(verb, {})[name] = (value == "value", words.split("|") if words else [])
    return verbs, options


class Bash:
    name = "bash"

    def complete(self, words, directory):
        # As readline does: an "=" is a word of its own.
        broken = []
        for word in words:
            if word.startswith("--") and "=" in word:
                option, value = word.split("=", 1)
                broken += [option, "="] + ([value] if value else [])
            else:
                broken.append(word)
        script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
                  'COMP_LINE="${COMP_WORDS[*]}"; COMP_POINT=${#COMP_LINE}; _sbx; '
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        done = subprocess.run(["bash", "--norc", "-c", script, "bash", COMPLETIONS / "sbx.bash", *broken],
                              cwd=directory, capture_output=True, text=True)
        assert done.returncode == 0 and not done.stderr, done.stderr
        return {line for line in done.stdout.splitlines() if line}


class Fish:
    name = "fish"

    def complete(self, words, directory):
        script = 'source $argv[1]; complete -C "$argv[2]"'
        home = tempfile.mkdtemp(prefix="sbx-fish-")
        try:
            done = subprocess.run(
                ["fish", "--no-config", "-c", script, str(COMPLETIONS / "sbx.fish"), " ".join(words)],
                cwd=directory, capture_output=True, text=True, env={**os.environ, "HOME": home})
        finally:
            shutil.rmtree(home, ignore_errors=True)
        assert done.returncode == 0, done.stderr
        return {line.split("\t")[0] for line in done.stdout.splitlines() if line}


class Zsh:
    """An interactive zsh in a terminal: its completion system runs nowhere else. What it offers is
    written to a file by a wrapper around compadd."""
    name = "zsh"

    SETUP = r"""
PS1='READY> '
unset zle_bracketed_paste
unsetopt beep
fpath=("$SBX_COMPLETIONS" $fpath)
autoload -Uz compinit && compinit -u -d "$SBX_DUMP"
zstyle ':completion:*' list-prompt ''
zstyle ':completion:*' menu no
LISTMAX=100000
compadd() {
  if (( ${argv[(I)-[OAD]*]} )); then
    builtin compadd "$@"
    return
  fi
  local -a offered
  builtin compadd -O offered "$@"
  (( $#offered )) && print -rl -- $offered >> $SBX_OFFERED
  builtin compadd "$@"
}
sbx-offer() { zle complete-word; print -r -- 'END-OF-OFFER' >> $SBX_OFFERED; }
zle -N sbx-offer
bindkey '^I' sbx-offer
"""

    def complete(self, words, directory):
        with tempfile.TemporaryDirectory(prefix="sbx-zsh-") as home:
            offered = pathlib.Path(home) / "offered"
            (pathlib.Path(home) / ".zshrc").write_text(self.SETUP)
            environment = {**os.environ, "ZDOTDIR": home, "HOME": home, "TERM": "dumb",
                           "SBX_COMPLETIONS": str(COMPLETIONS), "SBX_OFFERED": str(offered),
                           # What compinit finds out takes longer than all else, and is always the same.
                           "SBX_DUMP": str(pathlib.Path(directory) / ".zcompdump")}
            pid, terminal = pty.fork()
            if pid == 0:
                os.chdir(directory)
                os.execvpe("zsh", ["zsh", "-i", "+o", "GLOBAL_RCS"], environment)
            try:
                self.wait_for(terminal, lambda text: "READY>" in text)
                os.write(terminal, (" ".join(words) + "\t").encode())
                self.wait_for(terminal, lambda _: offered.exists()
                              and "END-OF-OFFER" in offered.read_text())
                lines = offered.read_text().splitlines()
            finally:
                os.kill(pid, 9)
                os.waitpid(pid, 0)
                os.close(terminal)
        # A candidate may carry its description or a trailing "=".
        return {line for line in lines if line and line != "END-OF-OFFER"}

    @staticmethod
    def wait_for(terminal, condition, seconds=30):
        text, end = "", time.monotonic() + seconds
        while not condition(text):
            if time.monotonic() > end:
                raise AssertionError("zsh did not answer: " + repr(text[-400:]))
            readable, _, _ = select.select([terminal], [], [], 0.1)
            if readable:
                text += os.read(terminal, 65536).decode(errors="replace")


class Check:
    def __init__(self, shell, directory):
        self.shell, self.directory, self.failures, self.count = shell, directory, [], 0

    def equal(self, words, expected):
        offered = self.offer(words)
        if offered != set(expected):
            self.failures.append(f"{self.shell.name}: after {' '.join(words)!r}: missing "
                                 f"{sorted(set(expected) - offered)}, too many "
                                 f"{sorted(offered - set(expected))[:10]}")

    def contain(self, words, expected, without=()):
        offered = self.offer(words)
        stripped = {word.rstrip("/ ") for word in offered}
        if not set(expected) <= stripped or set(without) & stripped:
            self.failures.append(f"{self.shell.name}: after {' '.join(words)!r}: expected "
                                 f"{sorted(expected)} without {sorted(without)} in "
                                 f"{sorted(offered)[:20]}")

    def offer(self, words):
        self.count += 1
        return self.shell.complete(words, self.directory)


def check_shell(shell, sbx, directory):
    verbs, options = read_tree(sbx)
    check = Check(shell, directory)
    long_names = lambda verb: [name for name in options[verb] if name.startswith("--")]

    check.contain(["sbx", ""], verbs)
    check.equal(["sbx", "--"], long_names("-"))
    for verb in verbs:
        check.equal(["sbx", verb, "--"], long_names(verb))
        for option, (takes_value, words) in options[verb].items():
            if option.startswith("--") and words:
                bare = [word.rstrip("=") for word in words]
                offered = check.offer(["sbx", verb, option, ""])
                if {word.rstrip("=") for word in offered} != set(bare):
                    check.failures.append(f"{shell.name}: {verb} {option}: {sorted(offered)} "
                                          f"instead of {sorted(bare)}")
            if takes_value:
                # Behind the value options are offered again: the shell knows that it takes one.
                check.contain(["sbx", verb, option, "value", "--dry"], ["--dry-run"]
                              if verb == "run" else [])
    policies = subprocess.run([sbx, "list", "--names"], check=True, capture_output=True,
                              text=True).stdout.split()
    assert "default" in policies
    check.contain(["sbx", "run", "--policy", ""], policies)
    check.contain(["sbx", "run", "-p", "defa"], ["default"])
    check.contain(["sbx", "check", ""], policies)
    check.contain(["sbx", "show", ""], policies)
    check.contain(["sbx", "explain", ""], policies)
    check.contain(["sbx", "diff", ""], policies)
    check.contain(["sbx", "show", "own"], ["own.toml"])
    check.contain(["sbx", "help", ""], verbs)
    for option in ("--ro", "--rw", "--hide", "--report"):
        check.contain(["sbx", "run", option, "some"], ["some-file", "some-directory"])
    for option in ("--tmpfs", "--workdir"):
        check.contain(["sbx", "run", option, "some"], ["some-directory"], without=["some-file"])
    # The command, and behind it nothing of sbx's own.
    check.contain(["sbx", "run", "whoa"], ["whoami"])
    check.contain(["sbx", "run", "--quiet", "--ro", "/usr", "whoa"], ["whoami"])
    check.contain(["sbx", "run", "-q", "--", "whoa"], ["whoami"])
    check.contain(["sbx", "run", "cat", "some-f"], ["some-file"])
    check.contain(["sbx", "run", "cat", "--dry"], [], without=["--dry-run"])
    return check


def main():
    sbx = os.path.abspath(os.environ.get("SBX", "build/sbx"))
    wanted = sys.argv[1:] or ["bash", "zsh", "fish"]
    skipped, failures = [], []
    with tempfile.TemporaryDirectory(prefix="sbx-completions-") as directory:
        bin_directory = pathlib.Path(directory) / ".bin"
        bin_directory.mkdir()
        (bin_directory / "sbx").symlink_to(sbx)
        os.environ["PATH"] = f"{bin_directory}:{os.environ['PATH']}"
        (pathlib.Path(directory) / "some-file").touch()
        (pathlib.Path(directory) / "some-directory").mkdir()
        (pathlib.Path(directory) / "own.toml").touch()
        for shell in (Bash(), Zsh(), Fish()):
            if shell.name not in wanted:
                continue
            if shutil.which(shell.name) is None:
                skipped.append(shell.name)
                continue
            check = check_shell(shell, sbx, directory)
            print(f"{shell.name}: {check.count} completions tried, {len(check.failures)} wrong")
            failures += check.failures
    for failure in failures:
        print(failure)
    if failures:
        return 1
    if skipped:
        print("not installed: " + ", ".join(skipped))
        return 1 if os.environ.get("SBX_TEST_REQUIRE") else 77
    return 0


if __name__ == "__main__":
    sys.exit(main())
