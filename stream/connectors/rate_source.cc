#include "stream/connectors/rate_source.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/builder.h"
#include "src/column/calendar.h"
#include "src/io/option_texts.h"
#include "stream/connectors/offset_number.h"

namespace velaria {

namespace {

constexpr int64_t kMostRowsPerSecond = 1'000'000'000;
constexpr int64_t kMostBatchRows = int64_t{1} << 20;
constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
// Waits follow the source's clock, which a test may hold still: it is looked at this often.
constexpr std::chrono::milliseconds kClockLook{20};

void require_range(const char* name, int64_t value, int64_t least, int64_t most) {
  if (value >= least && value <= most) return;
  throw Error(ErrorKind::kInvalidArgument,
              concat(name, "=", value, " must be from ", least, " to ", most));
}

class RateStream : public StreamSource {
 public:
  explicit RateStream(RateOptions options)
      : options_(std::move(options)),
        clock_(options_.clock ? options_.clock : system_clock()),
        schema_({{"sequence", DataType(TypeId::kInt64)},
                 {"ts", DataType::timestamp(TimeUnit::kMicro)}}) {
    require_range("rows_per_second", options_.rows_per_second, 1, kMostRowsPerSecond);
    if (options_.rows) require_range("rows", *options_.rows, 0, kMost);
    if (options_.batch_rows) require_range("batch_rows", *options_.batch_rows, 1, kMostBatchRows);
    batch_rows_ = options_.batch_rows.value_or(
        std::clamp<int64_t>(options_.rows_per_second / 10, 1, int64_t{1} << 16));
    // Seconds that are left until times end, in rows.
    const int64_t seconds = (kMost - std::max<int64_t>(options_.start_us, 0)) / 1'000'000 - 1;
    const int64_t most_rows =
        seconds > kMost / options_.rows_per_second ? kMost : seconds * options_.rows_per_second;
    if (options_.rows && *options_.rows > most_rows) {
      throw Error(ErrorKind::kInvalidArgument,
                  concat("rows=", *options_.rows, ": the times of rows behind ", most_rows,
                         " are out of range; give fewer rows, or an earlier start"));
    }
    rows_ = options_.rows.value_or(most_rows);
  }

  const Schema& schema() const override { return schema_; }
  bool bounded() const override { return options_.rows.has_value(); }
  std::string describe() const override {
    return concat("rate of ", options_.rows_per_second, " rows a second");
  }
  bool wants_markers() const override { return false; }
  bool can_restore() const override { return true; }

  void open(const StreamContext& context) override {
    idle_wait_ms_ = context.idle_wait_ms;
    next_ = 0;
    begin_ns_.reset();
  }

  SourceStatus next(StreamBatch* batch) override {
    if (next_ >= rows_) return SourceStatus::kEnd;
    if (!begin_ns_) {
      begin_ns_ = clock_->steady_ns();
      first_ = next_;
    }
    const int64_t end = next_ + std::min(batch_rows_, rows_ - next_);
    if (options_.paced && !wait_until(due_ns(end - 1))) return SourceStatus::kBlocked;
    batch->chunks = {rows_between(next_, end)};
    next_ = end;
    batch->source_offset = std::to_string(next_);
    return SourceStatus::kBatch;
  }

  void restore(std::string_view offset) override {
    int64_t rows = -1;
    if (!read_offset_number(offset, &rows) || rows < 0 || rows > rows_) {
      throw Error(ErrorKind::kCheckpoint,
                  concat("'", excerpt(offset), "' is no offset of the ", describe(),
                         ": it counts rows, from 0 to ", rows_));
    }
    next_ = rows;
  }

  void wake() override {
    const std::lock_guard<std::mutex> lock(mutex_);
    woken_ = true;
    wake_.notify_all();
  }

 private:
  // When a row comes, on the steady clock.
  int64_t due_ns(int64_t row) const {
    constexpr int64_t kSecond = 1'000'000'000;
    const int64_t since = row - first_;
    const int64_t rate = options_.rows_per_second;
    if (since / rate >= (kMost - *begin_ns_) / kSecond - 1) return kMost;
    return *begin_ns_ + since / rate * kSecond + since % rate * kSecond / rate;
  }

  // Waits, at most idle_wait_ms; false when it is not that late.
  bool wait_until(int64_t due_ns) {
    const auto begin = std::chrono::steady_clock::now();
    const auto limit = begin + std::chrono::milliseconds(idle_wait_ms_);
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      const int64_t left_ns = due_ns - clock_->steady_ns();
      if (left_ns <= 0) return true;
      if (std::exchange(woken_, false) || std::chrono::steady_clock::now() >= limit) return false;
      const auto look =
          std::min<std::chrono::nanoseconds>(std::chrono::nanoseconds(left_ns), kClockLook);
      wake_.wait_until(lock, std::min(limit, std::chrono::steady_clock::now() + look),
                       [this] { return woken_; });
    }
  }

  Chunk rows_between(int64_t begin, int64_t end) const {
    const int64_t rate = options_.rows_per_second;
    FixedBuilder<int64_t> sequence{schema_.field(0).type};
    FixedBuilder<int64_t> ts{schema_.field(1).type};
    for (int64_t row = begin; row < end; ++row) {
      sequence.append(row);
      ts.append(options_.start_us + row / rate * 1'000'000 + row % rate * 1'000'000 / rate);
    }
    Chunk chunk;
    chunk.rows = end - begin;
    chunk.columns = {sequence.finish(), ts.finish()};
    return chunk;
  }

  const RateOptions options_;
  const std::shared_ptr<Clock> clock_;
  const Schema schema_;
  int64_t batch_rows_ = 1;
  int64_t rows_ = 0;  // that can be given
  int64_t idle_wait_ms_ = 100;
  int64_t next_ = 0;
  int64_t first_ = 0;  // row at begin_ns_
  std::optional<int64_t> begin_ns_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool woken_ = false;  // guarded by mutex_
};

int64_t parse_start(const OptionText& option) {
  bool had_offset = false;
  const std::optional<int64_t> us = parse_timestamp(option.text, TimeUnit::kMicro, &had_offset);
  if (us) return *us;
  const std::optional<int32_t> day = parse_date(option.text);
  if (!day) option.refuse("a time, as in '2026-01-31 12:00:00', or a date");
  return *day * int64_t{86'400'000'000};
}

}  // namespace

RateOptions rate_options_from_text(const std::map<std::string, std::string>& texts) {
  RateOptions out;
  read_option_texts(
      "the rate source", texts,
      {
          {"rows_per_second",
           [&](const OptionText& option) { out.rows_per_second = option.number(); }},
          {"rows", [&](const OptionText& option) { out.rows = option.number(); }},
          {"batch_rows", [&](const OptionText& option) { out.batch_rows = option.number(); }},
          {"start", [&](const OptionText& option) { out.start_us = parse_start(option); }},
          {"paced", [&](const OptionText& option) { out.paced = option.boolean(); }},
      });
  return out;
}

StreamSourcePtr make_rate_stream(RateOptions options) {
  return std::make_shared<RateStream>(std::move(options));
}

}  // namespace velaria
