// A column of results, filled row by row in any order and by several threads, each its own rows.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "src/column/column.h"

namespace velaria {

constexpr uint32_t kNoRow = ~uint32_t{0};

class ResultColumn {
 public:
  virtual ~ResultColumn() = default;
  // Rows [first, first + count) as a column; after everything is filled. Any thread.
  virtual ColumnPtr part(int64_t first, int64_t count) const = 0;
};

// Values of its own.
class ValueColumn : public ResultColumn {
 public:
  // `nullable`: whether set_null() may be called.
  ValueColumn(DataType type, uint32_t rows, bool nullable);

  template <typename T>
  T* values() {
    return reinterpret_cast<T*>(values_->mutable_data());
  }
  void set_null(uint32_t row) {
    missing_->mutable_data()[row] = 1;
    if (!any_missing_.load(std::memory_order_relaxed)) any_missing_.store(true);
  }
  // Row i of `from` becomes row rows[i].
  void scatter(const ColumnPtr& from, const uint32_t* rows, int64_t count);

  ColumnPtr part(int64_t first, int64_t count) const override;

 private:
  DataType type_;
  std::shared_ptr<Buffer> values_;
  std::shared_ptr<Buffer> missing_;  // a byte a row
  std::atomic<bool> any_missing_{false};
  std::mutex mutex_;
  std::shared_ptr<StringOwners> owners_;
};

// Values of other rows of the input.
class PickedColumn : public ResultColumn {
 public:
  // Row i is row picks()[i] of `source`; where that is kNoRow, row i of `otherwise`, or NULL when
  // there is none.
  PickedColumn(ColumnPtr source, ColumnPtr otherwise, uint32_t rows);
  uint32_t* picks() { return picks_.data(); }

  ColumnPtr part(int64_t first, int64_t count) const override;

 private:
  ColumnPtr source_;
  ColumnPtr otherwise_;
  std::vector<uint32_t> picks_;
};

}  // namespace velaria
