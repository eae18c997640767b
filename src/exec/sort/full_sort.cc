#include "src/exec/sort/full_sort.h"

#include <algorithm>
#include <utility>

#include "src/base/buffer.h"
#include "src/base/error.h"
#include "src/exec/scheduler.h"
#include "src/exec/sort/order_keys.h"
#include "src/exec/sort/row_sort.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

// Rows of one piece of the result: enough that a piece is worth a turn of a thread.
constexpr uint32_t kPieceRows = 64 * 1024;

// The numbers of all rows in the order of their keys.
class SortedRows {
 public:
  SortedRows(uint32_t count, const OrderKeys& keys, const ExecutionContext& context)
      : row_bits_(packed_row_bits(count, keys)) {
    if (row_bits_ != 0) {
      sort<uint64_t>(count, [&](uint64_t* rows, uint64_t* scratch) {
        sort_packed_rows(rows, scratch, count, row_bits_, keys, context);
      });
    } else {
      sort<SortedRow>(count, [&](SortedRow* rows, SortedRow* scratch) {
        sort_all_rows(rows, scratch, count, keys, context);
      });
    }
  }

  void copy(uint32_t begin, uint32_t count, uint32_t* out) const {
    if (row_bits_ != 0) {
      const auto* rows = reinterpret_cast<const uint64_t*>(rows_->data()) + begin;
      const uint64_t mask = (uint64_t{1} << row_bits_) - 1;
      for (uint32_t i = 0; i < count; ++i) out[i] = static_cast<uint32_t>(rows[i] & mask);
    } else {
      const auto* rows = reinterpret_cast<const SortedRow*>(rows_->data()) + begin;
      for (uint32_t i = 0; i < count; ++i) out[i] = rows[i].row;
    }
  }

 private:
  template <typename Row, typename Sort>
  void sort(uint32_t count, Sort f) {
    const size_t size_bytes = std::max<size_t>(1, count) * sizeof(Row);
    const auto rows = Buffer::allocate(size_bytes);
    const auto scratch = Buffer::allocate(size_bytes);
    f(reinterpret_cast<Row*>(rows->mutable_data()),
      reinterpret_cast<Row*>(scratch->mutable_data()));
    rows_ = rows;
  }

  const int row_bits_;  // of packed rows; 0: they are SortedRow
  BufferPtr rows_;
};

}  // namespace

std::vector<ColumnPtr> whole_columns(size_t columns, size_t chunks,
                                     const std::function<ColumnPtr(size_t, size_t)>& part,
                                     const ExecutionContext& context) {
  std::vector<ColumnPtr> out(columns);
  run_parallel(
      columns,
      [&](size_t c) {
        std::vector<ColumnPtr> parts;
        parts.reserve(chunks);
        for (size_t i = 0; i < chunks; ++i) parts.push_back(part(c, i));
        out[c] = concatenate(parts);
      },
      context);
  return out;
}

std::vector<Chunk> sort_chunks(std::vector<Chunk> chunks, const std::vector<DataType>& types,
                               const std::vector<SortItem>& items, int64_t offset,
                               const ExecutionContext& context) {
  int64_t all_rows = 0;
  for (const Chunk& chunk : chunks) all_rows += chunk.rows;
  VELARIA_CHECK(all_rows <= int64_t{0xFFFFFFFF});
  if (all_rows <= offset) return {};
  const auto rows = static_cast<uint32_t>(all_rows);
  // Moved out, so that the parts of a column go as soon as it is whole.
  const std::vector<ColumnPtr> columns = whole_columns(
      types.size(), chunks.size(),
      [&chunks](size_t column, size_t chunk) { return std::move(chunks[chunk].columns[column]); },
      context);
  std::vector<ColumnPtr> key_columns;
  std::vector<SortOrder> orders;
  for (const SortItem& item : items) {
    key_columns.push_back(flatten(columns[item.column]));
    orders.push_back({item.descending, item.nulls_first});
  }
  const SortedRows sorted(rows, OrderKeys(key_columns, orders, context), context);

  const auto first = static_cast<uint32_t>(offset);
  std::vector<Chunk> out((rows - first + kPieceRows - 1) / kPieceRows);
  run_parallel(
      out.size(),
      [&](size_t piece) {
        const uint32_t begin = first + static_cast<uint32_t>(piece) * kPieceRows;
        const uint32_t count = std::min(kPieceRows, rows - begin);
        std::vector<uint32_t> places(count);
        sorted.copy(begin, count, places.data());
        out[piece].rows = count;
        for (const ColumnPtr& column : columns) {
          out[piece].columns.push_back(take(column, places.data(), count));
        }
      },
      context);
  return out;
}

}  // namespace velaria
