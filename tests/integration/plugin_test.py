"""Own kernels from plug-ins, with the program: what they do on each backend, and what they cost where they misbehave."""
import json
import os
import pathlib
import unittest

from program import ProgramTest, png

PLUGINS = pathlib.Path(os.environ["PLUGINS"])
BACKENDS = os.environ["BACKENDS"].split(",")
SANDBOX = os.environ.get("SANDBOX", "on") == "on"  # a build with a sanitizer has none


def plugin(name):
    return PLUGINS / f"plugin_{name}.so"


class PluginTest(ProgramTest):
    def make_widths(self, *widths):
        for width in widths:
            (self.inputs / f"{width}.png").write_bytes(png(width, 9, width))

    def run_chain(self, chain, *arguments):
        return self.run_program("run", self.inputs, "-o", self.out, "--plugin", plugin("faults"), "--ops", chain,
                                "-q", "--overwrite", *arguments)

    def verdicts(self):
        return {pathlib.Path(row["input"]).stem: row["verdict"] for row in self.rows()[0]}

    def details(self):
        return {pathlib.Path(row["input"]).stem: row["detail"] for row in self.rows()[0]}

    def test_same_bits_on_every_backend(self):
        self.make_widths(*range(1, 60, 7))
        want = None
        for backend in ["processes", *BACKENDS]:
            done = self.run_chain("misbehaves,darker,blur=1", "--backend", backend, "-j", 3)
            self.assertEqual((done.returncode, done.stderr), (0, ""), backend)
            want = want or self.outputs()
            self.assertEqual(self.outputs(), want, backend)
        self.assertEqual(self.run_program("run", self.inputs, "-o", self.out, "--overwrite", "-q",
                                          "--ops", "invert,levels=high=100%,blur=1").returncode, 0)
        self.assertEqual(set(self.outputs()), set(want))

    def test_it_agrees_with_a_kernel_of_ours(self):
        self.make_widths(5, 64, 100)
        self.assertEqual(self.run_chain("misbehaves").returncode, 0)
        got = self.outputs()
        self.assertEqual(self.run_program("run", self.inputs, "-o", self.out, "--overwrite", "-q",
                                          "--ops", "invert").returncode, 0)
        self.assertEqual(self.outputs(), got)

    def test_reductions_are_the_same_whatever_dies(self):
        self.make_widths(5, 64, 90)
        arguments = ["stats", self.inputs, "--plugin", plugin("faults"), "--ops", "misbehaves,threshold=128:type=tozero",
                     "--reduce", "bright,histogram", "-q"]
        want = None
        for backend in ["processes", *BACKENDS]:
            done = self.run_program(*arguments, "--backend", backend)
            self.assertEqual((done.returncode, done.stderr), (0, ""), backend)
            want = want or done.stdout
            self.assertEqual(done.stdout, want, backend)
        report = json.loads(want)
        self.assertEqual(report["bright"], [sum(report["histogram"][0][128:]), 3])
        self.make_widths(102, 103)
        done = self.run_program(*arguments, "--retries", 0)
        self.assertEqual((done.returncode, done.stdout), (1, want))

    def test_what_it_throws_costs_one_image_on_every_backend(self):
        self.make_widths(5, 101, 64, 106, 90)
        for backend in ["processes", *BACKENDS]:
            done = self.run_chain("misbehaves", "--backend", backend)
            self.assertEqual(done.returncode, 1, backend)
            self.assertEqual(self.verdicts(), {"5": "ok", "64": "ok", "90": "ok", "101": "kernel-failed",
                                               "106": "kernel-failed"}, backend)
            self.assertEqual(self.details()["101"], "misbehaves: a page of 101")
            self.assertEqual(self.details()["106"], "misbehaves: it threw what is no std::exception")

    def test_crashing_hanging_and_greedy_cost_their_image_alone(self):
        self.make_widths(5, 64, 90, 102, 103, 104, 105)
        done = self.run_chain("misbehaves", "-j", 2, "--timeout", 3, "--retries", 0, "--max-memory", "64M")
        self.assertEqual(done.returncode, 1, done.stderr)
        verdicts = self.verdicts()
        self.assertEqual({name: verdicts[name] for name in ("5", "64", "90", "102", "103", "104")},
                         {"5": "ok", "64": "ok", "90": "ok", "102": "crashed", "103": "crashed", "104": "timeout"})
        # A sanitizer's allocator ends the process where others say that there is no more.
        self.assertIn(verdicts["105"], ["out-of-memory"] if SANDBOX else ["out-of-memory", "crashed"])
        self.check_manifest_is_whole(7)

    def test_system_calls_are_allowed_where_they_are_named(self):
        self.make_widths(110, 111)
        done = self.run_chain("asks", "--retries", 0)
        self.assertEqual((done.returncode, self.verdicts()), (0, {"110": "ok", "111": "ok"}))
        done = self.run_chain("asks-unasked", "--retries", 0)
        if SANDBOX:
            self.assertEqual((done.returncode, self.verdicts()), (1, {"110": "crashed", "111": "ok"}))
            self.assertIn("SIGSYS", self.details()["110"])
        else:
            self.assertEqual((done.returncode, self.verdicts()), (0, {"110": "ok", "111": "ok"}))
        # Named by one kernel of a chain, it is allowed to all of it.
        done = self.run_chain("asks,asks-unasked", "--retries", 0)
        self.assertEqual(done.returncode, 0)

    def test_it_is_shown(self):
        listed = self.run_program("kernels", "--plugin", plugin("faults"))
        self.assertEqual(listed.returncode, 0)
        self.assertIn("asks-unasked", listed.stdout)
        details = self.run_program("kernels", "darker", "--plugin", plugin("faults"))
        self.assertIn("Half as bright", details.stdout)
        explained = self.run_program("explain", "--plugin", plugin("faults"), "--ops", "gray,asks,darker")
        self.assertEqual(explained.returncode, 0)
        self.assertIn("own kernel, version 1; workers may also call getuid", " ".join(explained.stdout.split()))

    def test_other_commands_take_it(self):
        self.make_widths(20, 30)
        stats = self.run_program("stats", self.inputs, "--plugin", plugin("faults"), "--ops", "darker", "--reduce", "max")
        self.assertIn('"max": [127]', stats.stdout)
        bench = self.run_program("bench", self.inputs, "--plugin", plugin("faults"), "--ops", "misbehaves",
                                 "--backends", "serial", "--jobs", 1, "--repeats", 1, "--mode", "files", "-q")
        self.assertEqual((bench.returncode, bench.stderr), (0, ""))

    def test_what_is_no_plugin_is_wrong_usage(self):
        text = self.folder / "text.so"
        text.write_text("no library")
        cases = {
            self.folder / "none.so": "No such file or directory",
            self.folder: "it is no file",
            text: "it cannot be loaded",
            plugin("no_plugin"): "it is no plug-in of pixmill",
            plugin("other_version"): "it was made for pixmill",
            plugin("other_opencv"): "it was made with OpenCV",
            plugin("throws_at_once"): "no licence for this machine",
            plugin("clashes"): "there is a kernel of that name already, which is pixmill's",
            plugin("registers_nothing"): "it registers nothing",
            "": "got an empty text",
        }
        for path, why in cases.items():
            done = self.run_program("kernels", "--plugin", path)
            self.assertEqual((done.returncode, done.stdout), (2, ""), path)
            self.assertIn(why, done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1)

    def test_of_a_plugin_all_or_nothing_is_registered(self):
        # Twice the same is once; two plug-ins with the same names are not.
        done = self.run_program("kernels", "darker", "--plugin", plugin("faults"), "--plugin", plugin("faults"))
        self.assertEqual(done.returncode, 0, done.stderr)
        copy = self.folder / "copy.so"
        copy.write_bytes(plugin("faults").read_bytes())
        done = self.run_program("kernels", "darker", "--plugin", plugin("faults"), "--plugin", copy)
        self.assertEqual(done.returncode, 2)
        self.assertIn("which is registered", done.stderr)

    def test_a_name_without_slash_is_a_file_of_this_folder(self):
        (self.folder / "here.so").write_bytes(plugin("faults").read_bytes())
        done = self.run_program("kernels", "darker", "--plugin", "here.so", cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
