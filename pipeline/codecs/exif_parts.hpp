#pragma once

#include "pipeline/codecs/codec.hpp"

#include <array>
#include <functional>

namespace pixmill::pipeline {

/// The EXIF in a TIFF structure, which is a file (classic or BigTIFF) or the EXIF block of another format, ready to be
/// copied to another one: a TIFF says it in the directory that says how its pixels lie, so neither can be taken whole.
///
/// Its parts are the EXIF, interoperability and GPS directories with everything that stands in them, and of the first
/// directory what is said about the picture and not about its pixels: texts (maker, model, date, artist, copyright and
/// the like), orientation and resolution. Maker notes are copied as they are: where they point beyond themselves, that
/// is no longer true. EXIF 2.32, 4.6.
///
/// A view: allocates nothing, and `tiff` must stay alive. Any bytes are safe; each call costs a few passes over at most
/// 4 x 65,535 entries.
class ExifParts {
 public:
  explicit ExifParts(Bytes tiff);

  [[nodiscard]] bool little_endian() const { return little_; }
  /// Whether nothing is there but an orientation and a resolution, which TIFF states without EXIF.
  [[nodiscard]] bool empty() const { return empty_; }
  /// Whether something that should be there lies beyond the end, or is of no known type. It is not one of the parts.
  [[nodiscard]] bool damaged() const { return damaged_; }

  /// Upper bound of what block() has, and of what append_directories() adds. Values that overlap count each.
  [[nodiscard]] std::uint64_t bytes(bool big_tiff) const;
  /// All parts as an EXIF block in the same byte order. The block of a block is that block, if it came from here.
  [[nodiscard]] std::vector<std::byte> block() const;

  /// Where directories lie in the file that they were appended to; 0: there is none.
  struct Places {
    std::uint64_t exif = 0;
    std::uint64_t gps = 0;
  };
  /// Appends all but the first directory to a TIFF file of the same byte order.
  Places append_directories(bool big_tiff, std::vector<std::byte>& file) const;
  /// The texts of the first directory, each up to its first NUL.
  void each_text(const std::function<void(std::uint32_t tag, const std::string& text)>& use) const;

 private:
  enum Part : unsigned char { image, exif, interoperability, gps, parts };
  struct Directory {
    std::uint64_t first = 0;  // of its entries
    std::uint64_t entries = 0;
    std::uint64_t pointer = 0;  // the entry, of another directory, that says where it lies
    [[nodiscard]] bool there() const { return entries > 0; }
  };
  struct Field {
    std::uint32_t tag = 0;
    std::uint32_t type = 0;
    std::uint64_t count = 0;
    std::uint64_t at = 0;  // where its value lies, and how long that is
    std::uint64_t bytes = 0;
    Part child = parts;  // of a pointer: to which
  };
  enum class Found : unsigned char { wanted, unwanted, damaged };
  using Offsets = std::array<std::uint64_t, parts>;

  [[nodiscard]] std::uint32_t read16(std::uint64_t at) const;
  [[nodiscard]] std::uint32_t read32(std::uint64_t at) const;
  [[nodiscard]] std::uint64_t read_offset(std::uint64_t at) const;
  [[nodiscard]] std::uint64_t entry_bytes() const { return big_ ? 20 : 12; }
  Directory directory(std::uint64_t offset);
  void find_child(Part parent, std::uint32_t tag, Part child);
  [[nodiscard]] Found look(Part part, std::uint64_t index, Field& field) const;
  [[nodiscard]] std::uint64_t part_bytes(Part part, bool big_tiff) const;
  [[nodiscard]] std::uint64_t write(Part part, bool big_tiff, const Offsets& children,
                                    std::vector<std::byte>& out) const;
  void put(std::uint64_t value, int bytes, std::vector<std::byte>& out) const;

  Bytes tiff_;
  bool little_ = true;
  bool big_ = false;
  bool empty_ = true;
  bool damaged_ = false;
  std::array<Directory, parts> directories_{};
};

}  // namespace pixmill::pipeline
