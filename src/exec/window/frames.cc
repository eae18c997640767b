#include "src/exec/window/frames.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "src/base/error.h"
#include "src/column/calendar.h"
#include "src/kernel/compare.h"
#include "src/kernel/dispatch.h"

namespace velaria {

namespace {

using Bound = FrameBound::Kind;

uint64_t row_offset(const BoundExpressionPtr& offset) {
  return static_cast<uint64_t>(offset->constant.as_int64());
}

bool is_offset(Bound bound) { return bound == Bound::kPreceding || bound == Bound::kFollowing; }

// Calls f(begin, end) for every partition.
template <typename F>
void for_partitions(const WindowItem& item, F f) {
  for (size_t p = 0; p + 1 < item.starts().size(); ++p) f(item.starts()[p], item.starts()[p + 1]);
}

// ---- ROWS. `past`: 0 for the first row of the frame, 1 for the one after its last.

void rows_bound(Bound bound, uint64_t offset, uint32_t past, const WindowItem& item,
                uint32_t* out) {
  for_partitions(item, [&](uint32_t begin, uint32_t end) {
    for (uint32_t i = begin; i < end; ++i) {
      switch (bound) {
        case Bound::kUnboundedPreceding: out[i] = begin; break;
        case Bound::kPreceding:
          out[i] = i - begin >= offset ? i - static_cast<uint32_t>(offset) + past : begin;
          break;
        case Bound::kCurrentRow: out[i] = i + past; break;
        case Bound::kFollowing:
          out[i] = end - i > offset + past ? i + static_cast<uint32_t>(offset) + past : end;
          break;
        case Bound::kUnboundedFollowing: out[i] = end; break;
      }
    }
  });
}

// ---- GROUPS, and RANGE without offsets.

void groups_bound(Bound bound, uint64_t offset, uint32_t past, WindowItem& item, uint32_t* out) {
  const std::vector<uint32_t>& groups = item.peer_groups();
  const std::vector<uint32_t>& starts = item.peer_starts();
  for_partitions(item, [&](uint32_t begin, uint32_t end) {
    const uint32_t first = groups[begin];
    const uint32_t after = groups[end - 1] + 1;
    for (uint32_t i = begin; i < end; ++i) {
      const uint32_t group = groups[i];
      switch (bound) {
        case Bound::kUnboundedPreceding: out[i] = begin; break;
        case Bound::kPreceding:
          out[i] = group - first >= offset ? starts[group - static_cast<uint32_t>(offset) + past]
                                           : begin;
          break;
        case Bound::kCurrentRow: out[i] = starts[group + past]; break;
        case Bound::kFollowing:
          out[i] = after - group > offset + past
                       ? starts[group + static_cast<uint32_t>(offset) + past]
                       : end;
          break;
        case Bound::kUnboundedFollowing: out[i] = end; break;
      }
    }
  });
}

// ---- RANGE with an offset. Keys become numbers that can be added to exactly: integers, decimals
// and times 128 bits wide, floats doubles.

Int128 saturating_add(Int128 a, Int128 b) {
  Int128 sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  constexpr Int128 kLargest = static_cast<Int128>(~static_cast<unsigned __int128>(0) >> 1);
  return b > 0 ? kLargest : -kLargest - 1;
}

struct NumberKeys {
  const Column& column;
  Int128 offset;

  template <typename T>
  Int128 key(uint32_t row) const {
    return static_cast<Int128>(column.values<T>()[row]);
  }
  Int128 add(Int128 key, int sign) const {
    return saturating_add(key, sign > 0 ? offset : -offset);
  }
};

struct FloatKeys {
  const Column& column;
  double offset;

  template <typename T>
  double key(uint32_t row) const {
    return static_cast<double>(column.values<T>()[row]);
  }
  double add(double key, int sign) const {
    const double sum = key + sign * offset;
    // An infinity less an infinity: everything is within such an offset.
    if (std::isnan(sum) && !std::isnan(key)) {
      return sign * std::numeric_limits<double>::infinity();
    }
    return sum;
  }
};

// In nanoseconds.
struct TimeKeys {
  const Column& column;
  Interval offset;
  Int128 nanos_per_unit;

