#include "src/exec/join/row_keys.h"

#include <algorithm>

#include "src/exec/join/key_value.h"
#include "src/kernel/dispatch.h"
#include "src/kernel/hash.h"

namespace velaria {

namespace {

constexpr uint64_t kNullHash = 0x5BD1E995CAFEF00Dull;

template <typename T>
uint64_t hash_value(const T& value) {
  if constexpr (std::is_same_v<T, StringView>) {
    return value.is_inline() ? hash_words(value.head(), value.tail())
                             : hash_bytes(value.data(), value.size());
  } else {
    const auto number = key_number(value);
    if constexpr (sizeof(number) == 16) {
      return hash_words(static_cast<uint64_t>(number), static_cast<uint64_t>(number >> 64));
    } else {
      return hash_word(static_cast<uint64_t>(number));
    }
  }
}

uint64_t hash_vector(const float* elements, int64_t dimension) {
  uint64_t hash = 0;
  for (int64_t e = 0; e < dimension; ++e) hash = hash_words(hash, key_number(elements[e]));
  return hash;
}

// f(i) gives the hash of the value in row i.
template <typename F>
void add_hashes(const Column& column, int64_t rows, bool first, bool nulls_count, uint64_t* hashes,
                uint8_t* usable, F&& f) {
  const bool all_valid = !column.may_have_nulls();
  for (int64_t i = 0; i < rows; ++i) {
    uint64_t hash = kNullHash;
    if (all_valid || !column.is_null(i)) {
      hash = f(i);
    } else if (!nulls_count) {
      usable[i] = 0;
    }
    hashes[i] = first ? hash : mix_hash(hashes[i] ^ 0x9E3779B97F4A7C15ull, hash | 1) ^ hash;
  }
}

template <typename T>
bool equal_values(const Column& a, int64_t a_row, const Column& b, int64_t b_row) {
  const bool a_valid = a.validity().valid(a_row);
  const bool b_valid = b.validity().valid(b_row);
  if (!a_valid || !b_valid) return a_valid == b_valid;
  const T& x = a.values<T>()[a_row];
  const T& y = b.values<T>()[b_row];
  if constexpr (std::is_same_v<T, StringView>) {
    return x == y;
  } else {
    return key_number(x) == key_number(y);
  }
}

bool equal_vectors(const Column& a, int64_t a_row, const Column& b, int64_t b_row) {
  const bool a_valid = !a.is_null(a_row);
  const bool b_valid = !b.is_null(b_row);
  if (!a_valid || !b_valid) return a_valid == b_valid;
  const float* x = a.vector_at(a_row);
  const float* y = b.vector_at(b_row);
  for (int64_t e = 0; e < a.type().list_size(); ++e) {
    if (key_number(x[e]) != key_number(y[e])) return false;
  }
  return true;
}

bool equal_nulls(const Column&, int64_t, const Column&, int64_t) { return true; }

}  // namespace

void hash_key_rows(const std::vector<ColumnPtr>& keys, const std::vector<bool>& null_equals_null,
                   int64_t rows, uint64_t* hashes, uint8_t* usable) {
  std::fill(usable, usable + rows, uint8_t{1});
  for (size_t k = 0; k < keys.size(); ++k) {
    const Column& column = *keys[k];
    const auto add = [&](auto&& f) {
      add_hashes(column, rows, k == 0, null_equals_null[k], hashes, usable, f);
    };
    if (column.type().is_null()) {
      add([](int64_t) { return kNullHash; });
    } else if (column.type().is_vector()) {
      add([&](int64_t i) { return hash_vector(column.vector_at(i), column.type().list_size()); });
    } else {
      visit_stored_type(column.type(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        const T* values = column.values<T>();
        add([values](int64_t i) { return hash_value(values[i]); });
      });
    }
  }
}

size_t FixedKeyRows::words_per_row(const std::vector<ColumnPtr>& keys,
                                   const std::vector<bool>& null_equals_null) {
  size_t words = 0;
  for (size_t k = 0; k < keys.size(); ++k) {
    const DataType& type = keys[k]->type();
    if (type.is_string() || type.is_vector() || type.is_null() || null_equals_null[k]) return 0;
    words += type.value_width_bytes() > 8 ? 2 : 1;
  }
  return words;
}

void FixedKeyRows::pack(const std::vector<ColumnPtr>& keys, int64_t rows, size_t words_per_row,
                        uint64_t* words) {
  uint64_t* out = words;
  for (const ColumnPtr& key : keys) {
    visit_stored_type(key->type(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      if constexpr (!std::is_same_v<T, StringView>) {
        const T* values = key->values<T>();
        for (int64_t i = 0; i < rows; ++i) {
          const auto number = key_number(values[i]);
          uint64_t* to = out + static_cast<size_t>(i) * words_per_row;
          to[0] = static_cast<uint64_t>(number);
          if constexpr (sizeof(number) == 16) to[1] = static_cast<uint64_t>(number >> 64);
        }
        out += sizeof(key_number(T())) == 16 ? 2 : 1;
      }
    });
  }
}

KeyRowsEqual::KeyRowsEqual(const std::vector<ColumnPtr>& a, const std::vector<ColumnPtr>& b) {
  for (size_t k = 0; k < a.size(); ++k) {
    const DataType& type = a[k]->type();
    Equal equal = &equal_nulls;
    if (type.is_vector()) {
      equal = &equal_vectors;
    } else if (!type.is_null()) {
      equal = visit_stored_type(
          type, [](auto tag) -> Equal { return &equal_values<typename decltype(tag)::type>; });
    }
    pairs_.push_back({a[k].get(), b[k].get(), equal});
  }
}

}  // namespace velaria
