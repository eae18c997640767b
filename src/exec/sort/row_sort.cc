#include "src/exec/sort/row_sort.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "src/exec/scheduler.h"
#include "src/exec/sort/cancellable_sort.h"

namespace velaria {

namespace {

constexpr uint32_t kRowsPerTask = 32 * 1024;
constexpr uint32_t kLongPartition = 256 * 1024;  // sorted by several tasks

struct Before {
  const OrderKeys& keys;
  bool operator()(const SortedRow& a, const SortedRow& b) const { return keys.before(a, b); }
};
struct BeforeByPrefix {
  bool operator()(const SortedRow& a, const SortedRow& b) const {
    return a.prefix != b.prefix ? a.prefix < b.prefix : a.row < b.row;
  }
};

// Least significant byte first, only over the bytes that differ; rows stand in their input order
// at the start and every pass is stable, so ties keep it.
void radix_sort(SortedRow* rows, SortedRow* scratch, size_t count,
                const CancellationToken* cancellation) {
  uint64_t ones = 0;
  uint64_t all = ~uint64_t{0};
  for (size_t i = 0; i < count; ++i) {
    ones |= rows[i].prefix;
    all &= rows[i].prefix;
  }
  const uint64_t varying = ones ^ all;
  SortedRow* from = rows;
  SortedRow* to = scratch;
  for (int shift = 0; shift < 64; shift += 8) {
    if (((varying >> shift) & 0xFF) == 0) continue;
    if (cancellation != nullptr) cancellation->throw_if_cancelled();
    size_t places[256] = {};
    for (size_t i = 0; i < count; ++i) ++places[(from[i].prefix >> shift) & 0xFF];
    size_t next = 0;
    for (size_t& place : places) {
      const size_t here = place;
      place = next;
      next += here;
    }
    for (size_t i = 0; i < count; ++i) to[places[(from[i].prefix >> shift) & 0xFF]++] = from[i];
    std::swap(from, to);
  }
  if (from != rows) std::memcpy(rows, from, count * sizeof(SortedRow));
}

void sort_run(SortedRow* rows, SortedRow* scratch, size_t count, const OrderKeys& keys,
              const CancellationToken* cancellation) {
  constexpr size_t kRadixPays = 2048;
  if (keys.prefixes_are_exact()) {
    if (std::is_sorted(rows, rows + count, BeforeByPrefix())) return;
    if (count >= kRadixPays) {
      radix_sort(rows, scratch, count, cancellation);
    } else {
      std::sort(rows, rows + count, BeforeByPrefix());
    }
    return;
  }
  const Before before{keys};
  if (std::is_sorted(rows, rows + count, before)) return;
  cancellable_sort(rows, rows + count, before, cancellation);
}

// How many of the first `wanted` rows of the merged runs come from `a`.
size_t rows_from_first(const SortedRow* a, size_t a_count, const SortedRow* b, size_t b_count,
                       size_t wanted, const Before& before) {
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

// Runs of equal length are sorted at once, then merged pair by pair; every merge is cut into pieces
// of equal output, so that all tasks have work to the end.
void sort_long(SortedRow* rows, SortedRow* scratch, size_t count, const OrderKeys& keys,
               const ExecutionContext& context) {
  const Before before{keys};
  const size_t tasks = context.pool == nullptr ? 1 : context.tasks;
  size_t runs = 1;
  while (runs < tasks) runs *= 2;
  size_t width = (count + runs - 1) / runs;
  run_long_pieces(
      runs,
      [&](size_t r) {
        const size_t begin = std::min(count, r * width);
        const size_t end = std::min(count, begin + width);
        sort_run(rows + begin, scratch + begin, end - begin, keys, context.cancellation);
      },
      context);
  SortedRow* from = rows;
  SortedRow* to = scratch;
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
            const SortedRow* a = from + pair;
            const SortedRow* b = from + middle;
            const size_t a0 =
                rows_from_first(a, middle - pair, b, last - middle, at - pair, before);
            const size_t a1 =
                rows_from_first(a, middle - pair, b, last - middle, stop - pair, before);
            std::merge(a + a0, a + a1, b + (at - pair - a0), b + (stop - pair - a1), to + at,
                       before);
            at = stop;
          }
        },
        context);
    std::swap(from, to);
  }
  if (from != rows) std::memcpy(rows, from, count * sizeof(SortedRow));
}

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
  run_parallel(
      runs.size(),
      [&](size_t r) {
        for (size_t p = runs[r].begin; p < runs[r].end; ++p) {
          sort_run(rows + starts[p], scratch + starts[p], starts[p + 1] - starts[p], keys,
                   context.cancellation);
        }
      },
      context);
  for (const size_t p : long_ones) {
    sort_long(rows + starts[p], scratch + starts[p], starts[p + 1] - starts[p], keys, context);
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

}  // namespace velaria
