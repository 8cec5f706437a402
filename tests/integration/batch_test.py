"""What a user does on a first day."""
import json
import os
import shutil
import unittest

from program import SAMPLES, ProgramTest, png


class BatchTest(ProgramTest):
    def test_every_sample_is_well_on_every_backend_with_the_same_bits(self):
        want = None
        for backend in os.environ["BACKENDS"].split(","):
            out = self.folder / backend
            report = self.folder / f"{backend}.json"
            done = self.run_program("run", SAMPLES, "-o", out, "--ops", "gray,threshold=otsu", "--backend", backend,
                                    "--reduce", "count,mean,std,histogram", "--reduce-out", report)
            self.assertEqual(done.returncode, 0, done.stderr)
            got = (self.outputs(out), report.read_text())
            want = want or got
            self.assertEqual(got, want)
        self.assertGreaterEqual(len(want[0]), 14)

    def test_bad_images_cost_no_other(self):
        self.make_images(6)
        (self.inputs / "cut.png").write_bytes(png(64, 64, 99)[:500])
        (self.inputs / "lie.png").write_bytes(png(64, 64, 98).replace(b"IDAT", b"IDAX"))
        done = self.run_program("run", self.inputs, "-o", self.out, "--ops", "gray,adaptive")
        self.assertEqual(done.returncode, 1)
        self.check_manifest_is_whole(8)
        verdicts = {os.path.basename(row["input"]): row["verdict"] for row in self.rows()[0]}
        self.assertEqual(verdicts["cut.png"], "truncated")
        self.assertNotIn(verdicts["lie.png"], ("ok", "repaired"))
        self.assertEqual(len(self.outputs()), 6)

    def test_the_tree_is_kept_and_names_that_collide_are_refused(self):
        (self.inputs / "a").mkdir()
        (self.inputs / "a/x.png").write_bytes(png(8, 8, 1))
        (self.inputs / "x.png").write_bytes(png(8, 8, 2))
        done = self.run_program("run", "-r", self.inputs, "-o", self.out)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(set(self.outputs()), {"a/x.png", "x.png"})
        refused = self.run_program("run", self.inputs / "x.png", self.inputs / "a/x.png", "-o", self.folder / "other")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("--root", refused.stderr)
        self.assertFalse((self.folder / "other").exists())

    def test_a_list_of_odd_names(self):
        names = ["plain.png", "with space.png", "new\nline.png", "quote'\".png", "-dash.png"]
        raw = os.fsencode(self.inputs) + b"/raw\xff.png"
        for name in names:
            (self.inputs / name).write_bytes(png(8, 8, 1))
        with open(raw, "wb") as file:
            file.write(png(8, 8, 1))
        (self.folder / "list").write_bytes(b"\0".join([os.fsencode(self.inputs / n) for n in names] + [raw]) + b"\0")
        done = self.run_program("run", "--files-from", self.folder / "list", "-0", "-o", self.out)
        self.assertEqual(done.returncode, 0, done.stderr)
        rows, _ = self.rows()
        self.assertEqual(len(rows), 6)
        self.assertEqual(sum("input_b64" in row for row in rows), 1)
        self.assertTrue(os.path.exists(os.fsencode(self.out) + b"/raw\xff.png"))
        self.assertTrue((self.out / "new\nline.png").exists())

    def test_a_missing_file_in_a_list_is_unreadable(self):
        self.make_images(1)
        (self.folder / "list").write_text(f"{self.inputs}/0.png\n{self.inputs}/missing.png\n")
        done = self.run_program("run", "--files-from", self.folder / "list", "-o", self.out)
        self.assertEqual(done.returncode, 1)
        self.assertEqual({row["verdict"] for row in self.rows()[0]}, {"ok", "unreadable"})

    def test_an_output_never_replaces_an_input(self):
        (self.inputs / "a.png").write_bytes(png(8, 8, 1))
        linked = self.folder / "linked"
        linked.mkdir()
        os.link(self.inputs / "a.png", linked / "a.png")
        for out in (self.inputs, linked):
            done = self.run_program("run", self.inputs / "a.png", "-o", out, "--overwrite")
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertEqual((self.inputs / "a.png").read_bytes(), png(8, 8, 1))

    def test_standard_input(self):
        (self.inputs / "a.png").write_bytes(png(8, 8, 1))
        with open(self.inputs / "a.png", "rb") as file:
            done = self.run_program("run", "-", "-o", self.out, "--ops", "invert", stdin=file)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(set(self.outputs()), {"stdin.png"})

    def test_a_full_disk_keeps_what_is_whole_and_resume_goes_on(self):
        self.make_images(30, side=100)
        quiet = self.run_program("run", self.inputs, "-o", self.folder / "quiet", "--ops", "invert")
        self.assertEqual(quiet.returncode, 0)
        want = self.outputs(self.folder / "quiet")
        size = sum(map(len, want.values()))
        # The loader splits the list of what it is to preload at spaces, which the build folder's name may have.
        shim = shutil.copy(os.environ["NO_ROOM"], self.folder / "no_room.so")
        for share in (0, 0.1, 0.5, 0.9):
            shutil.rmtree(self.out, ignore_errors=True)
            environment = dict(os.environ, LD_PRELOAD=str(shim), NO_ROOM_AFTER=str(int(size * share)),
                               ASAN_OPTIONS="verify_asan_link_order=0")
            done = self.run_program("run", self.inputs, "-o", self.out, "--ops", "invert", env=environment)
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertIn("No space left", done.stderr)
            self.check_manifest_is_whole(30)
            self.assertTrue(all(want[name] == content for name, content in self.outputs().items()))
            done = self.run_program("run", self.inputs, "-o", self.out, "--ops", "invert", "--resume")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(self.outputs(), want)

    def test_fsync_gives_the_same(self):
        self.make_images(3)
        self.assertEqual(self.run_program("run", self.inputs, "-o", self.out, "--fsync").returncode, 0)
        self.check_manifest_is_whole(3)

    def test_a_dry_run_writes_nothing(self):
        self.make_images(3)
        done = self.run_program("run", self.inputs, "-o", self.out, "--dry-run")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(done.stdout.splitlines()), 3)
        self.assertFalse(self.out.exists())

    def test_a_report_as_csv_and_by_image(self):
        self.make_images(3)
        report = self.folder / "report.csv"
        done = self.run_program("stats", self.inputs, "--reduce", "mean,max", "--per-image", "--reduce-out", report)
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = report.read_text().splitlines()
        self.assertEqual(lines[0], "input,images,pixels,depth,channel,max,mean")
        self.assertEqual(len(lines), 1 + 1 + 3)

    def test_stats_without_a_good_image_are_null(self):
        (self.inputs / "a.png").write_bytes(png(8, 8, 1)[:60])
        done = self.run_program("stats", self.inputs / "a.png")
        self.assertEqual(done.returncode, 1)
        report = json.loads(done.stdout)
        self.assertEqual(report["images"], 0)
        self.assertIsNone(report["mean"])


if __name__ == "__main__":
    unittest.main()
