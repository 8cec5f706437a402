#!/usr/bin/env python3
"""Compares adaptive=niblack, sauvola, wolf and nick with cv::ximgproc::niBlackThreshold, pixel by pixel.

    local_thresholds.py PIXMILL [IMAGE...]      without any, those of sample_images/

Prints, for each method, window and k, on how many pixels of how many the two differ, and the worst image. Exits 1 if
they differ on more than 1e-4 of the pixels of any image. Needs python3-opencv with its contrib modules (Debian's has
them) and numpy.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import cv2
import numpy as np

KERNELS = ("adaptive",)
METHODS = {"niblack": cv2.ximgproc.BINARIZATION_NIBLACK, "sauvola": cv2.ximgproc.BINARIZATION_SAUVOLA,
           "wolf": cv2.ximgproc.BINARIZATION_WOLF, "nick": cv2.ximgproc.BINARIZATION_NICK}
WINDOWS = (11, 25, 51)
KS = (-0.2, 0.1, 0.2, 0.5)
TYPES = {"binary": cv2.THRESH_BINARY, "binary_inv": cv2.THRESH_BINARY_INV}
LARGEST_SHARE = 1e-4
SAMPLES = pathlib.Path(__file__).resolve().parents[2] / "sample_images"


def eight_bit_gray(path):
    """What reaches these kernels: the luma that a JPEG stores, bt601 of anything else, 16 bits as (v + 128) / 257."""
    with open(path, "rb") as file:
        if file.read(2) == b"\xff\xd8":
            return cv2.imread(path, cv2.IMREAD_GRAYSCALE)
    image = cv2.imread(path, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    image = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    return image if image.dtype == np.uint8 else ((image.astype(np.uint32) + 128) // 257).astype(np.uint8)


def cases():
    for method in METHODS:
        for window in WINDOWS:
            for k in KS:
                yield method, window, k, 128, "binary"
        yield method, 25, 0.2, 128, "binary_inv"
    yield "sauvola", 25, 0.3, 60, "binary"


def pixmill_results(program, images, ops, folder):
    """The binary image that pixmill makes of each input."""
    command = [program, "run", *images, "-o", folder, "--root", "/", "--ops", ops, "--progress", "none"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"pixmill ended with {done.returncode}: {done.stderr.strip()}")
    rows = (json.loads(line) for line in open(pathlib.Path(folder) / "pixmill.jsonl", encoding="utf-8"))
    return {row["input"]: cv2.imread(row["output"], cv2.IMREAD_UNCHANGED) for row in rows if "input" in row}


def compare(program, levels, method, window, k, r, kind):
    """(pixels that differ, pixels, largest share of an image, that image)"""
    ops = f"gray,adaptive={method}:window={window}:k={k}:type={kind}" + (f":r={r}" if method == "sauvola" else "")
    with tempfile.TemporaryDirectory() as folder:
        ours = pixmill_results(program, list(levels), ops, folder)
    differing, pixels, worst = 0, 0, (0.0, "-")
    for path, image in levels.items():
        theirs = cv2.ximgproc.niBlackThreshold(image, 255, TYPES[kind], window, k,
                                               binarizationMethod=METHODS[method], r=r)
        if ours[path] is None or ours[path].shape != theirs.shape or ours[path].dtype != theirs.dtype:
            sys.exit(f"{path}: the output of {ops} cannot be compared")
        off = int(np.count_nonzero(ours[path] != theirs))
        differing, pixels = differing + off, pixels + image.size
        worst = max(worst, (off / image.size, pathlib.Path(path).name))
    return differing, pixels, *worst


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    program, images = sys.argv[1], [str(pathlib.Path(image).resolve()) for image in sys.argv[2:]]
    if not images:
        images = [str(path) for path in sorted(SAMPLES.iterdir()) if path.suffix in (".jpg", ".png")]
    levels = {path: eight_bit_gray(path) for path in images}
    print(f"{len(levels)} images, OpenCV {cv2.__version__}")
    print(f"{'method':8} {'window':>6} {'k':>5} {'r':>4} {'type':10} {'differ':>7} {'of pixels':>10} {'worst':>8}  image")
    failed = False
    for case in cases():
        differing, pixels, share, name = compare(program, levels, *case)
        method, window, k, r, kind = case
        print(f"{method:8} {window:6} {k:5} {r:4} {kind:10} {differing:7} {pixels:10} {share:8.1e}  {name}", flush=True)
        failed = failed or share > LARGEST_SHARE
    print("FAILED: beyond 1e-4 of an image's pixels" if failed else "all within 1e-4 of each image's pixels")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
