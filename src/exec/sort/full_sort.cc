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

class SortedRows {
 public:
  SortedRows(uint32_t count, const OrderKeys& keys, const ExecutionContext& context)
      : rows_(Buffer::allocate(std::max<size_t>(1, count) * sizeof(SortedRow))) {
    const auto scratch = Buffer::allocate(std::max<size_t>(1, count) * sizeof(SortedRow));
    sort_all_rows(reinterpret_cast<SortedRow*>(rows_->mutable_data()),
                  reinterpret_cast<SortedRow*>(scratch->mutable_data()), count, keys, context);
  }
  const SortedRow& operator[](size_t i) const {
    return reinterpret_cast<const SortedRow*>(rows_->data())[i];
  }

 private:
  std::shared_ptr<Buffer> rows_;
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
        for (uint32_t i = 0; i < count; ++i) places[i] = sorted[begin + i].row;
        out[piece].rows = count;
        for (const ColumnPtr& column : columns) {
          out[piece].columns.push_back(take(column, places.data(), count));
        }
      },
      context);
  return out;
}

}  // namespace velaria
