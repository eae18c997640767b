// Window functions against their definition: for each row, every other row of the partition is
// asked whether it is in the frame.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <random>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/base/thread_pool.h"
#include "src/column/builder.h"
#include "src/exec/physical_plan.h"
#include "src/io/memory/memory_table_source.h"
#include "src/kernel/arithmetic.h"
#include "src/kernel/cast.h"
#include "src/plan/logical_plan.h"

namespace velaria {
namespace {

using Bound = FrameBound::Kind;
using Unit = WindowSpec::FrameUnit;
using Rows = std::vector<std::vector<Value>>;  // by row

const DataType kInt64(TypeId::kInt64);
const DataType kFloat64(TypeId::kFloat64);
const DataType kText(TypeId::kUtf8);

// p, k, v, x, s, b: partition, order key, integer, float (of a few whole values), text, condition.
struct Table {
  std::vector<DataType> types;
  Rows rows;

  BoundExpressionPtr column(size_t i) const {
    return bound_column(i, types[i], std::string(1, "pkvxsbo"[i]));
  }
  std::shared_ptr<MemoryTableSource> source() const {
    std::vector<Field> fields;
    Chunk chunk;
    chunk.rows = static_cast<int64_t>(rows.size());
    for (size_t c = 0; c < types.size(); ++c) {
      fields.push_back({std::string(1, "pkvxsbo"[c]), types[c]});
      const auto builder = ColumnBuilder::make(types[c]);
      for (const auto& row : rows) builder->append_value(row[c]);
      chunk.columns.push_back(builder->finish());
    }
    return std::make_shared<MemoryTableSource>(Schema(std::move(fields)),
                                               std::vector<Chunk>{chunk});
  }
};

int compare(const Value& a, const Value& b) {
  const auto sign = [](auto x, auto y) { return x < y ? -1 : (y < x ? 1 : 0); };
  if (a.type().id() == TypeId::kDecimal128) return sign(a.as_int128(), b.as_int128());
  if (a.type().id() == TypeId::kBool) return sign(a.as_bool(), b.as_bool());
  if (a.type().is_string()) return sign(a.as_text(), b.as_text());
  if (!a.type().is_float()) return sign(a.as_int64(), b.as_int64());
  const double x = a.as_double();
  const double y = b.as_double();
  if (std::isnan(x) || std::isnan(y)) return sign(std::isnan(x), std::isnan(y));
  return sign(x, y);
}

// The order of the window: NULLs where the key says.
int compare(const Value& a, const Value& b, const BoundSortKey& key) {
  if (a.is_null() || b.is_null()) {
    if (a.is_null() && b.is_null()) return 0;
    return a.is_null() == key.nulls_first ? -1 : 1;
  }
  return key.descending ? -compare(a, b) : compare(a, b);
}

Value moved(const Value& key, const Value& offset, int sign) {
  const auto add = [&](auto a, auto b) { return a + sign * b; };
  switch (key.type().id()) {
    case TypeId::kInt64: return Value::int64(add(key.as_int64(), offset.as_int64()));
    case TypeId::kFloat64: return Value::float64(add(key.as_double(), offset.as_double()));
    case TypeId::kDecimal128:
      return Value::decimal(key.type(), add(key.as_int128(), offset.as_int128()));
    default: break;
  }
  const DataType timestamp = DataType::timestamp(TimeUnit::kMicro);
  return add_interval(Column::constant(cast_value(key, timestamp), 1), Column::constant(offset, 1),
                      sign < 0)
      ->value(0);
}

int compare_with_moved(const Value& key, const Value& limit) {
  return compare(key.type() == limit.type() ? key : cast_value(key, limit.type()), limit);
}

// One window function over the whole table, row by row.
class Oracle {
 public:
  Oracle(const Table& table, const WindowPlan& plan) : table_(table), plan_(plan) {
    std::vector<size_t> order(table.rows.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    const bool partitioned = !plan.partition_by().empty();
    for (size_t i = 0; i < order.size(); ++i) {
      const Value key = partitioned ? table.rows[i][0] : Value();
      auto found = std::find_if(partitions_.begin(), partitions_.end(), [&](const auto& p) {
        return !partitioned || table.rows[p[0]][0] == key;
      });
      if (found == partitions_.end()) found = partitions_.insert(found, std::vector<size_t>());
      found->push_back(i);
    }
    for (auto& partition : partitions_) {
      std::stable_sort(partition.begin(), partition.end(),
                       [&](size_t a, size_t b) { return order_of(a, b) < 0; });
    }
  }

  std::vector<Value> answer(const BoundWindowFunction& function) const {
    std::vector<Value> out(table_.rows.size());
    for (const auto& partition : partitions_) {
      for (size_t i = 0; i < partition.size(); ++i) {
        out[partition[i]] = value(function, partition, i);
      }
    }
    return out;
  }

 private:
  using Partition = std::vector<size_t>;

  int order_of(size_t a, size_t b) const {
    for (const BoundSortKey& key : plan_.order_by()) {
      const size_t c = key.expression->column;
      const int order = compare(table_.rows[a][c], table_.rows[b][c], key);
      if (order != 0) return order;
    }
    return 0;
  }

  const Value& argument(const BoundExpressionPtr& e, size_t row) const {
    return e->is_constant() ? e->constant : table_.rows[row][e->column];
  }

  // How many peer groups b is behind a.
  int64_t groups_between(const Partition& rows, size_t a, size_t b) const {
    int64_t groups = 0;
    for (size_t i = std::min(a, b); i < std::max(a, b); ++i) {
      groups += order_of(rows[i], rows[i + 1]) != 0 ? 1 : 0;
    }
    return a <= b ? groups : -groups;
  }

  // Whether row j is not before the frame's start, or not behind its end.
  bool inside(const BoundWindowFrame& frame, bool start, const Partition& rows, size_t i,
              size_t j) const {
    const Bound bound = start ? frame.start : frame.end;
    const BoundExpressionPtr& offset = start ? frame.start_offset : frame.end_offset;
    if (bound == Bound::kUnboundedPreceding || bound == Bound::kUnboundedFollowing) return true;
    const int toward = bound == Bound::kFollowing ? 1 : -1;
    int64_t distance = 0;  // from the bound to j
    if (frame.unit == Unit::kRows) {
      distance = static_cast<int64_t>(j) - static_cast<int64_t>(i);
      if (offset) distance -= toward * offset->constant.as_int64();
    } else if (frame.unit == Unit::kGroups) {
      distance = groups_between(rows, i, j);
      if (offset) distance -= toward * offset->constant.as_int64();
    } else if (!offset) {
      distance = order_of(rows[j], rows[i]);
    } else {
      const BoundSortKey& key = plan_.order_by()[0];
      const Value& mine = table_.rows[rows[i]][key.expression->column];
      const Value& other = table_.rows[rows[j]][key.expression->column];
      const int direction = key.descending ? -1 : 1;
      if (mine.is_null() || other.is_null()) {
        distance = compare(other, mine, key);
      } else {
        distance = direction *
                   compare_with_moved(other, moved(mine, offset->constant, toward * direction));
      }
    }
    return start ? distance >= 0 : distance <= 0;
  }

  Value value(const BoundWindowFunction& f, const Partition& rows, size_t i) const {
    const auto n = static_cast<int64_t>(rows.size());
    const auto at = static_cast<int64_t>(i);
    size_t first_peer = i;
    size_t last_peer = i;
    int64_t dense = 1;
    for (size_t j = 0; j < rows.size(); ++j) {
      if (order_of(rows[j], rows[i]) == 0) {
        first_peer = std::min(first_peer, j);
        last_peer = std::max(last_peer, j);
      }
      if (j < i && order_of(rows[j], rows[j + 1]) != 0) ++dense;
    }
    const auto before = static_cast<double>(first_peer);
    switch (f.kind) {
      case WindowFunctionKind::kRowNumber: return Value::int64(at + 1);
      case WindowFunctionKind::kRank: return Value::int64(static_cast<int64_t>(first_peer) + 1);
      case WindowFunctionKind::kDenseRank: return Value::int64(dense);
      case WindowFunctionKind::kPercentRank:
        return Value::float64(n == 1 ? 0 : before / static_cast<double>(n - 1));
      case WindowFunctionKind::kCumeDist:
        return Value::float64(static_cast<double>(last_peer + 1) / static_cast<double>(n));
      case WindowFunctionKind::kNtile: {
        const int64_t buckets = f.arguments[0]->constant.as_int64();
        // Deal the rows out: every bucket n / buckets, the first ones one more.
        int64_t bucket = 1;
        for (int64_t row = 0;; ++bucket) {
          row += n / buckets + (bucket <= n % buckets ? 1 : 0);
          if (at < row) return Value::int64(bucket);
        }
      }
      case WindowFunctionKind::kLag:
      case WindowFunctionKind::kLead: return shifted(f, rows, i);
      default: break;
    }
    std::vector<size_t> frame;
    for (size_t j = 0; j < rows.size(); ++j) {
      if (inside(f.frame, true, rows, i, j) && inside(f.frame, false, rows, i, j)) {
        frame.push_back(rows[j]);
      }
    }
    if (f.kind == WindowFunctionKind::kAggregate) return aggregate(f.aggregate, frame);
    if (f.ignore_nulls) {
      frame.erase(
          std::remove_if(frame.begin(), frame.end(),
                         [&](size_t row) { return argument(f.arguments[0], row).is_null(); }),
          frame.end());
    }
    size_t place = 0;
    if (f.kind == WindowFunctionKind::kLastValue) place = frame.size() - 1;
    if (f.kind == WindowFunctionKind::kNthValue) {
      place = static_cast<size_t>(argument(f.arguments[1], rows[i]).as_int64() - 1);
    }
    return place < frame.size() ? argument(f.arguments[0], frame[place])
                                : Value::null(f.result_type);
  }

  Value shifted(const BoundWindowFunction& f, const Partition& rows, size_t i) const {
    Value offset = Value::int64(1);
    if (f.arguments.size() > 1) offset = argument(f.arguments[1], rows[i]);
    if (offset.is_null()) return Value::null(f.result_type);
    int64_t steps = offset.as_int64() * (f.kind == WindowFunctionKind::kLag ? -1 : 1);
    auto at = static_cast<int64_t>(i);
    const int64_t step = steps < 0 ? -1 : 1;
    while (steps != 0) {
      at += step;
      if (at < 0 || at >= static_cast<int64_t>(rows.size())) {
        return f.arguments.size() > 2 ? argument(f.arguments[2], rows[i])
                                      : Value::null(f.result_type);
      }
      const bool skipped =
          f.ignore_nulls && argument(f.arguments[0], rows[static_cast<size_t>(at)]).is_null();
      if (!skipped) steps -= step;
    }
    return argument(f.arguments[0], rows[static_cast<size_t>(at)]);
  }

  Value aggregate(const BoundAggregate& f, const std::vector<size_t>& frame) const {
    std::vector<Value> values;
    std::vector<Value> with_nulls;
    int64_t rows = 0;
    for (const size_t row : frame) {
      if (f.filter) {
        const Value& kept = argument(f.filter, row);
        if (kept.is_null() || !kept.as_bool()) continue;
      }
      ++rows;
      if (f.arguments.empty()) continue;
      const Value& value = argument(f.arguments[0], row);
      with_nulls.push_back(value);
      if (!value.is_null()) values.push_back(value);
    }
    if (f.kind == AggregateKind::kCountRows) return Value::int64(rows);
    if (f.kind == AggregateKind::kCount) return Value::int64(static_cast<int64_t>(values.size()));
    if (f.kind == AggregateKind::kFirst || f.kind == AggregateKind::kLast) {
      if (with_nulls.empty()) return Value::null(f.result_type);
      return f.kind == AggregateKind::kFirst ? with_nulls.front() : with_nulls.back();
    }
    if (values.empty()) return Value::null(f.result_type);
    if (f.kind == AggregateKind::kAnyValue) return values[0];
    if (f.kind == AggregateKind::kStringAgg) {
      std::string text;
      for (const Value& value : values)
        text += (&value == &values[0] ? "" : ", ") + value.as_text();
      return Value::utf8(text);
    }
    if (f.kind == AggregateKind::kMode) return most_common(values);
    if (f.kind == AggregateKind::kQuantileCont || f.kind == AggregateKind::kQuantileDisc) {
      return quantile(f, values);
    }
    int64_t integers = 0;
    double floats = 0;
    Value least = values[0];
    Value most = values[0];
    for (const Value& value : values) {
      if (compare(value, least) < 0) least = value;
      if (compare(value, most) > 0) most = value;
      if (value.type() == kInt64) integers += value.as_int64();
      if (value.type() == kFloat64) floats += value.as_double();
    }
    const bool is_float = values[0].type() == kFloat64;
    switch (f.kind) {
      case AggregateKind::kSum: return is_float ? Value::float64(floats) : Value::int64(integers);
      case AggregateKind::kAvg:
        return Value::float64((is_float ? floats : static_cast<double>(integers)) /
                              static_cast<double>(values.size()));
      case AggregateKind::kMin: return least;
      default: return most;
    }
  }

  // Of several, the one that comes first.
  static Value most_common(const std::vector<Value>& values) {
    size_t best = 0;
    int64_t best_count = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      const auto count = std::count_if(values.begin(), values.end(),
                                       [&](const Value& v) { return compare(v, values[i]) == 0; });
      if (count > best_count) {
        best = i;
        best_count = count;
      }
    }
    return values[best];
  }

