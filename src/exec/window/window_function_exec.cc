#include "src/exec/window/window_function_exec.h"

#include <algorithm>
#include <memory>

#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria {

namespace {

// row_number, rank, dense_rank, percent_rank, cume_dist: what they give depends on places only.
class RankFunction : public WindowFunctionExec {
 public:
  RankFunction(const BoundWindowFunction& function, const WindowFunctionInput& input)
      : kind_(function.kind), result_(function.result_type, input.rows, false) {}

  void evaluate(WindowItem& item, const ExecutionContext&) override {
    for (size_t p = 0; p + 1 < item.starts().size(); ++p) {
      const uint32_t begin = item.starts()[p];
      const uint32_t end = item.starts()[p + 1];
      switch (kind_) {
        case WindowFunctionKind::kRowNumber:
          fill<int64_t>(item, begin, end, [&](uint32_t i) { return i - begin + 1; });
          break;
        case WindowFunctionKind::kRank:
          fill<int64_t>(item, begin, end, [&, peers = Peers(item)](uint32_t i) {
            return peers.first(i) - begin + 1;
          });
          break;
        case WindowFunctionKind::kDenseRank:
          fill<int64_t>(item, begin, end, [&, peers = Peers(item)](uint32_t i) {
            return peers.groups[i] - peers.groups[begin] + 1;
          });
          break;
        case WindowFunctionKind::kPercentRank:
          fill<double>(item, begin, end, [&, peers = Peers(item)](uint32_t i) {
            return end - begin == 1 ? 0.0
                                    : static_cast<double>(peers.first(i) - begin) /
                                          static_cast<double>(end - begin - 1);
          });
          break;
        default:
          VELARIA_CHECK(kind_ == WindowFunctionKind::kCumeDist);
          fill<double>(item, begin, end, [&, peers = Peers(item)](uint32_t i) {
            return static_cast<double>(peers.starts[peers.groups[i] + 1] - begin) /
                   static_cast<double>(end - begin);
          });
      }
    }
  }
  const ResultColumn& result() const override { return result_; }

 private:
  struct Peers {
    explicit Peers(WindowItem& item)
        : groups(item.peer_groups().data()), starts(item.peer_starts().data()) {}
    uint32_t first(uint32_t i) const { return starts[groups[i]]; }
    const uint32_t* groups;
    const uint32_t* starts;
  };

  template <typename T, typename F>
  void fill(const WindowItem& item, uint32_t begin, uint32_t end, F f) {
    T* out = result_.values<T>();
    const uint32_t* rows = item.row_numbers();
    for (uint32_t i = begin; i < end; ++i) out[rows[i]] = static_cast<T>(f(i));
  }

  WindowFunctionKind kind_;
  ValueColumn result_;
};

// The rows of a partition in so many buckets of nearly equal size, the larger ones first.
class NtileFunction : public WindowFunctionExec {
 public:
  NtileFunction(const BoundWindowFunction& function, const WindowFunctionInput& input)
      : buckets_(input.arguments[0]), result_(function.result_type, input.rows, true) {}

  void evaluate(WindowItem& item, const ExecutionContext&) override {
    auto* out = result_.values<int64_t>();
    for (size_t p = 0; p + 1 < item.starts().size(); ++p) {
      const uint32_t begin = item.starts()[p];
      const int64_t rows = item.starts()[p + 1] - begin;
      const uint32_t first = item.row_numbers()[begin];  // it decides for its partition
      const bool known = buckets_->validity().valid(first);
      const int64_t buckets = known ? buckets_->values<int64_t>()[first] : 1;
      if (buckets < 1) {
        throw Error(ErrorKind::kSqlSemantic,
                    concat("ntile(", buckets, "): the number of buckets must be 1 or more"));
      }
      const int64_t small = rows / buckets;
      const int64_t large_buckets = rows % buckets;  // of small + 1 rows
      const int64_t in_large = large_buckets * (small + 1);
      for (int64_t i = 0; i < rows; ++i) {
        const uint32_t row = item.row_numbers()[begin + static_cast<uint32_t>(i)];
        out[row] = 1 + (i < in_large ? i / (small + 1) : large_buckets + (i - in_large) / small);
        if (!known) result_.set_null(row);
      }
    }
  }
  const ResultColumn& result() const override { return result_; }

