#include "src/kernel/mask.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "src/kernel/array_loops.h"
#include "src/kernel/dispatch.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

void clear_invalid(const Validity& validity, int64_t rows, RowMask* mask) {
  if (validity.all_valid()) return;
  for (size_t word = 0; word < mask->size(); ++word) {
    (*mask)[word] &= validity.word(static_cast<int64_t>(word) * 64, rows);
  }
}

void set_all(int64_t rows, bool value, RowMask* mask) {
  mask->assign(static_cast<size_t>(mask_words(rows)), value ? ~uint64_t{0} : 0);
  if (value && rows % 64 != 0) mask->back() >>= 64 - rows % 64;
}

template <typename T>
constexpr bool has_loop() {
  return std::is_same_v<T, Int128> ||
         (std::is_arithmetic_v<T> && (sizeof(T) == 4 || sizeof(T) == 8));
}

// `a` is flat, `b` flat or a constant that is not NULL; both of stored type T.
template <typename T>
bool compare_flat(CompareOp op, const Column& a, const Column& b, RowMask* mask) {
  const T* y = b.values<T>();
  if constexpr (std::is_floating_point_v<T>) {
    if (b.is_constant() && std::isnan(*y)) return false;
  }
  const int64_t rows = a.length();
  mask->resize(static_cast<size_t>(mask_words(rows)));
  const CompareLoops<T>& loops = compare_loops<T>();
  (b.is_constant() ? loops.constant : loops.arrays)(op, a.values<T>(), y, rows, mask->data());
  clear_invalid(a.validity(), rows, mask);
  if (!b.is_constant()) clear_invalid(b.validity(), rows, mask);
  return true;
}

// x `op` `number` for integers x is x `*integer_op` `*bound` for an integer bound; or it is the
// same for every x, and false is given back.
bool integer_bound(double number, CompareOp op, CompareOp* integer_op, int64_t* bound) {
  if (!(number > -0x1p+63 && number < 0x1p+63)) return false;  // also NaN
  const double below = std::floor(number);
  *bound = static_cast<int64_t>(below);
  *integer_op = op;
  if (below == number) return true;
  // Between two integers: x is at most the lower one or above it.
  switch (op) {
    case CompareOp::kLess:
    case CompareOp::kLessEqual: *integer_op = CompareOp::kLessEqual; return true;
    case CompareOp::kGreater:
    case CompareOp::kGreaterEqual: *integer_op = CompareOp::kGreater; return true;
    default: return false;
  }
}

// Texts beside a constant one; equality only, since order needs the texts themselves.
bool equal_text(CompareOp op, const Column& a, const Column& b, RowMask* mask) {
  if (!b.is_constant() || (op != CompareOp::kEqual && op != CompareOp::kNotEqual)) return false;
  const StringView* texts = a.values<StringView>();
  const StringView& wanted = *b.values<StringView>();
  const uint64_t words[2] = {wanted.head(), wanted.tail()};
  const int64_t rows = a.length();
  mask->resize(static_cast<size_t>(mask_words(rows)));
  const auto* pairs = reinterpret_cast<const uint64_t*>(texts);
  if (wanted.is_inline()) {
    pair_loops().equal(pairs, words, rows, mask->data());
  } else {  // length and first bytes leave few to look at
    pair_loops().equal_first(pairs, words, rows, mask->data());
    clear_invalid(a.validity(), rows, mask);
    for (size_t word = 0; word < mask->size(); ++word) {
      for (uint64_t rest = (*mask)[word]; rest != 0; rest &= rest - 1) {
        const auto row = word * 64 + static_cast<size_t>(__builtin_ctzll(rest));
        if (texts[row] != wanted) (*mask)[word] &= ~(rest & -rest);
      }
    }
  }
  if (op == CompareOp::kNotEqual) {
    for (uint64_t& word : *mask) word = ~word;
    if (rows % 64 != 0) mask->back() &= (uint64_t{1} << (rows % 64)) - 1;
  }
  clear_invalid(a.validity(), rows, mask);
  return true;
}

