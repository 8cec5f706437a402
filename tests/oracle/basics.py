#!/usr/bin/env python3
"""gray, threshold, adaptive=mean and gaussian, invert and resize against OpenCV and numpy, through real files.

    basics.py PIXMILL [IMAGE...]      IMAGE: any that OpenCV reads; default: those of sample_images

Every output must have the size, the depth and the pixels that OpenCV (or the documented formula) gives; of
adaptive=gaussian 1e-5 of the pixels may differ. Prints a row a chain; exits 0 if all agree, else 1. Needs
python3-opencv and numpy.
"""
import sys

import cv2
import numpy as np

import through_files
from through_files import eight_bits, largest

KERNELS = ("gray", "threshold", "adaptive", "invert", "resize")
KINDS = {"binary": cv2.THRESH_BINARY, "binary_inv": cv2.THRESH_BINARY_INV, "trunc": cv2.THRESH_TRUNC,
         "tozero": cv2.THRESH_TOZERO, "tozero_inv": cv2.THRESH_TOZERO_INV}
FILTERS = {"area": cv2.INTER_AREA, "nearest": cv2.INTER_NEAREST, "linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC,
           "lanczos": cv2.INTER_LANCZOS4}


def bt601(image):
    return image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)


def weighted(weights):
    def apply(image):
        if image.ndim == 2:
            return image
        b, g, r = (image[:, :, c].astype(np.uint64) for c in range(3))
        return ((weights[0] * r + weights[1] * g + weights[2] * b + (1 << 14)) >> 15).astype(image.dtype)

    return apply


def of_channels(function):
    return lambda image: image if image.ndim == 2 else function(image.astype(np.uint32)).astype(image.dtype)


def average(image):
    return (2 * image.sum(2) + 3) // 6


def lightness(image):
    return (image.max(2) + image.min(2) + 1) // 2


def threshold(share, kind):
    """`share` of full scale; the limit is rounded down, as OpenCV does for whole levels."""

    def apply(image):
        most = largest(image)
        limit = int(np.floor(most * share))
        grey = bt601(image)
        white = np.array(most, image.dtype)
        above = grey > limit
        return {"binary": np.where(above, white, 0), "binary_inv": np.where(above, 0, white),
                "trunc": np.where(above, np.array(limit, image.dtype), grey), "tozero": np.where(above, grey, 0),
                "tozero_inv": np.where(above, 0, grey)}[kind].astype(image.dtype)

    return apply


def found(flag):
    return lambda image: cv2.threshold(bt601(image), 0, largest(image), flag)[1]


def adaptive(method, window, c, kind):
    return lambda image: cv2.adaptiveThreshold(bt601(eight_bits(image)) if image.ndim == 2 else eight_bits(bt601(image)),
                                               255, method, kind, window, c)


def resized(width, height, interpolation):
    return lambda image: cv2.resize(image, (width, height), interpolation=interpolation)


def halved(interpolation):
    def apply(image):
        sides = [max(1, int(side * 0.5 + 0.5)) for side in (image.shape[1], image.shape[0])]
        return cv2.resize(image, sides, interpolation=interpolation)

    return apply


CHAINS = {
    "gray": bt601,
    "gray=bt601": bt601,
    "gray=bt709": weighted((6966, 23436, 2366)),
    "gray=average": of_channels(average),
    "gray=lightness": of_channels(lightness),
    "gray=max": of_channels(lambda image: image.max(2)),
    "gray=min": of_channels(lambda image: image.min(2)),
    "invert": lambda image: (largest(image) - image).astype(image.dtype),
    "gray,threshold=otsu": found(cv2.THRESH_OTSU),
    **{f"gray,threshold=40%:type={kind}": threshold(0.4, kind) for kind in KINDS},
    **{f"gray,adaptive=mean:window={w}:c={c}": adaptive(cv2.ADAPTIVE_THRESH_MEAN_C, w, c, cv2.THRESH_BINARY)
       for w, c in ((3, 0), (11, 2), (61, -3))},
    **{f"gray,adaptive=gaussian:window={w}:c={c}:type=binary_inv":
       adaptive(cv2.ADAPTIVE_THRESH_GAUSSIAN_C, w, c, cv2.THRESH_BINARY_INV) for w, c in ((11, 2), (31, 5))},
    **{f"resize=50%:filter={name}": halved(flag) for name, flag in FILTERS.items()},
    **{f"resize=333x97:filter={name}": resized(333, 97, flag) for name, flag in FILTERS.items()},
}


def main(program, images):
    return through_files.compare_kinds(program, images, CHAINS, lambda chain: 1e-5 if "gaussian" in chain else 0.0)


if __name__ == "__main__":
    sys.exit(main(*through_files.arguments(__doc__)))
