#include "src/column/bitmap.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace velaria {
namespace {

// Bits in memory of exactly the bytes they need, so that the address sanitizer sees a read too far.
struct ExactBits {
  explicit ExactBits(const std::vector<bool>& rows)
      : bytes(new uint8_t[static_cast<size_t>(bitmap_bytes(static_cast<int64_t>(rows.size())))]()) {
    for (size_t i = 0; i < rows.size(); ++i) {
      if (rows[i]) set_bit(bytes.get(), static_cast<int64_t>(i));
    }
    const auto size = static_cast<size_t>(bitmap_bytes(static_cast<int64_t>(rows.size())));
    buffer = Buffer::wrap(bytes.get(), size, bytes);
  }
  std::shared_ptr<uint8_t[]> bytes;
  BufferPtr buffer;
};

std::vector<bool> random_rows(int64_t count, std::mt19937* random) {
  std::vector<bool> out;
  for (int64_t i = 0; i < count; ++i) out.push_back((*random)() % 3 != 0);
  return out;
}

TEST(Bitmap, SingleBits) {
  uint8_t bytes[2] = {0, 0};
  set_bit(bytes, 9);
  EXPECT_EQ(bytes[1], 2);
  EXPECT_TRUE(get_bit(bytes, 9));
  EXPECT_FALSE(get_bit(bytes, 8));
  clear_bit(bytes, 9);
  EXPECT_EQ(bytes[1], 0);
  EXPECT_EQ(bitmap_bytes(0), 0);
  EXPECT_EQ(bitmap_bytes(8), 1);
  EXPECT_EQ(bitmap_bytes(9), 2);
}

TEST(Validity, WithoutBitsAllAreValid) {
  const Validity none;
  EXPECT_TRUE(none.all_valid());
  EXPECT_TRUE(none.valid(1000));
  EXPECT_EQ(none.count_nulls(1000), 0);
  EXPECT_EQ(none.word(0, 64), ~uint64_t{0});
  EXPECT_EQ(none.word(64, 67), 7u);
}

TEST(Validity, WordsAndCountsAtEveryOffset) {
  std::mt19937 random(7);
  for (const int64_t length : {1, 7, 8, 63, 64, 65, 130, 200}) {
    for (int64_t offset = 0; offset < 18; ++offset) {
      const std::vector<bool> rows = random_rows(offset + length, &random);
      const ExactBits bits(rows);
      const Validity validity = Validity(bits.buffer, 0).slice(offset);
      int64_t nulls = 0;
      for (int64_t i = 0; i < length; ++i) {
        const bool expected = rows[static_cast<size_t>(offset + i)];
        nulls += expected ? 0 : 1;
        ASSERT_EQ(validity.valid(i), expected);
        const uint64_t word = validity.word(i, length);
        for (int64_t k = 0; k < 64; ++k) {
          const bool bit = (word >> k) & 1;
          ASSERT_EQ(bit, i + k < length && rows[static_cast<size_t>(offset + i + k)]);
        }
      }
      ASSERT_EQ(validity.count_nulls(length), nulls);
    }
  }
}

TEST(Validity, Intersection) {
  std::mt19937 random(8);
  for (const int64_t length : {0, 1, 64, 65, 150}) {
    const std::vector<bool> left = random_rows(length + 3, &random);
    const std::vector<bool> right = random_rows(length + 5, &random);
    const ExactBits left_bits(left);
    const ExactBits right_bits(right);
    const Validity a(left_bits.buffer, 3);
    const Validity b(right_bits.buffer, 5);
    const Validity both = intersect(a, b, length);
    for (int64_t i = 0; i < length; ++i) EXPECT_EQ(both.valid(i), a.valid(i) && b.valid(i));
    EXPECT_EQ(intersect(a, Validity(), length).bits(), a.bits());
    EXPECT_EQ(intersect(Validity(), b, length).bit_offset(), b.bit_offset());
    EXPECT_EQ(intersect(a, a, length).bits(), a.bits());
    EXPECT_TRUE(intersect(Validity(), Validity(), length).all_valid());
  }
}

TEST(ValidityBuilder, CostsNothingUntilTheFirstNull) {
  ValidityBuilder builder;
  builder.append_valid(5000);
  builder.append(true);
  EXPECT_EQ(builder.length(), 5001);
  EXPECT_TRUE(builder.finish().all_valid());
  EXPECT_EQ(builder.length(), 0);
}

TEST(ValidityBuilder, LongRunsWithNulls) {
  std::mt19937 random(9);
  ValidityBuilder builder;
  std::vector<bool> expected;
  for (int round = 0; round < 300; ++round) {
    const int64_t run = random() % 200;
    builder.append_valid(run);
    expected.insert(expected.end(), static_cast<size_t>(run), true);
    const bool valid = random() % 2 == 0;
    builder.append(valid);
    expected.push_back(valid);
  }
  ASSERT_EQ(builder.length(), static_cast<int64_t>(expected.size()));
  const int64_t nulls = builder.nulls();
  const Validity validity = builder.finish();
  for (size_t i = 0; i < expected.size(); ++i) {
    ASSERT_EQ(validity.valid(static_cast<int64_t>(i)), expected[i]) << i;
  }
  EXPECT_EQ(validity.count_nulls(static_cast<int64_t>(expected.size())), nulls);
  builder.append(false);  // the builder starts again
  EXPECT_FALSE(builder.finish().valid(0));
}

TEST(ValidityBuilder, FirstNullFarBehindTheStart) {
  ValidityBuilder builder;
  builder.append_valid(100000);
  builder.append(false);
  builder.append(true);
  const Validity validity = builder.finish();
  EXPECT_TRUE(validity.valid(99999));
  EXPECT_FALSE(validity.valid(100000));
  EXPECT_TRUE(validity.valid(100001));
  EXPECT_EQ(validity.count_nulls(100002), 1);
}

}  // namespace
}  // namespace velaria
