// Distances of vectors: the scores of vector_search, as functions.
#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/builder.h"
#include "src/expr/function_registry.h"
#include "src/similarity/exact_score.h"
#include "src/similarity/vector_table.h"

namespace velaria {

namespace {

const DataType kFloat64(TypeId::kFloat64);

// Constants stay what they are: their one vector serves all rows.
ColumnPtr vectors_of(const ColumnPtr& column) {
  return column->is_constant() ? column : flat_vectors(column);
}

template <typename Score>
ColumnPtr score_pairs(const std::vector<ColumnPtr>& arguments, int64_t rows, const DataType& type,
                      Score score) {
  const ColumnPtr a = vectors_of(arguments[0]);
  const ColumnPtr b = vectors_of(arguments[1]);
  const int64_t dimension = a->type().list_size();
  FixedBuilder<double> builder(type);
  for (int64_t i = 0; i < rows; ++i) {
    if (a->is_null(i) || b->is_null(i)) {
      builder.append_null();
    } else {
      builder.append(score(a->vector_at(i), b->vector_at(i), dimension));
    }
  }
  return builder.finish();
}

template <Metric kMetric>
ColumnPtr distance(const std::vector<ColumnPtr>& arguments, int64_t rows, const DataType& type) {
  return score_pairs(arguments, rows, type, [](const float* a, const float* b, int64_t dimension) {
    return exact_score(kMetric, a, b, dimension);
  });
}

ColumnPtr similarity(const std::vector<ColumnPtr>& arguments, int64_t rows, const DataType& type) {
  return score_pairs(arguments, rows, type, exact_cosine_similarity);
}

ColumnPtr norm(const std::vector<ColumnPtr>& arguments, int64_t rows, const DataType& type) {
  const ColumnPtr vectors = vectors_of(arguments[0]);
  FixedBuilder<double> builder(type);
  for (int64_t i = 0; i < rows; ++i) {
    if (vectors->is_null(i)) {
      builder.append_null();
    } else {
      builder.append(exact_norm(vectors->vector_at(i), vectors->type().list_size()));
    }
  }
  return builder.finish();
}

// One argument says the dimension; the other may be text such as '[1, 2, 3]'.
template <ScalarKernel kKernel>
std::optional<ResolvedFunction> resolve_pair(const std::vector<DataType>& types) {
  const auto fits = [](const DataType& type) {
    return type.is_vector() || type.is_null() || type.id() == TypeId::kUtf8;
  };
  if (!fits(types[0]) || !fits(types[1])) return std::nullopt;
  if (!types[0].is_vector() && !types[1].is_vector()) return std::nullopt;
  if (types[0].is_vector() && types[1].is_vector() &&
      types[0].list_size() != types[1].list_size()) {
    throw Error(ErrorKind::kTypeMismatch,
                concat("the vectors have the dimensions ", types[0].list_size(), " and ",
                       types[1].list_size(), "; a distance needs two of the same"));
  }
  const DataType& vector = types[0].is_vector() ? types[0] : types[1];
  return ResolvedFunction{{vector, vector}, kFloat64, kKernel};
}

std::optional<ResolvedFunction> resolve_norm(const std::vector<DataType>& types) {
  if (!types[0].is_vector()) return std::nullopt;
  return ResolvedFunction{{types[0]}, kFloat64, norm};
}

}  // namespace

void register_vector(FunctionRegistry* registry) {
  registry->add({"cosine_distance", "vector", "cosine_distance(a, b)",
                 "1 - cosine similarity, in [0, 2]; 1 when a norm is zero", 2, 2,
                 resolve_pair<distance<Metric::kCosine>>});
  registry->add({"cosine_similarity", "vector", "cosine_similarity(a, b)",
                 "cosine of the angle, in [-1, 1]; 0 when a norm is zero", 2, 2,
                 resolve_pair<similarity>});
  registry->add({"inner_product", "vector", "inner_product(a, b)", "sum of a[i] * b[i]", 2, 2,
                 resolve_pair<distance<Metric::kDot>>});
  registry->add_alias("dot", "inner_product");
  registry->add_alias("dot_product", "inner_product");
  registry->add({"l2_distance", "vector", "l2_distance(a, b)", "Euclidean distance", 2, 2,
                 resolve_pair<distance<Metric::kL2>>});
  registry->add_alias("euclidean_distance", "l2_distance");
  registry->add({"norm", "vector", "norm(v)", "Euclidean length of a vector", 1, 1, resolve_norm});
  registry->add_alias("l2_norm", "norm");
}

}  // namespace velaria
