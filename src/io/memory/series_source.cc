#include "src/io/memory/series_source.h"

#include <algorithm>
#include <atomic>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/builder.h"
#include "src/kernel/arithmetic.h"
#include "src/kernel/cast.h"

namespace velaria {

namespace {

// Chunk::order has 44 bits; so many rows in chunks of one row each.
constexpr int64_t kMostRows = int64_t{1} << 44;

// -1, 0, 1; InvalidArgumentError when the parts disagree.
int direction(const Series& series) {
  if (series.type.is_integer()) return series.step > 0 ? 1 : series.step < 0 ? -1 : 0;
  const Interval& step = series.interval_step;
  const bool up = step.months > 0 || step.days > 0 || step.micros > 0;
  const bool down = step.months < 0 || step.days < 0 || step.micros < 0;
  if (up && down) {
    throw Error(ErrorKind::kInvalidArgument,
                concat("the step ", Value::interval(step).to_string(),
                       " goes forward and backward at once; give one direction"));
  }
  return up ? 1 : down ? -1 : 0;
}

// Values [first, first + rows).
ColumnPtr series_values(const Series& series, int64_t first, int64_t rows) {
  if (series.type.is_integer()) {
    FixedBuilder<int64_t> builder(series.type);
    // i * step alone may wrap around; the sum fits, so it wraps back.
    for (int64_t i = first; i < first + rows; ++i) {
      builder.append(
          static_cast<int64_t>(static_cast<uint64_t>(series.start) +
                               static_cast<uint64_t>(i) * static_cast<uint64_t>(series.step)));
    }
    return builder.finish();
  }
  const Interval& step = series.interval_step;
  FixedBuilder<Interval> steps{DataType(TypeId::kInterval)};
  for (int64_t i = first; i < first + rows; ++i) {
    Interval sum;
    if (__builtin_mul_overflow(step.months, i, &sum.months) ||
        __builtin_mul_overflow(step.days, i, &sum.days) ||
        __builtin_mul_overflow(step.micros, i, &sum.micros)) {
      throw Error(ErrorKind::kTypeMismatch, concat("value ", i + 1, " of the series is beyond the ",
                                                   "range of ", series.type.to_string()));
    }
    steps.append(sum);
  }
  const bool is_date = series.type.id() == TypeId::kDate32;
  const DataType instant = is_date ? DataType::timestamp(TimeUnit::kSecond) : series.type;
  constexpr int64_t kSecondsPerDay = 86400;
  const int64_t start = is_date ? series.start * kSecondsPerDay : series.start;
  return cast(
      add_interval(Column::constant(Value::integral(instant, start), rows), steps.finish(), false),
      series.type);
}

class SeriesSource : public TableSource {
 public:
  explicit SeriesSource(Series series)
      : series_(std::make_shared<const Series>(std::move(series))),
        schema_({{series_->name, series_->type}}) {}

  const Schema& schema() const override { return schema_; }
  std::string describe() const override { return "series"; }
  std::optional<int64_t> known_rows() const override { return series_->rows; }

  std::unique_ptr<TableScan> scan(const ScanRequest& request) const override {
    return std::make_unique<Scan>(series_, request);
  }

 private:
  class Scan : public TableScan {
   public:
    Scan(std::shared_ptr<const Series> series, const ScanRequest& request)
        : shared_(std::make_shared<Shared>()) {
      shared_->series = std::move(series);
      shared_->request = request;
    }
    std::unique_ptr<ScanTask> new_task() override { return std::make_unique<Task>(shared_); }

   private:
    struct Shared {
      std::shared_ptr<const Series> series;
      ScanRequest request;
      std::atomic<int64_t> next{0};
    };
    class Task : public ScanTask {
     public:
      explicit Task(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
      bool next(Chunk* chunk) override {
        const ScanRequest& request = shared_->request;
        if (request.cancellation != nullptr) request.cancellation->throw_if_cancelled();
        const Series& series = *shared_->series;
        const int64_t at = shared_->next.load();
        if (at > series.rows / request.chunk_rows) return false;
        const int64_t index = shared_->next.fetch_add(1);
        const int64_t first = index * request.chunk_rows;
        if (first >= series.rows) return false;
        *chunk = Chunk();
        chunk->rows = std::min(request.chunk_rows, series.rows - first);
        chunk->order = static_cast<uint64_t>(index);
        if (request.columns.empty()) return true;
        const ColumnPtr values = series_values(series, first, chunk->rows);
        chunk->columns.assign(request.columns.size(), values);
        return true;
      }

     private:
      const std::shared_ptr<Shared> shared_;
    };
    const std::shared_ptr<Shared> shared_;
  };

  const std::shared_ptr<const Series> series_;
  const Schema schema_;
};

}  // namespace

int64_t count_series(const Series& series, int64_t stop, bool inclusive) {
  const int way = direction(series);
  if (way == 0) {
    throw Error(ErrorKind::kInvalidArgument, "the step of a series must not be zero");
  }
  const auto inside = [&](int64_t value) {
    if (value == stop) return inclusive;
    return way > 0 ? value < stop : value > stop;
  };
  if (!inside(series.start)) return 0;
  Int128 rows = 0;
  if (series.type.is_integer()) {
    const Int128 distance = static_cast<Int128>(stop) - series.start;
    rows = distance / series.step;
    if (inclusive || rows * series.step != distance) ++rows;
  } else {
    // Later values are further away, so the first one outside is found by halving. One beyond the
    // type's range is outside too.
    const auto is_inside = [&](int64_t i) {
      try {
        return inside(series_values(series, i, 1)->value(0).as_int64());
      } catch (const Error&) {
        return false;
      }
    };
    int64_t low = 0;
    int64_t high = 1;
    while (high <= kMostRows && is_inside(high)) {
      low = high;
      high *= 2;
    }
    while (high - low > 1) {
      const int64_t middle = low + (high - low) / 2;
      (is_inside(middle) ? low : high) = middle;
    }
    rows = high;
  }
  if (rows > kMostRows) {
    throw Error(ErrorKind::kResource, concat("a series may have at most ", kMostRows, " rows"));
  }
  return static_cast<int64_t>(rows);
}

TableSourcePtr make_series(Series series) {
  return std::make_shared<SeriesSource>(std::move(series));
}

}  // namespace velaria
