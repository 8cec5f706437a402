"""Runs the program, makes images for it, and reads what it leaves. Standard library only."""
import json
import os
import pathlib
import random
import shutil
import struct
import subprocess
import tempfile
import unittest
import zlib

PIXMILL = os.environ["PIXMILL"]
SAMPLES = pathlib.Path(os.environ["SAMPLES"])
SANITIZED = bool(os.environ.get("SANITIZED"))


def slow_chain(side, then="adaptive=gaussian:window=101"):
    """Work on an image of so many pixels a side, so that there is time to interfere: some hundred milliseconds for
    1500 x 1500. A sanitizer needs about ten times as long for a pixel."""
    if SANITIZED:
        side //= 3
    return f"gray,resize={side}x{side}:filter=lanczos,{then}"


def png(width, height, seed):
    """A gray PNG of noise."""
    noise = random.Random(seed)
    rows = b"".join(b"\0" + noise.randbytes(width) for _ in range(height))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")


class ProgramTest(unittest.TestCase):
    """A test with a folder of its own: `inputs` holds images, `out` is where they go."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pixmill-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.inputs = self.folder / "in"
        self.inputs.mkdir()
        self.out = self.folder / "out"

    def make_images(self, count, side=64):
        for i in range(count):
            (self.inputs / f"{i}.png").write_bytes(png(side, side, i))

    def run_program(self, *arguments, **options):
        return subprocess.run([PIXMILL, *map(str, arguments)], capture_output=True, text=True, timeout=300,
                              stdin=options.pop("stdin", subprocess.DEVNULL), **options)

    def start(self, *arguments, **options):
        process = subprocess.Popen([PIXMILL, *map(str, arguments)], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **options)
        self.addCleanup(process.stderr.close)
        return process

    def rows(self, out=None):
        """The rows of a manifest, and its summary."""
        lines = [json.loads(line) for line in ((out or self.out) / "pixmill.jsonl").read_text().splitlines()]
        return [line for line in lines if "verdict" in line], (lines[-1].get("summary") if lines else None)

    def outputs(self, out=None):
        """Name and content of every output."""
        out = out or self.out
        return {str(p.relative_to(out)): p.read_bytes() for p in out.rglob("*")
                if p.is_file() and p.suffix != ".jsonl" and not p.name.startswith(".")}

    def leftovers(self, out=None):
        return [p.name for p in (out or self.out).rglob(".*")]

    def check_manifest_is_whole(self, count):
        rows, summary = self.rows()
        self.assertEqual(sorted(row["index"] for row in rows), list(range(count)))
        self.assertEqual(summary["images"], count)
        good = {row["output"] for row in rows if row["verdict"] in ("ok", "repaired", "skipped")}
        self.assertEqual(good, {str(self.out / name) for name in self.outputs()})
        self.assertEqual(self.leftovers(), [])
