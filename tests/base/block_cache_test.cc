#include "src/base/block_cache.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <thread>
#include <utility>
#include <vector>

namespace velaria {
namespace {

TEST(BlockCache, BlocksOfEverySizeAreAlignedAndApart) {
  std::mt19937 random(20261129);
  std::vector<std::pair<uint8_t*, size_t>> taken;
  const auto give_back = [&taken](size_t i) {
    const auto [block, size] = taken[i];
    for (size_t at = 0; at < size; ++at) {
      ASSERT_EQ(block[at], static_cast<uint8_t>(size * 31)) << "of " << size;
    }
    give_block(block, size);
    taken.erase(taken.begin() + static_cast<std::ptrdiff_t>(i));
  };
  for (size_t step = 0; step < 20000; ++step) {
    // Every small size, and sizes around the bounds between classes.
    const size_t size = step < 5000 ? step
                                    : (size_t{1} << (6 + random() % 13)) + random() % 3 - 1 +
                                          (random() % 2) * (size_t{1} << (4 + random() % 12));
    auto* block = static_cast<uint8_t*>(take_block(size));
    ASSERT_NE(block, nullptr);
    ASSERT_EQ(reinterpret_cast<uintptr_t>(block) % 64, 0u) << size;
    std::memset(block, static_cast<uint8_t>(size * 31), size);
    taken.push_back({block, size});
    if (taken.size() > 200) give_back(random() % taken.size());
  }
  while (!taken.empty()) give_back(taken.size() - 1);
}

TEST(BlockCache, ABlockIsGivenBackByAnotherThread) {
  for (int round = 0; round < 50; ++round) {
    std::vector<void*> blocks;
    std::thread taker([&blocks] {
      for (int i = 0; i < 100; ++i) {
        blocks.push_back(take_block(32768));
        std::memset(blocks.back(), i, 32768);
      }
    });
    taker.join();
    for (size_t i = 0; i < blocks.size(); ++i) {
      EXPECT_EQ(static_cast<uint8_t*>(blocks[i])[32767], i);
      give_block(blocks[i], 32768);
    }
  }
}

}  // namespace
}  // namespace velaria
