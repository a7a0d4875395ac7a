#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The corpus with layers switched off (tests/layers/layers.cpp): which ways a layer stops by itself, and
which hang on one layer only. Writes docs/layers.md; and docs/degraded-ways.md, what is stopped where
there are no namespaces.

    tests/layers/layers.py
"""

import collections
import errno
import pathlib
import sys

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "support"), str(TESTS / "attacks")]
import corpus  # noqa: E402  (the path comes first)
import sbxtest  # noqa: E402

TIER_DOCUMENT = sbxtest.ROOT / "docs" / "degraded-ways.md"
DOCUMENT = sbxtest.ROOT / "docs" / "layers.md"
# What the plan can do without. The new root, the user, mount, pid and uts namespaces, no capabilities
# and no_new_privs are in every launch.
LAYERS = ["filter", "mdwe", "landlock", "noexec", "readonly", "network", "ipc", "limits"]
ALL = ",".join(LAYERS)
HEAD = """# Which layer stops what

Made by `tests/layers/layers.py`; do not edit. Each way of tests/attacks, as in corpus.py, with one layer
of the plan taken out, and with each layer alone upon what every launch has: its own user, mount, pid
and uts namespaces, a new root with noexec scratch mounts, no capabilities, no_new_privs.

Layers: **filter** (seccomp), **mdwe** (the kernel's memory-deny-write-execute), **landlock**,
**noexec** (of directories granted for writing), **readonly** (of what is granted for reading, and of
/proc), **network** and **ipc** (namespaces), **limits**.
"""
TIER_HEAD = """# Which ways are stopped without namespaces

Made by `tests/layers/layers.py`; do not edit. The ways of tests/attacks under the default policy with
`--allow-degraded userns`, on a host that refuses user namespaces: Landlock, the filter, no_new_privs and
resource limits on the host's own tree. docs/degraded.md says why the open ones are.

| family | ways | stopped | open |
|---|---|---|---|
"""
# Why one layer must do, where the kernel has no second one.
REASONS = {
    "memory": "what MDWE does not know (aliases by mremap, shmat, personality, another process's memory) "
              "only the filter sees",
    "abi": "entries of the kernel are the filter's business alone; MDWE, Landlock and namespaces hold "
           "whichever way a call comes",
    "authority": "calls that need no privilege of their own (key rings, io_uring, userfaultfd, perf, set-id "
                 "bits on one's own files) have no other gate",
    "network": "address families without a namespace of their own (AF_ALG, vsock) only the filter refuses; "
               "TCP and UDP leave only through the network namespace",
    "process": "System V and POSIX IPC have no owner but their namespace; what one user may use of "
               "memory, processes and descriptors only limits bound",
    "files": "Landlock takes no right away below a directory that has it: the directory granted for reading "
             "lies below /tmp here, which can be written, so only its mount holds it; elsewhere Landlock does too",
}


class Layers(sbxtest.TestCase):
    def tried(self, outside, without):
        """{(family, way): stopped?} with these layers out."""
        found = {}
        env = sbxtest.environment(SBX_ATTACK_SECRET=outside.secret)
        for family in corpus.FAMILIES:
            done = sbxtest.run(
                [sbxtest.probe("sbx_layers"), without, "run", *corpus.LIMITS, "--ro",
                 sbxtest.stage().probes, "--ro", outside.granted, "--rw", outside.work, "--",
                 sbxtest.probe(family), "all", *outside.values(True)],
                env={**env, "SBX_POLICY_PATH": str(sbxtest.stage().directory / "share/sbx/policies")},
                timeout=120)
            said = corpus.results(done)
            self.assertTrue(said, done)
            found.update({(family, way): not answer.startswith("OPEN") for way, answer in said.items()})
        return found

    def test_write_the_table(self):
        outside = corpus.Outside(self)
        none = self.tried(outside, ALL)
        whole = self.tried(outside, "-")
        without = {layer: self.tried(outside, layer) for layer in LAYERS}
        alone = {layer: self.tried(outside, ",".join(other for other in LAYERS if other != layer))
                 for layer in LAYERS}
        self.doCleanups()
        counted = [way for way in whole if whole[way] and not none[way]]
        lines = [HEAD, f"{len(whole)} ways; {sum(none.values())} are stopped by what every launch has, "
                 f"{len(counted)} by these layers:", "",
                 "| layer | stops alone | open without it |", "|---|---|---|"]
        for layer in LAYERS:
            lines.append(f"| {layer} | {sum(alone[layer][way] for way in counted)} | "
                         f"{sum(not without[layer][way] for way in counted)} |")
        lines += ["", "## Ways that hang on one layer", ""]
        single = collections.defaultdict(list)
        for way in counted:
            for layer in LAYERS:
                if not without[layer].get(way, True):
                    single[way[0], layer].append(way[1])
        for (family, layer), ways in sorted(single.items()):
            lines.append(f"- {family}, on **{layer}**: {', '.join(ways)}")
        lines += ["", "Why:", ""]
        lines += [f"- {family}: {REASONS[family]}." for family in sorted({key[0] for key in single})]
        for family in corpus.FAMILIES:
            rows = [way for way in counted if way[0] == family]
            if rows:
                lines += ["", f"## {family}", "", "| way | stopped alone by |", "|---|---|"]
                lines += [f"| {way[1]} | {', '.join(x for x in LAYERS if alone[x][way]) or 'several together'} |"
                          for way in rows]
        DOCUMENT.write_text("\n".join(lines) + "\n")
        print(f"{len(counted)} ways, {sum(map(len, single.values()))} on one layer only")

    def test_write_the_table_without_namespaces(self):
        outside = corpus.Outside(self)
        refusing = [sbxtest.probe("refuse"), str(errno.EPERM), sbxtest.sbx_path()]
        rows, lists, total, held = [], [], 0, 0
        for family in corpus.FAMILIES:
            done = sbxtest.run(
                [*refusing, "run", "--quiet", "--allow-degraded", "userns", *corpus.LIMITS, "--ro",
                 sbxtest.stage().probes, "--ro", outside.granted, "--rw", outside.work, "--",
                 sbxtest.probe(family), "all", *outside.values(True)],
                env=sbxtest.environment(SBX_ATTACK_SECRET=outside.secret), timeout=120)
            said = corpus.results(done)
            self.assertTrue(said, done)
            is_open = [way for way, answer in said.items() if answer.startswith("OPEN")]
            stopped = [way for way in said if way not in is_open]
            rows.append(f"| {family} | {len(said)} | {len(stopped)} | {', '.join(is_open) or '-'} |")
            lists += ["", f"## {family}, stopped", "", ", ".join(stopped)]
            total, held = total + len(said), held + len(stopped)
        self.doCleanups()
        rows.append(f"| together | {total} | {held} | {total - held} |")
        TIER_DOCUMENT.write_text(TIER_HEAD + "\n".join(rows + lists) + "\n")
        print(f"{total} ways, {held} stopped without namespaces")


if __name__ == "__main__":
    sbxtest.main()
