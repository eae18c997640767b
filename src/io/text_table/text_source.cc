#include "src/io/text_table/text_source.h"

#include <algorithm>
#include <utility>

#include "src/base/text.h"
#include "src/base/thread_pool.h"

namespace velaria {

namespace {

// See csv_scan.cc: what is left of an order is enough for a file of 500 GB.
constexpr int kChunkBits = 21;

// What the tasks of one scan share; they may outlive the scan object.
struct ScanState {
  std::shared_ptr<const TextLayout> layout;
  ScanRequest request;
  std::shared_ptr<const TextPass> pass;
  std::unique_ptr<TextRangeCutter> cutter;
};

class TextScanTask : public ScanTask {
 public:
  explicit TextScanTask(std::shared_ptr<ScanState> state)
      : state_(std::move(state)),
        rows_(state_->layout->read_rows(state_->request.columns, nullptr)),
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
          rows_->start(&range_);
          in_range_ = true;
          next_order_ = range_.index << kChunkBits;
        }
        const int64_t count = rows_->next(request.chunk_rows);
        if (count > 0) {
          fill(count, chunk);
          return true;
        }
        in_range_ = false;
      } catch (const TextDefect& defect) {
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
      const bool has_nulls = rows_->spans_of(i, spans_.data());
      ColumnPtr values;
      const int64_t bad = decoders_[i]->decode(range_.text(), spans_.data(), count, has_nulls,
                                               range_.block, &values);
      if (bad >= 0) {
        const FieldSpan span = spans_[static_cast<size_t>(bad)];
        throw state_->layout->type_error(*state_->pass, state_->request.columns[i],
                                         std::string(range_.text() + span.begin, span.length()),
                                         range_.file_offset + rows_->row_offset(bad));
      }
      chunk->columns.push_back(std::move(values));
    }
  }

  const std::shared_ptr<ScanState> state_;
  std::unique_ptr<RowReader> rows_;
  std::vector<FieldSpan> spans_;
  std::vector<std::unique_ptr<ColumnDecoder>> decoders_;
  TextRange range_;
  bool in_range_ = false;
  uint64_t next_order_ = 0;
};

class TextScan : public TableScan {
 public:
  explicit TextScan(std::shared_ptr<ScanState> state) : state_(std::move(state)) {}
  std::unique_ptr<ScanTask> new_task() override { return std::make_unique<TextScanTask>(state_); }

 private:
  const std::shared_ptr<ScanState> state_;
};

}  // namespace

std::string TextSource::describe() const {
  const std::string stored_as = layout_->text->stored_as();
  return concat(layout_->format(), " '", layout_->path(), "'",
                stored_as.empty() ? "" : concat(" (", stored_as, ")"));
}

std::unique_ptr<TableScan> TextSource::scan(const ScanRequest& request) const {
  VELARIA_CHECK(request.chunk_rows > 0);
  for (size_t column : request.columns) VELARIA_CHECK(column < layout_->schema.size());
  auto state = std::make_shared<ScanState>();
  state->pass = layout_->text->open_pass();
  state->cutter = layout_->cut(*state->pass, request.cancellation);
  state->request = request;
  state->layout = layout_;
  return std::make_unique<TextScan>(std::move(state));
}

void visit_ranges(const TextLayout& layout, const TextPass& pass, const FileOpenContext& context,
                  int64_t range_bytes,
                  const std::function<std::unique_ptr<RangeVisitor>()>& new_visitor) {
  const auto cutter = layout.cut(pass, context.cancellation);
  std::atomic<bool> failed{false};
  std::mutex mutex;
  std::exception_ptr failure;
  uint64_t failed_range = UINT64_MAX;
  // `may_be_interrupted`: this is the thread that the caller waits in.
  const auto work = [&](bool may_be_interrupted) {
    TextRange range;
    uint64_t at = UINT64_MAX - 1;  // a defect that the cutter finds is behind all ranges
    try {
      const std::unique_ptr<RangeVisitor> visitor = new_visitor();
      for (;;) {
        at = UINT64_MAX - 1;
        if (failed.load(std::memory_order_relaxed)) return;
        if (!layout.next_range(cutter.get(), pass, &range)) break;
        at = range.index;
        if (may_be_interrupted && context.interrupt_check) context.interrupt_check();
        try {
          visitor->visit(&range);
        } catch (const TextDefect& defect) {
          throw layout.defect_error(pass, defect, range.file_offset + defect.offset);
        }
      }
      visitor->finish();
    } catch (...) {
      const std::lock_guard<std::mutex> lock(mutex);
      // Ranges are handed out in order, so the first defect of the file is among those found.
      if (at < failed_range) {
        failure = std::current_exception();
        failed_range = at;
      }
      failed.store(true, std::memory_order_relaxed);
    }
  };
  // Unknown ends are far away.
  const uint64_t size = layout.text->text_bytes().value_or(UINT64_MAX);
  const uint64_t ranges =
      (size - layout.text->text_begin()) / static_cast<uint64_t>(range_bytes) + 1;
  const size_t asked = context.tasks == 0 ? usable_cores() : context.tasks;
  const auto tasks = static_cast<size_t>(std::min<uint64_t>(asked, ranges));
  if (tasks > 1) {
    ThreadPool pool(tasks - 1);
    for (size_t i = 1; i < tasks; ++i) pool.submit([&work] { work(false); });
    work(true);
  } else {
    work(true);
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace velaria
