// Compiled with -mavx2 -mpclmul -mbmi -mpopcnt; reached only through structure_finder().
#if defined(__x86_64__)

#include <immintrin.h>

#include "src/io/csv/csv_structure_loop.h"

namespace velaria {

namespace {

class Avx2Block {
 public:
  explicit Avx2Block(const char* text)
      : low_(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(text))),
        high_(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(text + 32))) {}

  uint64_t equal(char wanted) const {
    const __m256i pattern = _mm256_set1_epi8(wanted);
    const auto low = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(low_, pattern)));
    const auto high =
        static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(high_, pattern)));
    return low | static_cast<uint64_t>(high) << 32;
  }

  static uint64_t prefix_xor(uint64_t bits) {
    const __m128i product =
        _mm_clmulepi64_si128(_mm_set_epi64x(0, static_cast<int64_t>(bits)), _mm_set1_epi8(-1), 0);
    return static_cast<uint64_t>(_mm_cvtsi128_si64(product));
  }

 private:
  __m256i low_;
  __m256i high_;
};

}  // namespace

const StructureFinder kAvx2StructureFinder = {index_structure<Avx2Block>,
                                              find_last_row_end<Avx2Block>};

}  // namespace velaria

#endif
