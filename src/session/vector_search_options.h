// What a vector search may ask beyond the query itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace velaria {

struct VectorSearchOptions {
  int64_t top_k = 10;             // at least 1; fewer rows give fewer results
  std::string metric = "cosine";  // "cosine", "dot", "l2"
  // A condition of SQL over the table's columns; only rows for which it is true take part. Empty:
  // all rows. Row ids are those of the whole table in any case.
  std::string where{};
  // Rows that score worse are left out: above it, for dot below it.
  std::optional<double> score_threshold{};
  // Columns of the table that come out behind the score, fetched for the rows found.
  std::vector<std::string> columns{};
};

}  // namespace velaria
