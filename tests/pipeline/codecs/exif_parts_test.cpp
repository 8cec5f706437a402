#include "pipeline/codecs/exif_parts.hpp"

#include "pipeline/codecs/exif_block.hpp"
#include "pipeline/codecs/exif_edit.hpp"

#include "tests/pipeline/codecs/test_images.hpp"
#include "tests/pipeline/codecs/tiff_files.hpp"
#include "tests/support/metadata_blocks.hpp"

#include <gtest/gtest.h>
#include <tiffio.h>

#include <algorithm>
#include <fstream>
#include <map>

namespace pixmill::pipeline {
namespace {

using tests::ExifWriter;
using W = ExifWriter;

/// What all four directories say: directory, tag → type, count and the bytes of the value. Pointers to directories are
/// not counted.
using Said = std::map<std::pair<char, std::uint32_t>, std::tuple<std::uint32_t, std::uint32_t, std::string>>;

void read_directory(const std::vector<std::byte>& bytes, const ExifDirectory& directory, char name, Said& said) {
  const ExifBlock block(bytes);
  EXPECT_TRUE(directory.whole) << name;
  for (std::size_t i = 0; i < directory.entries; ++i) {
    const ExifEntry entry = block.entry(directory, i);
    if (entry.tag == exif_tags::kExifDirectory || entry.tag == exif_tags::kGpsDirectory ||
        entry.tag == exif_tags::kInteroperabilityDirectory) {
      const char next = entry.tag == exif_tags::kExifDirectory  ? 'e'
                        : entry.tag == exif_tags::kGpsDirectory ? 'g'
                                                                : 'n';
      read_directory(bytes, block.directory(*block.pointer(entry)), next, said);
      continue;
    }
    const std::optional<ExifRange> value = block.value(entry);
    ASSERT_TRUE(value.has_value()) << name << entry.tag;
    const auto* text = reinterpret_cast<const char*>(bytes.data());
    said[{name, entry.tag}] = {entry.type, entry.count, std::string(text + value->begin, value->end - value->begin)};
  }
}

Said said_in(const std::vector<std::byte>& block) {
  Said said;
  EXPECT_TRUE(ExifBlock(block).has_header());
  read_directory(block, ExifBlock(block).first_directory(), 'i', said);
  return said;
}

/// An entry of up to four bytes, which lie in it.
void short_value(W& exif, bool little_endian, std::uint32_t tag, std::uint32_t type, std::string_view bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    value |= static_cast<std::uint32_t>(bytes[i]) << 8 * (little_endian ? i : 3 - i);
  }
  const std::size_t at = exif.number(tag, type, value);
  exif.patch(at - 4, static_cast<std::uint32_t>(bytes.size()));
}

/// Every directory, and values of every size.
std::vector<std::byte> rich_exif(bool little_endian) {
  W exif(little_endian);
  exif.directory(4, 7);
  exif.value(0x010F, W::kAscii, 8, std::string_view("pixmill\0", 8));
  short_value(exif, little_endian, 0x0110, W::kAscii, std::string_view("T1\0", 3));
  exif.number(0x0112, W::kShort, 3);
  exif.rational(0x011A, 300, 1);
  exif.rational(0x011B, 200, 1);
  const std::size_t sub = exif.number(0x8769, W::kLong, 0);
  const std::size_t gps = exif.number(0x8825, W::kLong, 0);
  exif.directory(sub, 5);
  exif.rational(0x829A, 1, 125);
  short_value(exif, little_endian, 0x9000, W::kUndefined, "0232");
  exif.value(0x927C, W::kUndefined, 9, "a note...");
  exif.number(0xA002, W::kLong, 4000);
  const std::size_t interoperability = exif.number(0xA005, W::kLong, 0);
  exif.directory(interoperability, 1);
  short_value(exif, little_endian, 0x0001, W::kAscii, std::string_view("R98\0", 4));
  exif.directory(gps, 2);
  short_value(exif, little_endian, 0x0000, 1, std::string_view("\2\2\0\0", 4));
  exif.value(0x0002, W::kRational, 3, std::string_view("\0\0\0\1\0\0\0\1\0\0\0\2\0\0\0\1\0\0\0\3\0\0\0\1", 24));
  return exif.block();
}

Metadata through_tiff(const std::vector<std::byte>& exif, int type = CV_8UC3) {
  const cv::Mat image = make_image(37, 23, type);
  Metadata metadata;
  metadata.exif = exif;
  EncodeSource source{&image};
  source.metadata = &metadata;
  std::vector<std::byte> file;
  const CodecStatus status = find_codec("tiff")->make_encoder()->encode(source, {}, file);
  EXPECT_EQ(status.verdict, Verdict::ok);
  const auto decoder = find_codec("tiff")->make_decoder();
  const Decoded decoded = decode(*decoder, file, {.keep_alpha = true});
  EXPECT_TRUE(same_pixels(decoded.frame, image));
  Metadata back;
  decoder->read_metadata(back);
  back.left_out += status.detail;
  return back;
}

TEST(ExifParts, OfABlockAreThatBlock) {
  for (const bool little : {true, false}) {
    for (const std::vector<std::byte>& block :
         {rich_exif(little), tests::camera_exif({.little_endian = little, .thumbnail = ""})}) {
      const ExifParts parts(block);
      EXPECT_FALSE(parts.empty());
      EXPECT_FALSE(parts.damaged());
      EXPECT_EQ(parts.little_endian(), little);
      const std::vector<std::byte> copy = parts.block();
      EXPECT_LE(copy.size(), parts.bytes(false));
      EXPECT_EQ(said_in(copy), said_in(block));
      EXPECT_EQ(ExifParts(copy).block(), copy);
      std::vector<std::byte> edited = copy;
      EXPECT_TRUE(edit_exif(edited, {.width = 3, .height = 2}));
    }
  }
}

TEST(ExifParts, GoThroughATiffOfEitherByteOrder) {
  for (const bool little : {true, false}) {
    for (const int type : {CV_8UC1, CV_8UC3, CV_8UC4, CV_16UC1, CV_16UC3}) {
      const Metadata back = through_tiff(rich_exif(little), type);
      EXPECT_EQ(back.left_out, "");
      Said want = said_in(rich_exif(little));
      // The resolution is the image's own, and none was asked for.
      want.erase({'i', 0x011A});
      want.erase({'i', 0x011B});
      EXPECT_EQ(said_in(back.exif), want);
      EXPECT_EQ(through_tiff(back.exif, type).exif, back.exif);
    }
  }
}

TEST(ExifParts, AreWhatLibtiffSees) {
  const cv::Mat image = make_image(8, 8, CV_8UC1);
  Metadata metadata;
  metadata.exif = rich_exif(true);
  EncodeSource source{&image};
  source.metadata = &metadata;
  std::vector<std::byte> file;
  ASSERT_TRUE(find_codec("tiff")->make_encoder()->encode(source, {}, file).usable());
  const std::string path = testing::TempDir() + "exif_parts.tiff";
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(file.data()), static_cast<std::streamsize>(file.size()));
  const TIFFErrorHandler warned = TIFFSetWarningHandler(nullptr);  // of tags that it does not know
  TIFF* tiff = TIFFOpen(path.c_str(), "r");
  ASSERT_NE(tiff, nullptr);
  char* text = nullptr;
  ASSERT_EQ(TIFFGetField(tiff, TIFFTAG_MAKE, &text), 1);
  EXPECT_STREQ(text, "pixmill");
  std::uint64_t exif = 0;
  std::uint64_t gps = 0;
  ASSERT_EQ(TIFFGetField(tiff, TIFFTAG_EXIFIFD, &exif), 1);
  ASSERT_EQ(TIFFGetField(tiff, TIFFTAG_GPSIFD, &gps), 1);
  ASSERT_EQ(TIFFReadEXIFDirectory(tiff, exif), 1);
  float seconds = 0;
  ASSERT_EQ(TIFFGetField(tiff, EXIFTAG_EXPOSURETIME, &seconds), 1);
  EXPECT_FLOAT_EQ(seconds, 1.0F / 125);
  TIFFClose(tiff);
  TIFFSetWarningHandler(warned);
  std::remove(path.c_str());
}

