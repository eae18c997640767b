#include "src/exec/join/word_keys.h"

#include <algorithm>

#include "src/exec/join/key_value.h"
#include "src/kernel/dispatch.h"

namespace velaria {

namespace {

using UInt128 = unsigned __int128;

int bits_of(uint64_t value) { return value == 0 ? 0 : 64 - __builtin_clzll(value); }

bool fits_words(const DataType& type) { return !type.is_string() && !type.is_vector(); }

// Smallest and largest value that is not NULL; false when there is none.
template <typename T>
bool value_range(const Column& column, Int128* least, Int128* most) {
  using Number = decltype(key_number(T()));
  const T* values = column.values<T>();
  const int64_t rows = column.length();
  Number low = std::numeric_limits<Number>::max();
  Number high = std::numeric_limits<Number>::min();
  if constexpr (sizeof(Number) == 16) {
    low = static_cast<Number>(~UInt128{0} >> 1);
    high = -low - 1;
  }
  bool any = rows > 0;
  if (column.validity().all_valid()) {
    for (int64_t i = 0; i < rows; ++i) {
      const Number value = key_number(values[i]);
      low = std::min(low, value);
      high = std::max(high, value);
    }
  } else {
    any = false;
    for (int64_t i = 0; i < rows; ++i) {
      if (!column.validity().valid(i)) continue;
      const Number value = key_number(values[i]);
      low = std::min(low, value);
      high = std::max(high, value);
      any = true;
    }
  }
  *least = static_cast<Int128>(low);
  *most = static_cast<Int128>(high);
  return any;
}

}  // namespace

std::optional<WordKeys> WordKeys::make(const std::vector<ColumnPtr>& keys,
                                       const std::vector<bool>& null_equals_null) {
  WordKeys out;
  int bits = 0;
  for (const ColumnPtr& key : keys) {
    if (!fits_words(key->type())) return std::nullopt;
  }
  for (size_t k = 0; k < keys.size(); ++k) {
    Part part;
    part.has_null_code = null_equals_null[k] && keys[k]->may_have_nulls();
    if (!keys[k]->type().is_null()) {
      Int128 most = 0;
      visit_stored_type(keys[k]->type(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        if constexpr (!std::is_same_v<T, StringView>) {
          part.has_values = value_range<T>(*keys[k], &part.least, &most);
        }
      });
      if (part.has_values) {
        const UInt128 range = static_cast<UInt128>(most) - static_cast<UInt128>(part.least);
        if (range > std::numeric_limits<uint64_t>::max()) return std::nullopt;
        part.range = static_cast<uint64_t>(range);
      }
    }
    uint64_t top = part.range;
    if (part.has_null_code) {
      if (part.has_values && top == std::numeric_limits<uint64_t>::max()) return std::nullopt;
      part.null_code = part.has_values ? ++top : 0;
    }
    const int width = bits_of(top);
    if (bits + width > 64) return std::nullopt;
    part.shift = width == 0 ? 0 : bits;
    out.max_word_ |= top << part.shift;
    bits += width;
    out.parts_.push_back(part);
  }
  return out;
}

void WordKeys::pack(const std::vector<ColumnPtr>& keys, int64_t rows, uint64_t* words,
                    uint8_t* usable) const {
  std::fill(words, words + rows, uint64_t{0});
  std::fill(usable, usable + rows, uint8_t{1});
  for (size_t k = 0; k < keys.size(); ++k) pack_part(parts_[k], *keys[k], rows, words, usable);
}

void WordKeys::pack_or(const std::vector<ColumnPtr>& keys, int64_t rows, uint64_t none,
                       uint64_t* words, uint8_t* usable_scratch) const {
  const Column& column = *keys[0];
  const Part& part = parts_[0];
  // One number without NULLs is the usual key; it takes one pass.
  if (parts_.size() == 1 && !column.may_have_nulls() && part.has_values &&
      column.type().value_width_bytes() <= 8) {
    visit_stored_type(column.type(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      if constexpr (sizeof(T) <= 8) {
        const T* values = column.values<T>();
        const auto least = static_cast<uint64_t>(part.least);
        const uint64_t range = part.range;
        for (int64_t i = 0; i < rows; ++i) {
          const uint64_t distance = static_cast<uint64_t>(key_number(values[i])) - least;
          words[i] = distance <= range ? distance : none;
        }
      }
    });
    return;
  }
  pack(keys, rows, words, usable_scratch);
  for (int64_t i = 0; i < rows; ++i) words[i] = usable_scratch[i] ? words[i] : none;
}

void WordKeys::pack_part(const Part& part, const Column& column, int64_t rows, uint64_t* words,
                         uint8_t* usable) {
  const auto null_usable = static_cast<uint8_t>(part.has_null_code ? 1 : 0);
  const uint64_t null_word = part.null_code << part.shift;
  if (column.type().is_null()) {
    for (int64_t i = 0; i < rows; ++i) {
      usable[i] = static_cast<uint8_t>(usable[i] & null_usable);
      words[i] |= null_word;
    }
    return;
  }
  visit_stored_type(column.type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (!std::is_same_v<T, StringView>) {
      using Number = decltype(key_number(T()));
      using Distance = std::conditional_t<sizeof(Number) == 16, UInt128, uint64_t>;
      const T* values = column.values<T>();
      const auto least = static_cast<Distance>(part.least);
      const uint64_t range = part.range;
      const int shift = part.shift;
      const bool has_values = part.has_values;
      // A value below `least` wraps around to a distance beyond any range but the full one.
      const auto pack_value = [&](int64_t i) {
        const Distance distance = static_cast<Distance>(key_number(values[i])) - least;
        usable[i] = static_cast<uint8_t>(usable[i] & (distance <= range) & has_values);
        words[i] |= static_cast<uint64_t>(distance) << shift;
      };
      if (column.validity().all_valid()) {
        for (int64_t i = 0; i < rows; ++i) pack_value(i);
        return;
      }
      for (int64_t i = 0; i < rows; ++i) {
        if (column.validity().valid(i)) {
          pack_value(i);
        } else {
          usable[i] = static_cast<uint8_t>(usable[i] & null_usable);
          words[i] |= null_word;
        }
      }
    }
  });
}

}  // namespace velaria
