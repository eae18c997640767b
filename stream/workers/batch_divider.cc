#include "stream/workers/batch_divider.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "src/base/error.h"
#include "src/exec/spill/key_partitions.h"
#include "src/expr/evaluator.h"
#include "src/kernel/hash.h"
#include "src/kernel/take.h"

namespace velaria {

std::vector<uint8_t> owners_of_keys(const std::vector<ColumnPtr>& keys, int64_t rows,
                                    size_t workers) {
  const std::vector<uint64_t> hashes = hash_keys(keys, rows);
  std::vector<uint8_t> out(hashes.size());
  for (size_t i = 0; i < out.size(); ++i) {
    // Hashed once more: the tables of one worker must not see hashes that are alike.
    const uint64_t hash = hash_word(hashes[i] ^ 0x8EBC6AF09C88C6E3ull);
    out[i] = static_cast<uint8_t>(((hash >> 32) * workers) >> 32);
  }
  return out;
}

BatchDivider::BatchDivider(const WorkerPlan& plan, const std::vector<size_t>& columns,
                           size_t source_columns, size_t workers)
    : plan_(plan), is_read_(source_columns, false), workers_(workers) {
  for (const size_t column : columns) is_read_[column] = true;
}

ColumnPtr BatchDivider::owners(const Chunk& chunk) const {
  if (!plan_.divides_by_key() || workers_ == 1) return nullptr;
  const auto owners = std::make_shared<std::vector<uint8_t>>(static_cast<size_t>(chunk.rows));
  find_owners(chunk, owners->data());
  return Column::flat(DataType(TypeId::kUInt8), chunk.rows,
                      Buffer::wrap(owners->data(), owners->size(), owners), 0, Validity());
}

// A key may fail on rows that a filter would have left out. Such a row goes to the first worker:
// should the filter let it through, the key fails there as it would in one process.
void BatchDivider::find_owners(const Chunk& chunk, uint8_t* owners) const {
  try {
    EvaluationBatch batch(chunk);
    std::vector<ColumnPtr> keys;
    for (const BoundExpressionPtr& key : plan_.division_keys) {
      keys.push_back(evaluate(*key, batch));
    }
    const std::vector<uint8_t> found = owners_of_keys(keys, chunk.rows, workers_);
    std::copy(found.begin(), found.end(), owners);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kResource || error.kind() == ErrorKind::kInternal) throw;
    if (chunk.rows == 1) {
      *owners = 0;
      return;
    }
    const int64_t half = chunk.rows / 2;
    find_owners(slice_chunk(chunk, 0, half), owners);
    find_owners(slice_chunk(chunk, half, chunk.rows - half), owners + half);
  }
}

std::vector<DividedFrame> BatchDivider::divide(const EpochSource& batch) const {
  ScanRequest request;
  request.columns.resize(is_read_.size());
  std::iota(request.columns.begin(), request.columns.end(), size_t{0});
  const std::unique_ptr<TableScan> scan = batch.scan(request);
  const std::unique_ptr<ScanTask> task = scan->new_task();
  const auto all_rows = static_cast<uint64_t>(std::max<int64_t>(batch.known_rows().value_or(0), 1));
  std::vector<DividedFrame> out;
  uint64_t rows_before = 0;
  Chunk chunk;
  while (task->next(&chunk)) {
    ColumnPtr owner = owners(chunk);
    std::vector<ColumnPtr> columns;
    for (size_t i = 0; i < chunk.columns.size(); ++i) {
      columns.push_back(is_read_[i] ? std::move(chunk.columns[i]) : nullptr);
    }
    columns.push_back(std::move(owner));
    const auto worker = static_cast<size_t>(rows_before * workers_ / all_rows);
    rows_before += static_cast<uint64_t>(chunk.rows);
    out.push_back(
        {FrameWriter(std::move(columns), chunk.rows), chunk.order, worker, plan_.divides_by_key()});
  }
  return out;
}

}  // namespace velaria
