#include "src/exec/spill/key_partitions.h"

#include <cmath>
#include <cstring>
#include <type_traits>

#include "src/kernel/dispatch.h"
#include "src/kernel/hash.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

template <typename T>
uint64_t hash_value(const T& value) {
  if constexpr (std::is_same_v<T, StringView>) {
    return hash_bytes(value.data(), value.size());
  } else if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(value)) return 1;
    const double wide = value == 0 ? 0.0 : static_cast<double>(value);
    uint64_t word;
    std::memcpy(&word, &wide, sizeof(word));
    return hash_word(word);
  } else if constexpr (std::is_same_v<T, Interval>) {
    const Int128 micros = value.total_micros();
    return hash_words(static_cast<uint64_t>(micros), static_cast<uint64_t>(micros >> 64));
  } else if constexpr (sizeof(T) <= 8) {
    return hash_word(static_cast<uint64_t>(value));
  } else {
    return hash_bytes(&value, sizeof(T));
  }
}

uint64_t hash_vector(const Column& column, int64_t row) {
  uint64_t hash = 0;
  const float* elements = column.vector_at(row);
  for (int32_t i = 0; i < column.type().list_size(); ++i) {
    hash = hash_words(hash, hash_value(elements[i]));
  }
  return hash;
}

void add_hashes(const Column& column, int64_t rows, uint64_t* hashes) {
  if (column.type().is_null()) return;
  const auto add = [&](const auto& hash_of_row) {
    for (int64_t i = 0; i < rows; ++i) {
      const uint64_t hash = column.validity().valid(i) ? hash_of_row(i) : 2;
      hashes[i] = hash_words(hashes[i], hash);
    }
  };
  if (column.type().is_vector()) {
    add([&](int64_t i) { return hash_vector(column, i); });
    return;
  }
  visit_stored_type(column.type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    add([&, values = column.values<T>()](int64_t i) { return hash_value(values[i]); });
  });
}

}  // namespace

std::vector<uint64_t> hash_keys(const std::vector<ColumnPtr>& keys, int64_t rows) {
  std::vector<uint64_t> hashes(static_cast<size_t>(rows), 0);
  for (const ColumnPtr& key : keys) add_hashes(*flatten(key), rows, hashes.data());
  return hashes;
}

void partition_by_keys(const std::vector<ColumnPtr>& keys, int64_t rows,
                       std::vector<std::vector<uint32_t>>* rows_of) {
  const std::vector<uint64_t> hashes = hash_keys(keys, rows);
  rows_of->assign(kSpillPartitions, {});
  for (uint32_t i = 0; i < rows; ++i) {
    // Hashed once more: the tables of one part must not see hashes that are alike.
    const uint64_t hash = hash_word(hashes[i] ^ 0xA0761D6478BD642Full);
    (*rows_of)[hash >> 59].push_back(i);
  }
  static_assert(kSpillPartitions == size_t{1} << (64 - 59));
}

}  // namespace velaria
