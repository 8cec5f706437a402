"""Standard output and error: closed, full, a pipe that breaks, machine-readable."""
import json
import os
import subprocess
import unittest

from program import PIXMILL, ProgramTest


class StreamsTest(ProgramTest):
    def test_a_report_that_cannot_be_written_is_no_success(self):
        self.make_images(2)
        with open("/dev/full", "w") as full:
            done = subprocess.run([PIXMILL, "stats", str(self.inputs)], stdout=full, stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 3)
        self.assertIn("standard output", done.stderr)

    def test_closed_descriptors_harm_no_output(self):
        self.make_images(2)
        done = subprocess.run(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", PIXMILL, "run", str(self.inputs), "-o",
                               str(self.out)])
        self.assertEqual(done.returncode, 0)
        self.check_manifest_is_whole(2)

    def test_the_log_is_json_on_demand(self):
        self.make_images(2)
        (self.inputs / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n")
        done = self.run_program("run", self.inputs, "-o", self.out, "--log-json")
        self.assertEqual(done.returncode, 1)
        lines = [json.loads(line) for line in done.stderr.splitlines()]
        self.assertTrue(any(line.get("verdict") == "truncated" for line in lines), done.stderr)
        self.assertEqual(done.stdout, "")

    def test_quiet_is_quiet(self):
        self.make_images(2)
        done = self.run_program("run", self.inputs, "-o", self.out, "-q")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_no_escape_sequences_off_a_terminal(self):
        self.make_images(1)
        (self.inputs / "\x1b[31mred.png").write_bytes(b"\x89PNG\r\n\x1a\n")
        done = self.run_program("run", self.inputs, "-o", self.out, "-v")
        self.assertNotIn("\x1b", done.stderr + done.stdout)

    def test_version_and_help(self):
        self.assertRegex(self.run_program("--version").stdout, r"^pixmill \d+\.\d+\.\d+\n$")
        for arguments in (["--help"], ["run", "--help"], ["kernels"], ["kernels", "threshold"], ["doctor"],
                          ["explain", "--ops", "gray,threshold=otsu"]):
            done = self.run_program(*arguments, env=dict(os.environ, NO_COLOR="1"))
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertTrue(done.stdout.strip())


if __name__ == "__main__":
    unittest.main()
