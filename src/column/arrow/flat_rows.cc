#include "src/column/arrow/flat_rows.h"

#include <cstring>
#include <vector>

#include "src/base/error.h"

namespace velaria {

namespace {

// Stands for any value of 16 bytes; needs no more alignment than strings have.
struct Wide {
  uint64_t words[2];
};

template <typename T>
void gather(const T* from, const uint32_t* rows, int64_t count, Buffer* out) {
  T* to = reinterpret_cast<T*>(out->mutable_data());
  for (int64_t i = 0; i < count; ++i) to[i] = from[rows[i]];
}

Validity gather_validity(const Validity& validity, const uint32_t* rows, int64_t count) {
  if (validity.all_valid()) return validity;
  auto bits = Buffer::allocate(static_cast<size_t>((count + 63) / 64 * 8));
  std::memset(bits->mutable_data(), 0, bits->size_bytes());
  int64_t present = 0;
  for (int64_t i = 0; i < count; ++i) {
    if (!validity.valid(rows[i])) continue;
    set_bit(bits->mutable_data(), i);
    ++present;
  }
  return present == count ? Validity() : Validity(std::move(bits), 0);
}

ColumnPtr gather_flat(const Column& column, const uint32_t* rows, int64_t count,
                      Validity validity) {
  if (column.type().is_vector()) {
    const int64_t dimension = column.type().list_size();
    const size_t vector_bytes = static_cast<size_t>(dimension) * sizeof(float);
    auto out = Buffer::allocate(static_cast<size_t>(count) * vector_bytes);
    const float* from = column.child()->values<float>();
    for (int64_t i = 0; i < count; ++i) {
      std::memcpy(out->mutable_data() + static_cast<size_t>(i) * vector_bytes,
                  from + rows[i] * dimension, vector_bytes);
    }
    ColumnPtr elements =
        Column::flat(DataType(TypeId::kFloat32), count * dimension, std::move(out), 0, Validity());
    return Column::vectors(column.type(), count, std::move(elements), std::move(validity));
  }
  const int width = column.type().value_width_bytes();
  auto out = Buffer::allocate(static_cast<size_t>(count) * static_cast<size_t>(width));
  switch (width) {
    case 1: gather(column.values<uint8_t>(), rows, count, out.get()); break;
    case 2: gather(column.values<uint16_t>(), rows, count, out.get()); break;
    case 4: gather(column.values<uint32_t>(), rows, count, out.get()); break;
    case 8: gather(column.values<uint64_t>(), rows, count, out.get()); break;
    case 16: gather(column.values<Wide>(), rows, count, out.get()); break;
    default: VELARIA_CHECK(false);
  }
  return Column::flat(column.type(), count, std::move(out), 0, std::move(validity),
                      column.owners());
}

template <typename T>
void fill(const void* value, int64_t count, Buffer* out) {
  T one;
  std::memcpy(&one, value, sizeof(T));
  T* to = reinterpret_cast<T*>(out->mutable_data());
  for (int64_t i = 0; i < count; ++i) to[i] = one;
}

ColumnPtr expand_constant(const Column& column, int64_t count) {
  Validity validity;
  if (!column.validity().valid(0)) {
    auto bits = Buffer::allocate(static_cast<size_t>((count + 63) / 64 * 8));
    std::memset(bits->mutable_data(), 0, bits->size_bytes());
    validity = Validity(std::move(bits), 0);
  }
  if (column.type().is_vector()) {
    const std::vector<uint32_t> first(static_cast<size_t>(count), 0);
    return gather_flat(column, first.data(), count, std::move(validity));
  }
  const int width = column.type().value_width_bytes();
  auto out = Buffer::allocate(static_cast<size_t>(count) * static_cast<size_t>(width));
  const void* value = column.values<uint8_t>();
  switch (width) {
    case 1: fill<uint8_t>(value, count, out.get()); break;
    case 2: fill<uint16_t>(value, count, out.get()); break;
    case 4: fill<uint32_t>(value, count, out.get()); break;
    case 8: fill<uint64_t>(value, count, out.get()); break;
    case 16: fill<Wide>(value, count, out.get()); break;
    default: VELARIA_CHECK(false);
  }
  return Column::flat(column.type(), count, std::move(out), 0, std::move(validity),
                      column.owners());
}

ColumnPtr expand_dictionary(const Column& column, const uint32_t* rows, int64_t count) {
  const Column& values = *column.child();
  if (values.length() == 0) return expand_constant(*Column::nulls(column.type(), count), count);
  Validity validity =
      rows == nullptr ? column.validity() : gather_validity(column.validity(), rows, count);
  const uint32_t* indices = column.indices();
  std::vector<uint32_t> entries(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    // The index of a null row may be anything.
    const uint32_t entry = indices[rows == nullptr ? static_cast<uint32_t>(i) : rows[i]];
    entries[static_cast<size_t>(i)] = validity.valid(i) ? entry : 0;
  }
  validity = intersect(validity, gather_validity(values.validity(), entries.data(), count), count);
  return gather_flat(values, entries.data(), count, std::move(validity));
}

}  // namespace

ColumnPtr flat_rows(const ColumnPtr& column, const uint32_t* rows, int64_t count) {
  if (column->type().is_null()) return Column::nulls(column->type(), count);
  switch (column->encoding()) {
    case Column::Encoding::kConstant: return expand_constant(*column, count);
    case Column::Encoding::kDictionary: return expand_dictionary(*column, rows, count);
    case Column::Encoding::kFlat: break;
  }
  if (rows == nullptr) {
    return count == column->length() ? column : column->slice(0, count);
  }
  return gather_flat(*column, rows, count, gather_validity(column->validity(), rows, count));
}

}  // namespace velaria
