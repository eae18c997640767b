#include "src/exec/sort/order_keys.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "src/exec/scheduler.h"
#include "src/kernel/compare.h"
#include "src/kernel/dispatch.h"

namespace velaria {

namespace {

using UInt128 = unsigned __int128;

template <typename Float, typename Unsigned>
Unsigned ordered_float_bits(Float value) {
  if (std::isnan(value)) return ~Unsigned{0};
  if (value == 0) value = 0;  // one zero
  Unsigned bits;
  std::memcpy(&bits, &value, sizeof(bits));
  const Unsigned sign = Unsigned{1} << (sizeof(Unsigned) * 8 - 1);
  return (bits & sign) != 0 ? ~bits : bits | sign;
}

// An unsigned number in the order of the values. Texts have none, see text_bits().
template <typename T>
auto ordered_bits(const T& value) {
  if constexpr (std::is_same_v<T, float>) {
    return uint64_t{ordered_float_bits<float, uint32_t>(value)};
  } else if constexpr (std::is_same_v<T, double>) {
    return ordered_float_bits<double, uint64_t>(value);
  } else if constexpr (std::is_same_v<T, StringView>) {
    return uint64_t{value.size()};
  } else if constexpr (std::is_same_v<T, Int128>) {
    return static_cast<UInt128>(value) ^ (UInt128{1} << 127);
  } else if constexpr (std::is_same_v<T, Interval>) {
    return ordered_bits(value.total_micros());
  } else if constexpr (std::is_signed_v<T>) {
    return static_cast<uint64_t>(static_cast<int64_t>(value)) ^ (uint64_t{1} << 63);
  } else {
    return uint64_t{value};
  }
}

int bit_width(UInt128 value) {
  int bits = 0;
  for (; value != 0; value >>= 1) ++bits;
  return bits;
}

template <typename T>
int compare_at(const Column& column, uint32_t a, uint32_t b) {
  return compare_values(column.values<T>()[a], column.values<T>()[b]);
}

// Calls f(row) for the rows of [begin, end) that hold a value.
template <typename F>
void for_present(const Column& column, uint32_t begin, uint32_t end, F f) {
  const Validity& validity = column.validity();
  for (uint32_t row = begin; row < end; ++row) {
    if (validity.valid(row)) f(row);
  }
}

// f(block, begin, end) for blocks of rows, by all tasks.
constexpr uint32_t kBlockRows = 64 * 1024;
size_t block_count(int64_t rows) {
  return (static_cast<size_t>(rows) + kBlockRows - 1) / kBlockRows;
}
template <typename F>
void for_blocks(const Column& column, const ExecutionContext& context, F f) {
  const auto rows = static_cast<uint32_t>(column.length());
  run_parallel(
      block_count(rows),
      [&](size_t block) {
        const auto begin = static_cast<uint32_t>(block * kBlockRows);
        f(block, begin, std::min(rows, begin + kBlockRows));
      },
      context);
}

// Which lengths texts have, and which characters at each of their first positions.
struct TextRange {
  static constexpr uint32_t kBytes = 32;
  uint32_t shortest = ~uint32_t{0};
  uint32_t longest = 0;
  std::array<uint8_t, kBytes> lowest;
  std::array<uint8_t, kBytes> highest{};
  TextRange() { lowest.fill(0xFF); }

  void add(const StringView& text) {
    const uint32_t size = text.size();
    const char* data = text.data();
    shortest = std::min(shortest, size);
    longest = std::max(longest, size);
    const uint32_t seen = std::min(size, kBytes);
    for (uint32_t i = 0; i < seen; ++i) {
      const auto byte = static_cast<uint8_t>(data[i]);
      lowest[i] = std::min(lowest[i], byte);
      highest[i] = std::max(highest[i], byte);
    }
  }
  void add(const TextRange& other) {
    shortest = std::min(shortest, other.shortest);
    longest = std::max(longest, other.longest);
    for (uint32_t i = 0; i < kBytes; ++i) {
      lowest[i] = std::min(lowest[i], other.lowest[i]);
      highest[i] = std::max(highest[i], other.highest[i]);
    }
  }
};

}  // namespace

RowCompare row_compare(const DataType& type) {
  return visit_stored_type(
      type, [](auto tag) -> RowCompare { return &compare_at<typename decltype(tag)::type>; });
}

OrderKeys::OrderKeys(const std::vector<ColumnPtr>& columns, const std::vector<SortOrder>& orders,
                     const ExecutionContext& context) {
  int bits_left = 64;
  bool open = true;
  for (size_t c = 0; c < columns.size(); ++c) {
    if (columns[c]->type().is_null()) continue;  // all rows are peers by it
    keys_.push_back({columns[c], orders[c], row_compare(columns[c]->type())});
    open = open && add_piece(keys_.size() - 1, &bits_left, context);
  }
  exact_ = open;
  prefix_bits_ = 64 - bits_left;
}

// Whether the key is in the prefix as a whole.
bool OrderKeys::add_piece(size_t key, int* bits_left, const ExecutionContext& context) {
  const Column& column = *keys_[key].column;
  Piece piece{key, column.may_have_nulls(), 0, 0, 0, ~uint64_t{0}, {}};
  if (piece.null_bit) {
    if (*bits_left == 0) return false;
    --*bits_left;
  }
  const bool whole = column.type().is_string() ? add_text(column, *bits_left, &piece, context)
                                               : add_number(column, *bits_left, &piece, context);
  *bits_left -= piece.kept;
  pieces_.push_back(std::move(piece));
  return whole;
}

// Keys often span few bits; then several, and the bit for NULL, fit one word.
bool OrderKeys::add_number(const Column& column, int bits_left, Piece* piece,
                           const ExecutionContext& context) {
  visit_stored_type(column.type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (!std::is_same_v<T, StringView>) {
      const T* values = column.values<T>();
      using Bits = decltype(ordered_bits(*values));
      struct Range {
        Bits smallest = ~Bits{0};
        Bits largest = 0;
      };
      std::vector<Range> ranges(block_count(column.length()));
      for_blocks(column, context, [&](size_t block, uint32_t begin, uint32_t end) {
        Range range;
        for_present(column, begin, end, [&](uint32_t row) {
          const Bits bits = ordered_bits(values[row]);
          range.smallest = std::min(range.smallest, bits);
          range.largest = std::max(range.largest, bits);
        });
        ranges[block] = range;
      });
      Range all;
      for (const Range& range : ranges) {
        all.smallest = std::min(all.smallest, range.smallest);
        all.largest = std::max(all.largest, range.largest);
      }
      if (all.smallest > all.largest) all = {0, 0};  // only NULLs
      piece->smallest = all.smallest;
      piece->span = all.largest - all.smallest;
    }
  });
  piece->width = bit_width(piece->span);
  piece->kept = std::min(piece->width, bits_left);
  return piece->kept == piece->width;
}

