#!/usr/bin/env python3
"""A case for examples/face_blurrer that needs no cascade from elsewhere: its "faces" are bright squares in dark ones.

    faces.py make FOLDER       writes FOLDER/cascade.xml and FOLDER/photos/*.pgm
    faces.py check FOLDER OUT  exits with 1 unless in OUT the faces are blurred and nothing else is changed

Standard library only.
"""
import pathlib
import random
import sys

SIDE = 24  # of the window of the cascade
WIDTH, HEIGHT = 160, 120
FACES = {"none": [], "one": [(30, 20)], "two": [(16, 70), (100, 30)]}

# One stump: the inner square against the whole window, in units of the window's deviation. A window that shows a face
# scores about 1.9, noise about 0.
CASCADE = """<?xml version="1.0"?>
<opencv_storage>
<cascade type_id="opencv-cascade-classifier">
  <stageType>BOOST</stageType>
  <featureType>HAAR</featureType>
  <height>{side}</height>
  <width>{side}</width>
  <stageParams><maxWeakCount>1</maxWeakCount></stageParams>
  <featureParams><maxCatCount>0</maxCatCount></featureParams>
  <stageNum>1</stageNum>
  <stages>
    <_>
      <maxWeakCount>1</maxWeakCount>
      <stageThreshold>0.5</stageThreshold>
      <weakClassifiers>
        <_><internalNodes>0 -1 0 1.2</internalNodes><leafValues>0. 1.</leafValues></_>
      </weakClassifiers>
    </_>
  </stages>
  <features>
    <_><rects><_>0 0 {side} {side} -1.</_><_>{edge} {edge} {inner} {inner} 4.</_></rects><tilted>0</tilted></_>
  </features>
</cascade>
</opencv_storage>
"""


def photo(name):
    noise = random.Random(name)
    rows = [[noise.randrange(40, 60) for _ in range(WIDTH)] for _ in range(HEIGHT)]
    for left, top in FACES[name]:
        for y in range(SIDE):
            for x in range(SIDE):
                inside = SIDE // 4 <= x < SIDE - SIDE // 4 and SIDE // 4 <= y < SIDE - SIDE // 4
                rows[top + y][left + x] = noise.randrange(200, 250) if inside else noise.randrange(0, 20)
    return rows


def make(folder):
    (folder / "photos").mkdir(parents=True)
    (folder / "cascade.xml").write_text(CASCADE.format(side=SIDE, edge=SIDE // 4, inner=SIDE // 2))
    for name in FACES:
        pixels = bytes(value for row in photo(name) for value in row)
        (folder / "photos" / f"{name}.pgm").write_bytes(b"P5\n%d %d\n255\n" % (WIDTH, HEIGHT) + pixels)


def pixels_of(path):
    header, pixels = path.read_bytes().split(b"\n255\n", 1)
    assert header.split() == [b"P5", b"%d" % WIDTH, b"%d" % HEIGHT], header
    return [pixels[y * WIDTH:(y + 1) * WIDTH] for y in range(HEIGHT)]


def contrast(rows, left, top):
    values = [rows[top + y][left + x] for y in range(SIDE) for x in range(SIDE)]
    return max(values) - min(values)


def check(out):
    for name, faces in FACES.items():
        before, after = photo(name), pixels_of(out / f"{name}.pgm")
        for left, top in faces:
            if contrast(after, left, top) > contrast(before, left, top) * 0.8:
                sys.exit(f"{name}: the face at {left}, {top} is not blurred")
        # A window that is found may be a few pixels beside the face, and larger.
        margin = SIDE // 2
        for y in range(HEIGHT):
            for x in range(WIDTH):
                near = any(-margin <= x - left < SIDE + margin and -margin <= y - top < SIDE + margin
                           for left, top in faces)
                if not near and before[y][x] != after[y][x]:
                    sys.exit(f"{name}: the pixel at {x}, {y} is changed, and there is no face")


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "make":
        make(pathlib.Path(sys.argv[2]))
    elif len(sys.argv) == 4 and sys.argv[1] == "check":
        check(pathlib.Path(sys.argv[3]))
    else:
        sys.exit(__doc__)