  template <typename T>
  Int128 key(uint32_t row) const {
    return static_cast<Int128>(column.values<T>()[row]) * nanos_per_unit;
  }
  Int128 add(Int128 key, int sign) const {
    constexpr Int128 kDay = static_cast<Int128>(86400) * 1000000000;
    Int128 sum = key;
    if (offset.months != 0) {
      Int128 days128 = sum / kDay - (sum % kDay < 0 ? 1 : 0);
      const Int128 time_of_day = sum - days128 * kDay;
      CivilDate date = civil_from_days(static_cast<int64_t>(days128));
      const int64_t months = date.year * 12 + (date.month - 1) + int64_t{sign} * offset.months;
      date.year = floor_div(months, 12);
      date.month = static_cast<int>(floor_mod(months, 12)) + 1;
      date.day = std::min(date.day, days_in_month(date.year, date.month));
      sum = days_from_civil(date) * kDay + time_of_day;
    }
    return sum + sign * (offset.days * kDay + static_cast<Int128>(offset.micros) * 1000);
  }
};

int compare_keys(Int128 a, Int128 b) { return a < b ? -1 : (b < a ? 1 : 0); }
int compare_keys(double a, double b) { return compare_values(a, b); }

// The place of the first row whose key is not before (past: is behind) the row's key plus or minus
// the offset. A NULL is only with other NULLs.
template <typename T, typename Keys>
void range_bound(Bound bound, bool past, const Keys& keys, const SortOrder& order, WindowItem& item,
                 uint32_t* out) {
  const Column& column = keys.column;
  const int direction = order.descending ? -1 : 1;
  const int sign = bound == Bound::kFollowing ? direction : -direction;
  for_partitions(item, [&](uint32_t begin, uint32_t end) {
    const auto present = [&](uint32_t i) { return column.validity().valid(item.row(i).row); };
    uint32_t first = begin;  // rows with a key are [first, last)
    uint32_t last = end;
    if (column.may_have_nulls()) {
      if (order.nulls_first) {
        while (first < end && !present(first)) ++first;
      } else {
        while (last > begin && !present(last - 1)) --last;
      }
    }
    for (uint32_t i = begin; i < first; ++i) out[i] = past ? first : begin;
    for (uint32_t i = last; i < end; ++i) out[i] = past ? end : last;
    const auto limit_of = [&](uint32_t i) {
      return keys.add(keys.template key<T>(item.row(i).row), sign);
    };
    const auto is_before = [&](uint32_t i, const auto& limit) {
      const int behind = direction * compare_keys(keys.template key<T>(item.row(i).row), limit);
      return past ? behind <= 0 : behind < 0;
    };
    uint32_t place = first;
    auto limit = first < last ? limit_of(first) : decltype(limit_of(first)){};
    for (uint32_t i = first; i < last; ++i) {
      const auto next = limit_of(i);
      if (direction * compare_keys(next, limit) < 0) {
        // Months go back where they end on the last day of a shorter one.
        uint32_t low = first;
        while (low < place) {
          const uint32_t middle = low + (place - low) / 2;
          if (is_before(middle, next)) {
            low = middle + 1;
          } else {
            place = middle;
          }
        }
      }
      limit = next;
      while (place < last && is_before(place, limit)) ++place;
      out[i] = place;
    }
  });
}

void range_offset_bound(Bound bound, const BoundExpressionPtr& offset, bool past,
                        const ColumnPtr& order_key, const SortOrder& order, WindowItem& item,
                        uint32_t* out) {
  const Column& column = *order_key;
  const DataType& type = column.type();
  visit_stored_type(type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_floating_point_v<T>) {
      range_bound<T>(bound, past, FloatKeys{column, offset->constant.as_double()}, order, item,
                     out);
    } else if constexpr (std::is_integral_v<T> || std::is_same_v<T, Int128>) {
      if (type.is_temporal()) {
        const Int128 nanos = type.id() == TypeId::kDate32 ? Int128{86400} * 1000000000
                             : type.id() == TypeId::kTime64
                                 ? Int128{1000}
                                 : Int128{1000000000} / units_per_second(type.unit());
        range_bound<T>(bound, past, TimeKeys{column, offset->constant.as_interval(), nanos}, order,
                       item, out);
        return;
      }
      const Value& value = offset->constant;
      const Int128 number =
          type.id() == TypeId::kDecimal128
              ? value.as_int128()
              : (value.type().is_unsigned_integer() ? static_cast<Int128>(value.as_uint64())
                                                    : static_cast<Int128>(value.as_int64()));
      range_bound<T>(bound, past, NumberKeys{column, number}, order, item, out);
    } else {
      throw Error(ErrorKind::kInternal, "a RANGE offset over " + type.to_string());
    }
  });
}

}  // namespace

