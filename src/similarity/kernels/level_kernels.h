// The kernel tables of the levels, one per source file. Only kernel_levels.cc reads them.
#pragma once

#include "src/similarity/kernels/distance_kernels.h"
#include "src/similarity/kernels/product_kernels.h"

namespace velaria {

const DistanceKernels& portable_distance_kernels();
const ProductKernels& portable_product_kernels();
#if defined(__x86_64__)
const DistanceKernels& avx2_distance_kernels();
const DistanceKernels& avx512_distance_kernels();
const ProductKernels& avx2_product_kernels();
const ProductKernels& avx512_product_kernels();
const ProductKernels& amx_product_kernels();
#elif defined(__aarch64__)
const DistanceKernels& neon_distance_kernels();
const ProductKernels& neon_product_kernels();
#endif

}  // namespace velaria
