#pragma once

#include "pipeline/codecs/codec.hpp"
#include "pipeline/codecs/jpeg_errors.hpp"

namespace pixmill::pipeline {

/// A progressive file of a camera or an editor has about ten scans; each costs a pass over the whole image.
inline constexpr int kMaxJpegScans = 200;

/// libjpeg's decompressor over bytes in memory, which watches for damage: every warning is either an oddity that leaves
/// the pixels as they were meant, or noted as damage, and the first damage stands.
class JpegReader {
 public:
  enum class Stage : unsigned char { header, pixels, end };

  JpegReader() = default;
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;
  ~JpegReader() { close(); }

  /// Starts on `file` and reads up to its first scan. False: it cannot be decoded, and status() says why. `max_memory`
  /// caps what libjpeg takes for whole-image arrays. Throws std::bad_alloc.
  bool open(Bytes file, std::uint64_t max_memory);
  void close();

  /// Runs calls of libjpeg. False: they failed, or met damage while stop_on_damage; status() says why. `step` must own
  /// nothing: it may be jumped out of.
  template <typename Step>
  bool attempt(Step&& step) {
    if (errors_.attempt(step)) return true;
    if (!damaged()) note_fatal();
    return false;
  }

  [[nodiscard]] bool stops_on_damage() const { return stop_on_damage_; }
  void set_stop_on_damage(bool stop) { stop_on_damage_ = stop; }
  void enter(Stage stage) { stage_ = stage; }

  [[nodiscard]] jpeg_decompress_struct& codec() { return codec_; }
  [[nodiscard]] bool multi_scan() const { return multi_scan_; }
  [[nodiscard]] int orientation() const { return orientation_; }
  [[nodiscard]] bool damaged() const { return damage_.verdict != Verdict::ok; }
  /// Rows from this one on hold nothing of the image: the file ended before them. The height if none is lost.
  [[nodiscard]] int rows_kept() const { return rows_kept_; }
  /// Whether any scan line was decoded whole (in a file of many scans: from its first scan). Known after decoding.
  [[nodiscard]] bool any_row_decoded() const { return rows_kept_ > 0 && !first_rows_lost_; }
  /// As much as rows_kept(), or up to `row` if that is less.
  void keep_rows(int row);
  /// ok; or the damage; or, where what was decoded is `usable`, repaired.
  [[nodiscard]] CodecStatus status(bool usable);
  /// Upper bound of the memory that libjpeg takes to decode this file.
  [[nodiscard]] std::uint64_t working_bytes() const;
  /// Scans in the rest of the file, the one that is about to be read included; counted up to kMaxJpegScans + 1.
  [[nodiscard]] int scans() const;

 private:
  /// Noted inside libjpeg, where nothing may allocate or throw, and put into words afterwards.
  struct Damage {
    Verdict verdict = Verdict::ok;
    Stage stage = Stage::header;
    int row = 0;
    int scan = 0;
    int message_code = 0;
    decltype(jpeg_error_mgr::msg_parm) message_parameters{};
  };

  static JpegReader& of(j_common_ptr codec) { return *static_cast<JpegReader*>(codec->client_data); }
  static JpegReader& of(j_decompress_ptr codec) { return *static_cast<JpegReader*>(codec->client_data); }
  static void on_message(j_common_ptr codec, int level);
  static void on_progress(j_common_ptr codec);
  static boolean fill_source(j_decompress_ptr codec);
  static void skip_source(j_decompress_ptr codec, long bytes);
  static boolean on_app1(j_decompress_ptr codec);

  void connect();
  void note(Verdict verdict);
  void note_warning();
  void note_fatal();
  void stop_if_damaged();
  void lose_later_rows();
  [[nodiscard]] bool is_padding(int discarded) const;
  [[nodiscard]] std::string describe_place() const;

  JpegErrors errors_{};
  jpeg_decompress_struct codec_{};
  jpeg_source_mgr source_{};
  jpeg_progress_mgr progress_{};
  Bytes file_;
  bool open_ = false;
  bool stop_on_damage_ = false;
  bool multi_scan_ = false;
  bool seen_exif_ = false;
  bool at_file_end_ = false;
  Stage stage_ = Stage::header;
  int orientation_ = 1;
  int rows_kept_ = 0;
  bool first_rows_lost_ = false;  // the image data ended in the first row of blocks, or before it
  Damage damage_;
};

}  // namespace pixmill::pipeline
