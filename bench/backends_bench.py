#!/usr/bin/env python3
"""The backends beside each other as whole programs, from files to files, and the decoder alone as the floor.

    backends_bench.py BUILD_FOLDER IMAGE_FOLDER [ROUNDS] [CHAIN]     default: 21 rounds, gray,threshold=otsu

Each round runs every backend with two workers, and decode_floor with two threads over the JPEG files of the folder, in
a shuffled order. Each run has an output folder of its own, and none is removed before the end: to replace a file costs
what the file system writes at once for it, and ext4 searches long for a place while files have just been removed.
Shown are medians, and for each the median of its ratio to `threads`, and to the decoder, of the same round with a 95 %
bootstrap interval.
"""
import pathlib
import statistics
import sys
import tempfile

from rounds import ratio, timed

BACKENDS = ("processes", "threads", "tbb")


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    build, folder = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 21
    chain = sys.argv[4] if len(sys.argv) > 4 else "gray,threshold=otsu"
    files = sorted(str(path) for path in folder.iterdir() if path.suffix.lower() in (".jpg", ".jpeg"))
    with tempfile.TemporaryDirectory() as scratch:
        listed = pathlib.Path(scratch) / "list"
        listed.write_text("\n".join(files) + "\n")

        def command_of(backend):
            return lambda round_: [build / "pixmill", "run", "--files-from", listed, "--ops", chain, "--backend", backend,
                                   "-j", "2", "--quiet", "-o", f"{scratch}/{backend} {round_}"]

        commands = {backend: command_of(backend) for backend in BACKENDS}
        commands["decoding alone"] = lambda round_: [build / "decode_floor", "2", *files]
        times = timed(commands, rounds)
    print(f"{len(files)} JPEG files, {rounds} rounds, {chain}, two workers")
    for name, seconds in times.items():
        print(f"{name:16} {statistics.median(seconds):8.4f} s", end="")
        for base in ("threads", "decoding alone"):
            print("   {:6.3f} [{:.3f}, {:.3f}] x {}".format(*ratio(seconds, times[base]), base), end="")
        print()


if __name__ == "__main__":
    main()
