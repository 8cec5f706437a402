#!/usr/bin/env python3
"""The filters against OpenCV and numpy, bit for bit, through real files.

    filters.py PIXMILL [IMAGE...]      IMAGE: any that OpenCV reads; default: those of sample_images

The middle of each image, at most 331 x 251 pixels, is made into four PNGs, gray and colour at 8 and 16 bits; every
output must have the size, the depth and the pixels that OpenCV (or the documented formula) gives. Prints a row a chain;
exits 0 if all agree, else 1. Needs python3-opencv and numpy.
"""
import sys

import cv2
import numpy as np

import through_files
from through_files import eight_bits, largest

KERNELS = ("blur", "median", "morph", "crop", "rotate", "flip", "equalize", "levels")
MOST_ROWS, MOST_COLUMNS = 251, 331
SHAPES = {"rect": cv2.MORPH_RECT, "ellipse": cv2.MORPH_ELLIPSE, "cross": cv2.MORPH_CROSS}
OPERATIONS = {"open": cv2.MORPH_OPEN, "close": cv2.MORPH_CLOSE, "erode": cv2.MORPH_ERODE, "dilate": cv2.MORPH_DILATE}


def by_channel(function):
    def each(image):
        if image.ndim == 2:
            return function(image)
        return np.dstack([function(np.ascontiguousarray(image[:, :, c])) for c in range(image.shape[2])])

    return each


def median(window):
    return lambda image: cv2.medianBlur(eight_bits(image) if window > 5 else image, window)


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


def middle(image):
    """Of a size that no tile or vector divides."""
    if min(image.shape[:2]) < 60:
        sys.exit("{1} x {0} pixels are too few: at least 60 x 60".format(*image.shape))
    top, left = max(0, image.shape[0] - MOST_ROWS) // 2, max(0, image.shape[1] - MOST_COLUMNS) // 2
    rows, columns = min(image.shape[0], MOST_ROWS), min(image.shape[1], MOST_COLUMNS)
    return image[top:top + rows - 1 + rows % 2, left:left + columns - 1 + columns % 2]


def main(program, images):
    return through_files.compare_kinds(program, images, dict(cases()), lambda chain: 0.0, middle)


if __name__ == "__main__":
    sys.exit(main(*through_files.arguments(__doc__)))
