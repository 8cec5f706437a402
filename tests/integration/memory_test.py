"""The memory of a run grows with the number of its inputs by their names alone, and not with what a profile claims."""
import os
import shutil
import unittest

from metadata_test import profile_bomb
from program import ProgramTest, png

COUNT = int(os.environ.get("COUNT", "20000"))


class MemoryTest(ProgramTest):
    def peak_kib(self, count):
        many = self.folder / f"many{count}"
        many.mkdir()
        (many / "0.png").write_bytes(png(32, 32, 1))
        for i in range(1, count):
            os.link(many / "0.png", many / f"{i}.png")
        return self.peak_kib_of(many, self.folder / f"out{count}", "--reduce", "mean")

    def peak_kib_of(self, inputs, out, *options):
        told = self.folder / "peak"
        told.unlink(missing_ok=True)
        # The loader splits the list of what it is to preload at spaces, which the build folder's name may have.
        shim = shutil.copy(os.environ["PEAK"], self.folder / "peak.so")
        done = self.run_program("run", inputs, "-o", out, "--ops", "gray,threshold=otsu", "-q", "-j", "2", *options,
                                env={**os.environ, "LD_PRELOAD": str(shim), "PEAK_FILE": str(told)})
        self.assertEqual(done.returncode, 0, done.stderr)
        return max(map(int, told.read_text().split()))

    def test_is_flat(self):
        few = self.peak_kib(COUNT // 10)
        many = self.peak_kib(COUNT)
        grown = (many - few) * 1024 / (COUNT - COUNT // 10)
        print(f"peak {few} KiB for {COUNT // 10} inputs, {many} KiB for {COUNT}: {grown:.0f} bytes an input")
        self.assertLess(grown, 250)

    def test_a_profile_that_claims_much_takes_little(self):
        bomb = self.folder / "bomb.png"
        bomb.write_bytes(profile_bomb())
        # In this process: a worker that is killed at the end tells nothing.
        threads = ("--backend", "threads")
        without = self.peak_kib_of(bomb, self.folder / "dropped", *threads)
        kept = self.peak_kib_of(bomb, self.folder / "kept", "--keep-metadata", *threads)
        print(f"peak {without} KiB without the profile, {kept} KiB with it")
        self.assertLess(kept - without, 16 << 10)


if __name__ == "__main__":
    unittest.main()
