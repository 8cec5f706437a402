#!/usr/bin/python3
"""Compares the automatic thresholds with scikit-image's, OpenCV's and plain references.

    thresholds.py PIXMILL [IMAGE...]      IMAGE: a file or a folder; by default the samples

Each image is turned to gray by pixmill itself, and from that come three sets: 8 bits; 16 bits that use all levels; and
16 bits of which 10 are used, as of many cameras and microscopes. T is read off what `type=trunc` makes of an image.
Prints one row a method and set, and exits 0 if none is further than one level from its oracle, 1 otherwise. Where
OpenCV and scikit-image themselves differ by more, and pixmill has OpenCV's T, as it promises, that is counted in the
column "OpenCV's" and is no failure.

Needs numpy, python3-opencv and python3-skimage.
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import warnings

import cv2
import numpy as np
from scipy import ndimage
from skimage import filters

KERNELS = ("threshold",)
SAMPLES = pathlib.Path(__file__).resolve().parent.parent.parent / "sample_images"
ENDINGS = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".pgm", ".ppm"}


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
    ("otsu", "scikit-image", "all", scikit(filters.threshold_otsu)),
    ("otsu", "OpenCV", "all", opencv(cv2.THRESH_OTSU)),
    ("triangle", "scikit-image", "all", scikit(filters.threshold_triangle)),
    ("triangle", "OpenCV", "8 bits", TRIANGLE),
    ("mean", "scikit-image", "all", scikit(filters.threshold_mean)),
    ("median", "numpy", "all", np.median),
    ("li", "scikit-image", "all", scikit(filters.threshold_li)),
    ("yen", "scikit-image", "8 bits", scikit(filters.threshold_yen)),
    ("yen", "its formula", "all", yen),
    ("isodata", "scikit-image", "all", scikit(filters.threshold_isodata)),
    ("kapur", "the paper", "all", kapur),
    ("minimum", "scikit-image", "8 bits", scikit(filters.threshold_minimum)),
    ("minimum", "its steps", "all but 16 bits", minimum),
]


def run_pixmill(program, inputs, out, chain):
    """The verdict of each image of a folder, by name."""
    done = subprocess.run([program, "run", inputs, "-o", out, "--ops", chain, "-q"], capture_output=True, text=True)
    if done.returncode not in (0, 1):
        sys.exit(f"thresholds.py: pixmill ended with {done.returncode}: {done.stderr.strip()}")
    rows = [json.loads(line) for line in (out / "pixmill.jsonl").read_text().splitlines()]
    return {pathlib.Path(row["input"]).name: row["verdict"] for row in rows if "verdict" in row}


def images_of(arguments):
    for argument in map(pathlib.Path, arguments or [SAMPLES]):
        if argument.is_dir():
            yield from sorted(path for path in argument.iterdir() if path.suffix.lower() in ENDINGS)
        else:
            yield argument


def make_sets(program, paths, folder):
    """Folders of gray PNGs, by the name of the set."""
    links, grays = folder / "in", folder / "gray"
    links.mkdir()
    for i, path in enumerate(paths):
        (links / f"{i:04}{path.suffix}").symlink_to(path.resolve())
    run_pixmill(program, links, grays, "gray")
    sets = {name: folder / name.replace(" ", "-") for name in ("8 bits", "16 bits", "10 of 16 bits")}
    for made in sets.values():
        made.mkdir()
    for path in sorted(grays.glob("*.png")):
        gray = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if gray.dtype == np.uint16:
            gray = ((gray.astype(np.uint32) + 128) // 257).astype(np.uint8)
        # Blurring by less than a pixel fills the levels between those that 8 bits know.
        fine = cv2.GaussianBlur(gray.astype(np.float32), (0, 0), 0.7) / 255
        cv2.imwrite(str(sets["8 bits"] / path.name), gray)
        cv2.imwrite(str(sets["16 bits"] / path.name), np.clip(np.rint(fine * 65535), 0, 65535).astype(np.uint16))
        cv2.imwrite(str(sets["10 of 16 bits"] / path.name), np.clip(np.rint(fine * 1023), 0, 1023).astype(np.uint16))
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


def compare(program, sets, folder):
    """Yields the values of a row each."""
    outputs = {}
    for method, oracle, knows, find in ORACLES:
        for name, inputs in sets.items():
            if knows not in ("all", name) and not (knows == "all but 16 bits" and name != "16 bits"):
                continue
            out = folder / "out" / f"{method}-{inputs.name}"
            if out not in outputs:
                outputs[out] = run_pixmill(program, inputs, out, f"threshold={method}:type=trunc")
            differences, beyond, opencvs, neither, only_ours, only_theirs = [], 0, 0, 0, 0, 0
            for path in sorted(inputs.glob("*.png")):
                image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
                theirs = find(image)
                if outputs[out][path.name] != "ok":
                    neither += theirs is None
                    only_theirs += theirs is not None
                elif theirs is None:
                    only_ours += 1
                else:
                    ours = found_threshold(image, cv2.imread(str(out / path.name), cv2.IMREAD_UNCHANGED))
                    differences.append(difference(image, ours, theirs))
                    if differences[-1] > 1 and method == "triangle" and name == "8 bits" and ours == TRIANGLE(image):
                        opencvs += 1
                    elif differences[-1] > 1:
                        beyond += 1
            yield (method, name, oracle, len(differences), max(differences, default=0), beyond, opencvs, neither,
                   only_ours, only_theirs)


def main(arguments):
    if not arguments:
        print(__doc__, file=sys.stderr)
        return 2
    warnings.simplefilter("ignore")
    program, failed = str(pathlib.Path(arguments[0]).resolve()), False
    with tempfile.TemporaryDirectory(prefix="pixmill-thresholds-") as scratch:
        folder = pathlib.Path(scratch)
        (folder / "out").mkdir()
        sets = make_sets(program, list(images_of(arguments[1:])), folder)
        heads = ("method", "levels", "oracle", "images", "max diff", "beyond 1", "OpenCV's", "neither", "only ours",
                 "only theirs")
        row = "{:<9} {:<14} {:<13} {:>6} {:>8} {:>8} {:>8} {:>8} {:>9} {:>11}".format
        print(row(*heads))
        for values in compare(program, sets, folder):
            print(row(*values), flush=True)
            failed |= values[5] > 0 or values[9] > 0 or values[3] == 0
    print("not all agree" if failed else "all agree to one level")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
