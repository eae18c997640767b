// Gives libFuzzer the target's seeds to start from: writes them to the first folder that it is
// told.
#include <fstream>

#include "tests/fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerInitialize(const int* count, char*** arguments) {
  for (int i = 1; i < *count; ++i) {
    const std::string folder = (*arguments)[i];
    if (folder.empty() || folder.front() == '-') continue;
    const std::vector<std::string> seeds = fuzz_seeds();
    for (size_t seed = 0; seed < seeds.size(); ++seed) {
      std::ofstream(folder + "/seed-" + std::to_string(seed), std::ios::binary) << seeds[seed];
    }
    break;
  }
  return 0;
}
