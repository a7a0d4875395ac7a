#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Interpreters of languages, on scripts in the current directory."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)
from realtest import RealCase  # noqa: E402


class Python(RealCase):
    def test_a_script(self):
        self.write(self.work / "module.py", "def twice(n):\n  return 2 * n\n")
        self.write(self.work / "script.py", """
import asyncio, concurrent.futures, ctypes, hashlib, json, multiprocessing, os, socket, sqlite3
import ssl, subprocess, sys, tempfile, threading, zlib
from module import twice

def square(n):
    return n * n

if __name__ == "__main__":
    with multiprocessing.Pool(2) as pool:
        squares = pool.map(square, range(10))
    with concurrent.futures.ThreadPoolExecutor(4) as executor:
        doubled = list(executor.map(twice, range(10)))
    echoed = subprocess.run(["/bin/echo", "child"], capture_output=True, text=True).stdout
    with tempfile.TemporaryFile() as file:
        file.write(zlib.compress(b"text"))
    async def served():
        async def answer(reader, writer):
            writer.write(await reader.readline())
            writer.close()
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"own loopback\\n")
        line = await reader.readline()
        writer.close()
        server.close()
        return line.decode().strip()
    database = sqlite3.connect(":memory:")
    print(json.dumps([sum(squares), sum(doubled), echoed.strip(), asyncio.run(served()),
                      database.execute("select 6 * 7").fetchone()[0],
                      ctypes.CDLL(None).abs(-3), hashlib.sha256(b"").hexdigest()[:4]]))
""")
        said = self.works("python3", "script.py")
        self.assertEqual(said.out.strip(), '[285, 90, "child", "own loopback", 42, 3, "e3b0"]')

    def test_writes_only_where_allowed(self):
        write = "open('made', 'w').write('text')"
        refused = self.run_sbx("python3", "-c", write)
        self.assertNotEqual(refused.status, 0)
        self.assertIn("Read-only file system", refused.err)
        self.works("--rw", ".", "python3", "-c", write)
        self.assertEqual((self.work / "made").read_text(), "text")


class Perl(RealCase):
    def test_a_script(self):
        self.write(self.work / "script.pl", """
use strict; use warnings;
use POSIX qw(floor); use File::Temp qw(tempfile); use List::Util qw(sum); use Socket; use Storable;
my ($file, $name) = tempfile();
print $file join("\\n", map { $_ * $_ } 1 .. 10); close $file;
open(my $in, '<', $name) or die; my @lines = <$in>; close $in;
my $child = fork() // die; if ($child == 0) { exit 3 } waitpid($child, 0);
my $echoed = `/bin/echo child`; chomp $echoed;
printf "%d %d %s %s\\n", sum(@lines), $? >> 8, $echoed, scalar(getpwuid($<)) ? "known" : "unknown";
""")
        self.assertEqual(self.works("perl", "script.pl").out, "385 0 child known\n")
        sorted_lines = self.works("perl", "-e", "print sort <STDIN>", stdin=b"b\na\n")
        self.assertEqual(sorted_lines.out, "a\nb\n")


class Node(RealCase):
    def test_a_script(self):
        self.need("node")
        self.write(self.work / "script.js", """
const { execFileSync } = require("child_process");
const crypto = require("crypto"), fs = require("fs"), http = require("http");
const zlib = require("zlib");
const { Worker } = require("worker_threads");
let sum = 0;
const hot = (n) => (n * n) % 7;               // long enough to be compiled
for (let i = 0; i < 5e6; i++) sum += hot(i);
const wasm = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 127, 3, 2, 1, 0, 7, 5,
                             1, 1, 102, 0, 0, 10, 6, 1, 4, 0, 65, 42, 11]);
const echoed = execFileSync("/bin/echo", ["child"]).toString().trim();
fs.writeFileSync("/tmp/file", zlib.gzipSync("text"));
(async () => {
  const { instance } = await WebAssembly.instantiate(wasm);
  const worker = await new Promise((resolve) => new Worker(
      "require('worker_threads').parentPort.postMessage('worker')", { eval: true })
      .on("message", resolve));
  const server = http.createServer((request, response) => response.end("own loopback"));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const answer = await fetch(`http://127.0.0.1:${server.address().port}/`);
  console.log([sum > 0, instance.exports.f(), worker, echoed, await answer.text(),
               zlib.gunzipSync(fs.readFileSync("/tmp/file")).toString(),
               crypto.createHash("sha256").digest("hex").slice(0, 4)].join(" "));
  server.close();
  server.closeAllConnections();
})();
""")
        self.assertEqual(self.works("node", "script.js").out,
                         "true 42 worker child own loopback text e3b0\n")


class Java(RealCase):
    def test_a_program(self):
        self.need("java")
        version = self.works("java", "-version")
        self.assertIn("64-Bit Server VM", version.err)
        # A runtime without a compiler still has a class to run: keytool is a whole program in Java,
        # with cryptography, files and a console.
        self.works("java", "-Xint", "-version")
        made = self.works(
            "java", "-m", "java.base/sun.security.tools.keytool.Main", "-genkeypair", "-keystore",
            "/tmp/keys", "-storepass", "secret-enough", "-alias", "test", "-dname", "CN=test",
            "-keyalg", "RSA", "-keysize", "2048")
        self.assertIn("Generating 2,048 bit RSA key pair", made.err)
        listed = self.works("java", "-XX:+PrintCompilation", "-Xcomp", "-XX:TieredStopAtLevel=1",
                            "-m", "java.base/sun.security.tools.keytool.Main", "-help", timeout=120)
        self.assertIn("java.lang", listed.out)


if __name__ == "__main__":
    sbxtest.main()
