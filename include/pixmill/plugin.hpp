#pragma once

#include <pixmill/export.hpp>
#include <pixmill/kernel.hpp>
#include <pixmill/reduction.hpp>
#include <pixmill/version.hpp>

#include <opencv2/core/version.hpp>

#include <cstdint>
#include <string>

/// Plug-ins: own kernels and reductions in a library that is loaded when it is wanted, `pixmill run --plugin sepia.so
/// --ops sepia …`.
///
///     #include <pixmill/plugin.hpp>
///
///     PIXMILL_PLUGIN(registrar) {
///       pixmill::KernelDefinition sepia;
///       …
///       registrar.kernel(sepia);
///     }
///
/// is a whole one. It needs pixmill's headers and OpenCV, and links nothing of pixmill: see docs/own-kernels.md.
namespace pixmill {

/// What a plug-in offers its kernels and reductions to. Used by the thread that loads it, until its function returns.
class Registrar {
 public:
  Registrar() = default;
  Registrar(const Registrar&) = delete;
  Registrar& operator=(const Registrar&) = delete;
  virtual ~Registrar() = default;
  /// As register_kernel(), but nothing of a plug-in is registered unless all of it can be.
  virtual void kernel(const KernelDefinition& definition) = 0;
  /// As register_reduction(), likewise.
  virtual void reduction(const ReductionDefinition& definition) = 0;
};

/// Raised by every change of what this header includes that a plug-in notices.
inline constexpr std::uint32_t kPluginInterface = 1;

/// What pixmill looks up in a plug-in: a variable of this type, called `pixmill_plugin_v1`. PIXMILL_PLUGIN makes it.
struct PluginEntry {
  std::uint32_t entry_bytes;      ///< sizeof(PluginEntry).
  std::uint32_t interface;        ///< kPluginInterface
  std::uint32_t pixmill_version;  ///< Of the headers: major × 10000 + minor × 100 + patch.
  std::uint32_t opencv_version;   ///< Of OpenCV's headers: major × 100 + minor.
  std::uint32_t new_strings;      ///< Whether std::string is libstdc++'s since 2015: _GLIBCXX_USE_CXX11_ABI.
  /// Registers what the plug-in has. What it throws is why the plug-in is not loaded.
  void (*register_all)(Registrar& registrar);

  /// The entry of a plug-in that is compiled with these headers.
  [[nodiscard]] static constexpr PluginEntry of_these_headers(void (*register_all)(Registrar&)) {
    return {
      sizeof(PluginEntry), kPluginInterface,
          PIXMILL_VERSION_MAJOR * 10000 + PIXMILL_VERSION_MINOR * 100 + PIXMILL_VERSION_PATCH,
          CV_VERSION_MAJOR * 100 + CV_VERSION_MINOR,
#if defined(_GLIBCXX_USE_CXX11_ABI) && _GLIBCXX_USE_CXX11_ABI
          1,
#else
          0,
#endif
          register_all
    };
  }
};

/// Loads a plug-in and registers what it has, for the life of the process. Of a name without `/` the file in the
/// current folder is meant. Loading one again does nothing.
///
/// The code of the plug-in runs in this process, with its rights, from the moment it is loaded: load none that you do
/// not trust. Load it before batches begin that want it; their workers have it then, whatever they are made of.
///
/// Throws Error (usage), and registers nothing, when there is no such file, it is no plug-in, it was made for another
/// version of pixmill or OpenCV, it throws, or a name in it is taken. Any thread.
PIXMILL_API void load_plugin(const std::string& path);

}  // namespace pixmill

/// Begins the one function of a plug-in; what follows is its body. `registrar`: the name in it of the
/// pixmill::Registrar.
#define PIXMILL_PLUGIN(registrar)                                          \
  static void pixmill_plugin_registers(::pixmill::Registrar&(registrar));  \
  extern "C" PIXMILL_API const ::pixmill::PluginEntry pixmill_plugin_v1;   \
  extern "C" const ::pixmill::PluginEntry pixmill_plugin_v1 =              \
      ::pixmill::PluginEntry::of_these_headers(&pixmill_plugin_registers); \
  static void pixmill_plugin_registers(::pixmill::Registrar&(registrar))
