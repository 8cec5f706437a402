#pragma once

namespace pixmill {

/// Of what worker processes are made.
enum class StartMethod : unsigned char {
  /// Of the installed program pixmill-worker. The process that asks for workers is not forked, so it may have any
  /// number of threads. Own kernels and reductions must be from plug-ins, which the program loads as well, and what
  /// reads a file when it is bound reads it once more there. The chain is an argument of the program, which other users
  /// of the machine can see.
  program,
  /// Of a fork of the process that asks for workers, as it is then. They have what it has registered, and are there
  /// about ten milliseconds earlier. Where other threads run, what they held locked at that moment stays locked in
  /// the workers: bind no kernel that takes a lock of theirs.
  fork,
};

}  // namespace pixmill
