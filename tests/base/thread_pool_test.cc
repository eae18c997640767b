#include "src/base/thread_pool.h"

#include "gtest/gtest.h"
#include "src/base/error.h"

namespace velaria {
namespace {

// A machine with more cores than a pool may have threads is no reason to refuse the default.
TEST(ThreadPool, HowManyThreads) {
  EXPECT_EQ(pool_threads(0, 1), 1u);
  EXPECT_EQ(pool_threads(0, 64), 64u);
  EXPECT_EQ(pool_threads(0, kMostThreads + 1), kMostThreads);
  EXPECT_EQ(pool_threads(3, 1), 3u);
  EXPECT_EQ(pool_threads(kMostThreads, 1), kMostThreads);
  try {
    pool_threads(kMostThreads + 1, 1);
    FAIL() << "more than the limit must be refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument);
    EXPECT_NE(error.message().find("threads=1025"), std::string::npos) << error.message();
  }
  EXPECT_EQ(ThreadPool(2).size(), 2u);
}

}  // namespace
}  // namespace velaria
