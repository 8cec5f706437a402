"""What --keep-metadata keeps, and that nothing is kept without it."""
import struct
import unittest
import zlib

from program import ProgramTest, png

PIXELS_PER_METRE = 11811  # 300 an inch


def exif(orientation):
    """Orientation and resolution, then a second directory whose thumbnail is the end of the block."""
    thumbnail = b"the picture as it was"
    entries = [(0x0112, 3, 1, struct.pack("<HH", orientation, 0)), (0x011A, 5, 1, struct.pack("<I", 62)),
               (0x011B, 5, 1, struct.pack("<I", 62)), (0x0128, 3, 1, struct.pack("<HH", 2, 0))]

    def directory(entries, following):
        rows = b"".join(struct.pack("<HHI", *row[:3]) + row[3] for row in entries)
        return struct.pack("<H", len(entries)) + rows + struct.pack("<I", following)

    small = directory([(0x0201, 4, 1, struct.pack("<I", 100)), (0x0202, 4, 1, struct.pack("<I", len(thumbnail)))], 0)
    return (b"II*\0" + struct.pack("<I", 8) + directory(entries, 70) + struct.pack("<II", 300, 1) + small + thumbnail)


def profile(space):
    size = 200
    head = struct.pack(">I4xI4s4s4s12x4s88x", size, 0x02000000, b"mntr", space, b"XYZ ", b"acsp")
    return (head + struct.pack(">I4sII", 1, b"desc", 150, 50)).ljust(size, b"p")


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_chunks(image, *chunks):
    return image[:33] + b"".join(chunks) + image[33:]


def with_profile(compressed):
    return with_chunks(png(8, 8, 1), chunk(b"iCCP", b"x\0\0" + compressed))


def profile_bomb():
    """A small image whose profile grows to 256 MiB."""
    return with_profile(zlib.compress(bytes(256 << 20), 9))


def chunks_of(image):
    found, at = {}, 8
    while at < len(image):
        length, kind = struct.unpack_from(">I4s", image, at)
        found.setdefault(kind, image[at + 8:at + 8 + length])
        at += 12 + length
    return found


def segments_of(image):
    found, at = [], 2
    while image[at + 1] != 0xDA:
        length, = struct.unpack_from(">H", image, at + 2)
        found.append((image[at + 1], image[at + 4:at + 2 + length]))
        at += 2 + length
    return found


def orientation_of(block):
    at, = struct.unpack_from("<I", block, 4)
    for i in range(struct.unpack_from("<H", block, at)[0]):
        tag, _, _, value = struct.unpack_from("<HHIH", block, at + 2 + 12 * i)
        if tag == 0x0112:
            return value
    return None


class MetadataTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.profile = profile(b"GRAY")
        density = struct.pack(">IIB", PIXELS_PER_METRE, PIXELS_PER_METRE, 1)
        for orientation in range(1, 9):
            (self.inputs / f"{orientation}.png").write_bytes(with_chunks(
                png(24, 16, 1), chunk(b"iCCP", b"gray\0\0" + zlib.compress(self.profile)), chunk(b"pHYs", density),
                chunk(b"eXIf", exif(orientation)), chunk(b"tEXt", b"Comment\0never kept")))

    def run_well(self, source, out, *options):
        done = self.run_program("run", source, "-o", out, *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([row["detail"] for row in self.rows(out)[0]], [""] * 8)
        made = self.outputs(out)
        self.assertEqual(len(made), 8)
        return made

    def test_nothing_is_kept_unless_asked_for(self):
        for image in self.run_well(self.inputs, self.out).values():
            self.assertEqual(set(chunks_of(image)), {b"IHDR", b"IDAT", b"IEND"})
        for image in self.run_well(self.inputs, self.folder / "jpg", "--format", "jpg").values():
            self.assertFalse({marker for marker, _ in segments_of(image)} & {0xE1, 0xE2})

    def test_png_keeps_profile_exif_and_resolution_and_is_upright(self):
        once = self.run_well(self.inputs, self.out, "--keep-metadata")
        for name, image in once.items():
            chunks = chunks_of(image)
            self.assertEqual(zlib.decompress(chunks[b"iCCP"].split(b"\0\0", 1)[1]), self.profile)
            self.assertEqual(struct.unpack(">IIB", chunks[b"pHYs"]), (PIXELS_PER_METRE, PIXELS_PER_METRE, 1))
            self.assertEqual(orientation_of(chunks[b"eXIf"]), 1)
            self.assertNotIn(b"as it was", chunks[b"eXIf"])
            self.assertNotIn(b"tEXt", chunks)
            sideways = name >= "5"
            self.assertEqual(struct.unpack_from(">II", chunks[b"IHDR"]), (16, 24) if sideways else (24, 16))
            self.assertLess(image.index(b"iCCP"), image.index(b"IDAT"))
            self.assertLess(image.index(b"pHYs"), image.index(b"IDAT"))
        # What was turned is not turned again.
        self.assertEqual(self.run_well(self.out, self.folder / "twice", "--keep-metadata"), once)

    def test_jpeg_keeps_them_too(self):
        for image in self.run_well(self.inputs, self.out, "--keep-metadata", "--format", "jpg").values():
            segments = segments_of(image)
            self.assertEqual([marker for marker, _ in segments][:3], [0xE0, 0xE1, 0xE2])
            self.assertEqual(struct.unpack_from(">5sHBHH", segments[0][1]), (b"JFIF\0", 0x0101, 1, 300, 300))
            self.assertEqual(segments[1][1][:6], b"Exif\0\0")
            self.assertEqual(orientation_of(segments[1][1][6:]), 1)
            self.assertEqual(segments[2][1], b"ICC_PROFILE\0\x01\x01" + self.profile)

    def test_an_orientation_that_is_left_is_kept(self):
        left = self.run_well(self.inputs, self.out, "--keep-metadata", "--orient", "off")
        for name, image in left.items():
            self.assertEqual(orientation_of(chunks_of(image)[b"eXIf"]), int(name[0]))
            self.assertEqual(struct.unpack_from(">II", chunks_of(image)[b"IHDR"]), (24, 16))
        # Without --keep-metadata, nobody could turn it any more; so it was asked for.
        bare = self.run_well(self.inputs, self.folder / "bare", "--orient", "off")
        self.assertNotIn(b"eXIf", chunks_of(bare["6.png"]))
        # Turned later or at once, it is the same picture.
        later = self.run_well(self.out, self.folder / "later", "--keep-metadata")
        self.assertEqual(later, self.run_well(self.inputs, self.folder / "at once", "--keep-metadata"))

    def test_a_profile_that_does_not_fit_is_left_out_with_a_word(self):
        (self.folder / "wrong.png").write_bytes(with_profile(zlib.compress(profile(b"RGB "))))
        done = self.run_program("run", self.folder / "wrong.png", "-o", self.out, "--keep-metadata")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("RGB profile does not fit the gray result", self.rows()[0][0]["detail"])
        self.assertNotIn(b"iCCP", chunks_of(self.outputs()["wrong.png"]))

    def test_metadata_bombs_are_left_out(self):
        for name, image in {"bomb": profile_bomb(), "noise": with_profile(b"\x78\x9c" + bytes(5 << 20))}.items():
            (self.folder / f"{name}.png").write_bytes(image)
            done = self.run_program("run", self.folder / f"{name}.png", "-o", self.folder / name, "--keep-metadata")
            self.assertEqual(done.returncode, 0, done.stderr)
            row = self.rows(self.folder / name)[0][0]
            self.assertIn("left out", row["detail"])

    def test_it_is_part_of_the_plan(self):
        self.run_well(self.inputs, self.out, "--keep-metadata")
        again = self.run_program("run", self.inputs, "-o", self.out, "--resume", "--keep-metadata")
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual({row["verdict"] for row in self.rows()[0]}, {"skipped"})
        without = self.run_program("run", self.inputs, "-o", self.out, "--resume")
        self.assertEqual(without.returncode, 0, without.stderr)
        self.assertEqual({row["verdict"] for row in self.rows()[0]}, {"ok"})
        self.assertNotIn(b"eXIf", chunks_of(self.outputs()["6.png"]))

    def test_explain_says_what_happens_to_it(self):
        self.assertIn("--keep-metadata", self.run_program("explain", "--ops", "gray").stdout)
        self.assertIn("are kept", self.run_program("explain", "--ops", "gray", "--keep-metadata").stdout)


if __name__ == "__main__":
    unittest.main()
