// ORDER BY, of a query or a window: rows with a number that sorts (almost) as their keys do, and
// the full comparison for rows whose numbers are equal.
//
// The number is packed as tightly as the keys allow: of a fixed-width key the bits of value -
// smallest value, of a text the varying positions among its first bytes, each with the bits of its
// own range of characters. So several keys, and texts such as codes and dates, often fit as a
// whole.
#pragma once

#include <cstdint>
#include <vector>

#include "src/column/column.h"
#include "src/exec/operator.h"
#include "src/kernel/sort_key.h"

namespace velaria {

// A row on its way into the order of its partition.
struct SortedRow {
  uint64_t prefix;     // of its order keys
  uint32_t partition;  // only while rows are brought together by partition
  uint32_t row;        // among all rows of the input
};

// <0, 0, >0 for two rows of a flat column, both not NULL.
using RowCompare = int (*)(const Column& column, uint32_t a, uint32_t b);
RowCompare row_compare(const DataType& type);

// Immutable; any thread.
class OrderKeys {
 public:
  OrderKeys() = default;
  // Flat columns over all rows. Looks at all of them, by the tasks of `context`.
  OrderKeys(const std::vector<ColumnPtr>& columns, const std::vector<SortOrder>& orders,
            const ExecutionContext& context);

  bool empty() const { return keys_.empty(); }
  // Whether rows with equal prefixes have equal keys.
  bool prefixes_are_exact() const { return exact_; }
  // How many low bits of a prefix may be set.
  int prefix_bits() const { return prefix_bits_; }
  // Prefixes of rows [begin, end).
  void fill_prefixes(uint32_t begin, uint32_t end, uint64_t* prefixes) const;

  int compare(uint32_t a, uint32_t b) const;
  bool before(const SortedRow& a, const SortedRow& b) const {
    if (a.prefix != b.prefix) return a.prefix < b.prefix;
    if (!exact_) {
      const int order = compare(a.row, b.row);
      if (order != 0) return order < 0;
    }
    return a.row < b.row;
  }
  bool are_peers(const SortedRow& a, const SortedRow& b) const {
    return a.prefix == b.prefix && (exact_ || compare(a.row, b.row) == 0);
  }

 private:
  struct Key {
    ColumnPtr column;
    SortOrder order;
    RowCompare compare;
  };
  // A byte of a text: its value - `lowest`, one more where a text may end before it.
  struct TextPosition {
    uint32_t at;
    uint8_t lowest;
    bool may_be_absent;
    int kept;  // bits
    int dropped;
  };
  // The share of one key in the prefix: [NULL bit] [upper `kept` bits of value - smallest].
  struct Piece {
    size_t key;
    bool null_bit;
    int width;  // bits of largest - smallest
    int kept;
    unsigned __int128 smallest;
    unsigned __int128 span;
    std::vector<TextPosition> positions;  // of a text
  };

  bool add_piece(size_t key, int* bits_left, const ExecutionContext& context);
  static bool add_number(const Column& column, int bits_left, Piece* piece,
                         const ExecutionContext& context);
  static bool add_text(const Column& column, int bits_left, Piece* piece,
                       const ExecutionContext& context);
  static uint64_t text_bits(const Piece& piece, const StringView& text);

  std::vector<Key> keys_;
  std::vector<Piece> pieces_;
  bool exact_ = true;
  int prefix_bits_ = 0;
};

}  // namespace velaria
