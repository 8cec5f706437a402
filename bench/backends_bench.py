#!/usr/bin/env python3
"""The backends beside each other as whole programs, from files to files, and the decoder alone as the floor.

    backends_bench.py BUILD_FOLDER IMAGE_FOLDER [PAIRS] [CHAIN]     default: 21 pairs, gray,threshold=otsu

Each round runs every backend with two workers, and decode_floor with two threads over the JPEG files of the folder, in
a shuffled order. Each run has an output folder of its own, and none is removed before the end: to replace a file costs
what the file system writes at once for it, and ext4 searches long for a place while files have just been removed. Shown are medians, and for each the median of its ratio to `threads` of the same round with a 95 %
bootstrap interval. A first round is thrown away; files are in the page cache from then on.
"""
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

BACKENDS = ("processes", "threads", "tbb")


def interval(ratios, draws=4000):
    medians = sorted(statistics.median(random.choices(ratios, k=len(ratios))) for _ in range(draws))
    return medians[draws // 40], medians[-draws // 40]


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    build, folder = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    pairs = int(sys.argv[3]) if len(sys.argv) > 3 else 21
    chain = sys.argv[4] if len(sys.argv) > 4 else "gray,threshold=otsu"
    files = sorted(str(path) for path in folder.iterdir() if path.suffix.lower() in (".jpg", ".jpeg"))
    with tempfile.TemporaryDirectory() as scratch:
        listed = pathlib.Path(scratch) / "list"
        listed.write_text("\n".join(files) + "\n")
        jobs = {name: [build / "pixmill", "run", "--files-from", listed, "--ops", chain, "--backend", name, "-j", "2",
                       "--quiet"] for name in BACKENDS}
        jobs["decoding alone"] = [build / "decode_floor", "2", *files]
        times = {name: [] for name in jobs}
        for round_ in range(pairs + 1):
            for name in random.sample(sorted(jobs), len(jobs)):
                output = ["-o", f"{scratch}/{name} {round_}"] if name in BACKENDS else []
                begin = time.perf_counter()
                subprocess.run([*jobs[name], *output], check=True, stdout=subprocess.DEVNULL)
                if round_ > 0:
                    times[name].append(time.perf_counter() - begin)
    print(f"{len(files)} JPEG files, {pairs} rounds, {chain}, two workers")
    for name, seconds in times.items():
        print(f"{name:16} {statistics.median(seconds):8.4f} s", end="")
        for base in ("threads", "decoding alone"):
            ratios = [a / b for a, b in zip(seconds, times[base])]
            low, high = interval(ratios)
            print(f"   {statistics.median(ratios):6.3f} [{low:.3f}, {high:.3f}] x {base}", end="")
        print()


if __name__ == "__main__":
    main()
