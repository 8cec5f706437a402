#pragma once

#include <pixmill/pool.hpp>

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

/// What tests of a Pool ask of the process that has it.
namespace pixmill::tests {

inline PoolOptions pool_of(int workers) {
  PoolOptions options;
  options.workers = workers;
  options.worker_program = PIXMILL_WORKER_PROGRAM;
  return options;
}

/// The processes of this one's pools: "pixmill-work" or "pixmill-fork".
inline std::vector<pid_t> children_named(const std::string& name) {
  std::vector<pid_t> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::ifstream stat(entry.path() / "stat");
    std::string id;
    std::string comm;
    std::string state;
    pid_t parent = 0;
    if (!(stat >> id >> comm >> state >> parent)) continue;
    if (parent == ::getpid() && comm == "(" + name + ")" && state != "Z") found.push_back(std::stoi(id));
  }
  return found;
}

/// What a process has, and leaks if it has more of it afterwards.
struct Belongings {
  std::size_t files = entries("/proc/self/fd");
  std::size_t threads = thread_count();
  std::size_t regions = mappings("memfd:pixmill");

  friend bool operator==(const Belongings&, const Belongings&) = default;

  // ThreadSanitizer starts a thread of its own beside the first.
  static std::size_t thread_count() {
    pid_t other = 0;
    std::thread([&other] { other = ::gettid(); }).join();
    while (std::filesystem::exists("/proc/self/task/" + std::to_string(other))) std::this_thread::yield();
    return entries("/proc/self/task");
  }
  static std::size_t entries(const char* folder) {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++count;
    return count;
  }
  static std::size_t mappings(const std::string& name) {
    std::ifstream maps("/proc/self/maps");
    std::size_t count = 0;
    for (std::string line; std::getline(maps, line);) count += line.find(name) != std::string::npos ? 1 : 0;
    return count;
  }
};

inline std::ostream& operator<<(std::ostream& out, const Belongings& of) {
  return out << of.files << " descriptors, " << of.threads << " threads, " << of.regions << " regions";
}

/// Waits, as long as a slow machine may take, until `holds`.
template <typename Condition>
bool comes_true(Condition holds) {
  for (int i = 0; i < 6000; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

}  // namespace pixmill::tests
