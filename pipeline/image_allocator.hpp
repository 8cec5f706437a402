#pragma once

#include <opencv2/core/mat.hpp>

namespace pixmill::pipeline {

/// For images whose memory somebody else provides: what derives from it says what becomes of that memory when the last
/// header goes. OpenCV makes images of its own, such as clones, by its own allocator.
class ImageAllocator : public cv::MatAllocator {
 public:
  cv::UMatData* allocate(int dims, const int* sizes, int type, void* data, std::size_t* step, cv::AccessFlag flags,
                         cv::UMatUsageFlags usage) const final {
    return cv::Mat::getStdAllocator()->allocate(dims, sizes, type, data, step, flags, usage);
  }
  bool allocate(cv::UMatData* data, cv::AccessFlag /*flags*/, cv::UMatUsageFlags /*usage*/) const final {
    return data != nullptr;
  }
};

}  // namespace pixmill::pipeline
