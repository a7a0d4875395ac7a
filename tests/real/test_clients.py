#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Clients under the policies of their names, against servers on this machine's loopback."""

import functools
import hashlib
import http.server
import pathlib
import signal
import ssl
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)
from realtest import RealCase  # noqa: E402


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *unused):
        pass

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201)
        self.end_headers()
        self.wfile.write(hashlib.sha256(body).hexdigest().encode())


class Http(RealCase):
    def setUp(self):
        super().setUp()
        self.site = self.make_directory(self.outside / "site")
        self.write(self.site / "index.html", '<a href="more/page.html">more</a>\n')
        self.make_directory(self.site / "more")
        self.write(self.site / "more" / "page.html", "a page\n")
        (self.site / "large").write_bytes(bytes(range(256)) * 40000)
        (self.site / "large").chmod(0o644)
        self.server, self.port = self.serve()

    def serve(self, wrap=None):
        server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), functools.partial(Quiet, directory=str(self.site)))
        if wrap:
            server.socket = wrap(server.socket)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05},
                                  daemon=True)
        thread.start()
        self.addCleanup(thread.join, 5)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server, server.server_address[1]

    def test_curl(self):
        self.debian("curl")
        base = f"http://localhost:{self.port}"
        self.assertIn("more", self.works("curl", "-sS", "--fail", f"{base}/").out)
        self.works("curl", "-sS", "--fail", "-O", f"{base}/large")
        self.assertEqual((self.work / "large").read_bytes(), (self.site / "large").read_bytes())
        part = self.works("curl", "-sS", "--fail", "-r", "0-9", "-C", "-", "-o", "rest",
                          "--limit-rate", "50M", f"{base}/large")
        self.assertEqual(part.out, "")
        sent = self.works("curl", "-sS", "--fail", "-T", "large", f"{base}/in")
        self.assertEqual(sent.out, hashlib.sha256((self.work / "large").read_bytes()).hexdigest())
        self.works("curl", "-sS", "--parallel", "-o", "a", f"{base}/large", "-o", "b",
                   f"{base}/more/page.html")
        self.assertEqual((self.work / "b").read_text(), "a page\n")
        self.works("curl", "-sS", f"http://localhost:{sbxtest.free_port()}/", status=7)

    def test_curl_over_tls(self):
        self.debian("curl")
        self.need("openssl")
        made = self.bare("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                         "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30", "-subj",
                         "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout",
                         "key.pem", "-out", "cert.pem")
        self.assertStatus(made, 0)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.work / "cert.pem", self.work / "key.pem")
        _, port = self.serve(lambda plain: context.wrap_socket(plain, server_side=True))
        url = f"https://localhost:{port}/more/page.html"
        page = self.works("curl", "-sS", "--fail", "--cacert", "cert.pem", url)
        self.assertEqual(page.out, "a page\n")
        # The authorities of the system are visible, and this certificate is not one of them.
        self.works("curl", "-sS", url, status=60)

    def test_wget(self):
        self.debian("wget")
        base = f"http://localhost:{self.port}"
        self.works("wget", "-q", f"{base}/large")
        self.assertEqual((self.work / "large").read_bytes(), (self.site / "large").read_bytes())
        self.works("wget", "-nv", "-r", "-nH", "-P", "mirror", f"{base}/")
        self.assertEqual((self.work / "mirror" / "more" / "page.html").read_text(), "a page\n")
        self.works("wget", "-q", "-N", f"{base}/large")
        self.works("wget", "-q", f"{base}/not-there", status=8)


