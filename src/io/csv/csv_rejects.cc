#include "src/io/csv/csv_rejects.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <memory>
#include <mutex>

#include "src/base/text.h"
#include "src/base/thread_pool.h"
#include "src/io/csv/csv_decode.h"

namespace velaria {

namespace {

constexpr int64_t kBatchRows = 1024;

class RejectPass {
 public:
  RejectPass(const CsvLayout& layout, const TextPass& pass, const FileOpenContext& context)
      : layout_(layout),
        pass_(pass),
        interrupt_check_(context.interrupt_check),
        cutter_(layout.cut(pass, layout.data_begin, context.cancellation)) {}

  void work(bool may_be_interrupted) {
    RejectedRows mine;
    try {
      RangeRows rows = layout_.rows();
      std::vector<std::unique_ptr<ColumnDecoder>> decoders;
      for (size_t i = 0; i < layout_.schema.size(); ++i) {
        const bool text = layout_.schema.field(i).type.is_string();
        decoders.push_back(text ? nullptr : layout_.decoder(i));
      }
      CsvRange range;
      while (!failed_.load(std::memory_order_relaxed) &&
             layout_.next_range(cutter_.get(), pass_, &range)) {
        if (may_be_interrupted && interrupt_check_) interrupt_check_();
        look_at(range, decoders, &rows, &mine);
      }
    } catch (...) {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
      failed_.store(true, std::memory_order_relaxed);
      return;
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    total_.merge(std::move(mine));
  }

  RejectedRows finish() {
    if (failure_) std::rethrow_exception(failure_);
    total_.finish(pass_);
    return std::move(total_);
  }

 private:
  struct Misfit {
    int64_t row;
    size_t column;
    std::string value;
  };

  void look_at(const CsvRange& range, const std::vector<std::unique_ptr<ColumnDecoder>>& decoders,
               RangeRows* rows, RejectedRows* out) const {
    std::vector<BrokenRow> broken;
    std::vector<FieldSpan> spans(static_cast<size_t>(kBatchRows));
    std::vector<int64_t> bad;
    rows->start(range.text(), range.size_bytes, &broken);
    while (const int64_t count = rows->next(kBatchRows)) {
      std::vector<Misfit> misfits;
      for (size_t column = 0; column < decoders.size(); ++column) {
        if (!decoders[column]) continue;
        rows->spans_of(column, spans.data());
        bad.clear();
        decoders[column]->find_misfits(range.text(), spans.data(), count, &bad);
        for (const int64_t row : bad) {
          const FieldSpan span = spans[static_cast<size_t>(row)];
          misfits.push_back({row, column, text_of(layout_.dialect, range.text(), span)});
        }
      }
      // A row is rejected once, for the first of its columns.
      std::stable_sort(misfits.begin(), misfits.end(),
                       [](const Misfit& a, const Misfit& b) { return a.row < b.row; });
      int64_t last = -1;
      for (Misfit& misfit : misfits) {
        if (misfit.row == last) continue;
        last = misfit.row;
        const uint64_t at = range.file_offset + rows->row_offset(misfit.row);
        const Field& field = layout_.schema.field(misfit.column);
        out->misfits.push_back(at);
        out->add({layout_.path(), 0, static_cast<int64_t>(at), field.name, std::move(misfit.value),
                  concat("the value is not ", field.type.to_string())});
        --out->good_rows;
      }
      out->good_rows += count;
    }
    for (const BrokenRow& row : broken) {
      std::string text(range.text() + row.begin, row.end - row.begin);
      while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
      out->add({layout_.path(), 0, static_cast<int64_t>(range.file_offset + row.begin),
                std::nullopt, std::move(text),
                row.kind == CsvDefect::Kind::kEncoding ? layout_.text->bad_bytes() : row.reason});
    }
  }

  const CsvLayout& layout_;
  const TextPass& pass_;
  const std::function<void()>& interrupt_check_;
  std::unique_ptr<RangeCutter> cutter_;
  std::atomic<bool> failed_{false};
  std::mutex mutex_;
  std::exception_ptr failure_;
  RejectedRows total_;
};

}  // namespace

RejectedRows find_csv_rejects(const CsvLayout& layout, const TextPass& pass,
                              const FileOpenContext& context) {
  RejectPass work(layout, pass, context);
  const size_t tasks = context.tasks == 0 ? usable_cores() : context.tasks;
  if (tasks > 1) {
    ThreadPool pool(tasks - 1);
    for (size_t i = 1; i < tasks; ++i) pool.submit([&work] { work.work(false); });
    work.work(true);
  } else {
    work.work(true);
  }
  return work.finish();
}

}  // namespace velaria