  static Value quantile(const BoundAggregate& f, std::vector<Value> values) {
    const bool descending = f.parameters[1].as_bool();
    std::sort(values.begin(), values.end(), [&](const Value& a, const Value& b) {
      return descending ? compare(a, b) > 0 : compare(a, b) < 0;
    });
    const double fraction = f.parameters[0].as_double();
    const auto n = static_cast<double>(values.size());
    if (f.kind == AggregateKind::kQuantileDisc) {
      return values[static_cast<size_t>(std::max(0.0, std::ceil(fraction * n) - 1))];
    }
    const auto number = [&](double at) {
      const Value& value = values[static_cast<size_t>(at)];
      return value.type() == kInt64 ? static_cast<double>(value.as_int64()) : value.as_double();
    };
    const double rank = fraction * (n - 1);
    const double low = number(std::floor(rank));
    return Value::float64(low + (number(std::ceil(rank)) - low) * (rank - std::floor(rank)));
  }

  const Table& table_;
  const WindowPlan& plan_;
  std::vector<Partition> partitions_;
};

class RandomWindows {
 public:
  explicit RandomWindows(uint64_t seed) : random_(seed) {}

  int64_t below(int64_t limit) {
    return static_cast<int64_t>(random_() % static_cast<uint64_t>(limit));
  }
  bool one_in(int64_t n) { return below(n) == 0; }

