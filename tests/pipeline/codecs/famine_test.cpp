#include "tests/pipeline/codecs/gif_files.hpp"
#include "tests/pipeline/codecs/png_files.hpp"
#include "tests/pipeline/codecs/test_images.hpp"
#include "tests/support/allocations.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <vector>

namespace pixmill::pipeline {
namespace {

using tests::Famine;

struct Sample {
  std::string name;
  std::vector<std::byte> file;
};

std::vector<Sample> samples() {
  const cv::Mat gray = make_image(97, 61, CV_8UC1);
  const cv::Mat colour = make_image(97, 61, CV_8UC3);
  std::vector<Sample> all;
  for (const Codec& codec : all_codecs()) {
    // libtiff 4.5 itself looks at memory that it did not get.
    if (codec.make_encoder == nullptr || codec.name == "tiff") continue;
    all.push_back({std::string(codec.name) + " gray", encode(codec.name, {&gray, nullptr, false})});
    all.push_back({std::string(codec.name) + " colour", encode(codec.name, {&colour, nullptr, false})});
  }
  // Of which zlib inflates the data, with a window of its own.
  const PngSpec interlaced{.width = 97, .height = 61, .interlaced = true};
  std::vector<std::uint16_t> levels;
  for (std::uint32_t i = 0; i < interlaced.width * interlaced.height; ++i) {
    levels.push_back(static_cast<std::uint16_t>(i * 7919 % 251));
  }
  all.push_back({"png interlaced", make_png(interlaced, pack_lines(interlaced, levels))});
  const GifSpec gif{
      .canvas_width = 40, .canvas_height = 30, .width = 40, .height = 30, .global = {{0, 0, 0}, {9, 99, 199}}};
  all.push_back({"gif", make_gif(gif, std::vector<std::uint8_t>(40 * 30, 1))});
  return all;
}

// What becomes of a file of which one allocation, or every one from there on, finds no memory.
Verdict decode_in_famine(const Sample& sample, std::size_t spared, Famine::Lasts lasts, bool lenient) {
  const std::span<const std::byte> file = sample.file;
  const Codec* codec = recognise(file.first(std::min(file.size(), kSniffBytes)));
  EXPECT_NE(codec, nullptr) << sample.name;
  if (codec == nullptr) return Verdict::unsupported;
  cv::Mat frame(200, 200, CV_8UC4);  // taken before, and large enough for any
  const Famine famine(spared, lasts);
  try {
    const std::unique_ptr<Decoder> decoder = codec->make_decoder();
    ImageHeader header;
    CodecStatus status = decoder->read_header(file, {}, header);
    if (!status.usable()) return status.verdict;
    const DecodeRequest request{false, true, lenient};
    const kernels::FrameShape shape = Decoder::decoded_shape(header, request);
    cv::Mat out(static_cast<int>(shape.height), static_cast<int>(shape.width), shape.type(), frame.data);
    return decoder->decode(request, out, {}).verdict;
  } catch (const std::bad_alloc&) {
    return Verdict::out_of_memory;
  }
}

TEST(Famine, OfMemoryIsNeverTakenForDamage) {
  for (const Sample& sample : samples()) {
    for (const Famine::Lasts lasts : {Famine::Lasts::once, Famine::Lasts::for_ever}) {
      for (const bool lenient : {false, true}) {
        for (std::size_t spared = 0;; ++spared) {
          const Verdict verdict = decode_in_famine(sample, spared, lasts, lenient);
          if (!Famine::struck()) {
            EXPECT_EQ(verdict, Verdict::ok) << sample.name;
            break;
          }
          EXPECT_TRUE(verdict == Verdict::out_of_memory || verdict == Verdict::ok)
              << sample.name << ", allocation " << spared << ": " << to_string(verdict);
        }
      }
    }
  }
}

}  // namespace
}  // namespace pixmill::pipeline