/// A classic TIFF or BigTIFF of one pixel that says who made it and points to an EXIF directory with two entries.
std::vector<std::byte> tiff_with_exif(bool big_endian, bool big_tiff) {
  const int entry = big_tiff ? 20 : 12;
  const int wide = big_tiff ? 8 : 4;
  std::vector<std::byte> data(2);  // the pixel, and one for alignment
  const auto put = [&](std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) {
      data.push_back(static_cast<std::byte>(value >> 8 * (big_endian ? bytes - 1 - i : i) & 0xFF));
    }
  };
  const TiffBuilder sizes(big_endian, big_tiff);
  const std::uint64_t begin = sizes.data_at() + 2;
  const std::uint64_t value_at = begin + static_cast<std::uint64_t>((big_tiff ? 8 : 2) + 2 * entry + wide);
  put(2, big_tiff ? 8 : 2);
  put(0x9003, 2);
  put(W::kAscii, 2);
  put(20, wide);
  put(value_at, wide);
  put(0xA002, 2);
  put(W::kShort, 2);
  put(1, wide);
  put(4000, 2);
  put(0, wide - 2);
  put(0, wide);
  const std::string_view date("2024:02:29 12:00:00\0", 20);
  const Bytes date_bytes = std::as_bytes(std::span(date));
  data.insert(data.end(), date_bytes.begin(), date_bytes.end());
  TiffBuilder builder(big_endian, big_tiff);
  builder.tag(256, 4, {1}).tag(257, 4, {1}).tag(258, 3, {8}).tag(259, 3, {1}).tag(262, 3, {1});
  builder.tag(273, 4, {sizes.data_at()}).tag(277, 3, {1}).tag(278, 4, {1}).tag(279, 4, {1});
  builder.tag(34665, big_tiff ? 16 : 4, {begin});
  return builder.file(data);
}

