#include "cli/quantities.hpp"

#include <pixmill/error.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

namespace pixmill::cli {
namespace {

TEST(ParseSize, UnitsArePowersOf1024) {
  EXPECT_EQ(parse_size("1"), 1U);
  EXPECT_EQ(parse_size("512"), 512U);
  EXPECT_EQ(parse_size("1K"), 1024U);
  EXPECT_EQ(parse_size("64M"), std::uint64_t{64} << 20);
  EXPECT_EQ(parse_size("1G"), std::uint64_t{1} << 30);
  EXPECT_EQ(parse_size("2T"), std::uint64_t{2} << 40);
}

TEST(ParseSize, TakesSuffixesInEitherCaseAndDecimals) {
  EXPECT_EQ(parse_size("1g"), std::uint64_t{1} << 30);
  EXPECT_EQ(parse_size("1GB"), std::uint64_t{1} << 30);
  EXPECT_EQ(parse_size("1GiB"), std::uint64_t{1} << 30);
  EXPECT_EQ(parse_size("1 GiB"), std::uint64_t{1} << 30);
  EXPECT_EQ(parse_size("100B"), 100U);
  EXPECT_EQ(parse_size("1.5G"), std::uint64_t{3} << 29);
  EXPECT_EQ(parse_size("0.5k"), 512U);
}

TEST(ParseSize, RefusesWhatIsNoSize) {
  for (const char* text : {"", "G", "-1", "+1", "1X", "1GG", "1Gi", "1.2.3G", ".", "1e9", "0x10", "nan", "inf", "1G ",
                           "0", "0.0001", "9999999999T"}) {
    try {
      const std::uint64_t size = parse_size(text);
      FAIL() << '\'' << text << "' was read as " << size;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::usage) << text;
    }
  }
}

TEST(ParseSize, ReadsBackWhatFormatSizeWrites) {
  for (const std::uint64_t bytes : {std::uint64_t{1}, std::uint64_t{1023}, std::uint64_t{1024}, std::uint64_t{3} << 29,
                                    std::uint64_t{1} << 30, std::uint64_t{5} << 40}) {
    EXPECT_EQ(parse_size(format_size(bytes)), bytes) << format_size(bytes);
  }
}

TEST(ParseWhole, KeepsToItsRange) {
  EXPECT_EQ(parse_whole("1", 1, 100), 1U);
  EXPECT_EQ(parse_whole("100", 1, 100), 100U);
  EXPECT_EQ(parse_whole("18446744073709551615", 1, std::numeric_limits<std::uint64_t>::max()),
            std::numeric_limits<std::uint64_t>::max());
  for (const char* text : {"", "0", "101", "-1", "+1", "1.5", "1k", " 1", "1 ", "18446744073709551616"}) {
    EXPECT_THROW(static_cast<void>(parse_whole(text, 1, 100)), Error) << text;
  }
}

TEST(ParseWhole, NamesTheRange) {
  try {
    static_cast<void>(parse_whole("500", 1, 100));
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "expected a whole number from 1 to 100");
  }
}

TEST(FormatCount, GroupsByThousands) {
  EXPECT_EQ(format_count(0), "0");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(1000), "1,000");
  EXPECT_EQ(format_count(1234567), "1,234,567");
  EXPECT_EQ(format_count_of(1, "image"), "1 image");
  EXPECT_EQ(format_count_of(0, "image"), "0 images");
}

TEST(FormatSize, ChoosesTheUnit) {
  EXPECT_EQ(format_size(0), "0 B");
  EXPECT_EQ(format_size(1536), "1.5 KiB");
  EXPECT_EQ(format_size(std::uint64_t{150} << 20), "150 MiB");
  EXPECT_EQ(format_size(std::uint64_t{1} << 30), "1 GiB");
}

TEST(FormatDuration, GoesFromHundredthsToHours) {
  EXPECT_EQ(format_duration(0.214), "0.21 s");
  EXPECT_EQ(format_duration(12.34), "12.3 s");
  EXPECT_EQ(format_duration(125), "2 min 05 s");
  EXPECT_EQ(format_duration(3 * 3600 + 7 * 60), "3 h 07 min");
  EXPECT_EQ(format_duration(-1), "0.00 s");
}

TEST(FormatClock, HasHoursOnlyWhenThereAre) {
  EXPECT_EQ(format_clock(7), "0:07");
  EXPECT_EQ(format_clock(750), "12:30");
  EXPECT_EQ(format_clock(3 * 3600 + 4 * 60 + 5), "3:04:05");
}

TEST(FormatRate, HasThreeDigits) {
  EXPECT_EQ(format_rate(0), "0");
  EXPECT_EQ(format_rate(0.5678), "0.57");
  EXPECT_EQ(format_rate(9.999), "10.0");
  EXPECT_EQ(format_rate(20.21), "20.2");
  EXPECT_EQ(format_rate(476.2), "476");
  EXPECT_EQ(format_rate(12345.6), "12,346");
  EXPECT_EQ(format_rate(std::numeric_limits<double>::quiet_NaN()), "0");
}

}  // namespace
}  // namespace pixmill::cli
