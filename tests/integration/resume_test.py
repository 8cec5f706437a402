"""SIGKILL at any moment, then --resume: the outputs and the reductions of an undisturbed run."""
import os
import random
import time
import unittest

from program import ProgramTest

TRIALS = int(os.environ.get("TRIALS", "12"))


class ResumeTest(ProgramTest):
    def arguments(self, out, report):
        return ["run", self.inputs, "-o", out, "--ops", "gray,adaptive=gaussian:window=31", "-j", 2,
                "--reduce", "count,mean,std,histogram", "--reduce-out", report]

    def test_killed_at_any_moment(self):
        self.make_images(60, side=200)
        quiet = self.arguments(self.folder / "quiet", self.folder / "quiet.json")
        begin = time.monotonic()
        self.assertEqual(self.run_program(*quiet).returncode, 0)
        length = time.monotonic() - begin
        want = self.outputs(self.folder / "quiet")
        want_report = (self.folder / "quiet.json").read_text()
        chance = random.Random(int(os.environ.get("SEED", "1")))
        for trial in range(TRIALS):
            self.out = self.folder / f"out{trial}"
            report = self.folder / f"report{trial}.json"
            arguments = self.arguments(self.out, report)
            for attempt in range(chance.randint(1, 3)):  # killed while it resumes as well
                process = self.start(*arguments, *(["--resume"] if attempt else []))
                time.sleep(chance.uniform(0, length))
                process.kill()
                process.wait()
            done = self.run_program(*arguments, "--resume")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(self.outputs(), want)
            self.assertEqual(report.read_text(), want_report)
            self.check_manifest_is_whole(60)
            before = {p: p.stat().st_mtime_ns for p in self.out.glob("*.png")}
            again = self.run_program(*arguments, "--resume")
            self.assertEqual(again.returncode, 0, again.stderr)
            self.assertEqual({p: p.stat().st_mtime_ns for p in self.out.glob("*.png")}, before)
            self.assertEqual({row["verdict"] for row in self.rows()[0]}, {"skipped"})
            self.assertEqual(report.read_text(), want_report)


if __name__ == "__main__":
    unittest.main()