  Table table(int64_t rows, int64_t partitions) {
    Table out;
    const std::vector<DataType> key_types = {kInt64, kFloat64, DataType(TypeId::kDate32),
                                             DataType::timestamp(TimeUnit::kMicro),
                                             DataType::decimal(10, 2)};
    const DataType key_type = key_types[static_cast<size_t>(below(5))];
    out.types = {kInt64, key_type, kInt64, kFloat64, kText, DataType(TypeId::kBool), kInt64};
    const int64_t distinct = 1 + below(40);
    const bool key_nulls = one_in(2);
    // So that a month before or behind the last days of one with 31 there are rows.
    const int64_t first_day = one_in(2) ? 24 : 60;
    const std::vector<std::string> words = {
        "", "a", "ab", "longer than the inline bytes", "longer than the inline bytez", "b"};
    for (int64_t i = 0; i < rows; ++i) {
      std::vector<Value> row;
      row.push_back(one_in(9) ? Value::null(kInt64) : Value::int64(below(partitions)));
      const int64_t k = below(distinct) - 5;
      if (key_nulls && one_in(6)) {
        row.push_back(Value::null(key_type));
      } else if (key_type == kFloat64) {
        row.push_back(Value::float64(one_in(12) ? std::nan("") : static_cast<double>(k) / 2));
      } else if (key_type.id() == TypeId::kDecimal128) {
        row.push_back(Value::decimal(key_type, k * 25));
      } else if (key_type.id() == TypeId::kTimestamp) {
        row.push_back(Value::integral(key_type, (k * 30 + first_day * 24) * 3600 * 1000000LL));
      } else {
        row.push_back(Value::integral(key_type, k));
      }
      row.push_back(one_in(5) ? Value::null(kInt64) : Value::int64(below(100) - 50));
      row.push_back(one_in(5) ? Value::null(kFloat64)
                              : Value::float64(static_cast<double>(below(64)) / 4 - 8));
      row.push_back(one_in(5) ? Value::null(kText)
                              : Value::utf8(words[static_cast<size_t>(below(6))]));
      row.push_back(one_in(6) ? Value::null(out.types[5]) : Value::boolean(one_in(2)));
      row.push_back(one_in(8) ? Value::null(kInt64) : Value::int64(below(9) - 3));
      out.rows.push_back(std::move(row));
    }
    return out;
  }

