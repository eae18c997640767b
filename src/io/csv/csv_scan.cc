#include "src/io/csv/csv_scan.h"

#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/io/file_source.h"

namespace velaria {

namespace {

// What the tasks of one scan share; they may outlive the scan object.
struct ScanState {
  std::shared_ptr<const CsvLayout> layout;
  ScanRequest request;
  std::shared_ptr<const TextPass> pass;
  std::unique_ptr<RangeCutter> cutter;
};

class CsvScanTask : public ScanTask {
 public:
  explicit CsvScanTask(std::shared_ptr<ScanState> state)
      : state_(std::move(state)),
        rows_(state_->layout->rows()),
        spans_(static_cast<size_t>(state_->request.chunk_rows)) {
    const CsvLayout& layout = *state_->layout;
    for (size_t column : state_->request.columns) {
      decoders_.push_back(ColumnDecoder::make(layout.schema.field(column).type,
                                              layout.inferred[column], layout.dialect));
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
        if (count > 0) {
          fill(count, chunk);
          return true;
        }
        in_range_ = false;
      } catch (const CsvDefect& defect) {
        throw state_->layout->defect_error(*state_->pass, defect,
                                           range_.file_offset + defect.offset);
      }
    }
  }

 private:
  void fill(int64_t count, Chunk* chunk) {
    *chunk = Chunk();
    chunk->rows = count;
    chunk->order = next_order_++;
    for (size_t i = 0; i < decoders_.size(); ++i) {
      const size_t column = state_->request.columns[i];
      const bool has_nulls = rows_.spans_of(column, spans_.data());
      ColumnPtr values;
      const int64_t bad = decoders_[i]->decode(range_.text(), spans_.data(), count, has_nulls,
                                               range_.block, &values);
      if (bad >= 0) {
        const FieldSpan span = spans_[static_cast<size_t>(bad)];
        throw state_->layout->type_error(
            *state_->pass, column, text_of(state_->layout->dialect, range_.text(), span),
            range_.file_offset + rows_.row_offset(bad), range_.file_offset + span.begin);
      }
      chunk->columns.push_back(std::move(values));
    }
  }

  const std::shared_ptr<ScanState> state_;
  RangeRows rows_;
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
                                         const ScanRequest& request) {
  VELARIA_CHECK(request.chunk_rows > 0);
  for (size_t column : request.columns) VELARIA_CHECK(column < layout->schema.size());
  auto state = std::make_shared<ScanState>();
  state->pass = layout->text->open_pass();
  state->cutter = layout->cut(*state->pass, layout->data_begin, request.cancellation);
  state->request = request;
  state->layout = std::move(layout);
  return std::make_unique<CsvScan>(std::move(state));
}

}  // namespace velaria
