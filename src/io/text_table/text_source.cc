#include "src/io/text_table/text_source.h"

#include <algorithm>
#include <utility>

#include "src/base/text.h"
#include "src/base/thread_pool.h"
#include "src/io/batch_filter.h"

namespace velaria {

namespace {

constexpr int64_t kBatchRows = 1024;

// What the tasks of one scan share; they may outlive the scan object.
struct ScanState {
  std::shared_ptr<const TextLayout> layout;
  ScanRequest request;
  ScanFilterPtr filter;
  std::shared_ptr<const TextPass> pass;
  std::unique_ptr<TextRangeCutter> cutter;
};

class TextScanTask : public ScanTask {
 public:
  explicit TextScanTask(std::shared_ptr<ScanState> state)
      : state_(std::move(state)),
        rows_(state_->layout->read_rows(state_->request.columns, nullptr)),
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
        if (!in_range_) start_range();
        const int64_t count = rows_->next(request.chunk_rows);
        in_range_ = count > 0;
        if (count > 0 && fill(count, chunk)) return true;
      } catch (const TextDefect& defect) {
        throw state_->layout->defect_error(*state_->pass, defect,
                                           range_.file_offset + defect.offset);
      }
    }
  }

 private:
  void start_range() {
    rows_->start(&range_);
    next_order_ = first_chunk_order(range_.file_offset, range_.index, state_->request.chunk_rows);
    misfits_.clear();
    next_misfit_ = 0;
    if (const auto& rejected = state_->layout->rejected) {
      misfits_ = rejected->misfits_in(range_.file_offset, range_.size_bytes);
    }
  }

  // The rows of a batch that are wanted; none is left out when that is all of them.
  bool leave_out_misfits(int64_t count) {
    kept_.clear();
    const size_t first_misfit = next_misfit_;
    for (int64_t row = 0; row < count && next_misfit_ < misfits_.size(); ++row) {
      if (rows_->row_offset(row) == misfits_[next_misfit_]) {
        ++next_misfit_;
      } else {
        kept_.push_back(row);
      }
    }
    if (next_misfit_ == first_misfit) return false;
    // Behind the last misfit of the range every row is wanted.
    for (auto row = static_cast<int64_t>(kept_.size() + next_misfit_ - first_misfit); row < count;
         ++row) {
      kept_.push_back(row);
    }
    return true;
  }

  // False when no row of the batch is wanted.
  bool fill(int64_t count, Chunk* chunk) {
    some_only_ = leave_out_misfits(count);
    if (some_only_) count = static_cast<int64_t>(kept_.size());
    *chunk = Chunk();
    chunk->rows = count;
    chunk->order = next_order_++;
    if (count == 0) return false;
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

  // Of the batch's `count` rows that fit, those that the filter has left.
  void decode(size_t i, int64_t count, Chunk* chunk) {
    const bool has_nulls = rows_->spans_of(i, spans_.data());
    const std::vector<uint32_t>* const wanted = filter_.rows();
    if (wanted != nullptr) count = static_cast<int64_t>(wanted->size());
    const auto row_of = [&](int64_t row) {
      if (wanted != nullptr) row = (*wanted)[static_cast<size_t>(row)];
      return some_only_ ? kept_[static_cast<size_t>(row)] : row;
    };
    if (some_only_ || wanted != nullptr) {
      for (int64_t row = 0; row < count; ++row) {
        spans_[static_cast<size_t>(row)] = spans_[static_cast<size_t>(row_of(row))];
      }
    }
    const int64_t bad = decoders_[i]->decode(range_.text(), spans_.data(), count, has_nulls,
                                             range_.block, &chunk->columns[i]);
    if (bad < 0) return;
    const FieldSpan span = spans_[static_cast<size_t>(bad)];
    throw state_->layout->type_error(*state_->pass, state_->request.columns[i],
                                     std::string(range_.text() + span.begin, span.length()),
                                     range_.file_offset + rows_->row_offset(row_of(bad)));
  }

  const std::shared_ptr<ScanState> state_;
  std::unique_ptr<RowReader> rows_;
  BatchFilter filter_;
  std::vector<FieldSpan> spans_;
  std::vector<std::unique_ptr<ColumnDecoder>> decoders_;
  TextRange range_;
  bool in_range_ = false;
  uint64_t next_order_ = 0;
  std::vector<size_t> misfits_;  // of the range
  size_t next_misfit_ = 0;
  std::vector<int64_t> kept_;  // of the batch, when not all fit
  bool some_only_ = false;
};

class TextScan : public TableScan {
 public:
  explicit TextScan(std::shared_ptr<ScanState> state) : state_(std::move(state)) {}
  std::unique_ptr<ScanTask> new_task() override { return std::make_unique<TextScanTask>(state_); }

 private:
  const std::shared_ptr<ScanState> state_;
};

// Looks for what is left out; one per thread.
class RejectVisitor : public RangeVisitor {
 public:
  RejectVisitor(const TextLayout& layout, const std::vector<size_t>& columns,
                std::function<void(RejectedRows)> give)
      : layout_(layout),
        columns_(columns),
        give_(std::move(give)),
        rows_(layout.read_rows(columns, &found_)),
        spans_(static_cast<size_t>(kBatchRows)) {
    for (size_t column : columns) decoders_.push_back(layout.decoder(column));
  }

