"""The sandbox as a user meets it: on without asking, off only by asking, and a refusal where it cannot be had."""
import os
import pathlib
import shutil
import time

from program import ProgramTest


def workers_of(pid):
    """The worker processes of a run: children by the name that workers give themselves."""
    found = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            name, rest = (folder / "stat").read_text().rsplit(")", 1)
        except OSError:
            continue
        if "pixmill-work" in name and int(rest.split()[1]) == pid:
            found.append(folder)
    return found


def fields(folder):
    lines = (folder / "status").read_text().splitlines()
    return {name: value.strip() for name, value in (line.split(":", 1) for line in lines if ":" in line)}


class SandboxTest(ProgramTest):
    def run_on(self, *arguments, **options):
        return self.run_program("run", self.inputs, "-o", self.out, "--ops", "invert", *arguments, **options)

    def without_filters(self):
        """An environment in which no filter can be had."""
        # The loader splits the list of what it is to preload at spaces, which the build folder's name may have.
        shim = shutil.copy(os.environ["NO_FILTER"], self.folder / "no_filter.so")
        return dict(os.environ, LD_PRELOAD=str(shim))

    def test_workers_are_locked_in_without_being_asked(self):
        self.make_images(60, 900)
        process = self.start("run", self.inputs, "-o", self.out, "--ops", "median=31", "-j", "2")
        seen = None
        while process.poll() is None and seen is None:
            for folder in workers_of(process.pid):
                try:
                    if (folder / "status").read_text().count("\nSeccomp:\t2\n") == 1:
                        seen = fields(folder), os.listdir(folder / "fd")
                except OSError:
                    pass
            time.sleep(0.001)
        self.assertEqual(process.wait(), 0)
        self.assertIsNotNone(seen, "no worker was seen to be locked in")
        status, descriptors = seen
        self.assertEqual(status["NoNewPrivs"], "1")
        self.assertEqual(len(descriptors), 1, "a worker holds its bell, and nothing else")

    def test_where_it_cannot_be_had_the_run_is_refused(self):
        self.make_images(5)
        without_filters = self.without_filters()
        done = self.run_on(env=without_filters)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("--sandbox off", done.stderr)
        self.assertIn("seccomp", done.stderr)
        self.assertEqual({}, self.outputs())
        told = self.run_program("doctor", env=without_filters).stdout
        self.assertRegex(told, r"missing +sandbox")

    def test_off_is_the_way_without(self):
        self.make_images(5)
        done = self.run_on("--sandbox", "off", env=self.without_filters())
        self.assertEqual(done.returncode, 0, done.stderr)
        without = self.outputs()
        self.out = self.folder / "locked"
        self.assertEqual(self.run_on("--sandbox", "on").returncode, 0)
        self.assertEqual(without, self.outputs())

    def test_other_backends_refuse_to_be_asked(self):
        self.make_images(1)
        for backend in ("serial", "threads", "tbb"):
            for word in ("on", "off"):
                done = self.run_on("--backend", backend, "--sandbox", word)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn("processes", done.stderr)
                self.assertFalse(self.out.exists())
