#include "bench/peer_outputs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

namespace pixmill::bench {
namespace {

namespace fs = std::filesystem;

// Beyond are a call that was killed or not found (xargs), and signals. GNU parallel counts those that failed, to 100.
constexpr int kSomeFailed = 123;

std::vector<std::size_t> without(const std::vector<bool>& some, const std::vector<bool>& others) {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < some.size(); ++i) {
    if (some[i] && !others.at(i)) places.push_back(i);
  }
  return places;
}

/// Of some, at least one.
std::size_t last_of(const std::vector<bool>& some) {
  return static_cast<std::size_t>(some.rend() - std::find(some.rbegin(), some.rend(), true)) - 1;
}

/// "a.jpg", "a.jpg and b.jpg", "a.jpg, b.jpg and 5 more".
std::string names_of(const std::vector<std::size_t>& places, const std::function<std::string(std::size_t)>& name_of) {
  constexpr std::size_t kNamed = 2;
  std::string text = name_of(places.front());
  if (places.size() == kNamed) return text + " and " + name_of(places.back());
  if (places.size() > kNamed) text += fmt::format(", {} and {} more", name_of(places[1]), places.size() - kNamed);
  return text;
}

std::string ended(int exit_code) {
  return exit_code > 128 ? fmt::format("ended by signal {}", exit_code - 128) : fmt::format("exit code {}", exit_code);
}

}  // namespace

std::vector<bool> outputs_in(const std::string& folder, std::size_t inputs) {
  std::vector<bool> made(inputs);
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    std::size_t number = inputs;
    std::from_chars(name.data(), name.data() + name.size(), number);
    if (number < inputs && entry.is_regular_file() && entry.file_size() > 0) made[number] = true;
  }
  return made;
}

std::uint64_t bytes_in(const std::string& folder) {
  std::uint64_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_regular_file() && name.find_first_of("0123456789") == 0) bytes += entry.file_size();
  }
  return bytes;
}

void hold_against(Peer& peer, int exit_code, const std::vector<bool>& made, const std::vector<bool>& pixmills,
                  const std::function<std::string(std::size_t)>& name_of) {
  const std::vector<std::size_t> lacking = without(pixmills, made);
  const std::vector<std::size_t> beyond = without(made, pixmills);
  peer.inputs = made.size();
  peer.outputs = static_cast<std::uint64_t>(std::count(made.begin(), made.end(), true));
  peer.expected = static_cast<std::uint64_t>(std::count(pixmills.begin(), pixmills.end(), true));
  peer.lacking = lacking.size();
  peer.beyond = beyond.size();
  peer.differs = beyond.empty() ? "" : "also made one of " + names_of(beyond, name_of) + ", on which pixmill failed";
  const int worst = peer.expected < peer.inputs ? kSomeFailed : 0;
  // Several, up to the last: it did not go on. One alone it may just not have been able to do.
  const bool stopped = exit_code != 0 && lacking.size() > 1 && !made[last_of(pixmills)];
  if (peer.expected == 0) {
    peer.why_not = fmt::format("it made no outputs ({})", ended(exit_code));
  } else if (stopped) {
    peer.why_not = fmt::format("stopped after {} of {} outputs ({})", peer.expected - lacking.size(), peer.expected,
                               ended(exit_code));
  } else if (!lacking.empty()) {
    peer.why_not = fmt::format("{} of {} outputs, without {} ({})", peer.expected - lacking.size(), peer.expected,
                               names_of(lacking, name_of), ended(exit_code));
  } else if (exit_code > worst) {
    peer.why_not = fmt::format("all outputs, but {}", ended(exit_code));
  }
}

}  // namespace pixmill::bench
