#define VELARIA_LOOPS_LEVEL portable_loops
#include "src/kernel/array_loops_body.h"

#include "src/base/cpu_features.h"

namespace velaria {

#if defined(__x86_64__)
// In array_loops_avx2.cc.
namespace avx2_loops {
template <typename T>
const IntegerLoops<T>& integer_loops();
template <typename T>
const FloatLoops<T>& float_loops();
template <typename T>
const CompareLoops<T>& compare_loops();
const PairLoops& pair_loops();
}  // namespace avx2_loops
#endif

SimdLevel loops_level() {
  static const SimdLevel level = active_simd_level();
  return level;
}

#if defined(__x86_64__)
#define VELARIA_CHOOSE_LOOPS(loops) \
  level >= SimdLevel::kAvx2 ? avx2_loops::loops : portable_loops::loops
#else
#define VELARIA_CHOOSE_LOOPS(loops) static_cast<void>(level), portable_loops::loops
#endif

template <typename T>
const IntegerLoops<T>& integer_loops(SimdLevel level) {
  return VELARIA_CHOOSE_LOOPS(integer_loops<T>());
}
template <typename T>
const FloatLoops<T>& float_loops(SimdLevel level) {
  return VELARIA_CHOOSE_LOOPS(float_loops<T>());
}
template <typename T>
const CompareLoops<T>& compare_loops(SimdLevel level) {
  return VELARIA_CHOOSE_LOOPS(compare_loops<T>());
}

const PairLoops& pair_loops(SimdLevel level) { return VELARIA_CHOOSE_LOOPS(pair_loops()); }

#undef VELARIA_CHOOSE_LOOPS

template const IntegerLoops<int8_t>& integer_loops<int8_t>(SimdLevel);
template const IntegerLoops<int16_t>& integer_loops<int16_t>(SimdLevel);
template const IntegerLoops<int32_t>& integer_loops<int32_t>(SimdLevel);
template const IntegerLoops<int64_t>& integer_loops<int64_t>(SimdLevel);
template const IntegerLoops<uint8_t>& integer_loops<uint8_t>(SimdLevel);
template const IntegerLoops<uint16_t>& integer_loops<uint16_t>(SimdLevel);
template const IntegerLoops<uint32_t>& integer_loops<uint32_t>(SimdLevel);
template const IntegerLoops<uint64_t>& integer_loops<uint64_t>(SimdLevel);
template const FloatLoops<float>& float_loops<float>(SimdLevel);
template const FloatLoops<double>& float_loops<double>(SimdLevel);
template const CompareLoops<int32_t>& compare_loops<int32_t>(SimdLevel);
template const CompareLoops<int64_t>& compare_loops<int64_t>(SimdLevel);
template const CompareLoops<uint32_t>& compare_loops<uint32_t>(SimdLevel);
template const CompareLoops<uint64_t>& compare_loops<uint64_t>(SimdLevel);
template const CompareLoops<float>& compare_loops<float>(SimdLevel);
template const CompareLoops<double>& compare_loops<double>(SimdLevel);
template const CompareLoops<Int128>& compare_loops<Int128>(SimdLevel);

}  // namespace velaria
