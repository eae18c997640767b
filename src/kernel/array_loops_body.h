// The loops of array_loops.h, included once per instruction set, with VELARIA_LOOPS_LEVEL naming
// the namespace for it. Vectors of 32 bytes are split by the compiler where registers are narrower.
// No inline function of another header is called here: the linker could keep the wrong level's
// copy. Internal to this room.
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "src/kernel/array_loops.h"

namespace velaria::VELARIA_LOOPS_LEVEL {

namespace {

constexpr int kVectorBytes = 32;

template <typename T>
struct VectorOf {
  typedef T type __attribute__((vector_size(kVectorBytes), may_alias));
};
template <typename T>
using Vector = typename VectorOf<T>::type;

template <typename T>
struct MaskLane;
template <>
struct MaskLane<int32_t> {
  using type = int32_t;
};
template <>
struct MaskLane<uint32_t> {
  using type = int32_t;
};
template <>
struct MaskLane<float> {
  using type = int32_t;
};
template <>
struct MaskLane<int64_t> {
  using type = int64_t;
};
template <>
struct MaskLane<uint64_t> {
  using type = int64_t;
};
template <>
struct MaskLane<double> {
  using type = int64_t;
};

// Values may lie at any address that suits T: kernels are given slices.
template <typename T>
inline void load(const T* from, Vector<T>* to) {
  std::memcpy(to, from, sizeof(*to));
}

// A chunk's arrays are too short for the processor to find out that they are read in order before
// they end; asking for what comes next, also of the chunk behind, is worth a fifth of a scan. The
// address may lie behind the array: a prefetch never fails.
template <typename T>
inline void prefetch_ahead(const T* from) {
  constexpr uintptr_t kAheadBytes = 2048;
  __builtin_prefetch(
      reinterpret_cast<const void*>(reinterpret_cast<uintptr_t>(from) + kAheadBytes));
}

// ---- sums ----

template <typename T>
Int128 integer_sum(const T* values, int64_t count) {
  if constexpr (sizeof(T) < 8) {
    int64_t sum = 0;
    for (int64_t i = 0; i < count; ++i) sum += static_cast<int64_t>(values[i]);
    return sum;
  } else {
    // By halves of 32 bits, which 64 bits add without overflow; signed ones moved to be positive.
    constexpr uint64_t kMove = T(-1) < T(0) ? uint64_t{1} << 63 : 0;
    uint64_t low = 0;
    uint64_t high = 0;
    const auto add = [&](int64_t i) {
      const uint64_t moved = static_cast<uint64_t>(values[i]) ^ kMove;
      low += moved & 0xFFFFFFFFu;
      high += moved >> 32;
    };
    constexpr int64_t kLine = 8;
    int64_t i = 0;
    for (; i + kLine <= count; i += kLine) {
      prefetch_ahead(values + i);
      for (int64_t j = 0; j < kLine; ++j) add(i + j);
    }
    for (; i < count; ++i) add(i);
    return (static_cast<Int128>(high) << 32) + low - static_cast<Int128>(kMove) * count;
  }
}

inline void add_exactly(double value, ExactPair* sum) {
  const double added = sum->high + value;
  const double part = added - sum->high;
  sum->low += (sum->high - (added - part)) + (value - part);
  sum->high = added;
}

template <typename T>
bool float_sum(const T* values, int64_t count, ExactPair* sum) {
  using V = Vector<double>;
  using M = Vector<int64_t>;
  // Independent lanes: the additions of one lane wait for each other, those of several do not.
  constexpr int kVectors = 4;
  constexpr int kLanes = kVectorBytes / 8;
  V high[kVectors] = {};
  V low[kVectors] = {};
  M small = ~M{};
  int64_t i = 0;
  for (; i + kVectors * kLanes <= count; i += kVectors * kLanes) {
    prefetch_ahead(values + i);
    prefetch_ahead(values + i + kVectors * kLanes / 2);
    for (int v = 0; v < kVectors; ++v) {
      V value;
      if constexpr (sizeof(T) == 8) {
        load(values + i + v * kLanes, &value);
      } else {
        for (int lane = 0; lane < kLanes; ++lane) {
          value[lane] = static_cast<double>(values[i + v * kLanes + lane]);
        }
      }
      small &= (value < kExactPairLimit) & (value > -kExactPairLimit);
      const V added = high[v] + value;
      const V part = added - high[v];
      low[v] += (high[v] - (added - part)) + (value - part);
      high[v] = added;
    }
  }
  int64_t all_small = -1;
  for (int lane = 0; lane < kLanes; ++lane) all_small &= small[lane];
  ExactPair total;
  for (; i < count; ++i) {
    const auto value = static_cast<double>(values[i]);
    if (!(value < kExactPairLimit && value > -kExactPairLimit)) all_small = 0;
    add_exactly(value, &total);
  }
  if (all_small == 0) return false;
  for (int v = 0; v < kVectors; ++v) {
    for (int lane = 0; lane < kLanes; ++lane) {
      add_exactly(high[v][lane], &total);
      total.low += low[v][lane];
    }
  }
  add_exactly(total.high, sum);
  sum->low += total.low;
  return true;
}

// ---- extremes ----

template <typename T>
void integer_range(const T* values, int64_t count, T* smallest, T* largest) {
  T low = values[0];
  T high = values[0];
  for (int64_t i = 1; i < count; ++i) {
    low = values[i] < low ? values[i] : low;
    high = values[i] > high ? values[i] : high;
  }
  *smallest = low;
  *largest = high;
}

template <typename T>
void float_range(const T* values, int64_t count, T* smallest, T* largest, bool* any_nan) {
  using V = Vector<T>;
  using M = Vector<typename MaskLane<T>::type>;
  constexpr int kVectors = 4;
  constexpr int kLanes = kVectorBytes / static_cast<int>(sizeof(T));
  constexpr T kInfinity = static_cast<T>(__builtin_inf());
  V low[kVectors];
  V high[kVectors];
  M nan = M{};
  for (int v = 0; v < kVectors; ++v) {
    low[v] = V{} + kInfinity;
    high[v] = V{} - kInfinity;
  }
  int64_t i = 0;
  for (; i + kVectors * kLanes <= count; i += kVectors * kLanes) {
    prefetch_ahead(values + i);
    prefetch_ahead(values + i + kVectors * kLanes / 2);
    for (int v = 0; v < kVectors; ++v) {
      V value;
      load(values + i + v * kLanes, &value);
      // NaN is neither below nor above anything.
      low[v] = value < low[v] ? value : low[v];
      high[v] = value > high[v] ? value : high[v];
      nan |= value != value;
    }
  }
  T lowest = kInfinity;
  T highest = -kInfinity;
  bool found_nan = false;
  for (int v = 0; v < kVectors; ++v) {
    for (int lane = 0; lane < kLanes; ++lane) {
      lowest = low[v][lane] < lowest ? low[v][lane] : lowest;
      highest = high[v][lane] > highest ? high[v][lane] : highest;
      found_nan |= nan[lane] != 0;
    }
  }
  for (; i < count; ++i) {
    lowest = values[i] < lowest ? values[i] : lowest;
    highest = values[i] > highest ? values[i] : highest;
    found_nan |= values[i] != values[i];
  }
  *smallest = lowest;
  *largest = highest;
  *any_nan = found_nan;
}

// ---- comparisons ----

// All ones in the lanes where x `op` y, in the order in which NaN equals itself and is above all.
template <CompareOp kOp, bool kConstant, typename T>
inline auto lanes_where(const Vector<T>& x, const Vector<T>& y) {
  if constexpr (!std::is_floating_point_v<T>) {
    if constexpr (kOp == CompareOp::kEqual) return x == y;
    if constexpr (kOp == CompareOp::kNotEqual) return x != y;
    if constexpr (kOp == CompareOp::kLess) return x < y;
    if constexpr (kOp == CompareOp::kLessEqual) return x <= y;
    if constexpr (kOp == CompareOp::kGreater) return x > y;
    if constexpr (kOp == CompareOp::kGreaterEqual) return x >= y;
  } else if constexpr (kConstant) {  // y is not NaN
    if constexpr (kOp == CompareOp::kEqual) return x == y;
    if constexpr (kOp == CompareOp::kNotEqual) return x != y;
    if constexpr (kOp == CompareOp::kLess) return x < y;
    if constexpr (kOp == CompareOp::kLessEqual) return x <= y;
    if constexpr (kOp == CompareOp::kGreater) return ~(x <= y);
    if constexpr (kOp == CompareOp::kGreaterEqual) return ~(x < y);
  } else {
    const auto x_nan = x != x;
    const auto y_nan = y != y;
    if constexpr (kOp == CompareOp::kEqual) return (x == y) | (x_nan & y_nan);
    if constexpr (kOp == CompareOp::kNotEqual) return ~((x == y) | (x_nan & y_nan));
    if constexpr (kOp == CompareOp::kLess) return (x < y) | (~x_nan & y_nan);
    if constexpr (kOp == CompareOp::kLessEqual) return (x <= y) | y_nan;
    if constexpr (kOp == CompareOp::kGreater) return (x > y) | (x_nan & ~y_nan);
    if constexpr (kOp == CompareOp::kGreaterEqual) return (x >= y) | x_nan;
  }
}

// Lane l keeps the bits k * lanes + l: comparing vector after vector fills a word per lane, and the
// lanes' words together are the mask. No instruction that gathers bits is needed.
template <CompareOp kOp, bool kConstant, typename T>
inline uint64_t compare_64(const T* x, const T* y) {
  using V = Vector<T>;
  using Lane = typename MaskLane<T>::type;
  using M = Vector<Lane>;
  constexpr int kLanes = kVectorBytes / static_cast<int>(sizeof(T));
  constexpr int kRows = static_cast<int>(sizeof(T)) * 8;
  V right = V{};
  if constexpr (kConstant) right = V{} + *y;
  uint64_t word = 0;
  for (int part = 0; part < 64 / kRows; ++part) {
    M bits;
    for (int lane = 0; lane < kLanes; ++lane) bits[lane] = Lane{1} << lane;
    M found = M{};
    for (int k = 0; k < kRows / kLanes; ++k) {
      V left;
      load(x + part * kRows + k * kLanes, &left);
      if constexpr (!kConstant) load(y + part * kRows + k * kLanes, &right);
      found |=
          reinterpret_cast<M>(lanes_where<kOp, kConstant, T>(left, right)) & (bits << (k * kLanes));
    }
    Lane all = 0;
    for (int lane = 0; lane < kLanes; ++lane) all |= found[lane];
    word |= static_cast<uint64_t>(static_cast<std::make_unsigned_t<Lane>>(all)) << (part * kRows);
  }
  return word;
}

// Numbers of 128 bits are two lanes each. Where all of a block fit into 64 bits, as nearly all
// decimals do, their low lanes are compared.
template <CompareOp kOp, bool kConstant>
inline uint64_t compare_64_wide(const Int128* x, const Int128* y) {
  using V = Vector<int64_t>;
  const auto* left = reinterpret_cast<const int64_t*>(x);
  const auto* right = reinterpret_cast<const int64_t*>(y);
  // Taking every other lane of two registers this way costs one instruction, and leaves rows 0, 2,
  // 1, 3, which the bits make up for.
  constexpr V kBits = {1, 4, 2, 8};
  V found = V{};
  V wide = V{};
  V bits = kBits;
  V right_low = V{};
  if constexpr (kConstant) right_low = V{} + right[0];
  for (int i = 0; i < 64; i += 4, bits <<= 4) {
    prefetch_ahead(left + 2 * i);
    V a;
    V b;
    load(left + 2 * i, &a);
    load(left + 2 * i + 4, &b);
    const V low = __builtin_shuffle(a, b, V{0, 4, 2, 6});
    wide |= __builtin_shuffle(a, b, V{1, 5, 3, 7}) ^ (low < 0);
    if constexpr (!kConstant) {
      load(right + 2 * i, &a);
      load(right + 2 * i + 4, &b);
      right_low = __builtin_shuffle(a, b, V{0, 4, 2, 6});
      wide |= __builtin_shuffle(a, b, V{1, 5, 3, 7}) ^ (right_low < 0);
    }
    found |= lanes_where<kOp, kConstant, int64_t>(low, right_low) & bits;
  }
  if ((wide[0] | wide[1] | wide[2] | wide[3]) == 0 &&
      (!kConstant || *y == static_cast<Int128>(right[0]))) {
    return static_cast<uint64_t>(found[0] | found[1] | found[2] | found[3]);
  }
  uint64_t word = 0;
  for (int i = 0; i < 64; ++i) {
    const Int128 a = x[i];
    const Int128 b = kConstant ? *y : y[i];
    bool holds = false;
    if constexpr (kOp == CompareOp::kEqual) holds = a == b;
    if constexpr (kOp == CompareOp::kNotEqual) holds = a != b;
    if constexpr (kOp == CompareOp::kLess) holds = a < b;
    if constexpr (kOp == CompareOp::kLessEqual) holds = a <= b;
    if constexpr (kOp == CompareOp::kGreater) holds = a > b;
    if constexpr (kOp == CompareOp::kGreaterEqual) holds = a >= b;
    word |= static_cast<uint64_t>(holds) << i;
  }
  return word;
}

// Which of 64 pairs of words equal the pair `wanted`; with `first_only`, of which the first does.
template <bool kFirstOnly>
inline uint64_t equal_pairs_64(const uint64_t* pairs, const uint64_t* wanted) {
  using V = Vector<int64_t>;
  constexpr V kBits = {1, 4, 2, 8};
  const V first = V{} + static_cast<int64_t>(wanted[0]);
  const V second = V{} + static_cast<int64_t>(wanted[1]);
  V found = V{};
  V bits = kBits;
  for (int i = 0; i < 64; i += 4, bits <<= 4) {
    V a;
    V b;
    load(reinterpret_cast<const int64_t*>(pairs) + 2 * i, &a);
    load(reinterpret_cast<const int64_t*>(pairs) + 2 * i + 4, &b);
    V same = __builtin_shuffle(a, b, V{0, 4, 2, 6}) == first;
    if constexpr (!kFirstOnly) same &= __builtin_shuffle(a, b, V{1, 5, 3, 7}) == second;
    found |= same & bits;
  }
  return static_cast<uint64_t>(found[0] | found[1] | found[2] | found[3]);
}

template <bool kFirstOnly>
void equal_pairs(const uint64_t* pairs, const uint64_t* wanted, int64_t count, uint64_t* mask) {
  int64_t i = 0;
  for (; i + 64 <= count; i += 64) *mask++ = equal_pairs_64<kFirstOnly>(pairs + 2 * i, wanted);
  if (i == count) return;
  uint64_t rest_pairs[128] = {};
  const auto rest = static_cast<size_t>(count - i);
  std::memcpy(rest_pairs, pairs + 2 * i, rest * 16);
  *mask = equal_pairs_64<kFirstOnly>(rest_pairs, wanted) & ((uint64_t{1} << rest) - 1);
}

template <CompareOp kOp, bool kConstant, typename T>
inline uint64_t compare_block(const T* x, const T* y) {
  if constexpr (sizeof(T) == 16) {
    return compare_64_wide<kOp, kConstant>(x, y);
  } else {
    return compare_64<kOp, kConstant>(x, y);
  }
}

template <CompareOp kOp, bool kConstant, typename T>
void compare_mask(const T* x, const T* y, int64_t count, uint64_t* mask) {
  int64_t i = 0;
  for (; i + 64 <= count; i += 64) {
    *mask++ = compare_block<kOp, kConstant>(x + i, kConstant ? y : y + i);
  }
  if (i == count) return;
  T left[64] = {};
  T right[64] = {};
  const auto rest = static_cast<size_t>(count - i);
  std::memcpy(left, x + i, rest * sizeof(T));
  if constexpr (!kConstant) std::memcpy(right, y + i, rest * sizeof(T));
  *mask = compare_block<kOp, kConstant>(left, kConstant ? y : right) & ((uint64_t{1} << rest) - 1);
}

template <bool kConstant, typename T>
void compare_mask_op(CompareOp op, const T* x, const T* y, int64_t count, uint64_t* mask) {
  switch (op) {
    case CompareOp::kEqual: return compare_mask<CompareOp::kEqual, kConstant>(x, y, count, mask);
    case CompareOp::kNotEqual:
      return compare_mask<CompareOp::kNotEqual, kConstant>(x, y, count, mask);
    case CompareOp::kLess: return compare_mask<CompareOp::kLess, kConstant>(x, y, count, mask);
    case CompareOp::kLessEqual:
      return compare_mask<CompareOp::kLessEqual, kConstant>(x, y, count, mask);
    case CompareOp::kGreater:
      return compare_mask<CompareOp::kGreater, kConstant>(x, y, count, mask);
    case CompareOp::kGreaterEqual:
      return compare_mask<CompareOp::kGreaterEqual, kConstant>(x, y, count, mask);
  }
}

template <typename T>
constexpr IntegerLoops<T> kIntegerLoops = {integer_sum<T>, integer_range<T>};
template <typename T>
constexpr FloatLoops<T> kFloatLoops = {float_sum<T>, float_range<T>};
template <typename T>
constexpr CompareLoops<T> kCompareLoops = {compare_mask_op<true, T>, compare_mask_op<false, T>};
constexpr PairLoops kPairLoops = {equal_pairs<false>, equal_pairs<true>};

}  // namespace

template <typename T>
const IntegerLoops<T>& integer_loops() {
  return kIntegerLoops<T>;
}
template <typename T>
const FloatLoops<T>& float_loops() {
  return kFloatLoops<T>;
}
template <typename T>
const CompareLoops<T>& compare_loops() {
  return kCompareLoops<T>;
}

const PairLoops& pair_loops() { return kPairLoops; }

template const IntegerLoops<int8_t>& integer_loops<int8_t>();
template const IntegerLoops<int16_t>& integer_loops<int16_t>();
template const IntegerLoops<int32_t>& integer_loops<int32_t>();
template const IntegerLoops<int64_t>& integer_loops<int64_t>();
template const IntegerLoops<uint8_t>& integer_loops<uint8_t>();
template const IntegerLoops<uint16_t>& integer_loops<uint16_t>();
template const IntegerLoops<uint32_t>& integer_loops<uint32_t>();
template const IntegerLoops<uint64_t>& integer_loops<uint64_t>();
template const FloatLoops<float>& float_loops<float>();
template const FloatLoops<double>& float_loops<double>();
template const CompareLoops<int32_t>& compare_loops<int32_t>();
template const CompareLoops<uint32_t>& compare_loops<uint32_t>();
template const CompareLoops<int64_t>& compare_loops<int64_t>();
template const CompareLoops<uint64_t>& compare_loops<uint64_t>();
template const CompareLoops<float>& compare_loops<float>();
template const CompareLoops<double>& compare_loops<double>();
template const CompareLoops<Int128>& compare_loops<Int128>();

}  // namespace velaria::VELARIA_LOOPS_LEVEL
