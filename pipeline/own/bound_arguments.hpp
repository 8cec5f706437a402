#pragma once

#include "kernels/kernel.hpp"

#include <pixmill/kernel.hpp>

#include <string_view>

namespace pixmill::pipeline {

/// Arguments of a chain, as an own kernel reads them. `descriptor` must outlive it.
class BoundArguments final : public KernelArguments {
 public:
  BoundArguments(const KernelDescriptor& descriptor, kernels::Arguments values);

  [[nodiscard]] bool given(std::string_view name) const override;
  [[nodiscard]] std::int64_t integer(std::string_view name) const override;
  [[nodiscard]] double number(std::string_view name) const override;
  [[nodiscard]] std::string_view choice(std::string_view name) const override;
  [[nodiscard]] double level(std::string_view name, int bits) const override;
  [[nodiscard]] SizeArgument size(std::string_view name) const override;
  [[nodiscard]] RegionArgument region(std::string_view name) const override;
  [[nodiscard]] std::string_view text(std::string_view name) const override;

 private:
  [[nodiscard]] std::size_t index_of(std::string_view name) const;
  template <typename T>
  [[nodiscard]] const T& value(std::string_view name, const char* kind) const;

  const KernelDescriptor& descriptor_;
  kernels::Arguments values_;
};

}  // namespace pixmill::pipeline