  BoundExpressionPtr offset(const DataType& type, Unit unit, bool far) {
    const int64_t n = below(far ? 3000 : 6);
    if (unit != Unit::kRange || type == kInt64) return bound_constant(Value::int64(n));
    if (type == kFloat64) return bound_constant(Value::float64(static_cast<double>(n) / 2));
    if (type.id() == TypeId::kDecimal128) return bound_constant(Value::decimal(type, n * 30));
    Interval interval;
    interval.days = static_cast<int32_t>(n);
    if (one_in(3)) interval.months = 1;
    if (one_in(3)) interval.micros = 3600 * 1000000LL * below(24);
    return bound_constant(Value::interval(interval));
  }

  BoundWindowFrame frame(const DataType& key_type, bool ordered, bool one_key, bool far) {
    BoundWindowFrame out;
    if (one_in(5)) return out;  // the default
    const bool offsets_in_range = ordered && one_key;
    out.unit = one_in(3) ? Unit::kRange : (one_in(2) ? Unit::kGroups : Unit::kRows);
    const bool offsets = out.unit != Unit::kRange || offsets_in_range;
    for (;;) {
      out.start = static_cast<Bound>(below(4));
      out.end = static_cast<Bound>(1 + below(4));
      const auto needs = [](Bound b) { return b == Bound::kPreceding || b == Bound::kFollowing; };
      if (out.start > out.end || (!offsets && (needs(out.start) || needs(out.end)))) continue;
      if (needs(out.start)) out.start_offset = offset(key_type, out.unit, far);
      if (needs(out.end)) out.end_offset = offset(key_type, out.unit, far);
      return out;
    }
  }

