#include "src/exec/sort/row_sort.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include "src/exec/scheduler.h"
#include "src/exec/sort/cancellable_sort.h"

namespace velaria {

namespace {

constexpr uint32_t kRowsPerTask = 32 * 1024;
constexpr uint32_t kLongPartition = 256 * 1024;  // sorted by several tasks
constexpr int kMostDigitBits = 11;  // so many places of a range in the cache can be written to

// What a row is and how it sorts: by a prefix, and by more where prefixes are equal.
struct KeyedRows {
  using Row = SortedRow;
  const OrderKeys& keys;

  static uint64_t prefix(const Row& row) { return row.prefix; }
  uint64_t prefix_mask() const { return ~uint64_t{0}; }
  bool prefixes_are_exact() const { return keys.prefixes_are_exact(); }
  bool operator()(const Row& a, const Row& b) const { return keys.before(a, b); }
};

// The prefix is all, and the row's number stands behind it.
struct PackedRows {
  using Row = uint64_t;
  int row_bits;

  static uint64_t prefix(Row row) { return row; }
  uint64_t prefix_mask() const { return ~uint64_t{0} << row_bits; }
  bool prefixes_are_exact() const { return true; }
  bool operator()(Row a, Row b) const { return a < b; }
};

// Bits in which the prefixes of some rows differ.
template <typename Order>
uint64_t varying_bits(const Order& order, const typename Order::Row* rows, size_t count) {
  uint64_t ones = 0;
  uint64_t all = ~uint64_t{0};
  for (size_t i = 0; i < count; ++i) {
    ones |= Order::prefix(rows[i]);
    all &= Order::prefix(rows[i]);
  }
  return ones & ~all & order.prefix_mask();
}

// Some bits of the prefix.
class Digit {
 public:
  // The highest of the bits in `varying`, which is not 0: `most_bits`, or all if they are fewer.
  Digit(uint64_t varying, int most_bits) {
    const int width = 64 - __builtin_clzll(varying);
    bits_ = std::min(width - __builtin_ctzll(varying), most_bits);
    shift_ = width - bits_;
  }
  size_t count() const { return size_t{1} << bits_; }
  size_t of(uint64_t prefix) const { return (prefix >> shift_) & (count() - 1); }

 private:
  int bits_;
  int shift_;
};

// Radix sort from the highest digit on, which soon leaves runs that fit the cache; stable, so that
// rows with equal prefixes keep their order until the keys behind the prefix decide.
template <typename Order>
class RangeSort {
 public:
  using Row = typename Order::Row;

  RangeSort(const Order& order, const CancellationToken* cancellation)
      : order_(order), cancellation_(cancellation) {}

  // Sorts `rows`, into `other` when `to_other`. Rows stand in ascending order of their numbers.
  void sort(Row* rows, Row* other, size_t count, bool to_other) const {
    constexpr size_t kRadixPays = 256;
    if (count < kRadixPays) {
      std::sort(rows, rows + count, order_);
      finish(rows, other, count, to_other);
      return;
    }
    check();
    const uint64_t varying = varying_bits(order_, rows, count);
    if (varying == 0) {
      if (!order_.prefixes_are_exact()) {
        cancellable_sort(rows, rows + count, order_, cancellation_);
      }
      finish(rows, other, count, to_other);
      return;
    }
    // As many values as there are rows for: a few rows each leave nothing to do.
    const Digit digit(varying, std::min(kMostDigitBits, 62 - __builtin_clzll(count)));
    std::array<uint32_t, size_t{1} << kMostDigitBits> ends;
    std::fill_n(ends.begin(), digit.count(), 0);
    for (size_t i = 0; i < count; ++i) ++ends[digit.of(Order::prefix(rows[i]))];
    uint32_t next = 0;
    for (size_t d = 0; d < digit.count(); ++d) next += std::exchange(ends[d], next);
    for (size_t i = 0; i < count; ++i) other[ends[digit.of(Order::prefix(rows[i]))]++] = rows[i];
    size_t begin = 0;
    for (size_t d = 0; d < digit.count(); ++d) {
      const size_t end = ends[d];
      if (begin < end) sort(other + begin, rows + begin, end - begin, !to_other);
      begin = end;
    }
  }

  void sort_in_place(Row* rows, Row* scratch, size_t count) const {
    if (!std::is_sorted(rows, rows + count, order_)) sort(rows, scratch, count, false);
  }

 private:
  static void finish(const Row* rows, Row* other, size_t count, bool to_other) {
    if (to_other) std::memcpy(other, rows, count * sizeof(Row));
  }
  void check() const {
    if (cancellation_ != nullptr) cancellation_->throw_if_cancelled();
  }

