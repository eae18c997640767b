// The kernel tables of the levels, one per source file. Only distance_kernels.cc reads them.
#pragma once

#include "src/similarity/kernels/distance_kernels.h"

namespace velaria {

const DistanceKernels& portable_distance_kernels();
#if defined(__x86_64__)
const DistanceKernels& avx2_distance_kernels();
const DistanceKernels& avx512_distance_kernels();
#elif defined(__aarch64__)
const DistanceKernels& neon_distance_kernels();
#endif

}  // namespace velaria
