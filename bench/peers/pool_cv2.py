"""JPEG or PNG to gray, Otsu, 1-bit PNG, with OpenCV in Python's multiprocessing.Pool. A file that fails is said, and the
others are done all the same; then the exit code is 1.

    pool_cv2.py LIST OUT JOBS       LIST: paths, a line each; `--version` tells OpenCV's
"""
import ctypes
import multiprocessing
import os
import signal
import sys

import cv2

BILEVEL = [cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_BILEVEL, 1]


def begin():
    cv2.setNumThreads(1)
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: nobody outlives the program


def convert(task):
    path, out = task
    try:
        gray = cv2.imread(path, cv2.IMREAD_GRAYSCALE)
        if gray is None:
            raise ValueError("it cannot be decoded")
        _, two = cv2.threshold(gray, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
        if not cv2.imwrite(out, two, BILEVEL):
            raise OSError("its output cannot be written")
    except (cv2.error, OSError, ValueError) as error:
        print(f"{path}: {error}", file=sys.stderr)
        return False
    return True


def main():
    if sys.argv[1:] == ["--version"]:
        print("OpenCV", cv2.__version__, "in Python", sys.version.split()[0])
        return
    listed, folder, jobs = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with open(listed, encoding="utf-8", errors="surrogateescape") as lines:
        paths = lines.read().splitlines()
    tasks = [(path, os.path.join(folder, os.path.basename(path) + ".png")) for path in paths]
    chunk = max(1, min(4, len(tasks) // (jobs * 4)))  # few files are spread over all, too
    with multiprocessing.Pool(jobs, begin) as pool:
        failed = sum(not well for well in pool.imap_unordered(convert, tasks, chunksize=chunk))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
