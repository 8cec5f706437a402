#include "kernels/local_statistics.hpp"

#include <algorithm>
#include <vector>

namespace pixmill::kernels {

LocalStatistics statistics_of(std::uint64_t sum, std::uint64_t sum_of_squares, const WindowShape& shape, int x,
                              int width) {
  const double share = 1.0 / shape.count();
  const double share_of_squares = 1.0 / shape.count_of_squares();
  if (x < single_precision_end(width)) {
    return {static_cast<float>(sum) * static_cast<float>(share),
            static_cast<float>(sum_of_squares) * static_cast<float>(share_of_squares)};
  }
  return {static_cast<float>(static_cast<double>(sum) * share),
          static_cast<float>(static_cast<double>(sum_of_squares) * share_of_squares)};
}

namespace {

// Sums of f(level) over windows of 2 reach + 1 pixels each way.
template <typename Sum, typename Function>
class SlidingSums {
 public:
  SlidingSums(const cv::Mat& in, int reach_x, int reach_y, Function f)
      : in_(in), reach_x_(reach_x), reach_y_(reach_y), f_(f), columns_(static_cast<std::size_t>(in.cols)) {
    for (int x = 0; x < in.cols; ++x) {
      for (int dy = -reach_y; dy <= reach_y; ++dy) column(x) += at(dy, x);
    }
  }
  void begin_row(int y) {
    for (int x = 0; y > 0 && x < in_.cols; ++x) column(x) += at(y + reach_y_, x) - at(y - 1 - reach_y_, x);
    sum_ = 0;
    for (int x = -reach_x_ - 1; x < reach_x_; ++x) sum_ += column(x);
  }
  // Columns are to be asked for one after the other.
  Sum next(int x) { return sum_ += column(x + reach_x_) - column(x - 1 - reach_x_); }

 private:
  [[nodiscard]] Sum at(int y, int x) const { return f_(in_.ptr(std::clamp(y, 0, in_.rows - 1))[x]); }
  Sum& column(int x) { return columns_[static_cast<std::size_t>(std::clamp(x, 0, in_.cols - 1))]; }

  const cv::Mat& in_;
  int reach_x_;
  int reach_y_;
  Function f_;
  std::vector<Sum> columns_;
  Sum sum_ = 0;
};

std::uint32_t level_itself(std::uint8_t level) { return level; }
std::uint64_t level_squared(std::uint8_t level) { return std::uint64_t{level} * level; }

}  // namespace

void for_each_window(const cv::Mat& in, int window,
                     const std::function<void(int y, int x, const LocalStatistics& statistics)>& visit) {
  const WindowShape shape(in.size(), window);
  SlidingSums<std::uint32_t, decltype(&level_itself)> levels(in, shape.reach, shape.reach, &level_itself);
  SlidingSums<std::uint64_t, decltype(&level_squared)> squares(in, shape.reach_x, shape.reach_y, &level_squared);
  for (int y = 0; y < in.rows; ++y) {
    levels.begin_row(y);
    squares.begin_row(y);
    for (int x = 0; x < in.cols; ++x) {
      const std::uint64_t sum = levels.next(x);
      visit(y, x, statistics_of(sum, squares.next(x), shape, x, in.cols));
    }
  }
}

}  // namespace pixmill::kernels
