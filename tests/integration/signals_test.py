"""Ctrl-C, kill, and what is left of a run afterwards."""
import os
import signal
import subprocess
import time
import unittest

from processes_test import processes
from program import PIXMILL, ProgramTest, slow_chain

SLOW = slow_chain(3000)


class SignalsTest(ProgramTest):
    def interrupted(self, *numbers, wait_for_rows=2):
        """Starts a slow run, sends the signals once it has begun to finish images, and returns it when it has ended."""
        process = self.start("run", self.inputs, "-o", self.out, "--ops", SLOW, "-j", 2, "--progress", "none")
        manifest = self.out / "pixmill.jsonl"
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and process.poll() is None:
            if manifest.exists() and manifest.read_bytes().count(b"\n") >= wait_for_rows:
                break
            time.sleep(0.005)
        for number in numbers:
            if process.poll() is None:
                process.send_signal(number)
            time.sleep(0.05)
        process.wait(timeout=120)
        return process

    def test_the_first_signal_ends_it_with_a_whole_manifest(self):
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)):
            with self.subTest(number):
                self.setUp()
                self.make_images(40)
                process = self.interrupted(number)
                self.assertEqual(process.returncode, code)
                self.check_manifest_is_whole(40)
                verdicts = [row["verdict"] for row in self.rows()[0]]
                self.assertIn("cancelled", verdicts)
                self.assertIn("ok", verdicts)

    def test_the_second_leaves_at_once_and_leaves_no_temporary_output(self):
        self.make_images(40)
        process = self.interrupted(signal.SIGINT, signal.SIGINT)
        self.assertEqual(process.returncode, 130)
        self.assertEqual([n for n in self.leftovers() if not n.endswith(".journal")], [])

    def test_an_interrupted_run_resumes_to_the_same(self):
        self.make_images(12)
        quiet = self.folder / "quiet"
        self.assertEqual(self.run_program("run", self.inputs, "-o", quiet, "--ops", SLOW).returncode, 0)
        self.assertEqual(self.interrupted(signal.SIGINT).returncode, 130)
        done = self.run_program("run", self.inputs, "-o", self.out, "--ops", SLOW, "--resume")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.outputs(), self.outputs(quiet))
        self.check_manifest_is_whole(12)

    def test_ctrl_z_stops_the_workers_too(self):
        self.make_images(6)
        # It cannot end before it is given the last image. A group of its own, as a shell makes it: in an orphaned one
        # the kernel stops nobody.
        process = subprocess.Popen([PIXMILL, "run", self.inputs, "-", "-o", self.out, "--ops", SLOW, "-j", "2", "--progress",
                                    "none", "--retries", "0"],
                                   stdin=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=os.setpgrp)
        self.addCleanup(process.kill)
        manifest = self.out / "pixmill.jsonl"
        rows = lambda: manifest.read_bytes().count(b"\n") if manifest.exists() else 0
        states = lambda: {state for pid, parent, _, state in processes() if process.pid in (pid, parent)}
        for seen in (1, 3, 6):
            self.wait_until(lambda: rows() >= seen)
            os.kill(process.pid, signal.SIGTSTP)
            _, status = os.waitpid(process.pid, os.WUNTRACED)
            self.assertTrue(os.WIFSTOPPED(status), status)
            self.assertEqual(os.WSTOPSIG(status), signal.SIGTSTP)
            self.wait_until(lambda: states() == {"T"})
            os.kill(process.pid, signal.SIGCONT)
        _, said = process.communicate(next(self.inputs.iterdir()).read_bytes(), timeout=300)
        self.assertEqual(process.returncode, 0, said)
        self.check_manifest_is_whole(7)
        self.assertEqual({row["attempts"] for row in self.rows()[0]}, {1})

    def wait_until(self, what):
        deadline = time.monotonic() + 120
        while not what():
            self.assertLess(time.monotonic(), deadline, "it never came so far")
            time.sleep(0.005)

    def test_nohup_is_honoured(self):
        self.make_images(12)
        process = subprocess.Popen(["nohup", PIXMILL, "run", str(self.inputs), "-o", str(self.out), "--ops", SLOW],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and not (self.out / "pixmill.jsonl").exists():
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGHUP)
        self.assertEqual(process.wait(timeout=300), 0)

    def test_two_runs_at_once_in_one_folder(self):
        self.make_images(40)
        first = self.start("run", self.inputs, "-o", self.out, "--ops", SLOW)
        while first.poll() is None and not (self.out / "pixmill.jsonl").exists():
            time.sleep(0.005)
        time.sleep(0.05)
        second = self.run_program("run", self.inputs, "-o", self.out, "--ops", SLOW, "--resume")
        first.send_signal(signal.SIGINT)
        first.wait(timeout=120)
        self.assertEqual(second.returncode, 2)
        self.assertIn(str(first.pid), second.stderr)


if __name__ == "__main__":
    unittest.main()
