#pragma once

#include "kernels/frame.hpp"
#include "kernels/reduction.hpp"

#include <pixmill/reduction.hpp>

#include <opencv2/core/mat.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace pixmill::pipeline {

/// A reduction of the library's user. Immutable; any thread.
class UserReduction final : public kernels::OwnReduction {
 public:
  /// Copies the definition; `plugin` as for plugin(). Throws Error (usage) if it contradicts itself.
  explicit UserReduction(const ReductionDefinition& definition, std::string plugin = {});

  [[nodiscard]] const kernels::Reduction& row() const { return row_; }
  [[nodiscard]] const ReductionDefinition& definition() const { return definition_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  /// The plug-in that it is from, by a path that is good in any process; empty if this program registered it.
  [[nodiscard]] const std::string& plugin() const { return plugin_; }

 private:
  std::string name_;
  std::string summary_;
  std::string notes_;
  ReductionDefinition definition_;
  std::string plugin_;
  kernels::Reduction row_;
};

/// The own reductions of one batch, and how their states lie in kernels::Partial::own:
///
///     checksum of names, versions and sizes (8 bytes) │ 0 │ state │ state │ …      each at a multiple of 16
///
/// Immutable; any thread.
class OwnReductions {
 public:
  /// In the order of the report; at least one.
  explicit OwnReductions(std::vector<const UserReduction*> reductions);

  [[nodiscard]] const std::vector<const UserReduction*>& all() const { return reductions_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  /// Whether these bytes hold states of these reductions, as far as that can be told.
  [[nodiscard]] bool fits(std::span<const std::byte> own) const;
  [[nodiscard]] std::span<const std::byte> state(std::size_t n, std::span<const std::byte> own) const;
  [[nodiscard]] std::span<std::byte> state(std::size_t n, std::span<std::byte> own) const;

  /// No image's states.
  [[nodiscard]] std::vector<std::byte> nothing() const;
  /// The states of one image without alpha. Throws KernelFailure, std::bad_alloc.
  [[nodiscard]] std::vector<std::byte> of_image(const cv::Mat& image) const;
  /// An upper bound of the memory that of_image() takes.
  [[nodiscard]] std::uint64_t scratch_bytes(const kernels::FrameShape& shape) const;
  /// Numbers of the system calls that they need beside those of every worker.
  [[nodiscard]] std::vector<int> system_calls() const;

 private:
  std::vector<const UserReduction*> reductions_;
  std::vector<std::size_t> offsets_;
  std::size_t bytes_ = 0;
  std::uint64_t checksum_ = 0;
};

/// Merges the states of a batch, in any order. Not thread-safe.
class OwnFold {
 public:
  explicit OwnFold(const OwnReductions& reductions);

  /// Takes in the states of one image, which fit.
  void add(std::span<const std::byte> own);
  /// What each reduction reports of one image by itself; empty where it cannot.
  [[nodiscard]] std::vector<std::vector<double>> of_one(std::span<const std::byte> own) const;
  /// What each reports of all that were added; empty where there is none. After the last add().
  [[nodiscard]] std::vector<std::vector<double>> finish();
  /// Why some have no result, a sentence; empty: all have one, or there was no image. After finish().
  [[nodiscard]] const std::string& trouble() const { return trouble_; }

 private:
  void fail(std::size_t n, const std::string& why);
  void try_orders(std::size_t n);

  const OwnReductions& reductions_;
  std::vector<std::byte> total_;
  std::vector<bool> failed_;
  std::vector<std::vector<std::byte>> first_;  // of the first images, to try whether the order matters
  std::uint64_t images_ = 0;
  std::string trouble_;
};

}  // namespace pixmill::pipeline
