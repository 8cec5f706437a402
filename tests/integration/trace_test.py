"""`--trace` as a user runs it."""
import json
import os
import signal
import threading
import time
import unittest

from program import ProgramTest, slow_chain

SLOW = slow_chain(2000)


class TraceTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.trace = self.folder / "trace.json"

    def events(self, text=None):
        return json.loads(text if text is not None else self.trace.read_text())["traceEvents"]

    def spans(self, name, text=None):
        return [event for event in self.events(text) if event["ph"] == "X" and event["name"] == name]

    def begun(self, *arguments):
        """A slow run that has finished a few images."""
        process = self.start("run", self.inputs, "-o", self.out, "--ops", SLOW, "-j", 2, "--trace", self.trace, *arguments)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        manifest = self.out / "pixmill.jsonl"
        while not manifest.exists() or manifest.read_bytes().count(b"\n") < 3:
            self.assertIsNone(process.poll(), "it ended by itself")
            time.sleep(0.01)
        return process

    def test_run_and_stats(self):
        self.make_images(5)
        done = self.run_program("run", self.inputs, "-o", self.out, "--ops", "blur=1,threshold=otsu", "--trace", self.trace, "-q")
        self.assertEqual(done.returncode, 0, done.stderr)
        for name in ("read", "decode", "blur", "threshold", "encode", "write"):
            self.assertEqual(len(self.spans(name)), 5, name)
        done = self.run_program("stats", self.inputs, "--trace", self.trace, "-q")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(self.spans("reduce")), 5)
        self.assertEqual(self.spans("encode"), [])

    def test_an_interrupted_run_leaves_a_whole_one(self):
        self.make_images(400)
        process = self.begun()
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=120), 130)
        self.assertGreaterEqual(len(self.spans("encode")), 3)

    def test_a_killed_run_leaves_one_that_can_be_read(self):
        self.make_images(400)
        process = self.begun()
        process.kill()
        process.wait(timeout=120)
        self.assertTrue(self.events())

    def test_an_image_that_fails_is_a_mark(self):
        self.make_images(2)
        (self.inputs / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n")
        done = self.run_program("run", self.inputs, "-o", self.out, "--trace", self.trace, "-q")
        self.assertEqual(done.returncode, 1)
        marks = [event for event in self.events() if event["ph"] == "i"]
        self.assertEqual([mark["args"]["input"] for mark in marks], [str(self.inputs / "bad.png")])

    def test_two_runs_do_not_write_one(self):
        self.make_images(400)
        process = self.begun()
        done = self.run_program("stats", self.inputs, "--trace", self.trace)
        self.assertEqual(done.returncode, 2)
        self.assertIn("another run", done.stderr)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=120)
        self.assertTrue(self.events())

    def test_a_pipe(self):
        self.make_images(3)
        os.mkfifo(self.trace)
        texts = []
        reader = threading.Thread(target=lambda: texts.append(self.trace.read_text()))
        reader.start()
        done = self.run_program("stats", self.inputs, "--trace", self.trace, "-q")
        reader.join()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(self.spans("decode", texts[0])), 3)

    def test_no_room_costs_the_trace_alone(self):
        self.make_images(3)
        done = self.run_program("run", self.inputs, "-o", self.out, "--trace", "/dev/full", "-q")
        self.assertEqual(done.returncode, 3)
        self.assertIn("--trace", done.stderr)
        self.check_manifest_is_whole(3)


if __name__ == "__main__":
    unittest.main()
