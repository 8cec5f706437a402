#pragma once

#include "kernels/pixel_accumulator.hpp"
#include "kernels/reduction.hpp"
#include "pipeline/codecs/codec.hpp"
#include "pipeline/inputs/input_list.hpp"

#include <opencv2/core/mat.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace pixmill::pipeline {

/// An image that a reduction makes.
struct ReductionImage {
  const kernels::Reduction* reduction = nullptr;
  std::string path;
  const Codec* codec = nullptr;  ///< By the ending of the path.
};

/// Folds whole images, pixel by pixel, in memory that no worker sees. Any thread may add; images are added side by
/// side, in bands of rows, and their order does not change a bit.
class PixelFold {
 public:
  /// `available_bytes`: what the state of all reductions may take; 0: not known.
  PixelFold(std::vector<ReductionImage> images, std::uint64_t available_bytes);

  enum class Added : unsigned char {
    yes,
    other_size,  ///< There will be no images: the sizes differ. Nothing need be added any more, but their indices
                 ///< count.
    no_memory,   ///< There will be no images: trouble() says why.
  };
  /// Takes in one image of the batch. Each index once.
  Added add(std::uint64_t index, const cv::Mat& frame);

  /// The memory that the state of such a batch takes, and the finished image beside it.
  [[nodiscard]] std::uint64_t bytes(const kernels::FrameShape& shape) const;
  /// Why a batch of such images is refused, or an empty text.
  [[nodiscard]] std::string refusal(const kernels::FrameShape& shape) const;

  /// Why there are no images, or an empty text: memory, or sizes that differ. After the last add() it names the image
  /// with the smallest index and the next one that has another size, in whatever order they came.
  [[nodiscard]] std::string trouble(const InputList& inputs) const;

  // After the last add():

  [[nodiscard]] std::uint64_t count() const { return images_added_; }
  [[nodiscard]] const std::vector<ReductionImage>& images() const { return images_; }
  /// The n-th image, encoded. With count() > 0 and without trouble(). Throws std::bad_alloc.
  [[nodiscard]] CodecStatus finish(std::size_t n, std::vector<std::byte>& encoded) const;

 private:
  struct Sized {
    std::uint64_t index = UINT64_MAX;
    int width = 0;
    int height = 0;
    [[nodiscard]] bool same_size(const Sized& other) const { return width == other.width && height == other.height; }
  };
  struct Band {
    std::mutex mutex;
    int begin = 0;
    int end = 0;
    std::unique_ptr<kernels::PixelAccumulator> state;
  };
  void note_size(const Sized& image);
  bool make_room(const kernels::FrameShape& shape);

  std::vector<ReductionImage> images_;
  std::vector<const kernels::PixelReduction*> reductions_;
  std::uint64_t available_bytes_;
  mutable std::mutex mutex_;  // guards what follows up to the bands
  Sized first_;               // of the smallest index so far
  Sized other_;               // of the smallest index whose size is not that of first_
  std::string no_memory_;
  bool eight_bits_ = true;
  std::uint64_t images_added_ = 0;
  int channels_ = 0;  // that there is room for; 0 before the first image
  std::atomic<bool> failed_ = false;
  std::vector<std::unique_ptr<Band>> bands_;  // made by the first image; each guards itself
};

}  // namespace pixmill::pipeline
