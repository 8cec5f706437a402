#include "pipeline/codecs/gif_decoder.hpp"

#include "pipeline/codecs/gif_reader.hpp"
#include "pipeline/codecs/size_limits.hpp"

#include <fmt/format.h>
#include <opencv2/core.hpp>

#include <algorithm>
#include <cstring>

namespace pixmill::pipeline {

namespace {

/// Rows handed to the observer at once.
constexpr int kBandRows = 32;

/// The first frame of a GIF on its canvas, as every viewer shows it: what the frame does not cover has the background
/// colour (as in OpenCV 4.11) and is transparent; pixels of the transparent index keep that index's colour.
class GifDecoder final : public Decoder {
 public:
  CodecStatus read_header(Bytes file, const DecodeLimits& limits, ImageHeader& header) override;
  CodecStatus decode(const DecodeRequest& request, cv::Mat& frame, const BandObserver& observer) override;
  void trim(std::size_t /*keep_bytes*/) override { reader_.close(); }

 private:
  using Colour = std::array<std::uint8_t, 4>;
  CodecStatus decode_opened(const DecodeRequest& request, cv::Mat& frame, const BandObserver& observer);
  void prepare(int channels);
  void fill(cv::Mat area) const;
  void look_up(int width, std::uint8_t* row, int channels) const;
  [[nodiscard]] bool is_gray() const;
  [[nodiscard]] bool is_two_level() const;

  Bytes file_;
  GifReader reader_;
  bool fresh_ = false;  // the header is read, the lines are not
  std::vector<GifPixelType> line_;
  std::array<Colour, 256> colours_{};  // of the frame's channels
  Colour background_{};
};

bool GifDecoder::is_gray() const {
  const auto gray = [](const auto& colour) { return colour[0] == colour[1] && colour[1] == colour[2]; };
  const auto& palette = reader_.palette();
  return std::all_of(palette.begin(), palette.end(), gray) && (reader_.covers_canvas() || gray(reader_.background()));
}

bool GifDecoder::is_two_level() const {
  const auto extreme = [](std::uint8_t level) { return level == 0 || level == 255; };
  return reader_.palette_entries() == 2 && is_gray() && extreme(reader_.palette()[0][0]) &&
         extreme(reader_.palette()[1][0]) && reader_.covers_canvas();
}

CodecStatus GifDecoder::read_header(Bytes file, const DecodeLimits& limits, ImageHeader& header) {
  file_ = file;
  fresh_ = false;
  CodecStatus status = reader_.open(file);
  if (!status.usable()) return status;
  const bool alpha = reader_.transparent_index().has_value() || !reader_.covers_canvas();
  header = {};
  header.shape = {reader_.canvas_width(), reader_.canvas_height(), (is_gray() ? 1 : 3) + (alpha ? 1 : 0),
                  kernels::Depth::eight};
  header.two_level = is_two_level();
  constexpr std::uint64_t kGiflib = std::uint64_t{64} << 10;
  header.decoder_bytes = kGiflib + static_cast<std::uint64_t>(header.shape.width);
  status = check_limits(header.shape, header.decoder_bytes, limits);
  fresh_ = status.usable();
  return status;
}

CodecStatus GifDecoder::decode(const DecodeRequest& request, cv::Mat& frame, const BandObserver& observer) {
  if (!fresh_) {
    CodecStatus status = reader_.open(file_);
    if (!status.usable()) return status;
  }
  fresh_ = false;
  CodecStatus status = decode_opened(request, frame, observer);
  reader_.close();
  return status;
}

void GifDecoder::prepare(int channels) {
  const auto as_stored = [channels](const std::array<std::uint8_t, 3>& bgr, std::uint8_t alpha) {
    return channels <= 2 ? Colour{bgr[0], alpha} : Colour{bgr[0], bgr[1], bgr[2], alpha};
  };
  for (std::size_t i = 0; i < colours_.size(); ++i) {
    const bool clear = reader_.transparent_index() == static_cast<int>(i);
    colours_[i] = as_stored(reader_.palette()[i], clear ? 0 : 255);
  }
  background_ = as_stored(reader_.background(), 0);
}

void GifDecoder::fill(cv::Mat area) const {
  if (area.empty()) return;
  area.setTo(cv::Scalar(background_[0], background_[1], background_[2], background_[3]));
}

void GifDecoder::look_up(int width, std::uint8_t* row, int channels) const {
  const auto bytes = static_cast<std::size_t>(channels);
  for (int x = 0; x < width; ++x, row += channels) {
    std::memcpy(row, colours_[line_[static_cast<std::size_t>(x)]].data(), bytes);
  }
}

CodecStatus GifDecoder::decode_opened(const DecodeRequest& request, cv::Mat& frame, const BandObserver& observer) {
  prepare(frame.channels());
  const GifImageDesc& desc = reader_.frame();
  cv::Mat inner = frame(cv::Rect(desc.Left, desc.Top, desc.Width, desc.Height));
  fill(frame.rowRange(0, desc.Top));
  fill(frame.rowRange(desc.Top + desc.Height, frame.rows));
  fill(frame(cv::Rect(0, desc.Top, desc.Left, desc.Height)));
  fill(frame(cv::Rect(desc.Left + desc.Width, desc.Top, frame.cols - desc.Left - desc.Width, desc.Height)));
  line_.resize(static_cast<std::size_t>(desc.Width));

  struct Pass {
    int first = 0;
    int step = 1;
  };
  constexpr std::array<Pass, 4> kInterlaced{{{0, 8}, {4, 8}, {2, 4}, {1, 2}}};
  constexpr std::array<Pass, 1> kPlain{};
  int lines = 0;
  CodecStatus status;
  for (const Pass& pass : desc.Interlace ? std::span<const Pass>(kInterlaced) : std::span<const Pass>(kPlain)) {
    for (int y = pass.first; y < inner.rows; y += pass.step) {
      if (status.usable()) {
        status = reader_.next_line(line_);
        if (!status.usable()) {
          status.detail += fmt::format(": {} of {} lines are missing", inner.rows - lines, inner.rows);
          if (!request.lenient || lines == 0) return status;
        }
      }
      if (status.usable()) {
        look_up(inner.cols, inner.ptr(y), inner.channels());
        ++lines;
      } else {
        inner.row(y).setTo(cv::Scalar::all(0));
      }
    }
  }
  if (status.usable() && reader_.ended()) {
    status = {Verdict::truncated, "cut short: the mark that ends its first image is missing"};
    if (!request.lenient) return status;
  }
  if (!status.usable()) status.verdict = Verdict::repaired;
  for (int first = 0; first < frame.rows && observer; first += kBandRows) {
    observer(frame.rowRange(first, std::min(first + kBandRows, frame.rows)));
  }
  return status;
}

}  // namespace

std::unique_ptr<Decoder> make_gif_decoder() { return std::make_unique<GifDecoder>(); }

}  // namespace pixmill::pipeline