  BoundWindowFunction function(const Table& table, bool ordered, bool one_key, bool far) {
    BoundWindowFunction f;
    f.kind = static_cast<WindowFunctionKind>(below(17) < 11 ? below(11) : 11);
    const size_t source = static_cast<size_t>(2 + below(3));
    f.frame = frame(table.types[1], ordered, one_key, far);
    switch (f.kind) {
      case WindowFunctionKind::kPercentRank:
      case WindowFunctionKind::kCumeDist: f.result_type = kFloat64; return f;
      case WindowFunctionKind::kNtile:
        f.arguments = {bound_constant(Value::int64(1 + below(12)))};
        f.result_type = kInt64;
        return f;
      case WindowFunctionKind::kLag:
      case WindowFunctionKind::kLead:
        f.arguments = {table.column(source)};
        if (one_in(2)) {
          f.arguments.push_back(one_in(2) ? table.column(6)
                                          : bound_constant(Value::int64(below(5) - 1)));
          if (one_in(2)) f.arguments.push_back(table.column(source));
        }
        break;
      case WindowFunctionKind::kFirstValue:
      case WindowFunctionKind::kLastValue: f.arguments = {table.column(source)}; break;
      case WindowFunctionKind::kNthValue:
        f.arguments = {table.column(source), bound_constant(Value::int64(1 + below(4)))};
        break;
      case WindowFunctionKind::kAggregate: {
        f.aggregate.kind = static_cast<AggregateKind>(below(6));
        const bool sum =
            f.aggregate.kind == AggregateKind::kSum || f.aggregate.kind == AggregateKind::kAvg;
        const size_t over = sum ? static_cast<size_t>(2 + below(2)) : source;
        if (one_in(2)) {
          other_aggregate(table, &f);
          return f;
        }
        if (f.aggregate.kind != AggregateKind::kCountRows) {
          f.aggregate.arguments = {table.column(over)};
        }
        f.aggregate.result_type = *aggregate_result_type(f.aggregate.kind, table.types[over]);
        if (one_in(3)) f.aggregate.filter = table.column(5);
        f.result_type = f.aggregate.result_type;
        return f;
      }
      default: f.result_type = kInt64; return f;
    }
    f.result_type = table.types[source];
    f.ignore_nulls = one_in(2);
    return f;
  }

