#!/usr/bin/env python3
"""Every reduction against numpy, exactly, through real files.

    reductions.py PIXMILL [IMAGE...]      IMAGE: any that OpenCV reads; default: those of sample_images

Batches of gray and colour, 8 and 16 bits, and mixed; a CSV and a row an image as well. Prints a row a batch; exits 0 if
all agree, else 1. Needs python3-opencv and numpy.
"""
import csv
import json
import pathlib
import sys
import tempfile

import cv2
import numpy as np

import through_files

REDUCTIONS = ("count", "min", "max", "sum", "mean", "std", "histogram", "mean-image", "min-image", "max-image",
              "std-image")
VALUES = ("min", "max", "sum", "mean", "std", "histogram")
IMAGES = ("mean-image", "min-image", "max-image", "std-image")
SIZE = (160, 120)


def lifted(batch):
    """The batch as R, G, B (or gray) of one depth."""
    colour = any(image.ndim == 3 for image in batch)
    deep = any(image.dtype == np.uint16 for image in batch)
    planes = []
    for image in batch:
        levels = image.astype(np.int64) * (257 if deep and image.dtype == np.uint8 else 1)
        levels = levels[:, :, None] if levels.ndim == 2 else levels[:, :, ::-1]
        planes.append(np.repeat(levels, 3, axis=2) if colour and levels.shape[2] == 1 else levels)
    return planes, 16 if deep else 8


def expected_values(planes, depth):
    pixels = np.concatenate([plane.reshape(-1, plane.shape[2]) for plane in planes])
    counts = [np.bincount(pixels[:, c], minlength=1 << depth).tolist() for c in range(pixels.shape[1])]
    exact = [sum(map(int, pixels[:, c])) for c in range(pixels.shape[1])]
    return {"min": pixels.min(0).tolist(), "max": pixels.max(0).tolist(), "sum": exact,
            "mean": [total / len(pixels) for total in exact], "std": pixels.std(0).tolist(), "histogram": counts}


def expected_images(planes, depth):
    """As 16-bit levels, B, G, R; the smallest and the largest at the depth of the batch."""
    stack = np.stack(planes)
    deep = stack * (257 if depth == 8 else 1)
    sums, count = deep.sum(0), len(planes)
    narrow = np.uint8 if depth == 8 else np.uint16
    made = {"mean-image": ((sums + count // 2) // count).astype(np.uint16),
            "std-image": np.floor(deep.astype(np.longdouble).std(0) + 0.5).astype(np.uint16),
            "min-image": stack.min(0).astype(narrow), "max-image": stack.max(0).astype(narrow)}
    return {name: image[:, :, 0] if image.shape[2] == 1 else image[:, :, ::-1] for name, image in made.items()}


def differences(report, planes, depth, folder):
    want = expected_values(planes, depth)
    for name in ("min", "max", "sum", "histogram"):
        if [v if name == "histogram" else int(v) for v in report[name]] != want[name]:
            yield name
    for name, tolerance in (("mean", 1e-15), ("std", 1e-9)):
        if not np.allclose(report[name], want[name], rtol=tolerance, atol=0):
            yield name
    if report["depth"] != depth or report["images"] != len(planes):
        yield "count"
    for name, image in expected_images(planes, depth).items():
        made = cv2.imread(str(folder / f"{name}.png"), cv2.IMREAD_UNCHANGED)
        if made is None or made.dtype != image.dtype or made.shape != image.shape:
            yield name + " (shape or depth)"
        elif name == "std-image" and np.abs(made.astype(int) - image.astype(int)).max() > 0:
            # numpy's own rounding may fall the other way where the root is half a level
            if np.mean(made != image) > 1e-4:
                yield name
        elif name != "std-image" and (made != image).any():
            yield name


def check_csv(program, inputs, folder, report):
    path = folder / "report.csv"
    through_files.run(program, "stats", *inputs, "--reduce", "count,min,max,sum,mean,std", "--per-image",
                      "--reduce-out", path)
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    whole = [row for row in rows if not row["input"]]
    for channel, row in enumerate(whole):
        for name in ("min", "max", "sum", "mean", "std"):
            if float(row[name]) != float(report[name][channel]):
                yield f"CSV {name}"
    if {row["input"] for row in rows if row["input"]} != set(inputs):
        yield "CSV rows"


def main(program, images):
    wrong = 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        files = {}
        for number, path in enumerate(images):
            for kind, pixels in through_files.kinds_of(path).items():
                name = str(folder / f"{number}-{kind}.png")
                files[name] = cv2.resize(pixels, SIZE, interpolation=cv2.INTER_AREA)
                cv2.imwrite(name, files[name])
        batches = {kind: [name for name in files if kind in name] for kind in ("gray8", "colour8", "gray16", "colour16")}
        batches |= {"8": [name for name in files if "8.png" in name], "gray": [name for name in files if "gray" in name],
                    "everything": list(files), "one": list(files)[:1]}
        for title, batch in batches.items():
            reports = folder / f"reports of {title}"
            reports.mkdir()
            reduce = ",".join(("count", *VALUES, *(f"{name}={reports / name}.png" for name in IMAGES)))
            report = json.loads(through_files.run(program, "stats", *batch, "--reduce", reduce))
            planes, depth = lifted([files[name] for name in batch])
            found = [*differences(report, planes, depth, reports), *check_csv(program, batch, reports, report)]
            wrong += bool(found)
            print(f"{'FAIL' if found else 'ok  '} {title:12} {len(batch):4} images  {', '.join(found)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*through_files.arguments(__doc__)))
