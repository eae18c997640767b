// Vectors, columns and reference answers for the tests of this room.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "src/base/cpu_features.h"
#include "src/column/column.h"
#include "src/similarity/exact_search.h"

namespace velaria {

// From VELARIA_TEST_SEED when set; printed once, so that a failure can be repeated.
uint32_t test_seed();

// Forces a SIMD level as long as it lives.
class ForcedLevel {
 public:
  explicit ForcedLevel(SimdLevel level) : ForcedLevel(simd_level_name(level)) {}
  explicit ForcedLevel(std::string_view backend) {
    setenv("VELARIA_SIMD_BACKEND", std::string(backend).c_str(), 1);
  }
  ~ForcedLevel() { unsetenv("VELARIA_SIMD_BACKEND"); }
};

using Vectors = std::vector<std::optional<std::vector<float>>>;  // nothing: NULL

std::vector<float> random_vector(std::mt19937* random, int32_t dimension);
Vectors random_vectors(std::mt19937* random, int64_t rows, int32_t dimension);
ColumnPtr vector_column(const Vectors& vectors, int32_t dimension);

// The vectors in a few columns of odd lengths, each a slice that starts at an odd row of a larger
// column, so that rows start at any float.
VectorTable sliced_table(const Vectors& vectors, int32_t dimension);

// Every row scored and sorted: the ids and the score bits that a search must give.
std::vector<VectorMatch> brute_force(const Vectors& vectors, const VectorSearchRequest& request);

// The score by the textbook formula, elements one after the other in long double.
double textbook_score(Metric metric, const std::vector<float>& query,
                      const std::vector<float>& row);

}  // namespace velaria