  // Aggregates whose values are kept: quantiles, chosen rows, texts.
  void other_aggregate(const Table& table, BoundWindowFunction* f) {
    BoundAggregate& aggregate = f->aggregate;
    const std::vector<AggregateKind> kinds = {
        AggregateKind::kQuantileCont, AggregateKind::kQuantileDisc, AggregateKind::kStringAgg,
        AggregateKind::kFirst,        AggregateKind::kLast,         AggregateKind::kAnyValue,
        AggregateKind::kMode};
    aggregate.kind = kinds[static_cast<size_t>(below(7))];
    size_t over = static_cast<size_t>(2 + below(3));
    if (aggregate.kind == AggregateKind::kQuantileCont) over = static_cast<size_t>(2 + below(2));
    if (aggregate.kind == AggregateKind::kStringAgg) over = 4;
    aggregate.arguments = {table.column(over)};
    const bool quantile = aggregate.kind == AggregateKind::kQuantileCont ||
                          aggregate.kind == AggregateKind::kQuantileDisc;
    if (quantile) {
      aggregate.parameters = {Value::float64(static_cast<double>(below(5)) / 4),
                              Value::boolean(one_in(3))};
    }
    if (aggregate.kind == AggregateKind::kStringAgg) aggregate.parameters = {Value::utf8(", ")};
    aggregate.result_type =
        aggregate.kind == AggregateKind::kQuantileCont ? kFloat64 : table.types[over];
    if (one_in(3)) aggregate.filter = table.column(5);
    f->result_type = aggregate.result_type;
  }

  std::shared_ptr<const WindowPlan> plan(const Table& table) {
    const bool far = one_in(5);
    std::vector<BoundExpressionPtr> partition_by;
    if (!one_in(4)) partition_by.push_back(table.column(0));
    std::vector<BoundSortKey> order_by;
    const bool ordered = !one_in(6);
    const bool one_key = !one_in(4);
    if (ordered) order_by.push_back({table.column(1), one_in(2), one_in(2)});
    if (ordered && !one_key) order_by.push_back({table.column(4), one_in(2), one_in(2)});
    std::vector<BoundWindowFunction> functions;
    for (int64_t i = 0; i < 6; ++i) functions.push_back(function(table, ordered, one_key, far));
    return std::make_shared<WindowPlan>(ScanPlan::all_columns(table.source(), "t"), partition_by,
                                        order_by, functions);
  }

