// A plug-in one of whose kernels has the name of one of ours.
#include <pixmill/plugin.hpp>

PIXMILL_PLUGIN(registrar) {
  for (const char* name : {"unheard-of", "blur"}) {
    pixmill::KernelDefinition kernel;
    kernel.descriptor.name = name;
    kernel.level = [](int level, int, const pixmill::KernelArguments&) { return level; };
    registrar.kernel(kernel);
  }
}