class Ssh(RealCase):
    def test_a_command_on_the_other_side(self):
        self.debian("ssh")
        sshd = self.debian("sshd", "/usr/sbin")
        keys = self.keys()
        for name in (keys / "id_ed25519", self.work / "host"):
            made = self.bare("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", name)
            self.assertStatus(made, 0)
        port = sbxtest.free_port()
        public = (self.work / "host.pub").read_text().split()
        self.write(keys / "known_hosts", f"[127.0.0.1]:{port} {public[0]} {public[1]}\n", 0o600)
        self.write(self.work / "authorized", (keys / "id_ed25519.pub").read_text(), 0o600)
        self.write(self.work / "sshd_config", f"""
            ListenAddress 127.0.0.1:{port}
            HostKey {self.work}/host
            AuthorizedKeysFile {self.work}/authorized
            PidFile none
            StrictModes no
            UsePAM no
            PasswordAuthentication no
            """)
        server = sbxtest.Running([sshd, "-D", "-e", "-f", self.work / "sshd_config"])
        self.addCleanup(server.__exit__)
        self.until(lambda: "listening" in server.texts()[1], server)
        there = ("-p", port, f"{sbxtest.ACCOUNT.name}@127.0.0.1")
        named = ("-i", keys / "id_ed25519", "-o", f"UserKnownHostsFile={keys}/known_hosts")
        said = self.works("ssh", "-o", "BatchMode=yes", *named, *there, "echo from $((6 * 7))")
        self.assertEqual(said.out, "from 42\n")
        piped = self.works("ssh", "-o", "BatchMode=yes", *named, *there, "cat", stdin=b"x" * 300000)
        self.assertEqual(len(piped.out), 300000)
        self.works("ssh", "-o", "BatchMode=yes", *named, *there, "exit 7", status=7)
        # Programs that start ssh, under the policy that may.
        remote = f"{sbxtest.ACCOUNT.name}@127.0.0.1"
        self.need("rsync")
        self.write(self.work / "file", "over ssh\n")
        by = f"ssh -o BatchMode=yes -p {port} -i {named[1]} -o {named[3]}"
        self.works("-p", "git", "rsync", "-a", "-e", by, "file",
                   f"{remote}:{self.outside}/by-rsync")
        self.assertEqual((self.outside / "by-rsync").read_text(), "over ssh\n")
        command = {"env": sbxtest.environment(GIT_SSH_COMMAND=by)}
        self.assertStatus(self.bare("git", "init", "-q", "--bare", self.outside / "far.git"), 0)
        self.assertStatus(self.bare("git", "clone", "-q", self.outside / "far.git", "near"), 0)
        self.works("--env", "GIT_SSH_COMMAND", "git", "-C", "near", "ls-remote",
                   f"ssh://{remote}:{port}{self.outside}/far.git", **command)
        server.signal(signal.SIGTERM)
        server.wait()


class Git(RealCase):
    def setUp(self):
        super().setUp()
        self.debian("git")
        self.options = {}
        self.options["env"] = sbxtest.environment(**{
            f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", "Somebody"), ("EMAIL", "somebody@example.org"))})

    def works(self, *words, **options):
        return super().works(*words, **{**self.options, **options})

    def bare(self, *words, **options):
        return super().bare(*words, **{**self.options, **options})

    def test_clone_commit_push(self):
        self.works("git", "init", "-q", "-b", "main", "origin")
        origin = self.work / "origin"
        self.write(origin / "file", "one\n")
        self.works("git", "-C", "origin", "add", "file")
        self.works("git", "-C", "origin", "commit", "-q", "-m", "first")
        self.works("git", "clone", "-q", "--bare", "origin", "bare.git")
        self.works("git", "clone", "-q", f"file://{self.work}/bare.git", "copy")
        copy = self.work / "copy"
        self.assertEqual((copy / "file").read_text(), "one\n")
        self.write(copy / "file", "one\ntwo\n")
        self.works("git", "commit", "-q", "-a", "-m", "second", cwd=copy)
        self.assertEqual(self.works("git", "status", "--porcelain", cwd=copy).out, "")
        self.assertIn("second", self.works("git", "log", "--oneline", cwd=copy).out)
        self.assertIn("+two", self.works("git", "diff", "HEAD~", cwd=copy).out)
        # From the directory above, the remote is within what is shown.
        self.works("git", "-C", "copy", "push", "-q")
        self.works("git", "-C", "bare.git", "fsck", "--full")
        self.works("git", "-C", "copy", "gc", "-q")
        self.works("git", "-C", "copy", "switch", "-q", "-c", "topic")
        self.works("git", "-C", "copy", "rebase", "-q", "main")
        self.works("git", "-C", "copy", "archive", "-o", "../all.tar", "HEAD")
        self.assertIn("two", self.bare("tar", "-xOf", "all.tar", "file").out)

    def test_a_hook_of_the_repository_is_not_run(self):
        self.works("git", "init", "-q", ".")
        hook = self.write(self.work / ".git" / "hooks" / "pre-commit",
                          "#!/bin/sh\ntouch ran\n", 0o755)
        self.assertTrue(hook.exists())
        self.works("git", "commit", "-q", "--allow-empty", "-m", "empty")
        self.assertFalse((self.work / "ran").exists())
        self.assertStatus(self.bare("git", "commit", "-q", "--allow-empty", "-m", "empty"), 0)
        self.assertTrue((self.work / "ran").exists(), "the control: without sbx it runs")


if __name__ == "__main__":
    sbxtest.main()
