"""The memory of a run does not grow with the number of its inputs but for their names."""
import os
import subprocess
import unittest

from program import PIXMILL, ProgramTest, png

COUNT = int(os.environ.get("COUNT", "20000"))


class MemoryTest(ProgramTest):
    def peak_kib(self, count):
        many = self.folder / f"many{count}"
        many.mkdir()
        (many / "0.png").write_bytes(png(32, 32, 1))
        for i in range(1, count):
            os.link(many / "0.png", many / f"{i}.png")
        process = subprocess.Popen([PIXMILL, "run", str(many), "-o", str(self.folder / f"out{count}"), "--ops",
                                    "gray,threshold=otsu", "--reduce", "mean", "-q", "-j", "2"], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0)
        return usage.ru_maxrss

    def test_is_flat(self):
        few = self.peak_kib(COUNT // 10)
        many = self.peak_kib(COUNT)
        grown = (many - few) * 1024 / (COUNT - COUNT // 10)
        print(f"peak {few} KiB for {COUNT // 10} inputs, {many} KiB for {COUNT}: {grown:.0f} bytes an input")
        self.assertLess(grown, 250)


if __name__ == "__main__":
    unittest.main()
