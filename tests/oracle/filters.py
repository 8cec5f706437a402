#!/usr/bin/env python3
"""The filters against OpenCV and numpy, bit for bit, through real files.

    filters.py PIXMILL [IMAGE...]      IMAGE: any that OpenCV reads; default: those of sample_images

The middle of each image, at most 331 x 251 pixels, is made into four PNGs, gray and colour at 8 and 16 bits; the program runs every chain over all of them, and
each output must have the size, the depth and the pixels that OpenCV (or the documented formula) gives. Prints a row a
chain; exits 0 if all agree, else 1. Needs python3-opencv and python3-numpy.
"""
import pathlib
import subprocess
import sys
import tempfile

import cv2
import numpy as np

KERNELS = ("blur", "median", "morph", "crop", "rotate", "flip", "equalize", "levels")
SAMPLES = pathlib.Path(__file__).resolve().parents[2] / "sample_images"
MOST_ROWS, MOST_COLUMNS = 251, 331
SHAPES = {"rect": cv2.MORPH_RECT, "ellipse": cv2.MORPH_ELLIPSE, "cross": cv2.MORPH_CROSS}
OPERATIONS = {"open": cv2.MORPH_OPEN, "close": cv2.MORPH_CLOSE, "erode": cv2.MORPH_ERODE, "dilate": cv2.MORPH_DILATE}


def largest(image):
    return int(np.iinfo(image.dtype).max)


def by_channel(function):
    def each(image):
        if image.ndim == 2:
            return function(image)
        return np.dstack([function(np.ascontiguousarray(image[:, :, c])) for c in range(image.shape[2])])

    return each


