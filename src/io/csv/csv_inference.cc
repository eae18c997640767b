#include "src/io/csv/csv_inference.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <optional>

#include "src/base/thread_pool.h"
#include "src/io/csv/csv_row_start.h"

namespace velaria {

namespace {

constexpr int64_t kBatchRows = 1024;
constexpr uint64_t kBehindAllRanges = UINT64_MAX;  // where a defect is that the cutter finds

// One part of a file looked at by several tasks.
class EvidencePass {
 public:
  EvidencePass(const CsvLayout& layout, const TextPass& pass, uint64_t begin, uint64_t end,
               const std::vector<bool>& wanted, CsvEvidence empty, const FileOpenContext& context)
      : layout_(layout),
        pass_(pass),
        interrupt_check_(context.interrupt_check),
        end_(end),
        wanted_(wanted),
        empty_(empty),
        total_(std::move(empty)),
        cutter_(layout.cut(pass, begin, context.cancellation)) {}

  // Runs on the calling thread until the part is used up or something failed anywhere.
  // `may_be_interrupted`: this is the thread that the caller waits in.
  void work(bool may_be_interrupted) {
    CsvEvidence mine = empty_;
    CsvRange range;
    uint64_t at = kBehindAllRanges;
    try {
      RangeRows rows = layout_.rows();
      std::vector<FieldSpan> spans(kBatchRows);
      while (!failed_.load(std::memory_order_relaxed)) {
        at = kBehindAllRanges;
        if (!layout_.next_range(cutter_.get(), pass_, &range) || range.file_offset >= end_) break;
        at = range.index;
        if (may_be_interrupted && interrupt_check_) interrupt_check_();
        look_at(range, &rows, &spans, &mine);
      }
    } catch (...) {
      std::lock_guard<std::mutex> lock(mutex_);
      // Ranges are handed out in order, so the first defect of the file is always among those
      // found.
      if (!failure_ || at < failed_range_) {
        failure_ = std::current_exception();
        failed_range_ = at;
      }
      failed_.store(true, std::memory_order_relaxed);
      return;
    }
    std::lock_guard<std::mutex> lock(mutex_);
    total_.rows += mine.rows;
    for (size_t i = 0; i < mine.columns.size(); ++i) total_.columns[i].merge(mine.columns[i]);
  }

  CsvEvidence finish() {
    if (failure_) std::rethrow_exception(failure_);
    return std::move(total_);
  }

 private:
  void look_at(const CsvRange& range, RangeRows* rows, std::vector<FieldSpan>* spans,
               CsvEvidence* out) const {
    std::vector<BrokenRow> broken;
    try {
      layout_.start_range(range, rows, &broken);
      while (const int64_t count = rows->next(kBatchRows)) {
        out->rows += count;
        for (size_t column = 0; column < wanted_.size(); ++column) {
          TypeEvidence& evidence = out->columns[column];
          if (!wanted_[column] || !evidence.is_open()) continue;
          rows->spans_of(column, spans->data());
          evidence.observe_rows(range.text(), spans->data(), count, layout_.dialect);
        }
      }
    } catch (const CsvDefect& defect) {
      throw layout_.defect_error(pass_, defect, range.file_offset + defect.offset);
    }
  }

  const CsvLayout& layout_;
  const TextPass& pass_;
  const std::function<void()>& interrupt_check_;
  const uint64_t end_;
  const std::vector<bool>& wanted_;
  const CsvEvidence empty_;
  CsvEvidence total_;
  std::unique_ptr<RangeCutter> cutter_;
  std::atomic<bool> failed_{false};
  std::mutex mutex_;
  std::exception_ptr failure_;
  uint64_t failed_range_ = 0;
};

CsvEvidence run_pass(const CsvLayout& layout, const TextPass& text, uint64_t begin, uint64_t end,
                     const std::vector<bool>& wanted, const CsvEvidence& empty,
                     const FileOpenContext& context) {
  EvidencePass pass(layout, text, begin, end, wanted, empty, context);
  // Unknown ends are far away.
  const uint64_t ranges = (end - begin) / static_cast<uint64_t>(layout.options.range_bytes) + 1;
  const size_t asked = context.tasks == 0 ? usable_cores() : context.tasks;
  const size_t tasks = static_cast<size_t>(std::min<uint64_t>(asked, ranges));
  if (tasks > 1) {
    ThreadPool pool(tasks - 1);
    for (size_t i = 1; i < tasks; ++i) pool.submit([&pass] { pass.work(false); });
    pass.work(true);
  } else {
    pass.work(true);
  }
  return pass.finish();
}

}  // namespace

CsvEvidence gather_evidence(const CsvLayout& layout, const TextPass& pass,
                            const std::vector<bool>& wanted, const FileOpenContext& context) {
  CsvEvidence empty;
  empty.columns.assign(wanted.size(), TypeEvidence(&layout.options.null_words));
  const uint64_t begin = layout.data_begin;
  const std::optional<uint64_t> size = layout.text->text_bytes();
  const uint64_t end = size.value_or(UINT64_MAX);
  const auto sample = static_cast<uint64_t>(layout.options.sample_bytes);
  if (layout.options.on_type_error == TypeErrorPolicy::kWiden || end - begin <= sample) {
    return run_pass(layout, pass, begin, end, wanted, empty, context);
  }
  if (!size) {
    // Compressed text has no middle that could be looked at without what is before it.
    CsvEvidence total = run_pass(layout, pass, begin, begin + sample, wanted, empty, context);
    total.whole_file = false;
    return total;
  }
  const uint64_t part = std::max<uint64_t>(sample / 3, 1);
  CsvEvidence total = run_pass(layout, pass, begin, begin + part, wanted, empty, context);
  total.whole_file = false;
  for (const uint64_t guess : {begin + (end - begin) / 2, end - part}) {
    const auto row_start = guess_row_start(layout, pass, guess);
    if (!row_start) continue;
    try {
      const CsvEvidence more =
          run_pass(layout, pass, *row_start, *row_start + part, wanted, empty, context);
      for (size_t i = 0; i < more.columns.size(); ++i) total.columns[i].merge(more.columns[i]);
      total.rows += more.rows;
    } catch (const Error& error) {
      // A defect may be ours, from a wrong guess; if it is the file's, the scan will find it.
      if (error.kind() != ErrorKind::kFileFormat) throw;
    }
  }
  return total;
}

}  // namespace velaria