 private:
  ColumnPtr buckets_;
  ValueColumn result_;
};

// With IGNORE NULLS: the places of the rows that hold a value.
struct PresentRows {
  PresentRows(const Column& column, const WindowItem& item) : before(item.size() + 1) {
    for (uint32_t i = 0; i < item.size(); ++i) {
      before[i] = static_cast<uint32_t>(places.size());
      if (column.validity().valid(item.row_numbers()[i])) places.push_back(i);
    }
    before[item.size()] = static_cast<uint32_t>(places.size());
  }
  std::vector<uint32_t> before;  // how many are before row i
  std::vector<uint32_t> places;
};

// lag and lead: the value of the row so many rows before or behind.
class ShiftFunction : public WindowFunctionExec {
 public:
  ShiftFunction(const BoundWindowFunction& function, const WindowFunctionInput& input)
      : back_(function.kind == WindowFunctionKind::kLag),
        ignore_nulls_(function.ignore_nulls),
        source_(input.arguments[0]),
        offset_(input.arguments.size() > 1 ? input.arguments[1] : nullptr),
        result_(source_, otherwise(input), input.rows) {}

  void evaluate(WindowItem& item, const ExecutionContext&) override {
    std::unique_ptr<PresentRows> present;
    if (ignore_nulls_ && source_->may_have_nulls())
      present = std::make_unique<PresentRows>(*source_, item);
    const uint32_t* rows = item.row_numbers();
    uint32_t* picks = result_.picks();
    for (size_t p = 0; p + 1 < item.starts().size(); ++p) {
      const uint32_t begin = item.starts()[p];
      const uint32_t end = item.starts()[p + 1];
      if (offset_ == nullptr && !present) {  // by one, the usual case
        for (uint32_t i = begin; i < end; ++i) {
          const bool found = back_ ? i > begin : i + 1 < end;
          picks[rows[i]] = found ? rows[back_ ? i - 1 : i + 1] : kNoRow;
        }
        continue;
      }
      for (uint32_t i = begin; i < end; ++i) {
        int64_t offset = 1;
        if (offset_) {
          if (!offset_->validity().valid(rows[i])) {
            picks[rows[i]] = kNoRow;
            continue;
          }
          offset = offset_->values<int64_t>()[rows[i]];
        }
        // Anything larger than a partition is as far as its end; this also keeps -offset in range.
        constexpr int64_t kFar = int64_t{1} << 33;
        offset = std::clamp(offset, -kFar, kFar);
        const uint32_t found = place(i, back_ ? -offset : offset, begin, end, present.get());
        picks[rows[i]] = found == kNoRow ? kNoRow : rows[found];
      }
    }
  }
  const ResultColumn& result() const override { return result_; }

 private:
  // A NULL offset gives NULL, whatever the default is.
  static ColumnPtr otherwise(const WindowFunctionInput& input) {
    if (input.arguments.size() < 3) return nullptr;
    const ColumnPtr& column = input.arguments[2];
    if (!input.arguments[1]->may_have_nulls()) return column;
    return column->with_validity(
        intersect(column->validity(), input.arguments[1]->validity(), column->length()));
  }

  static uint32_t place(uint32_t i, int64_t offset, uint32_t begin, uint32_t end,
                        const PresentRows* present) {
    if (!present || offset == 0) {
      const int64_t at = i + offset;
      return at >= begin && at < end ? static_cast<uint32_t>(at) : kNoRow;
    }
    const bool itself = present->before[i + 1] > present->before[i];
    const int64_t at = present->before[i] + (offset > 0 ? (itself ? offset : offset - 1) : offset);
    return at >= present->before[begin] && at < present->before[end]
               ? present->places[static_cast<size_t>(at)]
               : kNoRow;
  }

