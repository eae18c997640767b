#include "tests/similarity/vector_test_data.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "src/column/builder.h"
#include "src/similarity/exact_score.h"

namespace velaria {

uint32_t test_seed() {
  static const uint32_t seed = [] {
    const char* text = std::getenv("VELARIA_TEST_SEED");
    const uint32_t value =
        text != nullptr ? static_cast<uint32_t>(std::strtoul(text, nullptr, 10)) : 20250711u;
    std::printf("VELARIA_TEST_SEED=%u\n", value);
    return value;
  }();
  return seed;
}

std::vector<float> random_vector(std::mt19937* random, int32_t dimension) {
  std::normal_distribution<float> normal;
  std::vector<float> out(static_cast<size_t>(dimension));
  for (float& x : out) x = normal(*random);
  return out;
}

Vectors random_vectors(std::mt19937* random, int64_t rows, int32_t dimension) {
  Vectors out;
  for (int64_t i = 0; i < rows; ++i) out.emplace_back(random_vector(random, dimension));
  return out;
}

ColumnPtr vector_column(const Vectors& vectors, int32_t dimension) {
  VectorBuilder builder(DataType::vector(dimension));
  for (const auto& vector : vectors) {
    if (vector) {
      builder.append(vector->data());
    } else {
      builder.append_null();
    }
  }
  return builder.finish();
}

VectorTable sliced_table(const Vectors& vectors, int32_t dimension) {
  const Vectors padding(3, std::vector<float>(static_cast<size_t>(dimension), 7.0f));
  VectorTable table(dimension);
  size_t begin = 0;
  for (size_t part = 0; begin < vectors.size(); ++part) {
    const size_t end = std::min(vectors.size(), begin + 1 + part * 37);
    Vectors padded(padding.begin(), padding.begin() + static_cast<std::ptrdiff_t>(part % 4));
    const int64_t offset = static_cast<int64_t>(padded.size());
    padded.insert(padded.end(), vectors.begin() + static_cast<std::ptrdiff_t>(begin),
                  vectors.begin() + static_cast<std::ptrdiff_t>(end));
    padded.insert(padded.end(), padding.begin(), padding.end());
    table.append(
        vector_column(padded, dimension)->slice(offset, static_cast<int64_t>(end - begin)));
    begin = end;
  }
  return table;
}

std::vector<VectorMatch> brute_force(const Vectors& vectors, const VectorSearchRequest& request) {
  const ExactScorer scorer(request.metric, request.query);
  std::vector<VectorMatch> matches;
  for (size_t row = 0; row < vectors.size(); ++row) {
    if (!vectors[row]) continue;
    const double score = scorer.score(vectors[row]->data());
    if (!std::isnan(score)) matches.push_back({static_cast<int64_t>(row), score});
  }
  const bool descending = larger_is_nearer(request.metric);
  std::stable_sort(matches.begin(), matches.end(),
                   [descending](const VectorMatch& a, const VectorMatch& b) {
                     return descending ? a.score > b.score : a.score < b.score;
                   });
  if (static_cast<int64_t>(matches.size()) > request.top_k) {
    matches.resize(static_cast<size_t>(request.top_k));
  }
  return matches;
}

double textbook_score(Metric metric, const std::vector<float>& query,
                      const std::vector<float>& row) {
  long double dot = 0;
  long double query_square = 0;
  long double row_square = 0;
  long double distance = 0;
  for (size_t i = 0; i < query.size(); ++i) {
    const long double q = query[i];
    const long double x = row[i];
    dot += q * x;
    query_square += q * q;
    row_square += x * x;
    distance += (x - q) * (x - q);
  }
  switch (metric) {
    case Metric::kDot: return static_cast<double>(dot);
    case Metric::kL2: return static_cast<double>(std::sqrt(distance));
    case Metric::kCosine: break;
  }
  if (query_square == 0 || row_square == 0) return 1;
  return static_cast<double>(1 - dot / (std::sqrt(query_square) * std::sqrt(row_square)));
}

}  // namespace velaria
