// Which instruction sets may be used here. Kernels have one file per level and a portable twin;
// dispatch picks the best level that the processor has and VELARIA_SIMD_BACKEND allows.
#pragma once

#include <string_view>
#include <vector>

namespace velaria {

enum class SimdLevel { kPortable = 0, kNeon = 1, kAvx2 = 2, kAvx512 = 3 };

// "portable", "neon", "avx2", "avx512": the names in explain output and VELARIA_SIMD_BACKEND.
std::string_view simd_level_name(SimdLevel level);

// What the processor (and the operating system) can run, portable first.
std::vector<SimdLevel> available_simd_levels();

// The level to use: VELARIA_SIMD_BACKEND when set, else the best available one. Read at each call,
// so a test may change the variable. Throws InvalidArgumentError for an unknown or unavailable
// name.
SimdLevel active_simd_level();

}  // namespace velaria