bool OrderKeys::add_text(const Column& column, int bits_left, Piece* piece,
                         const ExecutionContext& context) {
  const StringView* values = column.values<StringView>();
  std::vector<TextRange> ranges(block_count(column.length()));
  for_blocks(column, context, [&](size_t block, uint32_t begin, uint32_t end) {
    TextRange range;
    for_present(column, begin, end, [&](uint32_t row) { range.add(values[row]); });
    ranges[block] = range;
  });
  TextRange all;
  for (const TextRange& range : ranges) all.add(range);
  if (all.longest < all.shortest) return true;  // only NULLs
  for (uint32_t at = 0; at < std::min(all.longest, TextRange::kBytes); ++at) {
    const bool may_be_absent = at >= all.shortest;
    const int span = all.highest[at] - all.lowest[at] + (may_be_absent ? 1 : 0);
    const int width = bit_width(static_cast<UInt128>(span));
    if (width == 0) continue;
    const int kept = std::min(width, bits_left - piece->kept);
    if (kept > 0) {
      piece->positions.push_back({at, all.lowest[at], may_be_absent, kept, width - kept});
    }
    piece->kept += kept;
    if (kept < width) return false;
  }
  return all.longest <= TextRange::kBytes;
}

uint64_t OrderKeys::text_bits(const Piece& piece, const StringView& text) {
  const char* data = text.data();
  const uint32_t size = text.size();
  uint64_t bits = 0;
  for (const TextPosition& position : piece.positions) {
    uint64_t code = 0;
    if (position.at < size) {
      code = static_cast<uint8_t>(data[position.at]) - uint64_t{position.lowest} +
             (position.may_be_absent ? 1 : 0);
    }
    bits = bits << position.kept | code >> position.dropped;
  }
  return bits;
}

void OrderKeys::fill_prefixes(uint32_t begin, uint32_t end, uint64_t* prefixes) const {
  std::memset(prefixes, 0, sizeof(uint64_t) * (end - begin));
  for (const Piece& piece : pieces_) {
    const Key& key = keys_[piece.key];
    const Column& column = *key.column;
    const int dropped = piece.width - piece.kept;
    const int shift = piece.kept + (piece.null_bit ? 1 : 0);
    const bool descending = key.order.descending;
    visit_stored_type(column.type(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      const T* values = column.values<T>();
      using Bits = decltype(ordered_bits(*values));
      const auto smallest = static_cast<Bits>(piece.smallest);
      const auto span = static_cast<Bits>(piece.span);
      const auto bits_of = [&](uint32_t row) -> uint64_t {
        if constexpr (std::is_same_v<T, StringView>) {
          const uint64_t bits = text_bits(piece, values[row]);
          const uint64_t all = piece.kept == 64 ? ~uint64_t{0} : (uint64_t{1} << piece.kept) - 1;
          return descending ? all - bits : bits;
        } else {
          const Bits above = static_cast<Bits>(ordered_bits(values[row]) - smallest);
          const Bits placed = static_cast<Bits>(descending ? span - above : above);
          return piece.kept == 0 ? 0 : static_cast<uint64_t>(placed >> dropped);
        }
      };
      if (!piece.null_bit) {
        for (uint32_t row = begin; row < end; ++row) {
          uint64_t& prefix = prefixes[row - begin];
          prefix = (shift == 64 ? 0 : prefix << shift) | bits_of(row);
        }
        return;
      }
      const uint64_t flag = uint64_t{1} << piece.kept;
      for (uint32_t row = begin; row < end; ++row) {
        const bool valid = column.validity().valid(row);
        const uint64_t bits = valid ? bits_of(row) : 0;
        uint64_t& prefix = prefixes[row - begin];
        prefix = (shift == 64 ? 0 : prefix << shift) | bits |
                 (valid == key.order.nulls_first ? flag : 0);
      }
    });
  }
}

int OrderKeys::compare(uint32_t a, uint32_t b) const {
  for (const Key& key : keys_) {
    const Column& column = *key.column;
    if (column.may_have_nulls()) {
      const bool a_null = !column.validity().valid(a);
      const bool b_null = !column.validity().valid(b);
      if (a_null && b_null) continue;
      if (a_null || b_null) return a_null == key.order.nulls_first ? -1 : 1;
    }
    const int order = key.compare(column, a, b);
    if (order != 0) return key.order.descending ? -order : order;
  }
  return 0;
}

}  // namespace velaria
