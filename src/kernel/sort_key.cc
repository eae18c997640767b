#include "src/kernel/sort_key.h"

#include <cmath>
#include <cstring>

#include "src/base/error.h"
#include "src/kernel/dispatch.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

template <typename Unsigned>
void append_big_endian(Unsigned value, std::string* out) {
  for (int shift = static_cast<int>(sizeof(Unsigned)) * 8 - 8; shift >= 0; shift -= 8) {
    out->push_back(static_cast<char>(static_cast<uint8_t>(value >> shift)));
  }
}

template <typename Float, typename Unsigned>
Unsigned ordered_float_bits(Float value) {
  if (value == 0) value = 0;  // one zero
  if (std::isnan(value)) return ~Unsigned{0};
  Unsigned bits;
  std::memcpy(&bits, &value, sizeof(bits));
  const Unsigned sign = Unsigned{1} << (sizeof(Unsigned) * 8 - 1);
  return (bits & sign) ? ~bits : bits | sign;
}

template <typename T>
void append_value(const T& value, std::string* out) {
  if constexpr (std::is_same_v<T, StringView>) {
    for (char c : value.text()) {
      out->push_back(c);
      if (c == '\0') out->push_back('\x01');
    }
    out->append(2, '\0');
  } else if constexpr (std::is_same_v<T, float>) {
    append_big_endian(ordered_float_bits<float, uint32_t>(value), out);
  } else if constexpr (std::is_same_v<T, double>) {
    append_big_endian(ordered_float_bits<double, uint64_t>(value), out);
  } else if constexpr (std::is_same_v<T, Interval>) {
    append_value<Int128>(value.total_micros(), out);
  } else if constexpr (std::is_same_v<T, Int128>) {
    append_big_endian(
        static_cast<unsigned __int128>(value) ^ (static_cast<unsigned __int128>(1) << 127), out);
  } else if constexpr (std::is_signed_v<T>) {
    using Unsigned = std::make_unsigned_t<T>;
    append_big_endian(
        static_cast<Unsigned>(static_cast<Unsigned>(value) ^
                              static_cast<Unsigned>(Unsigned{1} << (sizeof(T) * 8 - 1))),
        out);
  } else {
    append_big_endian(value, out);
  }
}

}  // namespace

void encode_sort_keys(const std::vector<ColumnPtr>& columns, const std::vector<SortOrder>& orders,
                      int64_t rows, std::string* bytes, std::vector<uint64_t>* ends) {
  std::vector<ColumnPtr> flat;
  for (const ColumnPtr& column : columns) flat.push_back(flatten(column));
  for (int64_t row = 0; row < rows; ++row) {
    for (size_t c = 0; c < flat.size(); ++c) {
      const Column& column = *flat[c];
      const SortOrder& order = orders[c];
      const bool null = column.is_null(row);
      bytes->push_back(null ? (order.nulls_first ? '\0' : '\2') : '\1');
      if (null) continue;
      const size_t start = bytes->size();
      if (column.type().is_vector()) {
        for (int32_t i = 0; i < column.type().list_size(); ++i) {
          append_value(column.vector_at(row)[i], bytes);
        }
      } else {
        visit_stored_type(column.type(), [&](auto tag) {
          using T = typename decltype(tag)::type;
          append_value<T>(column.values<T>()[row], bytes);
        });
      }
      if (order.descending) {
        for (size_t i = start; i < bytes->size(); ++i)
          (*bytes)[i] = static_cast<char>(~(*bytes)[i]);
      }
    }
    ends->push_back(bytes->size());
  }
}

}  // namespace velaria
