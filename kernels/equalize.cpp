#include "kernels/clahe.hpp"
#include "kernels/table.hpp"

#include <pixmill/error.hpp>

#include <opencv2/core.hpp>

#include <array>
#include <span>

namespace pixmill::kernels {

namespace {

constexpr std::int64_t kDefaultTiles = 8;

constexpr std::array kParams{
    ParamDescriptor{.name = "clip",
                    .summary =
                        "0: over the whole image; above: in tiles (CLAHE), no level counted more often than clip "
                        "times the mean count; 2 to 4 are usual",
                    .type = ParamType::number,
                    .default_text = "0",
                    .min = 0,
                    .max = 65536},
    ParamDescriptor{.name = "tiles",
                    .summary = "Tiles in each direction, with clip only; 8 where not given",
                    .type = ParamType::integer,
                    .default_text = "",
                    .min = 1,
                    .max = 256},
};

constexpr std::array kExamples{
    std::string_view{"equalize"},
    std::string_view{"equalize=clip=2"},
    std::string_view{"equalize=clip=3.5:tiles=4"},
};

constexpr KernelDescriptor kDescriptor{
    .name = "equalize",
    .summary = "Spreads the levels so that each is about equally frequent",
    .notes =
        "Each colour channel by itself; alpha is kept as it is. Over the whole image v becomes (pixels up to v - n) L "
        "/ (pixels - n), in single precision, rounded to the nearest (half to even), where n is the count of the least "
        "level that occurs and L the largest level; an image of one level stays as it is. At 8 bits that is "
        "cv::equalizeHist, at 16 the same over 65536 levels. With clip it is cv::CLAHE at both depths; an image with "
        "fewer pixels than tiles is mirrored until it fills them. Tiles at 16 bits take 128 KiB each.",
    .source =
        "cv::equalizeHist; cv::CLAHE; K. Zuiderveld, Contrast limited adaptive histogram equalization, Graphics "
        "Gems IV (1994)",
    .params = kParams,
    .has_bare = false,
    .channels = ChannelNeed::any,
    .depth = DepthNeed::any,
    .keeps_alpha = true,
    .examples = kExamples,
};

// OpenCV's formula and order of operations.
template <typename T>
void equalizing_table(std::span<const std::uint32_t> counts, std::uint64_t pixels, T* table) {
  std::size_t level = 0;
  while (counts[level] == 0) ++level;
  const std::uint64_t rest = pixels - counts[level];
  for (std::size_t below = 0; below <= level; ++below) table[below] = 0;
  if (rest == 0) {
    table[level] = static_cast<T>(level);
    return;
  }
  const float scale = static_cast<float>(counts.size() - 1) / static_cast<float>(rest);
  std::uint64_t sum = 0;
  for (++level; level < counts.size(); ++level) {
    sum += counts[level];
    table[level] = cv::saturate_cast<T>(static_cast<float>(sum) * scale);
  }
}

template <typename T>
using Tables = std::array<const T*, 3>;

// The tables by value: bytes that are stored might otherwise be the pointers themselves.
template <typename T, int Channels>
void map_row(Tables<T> tables, const T* in, int width, T* out) {
  constexpr std::size_t kColours = colour_channels(Channels);
  for (int x = 0; x < width; ++x, in += Channels, out += Channels) {
    for (std::size_t channel = 0; channel < kColours; ++channel) out[channel] = tables[channel][in[channel]];
    if constexpr (has_alpha(Channels)) out[kColours] = in[kColours];
  }
}

template <typename T>
void map_row(const Tables<T>& tables, const T* in, int width, int channels, T* out) {
  switch (channels) {
    case 1:
      return map_row<T, 1>(tables, in, width, out);
    case 2:
      return map_row<T, 2>(tables, in, width, out);
    case 3:
      return map_row<T, 3>(tables, in, width, out);
    default:
      return map_row<T, 4>(tables, in, width, out);
  }
}

std::size_t tables_bytes(const FrameShape& in) {
  const auto levels = static_cast<std::size_t>(level_count(in.depth));
  return static_cast<std::size_t>(colour_channels(in.channels)) * levels * (in.depth == Depth::eight ? 1U : 2U);
}

template <typename T>
void equalize(const cv::Mat& in, const Histogram& histogram, std::span<std::byte> memory, cv::Mat& out) {
  const auto levels = static_cast<std::size_t>(level_count(histogram.depth()));
  Tables<T> tables{};
  auto* table = reinterpret_cast<T*>(memory.data());
  for (int channel = 0; channel < colour_channels(in.channels()); ++channel, table += levels) {
    equalizing_table(histogram.counts(channel), histogram.pixels(), table);
    tables.at(static_cast<std::size_t>(channel)) = table;
  }
  for (int y = 0; y < in.rows; ++y) map_row(tables, in.ptr<T>(y), in.cols, in.channels(), out.ptr<T>(y));
}

class Equalize final : public FrameOperation {
 public:
  // The counts are 32 bits a level.
  [[nodiscard]] std::uint64_t scratch_bytes(const FrameShape& in) const override {
    const auto colours = static_cast<std::uint64_t>(colour_channels(in.channels));
    return tables_bytes(in) + colours * static_cast<std::uint64_t>(level_count(in.depth)) * sizeof(std::uint32_t) + 256;
  }
  // The lesser of two levels becomes 0 and the other the largest; a single one stays.
  [[nodiscard]] bool output_is_two_level(bool input_is_two_level) const override { return input_is_two_level; }

  void apply(const cv::Mat& in, cv::Mat& out, Workspace& workspace) const override {
    Histogram histogram;
    histogram.reset(depth_of(in), in.channels());
    histogram.add(in);
    const std::span<std::byte> memory = workspace.slot(slots::kKernel, tables_bytes(shape_of(in)));
    if (depth_of(in) == Depth::eight) {
      equalize<std::uint8_t>(in, histogram, memory, out);
    } else {
      equalize<std::uint16_t>(in, histogram, memory, out);
    }
  }
};

class EqualizeTiles final : public FrameOperation {
 public:
  EqualizeTiles(double clip, int tiles) : clip_(clip), tiles_(tiles) {}

  [[nodiscard]] std::uint64_t scratch_bytes(const FrameShape& in) const override {
    return clahe_scratch_bytes(in, tiles_);
  }
  [[nodiscard]] bool output_is_two_level(bool /*input_is_two_level*/) const override { return false; }
  void apply(const cv::Mat& in, cv::Mat& out, Workspace& workspace) const override {
    const std::uint64_t bytes = clahe_scratch_bytes(shape_of(in), tiles_);
    equalize_by_tiles(in, clip_, tiles_, workspace.slot(slots::kKernel, bytes), out);
  }

 private:
  double clip_;
  int tiles_;
};

Operation bind(const Arguments& arguments) {
  const double clip = std::get<double>(arguments.at(0));
  const auto* tiles = std::get_if<std::int64_t>(&arguments.at(1));
  if (clip > 0) return std::make_unique<const EqualizeTiles>(clip, static_cast<int>(tiles ? *tiles : kDefaultTiles));
  if (tiles != nullptr) throw Error(ErrorCode::usage, "equalize: tiles goes with clip; give clip too, as in clip=2");
  return std::make_unique<const Equalize>();
}

}  // namespace

const Kernel kEqualizeKernel{&kDescriptor, &bind};

}  // namespace pixmill::kernels