  const Order order_;
  const CancellationToken* cancellation_;
};

// How many of the first `wanted` rows of the merged runs come from `a`.
template <typename Order>
size_t rows_from_first(const Order& before, const typename Order::Row* a, size_t a_count,
                       const typename Order::Row* b, size_t b_count, size_t wanted) {
  size_t low = wanted > b_count ? wanted - b_count : 0;
  size_t high = std::min(wanted, a_count);
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (before(a[middle], b[wanted - middle - 1])) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

// One long run on all tasks.
template <typename Order>
class LongSort {
 public:
  using Row = typename Order::Row;

  LongSort(const Order& order, const ExecutionContext& context)
      : order_(order), context_(context), tasks_(context.pool == nullptr ? 1 : context.tasks) {}

  // As RangeSort::sort().
  void sort(Row* rows, Row* other, size_t count, bool to_other) const {
    const uint64_t varying = all_varying_bits(rows, count);
    if (varying == 0) {
      if (!order_.prefixes_are_exact()) merge_sort(rows, other, count);
      if (to_other) std::memcpy(other, rows, count * sizeof(Row));
      return;
    }
    constexpr int kFirstDigitBits = 8;
    const std::vector<size_t> ends = by_digit(rows, other, count, Digit(varying, kFirstDigitBits));
    std::vector<Range> ranges;
    std::vector<Range> long_ones;
    size_t begin = 0;
    for (const size_t end : ends) {
      if (end - begin >= std::max<size_t>(kLongPartition, count / (2 * tasks_))) {
        long_ones.push_back({begin, end});
      } else if (begin < end) {
        ranges.push_back({begin, end});
      }
      begin = end;
    }
    // The largest first, so that all tasks end at about the same time.
    std::stable_sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) {
      return a.end - a.begin > b.end - b.begin;
    });
    const RangeSort<Order> range_sort(order_, context_.cancellation);
    run_long_pieces(
        ranges.size(),
        [&](size_t r) {
          const auto [from, to] = ranges[r];
          range_sort.sort(other + from, rows + from, to - from, !to_other);
        },
        context_);
    for (const auto& [from, to] : long_ones) {
      sort(other + from, rows + from, to - from, !to_other);
    }
  }

 private:
  struct Range {
    size_t begin;
    size_t end;
  };

  // f(task, begin, end) over parts of equal size.
  template <typename F>
  void for_parts(size_t count, F f) const {
    run_parallel(
        tasks_, [&](size_t t) { f(t, count * t / tasks_, count * (t + 1) / tasks_); }, context_);
  }

  uint64_t all_varying_bits(const Row* rows, size_t count) const {
    std::vector<uint64_t> varying(tasks_);
    for_parts(count, [&](size_t t, size_t begin, size_t end) {
      varying[t] = varying_bits(order_, rows + begin, end - begin);
    });
    uint64_t out = 0;
    for (size_t t = 0; t < tasks_; ++t) {
      // What two parts have each for itself in all rows may still differ between them.
      out |= varying[t] | (Order::prefix(rows[0]) ^ Order::prefix(rows[count * t / tasks_]));
    }
    return out & order_.prefix_mask();
  }

  // Stable: the parts of the tasks lie one behind the other within a digit.
  // Gives where each digit's rows end.
  std::vector<size_t> by_digit(const Row* rows, Row* out, size_t count, const Digit digit) const {
    std::vector<std::vector<size_t>> places(tasks_, std::vector<size_t>(digit.count()));
    for_parts(count, [&](size_t t, size_t begin, size_t end) {
      size_t* counts = places[t].data();
      for (size_t i = begin; i < end; ++i) ++counts[digit.of(Order::prefix(rows[i]))];
    });
    std::vector<size_t> ends(digit.count());
    size_t next = 0;
    for (size_t d = 0; d < ends.size(); ++d) {
      for (std::vector<size_t>& of_task : places) next += std::exchange(of_task[d], next);
      ends[d] = next;
    }
    for_parts(count, [&](size_t t, size_t begin, size_t end) {
      size_t* next_places = places[t].data();
      for (size_t i = begin; i < end; ++i)
        out[next_places[digit.of(Order::prefix(rows[i]))]++] = rows[i];
    });
    return ends;
  }

