#include "src/io/rejects.h"

#include <gtest/gtest.h>

#include <numeric>

#include "src/base/text.h"
#include "tests/io/io_testing.h"

namespace velaria {
namespace {

constexpr size_t kMostBytes = 40000;

Reject reject_at(int64_t byte) {
  Reject reject;
  reject.byte = byte;
  // A small one behind a large one that no longer fits must not be kept either.
  reject.value = std::string(byte % 7 == 6 ? 9000 : 10, 'x');
  return reject;
}

TEST(RejectedRows, TheFirstThatFitAreKeptInWhateverOrderAndPartsTheyCome) {
  constexpr int64_t kCount = 1000;
  const auto text =
      TextFile::open(local_file_system(), write_test_file("t.txt", std::string(kCount, '\n')), {});
  const auto pass = text->open_pass();
  const uint64_t seed = test_seed();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  std::vector<int64_t> bytes(kCount);
  std::iota(bytes.begin(), bytes.end(), int64_t{0});
  size_t expected = 0;
  for (int round = 0; round < 50; ++round) {
    std::vector<RejectedRows> parts(1 + static_cast<size_t>(round) % 5);
    for (RejectedRows& part : parts) part.most_kept_bytes = kMostBytes;
    for (const int64_t byte : bytes) parts[random() % parts.size()].add(reject_at(byte));
    RejectedRows all = std::move(parts.front());
    for (size_t i = 1; i < parts.size(); ++i) all.merge(std::move(parts[i]));
    all.finish(*pass);
    EXPECT_EQ(all.count, kCount);
    if (round == 0) {
      expected = all.kept.size();
      EXPECT_GT(expected, 14u);  // two large ones fit
      EXPECT_LT(expected, 28u);  // four do not
    }
    ASSERT_EQ(all.kept.size(), expected);
    for (size_t i = 0; i < expected; ++i) {
      ASSERT_EQ(all.kept[i].byte, static_cast<int64_t>(i));
      ASSERT_EQ(all.kept[i].line, static_cast<int64_t>(i) + 1);
    }
    EXPECT_NE(all.warnings()[0].find(concat("lists the first ", expected)), std::string::npos);
    std::shuffle(bytes.begin(), bytes.end(), random);
  }
}

}  // namespace
}  // namespace velaria
