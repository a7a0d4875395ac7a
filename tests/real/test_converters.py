#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Converters on generated images, videos and documents."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)
from realtest import RealCase  # noqa: E402

PAGE = """%!PS-Adobe-3.0
/Helvetica findfont 24 scalefont setfont
72 700 moveto (Hello from page one) show
0.8 0.2 0.2 setrgbcolor 100 300 200 100 rectfill
showpage
/Times-Roman findfont 24 scalefont setfont
72 700 moveto (And from page two) show
showpage
"""


class Converters(RealCase):
    def setUp(self):
        super().setUp()
        self.out = self.make_directory(self.work / "out")

    def converts(self, *words, **options):
        """Results go to the one directory that may be written."""
        return self.works("--rw", self.out, *words, **options)

    def picture(self, size=64):
        pixels = bytes(value for y in range(size) for x in range(size)
                       for value in (x * 255 // size, y * 255 // size, (x * y) & 0xff))
        return self.write_bytes(self.work / "picture.ppm",
                                b"P6\n%d %d\n255\n" % (size, size) + pixels)

    def test_convert(self):
        convert = self.debian("convert")
        self.picture()
        for kind, first in (("png", b"\x89PNG"), ("jpg", b"\xff\xd8\xff"), ("gif", b"GIF8"),
                            ("tiff", b"II"), ("webp", b"RIFF")):
            with self.subTest(kind):
                self.converts(convert, "picture.ppm", "-resize", "50%", f"out/picture.{kind}")
                self.assertTrue((self.out / f"picture.{kind}").read_bytes().startswith(first))
        self.converts(convert, "-size", "200x200", "gradient:red-blue", "-blur", "0x8", "-rotate",
                      "30", "-fill", "white", "-pointsize", "20", "-annotate", "+20+100", "text",
                      "out/drawn.png")
        about = self.works(self.debian("identify"), "-verbose", "out/drawn.png").out
        self.assertIn("PNG", about)
        piped = self.works(convert, "picture.ppm", "txt:-").out
        self.assertIn("ImageMagick pixel enumeration: 64,64", piped)

    def test_ffmpeg(self):
        ffmpeg = self.debian("ffmpeg")
        quiet = ("-nostdin", "-hide_banner", "-loglevel", "error")
        self.converts(ffmpeg, *quiet, "-f", "lavfi", "-i",
                      "testsrc=duration=2:size=320x240:rate=25",
                      "-f", "lavfi", "-i", "sine=frequency=440:duration=2", "-c:v", "libx264",
                      "-preset", "ultrafast", "-c:a", "aac", "out/film.mp4", timeout=120)
        self.converts(ffmpeg, *quiet, "-i", "out/film.mp4", "-vf", "scale=160:120", "-c:v",
                      "libvpx", "-b:v", "200k", "-c:a", "libvorbis", "out/film.webm", timeout=120)
        self.converts(ffmpeg, *quiet, "-i", "out/film.mp4", "-vframes", "3", "out/frame%d.png")
        self.assertEqual(len(list(self.out.glob("frame*.png"))), 3)
        about = self.works(self.debian("ffprobe"), "-v", "error", "-show_entries",
                           "stream=codec_name,width", "-of", "csv=p=0", "out/film.webm").out
        self.assertIn("vp8,160", about)
        self.assertIn("vorbis", about)

    def test_gs_and_pdftotext(self):
        gs, pdftotext = self.debian("gs"), self.debian("pdftotext")
        self.write(self.work / "page.ps", PAGE)
        batch = ("-q", "-dBATCH", "-dNOPAUSE")
        self.converts(gs, *batch, "-sDEVICE=pdfwrite", "-o", "out/page.pdf", "page.ps")
        self.assertTrue((self.out / "page.pdf").read_bytes().startswith(b"%PDF"))
        self.converts(gs, *batch, "-sDEVICE=png16m", "-r50", "-dTextAlphaBits=4",
                      "-dNumRenderingThreads=2", "-o", "out/page-%d.png", "out/page.pdf")
        self.assertEqual(len(list(self.out.glob("page-*.png"))), 2)
        text = self.works(pdftotext, "out/page.pdf", "-").out
        self.assertIn("Hello from page one", text)
        self.assertIn("And from page two", text)
        self.converts(pdftotext, "-layout", "out/page.pdf", "out/page.txt")
        self.assertIn("page two", (self.out / "page.txt").read_text())
        self.converts(pdftotext, "-bbox", "-f", "2", "out/page.pdf", "out/page.html")
        self.assertIn("two", (self.out / "page.html").read_text())

    def test_the_source_cannot_be_written(self):
        before = self.picture().read_bytes()
        refused = self.run_sbx(self.debian("convert"), "picture.ppm", "-negate", "ppm:picture.ppm")
        self.assertNotEqual(refused.status, 0)
        self.assertEqual((self.work / "picture.ppm").read_bytes(), before)
        self.assertStatus(self.bare("/usr/bin/convert", "picture.ppm", "-negate",
                                    "ppm:picture.ppm"), 0)
        self.assertNotEqual((self.work / "picture.ppm").read_bytes(), before)

    def test_a_document_starts_no_program(self):
        """PostScript's %pipe% device runs a shell where ghostscript is told to be unsafe."""
        gs = self.debian("gs")
        command = "echo ran > out/ran"
        self.write(self.work / "pipe.ps", f"(%pipe%{command}) (w) file closefile\n")
        words = (gs, "-q", "-dBATCH", "-dNOPAUSE", "-dNOSAFER", "-sDEVICE=nullpage", "pipe.ps")
        refused = self.run_sbx("--rw", self.out, *words)
        self.assertFalse((self.out / "ran").exists())
        self.assertTrue([line for line in refused.err.splitlines()
                         if line.startswith("sbx: denied")], refused)
        self.bare(*words)
        self.assertTrue((self.out / "ran").exists(), "the control: without sbx it runs")

    def test_a_playlist_calls_nobody(self):
        ffmpeg = self.debian("ffmpeg")
        with sbxtest.socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(0.5)
            url = f"http://127.0.0.1:{server.getsockname()[1]}/film"
            refused = self.run_sbx(ffmpeg, "-nostdin", "-i", url, "-f", "null", "-")
            self.assertDenied(refused, "socket")
            with self.assertRaises(TimeoutError):
                server.accept()


if __name__ == "__main__":
    sbxtest.main()
