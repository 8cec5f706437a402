#!/usr/bin/python3
"""Compares the automatic thresholds with scikit-image's, OpenCV's and plain references.

    thresholds.py PIXMILL [IMAGE...]      IMAGE: any that pixmill reads; default: those of sample_images

Each image is turned to gray by pixmill itself, and from that come three sets: 8 bits; 16 bits that use all levels; and
16 bits of which 10 are used, as of many cameras and microscopes. T is read off what `type=trunc` makes of an image.
Prints one row a method and set, and exits 0 if none is further than one level from its oracle, 1 otherwise. Where
OpenCV and scikit-image themselves differ by more, and pixmill has OpenCV's T, as it promises, that is counted in the
column "OpenCV's" and is no failure.

Needs numpy, python3-opencv and python3-skimage.
"""
import pathlib
import sys
import tempfile
import warnings

import cv2
import numpy as np
from scipy import ndimage
from skimage import filters

import through_files

KERNELS = ("threshold",)
SETS = ("8 bits", "16 bits", "10 of 16 bits")


def levels(image):
    """How often each level occurs."""
    return np.bincount(image.ravel(), minlength=np.iinfo(image.dtype).max + 1)


def yen(image):
    """scikit-image's criterion in double precision: its own single precision is coarse for 65536 levels."""
    counts = levels(image).astype(float)
    occupied = np.flatnonzero(counts)
    if len(occupied) == 1:
        return occupied[0]
    share = counts / counts.sum()
    inside = slice(occupied[0], occupied[-1])
    below = np.cumsum(share)[inside]
    squares_below = np.cumsum(share**2)[inside]
    above = np.cumsum(share[::-1])[::-1][1:][inside]
    squares_above = np.cumsum(share[::-1]**2)[::-1][1:][inside]
    return occupied[0] + np.argmax(np.log(below**2 / squares_below) + np.log(above**2 / squares_above))


def kapur(image):
    """The sum of the entropies of the two classes, as in the paper of 1985."""
    counts = levels(image).astype(float)
    occupied = np.flatnonzero(counts)
    if len(occupied) == 1:
        return occupied[0]
    share = counts / counts.sum()
    terms = np.zeros_like(share)
    terms[occupied] = -share[occupied] * np.log(share[occupied])
    inside = slice(occupied[0], occupied[-1])
    below, entropy_below = np.cumsum(share)[inside], np.cumsum(terms)[inside]
    above, entropy_above = (np.cumsum(x[::-1])[::-1][1:][inside] for x in (share, terms))
    return occupied[0] + np.argmax(np.log(below * above) + entropy_below / below + entropy_above / above)


def minimum(image):
    """skimage.filters.threshold_minimum, whose search for peaks takes minutes for thousands of levels, by arrays.

    None where it gives up.
    """
    counts = levels(image).astype(float)
    occupied = np.flatnonzero(counts)
    smooth = counts[occupied[0]:occupied[-1] + 1]
    for made in range(10000):
        smooth = ndimage.uniform_filter1d(smooth, 3)
        steps = np.sign(np.diff(smooth))
        at = np.flatnonzero(steps)
        falls = steps[at] < 0
        starts = falls & np.concatenate([[True], ~falls[:-1]])
        peaks = at[starts]
        if len(peaks) < 3:
            break
    if len(peaks) != 2 or made == 9999:
        return None
    return occupied[0] + peaks[0] + np.argmin(smooth[peaks[0]:peaks[1] + 1])


def opencv(kind):
    return lambda image: cv2.threshold(image, 0, 255, kind)[0]


def scikit(find):
    def found(image):
        try:
            return find(image)
        except RuntimeError:
            return None
    return found


TRIANGLE = opencv(cv2.THRESH_TRIANGLE)

