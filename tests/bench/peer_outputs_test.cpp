#include "bench/peer_outputs.hpp"

#include "bench/report_text.hpp"
#include "tests/support/sample_files.hpp"
#include "tests/support/scratch_folder.hpp"

#include <gtest/gtest.h>

namespace pixmill::bench {
namespace {

using Made = std::vector<bool>;

/// Of inputs "a", "b", "c", …
Peer held(const Made& made, const Made& pixmills, int exit_code) {
  Peer peer;
  peer.version = "1";
  hold_against(peer, exit_code, made, pixmills,
               [](std::size_t i) { return std::string(1, static_cast<char>('a' + i)); });
  return peer;
}

TEST(PeerOutputs, BelongToTheInputWhoseNumberTheyBegin) {
  const pixmill::tests::ScratchFolder folder;
  for (const char* name :
       {"0000000.jpg.png", "0000001.png", "0000003.gif-0.png", "0000003.gif-1.png", "0000005.png", "log.txt", "list"}) {
    pixmill::tests::write_file(folder / name, "something");
  }
  pixmill::tests::write_file(folder / "0000002.png", "");
  EXPECT_EQ(outputs_in(folder.path(), 5), (Made{true, true, false, true, false}));
}

TEST(PeerOutputs, ThatAreAllThereAreWellAndSoIsOneMore) {
  const Peer same = held({true, true, true}, {true, true, true}, 0);
  EXPECT_EQ(peer_outputs(same), "3 of 3");
  EXPECT_EQ(peer_remark(same), "");

  // pixmill failed on the second. So did this one, and said so.
  const Peer failed = held({true, false, true}, {true, false, true}, 1);
  EXPECT_EQ(peer_outputs(failed), "2 of 3");
  EXPECT_EQ(peer_remark(failed), "");

  const Peer more = held({true, true, true}, {true, false, true}, 1);
  EXPECT_EQ(more.why_not, "");
  EXPECT_EQ(more.beyond, 1U);
  EXPECT_EQ(peer_outputs(more), "3 of 3");
  EXPECT_EQ(peer_remark(more), "also made one of b, on which pixmill failed");
}

TEST(PeerOutputs, ThatAreNotAllThereCostTheTime) {
  const Peer stopped = held({true, true, false, false, false}, {true, true, false, true, true}, 1);
  EXPECT_EQ(peer_remark(stopped), "no time: stopped after 2 of 4 outputs (exit code 1)");
  EXPECT_EQ(stopped.lacking, 2U);
  const Peer without_one = held({true, true, false, true, true}, {true, true, true, true, true}, 1);
  EXPECT_EQ(without_one.why_not, "4 of 5 outputs, without c (exit code 1)");
  const Peer without_many = held({true, false, false, false, true}, {true, true, true, true, true}, 0);
  EXPECT_EQ(without_many.why_not, "2 of 5 outputs, without b, c and 1 more (exit code 0)");
  EXPECT_EQ(held({false, false}, {true, false}, 127).why_not, "0 of 1 outputs, without a (exit code 127)");
  EXPECT_EQ(held({false, false}, {true, true}, 0).why_not, "0 of 2 outputs, without a and b (exit code 0)");
}

TEST(PeerOutputs, OfAProgramThatEndsBadlyHaveNoTime) {
  EXPECT_EQ(held({true, true}, {true, true}, 1).why_not, "all outputs, but exit code 1") << "nothing failed";
  EXPECT_EQ(held({true, false}, {true, false}, 134).why_not, "all outputs, but ended by signal 6");
  EXPECT_EQ(held({false, false}, {false, false}, 2).why_not, "it made no outputs (exit code 2)");
}

}  // namespace
}  // namespace pixmill::bench