bool compare_with_other_number(CompareOp op, const Column& a, const Column& b, RowMask* mask) {
  if (!b.is_constant()) return false;
  if (a.type().id() == TypeId::kFloat64 && b.type().id() == TypeId::kInt64) {
    const int64_t integer = *b.values<int64_t>();
    constexpr int64_t kExact = int64_t{1} << 53;
    if (integer > kExact || integer < -kExact) return false;
    return compare_flat<double>(
        op, a, *Column::constant(Value::float64(static_cast<double>(integer)), 1), mask);
  }
  if (a.type().id() == TypeId::kInt64 && b.type().id() == TypeId::kFloat64) {
    CompareOp integer_op = op;
    int64_t bound = 0;
    if (!integer_bound(*b.values<double>(), op, &integer_op, &bound)) return false;
    return compare_flat<int64_t>(integer_op, a, *Column::constant(Value::int64(bound), 1), mask);
  }
  return false;
}

}  // namespace

void mask_true(const ColumnPtr& condition, RowMask* mask) {
  const int64_t rows = condition->length();
  if (condition->is_constant() || condition->type().is_null()) {
    const bool holds = rows > 0 && !condition->is_null(0) && *condition->values<uint8_t>() != 0;
    set_all(rows, holds, mask);
    return;
  }
  const ColumnPtr flat = flatten(condition);
  const uint8_t* values = flat->values<uint8_t>();
  set_all(rows, false, mask);
  int64_t i = 0;
  for (; i + 8 <= rows; i += 8) {
    uint64_t eight;
    std::memcpy(&eight, values + i, 8);
    // Each byte's top bit tells whether it is not 0 (below a NULL anything may lie); the product
    // gathers these bits in the top byte.
    eight = (((eight & 0x7F7F7F7F7F7F7F7Full) + 0x7F7F7F7F7F7F7F7Full) | eight) >> 7;
    const uint64_t bits = ((eight & 0x0101010101010101ull) * 0x0102040810204080ull) >> 56;
    (*mask)[static_cast<size_t>(i / 64)] |= bits << (i % 64);
  }
  for (; i < rows; ++i) {
    (*mask)[static_cast<size_t>(i / 64)] |= static_cast<uint64_t>(values[i] != 0) << (i % 64);
  }
  clear_invalid(flat->validity(), rows, mask);
}

bool mask_compare(CompareOp op, const ColumnPtr& a, const ColumnPtr& b, RowMask* mask) {
  if (a->is_constant()) {
    return !b->is_constant() && mask_compare(swap_operands(op), b, a, mask);
  }
  if (!a->is_flat() || b->is_dictionary() || a->type().is_null() || a->type().is_vector()) {
    return false;
  }
  if (b->is_constant() && (b->length() == 0 || b->is_null(0))) {
    set_all(a->length(), false, mask);
    return true;
  }
  if (a->type() != b->type()) return compare_with_other_number(op, *a, *b, mask);
  return visit_stored_type(a->type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (has_loop<T>()) {
      return compare_flat<T>(op, *a, *b, mask);
    } else if constexpr (std::is_same_v<T, StringView>) {
      return equal_text(op, *a, *b, mask);
    } else {
      return false;
    }
  });
}

void mask_rows(const RowMask& mask, std::vector<uint32_t>* rows) {
  rows->resize(static_cast<size_t>(count_rows(mask)));
  uint32_t* out = rows->data();
  uint32_t first = 0;
  for (uint64_t word : mask) {
    if (word == ~uint64_t{0}) {
      for (uint32_t bit = 0; bit < 64; ++bit) *out++ = first + bit;
    } else {
      for (; word != 0; word &= word - 1) {
        *out++ = first + static_cast<uint32_t>(__builtin_ctzll(word));
      }
    }
    first += 64;
  }
}

int64_t count_rows(const RowMask& mask) {
  int64_t rows = 0;
  for (uint64_t word : mask) rows += __builtin_popcountll(word);
  return rows;
}

}  // namespace velaria
