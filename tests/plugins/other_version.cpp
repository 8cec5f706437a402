// A plug-in that says it was made for another pixmill.
#include <pixmill/plugin.hpp>

namespace {

void nothing(pixmill::Registrar& /*registrar*/) {}

constexpr pixmill::PluginEntry other() {
  pixmill::PluginEntry entry = pixmill::PluginEntry::of_these_headers(&nothing);
  entry.pixmill_version += 200;
  return entry;
}

}  // namespace

extern "C" PIXMILL_API const pixmill::PluginEntry pixmill_plugin_v1;
extern "C" const pixmill::PluginEntry pixmill_plugin_v1 = other();
