#include "src/exec/sort/order_keys.h"

#include <algorithm>
#include <cmath>
#include <cstring>

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

// An unsigned number in the order of the values; of text only the first bytes.
template <typename T>
auto ordered_bits(const T& value) {
  if constexpr (std::is_same_v<T, float>) {
    return uint64_t{ordered_float_bits<float, uint32_t>(value)};
  } else if constexpr (std::is_same_v<T, double>) {
    return ordered_float_bits<double, uint64_t>(value);
  } else if constexpr (std::is_same_v<T, StringView>) {
    const std::string_view text = value.text();
    uint64_t bits = 0;
    std::memcpy(&bits, text.data(), std::min<size_t>(8, text.size()));
    return __builtin_bswap64(bits);
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

}  // namespace

RowCompare row_compare(const DataType& type) {
  return visit_stored_type(
      type, [](auto tag) -> RowCompare { return &compare_at<typename decltype(tag)::type>; });
}

OrderKeys::OrderKeys(const std::vector<ColumnPtr>& columns, const std::vector<SortOrder>& orders) {
  int bits_left = 64;
  bool open = true;
  for (size_t c = 0; c < columns.size(); ++c) {
    if (columns[c]->type().is_null()) continue;  // all rows are peers by it
    keys_.push_back({columns[c], orders[c], row_compare(columns[c]->type())});
    open = open && add_piece(keys_.size() - 1, &bits_left);
  }
  exact_ = open;
}

// Whether the key is in the prefix as a whole.
bool OrderKeys::add_piece(size_t key, int* bits_left) {
  const Column& column = *keys_[key].column;
  const auto rows = static_cast<uint32_t>(column.length());
  Piece piece{key, column.may_have_nulls(), 64, 0, 0, ~uint64_t{0}};
  const bool text = column.type().is_string();
  if (!text) {
    // Keys often span few bits; then several, and the bit for NULL, fit one word.
    visit_stored_type(column.type(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      const T* values = column.values<T>();
      using Bits = decltype(ordered_bits(*values));
      Bits smallest = ~Bits{0};
      Bits largest = 0;
      for_present(column, 0, rows, [&](uint32_t row) {
        const Bits bits = ordered_bits(values[row]);
        smallest = std::min(smallest, bits);
        largest = std::max(largest, bits);
      });
      if (smallest > largest) smallest = largest = 0;  // only NULLs
      piece.smallest = smallest;
      piece.span = largest - smallest;
    });
    piece.width = bit_width(piece.span);
  }
  if (piece.null_bit) {
    if (*bits_left == 0) return false;
    --*bits_left;
  }
  piece.kept = std::min(piece.width, *bits_left);
  *bits_left -= piece.kept;
  pieces_.push_back(piece);
  return !text && piece.kept == piece.width;
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
        const Bits above = static_cast<Bits>(ordered_bits(values[row]) - smallest);
        const Bits placed = static_cast<Bits>(descending ? span - above : above);
        return piece.kept == 0 ? 0 : static_cast<uint64_t>(placed >> dropped);
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
