// What the scans of one query and of many share. Internal to this room.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/base/buffer.h"
#include "src/similarity/exact_search.h"

namespace velaria {

// Rows that a thread takes at a time: long enough for the prefetchers, short enough to share evenly
// and to end soon.
struct Morsel {
  size_t block;
  int64_t begin;
  int64_t end;
};

std::vector<Morsel> cut_into_morsels(const VectorTable& table);

// The rows of a morsel as flat vectors: where they lie, or converted.
class MorselRows {
 public:
  // TypeMismatchError when a conversion gave another dimension.
  MorselRows(const VectorTable& table, const Morsel& morsel);

  // `row` counts within the block.
  const float* vector_at(int64_t row) const { return column_->vector_at(row - first_); }
  bool valid(int64_t row) const { return column_->validity().valid(row - first_); }

 private:
  ColumnPtr column_;
  int64_t first_;
};

// Norms that a scan comes by, kept with the table when the scan read every row.
class NormCollector {
 public:
  // Those blocks that have none, unless `wanted` is false.
  NormCollector(const VectorTable& table, bool wanted);

  // The norms of a block that are there: null or all of them.
  const float* known(size_t block) const {
    return known_[block] ? known_[block]->values() : nullptr;
  }
  // Called once for every row of a block by whichever thread read it.
  void put(size_t block, int64_t row, const float* norms, int64_t count);
  void keep(const VectorTable& table) const;

 private:
  std::vector<VectorNormsPtr> known_;
  std::vector<std::shared_ptr<Buffer>> made_;
};

// NULL rows among those of the mask; reads converted blocks.
int64_t count_null_rows(const VectorTable& table, const RowMask* rows);

// Stops the tasks of a scan.
class ScanStop {
 public:
  explicit ScanStop(const CancellationToken* cancellation) : cancellation_(cancellation) {}

  // True when the others stopped; throws when the scan was cancelled.
  bool asked();
  void stop() { stopped_.store(true, std::memory_order_relaxed); }
  std::atomic<bool>* flag() { return &stopped_; }

 private:
  const CancellationToken* cancellation_;
  std::atomic<bool> stopped_{false};
};

void check_request(const VectorTable& table, int64_t top_k, int64_t dimension,
                   const std::vector<float>& queries, const std::optional<double>& threshold,
                   const RowMask* rows);

// Lowers `shared` to `value` when that is smaller.
void lower(std::atomic<double>* shared, double value);

}  // namespace velaria