  // By the keys themselves: runs of equal length are sorted at once, then merged pair by pair;
  // every merge is cut into pieces of equal output, so that all tasks have work to the end.
  void merge_sort(Row* rows, Row* scratch, size_t count) const {
    size_t runs = 1;
    while (runs < tasks_) runs *= 2;
    size_t width = (count + runs - 1) / runs;
    run_long_pieces(
        runs,
        [&](size_t r) {
          const size_t begin = std::min(count, r * width);
          const size_t end = std::min(count, begin + width);
          cancellable_sort(rows + begin, rows + end, order_, context_.cancellation);
        },
        context_);
    Row* from = rows;
    Row* to = scratch;
    for (; width < count; width *= 2) {
      constexpr size_t kPiece = 64 * 1024;
      const size_t pieces = (count + kPiece - 1) / kPiece;
      run_parallel(
          pieces,
          [&](size_t p) {
            const size_t end = std::min(count, (p + 1) * kPiece);
            for (size_t at = p * kPiece; at < end;) {
              const size_t pair = at / (2 * width) * (2 * width);
              const size_t middle = std::min(count, pair + width);
              const size_t last = std::min(count, pair + 2 * width);
              const size_t stop = std::min(end, last);
              const Row* a = from + pair;
              const Row* b = from + middle;
              const size_t a0 =
                  rows_from_first(order_, a, middle - pair, b, last - middle, at - pair);
              const size_t a1 =
                  rows_from_first(order_, a, middle - pair, b, last - middle, stop - pair);
              std::merge(a + a0, a + a1, b + (at - pair - a0), b + (stop - pair - a1), to + at,
                         order_);
              at = stop;
            }
          },
          context_);
      std::swap(from, to);
    }
    if (from != rows) std::memcpy(rows, from, count * sizeof(Row));
  }

  const Order order_;
  const ExecutionContext& context_;
  const size_t tasks_;
};

}  // namespace

void sort_partitions(SortedRow* rows, SortedRow* scratch, const uint32_t* starts, size_t partitions,
                     const OrderKeys& keys, const ExecutionContext& context) {
  if (keys.empty()) return;
  struct Run {
    size_t begin;
    size_t end;
  };
  std::vector<Run> runs;  // of partitions
  std::vector<size_t> long_ones;
  size_t open = 0;
  for (size_t p = 0; p < partitions; ++p) {
    if (starts[p + 1] - starts[p] >= kLongPartition) {
      if (open < p) runs.push_back({open, p});
      long_ones.push_back(p);
      open = p + 1;
    } else if (starts[p + 1] - starts[open] >= kRowsPerTask) {
      runs.push_back({open, p + 1});
      open = p + 1;
    }
  }
  if (open < partitions) runs.push_back({open, partitions});
  const KeyedRows order{keys};
  const RangeSort<KeyedRows> range_sort(order, context.cancellation);
  run_parallel(
      runs.size(),
      [&](size_t r) {
        for (size_t p = runs[r].begin; p < runs[r].end; ++p) {
          range_sort.sort_in_place(rows + starts[p], scratch + starts[p],
                                   starts[p + 1] - starts[p]);
        }
      },
      context);
  for (const size_t p : long_ones) {
    SortedRow* begin = rows + starts[p];
    const size_t count = starts[p + 1] - starts[p];
    if (std::is_sorted(begin, begin + count, order)) continue;
    LongSort<KeyedRows>(order, context).sort(begin, scratch + starts[p], count, false);
  }
}

void sort_all_rows(SortedRow* rows, SortedRow* scratch, uint32_t count, const OrderKeys& keys,
                   const ExecutionContext& context) {
  constexpr uint32_t kBlock = 64 * 1024;
  run_parallel((count + kBlock - 1) / kBlock,
               [&](size_t block) {
                 const auto begin = static_cast<uint32_t>(block * kBlock);
                 const uint32_t end = std::min(count, begin + kBlock);
                 std::vector<uint64_t> prefixes(end - begin);
                 keys.fill_prefixes(begin, end, prefixes.data());
                 for (uint32_t row = begin; row < end; ++row) {
                   rows[row] = {prefixes[row - begin], 0, row};
                 }
               },
               context);
  const uint32_t starts[] = {0, count};
  sort_partitions(rows, scratch, starts, 1, keys, context);
}

int packed_row_bits(uint32_t count, const OrderKeys& keys) {
  const int row_bits = count < 2 ? 1 : 32 - __builtin_clz(count - 1);
  return keys.prefixes_are_exact() && keys.prefix_bits() + row_bits <= 64 ? row_bits : 0;
}

void sort_packed_rows(uint64_t* rows, uint64_t* scratch, uint32_t count, int row_bits,
                      const OrderKeys& keys, const ExecutionContext& context) {
  constexpr uint32_t kBlock = 64 * 1024;
  run_parallel((count + kBlock - 1) / kBlock,
               [&](size_t block) {
                 const auto begin = static_cast<uint32_t>(block * kBlock);
                 const uint32_t end = std::min(count, begin + kBlock);
                 keys.fill_prefixes(begin, end, rows + begin);
                 for (uint32_t row = begin; row < end; ++row) {
                   rows[row] = rows[row] << row_bits | row;
                 }
               },
               context);
  const PackedRows order{row_bits};
  if (std::is_sorted(rows, rows + count)) return;
  if (count < kLongPartition) {
    RangeSort<PackedRows>(order, context.cancellation).sort(rows, scratch, count, false);
  } else {
    LongSort<PackedRows>(order, context).sort(rows, scratch, count, false);
  }
}

}  // namespace velaria