# (method, oracle, the sets it knows, function of an image that gives T or None)
ORACLES = [
    ("otsu", "scikit-image", SETS, scikit(filters.threshold_otsu)),
    ("otsu", "OpenCV", SETS, opencv(cv2.THRESH_OTSU)),
    ("triangle", "scikit-image", SETS, scikit(filters.threshold_triangle)),
    ("triangle", "OpenCV", ("8 bits",), TRIANGLE),
    ("mean", "scikit-image", SETS, scikit(filters.threshold_mean)),
    ("median", "numpy", SETS, np.median),
    ("li", "scikit-image", SETS, scikit(filters.threshold_li)),
    ("yen", "scikit-image", ("8 bits",), scikit(filters.threshold_yen)),
    ("yen", "its formula", SETS, yen),
    ("isodata", "scikit-image", SETS, scikit(filters.threshold_isodata)),
    ("kapur", "the paper", SETS, kapur),
    ("minimum", "scikit-image", ("8 bits",), scikit(filters.threshold_minimum)),
    ("minimum", "its steps", ("8 bits", "10 of 16 bits"), minimum),
]


def make_sets(program, images, folder):
    """The paths of gray PNGs, by the name of the set."""
    sets = {name: [] for name in SETS}

    def write(name, number, pixels):
        sets[name].append(str(folder / f"{number}-{name.replace(' ', '-')}.png"))
        cv2.imwrite(sets[name][-1], pixels)

    for number, (path, gray) in enumerate(through_files.outputs(program, images, "gray")):
        if gray is None:
            sys.exit(f"{path}: pixmill does not read it")
        gray = through_files.eight_bits(gray)
        # Blurring by less than a pixel fills the levels between those that 8 bits know.
        fine = cv2.GaussianBlur(gray.astype(np.float32), (0, 0), 0.7) / 255
        write("8 bits", number, gray)
        write("16 bits", number, np.clip(np.rint(fine * 65535), 0, 65535).astype(np.uint16))
        write("10 of 16 bits", number, np.clip(np.rint(fine * 1023), 0, 1023).astype(np.uint16))
    return sets


def found_threshold(image, truncated):
    """T, as far as pixels tell: the largest level where none is above T."""
    return int(truncated.max()) if truncated.max() < image.max() else int(image.max())


def difference(image, ours, oracles):
    """In levels; 0 where both split the pixels in the same way."""
    oracle = int(np.floor(oracles))
    if np.array_equal(image > ours, image > oracle):
        return 0
    return abs(ours - oracle)


def thresholds_of(program, paths, method):
    """Each image and the T that pixmill finds; None where it gives up."""
    for path, truncated in through_files.outputs(program, paths, f"threshold={method}:type=trunc"):
        image = through_files.read(path, cv2.IMREAD_UNCHANGED)
        yield image, None if truncated is None else found_threshold(image, truncated)


def compare(program, paths, method, find, may_be_opencvs):
    """The numbers of a row."""
    differences, beyond, opencvs, neither, only_ours, only_theirs = [], 0, 0, 0, 0, 0
    for image, ours in thresholds_of(program, paths, method):
        theirs = find(image)
        if ours is None or theirs is None:
            neither += ours is None and theirs is None
            only_ours += ours is not None
            only_theirs += theirs is not None
            continue
        differences.append(difference(image, ours, theirs))
        if differences[-1] > 1:
            as_promised = may_be_opencvs and ours == TRIANGLE(image)
            opencvs, beyond = opencvs + as_promised, beyond + (not as_promised)
    return len(differences), max(differences, default=0), beyond, opencvs, neither, only_ours, only_theirs


def main(program, images):
    warnings.simplefilter("ignore")
    failed = False
    heads = ("method", "levels", "oracle", "images", "max diff", "beyond 1", "OpenCV's", "neither", "only ours",
             "only theirs")
    row = "{:<9} {:<14} {:<13} {:>6} {:>8} {:>8} {:>8} {:>8} {:>9} {:>11}".format
    with tempfile.TemporaryDirectory() as scratch:
        sets = make_sets(program, images, pathlib.Path(scratch))
        print(row(*heads))
        for method, oracle, known, find in ORACLES:
            for name in known:
                found = compare(program, sets[name], method, find, method == "triangle" and name == "8 bits")
                print(row(method, name, oracle, *found), flush=True)
                compared, _, beyond, _, _, _, only_theirs = found
                failed |= beyond > 0 or only_theirs > 0 or compared == 0
    print("not all agree" if failed else "all agree to one level")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*through_files.arguments(__doc__)))