WindowItem::WindowItem(const SortedRow* rows, std::vector<uint32_t> starts, const OrderKeys& keys)
    : rows_(rows), starts_(std::move(starts)), keys_(keys), row_numbers_(starts_.back()) {
  for (uint32_t i = 0; i < size(); ++i) row_numbers_[i] = rows_[i].row;
}

const std::vector<uint32_t>& WindowItem::peer_groups() {
  if (peer_groups_.empty()) find_peers();
  return peer_groups_;
}

const std::vector<uint32_t>& WindowItem::peer_starts() {
  if (peer_groups_.empty()) find_peers();
  return peer_starts_;
}

void WindowItem::find_peers() {
  peer_groups_.resize(size());
  peer_starts_.clear();
  for_partitions(*this, [&](uint32_t begin, uint32_t end) {
    for (uint32_t i = begin; i < end; ++i) {
      if (i == begin || (!keys_.empty() && !keys_.are_peers(rows_[i - 1], rows_[i]))) {
        peer_starts_.push_back(i);
      }
      peer_groups_[i] = static_cast<uint32_t>(peer_starts_.size() - 1);
    }
  });
  peer_starts_.push_back(size());
}

Frames find_frames(const BoundWindowFrame& frame, const ColumnPtr& order_key,
                   const SortOrder& order, WindowItem& item) {
  Frames out;
  out.begin.resize(item.size());
  out.end.resize(item.size());
  const auto find = [&](Bound bound, const BoundExpressionPtr& offset, bool past, uint32_t* to) {
    const uint32_t step = past ? 1 : 0;
    if (frame.unit == WindowSpec::FrameUnit::kRange && is_offset(bound)) {
      range_offset_bound(bound, offset, past, order_key, order, item, to);
    } else if (frame.unit == WindowSpec::FrameUnit::kRows) {
      rows_bound(bound, offset ? row_offset(offset) : 0, step, item, to);
    } else {
      groups_bound(bound, offset ? row_offset(offset) : 0, step, item, to);
    }
  };
  find(frame.start, frame.start_offset, false, out.begin.data());
  find(frame.end, frame.end_offset, true, out.end.data());
  return out;
}

std::vector<Frames> find_frames_in_order(const BoundWindowFrame& frame, const ColumnPtr& order_key,
                                         const SortOrder& order, WindowItem& item) {
  std::vector<Frames> out;
  Frames all = find_frames(frame, order_key, order, item);
  if (std::is_sorted(all.begin.begin(), all.begin.end()) &&
      std::is_sorted(all.end.begin(), all.end.end())) {
    out.push_back(std::move(all));
    return out;
  }
  for (uint32_t i = 0; i < item.size(); ++i) {
    auto list = std::find_if(out.begin(), out.end(), [&](const Frames& frames) {
      return frames.begin.back() <= all.begin[i] && frames.end.back() <= all.end[i];
    });
    if (list == out.end()) list = out.emplace(list);
    list->begin.push_back(all.begin[i]);
    list->end.push_back(all.end[i]);
    list->rows.push_back(item.row_numbers()[i]);
  }
  return out;
}

}  // namespace velaria
