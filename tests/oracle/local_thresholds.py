#!/usr/bin/env python3
"""Compares adaptive=niblack, sauvola, wolf and nick with cv::ximgproc::niBlackThreshold, pixel by pixel.

    local_thresholds.py PIXMILL [IMAGE...]      IMAGE: any that OpenCV reads; default: those of sample_images

Prints, for each method, window and k, on how many pixels of how many the two differ, and the worst image. Exits 1 if
they differ on more than 1e-4 of the pixels of any image. Needs python3-opencv with its contrib modules (Debian's has
them) and numpy.
"""
import sys

import cv2

import through_files

KERNELS = ("adaptive",)
METHODS = {"niblack": cv2.ximgproc.BINARIZATION_NIBLACK, "sauvola": cv2.ximgproc.BINARIZATION_SAUVOLA,
           "wolf": cv2.ximgproc.BINARIZATION_WOLF, "nick": cv2.ximgproc.BINARIZATION_NICK}
WINDOWS = (11, 25, 51)
KS = (-0.2, 0.1, 0.2, 0.5)
TYPES = {"binary": cv2.THRESH_BINARY, "binary_inv": cv2.THRESH_BINARY_INV}
LARGEST_SHARE = 1e-4


def eight_bit_gray(path):
    """What reaches these kernels: the luma that a JPEG stores, bt601 of anything else, 16 bits as (v + 128) / 257."""
    with open(path, "rb") as file:
        if file.read(2) == b"\xff\xd8":
            return through_files.read(path, cv2.IMREAD_GRAYSCALE)
    image = through_files.read(path, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    return through_files.eight_bits(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))


def case(method, window, k, r=128, kind="binary"):
    """A chain, and what it should make of an image."""
    chain = f"gray,adaptive={method}:window={window}:k={k}:type={kind}" + (f":r={r}" if method == "sauvola" else "")
    return chain, lambda image: cv2.ximgproc.niBlackThreshold(image, 255, TYPES[kind], window, k,
                                                              binarizationMethod=METHODS[method], r=r)


def cases():
    for method in METHODS:
        yield from (case(method, window, k) for window in WINDOWS for k in KS)
        yield case(method, 25, 0.2, kind="binary_inv")
    yield case("sauvola", 25, 0.3, r=60)


def main(program, images):
    levels = {path: eight_bit_gray(path) for path in images}
    return through_files.compare(program, levels, dict(cases()), lambda chain: LARGEST_SHARE)


if __name__ == "__main__":
    sys.exit(main(*through_files.arguments(__doc__)))
