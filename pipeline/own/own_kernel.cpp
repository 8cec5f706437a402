#include "pipeline/own/own_kernel.hpp"

#include "ipc/sandbox.hpp"
#include "kernels/opencv_call.hpp"
#include "pipeline/own/bound_arguments.hpp"
#include "pipeline/own/own_code.hpp"

#include <pixmill/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <mutex>
#include <utility>

namespace pixmill::pipeline {
namespace {

using kernels::FrameShape;
using kernels::KernelFailure;

// So that no product of sides leaves 64 bits; the limits on memory come long before.
constexpr int kLargestSide = 1 << 24;

[[noreturn]] void refuse(std::string_view kernel, const std::string& why) {
  throw Error(ErrorCode::usage, fmt::format("own kernel '{}': {}", kernel, why));
}

ImageShape public_shape(const FrameShape& shape) {
  return {static_cast<int>(shape.width), static_cast<int>(shape.height), shape.channels, static_cast<int>(shape.depth)};
}

std::string in_words(const ImageShape& shape) {
  return fmt::format("{} x {} with {} channel{} of {} bits", shape.width, shape.height, shape.channels,
                     shape.channels == 1 ? "" : "s", shape.bits);
}

/// KernelDefinition::image as a class.
class ImageFunction final : public KernelOperation {
 public:
  ImageFunction(const KernelDefinition& definition, const BoundArguments& arguments)
      : definition_(definition), arguments_(arguments) {}

  [[nodiscard]] std::uint64_t scratch_bytes(const ImageShape& in) const override {
    const double bytes = static_cast<double>(in.width) * in.height * in.channels * (in.bits / 8);
    return static_cast<std::uint64_t>(std::ceil(bytes * definition_.scratch_images));
  }
  void apply(const cv::Mat& in, cv::Mat& out) const override { definition_.image(in, out, arguments_); }

 private:
  const KernelDefinition& definition_;
  const BoundArguments& arguments_;
};

/// An own kernel that makes frames, behind the face of one of ours.
class UserFrameOperation final : public kernels::FrameOperation {
 public:
  UserFrameOperation(const KernelDescriptor& descriptor, const KernelDefinition& definition,
                     const kernels::Arguments& values)
      : name_(descriptor.name), arguments_(descriptor, values) {
    operation_ =
        definition.bind ? definition.bind(arguments_) : std::make_unique<ImageFunction>(definition, arguments_);
    if (operation_ == nullptr) refuse(name_, "its bind gave no operation");
  }

  [[nodiscard]] std::string identity() const { return operation_->identity(); }

  [[nodiscard]] FrameShape output_shape(const FrameShape& in) const override {
    const ImageShape out = call_own_code(name_, [&] { return operation_->output_shape(public_shape(in)); });
    const bool sound = out.width >= 1 && out.height >= 1 && out.width <= kLargestSide && out.height <= kLargestSide &&
                       out.channels >= 1 && out.channels <= 4 && (out.bits == 8 || out.bits == 16) &&
                       kernels::has_alpha(out.channels) == kernels::has_alpha(in.channels);
    if (!sound) throw KernelFailure(fmt::format("{}: it would give {}, which is no image here", name_, in_words(out)));
    return {out.width, out.height, out.channels, out.bits == 16 ? kernels::Depth::sixteen : kernels::Depth::eight};
  }

  [[nodiscard]] std::uint64_t scratch_bytes(const FrameShape& in) const override {
    // What nobody has, so that sums with it stay numbers.
    constexpr std::uint64_t kMost = std::uint64_t{1} << 60;
    return std::min(kMost, call_own_code(name_, [&] { return operation_->scratch_bytes(public_shape(in)); }));
  }

  [[nodiscard]] bool output_is_two_level(bool /*input_is_two_level*/) const override { return false; }

  void apply(const cv::Mat& in, cv::Mat& out, kernels::Workspace& /*workspace*/) const override {
    const SameRandomNumbers same;
    const cv::Mat original = kernels::alone(in);
    cv::Mat given = kernels::alone(out);
    call_own_code(name_, [&] { operation_->apply(original, given); });
    if (given.dims != 2 || given.size() != out.size() || given.type() != out.type()) {
      throw KernelFailure(fmt::format("{}: it gave another image than its output_shape() said, which was {}", name_,
                                      in_words(public_shape(kernels::shape_of(out)))));
    }
    if (given.data != out.data) given.copyTo(out);
  }

