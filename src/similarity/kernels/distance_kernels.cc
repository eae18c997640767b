#include "src/similarity/kernels/distance_kernels.h"

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/similarity/kernels/level_kernels.h"

namespace velaria {

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
  throw Error(ErrorKind::kInvalidArgument,
              concat("distance kernels: this build has none for SIMD level '",
                     simd_level_name(level), "'; use one of available_simd_levels()"));
}

}  // namespace velaria