  bool back_;
  bool ignore_nulls_;
  ColumnPtr source_;
  ColumnPtr offset_;
  PickedColumn result_;
};

// first_value, last_value and nth_value: a row of the frame.
class FrameValueFunction : public WindowFunctionExec {
 public:
  FrameValueFunction(const BoundWindowFunction& function, WindowFunctionInput input)
      : function_(function),
        input_(std::move(input)),
        result_(input_.arguments[0], nullptr, input_.rows) {}

  void evaluate(WindowItem& item, const ExecutionContext&) override {
    const Column& source = *input_.arguments[0];
    const Frames frames = find_frames(function_.frame, input_.order_key, input_.order, item);
    const uint32_t* rows = item.row_numbers();
    uint32_t* picks = result_.picks();
    const bool skips = function_.ignore_nulls && source.may_have_nulls();
    if (!skips) {
      for (uint32_t i = 0; i < item.size(); ++i) {
        const uint32_t found = place(frames.begin[i], frames.end[i], rows[i]);
        picks[rows[i]] = found == kNoRow ? kNoRow : rows[found];
      }
      return;
    }
    const PresentRows present(source, item);
    for (uint32_t i = 0; i < item.size(); ++i) {
      const uint32_t begin = present.before[frames.begin[i]];
      const uint32_t end = present.before[std::max(frames.begin[i], frames.end[i])];
      const uint32_t found = place(begin, end, rows[i]);
      picks[rows[i]] = found == kNoRow ? kNoRow : rows[present.places[found]];
    }
  }
  const ResultColumn& result() const override { return result_; }

 private:
  // One of the places [begin, end).
  uint32_t place(uint32_t begin, uint32_t end, uint32_t row) const {
    if (function_.kind == WindowFunctionKind::kFirstValue) return begin < end ? begin : kNoRow;
    if (function_.kind == WindowFunctionKind::kLastValue) return begin < end ? end - 1 : kNoRow;
    const Column& n = *input_.arguments[1];
    if (!n.validity().valid(row)) return kNoRow;
    const int64_t wanted = n.values<int64_t>()[row];
    if (wanted < 1) {
      throw Error(ErrorKind::kSqlSemantic,
                  concat("nth_value(..., ", wanted, "): rows are counted from 1"));
    }
    return begin < end && wanted <= end - begin ? begin + static_cast<uint32_t>(wanted) - 1
                                                : kNoRow;
  }

  const BoundWindowFunction& function_;
  WindowFunctionInput input_;
  PickedColumn result_;
};

}  // namespace

std::unique_ptr<WindowFunctionExec> WindowFunctionExec::make(const BoundWindowFunction& function,
                                                             WindowFunctionInput input) {
  switch (function.kind) {
    case WindowFunctionKind::kRowNumber:
    case WindowFunctionKind::kRank:
    case WindowFunctionKind::kDenseRank:
    case WindowFunctionKind::kPercentRank:
    case WindowFunctionKind::kCumeDist: return std::make_unique<RankFunction>(function, input);
    case WindowFunctionKind::kNtile: return std::make_unique<NtileFunction>(function, input);
    case WindowFunctionKind::kLag:
    case WindowFunctionKind::kLead: return std::make_unique<ShiftFunction>(function, input);
    case WindowFunctionKind::kFirstValue:
    case WindowFunctionKind::kLastValue:
    case WindowFunctionKind::kNthValue:
      return std::make_unique<FrameValueFunction>(function, std::move(input));
    case WindowFunctionKind::kAggregate: return make_frame_aggregate(function, std::move(input));
  }
  VELARIA_CHECK(false);
  return nullptr;
}

uint64_t result_bytes_per_row(const BoundWindowFunction& function) {
  switch (function.kind) {
    case WindowFunctionKind::kLag:
    case WindowFunctionKind::kLead:
    case WindowFunctionKind::kFirstValue:
    case WindowFunctionKind::kLastValue:
    case WindowFunctionKind::kNthValue: break;
    default: return static_cast<uint64_t>(function.result_type.value_width_bytes()) + 1;
  }
  const DataType& type = function.result_type;
  const auto width = type.is_vector() ? uint64_t{4} * static_cast<uint64_t>(type.list_size())
                                      : static_cast<uint64_t>(type.value_width_bytes());
  return width + sizeof(uint32_t) + 1;
}

}  // namespace velaria
