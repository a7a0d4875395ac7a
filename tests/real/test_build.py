#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The compiler tool chain on a small C++ project."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)
from realtest import RealCase  # noqa: E402

HELLO = "hello from the sandbox\n"


class Build(RealCase):
    def setUp(self):
        super().setUp()
        self.write(self.work / "hello.h", "#pragma once\n#include <string>\nstd::string hello();\n")
        self.write(self.work / "hello.cpp", '#include "hello.h"\n'
                   'std::string hello() { return "hello from the sandbox"; }\n')
        self.write(self.work / "main.cpp", '#include <iostream>\n#include "hello.h"\n'
                   "int main() { std::cout << hello() << std::endl; }\n")
        self.write(self.work / "plain.c", "#include <stdio.h>\n"
                   'int main(void) { puts("hello from the sandbox"); return 0; }\n')

    def says_hello(self, program):
        # Outside, and under a policy that shows the directory without a right to write to it.
        self.assertEqual(self.bare(f"./{program}").out, HELLO)
        shown = self.run_sbx("-p", "untrusted", "--ro", self.work, f"./{program}")
        self.assertEqual((shown.status, shown.out), (0, HELLO), shown)
        self.assertNoDenials(shown.err)

    def test_compilers(self):
        for compiler, words in (("gcc", ["-O2", "-g", "plain.c"]),
                                ("g++", ["hello.cpp", "main.cpp"]),
                                ("cc", ["plain.c"]), ("c++", ["-flto", "hello.cpp", "main.cpp"]),
                                ("clang", ["-O2", "plain.c"])):
            with self.subTest(compiler):
                self.need(compiler)
                self.works(compiler, *words, "-o", f"made-by-{compiler}")
                self.says_hello(f"made-by-{compiler}")
        failed = self.works("gcc", "-x", "c", "-", stdin=b"int main( {", status=1)
        self.assertIn("error:", failed.err)

    def test_make(self):
        self.write(self.work / "Makefile", "hello: main.o hello.o\n\tg++ -o $@ $^\n"
                   "%.o: %.cpp hello.h\n\tg++ -c -o $@ $<\n"
                   "clean:\n\trm -f *.o hello; ls > list\n.PHONY: clean\n")
        self.works("make", "-j2")
        self.says_hello("hello")
        self.assertIn("up to date", self.works("make").out)
        self.works("make", "clean")
        self.assertFalse((self.work / "hello").exists())

    def test_cmake_and_ninja(self):
        self.need("cmake")
        self.need("ninja")
        self.write(self.work / "CMakeLists.txt", "cmake_minimum_required(VERSION 3.18)\n"
                   "project(hello CXX)\nfind_package(Threads REQUIRED)\n"
                   "add_library(hello SHARED hello.cpp)\nadd_executable(main main.cpp)\n"
                   "target_link_libraries(main PRIVATE hello Threads::Threads)\n")
        self.works("cmake", "-S", ".", "-B", "build", "-G", "Ninja")
        self.works("cmake", "--build", "build")
        self.says_hello("build/main")
        self.assertIn("no work", self.works("ninja", "-C", "build").out)
        self.works("ninja", "-C", "build", "clean")

    def test_what_is_built_is_not_run_where_it_can_be_written(self):
        self.write(self.work / "Makefile", "run: plain\n\t./plain\n"
                   "plain: plain.c\n\tgcc -o $@ $<\n")
        refused = self.run_sbx("make")
        self.assertNotEqual(refused.status, 0)
        self.assertNotIn(HELLO, refused.out)
        self.assertIn("Permission denied", refused.err)
        self.assertIn(HELLO, self.bare("make").out)


if __name__ == "__main__":
    sbxtest.main()
