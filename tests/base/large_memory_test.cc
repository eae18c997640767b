#include "src/base/large_memory.h"

#include <gtest/gtest.h>

#include <cstring>
#include <utility>

#include "src/base/error.h"

namespace velaria {
namespace {

TEST(LargeVectorTest, KeepsItsValuesAcrossTheStepToHugePages) {
  LargeVector<uint64_t> values;
  for (uint64_t i = 0; i < 2000000; ++i) values.push_back(i * 3);
  for (uint64_t i = 0; i < 2000000; ++i) ASSERT_EQ(values[i], i * 3);
}

TEST(ZeroedMemoryTest, IsZeroAndMayBeMoved) {
  for (size_t size_bytes : {size_t{0}, size_t{100}, size_t{5000000}, size_t{64} << 20}) {
    ZeroedMemory memory(size_bytes);
    auto* bytes = static_cast<uint8_t*>(memory.data());
    for (size_t i = 0; i < size_bytes; i += 4093) ASSERT_EQ(bytes[i], 0);
    if (size_bytes > 0) bytes[size_bytes - 1] = 7;
    ZeroedMemory other(10);
    other = std::move(memory);
    EXPECT_EQ(other.data(), bytes);
    if (size_bytes > 0) {
      EXPECT_EQ(bytes[size_bytes - 1], 7);
    }
  }
}

TEST(LargeMemoryTest, SaysWhatItCouldNotGet) {
  for (size_t size_bytes : {SIZE_MAX, SIZE_MAX / 4}) {
    try {
      static_cast<void>(allocate_large(size_bytes));
      FAIL() << "got " << size_bytes << " bytes";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kResource);
    }
    EXPECT_THROW(ZeroedMemory{size_bytes}, Error);
  }
}

}  // namespace
}  // namespace velaria