TEST(ExifParts, AreReadFromEveryKindOfTiff) {
  for (const bool big_endian : {false, true}) {
    for (const bool big_tiff : {false, true}) {
      const std::vector<std::byte> file = tiff_with_exif(big_endian, big_tiff);
      const auto decoder = find_codec("tiff")->make_decoder();
      ASSERT_EQ(decode(*decoder, file).status.verdict, Verdict::ok);
      Metadata metadata;
      decoder->read_metadata(metadata);
      EXPECT_EQ(metadata.left_out, "");
      const std::string width = big_endian ? std::string("\x0F\xA0") : std::string("\xA0\x0F");
      const Said want{{{'e', 0x9003}, {W::kAscii, 20, std::string("2024:02:29 12:00:00\0", 20)}},
                      {{'e', 0xA002}, {W::kShort, 1, width}}};
      EXPECT_EQ(said_in(metadata.exif), want);
      // And again in either format's directories.
      const ExifParts parts(metadata.exif);
      for (const bool to_big_tiff : {false, true}) {
        std::vector<std::byte> appended(101);
        const ExifParts::Places places = parts.append_directories(to_big_tiff, appended);
        EXPECT_EQ(places.exif, 102U);
        EXPECT_EQ(places.gps, 0U);
        EXPECT_LE(appended.size(), 101 + parts.bytes(to_big_tiff));
      }
    }
  }
}

