#include "pipeline/own/registry.hpp"

#include <pixmill/error.hpp>
#include <pixmill/plugin.hpp>

#include <fmt/format.h>

#include <dlfcn.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <filesystem>
#include <memory>
#include <mutex>
#include <new>
#include <system_error>
#include <utility>
#include <vector>

namespace pixmill {
namespace {

constexpr const char* kEntryName = "pixmill_plugin_v1";

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw Error(ErrorCode::usage, fmt::format("plug-in {}: {}", path, why));
}

void check_file(const std::string& path) {
  struct stat status {};
  if (path.empty()) throw Error(ErrorCode::usage, "plug-in: expected the name of a file, got an empty text");
  if (::stat(path.c_str(), &status) != 0) refuse(path, std::generic_category().message(errno));
  if (!S_ISREG(status.st_mode)) refuse(path, "it is no file");
}

struct Close {
  void operator()(void* library) const { ::dlclose(library); }
};
using Library = std::unique_ptr<void, Close>;

Library opened(const std::string& path) {
  // Without a slash it would be looked for where the system's libraries are.
  const std::string file = path.find('/') == std::string::npos ? "./" + path : path;
  // NOW: a symbol that is missing is told here, and not by a worker. LOCAL: two plug-ins do not see each other.
  Library library(::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL));
  if (library != nullptr) return library;
  const char* why = ::dlerror();
  refuse(path, fmt::format("it cannot be loaded: {}", why != nullptr ? why : "nobody says why"));
}

std::string version_text(std::uint32_t version) {
  return fmt::format("{}.{}.{}", version / 10000, version / 100 % 100, version % 100);
}

void check_entry(const std::string& path, const PluginEntry& entry) {
  constexpr PluginEntry kHere = PluginEntry::of_these_headers(nullptr);
  constexpr bool kUnstable = PIXMILL_VERSION_MAJOR == 0;
  // While the first number of the version is 0, each second one is another interface.
  constexpr std::uint32_t kPart = kUnstable ? 100 : 10000;
  if (entry.entry_bytes != kHere.entry_bytes || entry.interface != kHere.interface ||
      entry.pixmill_version / kPart != kHere.pixmill_version / kPart) {
    refuse(path, fmt::format("it was made for pixmill {} (plug-in interface {}), and this is {} (interface {}); build "
                             "it again with this one's headers",
                             version_text(entry.pixmill_version), entry.interface, version_text(kHere.pixmill_version),
                             kHere.interface));
  }
  if (entry.opencv_version != kHere.opencv_version) {
    refuse(path, fmt::format("it was made with OpenCV {}.{}, and pixmill with {}.{}; build it again with that",
                             entry.opencv_version / 100, entry.opencv_version % 100, kHere.opencv_version / 100,
                             kHere.opencv_version % 100));
  }
  if (entry.new_strings != kHere.new_strings || entry.register_all == nullptr) {
    refuse(path, "it was made with another standard library; build it again with the compiler's own");
  }
}

/// Gathers what a plug-in has, until it is known that all of it will do.
class Gatherer final : public Registrar {
 public:
  explicit Gatherer(std::string plugin) : plugin_(std::move(plugin)) {}

  void kernel(const KernelDefinition& definition) override {
    code_.kernels.push_back(std::make_unique<pipeline::UserKernel>(definition, plugin_));
  }
  void reduction(const ReductionDefinition& definition) override {
    code_.reductions.push_back(std::make_unique<pipeline::UserReduction>(definition, plugin_));
  }
  [[nodiscard]] pipeline::OwnCode take() { return std::move(code_); }
  [[nodiscard]] bool empty() const { return code_.kernels.empty() && code_.reductions.empty(); }

 private:
  const std::string plugin_;
  pipeline::OwnCode code_;
};

// Its own exceptions end here: their code may go with it.
pipeline::OwnCode gathered(const std::string& path, const PluginEntry& entry) {
  Gatherer gatherer(std::filesystem::absolute(path));
  try {
    entry.register_all(gatherer);
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    refuse(path, error.what());
  } catch (...) {
    refuse(path, "it threw what is no std::exception");
  }
  if (gatherer.empty()) refuse(path, "it registers nothing");
  return gatherer.take();
}

struct Loaded {
  std::mutex mutex;
  std::vector<void*> libraries;
};

// Their code is needed to the very end of the process.
Loaded& loaded() {
  static auto& the_one = *new Loaded;
  return the_one;
}

}  // namespace

void load_plugin(const std::string& path) {
  check_file(path);
  Loaded& all = loaded();
  const std::lock_guard lock(all.mutex);
  Library library = opened(path);
  if (std::find(all.libraries.begin(), all.libraries.end(), library.get()) != all.libraries.end()) return;
  const auto* entry = static_cast<const PluginEntry*>(::dlsym(library.get(), kEntryName));
  if (entry == nullptr) refuse(path, fmt::format("it is no plug-in of pixmill: it has no {}", kEntryName));
  check_entry(path, *entry);
  all.libraries.reserve(all.libraries.size() + 1);
  pipeline::OwnCode code = gathered(path, *entry);
  try {
    pipeline::register_own(std::move(code));
  } catch (const Error& error) {
    refuse(path, error.what());
  }
  all.libraries.push_back(library.release());
}

}  // namespace pixmill