  void visit(TextRange* range) override {
    rows_->start(range);
    while (const int64_t count = rows_->next(kBatchRows)) {
      found_.good_rows += count;
      rejected_.assign(static_cast<size_t>(count), false);
      for (size_t i = 0; i < columns_.size(); ++i) {
        rows_->spans_of(i, spans_.data());
        bad_.clear();
        decoders_[i]->find_misfits(range->text(), spans_.data(), count, &bad_);
        for (const int64_t row : bad_) reject(*range, row, layout_.schema.field(columns_[i]));
      }
    }
  }

  void finish() override { give_(std::move(found_)); }

 private:
  // For the first of its columns.
  void reject(const TextRange& range, int64_t row, const Field& field) {
    if (rejected_[static_cast<size_t>(row)]) return;
    rejected_[static_cast<size_t>(row)] = true;
    const FieldSpan span = spans_[static_cast<size_t>(row)];
    const uint64_t at = range.file_offset + rows_->row_offset(row);
    found_.misfits.push_back(at);
    found_.add({layout_.path(), 0, static_cast<int64_t>(at), field.name,
                std::string(range.text() + span.begin, span.length()),
                concat("the value is not ", field.type.to_string())});
    --found_.good_rows;
  }

  const TextLayout& layout_;
  const std::vector<size_t> columns_;
  const std::function<void(RejectedRows)> give_;
  RejectedRows found_;
  std::unique_ptr<RowReader> rows_;
  std::vector<FieldSpan> spans_;
  std::vector<std::unique_ptr<ColumnDecoder>> decoders_;
  std::vector<bool> rejected_;
  std::vector<int64_t> bad_;
};

}  // namespace

std::string TextSource::describe() const {
  const std::string stored_as = layout_->text->stored_as();
  return concat(layout_->format(), " '", layout_->path(), "'",
                stored_as.empty() ? "" : concat(" (", stored_as, ")"));
}

std::unique_ptr<TableScan> TextSource::scan_filtered(const ScanRequest& request,
                                                     ScanFilterPtr filter) const {
  VELARIA_CHECK(request.chunk_rows > 0);
  for (size_t column : request.columns) VELARIA_CHECK(column < layout_->schema.size());
  auto state = std::make_shared<ScanState>();
  state->pass = layout_->text->open_pass();
  state->cutter = layout_->cut(*state->pass, request.cancellation);
  state->request = request;
  if (filter && may_filter_first(*filter, request, [&](size_t column) {
        return layout_->inferred[column] || layout_->rejected != nullptr ||
               layout_->schema.field(column).type.is_string();
      })) {
    state->filter = std::move(filter);
  }
  state->layout = layout_;
  return std::make_unique<TextScan>(std::move(state));
}

uint64_t TextSource::order_bound(int64_t chunk_rows) const {
  return chunk_order_bound(layout_->text->most_text_bytes(), layout_->range_bytes(), chunk_rows);
}

const RejectedRows& TextSource::rejected() const {
  static const RejectedRows none;
  return layout_->rejected ? *layout_->rejected : none;
}

std::vector<std::string> TextSource::warnings() const {
  std::vector<std::string> out = layout_->warnings;
  for (std::string& warning : rejected().warnings()) out.push_back(std::move(warning));
  return out;
}

TableSourcePtr TextSource::rejects() const {
  return layout_->rejected ? make_reject_table(layout_->rejected->kept) : nullptr;
}

std::shared_ptr<const TextLayout> TextSource::layout_with(
    const std::vector<DataType>& types) const {
  std::vector<Field> fields = layout_->schema.fields();
  for (size_t i = 0; i < fields.size(); ++i) {
    VELARIA_CHECK(layout_->inferred[i] || fields[i].type == types[i]);
    fields[i].type = types[i];
  }
  return layout_->with_schema(Schema(std::move(fields)));
}

void visit_ranges(const TextLayout& layout, const TextPass& pass, const FileOpenContext& context,
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
      (size - layout.text->text_begin()) / static_cast<uint64_t>(layout.range_bytes()) + 1;
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

RejectedRows find_text_rejects(const TextLayout& layout, const TextPass& pass,
                               const FileOpenContext& context, const std::vector<size_t>& columns) {
  std::mutex mutex;
  RejectedRows total;
  visit_ranges(layout, pass, context, [&] {
    return std::make_unique<RejectVisitor>(layout, columns, [&](RejectedRows part) {
      const std::lock_guard<std::mutex> lock(mutex);
      total.merge(std::move(part));
    });
  });
  total.finish(pass);
  return total;
}

std::vector<size_t> columns_that_may_not_fit(const TextLayout& layout) {
  std::vector<size_t> out;
  for (size_t i = 0; i < layout.schema.size(); ++i) {
    if (!layout.inferred[i] && !layout.schema.field(i).type.is_string()) out.push_back(i);
  }
  return out;
}

}  // namespace velaria
