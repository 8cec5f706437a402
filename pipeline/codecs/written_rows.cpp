#include "pipeline/codecs/written_rows.hpp"

#include "kernels/depth.hpp"

namespace pixmill::pipeline {

const cv::Mat& WrittenRows::rows(const EncodeSource& source, int first, int last, bool eight_bits) {
  band_ = source.frame->rowRange(first, last);
  const cv::Mat* levels = &band_;
  if (source.table != nullptr && !source.table->is_identity()) {
    kernels::apply_table(*source.table, band_, mapped_);
    levels = &mapped_;
  }
  if (!eight_bits || levels->depth() == CV_8U) return *levels;
  reduced_.create(levels->rows, levels->cols, CV_8UC(levels->channels()));
  kernels::reduce_depth(*levels, reduced_);
  return reduced_;
}

void WrittenRows::trim(std::size_t keep_bytes) {
  band_.release();
  for (cv::Mat* buffer : {&mapped_, &reduced_}) {
    if (buffer->total() * buffer->elemSize() > keep_bytes) buffer->release();
  }
}

WrittenBits::WrittenBits(const EncodeSource& source) : source_(source) {
  if (source.table != nullptr) return;
  split_.emplace(kernels::depth_of(*source.frame));
  const int largest = kernels::max_level(split_->depth());
  split_->then([largest](int level) { return level > largest / 2 ? largest : 0; });
}

void WrittenBits::pack(int y, std::uint8_t* bits) const {
  kernels::pack_row(split_ ? *split_ : *source_.table, source_.frame->ptr(y), source_.frame->cols, bits);
}

}  // namespace pixmill::pipeline
