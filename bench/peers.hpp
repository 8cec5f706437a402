#pragma once

#include "bench/foreign_program.hpp"
#include "bench/report.hpp"
#include "pipeline/inputs/input_list.hpp"

#include <pixmill/batch.hpp>

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace pixmill::bench {

/// Other programs that do `gray,threshold=otsu` from the same files, and pixmill as one does it from a shell; with
/// `jobs` workers each, whole processes with their start. What is not installed is said.
class Peers {
 public:
  /// The first of peers() is `program`, a pixmill. Links to the inputs go to `folder`, which must exist. Throws Error
  /// (usage) for a chain, a format or an effort that others do not have, and as run_batch() does for inputs that are
  /// wrong. Each program is asked for its version, for ten seconds at most; `stop` ends that, and all count as missing.
  Peers(const BatchOptions& batch, std::string program, int jobs, std::string folder, std::stop_token stop);

  /// Those that are installed, and with `why_not` those that are not.
  [[nodiscard]] std::vector<Peer> peers() const;
  /// Runs one of them into `output`, which must not exist, and says in `peer` what it made; see hold_against(). The
  /// first run is to be pixmill's, whose outputs are held against all that follow. Nothing if `stop` ended it.
  [[nodiscard]] std::optional<ForeignRun> run(std::size_t place, const std::string& output, Peer& peer,
                                              const std::stop_token& stop);

 private:
  /// How it is called.
  struct Command {
    Peer peer;
    std::vector<std::string> words;  ///< `{out}` in them is the folder of the outputs.
  };
  /// What a program says of itself in its first line; nothing if there is none, or it ends badly.
  [[nodiscard]] std::optional<std::string> version_of(const std::vector<std::string>& words) const;
  void add(Peer peer, std::vector<std::string> words);
  void add_python();
  void add_built(const char* name, const char* file, const char* library, const char* note = "");
  void add_graphics_magick();
  void add_image_magick();

  int jobs_;
  pipeline::InputList inputs_;
  std::vector<bool> pixmills_;  ///< What pixmill made an output of; empty until it has run.
  std::string folder_;          ///< Of links to the inputs, and `list0`: their names, with NUL between.
  std::string list_;            ///< Their paths, a line each.
  std::string program_;
  std::stop_token stop_;
  std::vector<Command> commands_;
};

}  // namespace pixmill::bench
