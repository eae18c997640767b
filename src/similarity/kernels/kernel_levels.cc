#include <cstdlib>

#include "src/base/cpu_tiles.h"
#include "src/base/error.h"
#include "src/base/text.h"
#include "src/similarity/kernels/distance_kernels.h"
#include "src/similarity/kernels/level_kernels.h"
#include "src/similarity/kernels/product_kernels.h"

namespace velaria {
namespace {

[[noreturn]] void fail_unknown(SimdLevel level) {
  throw Error(ErrorKind::kInvalidArgument,
              concat("distance kernels: this build has none for SIMD level '",
                     simd_level_name(level), "'; use one of available_simd_levels()"));
}

const ProductKernels& product_kernels_for(SimdLevel level) {
  switch (level) {
    case SimdLevel::kPortable: return portable_product_kernels();
#if defined(__x86_64__)
    case SimdLevel::kAvx2: return avx2_product_kernels();
    case SimdLevel::kAvx512: return avx512_product_kernels();
#elif defined(__aarch64__)
    case SimdLevel::kNeon: return neon_product_kernels();
#endif
    default: break;
  }
  fail_unknown(level);
}

}  // namespace

const DistanceKernels& kernels_for(SimdLevel level) {
  switch (level) {
    case SimdLevel::kPortable: return portable_distance_kernels();
#if defined(__x86_64__)
    case SimdLevel::kAvx2: return avx2_distance_kernels();
    case SimdLevel::kAvx512: return avx512_distance_kernels();
#elif defined(__aarch64__)
    case SimdLevel::kNeon: return neon_distance_kernels();
#endif
    default: break;
  }
  fail_unknown(level);
}

std::vector<const ProductKernels*> available_product_kernels() {
  std::vector<const ProductKernels*> out;
  for (SimdLevel level : available_simd_levels()) out.push_back(&product_kernels_for(level));
#if defined(__x86_64__)
  if (available_simd_levels().back() == SimdLevel::kAvx512 && has_bfloat16_tiles()) {
    out.push_back(&amx_product_kernels());
  }
#endif
  return out;
}

const ProductKernels& active_product_kernels() {
  const SimdLevel level = active_simd_level();
  const char* forced = std::getenv("VELARIA_SIMD_BACKEND");
  const bool free = forced == nullptr || *forced == '\0';
  const ProductKernels& best = *available_product_kernels().back();
  return free || best.name == forced ? best : product_kernels_for(level);
}

}  // namespace velaria
