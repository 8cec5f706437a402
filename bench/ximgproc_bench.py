#!/usr/bin/env python3
"""adaptive=niblack, sauvola, wolf and nick against cv::ximgproc::niBlackThreshold, in memory, one thread each.

    ximgproc_bench.py CHAIN_BENCH [RUNS] [IMAGE]      RUNS of each (default 11); IMAGE: default a drawn page of 12 megapixels

Runs of the two take turns, first one and then the other going ahead; the median of the ratios of neighbours is shown,
and how many pixels differ. OpenCV writes to an image that it is given, as ours does. Needs python3-opencv with its
contrib modules, and numpy.
"""
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import cv2
import numpy as np

METHODS = {"niblack": cv2.ximgproc.BINARIZATION_NIBLACK, "sauvola": cv2.ximgproc.BINARIZATION_SAUVOLA,
           "wolf": cv2.ximgproc.BINARIZATION_WOLF, "nick": cv2.ximgproc.BINARIZATION_NICK}
WINDOWS = (25, 51)
K = 0.2


def page(width=4000, height=3000):
    """Like a photo of a page: uneven light, lines of text, a blank margin, the noise of a sensor."""
    random = np.random.default_rng(1)
    light = np.linspace(120, 235, width)[None, :] * np.linspace(1, 0.7, height)[:, None]
    image = light.astype(np.uint8)
    for y in range(150, height - 150, 60):
        for x in range(200, width - 200, 900):
            words = "".join(chr(97 + c) if c < 26 else " " for c in random.integers(0, 31, 36))
            cv2.putText(image, words, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 1.2, 50, 3)
    noise = random.normal(0, 4, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


class Ours:
    """chain_bench, waiting for the word to run once more."""

    def __init__(self, program, chain, pgm):
        self.output = pathlib.Path(f"{pgm}.out")
        self.process = subprocess.Popen([program, chain, pgm], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit("chain_bench ended before its time")
        return answer

    def run(self):
        return float(self.ask("run"))

    def result(self, shape):
        self.ask("write")
        return np.frombuffer(self.output.read_bytes()[-shape[0] * shape[1]:], np.uint8).reshape(shape)

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def measure(program, image, pgm, method, window, runs):
    ours = Ours(program, f"adaptive={method}:window={window}:k={K}", pgm)
    theirs = np.empty_like(image)

    def run_theirs():
        begin = time.perf_counter()
        cv2.ximgproc.niBlackThreshold(image, 255, cv2.THRESH_BINARY, window, K, theirs,
                                      binarizationMethod=METHODS[method])
        return (time.perf_counter() - begin) * 1000

    ours.run(), run_theirs()
    pairs = []
    for i in range(runs):
        if i % 2 == 0:
            pairs.append((ours.run(), run_theirs()))
        else:
            theirs_ms = run_theirs()
            pairs.append((ours.run(), theirs_ms))
    differ = int(np.count_nonzero(ours.result(image.shape) != theirs))
    ours.end()
    ours_ms, theirs_ms = (statistics.median(column) for column in zip(*pairs))
    ratio = statistics.median(b / a for a, b in pairs)
    print(f"{method:8} {window:6} {ours_ms:9.2f} {theirs_ms:9.1f} {ratio:7.1f} {differ:8}", flush=True)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    cv2.setNumThreads(1)
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 11
    image = cv2.imread(sys.argv[3], cv2.IMREAD_GRAYSCALE) if len(sys.argv) > 3 else page()
    with tempfile.TemporaryDirectory() as folder:
        pgm = str(pathlib.Path(folder) / "page.pgm")
        cv2.imwrite(pgm, image)
        print(f"{image.shape[1]} x {image.shape[0]}, k {K}, {runs} pairs, OpenCV {cv2.__version__}")
        print(f"{'method':8} {'window':>6} {'pixmill':>9} {'ximgproc':>9} {'ratio':>7} {'differ':>8}")
        for method in METHODS:
            for window in WINDOWS:
                measure(sys.argv[1], image, pgm, method, window, runs)


if __name__ == "__main__":
    main()
