#include "src/io/csv/csv_scan.h"

#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/io/batch_filter.h"
#include "src/io/file_source.h"

namespace velaria {

namespace {

// What the tasks of one scan share; they may outlive the scan object.
struct ScanState {
  std::shared_ptr<const CsvLayout> layout;
  ScanRequest request;
  ScanFilterPtr filter;
  std::shared_ptr<const TextPass> pass;
  std::unique_ptr<RangeCutter> cutter;
};

class CsvScanTask : public ScanTask {
 public:
  explicit CsvScanTask(std::shared_ptr<ScanState> state)
      : state_(std::move(state)),
        rows_(state_->layout->rows()),
        filter_(state_->filter),
        spans_(static_cast<size_t>(state_->request.chunk_rows)) {
    for (size_t column : state_->request.columns) {
      decoders_.push_back(state_->layout->decoder(column));
    }
  }

  bool next(Chunk* chunk) override {
    const ScanRequest& request = state_->request;
    for (;;) {
      if (request.cancellation != nullptr) request.cancellation->throw_if_cancelled();
      if (!in_range_) {
        if (!state_->layout->next_range(state_->cutter.get(), *state_->pass, &range_)) return false;
      }
      try {
        if (!in_range_) {
          state_->layout->start_range(range_, &rows_, &broken_);
          in_range_ = true;
          next_order_ = first_chunk_order(range_.file_offset, range_.index, request.chunk_rows);
        }
        const int64_t count = rows_.next(request.chunk_rows);
        in_range_ = count > 0;
        if (count > 0 && fill(count, chunk)) return true;
      } catch (const CsvDefect& defect) {
        throw state_->layout->defect_error(*state_->pass, defect,
                                           range_.file_offset + defect.offset);
      }
    }
  }

 private:
  // False when no row of the batch is wanted.
  bool fill(int64_t count, Chunk* chunk) {
    *chunk = Chunk();
    chunk->rows = count;
    chunk->order = next_order_++;
    chunk->columns.resize(decoders_.size());
    if (filter_.wanted()) {
      for (size_t place : filter_.columns()) decode(place, count, chunk);
      if (!filter_.look_at(chunk)) return false;
    }
    for (size_t i = 0; i < decoders_.size(); ++i) {
      if (!chunk->columns[i]) decode(i, count, chunk);
    }
    return true;
  }

  // Of the batch's `count` rows those that the filter has left.
  void decode(size_t i, int64_t count, Chunk* chunk) {
    const size_t column = state_->request.columns[i];
    const bool has_nulls = rows_.spans_of(column, spans_.data());
    const std::vector<uint32_t>* const wanted = filter_.rows();
    if (wanted != nullptr) {
      for (size_t row = 0; row < wanted->size(); ++row) spans_[row] = spans_[(*wanted)[row]];
      count = static_cast<int64_t>(wanted->size());
    }
    const int64_t bad = decoders_[i]->decode(range_.text(), spans_.data(), count, has_nulls,
                                             range_.block, &chunk->columns[i]);
    if (bad < 0) return;
    const auto row = wanted == nullptr ? bad : int64_t{(*wanted)[static_cast<size_t>(bad)]};
    const FieldSpan span = spans_[static_cast<size_t>(bad)];
    throw state_->layout->type_error(
        *state_->pass, column, text_of(state_->layout->dialect, range_.text(), span),
        range_.file_offset + rows_.row_offset(row), range_.file_offset + span.begin);
  }

  const std::shared_ptr<ScanState> state_;
  RangeRows rows_;
  BatchFilter filter_;
  std::vector<FieldSpan> spans_;
  std::vector<std::unique_ptr<ColumnDecoder>> decoders_;
  CsvRange range_;
  std::vector<BrokenRow> broken_;  // known since the file was opened
  bool in_range_ = false;
  uint64_t next_order_ = 0;
};

class CsvScan : public TableScan {
 public:
  explicit CsvScan(std::shared_ptr<ScanState> state) : state_(std::move(state)) {}
  std::unique_ptr<ScanTask> new_task() override { return std::make_unique<CsvScanTask>(state_); }

 private:
  const std::shared_ptr<ScanState> state_;
};

}  // namespace

std::unique_ptr<TableScan> make_csv_scan(std::shared_ptr<const CsvLayout> layout,
                                         const ScanRequest& request, ScanFilterPtr filter) {
  VELARIA_CHECK(request.chunk_rows > 0);
  for (size_t column : request.columns) VELARIA_CHECK(column < layout->schema.size());
  auto state = std::make_shared<ScanState>();
  state->pass = layout->text->open_pass();
  state->cutter = layout->cut(*state->pass, layout->data_begin, request.cancellation);
  state->request = request;
  if (filter && may_filter_first(*filter, request,
                                 [&](size_t column) { return layout->always_fits(column); })) {
    state->filter = std::move(filter);
  }
  state->layout = std::move(layout);
  return std::make_unique<CsvScan>(std::move(state));
}

}  // namespace velaria