 private:
  std::string name_;
  BoundArguments arguments_;
  std::unique_ptr<const KernelOperation> operation_;
};

/// An own kernel of levels.
class UserLevelOperation final : public kernels::LevelOperation {
 public:
  UserLevelOperation(const KernelDescriptor& descriptor, const KernelDefinition& definition,
                     const kernels::Arguments& values)
      : name_(descriptor.name), definition_(definition), arguments_(descriptor, values) {}

  void compose(const kernels::Histogram* /*histogram*/, kernels::LevelTable& table) const override {
    Levels& levels = levels_[table.depth() == kernels::Depth::sixteen ? 1 : 0];
    std::call_once(levels.once, [&] { ask(kernels::max_level(table.depth()), levels.of); });
    table.then([&levels](int level) { return levels.of[static_cast<std::size_t>(level)]; });
  }

 private:
  struct Levels {
    std::once_flag once;
    std::vector<int> of;
  };

  void ask(int largest, std::vector<int>& levels) const {
    const SameRandomNumbers same;
    levels.assign(static_cast<std::size_t>(largest) + 1, 0);
    call_own_code(name_, [&] {
      for (int level = 0; level <= largest; ++level) {
        levels[static_cast<std::size_t>(level)] = std::clamp(definition_.level(level, largest, arguments_), 0, largest);
      }
    });
  }

  std::string name_;
  const KernelDefinition& definition_;
  BoundArguments arguments_;
  mutable std::array<Levels, 2> levels_;  // of 8 and 16 bits, once they are wanted
};

}  // namespace

void check_system_calls(const std::string& owner, const std::vector<int>& calls) {
  for (const int number : calls) {
    if (!ipc::call_name(number).empty()) continue;
    throw Error(ErrorCode::usage,
                fmt::format("{}: {} is no number of a system call here; take SYS_… of <sys/syscall.h>", owner, number));
  }
}

UserKernel::UserKernel(const KernelDefinition& definition, std::string plugin)
    : descriptor_(definition.descriptor),
      definition_(definition),
      plugin_(std::move(plugin)),
      row_{&descriptor_.get(), nullptr, this} {
  const KernelDescriptor& descriptor = descriptor_.get();
  definition_.descriptor = descriptor;
  check_descriptor(descriptor);
  const int ways = (definition.bind ? 1 : 0) + (definition.image ? 1 : 0) + (definition.level ? 1 : 0);
  if (ways != 1) refuse(descriptor.name, "its definition must have exactly one of bind, image and level");
  if (!(definition.scratch_images >= 0 && definition.scratch_images <= 1e6)) {
    refuse(descriptor.name, fmt::format("scratch_images must be from 0 to 1000000, not {}", definition.scratch_images));
  }
  check_system_calls(fmt::format("own kernel '{}'", descriptor.name), definition.system_calls);
}

kernels::Operation UserKernel::bind(const kernels::Arguments& arguments) const {
  try {
    if (definition_.level) {
      return std::make_unique<const UserLevelOperation>(descriptor_.get(), definition_, arguments);
    }
    return std::make_unique<const UserFrameOperation>(descriptor_.get(), definition_, arguments);
  } catch (const Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    throw Error(ErrorCode::usage, fmt::format("{}: {}", descriptor_.get().name, error.what()));
  } catch (...) {
    throw Error(ErrorCode::usage, fmt::format("{}: its bind threw what is no std::exception", descriptor_.get().name));
  }
}

std::string UserKernel::identity(const kernels::Operation& operation) const {
  std::string identity = definition_.version;
  if (const auto* frame = std::get_if<std::unique_ptr<const kernels::FrameOperation>>(&operation)) {
    const auto& own = static_cast<const UserFrameOperation&>(**frame);
    if (const std::string more = own.identity(); !more.empty()) identity += ' ' + more;
  }
  return identity;
}

}  // namespace pixmill::pipeline
