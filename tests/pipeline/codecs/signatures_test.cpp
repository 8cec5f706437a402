#include "pipeline/codecs/codec.hpp"

#include <gtest/gtest.h>

#include <string_view>

namespace pixmill::pipeline {
namespace {

using namespace std::string_view_literals;

std::string_view name_of(std::string_view head) {
  const Codec* codec = recognise(std::as_bytes(std::span(head)));
  return codec == nullptr ? "none" : codec->name;
}

TEST(Signatures, NameEachFormat) {
  EXPECT_EQ(name_of("\x89PNG\r\n\x1a\n\0\0\0\rIHDR"sv), "png");
  // As text: without the eighth bit, with line ends changed to CR, to LF and to CR LF.
  EXPECT_EQ(name_of("\x09PNG\r\n\x1a\n\0\0\0\rIHDR"sv), "png");
  EXPECT_EQ(name_of("\x89PNG\r\r\x1a\r\0\0\0\rIHDR"sv), "png");
  EXPECT_EQ(name_of("\x89PNG\n\x1a\n\0\0\0\nIHDR"sv), "png");
  EXPECT_EQ(name_of("\x89PNG\r\r\n\x1a\r\n\0\0\0\rIHDR"sv), "png");
  EXPECT_EQ(name_of("\x89PNG\r\r\n\x1a\r\n\0\0\0\r\nIHDR"sv), "png");
  EXPECT_EQ(name_of("\xFF\xD8\xFF\xE0\0\x10JFIF"sv), "jpg");
  EXPECT_EQ(name_of("II*\0\x08\0\0\0"sv), "tiff");
  EXPECT_EQ(name_of("MM\0*\0\0\0\x08"sv), "tiff");
  EXPECT_EQ(name_of("MM\0+\0\x08\0\0"sv), "tiff");
  EXPECT_EQ(name_of("RIFF\x24\0\0\0WEBPVP8L"sv), "webp");
  EXPECT_EQ(name_of("BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0"sv), "bmp");
  EXPECT_EQ(name_of("BA\0\0\0\0\0\0\0\0\0\0\0\0BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x40\0\0\0"sv), "bmp");
  // A damaged size of the header does not hide the rest of it.
  EXPECT_EQ(name_of("BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\x10\7\0\0\0\5\0\0\0\1\0\x18\0"sv), "bmp");
  EXPECT_EQ(name_of("P5\n# made by hand\n3 2\n255\n"sv), "pgm");
  EXPECT_EQ(name_of("P6 640 480 255 "sv), "pgm");
  EXPECT_EQ(name_of("P6#made by hand\n3 2"sv), "pgm");
  EXPECT_EQ(name_of("P7\nWIDTH 3\n"sv), "pgm");
  EXPECT_EQ(name_of("P7\nTUPLTYPE RGB\n"sv), "pgm");
  EXPECT_EQ(name_of("GIF89a\x01\0\x01\0"sv), "gif");
}

TEST(Signatures, DoNotTakeTextForImages) {
  for (const std::string_view text :
       {"hello\nhello\n"sv, "BMW builds cars, and so do others.\n"sv, "P5 is a page\n"sv, "P1\tx"sv,
        "GIF is a format"sv, "II. Kapitel"sv, "RIFF    WAVEfmt "sv, ""sv, "P"sv, "\xFF\xD8"sv, "\x89PNG"sv}) {
    EXPECT_EQ(name_of(text), "none") << text;
  }
}

TEST(Signatures, AreSafeOnHeadsOfEveryLength) {
  const std::string_view heads[] = {"\x89PNG\r\n\x1a\n"sv, "BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0"sv, "P5\n1"sv,
                                    "RIFF\x24\0\0\0WEBPVP8"sv};
  for (const std::string_view head : heads) {
    for (std::size_t size = 0; size < head.size(); ++size) {
      const std::vector<char> cut(head.begin(), head.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_EQ(recognise(std::as_bytes(std::span(cut))), nullptr) << head << " cut at " << size;
    }
  }
}

TEST(Codecs, AreComplete) {
  for (const Codec& codec : all_codecs()) {
    SCOPED_TRACE(codec.name);
    EXPECT_EQ(find_codec(codec.name), &codec);
    EXPECT_EQ(codec.extension, codec.name);
    EXPECT_FALSE(codec.title.empty());
    EXPECT_NE(codec.make_decoder(), nullptr);
    EXPECT_EQ(codec.make_encoder == nullptr, codec.name == "gif");
  }
  EXPECT_EQ(find_codec("tga"), nullptr);
}

}  // namespace
}  // namespace pixmill::pipeline
