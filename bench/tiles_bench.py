#!/usr/bin/env python3
"""400 small tiles of one photo, gray and an adaptive threshold: pixmill with two workers against Python's Pool(2) and cv2.

    tiles_bench.py PIXMILL PHOTO [ROUNDS]      default: 11 rounds

Whole processes, interleaved; medians. Each run has an output folder of its own, and none is removed before the end. The
photo is cut into 20 x 20 tiles, written as PNG. Needs python3-opencv.
"""
import pathlib
import statistics
import sys
import tempfile

import cv2

from rounds import ratio, timed

POOL = """
import glob, multiprocessing, os, sys
import cv2
cv2.setNumThreads(1)
source, target = sys.argv[1:3]
os.makedirs(target, exist_ok=True)
def work(path):
    gray = cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2GRAY)
    done = cv2.adaptiveThreshold(gray, 255, cv2.ADAPTIVE_THRESH_GAUSSIAN_C, cv2.THRESH_BINARY, 11, 2)
    cv2.imwrite(os.path.join(target, os.path.basename(path)), done)
if __name__ == "__main__":
    with multiprocessing.Pool(2) as pool:
        pool.map(work, sorted(glob.glob(source + "/*.png")))
"""


def cut(photo, folder, across=20):
    image = cv2.imread(photo)
    if image is None:
        sys.exit(f"{photo}: OpenCV cannot read it")
    height, width = image.shape[0] // across, image.shape[1] // across
    for y in range(across):
        for x in range(across):
            tile = image[y * height:(y + 1) * height, x * width:(x + 1) * width]
            cv2.imwrite(str(folder / f"{y:02}-{x:02}.png"), tile)
    return width, height


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    program, photo = str(pathlib.Path(sys.argv[1]).resolve()), sys.argv[2]
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 11
    with tempfile.TemporaryDirectory() as scratch:
        tiles = pathlib.Path(scratch) / "tiles"
        tiles.mkdir()
        width, height = cut(photo, tiles)
        script = pathlib.Path(scratch) / "pool.py"
        script.write_text(POOL)

        def command_of(backend):
            return lambda round_: [program, "run", tiles, "--ops", "gray,adaptive=gaussian:window=11:c=2", "--backend",
                                   backend, "-j", "2", "-q", "-o", f"{scratch}/{backend} {round_}"]

        commands = {backend: command_of(backend) for backend in ("processes", "threads")}
        commands["Python Pool(2)"] = lambda round_: [sys.executable, script, tiles, f"{scratch}/pool {round_}"]
        times = timed(commands, rounds)
    print(f"400 tiles of {width}x{height}, {rounds} rounds")
    for name, seconds in times.items():
        middle, low, high = ratio(seconds, times["processes"])
        print(f"{name:16} {statistics.median(seconds):8.4f} s   {middle:6.2f} [{low:.2f}, {high:.2f}] x processes")


if __name__ == "__main__":
    main()
