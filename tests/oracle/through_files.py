"""What the oracles share: images turned into PNGs of each kind, pixmill run over them, its outputs read again."""
import json
import pathlib
import subprocess
import sys
import tempfile

import cv2
import numpy as np

SAMPLES = pathlib.Path(__file__).resolve().parents[2] / "sample_images"


def arguments(usage):
    """The program and the images of the command line."""
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(usage)
    images = sys.argv[2:] or [str(path) for path in sorted(SAMPLES.iterdir()) if path.suffix in (".png", ".jpg")]
    return str(pathlib.Path(sys.argv[1]).resolve()), images


def kinds_of(path):
    """The image, gray and in colour, at 8 and 16 bits."""
    image = cv2.imread(path, cv2.IMREAD_COLOR)
    if image is None:
        sys.exit(f"{path}: OpenCV does not read it")
    deep = cv2.imread(path, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    if deep.dtype == np.uint8:  # levels that 8 bits do not have, but the same on every run
        noise = np.random.default_rng(1).integers(0, 257, deep.shape, dtype=np.uint16)
        deep = (deep.astype(np.uint16) * 256 + noise // 2).clip(0, 65535).astype(np.uint16)
    return {"gray8": cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), "colour8": image,
            "gray16": cv2.cvtColor(deep, cv2.COLOR_BGR2GRAY), "colour16": deep}


def write_kinds(images, folder):
    """Writes them all; the pixels by the name of the file."""
    inputs = {}
    for number, path in enumerate(images):
        for kind, pixels in kinds_of(path).items():
            name = str(pathlib.Path(folder) / f"{number}-{kind}.png")
            cv2.imwrite(name, pixels)
            inputs[name] = pixels
    return inputs


def run(program, *arguments_of_it):
    done = subprocess.run([program, *map(str, arguments_of_it)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"pixmill {' '.join(map(str, arguments_of_it))[:300]}\nended with {done.returncode}: {done.stderr}")
    return done.stdout


def outputs(program, inputs, chain):
    """What the program makes of each input, by the input's name."""
    with tempfile.TemporaryDirectory() as folder:
        run(program, "run", *inputs, "-o", folder, "--ops", chain, "--progress", "none")
        rows = [json.loads(line) for line in open(pathlib.Path(folder) / "pixmill.jsonl", encoding="utf-8")]
        return {row["input"]: cv2.imread(row["output"], cv2.IMREAD_UNCHANGED) for row in rows if "input" in row}


def share_that_differs(want, got):
    if got is not None and got.dtype == np.uint8 and want.dtype == np.uint16 and not (want % 65535).any():
        want = (want // 257).astype(np.uint8)  # a two-level image is stored with one bit a pixel, whatever it was
    if got is None or got.shape != want.shape or got.dtype != want.dtype:
        return 1.0
    differs = got != want
    return float(np.mean(differs.any(axis=2) if differs.ndim == 3 else differs))


def compare(program, images, chains, allowed):
    """Runs every chain over every kind of every image. `allowed(chain)` is the share of pixels that may differ."""
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        inputs = write_kinds(images, folder)
        for chain, oracle in chains.items():
            made = outputs(program, list(inputs), chain)
            shares = {name: share_that_differs(oracle(pixels), made.get(name)) for name, pixels in inputs.items()}
            worst = max(shares, key=shares.get)
            good = shares[worst] <= allowed(chain)
            wrong += not good
            print(f"{'ok  ' if good else 'FAIL'} {chain:58} {len(shares):4} images"
                  + (f", {shares[worst]:.2e} of {pathlib.Path(worst).name}" if shares[worst] > 0 else ""))
    print(f"{len(chains) - wrong} of {len(chains)} chains agree")
    return 1 if wrong else 0
