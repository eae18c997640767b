#include "src/similarity/search_scan.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria {
namespace {

constexpr int64_t kMorselBytes = 1 << 20;
// What is converted should still be in the cache when it is scanned.
constexpr int64_t kConvertedMorselBytes = 256 << 10;

int64_t nulls_of(const Column& column, int64_t first_row_id, const RowMask* rows) {
  const Validity& validity = column.validity();
  if (validity.all_valid()) return 0;
  if (rows == nullptr) return validity.count_nulls(column.length());
  int64_t nulls = 0;
  const int64_t end = first_row_id + column.length();
  for (int64_t id = rows->next(first_row_id, end); id < end; id = rows->next(id + 1, end)) {
    nulls += validity.valid(id - first_row_id) ? 0 : 1;
  }
  return nulls;
}

}  // namespace

std::vector<Morsel> cut_into_morsels(const VectorTable& table) {
  const int64_t row_bytes = table.dimension() * static_cast<int64_t>(sizeof(float));
  std::vector<Morsel> morsels;
  for (size_t i = 0; i < table.blocks().size(); ++i) {
    const VectorTable::Block& block = table.blocks()[i];
    const int64_t bytes = block.column ? kMorselBytes : kConvertedMorselBytes;
    const int64_t rows = std::max<int64_t>(1, bytes / row_bytes);
    for (int64_t begin = 0; begin < block.rows; begin += rows) {
      morsels.push_back({i, begin, std::min(block.rows, begin + rows)});
    }
  }
  return morsels;
}

MorselRows::MorselRows(const VectorTable& table, const Morsel& morsel) : first_(0) {
  const VectorTable::Block& block = table.blocks()[morsel.block];
  column_ = block.column;
  if (column_) return;
  column_ = flat_vectors(block.read(morsel.begin, morsel.end - morsel.begin));
  first_ = morsel.begin;
  if (column_->type().list_size() != table.dimension()) {
    throw Error(
        ErrorKind::kTypeMismatch,
        concat("vector search: a part of the column has dimension ", column_->type().list_size(),
               ", but the table has dimension ", table.dimension()));
  }
}

NormCollector::NormCollector(const VectorTable& table, bool wanted) {
  for (const VectorTable::Block& block : table.blocks()) {
    known_.push_back(block.norms->get());
    const bool make = wanted && !known_.back();
    made_.push_back(make ? Buffer::allocate(static_cast<size_t>(block.rows) * sizeof(float))
                         : nullptr);
  }
}

void NormCollector::put(size_t block, int64_t row, const float* norms, int64_t count) {
  if (!made_[block]) return;
  std::memcpy(made_[block]->mutable_data() + static_cast<size_t>(row) * sizeof(float), norms,
              static_cast<size_t>(count) * sizeof(float));
}

void NormCollector::keep(const VectorTable& table) const {
  for (size_t i = 0; i < made_.size(); ++i) {
    if (made_[i]) table.blocks()[i].norms->keep(std::make_shared<VectorNorms>(made_[i]));
  }
}

int64_t count_null_rows(const VectorTable& table, const RowMask* rows) {
  int64_t nulls = 0;
  for (size_t i = 0; i < table.blocks().size(); ++i) {
    const VectorTable::Block& block = table.blocks()[i];
    if (block.column) {
      nulls += nulls_of(*block.column, block.first_row_id, rows);
      continue;
    }
    const int64_t step = std::max<int64_t>(
        1, kConvertedMorselBytes / (table.dimension() * static_cast<int64_t>(sizeof(float))));
    for (int64_t begin = 0; begin < block.rows; begin += step) {
      const ColumnPtr column = block.read(begin, std::min(step, block.rows - begin));
      nulls += nulls_of(*column, block.first_row_id + begin, rows);
    }
  }
  return nulls;
}

bool ScanStop::asked() {
  if (stopped_.load(std::memory_order_relaxed)) return true;
  if (cancellation_ != nullptr && cancellation_->cancelled()) {
    stop();
    cancellation_->throw_if_cancelled();
  }
  return false;
}

void check_request(const VectorTable& table, int64_t top_k, int64_t dimension,
                   const std::vector<float>& queries, const std::optional<double>& threshold,
                   const RowMask* rows) {
  if (top_k < 1) {
    throw Error(ErrorKind::kInvalidArgument,
                concat("vector search: top_k is ", top_k, "; it must be at least 1"));
  }
  if (dimension != table.dimension()) {
    throw Error(ErrorKind::kTypeMismatch,
                concat("vector search: the query has dimension ", dimension,
                       ", but the vectors have dimension ", table.dimension(),
                       "; pass a query of that length"));
  }
  for (size_t i = 0; i < queries.size(); ++i) {
    if (std::isfinite(queries[i])) continue;
    const size_t length = static_cast<size_t>(dimension);
    throw Error(ErrorKind::kInvalidArgument,
                concat("vector search: element ", i % length, " of ",
                       queries.size() > length ? concat("query ", i / length) : "the query", " is ",
                       format_float(queries[i]), "; a query needs finite numbers"));
  }
  if (threshold && std::isnan(*threshold)) {
    throw Error(ErrorKind::kInvalidArgument,
                "vector search: score_threshold is nan; it must be a number");
  }
  VELARIA_CHECK(rows == nullptr || rows->rows() == table.rows());
}

void lower(std::atomic<double>* shared, double value) {
  double seen = shared->load(std::memory_order_relaxed);
  while (value < seen && !shared->compare_exchange_weak(seen, value, std::memory_order_relaxed)) {
  }
}

}  // namespace velaria
