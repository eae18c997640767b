#include "src/base/cpu_features.h"

#include <cstdlib>
#include <string>

#include "src/base/cpu_tiles.h"
#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria {

std::string_view simd_level_name(SimdLevel level) {
  switch (level) {
    case SimdLevel::kPortable: return "portable";
    case SimdLevel::kNeon: return "neon";
    case SimdLevel::kAvx2: return "avx2";
    case SimdLevel::kAvx512: return "avx512";
  }
  return "portable";
}

std::vector<SimdLevel> available_simd_levels() {
  std::vector<SimdLevel> levels{SimdLevel::kPortable};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    levels.push_back(SimdLevel::kAvx2);
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")) {
      levels.push_back(SimdLevel::kAvx512);
    }
  }
#elif defined(__aarch64__)
  levels.push_back(SimdLevel::kNeon);
#endif
  return levels;
}

SimdLevel active_simd_level() {
  const std::vector<SimdLevel> available = available_simd_levels();
  const char* forced = std::getenv("VELARIA_SIMD_BACKEND");
  if (forced == nullptr || *forced == '\0') return available.back();
  std::vector<std::string> names;
  for (SimdLevel level : available) {
    if (simd_level_name(level) == forced) return level;
    names.emplace_back(simd_level_name(level));
  }
  if (available.back() == SimdLevel::kAvx512 && has_bfloat16_tiles()) {
    if (std::string_view(forced) == "amx") return SimdLevel::kAvx512;
    names.emplace_back("amx");
  }
  throw Error(ErrorKind::kInvalidArgument,
              concat("VELARIA_SIMD_BACKEND is '", excerpt(forced), "', but this machine has ",
                     join_texts(names, ", "), "; name one of these or unset it"));
}

}  // namespace velaria
