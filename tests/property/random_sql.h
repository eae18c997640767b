// Random tables and queries, the same for the same seed on every machine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "src/column/chunk.h"
#include "src/column/schema.h"

namespace velaria {

// Our own, because the standard's distributions differ between libraries.
class RandomNumbers {
 public:
  // The product keeps neighbouring seeds from giving shifted copies of one sequence.
  explicit RandomNumbers(uint64_t seed) : state_((seed + 1) * (seed + 1) * 0xD1342543DE82EF95u) {}
  uint64_t next();
  int64_t below(int64_t limit) {
    return static_cast<int64_t>(next() % static_cast<uint64_t>(limit));
  }
  bool one_in(int64_t n) { return below(n) == 0; }
  template <typename T>
  const T& pick(const std::vector<T>& values) {
    return values[static_cast<size_t>(below(static_cast<int64_t>(values.size())))];
  }

 private:
  uint64_t state_;
};

struct RandomTable {
  Schema schema;
  std::vector<Chunk> chunks;
};

// Columns: i, j (int64 of few values), big (int64 with both extremes), u (uint64 likewise), n
// (int8), x (float64 of many sizes), f (float64 with NaN, infinities and both zeros), s, l (short,
// long text), b (bool), d (date32), t (timestamp), c (decimal(12, 2)). About one value in five is
// NULL.
RandomTable random_table(RandomNumbers* random, int64_t rows);

// A query over the table `t` of that shape. Its rows do not depend on chance, and it can fail only
// by the total of a SUM.
std::string random_query(RandomNumbers* random);

}  // namespace velaria
