// Tests whose queries may start workers: the workers are this program again.
#include "gtest/gtest.h"
#include "stream/workers/worker_process.h"

int main(int argc, char** argv) {
  if (const auto code = velaria::run_worker_if_asked(argc, argv)) return *code;
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