TEST(ExifParts, AreSafeToTakeFromEveryCutAndEveryWrongByte) {
  for (const std::vector<std::byte>& block : {rich_exif(true), rich_exif(false), tiff_with_exif(false, true)}) {
    for (std::size_t size = 0; size <= block.size(); ++size) {
      const ExifParts parts(Bytes(block).first(size));
      if (parts.empty()) continue;
      EXPECT_TRUE(ExifBlock(parts.block()).has_header());
    }
    for (std::size_t at = 0; at < block.size(); ++at) {
      for (const int wrong : {0x01, 0x80, 0xFF}) {
        std::vector<std::byte> damaged = block;
        damaged[at] ^= static_cast<std::byte>(wrong);
        const ExifParts parts(damaged);
        if (parts.empty() || parts.bytes(false) > kMostMetadataBytes) continue;
        const std::vector<std::byte> copy = parts.block();
        EXPECT_LE(copy.size(), parts.bytes(false));
        EXPECT_EQ(ExifParts(copy).block(), copy);
        EXPECT_FALSE(ExifParts(copy).damaged());
      }
    }
  }
}

TEST(ExifParts, ThatLieOutsideAreLeftOutAndNamed) {
  const auto read = [](const std::vector<std::byte>& file) {
    const auto decoder = find_codec("tiff")->make_decoder();
    EXPECT_EQ(decode(*decoder, file).status.verdict, Verdict::ok);
    Metadata metadata;
    decoder->read_metadata(metadata);
    return metadata;
  };
  const std::vector<std::byte> pixel(1);
  const Metadata nowhere = read(gray_tiff(1, 1, 1).tag(34665, 4, {1U << 30U}).file(pixel));
  EXPECT_TRUE(nowhere.exif.empty());
  EXPECT_NE(nowhere.left_out.find("EXIF block is damaged"), std::string::npos);

  // A directory that points to itself, and a text that is not there.
  const std::vector<std::byte> loop =
      gray_tiff(1, 1, 1).lie(271, 2, 100, 1U << 30U).tag(272, 3, {7}).tag(34665, 4, {10}).file(pixel);
  const Metadata none = read(loop);
  EXPECT_TRUE(none.exif.empty());
  EXPECT_NE(none.left_out.find("damaged"), std::string::npos);

  const Metadata part = read(gray_tiff(1, 1, 1).lie(271, 2, 100, 1U << 30U).lie(305, 2, 4, 0x00434241).file(pixel));
  EXPECT_FALSE(part.exif.empty());
  EXPECT_NE(part.left_out.find("parts of its EXIF"), std::string::npos);
  // An ordinary TIFF has none, and it is nothing to speak of.
  EXPECT_EQ(read(gray_tiff(1, 1, 1).tag(274, 3, {6}).file(pixel)).left_out, "");
  EXPECT_TRUE(read(gray_tiff(1, 1, 1).tag(274, 3, {6}).file(pixel)).exif.empty());
}

TEST(ExifParts, ThatOverlapTakeNoMoreThanTheirLimit) {
  // A thousand entries, all with the same megabyte.
  constexpr std::uint32_t kEntries = 1000;
  W exif(true);
  exif.directory(4, 1);
  const std::size_t sub = exif.number(0x8769, W::kLong, 0);
  exif.directory(sub, kEntries);
  const std::string megabyte(1U << 20U, 'x');
  const std::size_t at = exif.value(0x9000, W::kUndefined, 1U << 20U, megabyte);
  std::vector<std::byte> block = exif.block();
  const std::size_t first = block.size() - megabyte.size() - 4 - std::size_t{kEntries} * 12;
  for (std::uint32_t i = 1; i < kEntries; ++i) {
    std::copy_n(block.begin() + static_cast<std::ptrdiff_t>(first), 12,
                block.begin() + static_cast<std::ptrdiff_t>(first + std::size_t{i} * 12));
  }
  ASSERT_LT(at, block.size());
  EXPECT_GT(ExifParts(block).bytes(false), std::uint64_t{kEntries} << 20U);
  const Metadata back = through_tiff(block);
  EXPECT_TRUE(back.exif.empty());
  EXPECT_NE(back.left_out.find("EXIF block is damaged"), std::string::npos);
}

}  // namespace
}  // namespace pixmill::pipeline
