// A plug-in without anything in it.
#include <pixmill/plugin.hpp>

PIXMILL_PLUGIN(registrar) { static_cast<void>(registrar); }
