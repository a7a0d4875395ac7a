#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the sources to the architecture: which folder may include which, which single file owns a
third-party header, that the pure folders ask nothing of the machine, and that every file says its
licence.

    check_layers.py ROOT           checks ROOT/src
    check_layers.py --self-test    shows, on made-up trees, that each rule can fail
"""

import fnmatch
import pathlib
import re
import sys
import tempfile

# Folder under src/ -> folders whose headers it may include, beside its own.
LAYERS = {
    "base": [],
    "sys": ["base"],
    "policy": ["base"],
    "seccomp": ["base"],
    "plan": ["base", "policy", "seccomp"],
    "host": ["base", "sys", "plan", "seccomp"],
    "launch": ["base", "sys", "seccomp", "plan"],
    "events": ["base", "seccomp"],
    "supervise": ["base", "sys", "seccomp", "plan", "events"],
    "learn": ["base", "sys", "policy", "seccomp", "events", "supervise"],
    "interop": ["base", "policy", "seccomp", "plan"],
    # What policies, units and processes have in common when they are weighed: above all that make them.
    "score": ["base", "policy", "seccomp", "plan", "interop"],
    "cli": ["base", "sys", "policy", "seccomp", "plan", "host", "launch", "events", "supervise",
            "learn", "interop", "score"],
}
# host may name seccomp's types because HostFacts (plan) is made of them; it may include no other
# header of it.
ONLY_THESE_HEADERS = {
    ("host", "seccomp"): ["seccomp/filter_spec.h", "seccomp/action.h"],
    # "all but launch internals": the launch is one door.
    ("cli", "launch"): ["launch/launch.h"],
}

# Third-party header (pattern of the include) -> the files that may include it. A library used in
# one file can be replaced in one file, and is compiled once.
OWNERS = [
    ("CLI/*", ["cli/parse*.cpp"]),
    ("toml++/*", ["policy/toml_reader.cpp"]),
    ("toml.hpp", ["policy/toml_reader.cpp"]),
    ("seccomp.h", []),
    ("sys/capability.h", []),
    ("nlohmann/*", ["events/*.cpp", "plan/print*.cpp", "cli/*.cpp", "interop/*.cpp"]),
    ("libelf.h", ["supervise/*.cpp"]),
    ("gelf.h", ["supervise/*.cpp"]),
    ("elfutils/*", ["supervise/*.cpp"]),
    ("bpf/bpf.h", ["learn/*.cpp"]),
    ("bpf/libbpf.h", ["learn/*.cpp"]),
    ("bpf/bpf_*.h", ["learn/bpf/*.bpf.c"]),  # for programs in the kernel
]
# At most this many files per folder may include the pattern.
ONE_PER_FOLDER = ["nlohmann/*", "libelf.h", "gelf.h", "elfutils/*", "bpf/*bpf.h", "toml++/*"]

# Folders in which the machine is a parameter: no environment, file, clock or id is asked for.
PURE = ["base", "policy", "seccomp", "plan", "interop", "score", "events"]
IMPURE = re.compile(
    r"\b(?:secure_getenv|getenv|fopen|popen|getuid|geteuid|getgid|getcwd|getpwnam|getpwuid|"
    r"clock_gettime|gettimeofday|system_clock|steady_clock|ifstream|ofstream|readlink|realpath)\b"
    r"|\bstd::filesystem\b|(?<![\w:>])::(?:open|stat|lstat|access|time)\(")

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')


def without_comments(text):
    """Blanks comments and literals, keeping the lines."""
    pattern = re.compile(
        r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
    return pattern.sub(lambda match: "\n" * match.group(0).count("\n"), text)


def check_includes(name, folder, text, owned):
    problems = []
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        quoted, header = match.group(1), match.group(1) or match.group(2)
        place = f"src/{name}:{number}"
        if quoted is not None and folder in LAYERS:
            into = quoted.split("/")[0] if "/" in quoted else None
            if into not in LAYERS:
                problems.append(f"{place}: \"{quoted}\" is not written as folder/file.h")
            elif into != folder and into not in LAYERS[folder]:
                problems.append(f"{place}: {folder}/ must not include {into}/ ({quoted})")
            elif quoted not in ONLY_THESE_HEADERS.get((folder, into), [quoted]):
                problems.append(f"{place}: {quoted} is internal to {into}/")
        for pattern, owners in OWNERS:
            if not fnmatch.fnmatchcase(header, pattern):
                continue
            if not any(fnmatch.fnmatchcase(name, owner) for owner in owners):
                problems.append(f"{place}: <{header}> belongs to {', '.join(owners) or 'tests'}")
            elif pattern in ONE_PER_FOLDER:
                owned.setdefault((folder, pattern), set()).add(name)
    return problems


def check(root):
    root = pathlib.Path(root)
    problems, owned = [], {}
    for path in sorted(root.glob("src/**/*")):
        if path.suffix not in (".cpp", ".h", ".c"):
            continue
        name = path.relative_to(root / "src").as_posix()
        folder = name.split("/")[0] if "/" in name else None
        if folder is None and name != "main.cpp":
            problems.append(f"src/{name}: a file belongs to a folder")
            continue
        if folder is not None and folder not in LAYERS:
            problems.append(f"src/{name}: {folder}/ is no layer")
            continue
        text = path.read_text(encoding="utf-8")
        if "SPDX-License-Identifier: Apache-2.0" not in text.split("\n", 1)[0]:
            problems.append(f"src/{name}:1: no SPDX-License-Identifier on the first line")
        problems += check_includes(name, folder, text, owned)
        if folder in PURE:
            for number, line in enumerate(without_comments(text).splitlines(), 1):
                match = IMPURE.search(line)
                if match and not INCLUDE.match(line):
                    problems.append(f"src/{name}:{number}: {match.group(0)} in {folder}/, "
                                    "which takes the machine as a parameter")
    for (folder, pattern), names in sorted(owned.items()):
        if len(names) > 1:
            problems.append(f"src/{folder}/: {pattern} has {len(names)} owners: "
                            + ", ".join(sorted(names)))
    return problems


SPDX = "// SPDX-License-Identifier: Apache-2.0\n"
# (what is shown, files, a part of the expected problem or None)
SELF_TESTS = [
    ("a lawful tree", {"base/a.h": "", "plan/b.cpp": '#include "base/a.h"\n#include "seccomp/c.h"\n',
                       "cli/parse.cpp": "#include <CLI/CLI.hpp>\n",
                       "main.cpp": '#include "launch/steps.h"\n'}, None),
    ("an upward include", {"base/a.cpp": '#include "policy/p.h"\n'}, "base/ must not include policy/"),
    ("launch seeing a policy", {"launch/a.cpp": '#include "policy/policy.h"\n'},
     "launch/ must not include policy/"),
    ("supervise seeing launch", {"supervise/a.cpp": '#include "launch/launch.h"\n'},
     "supervise/ must not include launch/"),
    ("cli seeing the launch's inside", {"cli/a.cpp": '#include "launch/prepared.h"\n'},
     "is internal to launch/"),
    ("an unknown folder", {"utils/a.cpp": ""}, "is no layer"),
    ("a stray file", {"a.cpp": ""}, "belongs to a folder"),
    ("an include without its folder", {"base/a.cpp": '#include "a.h"\n'}, "folder/file.h"),
    ("toml++ outside its owner", {"policy/merge.cpp": "#include <toml++/toml.h>\n"}, "belongs to"),
    ("libseccomp in the product", {"seccomp/a.cpp": "#include <seccomp.h>\n"}, "belongs to tests"),
    ("the kernel's own header", {"seccomp/a.cpp": "#include <linux/seccomp.h>\n"}, None),
    ("two owners in a folder", {"events/a.cpp": "#include <nlohmann/json.hpp>\n",
                                "events/b.cpp": "#include <nlohmann/json.hpp>\n"}, "has 2 owners"),
    ("an environment read in plan", {"plan/a.cpp": 'auto h = std::getenv("HOME");\n'}, "getenv in plan/"),
    ("a word in a comment or text", {"plan/a.cpp": '// getenv is host\'s\nauto s = "fopen";\n'}, None),
    ("a file opened in seccomp", {"seccomp/a.cpp": "int fd = ::open(name, 0);\n"}, "in seccomp/"),
    ("the same in host", {"host/a.cpp": 'auto h = std::getenv("HOME");\n'}, None),
]


def self_test():
    failures = 0
    for title, files, expected in SELF_TESTS:
        with tempfile.TemporaryDirectory() as directory:
            for name, text in files.items():
                path = pathlib.Path(directory, "src", name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(SPDX + text)
            problems = check(directory)
        good = not problems if expected is None else any(expected in line for line in problems)
        if not good:
            failures += 1
            print(f"self-test '{title}': expected {expected!r}, got {problems}", file=sys.stderr)
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory, "src", "base", "a.h")
        path.parent.mkdir(parents=True)
        path.write_text("#pragma once\n")
        if not any("SPDX" in line for line in check(directory)):
            failures += 1
            print("self-test 'no licence line': not found", file=sys.stderr)
    print(f"{len(SELF_TESTS) + 1} self-tests, {failures} failed")
    return 1 if failures else 0


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    problems = check(arguments[0])
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"layers: {len(problems)} problem(s)")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
