// A plug-in that has a kernel, and then finds that it cannot work here.
#include <pixmill/plugin.hpp>

#include <stdexcept>

PIXMILL_PLUGIN(registrar) {
  pixmill::KernelDefinition kernel;
  kernel.descriptor.name = "half-way";
  kernel.level = [](int level, int, const pixmill::KernelArguments&) { return level; };
  registrar.kernel(kernel);
  throw std::runtime_error("no licence for this machine");
}
