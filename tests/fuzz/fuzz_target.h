// What a fuzz target is: one function over bytes, in libFuzzer's form, so that the same source runs
// there for hours and here, with seeds and seeded mutations of them, in a few seconds as a test.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

// Inputs to start from; each target has its own.
std::vector<std::string> fuzz_seeds();
