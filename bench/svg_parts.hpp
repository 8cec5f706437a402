#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

/// What charts are drawn with. Places are in units of the picture, which is kWidth wide.
namespace pixmill::bench {

inline constexpr double kWidth = 400;
inline constexpr double kRow = 24;
inline constexpr double kLetter = 6.8;  ///< About, of the widest usual font.

[[nodiscard]] std::string opened(const std::string& title, double height);
[[nodiscard]] std::string text_at(double x, double y, const char* anchor, const std::string& text,
                                  const char* kind = "");
[[nodiscard]] std::string line_at(double x1, double y1, double x2, double y2, const std::string& kind);
/// A line with a stroke at each end, along x or y.
[[nodiscard]] std::string whisker(double x1, double y1, double x2, double y2);
/// Each series has a mark of its own, so that none needs its colour to be told.
[[nodiscard]] std::string mark_at(double x, double y, int series, bool hollow);
[[nodiscard]] std::string tick_text(double value);
/// `most`, or 1 where there is nothing to scale to.
[[nodiscard]] double highest(double most);

/// How many letters of UTF-8.
[[nodiscard]] std::size_t letters_in(const std::string& text);

/// Where the rows of a chart begin, so that their labels fit.
template <typename Row>
double room_for_labels(const std::vector<Row>& rows) {
  std::size_t longest = 14;
  for (const Row& row : rows) longest = std::max(longest, letters_in(row.label));
  return std::min(kWidth / 2, kLetter * static_cast<double>(longest) + 10);
}

/// Where they end, so that the values behind them fit.
template <typename Row>
double end_before_values(const std::vector<Row>& rows) {
  std::size_t longest = 8;
  for (const Row& row : rows) longest = std::max(longest, letters_in(row.value_text));
  return kWidth - kLetter * static_cast<double>(longest) - 10;
}

/// From values to places on the picture.
struct Scale {
  double most = 1;
  double begin = 0;
  double end = 1;
  double least = 0;
  [[nodiscard]] double operator()(double value) const {
    return begin + (end - begin) * (value - least) / (most - least);
  }
};

}  // namespace pixmill::bench
