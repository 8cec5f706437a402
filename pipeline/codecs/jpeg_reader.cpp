#include "pipeline/codecs/jpeg_reader.hpp"

#include "pipeline/codecs/byte_order.hpp"
#include "pipeline/codecs/exif.hpp"
#include "pipeline/codecs/jpeg_markers.hpp"

#include <fmt/format.h>
#include <jerror.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <new>

namespace pixmill::pipeline {

bool JpegReader::open(Bytes file, std::uint64_t max_memory) {
  close();
  file_ = file;
  stop_on_damage_ = multi_scan_ = seen_exif_ = at_file_end_ = false;
  stage_ = Stage::header;
  orientation_ = 1;
  rows_kept_ = 0;
  first_rows_lost_ = false;
  damage_ = {};
  connect();
  constexpr auto kLargest = static_cast<std::uint64_t>(std::numeric_limits<long>::max());
  codec_.mem->max_memory_to_use = static_cast<long>(std::min(max_memory, kLargest));
  if (!attempt([this] { jpeg_read_header(&codec_, TRUE); })) return false;
  multi_scan_ = jpeg_has_multiple_scans(&codec_) != 0;
  rows_kept_ = static_cast<int>(codec_.image_height);
  first_rows_lost_ = at_file_end_ || source_.bytes_in_buffer == 0;
  return true;
}

void JpegReader::connect() {
  // A new decompressor for each file: a used one keeps the last file's tables, and a file without tables of its own
  // would then decode differently after different neighbours. It costs about a microsecond.
  install(errors_);
  errors_.manager.emit_message = on_message;
  codec_.err = &errors_.manager;
  codec_.client_data = this;
  open_ = errors_.attempt([this] { jpeg_create_decompress(&codec_); });
  if (!open_) throw std::bad_alloc();
  source_ = {};
  source_.init_source = [](j_decompress_ptr) {};
  source_.term_source = [](j_decompress_ptr) {};
  source_.fill_input_buffer = fill_source;
  source_.skip_input_data = skip_source;
  source_.resync_to_restart = jpeg_resync_to_restart;
  source_.next_input_byte = reinterpret_cast<const JOCTET*>(file_.data());
  source_.bytes_in_buffer = file_.size();
  codec_.src = &source_;
  progress_ = {};
  progress_.progress_monitor = on_progress;
  codec_.progress = &progress_;
  jpeg_set_marker_processor(&codec_, JPEG_APP0 + 1, on_app1);
}

void JpegReader::close() {
  if (open_) jpeg_destroy_decompress(&codec_);
  open_ = false;
}

boolean JpegReader::fill_source(j_decompress_ptr codec) {
  // What libjpeg's own sources do at the end of the data: an end-of-image marker, so that what is there gets decoded.
  static constexpr std::array<JOCTET, 2> kEndOfImage{0xFF, JPEG_EOI};
  JpegReader& self = of(codec);
  self.at_file_end_ = true;
  codec->src->next_input_byte = kEndOfImage.data();
  codec->src->bytes_in_buffer = kEndOfImage.size();
  self.lose_later_rows();
  self.note(Verdict::truncated);
  self.stop_if_damaged();
  return TRUE;
}

void JpegReader::skip_source(j_decompress_ptr codec, long bytes) {
  if (bytes <= 0) return;
  const auto wanted = static_cast<std::size_t>(bytes);
  if (wanted > codec->src->bytes_in_buffer) {
    fill_source(codec);
    return;
  }
  codec->src->next_input_byte += wanted;
  codec->src->bytes_in_buffer -= wanted;
}

/// Takes the orientation from the first EXIF block where it lies; copies nothing, whatever the file holds.
boolean JpegReader::on_app1(j_decompress_ptr codec) {
  JpegReader& self = of(codec);
  const Bytes rest(reinterpret_cast<const std::byte*>(codec->src->next_input_byte), codec->src->bytes_in_buffer);
  if (rest.size() < 2) return fill_source(codec);
  const std::size_t length = read_big16(rest, 0);
  constexpr std::array<char, 6> kExif{'E', 'x', 'i', 'f', 0, 0};
  constexpr std::size_t kPrefix = 2 + kExif.size();
  if (!self.seen_exif_ && length >= kPrefix && length <= rest.size() &&
      std::memcmp(rest.data() + 2, kExif.data(), kExif.size()) == 0) {
    self.seen_exif_ = true;
    self.orientation_ = exif_orientation(rest.subspan(kPrefix, length - kPrefix));
  }
  skip_source(codec, static_cast<long>(std::max<std::size_t>(length, 2)));
  return TRUE;
}

void JpegReader::on_progress(j_common_ptr codec) {
  // The scans were counted beforehand; this stands guard should libjpeg see others than the count did.
  JpegReader& self = of(codec);
  if (self.codec_.input_scan_number <= kMaxJpegScans) return;
  self.damage_.verdict = Verdict::too_large;
  self.errors_.leave();
}

void JpegReader::on_message(j_common_ptr codec, int level) {
  if (level >= 0) return;  // a trace
  JpegReader& self = of(codec);
  self.note_warning();
  self.stop_if_damaged();
}

void JpegReader::note_warning() {
  const jpeg_error_mgr& said = errors_.manager;
  switch (said.msg_code) {
    // Oddities of writers that leave every pixel as it was meant.
    case JWRN_JFIF_MAJOR:
    case JWRN_ADOBE_XFORM:
    case JWRN_NOT_SEQUENTIAL:
      return;
    case JWRN_EXTRANEOUS_DATA:
      if (is_padding(said.msg_parm.i[0])) return;
      break;
    case JWRN_HIT_MARKER:
      if (codec_.unread_marker == JPEG_EOI) {
        lose_later_rows();
        // Unlike the end of the file, this is only said when bits were wanted that are not there.
        if (codec_.input_scan_number <= 1 && codec_.input_iMCU_row == 0) first_rows_lost_ = true;
      }
      break;
    default:
      break;
  }
  note(Verdict::corrupt);
}

/// Whether the bytes just skipped are what a writer fills up with, and not image data that the decoder lost its way in.
bool JpegReader::is_padding(int discarded) const {
  if (at_file_end_ || discarded <= 0) return false;
  const auto count = static_cast<std::size_t>(discarded);
  const auto position =
      static_cast<std::size_t>(reinterpret_cast<const std::byte*>(source_.next_input_byte) - file_.data());
  if (position < count) return false;
  const Bytes skipped = file_.subspan(position - count, count);
  return std::all_of(skipped.begin(), skipped.end(), [&](std::byte b) { return b == skipped.front(); });
}

void JpegReader::note(Verdict verdict) {
  if (damaged()) return;
  damage_.verdict = verdict;
  damage_.stage = stage_;
  const int unit_rows = codec_.max_v_samp_factor * DCTSIZE;
  damage_.row = std::min(static_cast<int>(codec_.input_iMCU_row) * unit_rows, static_cast<int>(codec_.image_height));
  damage_.scan = codec_.input_scan_number;
  damage_.message_code = errors_.manager.msg_code;
  damage_.message_parameters = errors_.manager.msg_parm;
}

void JpegReader::note_fatal() { note(jpeg_verdict(errors_.manager.msg_code)); }

void JpegReader::stop_if_damaged() {
  if (damaged() && stop_on_damage_) errors_.leave();
}

void JpegReader::lose_later_rows() {
  // The row of blocks in hand is kept for what it has; of a file of many scans, every row has something.
  if (stage_ != Stage::pixels || multi_scan_) return;
  keep_rows((static_cast<int>(codec_.input_iMCU_row) + 1) * codec_.max_v_samp_factor * DCTSIZE);
}

void JpegReader::keep_rows(int row) { rows_kept_ = std::min(rows_kept_, row); }

std::string JpegReader::describe_place() const {
  switch (damage_.stage) {
    case Stage::header:
      return "in the header";
    case Stage::end:
      return "after the last scan line";
    case Stage::pixels:
      break;
  }
  if (multi_scan_) return fmt::format("in scan {}", damage_.scan);
  return fmt::format("at scan line {} of {}", damage_.row, codec_.image_height);
}

CodecStatus JpegReader::status(bool usable) {
  if (!damaged()) return {};
  const Verdict verdict = usable ? Verdict::repaired : damage_.verdict;
  if (damage_.verdict == Verdict::truncated) {
    switch (damage_.stage) {
      case Stage::header:
        return {verdict, "the file ends in its header"};
      case Stage::end:
        return {verdict, "cut short: the end-of-image marker is missing"};
      case Stage::pixels:
        break;
    }
    if (multi_scan_) return {verdict, fmt::format("cut short in scan {}: detail is missing", damage_.scan)};
    return {verdict, fmt::format("cut short: scan lines {} to {} are missing", damage_.row, codec_.image_height - 1)};
  }
  if (damage_.verdict == Verdict::too_large && damage_.message_code == 0) {
    return {verdict, fmt::format("it has more than {} scans", kMaxJpegScans)};
  }
  errors_.manager.msg_code = damage_.message_code;
  errors_.manager.msg_parm = damage_.message_parameters;
  const std::string said = jpeg_message(reinterpret_cast<j_common_ptr>(&codec_));
  if (damage_.verdict == Verdict::corrupt) return {verdict, fmt::format("{} {}", said, describe_place())};
  return {verdict, said};
}

std::uint64_t JpegReader::working_bytes() const {
  // libjpeg's small pools, tables and the marker reader.
  constexpr std::uint64_t kFixed = std::uint64_t{256} << 10;
  const auto round_up = [](std::uint64_t value, int step) {
    const auto by = static_cast<std::uint64_t>(step);
    return (value + by - 1) / by * by;
  };
  std::uint64_t coefficients = 0;
  std::uint64_t strips = 0;
  for (int i = 0; i < codec_.num_components; ++i) {
    const jpeg_component_info& component = codec_.comp_info[i];
    const std::uint64_t columns = round_up(component.width_in_blocks, component.h_samp_factor);
    const std::uint64_t rows = round_up(component.height_in_blocks, component.v_samp_factor);
    coefficients += columns * rows * sizeof(JBLOCK);
    // One row of blocks and its neighbours in samples, and the same at full size for upsampling.
    strips += columns * DCTSIZE * static_cast<std::uint64_t>(component.v_samp_factor) * (DCTSIZE + 2);
    strips += round_up(codec_.image_width, codec_.max_h_samp_factor) *
              static_cast<std::uint64_t>(codec_.max_v_samp_factor + 1);
  }
  return kFixed + strips + (multi_scan_ ? coefficients : 0);
}

int JpegReader::scans() const {
  const auto position =
      static_cast<std::size_t>(reinterpret_cast<const std::byte*>(source_.next_input_byte) - file_.data());
  if (at_file_end_ || position > file_.size()) return 1;
  return 1 + count_jpeg_scans(file_.subspan(position), kMaxJpegScans);
}

}  // namespace pixmill::pipeline