def median(window):
    def apply(image):
        if window > 5 and image.dtype == np.uint16:
            image = ((image.astype(np.uint32) + 128) // 257).astype(np.uint8)
        return cv2.medianBlur(image, window)

    return apply


def morph(operation, size, shape):
    element = cv2.getStructuringElement(SHAPES[shape], (size, size))
    return lambda image: cv2.morphologyEx(image, OPERATIONS[operation], element)


@by_channel
def equalize(plane):
    if plane.dtype == np.uint8:
        return cv2.equalizeHist(plane)
    counts = np.bincount(plane.ravel(), minlength=65536)
    least = int(np.flatnonzero(counts)[0])
    rest = plane.size - int(counts[least])
    if rest == 0:
        return plane
    sums = np.cumsum(counts)
    scale = np.float32(65535) / np.float32(rest)
    table = np.rint((sums - counts[least]).astype(np.float32) * scale).clip(0, 65535)
    table[: least + 1] = 0
    return table.astype(np.uint16)[plane]


def clahe(clip, tiles):
    return by_channel(lambda plane: cv2.createCLAHE(clip, (tiles, tiles)).apply(plane))


def levels(low, high, gamma):
    """`low` and `high` are shares of full scale."""

    def apply(image):
        most = largest(image)
        black, white = most * low, most * high
        share = ((np.arange(most + 1) - black) / (white - black)).clip(0, 1)
        table = np.floor(most * share ** (1 / gamma) + 0.5 + 1e-9)
        return table.astype(image.dtype)[image]

    return apply


def cases():
    """Chains, and what each should make of an image."""
    yield from ((f"blur={s}", lambda i, s=s: cv2.GaussianBlur(i, (0, 0), s)) for s in (0.1, 0.5, 1, 2.7, 8, 31))
    yield from ((f"median={w}", median(w)) for w in (3, 5, 7, 31, 255))
    for operation in OPERATIONS:
        for shape in SHAPES:
            for size in (3, 4, 9):
                yield f"morph={operation}:size={size}:shape={shape}", morph(operation, size, shape)
    yield "crop=40x30+7+11", lambda i: i[11:41, 7:47]
    yield "crop=1x1+0+0", lambda i: i[:1, :1]
    yield "rotate=90", lambda i: cv2.rotate(i, cv2.ROTATE_90_CLOCKWISE)
    yield "rotate=180", lambda i: cv2.rotate(i, cv2.ROTATE_180)
    yield "rotate=270", lambda i: cv2.rotate(i, cv2.ROTATE_90_COUNTERCLOCKWISE)
    yield "flip=h", lambda i: cv2.flip(i, 1)
    yield "flip=v", lambda i: cv2.flip(i, 0)
    yield "equalize", equalize
    yield from ((f"equalize=clip={c}:tiles={t}", clahe(c, t)) for c, t in ((2, 8), (40, 3), (0.5, 16)))
    yield "levels=low=10%:high=80%:gamma=1.7", levels(0.1, 0.8, 1.7)
    yield "levels=gamma=0.45", levels(0, 1, 0.45)
    yield "flip=h,median=3,rotate=90", lambda i: cv2.rotate(cv2.medianBlur(cv2.flip(i, 1), 3), cv2.ROTATE_90_CLOCKWISE)


def write_variants(path, folder):
    """Gray and colour at 8 and 16 bits, of a size that no tile or vector divides."""
    colour = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if colour is None or min(colour.shape[:2]) < 60:
        sys.exit(f"{path}: OpenCV cannot read it, or it is smaller than 60 x 60 pixels")
    top, left = max(0, colour.shape[0] - MOST_ROWS) // 2, max(0, colour.shape[1] - MOST_COLUMNS) // 2
    rows, columns = min(colour.shape[0], MOST_ROWS), min(colour.shape[1], MOST_COLUMNS)
    colour = colour[top : top + rows - 1 + rows % 2, left : left + columns - 1 + columns % 2]
    noise = np.random.default_rng(1).integers(0, 257, colour.shape, dtype=np.uint32)
    deep = np.minimum(colour.astype(np.uint32) * 257 + noise, 65535).astype(np.uint16)
    for name, image in (("8", colour), ("16", deep)):
        cv2.imwrite(str(folder / f"{path.stem}_{path.suffix[1:]}_colour_{name}.png"), image)
        cv2.imwrite(str(folder / f"{path.stem}_{path.suffix[1:]}_gray_{name}.png"), image[:, :, 1])


def differing(got, wanted):
    """The share of levels that differ; 1 where size or depth do."""
    if got is None or got.shape != wanted.shape:
        return 1.0
    if got.dtype != wanted.dtype:
        # Two levels are stored in one bit, whatever the depth was.
        if not np.isin(wanted, (0, largest(wanted))).all():
            return 1.0
        wanted = (wanted // 257).astype(np.uint8)
    return float(np.mean(got != wanted))


def run_chain(pixmill, inputs, folder, chain):
    command = [pixmill, "run", *map(str, inputs), "-o", str(folder), "--ops", chain, "--backend", "serial", "-q"]
    result = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=600)
    return "" if result.returncode == 0 else f"exit {result.returncode}: {result.stderr.strip()[-200:]}"


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    images = [pathlib.Path(p) for p in sys.argv[2:]]
    images = images or sorted(p for p in SAMPLES.iterdir() if p.suffix in (".png", ".jpg"))
    failed = 0
    with tempfile.TemporaryDirectory(prefix="pixmill-oracle-") as scratch:
        inputs_folder = pathlib.Path(scratch) / "in"
        inputs_folder.mkdir()
        for path in images:
            write_variants(path, inputs_folder)
        inputs = sorted(inputs_folder.iterdir())
        sources = {path.name: cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in inputs}
        print(f"{'chain':44} {'images':>7} {'differing':>10}")
        for number, (chain, oracle) in enumerate(cases()):
            folder = pathlib.Path(scratch) / str(number)
            problem = run_chain(sys.argv[1], inputs, folder, chain)
            worst = 0.0
            for name, image in sources.items():
                got = cv2.imread(str(folder / name), cv2.IMREAD_UNCHANGED)
                share = differing(got, oracle(image))
                if share > 0 and not problem:
                    problem = name
                worst = max(worst, share)
            print(f"{chain:44} {len(sources):7} {worst:10.2e}  {problem}".rstrip())
            failed += bool(problem)
    print("all agree, bit for bit" if failed == 0 else f"{failed} chains differ")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