 private:
  std::mt19937_64 random_;
};

Rows run(const LogicalPlan& plan, size_t tasks, int64_t chunk_rows) {
  ThreadPool pool(tasks);
  ExecutionContext context;
  context.pool = tasks == 1 ? nullptr : &pool;
  context.tasks = tasks;
  context.chunk_rows = chunk_rows;
  const PhysicalPlan physical = PhysicalPlan::make(plan, PhysicalOptions());
  PlanExecution execution(physical, context);
  execution.run(nullptr);
  Rows out;
  for (const Chunk& chunk : execution.take_result()) {
    for (int64_t i = 0; i < chunk.rows; ++i) {
      out.emplace_back();
      for (const ColumnPtr& column : chunk.columns) out.back().push_back(column->value(i));
    }
  }
  return out;
}

bool same(const Value& a, const Value& b) {
  if (a.is_null() || b.is_null()) return a.is_null() && b.is_null();
  return a.type() == b.type() && compare(a, b) == 0;
}

void expect_answer(const Table& table, const WindowPlan& plan, const Rows& got,
                   const std::string& config) {
  ASSERT_EQ(got.size(), table.rows.size()) << config;
  const Oracle oracle(table, plan);
  for (size_t f = 0; f < plan.functions().size(); ++f) {
    const std::vector<Value> expected = oracle.answer(plan.functions()[f]);
    for (size_t row = 0; row < got.size(); ++row) {
      const Value& value = got[row][table.types.size() + f];
      ASSERT_TRUE(same(value, expected[row]))
          << config << ", row " << row << ": " << value.to_string() << " instead of "
          << expected[row].to_string() << " for " << plan.functions()[f].to_string() << " in\n"
          << plan.describe();
    }
  }
  for (size_t row = 0; row < got.size(); ++row) {
    for (size_t c = 0; c < table.types.size(); ++c) {
      ASSERT_TRUE(same(got[row][c], table.rows[row][c])) << config << ", row " << row;
    }
  }
}

uint64_t test_seed() {
  const char* text = std::getenv("VELARIA_TEST_SEED");
  return text == nullptr ? 20130101 : std::strtoull(text, nullptr, 10);
}

TEST(WindowTest, AgreesWithTheDefinition) {
  const uint64_t seed = test_seed();
  SCOPED_TRACE(concat("VELARIA_TEST_SEED=", seed));
  RandomWindows random(seed);
  for (int round = 0; round < 250; ++round) {
    const Table table = random.table(random.below(70), 1 + random.below(6));
    const auto plan = random.plan(table);
    SCOPED_TRACE(concat("round ", round));
    const int64_t chunk_rows = 1 + random.below(9);
    expect_answer(table, *plan, run(*plan, 1, 2048), "one chunk");
    expect_answer(table, *plan, run(*plan, 4, chunk_rows), "4 threads, small chunks");
    if (HasFatalFailure()) return;
  }
}

// Partitions and frames longer than the blocks that aggregates are computed in cannot be asked row
// by row; they must agree with each other for all numbers of threads, and with closed forms.
TEST(WindowTest, LongPartitions) {
  const int64_t rows = 200000;
  FixedBuilder<int64_t> p(kInt64);
  FixedBuilder<int64_t> n(kInt64);
  FixedBuilder<double> x(kFloat64);
  for (int64_t i = 0; i < rows; ++i) {
    p.append(i % 10 == 0 ? 1 : 0);
    n.append((i * 7919) % rows);  // each number once
    x.append(1.0 / static_cast<double>(1 + i % 1000));
  }
  Chunk chunk;
  chunk.rows = rows;
  chunk.columns = {p.finish(), n.finish(), x.finish()};
  const auto source = std::make_shared<MemoryTableSource>(
      Schema({{"p", kInt64}, {"n", kInt64}, {"x", kFloat64}}), std::vector<Chunk>{chunk});
  const auto aggregate = [](AggregateKind kind, size_t column, const DataType& type, Unit unit,
                            Bound start, int64_t before, Bound end, int64_t behind) {
    BoundWindowFunction f;
    f.kind = WindowFunctionKind::kAggregate;
    f.aggregate.kind = kind;
    f.aggregate.arguments = {bound_column(column, type, "c")};
    f.aggregate.result_type = f.result_type = *aggregate_result_type(kind, type);
    f.frame = {unit, start, end, bound_constant(Value::int64(before)),
               bound_constant(Value::int64(behind))};
    return f;
  };
  std::vector<BoundWindowFunction> functions;
  for (const auto& [start, before, end, behind] :
       {std::tuple{Bound::kUnboundedPreceding, 0, Bound::kCurrentRow, 0},
        std::tuple{Bound::kCurrentRow, 0, Bound::kUnboundedFollowing, 0},
        std::tuple{Bound::kPreceding, 3, Bound::kFollowing, 4},
        std::tuple{Bound::kPreceding, 90000, Bound::kPreceding, 10},
        std::tuple{Bound::kFollowing, 5, Bound::kFollowing, 120000}}) {
    functions.push_back(
        aggregate(AggregateKind::kSum, 1, kInt64, Unit::kRows, start, before, end, behind));
    functions.push_back(
        aggregate(AggregateKind::kSum, 2, kFloat64, Unit::kRows, start, before, end, behind));
    functions.push_back(
        aggregate(AggregateKind::kMax, 1, kInt64, Unit::kRange, start, before, end, behind));
  }
  for (const bool partitioned : {false, true}) {
    std::vector<BoundExpressionPtr> partition_by;
    if (partitioned) partition_by.push_back(bound_column(0, kInt64, "p"));
    const WindowPlan plan(ScanPlan::all_columns(source, "t"), partition_by,
                          {{bound_column(1, kInt64, "n"), false, false}}, functions);
    const Rows one = run(plan, 1, 2048);
    ASSERT_EQ(one.size(), static_cast<size_t>(rows));
    EXPECT_EQ(run(plan, 3, 1000), one);
    if (partitioned) continue;
    // Ordered by n, which is 0, 1, 2 ...: sums and extremes are known.
    const auto sum = [](int64_t first, int64_t last) {
      return first > last ? Value::null(kInt64)
                          : Value::int64((first + last) * (last - first + 1) / 2);
    };
    const int64_t top = rows - 1;
    for (const auto& row : one) {
      const int64_t i = row[1].as_int64();
      ASSERT_EQ(row[3], sum(0, i));
      ASSERT_EQ(row[6], sum(i, top));
      ASSERT_EQ(row[9], sum(std::max<int64_t>(0, i - 3), std::min(top, i + 4)));
      ASSERT_EQ(row[12], sum(std::max<int64_t>(0, i - 90000), i - 10));
      ASSERT_EQ(row[15], sum(i + 5, std::min(top, i + 120000)));
      ASSERT_EQ(row[14], i < 10 ? Value::null(kInt64) : Value::int64(i - 10));
      ASSERT_EQ(row[17],
                i + 5 > top ? Value::null(kInt64) : Value::int64(std::min(top, i + 120000)));
    }
  }
}

TEST(WindowTest, MemoryIsAskedForByName) {
  RandomWindows random(7);
  const Table table = random.table(5000, 3);
  const auto plan = random.plan(table);
  ExecutionContext context;
  context.budget = std::make_shared<MemoryBudget>(100000);
  const PhysicalPlan physical = PhysicalPlan::make(*plan, PhysicalOptions());
  PlanExecution execution(physical, context);
  try {
    execution.run(nullptr);
    FAIL() << "100 kB were enough";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kResource);
    EXPECT_NE(error.message().find("window functions"), std::string::npos) << error.message();
  }
}

TEST(WindowTest, CancelledQueriesStop) {
  RandomWindows random(8);
  const Table table = random.table(20000, 3);
  const auto plan = random.plan(table);
  CancellationToken cancelled;
  cancelled.cancel();
  ExecutionContext context;
  context.cancellation = &cancelled;
  const PhysicalPlan physical = PhysicalPlan::make(*plan, PhysicalOptions());
  PlanExecution execution(physical, context);
  EXPECT_THROW(execution.run(nullptr), Error);
}

}  // namespace
}  // namespace velaria
