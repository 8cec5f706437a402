#pragma once

#include "kernels/frame.hpp"

#include <opencv2/core.hpp>

#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <utility>

/// How code of the library's user is called.
namespace pixmill::pipeline {

/// Gives cv::theRNG() of this thread the state that it has at the start of every image, and its own back.
class SameRandomNumbers {
 public:
  SameRandomNumbers() : before_(cv::theRNG()) { cv::theRNG() = cv::RNG(); }
  ~SameRandomNumbers() { cv::theRNG() = before_; }
  SameRandomNumbers(const SameRandomNumbers&) = delete;
  SameRandomNumbers& operator=(const SameRandomNumbers&) = delete;

 private:
  cv::RNG before_;
};

/// Calls `function()`, and turns whatever it throws into KernelFailure, which names who threw it, or std::bad_alloc.
template <typename Function>
auto call_own_code(std::string_view name, Function&& function) {
  try {
    return std::forward<Function>(function)();
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const cv::Exception& error) {
    if (error.code == cv::Error::StsNoMem) throw std::bad_alloc();
    throw kernels::KernelFailure(std::string(name) + ": OpenCV: " + error.err);
  } catch (const std::exception& error) {
    throw kernels::KernelFailure(std::string(name) + ": " + error.what());
  } catch (...) {
    throw kernels::KernelFailure(std::string(name) + ": it threw what is no std::exception");
  }
}

}  // namespace pixmill::pipeline
