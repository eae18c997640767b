// The metrics of a vector search and their names.
//
//   cosine  1 - cosine similarity, in [0, 2], smaller is nearer; 1 when either side has norm zero
//   dot     inner product, larger is nearer
//   l2      Euclidean distance, smaller is nearer
#pragma once

#include <cstdint>
#include <string_view>

namespace velaria {

enum class Metric : uint8_t { kCosine, kDot, kL2 };

// "cosine", "dot", "l2".
std::string_view metric_name(Metric metric);

// The metric of that name, in any letter case. InvalidArgumentError with a suggestion otherwise.
Metric metric_from_name(std::string_view name);

// True for dot: the best match has the largest score.
bool larger_is_nearer(Metric metric);

}  // namespace velaria
