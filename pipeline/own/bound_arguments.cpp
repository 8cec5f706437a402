#include "pipeline/own/bound_arguments.hpp"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace pixmill::pipeline {

BoundArguments::BoundArguments(const KernelDescriptor& descriptor, kernels::Arguments values)
    : descriptor_(descriptor), values_(std::move(values)) {}

std::size_t BoundArguments::index_of(std::string_view name) const {
  for (std::size_t i = 0; i < descriptor_.params.size(); ++i) {
    if (descriptor_.params[i].name == name) return i;
  }
  throw std::invalid_argument(fmt::format("it asks for its parameter '{}', which its descriptor has not", name));
}

template <typename T>
const T& BoundArguments::value(std::string_view name, const char* kind) const {
  if (const T* found = std::get_if<T>(&values_.at(index_of(name)))) return *found;
  throw std::invalid_argument(given(name) ? fmt::format("it asks for {} as {}, which it is not", name, kind)
                                          : fmt::format("it needs {}, which was not given", name));
}

bool BoundArguments::given(std::string_view name) const {
  return !std::holds_alternative<std::monostate>(values_.at(index_of(name)));
}

std::int64_t BoundArguments::integer(std::string_view name) const {
  return value<std::int64_t>(name, "a whole number");
}

double BoundArguments::number(std::string_view name) const { return value<double>(name, "a number"); }

std::string_view BoundArguments::choice(std::string_view name) const {
  const std::size_t chosen = value<kernels::ChoiceIndex>(name, "a choice").index;
  return descriptor_.params[index_of(name)].choices[chosen].name;
}

double BoundArguments::level(std::string_view name, int bits) const {
  const auto& wish = value<kernels::Level>(name, "a level");
  try {
    return wish.at(bits == 16 ? kernels::Depth::sixteen : kernels::Depth::eight, name);
  } catch (const kernels::KernelFailure& failure) {
    throw std::out_of_range(failure.what());
  }
}

SizeArgument BoundArguments::size(std::string_view name) const {
  const auto& wish = value<kernels::SizeWish>(name, "a size");
  return {wish.width, wish.height, wish.percent};
}

RegionArgument BoundArguments::region(std::string_view name) const {
  const auto& wish = value<kernels::RegionWish>(name, "a region");
  return {wish.width, wish.height, wish.x, wish.y};
}

std::string_view BoundArguments::text(std::string_view name) const { return value<kernels::Text>(name, "a text").text; }

}  // namespace pixmill::pipeline
