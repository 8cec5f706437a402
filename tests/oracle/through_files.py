"""What the oracles share: images turned into PNGs of each kind, pixmill run over them, its outputs read again."""
import json
import pathlib
import subprocess
import sys
import tempfile

import cv2
import numpy as np

SAMPLES = pathlib.Path(__file__).resolve().parents[2] / "sample_images"
ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".pgm", ".ppm")


def arguments(usage):
    """The program and the images of the command line; of a folder, the images in it."""
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(usage)
    images = []
    for path in (pathlib.Path(argument).resolve() for argument in sys.argv[2:] or [SAMPLES]):
        images += sorted(p for p in path.iterdir() if p.suffix.lower() in ENDINGS) if path.is_dir() else [path]
    return str(pathlib.Path(sys.argv[1]).resolve()), list(map(str, images))


def largest(image):
    return int(np.iinfo(image.dtype).max)


def eight_bits(image):
    return image if image.dtype == np.uint8 else ((image.astype(np.uint32) + 128) // 257).astype(np.uint8)


def read(path, flags):
    image = cv2.imread(path, flags)
    if image is None:
        sys.exit(f"{path}: OpenCV does not read it")
    return image


def kinds_of(path, part=lambda image: image):
    """A part of the image, gray and in colour, at 8 and 16 bits."""
    image = part(read(path, cv2.IMREAD_COLOR))
    deep = part(read(path, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH))
    if deep.dtype == np.uint8:  # levels that 8 bits do not have, but the same on every run
        noise = np.random.default_rng(1).integers(0, 257, deep.shape, dtype=np.uint32)
        deep = np.minimum(deep.astype(np.uint32) * 257 + noise // 2, 65535).astype(np.uint16)
    return {"gray8": cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), "colour8": image,
            "gray16": cv2.cvtColor(deep, cv2.COLOR_BGR2GRAY), "colour16": deep}


def run(program, *arguments_of_it, codes=(0,)):
    done = subprocess.run([program, *map(str, arguments_of_it)], capture_output=True, text=True, check=False)
    if done.returncode not in codes:
        sys.exit(f"pixmill {' '.join(map(str, arguments_of_it))[:300]}\nended with {done.returncode}: {done.stderr}")
    return done.stdout


def outputs(program, inputs, chain):
    """Each input and what the program makes of it, one by one; None for an image that fails."""
    with tempfile.TemporaryDirectory() as folder:
        run(program, "run", *inputs, "-o", folder, "--root", "/", "--keep-ext", "--ops", chain, "--progress", "none",
            codes=(0, 1))
        with open(pathlib.Path(folder) / "pixmill.jsonl", encoding="utf-8") as manifest:
            for row in filter(lambda row: "input" in row, map(json.loads, manifest)):
                made = row["verdict"] == "ok"
                yield row["input"], cv2.imread(row["output"], cv2.IMREAD_UNCHANGED) if made else None


def pixels_that_differ(want, got):
    if got is not None and got.dtype == np.uint8 and want.dtype == np.uint16 and not (want % 65535).any():
        want = (want // 257).astype(np.uint8)  # a two-level image is stored with one bit a pixel, whatever it was
    if got is None or got.shape != want.shape or got.dtype != want.dtype:
        return want.shape[0] * want.shape[1]
    differs = got != want
    return int(np.count_nonzero(differs.any(axis=2) if differs.ndim == 3 else differs))


def compare_one(program, inputs, chain, oracle):
    """(pixels that differ, pixels, largest share of an image, that image)"""
    compared = dict.fromkeys(inputs, (1, 1))  # all differs of an image that the manifest has no row for
    for name, image in outputs(program, list(inputs), chain):
        want = oracle(inputs[name])
        compared[name] = (pixels_that_differ(want, image), want.shape[0] * want.shape[1])
    share, name = max((off / size, pathlib.Path(path).name) for path, (off, size) in compared.items())
    return *map(sum, zip(*compared.values())), share, name


def compare(program, inputs, chains, allowed):
    """Runs every chain over every file. `inputs` are the pixels that the oracle is shown, by the path of the file;
    `allowed(chain)` is the share of an image's pixels that may differ."""
    wrong = 0
    for chain, oracle in chains.items():
        differing, pixels, share, name = compare_one(program, inputs, chain, oracle)
        wrong += share > allowed(chain)
        print(f"{'FAIL' if share > allowed(chain) else 'ok  '} {chain:58} {len(inputs):4} images"
              + (f", {differing} of {pixels} pixels differ, {share:.1e} of {name}" if differing else ""), flush=True)
    print(f"{len(chains) - wrong} of {len(chains)} chains agree with OpenCV {cv2.__version__}")
    return 1 if wrong else 0


def compare_kinds(program, images, chains, allowed, part=lambda image: image):
    """compare() over every kind of a part of each image."""
    with tempfile.TemporaryDirectory() as folder:
        inputs = {}
        for number, path in enumerate(images):
            for kind, pixels in kinds_of(path, part).items():
                inputs[f"{folder}/{number}-{kind}.png"] = pixels
                cv2.imwrite(f"{folder}/{number}-{kind}.png", pixels)
        return compare(program, inputs, chains, allowed)
