#include "src/kernel/take.h"

#include <cstring>

#include "src/base/error.h"
#include "src/column/builder.h"
#include "src/kernel/dispatch.h"

namespace velaria {

namespace {

Validity take_validity(const Validity& validity, const uint32_t* indices, int64_t count) {
  if (validity.all_valid()) return Validity();
  auto bits = Buffer::allocate(static_cast<size_t>((count + 63) / 64 * 8));
  const uint8_t* from = validity.bits();
  const int64_t offset = validity.bit_offset();
  uint64_t missing = 0;
  for (int64_t i = 0; i < count; i += 64) {
    const int64_t rows = std::min<int64_t>(64, count - i);
    uint64_t word = 0;
    for (int64_t j = 0; j < rows; ++j) {
      word |= static_cast<uint64_t>(get_bit(from, offset + indices[i + j])) << j;
    }
    missing |= ~word & (rows == 64 ? ~uint64_t{0} : (uint64_t{1} << rows) - 1);
    std::memcpy(bits->mutable_data() + i / 8, &word, 8);
  }
  return missing == 0 ? Validity() : Validity(std::move(bits), 0);
}

template <typename T>
BufferPtr gather(const T* from, const uint32_t* indices, int64_t count) {
  auto out = Buffer::allocate(static_cast<size_t>(count) * sizeof(T));
  T* to = reinterpret_cast<T*>(out->mutable_data());
  for (int64_t i = 0; i < count; ++i) to[i] = from[indices[i]];
  return out;
}

ColumnPtr take_vectors(const Column& column, const uint32_t* indices, int64_t count) {
  const int64_t dimension = column.type().list_size();
  auto out = Buffer::allocate(static_cast<size_t>(count * dimension) * sizeof(float));
  auto* to = reinterpret_cast<float*>(out->mutable_data());
  for (int64_t i = 0; i < count; ++i) {
    std::memcpy(to + i * dimension, column.vector_at(indices[i]),
                static_cast<size_t>(dimension) * sizeof(float));
  }
  ColumnPtr elements =
      Column::flat(DataType(TypeId::kFloat32), count * dimension, std::move(out), 0, Validity());
  return Column::vectors(column.type(), count, std::move(elements),
                         take_validity(column.validity(), indices, count));
}

}  // namespace

ColumnPtr take(const ColumnPtr& column, const uint32_t* indices, int64_t count) {
  if (column->type().is_null()) return Column::nulls(DataType(), count);
  if (column->is_constant()) return column->repeat(count);
  Validity validity = take_validity(column->validity(), indices, count);
  if (column->is_dictionary()) {
    BufferPtr taken = gather(column->indices(), indices, count);
    return Column::dictionary(column->child(), count, std::move(taken), 0, std::move(validity));
  }
  if (column->type().is_vector()) return take_vectors(*column, indices, count);
  return visit_stored_type(column->type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    return Column::flat(column->type(), count, gather(column->values<T>(), indices, count), 0,
                        std::move(validity), column->owners());
  });
}

ColumnPtr flatten(const ColumnPtr& column) {
  if (column->is_flat()) return column;
  const int64_t count = column->length();
  const DataType& type = column->type();
  if (type.is_null()) return column;
  if (column->is_dictionary()) {
    const Column& dictionary = *column->child();
    const uint32_t* indices = column->indices();
    Validity validity = column->validity();
    if (dictionary.may_have_nulls() || !validity.all_valid()) {
      // An index of a null row is not looked at, so it must not be used either.
      ArrayBuilder<uint32_t> safe;
      safe.reserve(count);
      ValidityBuilder present;
      for (int64_t i = 0; i < count; ++i) {
        const bool valid = !column->is_null(i);
        safe.append(valid ? indices[i] : 0);
        present.append(valid);
      }
      validity = present.finish();
      if (dictionary.length() == 0) return flatten(Column::nulls(type, count));
      ColumnPtr taken = take(column->child(), safe.data(), count);
      return taken->with_validity(std::move(validity));
    }
    return take(column->child(), indices, count);
  }
  // Constant: repeat it.
  Validity validity;
  if (column->is_null(0) || count == 0) {
    auto bits = Buffer::allocate(static_cast<size_t>((count + 63) / 64 * 8));
    std::memset(bits->mutable_data(), 0, bits->size_bytes());
    validity = Validity(std::move(bits), 0);
  }
  if (type.is_vector()) {
    const int64_t dimension = type.list_size();
    auto out = Buffer::allocate(static_cast<size_t>(count * dimension) * sizeof(float));
    auto* to = reinterpret_cast<float*>(out->mutable_data());
    for (int64_t i = 0; i < count; ++i) {
      std::memcpy(to + i * dimension, column->vector_at(0),
                  static_cast<size_t>(dimension) * sizeof(float));
    }
    return Column::vectors(
        type, count,
        Column::flat(DataType(TypeId::kFloat32), count * dimension, std::move(out), 0, Validity()),
        std::move(validity));
  }
  return visit_stored_type(type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    auto out = Buffer::allocate(static_cast<size_t>(count) * sizeof(T));
    T* to = reinterpret_cast<T*>(out->mutable_data());
    const T value = *column->values<T>();
    for (int64_t i = 0; i < count; ++i) to[i] = value;
    return Column::flat(type, count, std::move(out), 0, std::move(validity), column->owners());
  });
}

namespace {

// Neighbouring slices of one buffer are one longer slice of it: no value moves.
ColumnPtr join_neighbours(const std::vector<ColumnPtr>& columns, int64_t length) {
  const Column& first = *columns[0];
  const int width = first.type().value_width_bytes();
  if (!first.is_flat() || width == 0 || !first.values_buffer()) return nullptr;
  const uint8_t* next = first.values<uint8_t>();
  int64_t bit = first.validity().bit_offset();
  for (const ColumnPtr& column : columns) {
    const bool same = column->is_flat() && column->values_buffer() == first.values_buffer() &&
                      column->values<uint8_t>() == next &&
                      column->validity().bits() == first.validity().bits() &&
                      (first.validity().all_valid() || column->validity().bit_offset() == bit) &&
                      column->owners() == first.owners();
    if (!same) return nullptr;
    next += column->length() * width;
    bit += column->length();
  }
  const auto offset = first.values<uint8_t>() - first.values_buffer()->data();
  return Column::flat(first.type(), length, first.values_buffer(), offset, first.validity(),
                      first.owners());
}

}  // namespace

ColumnPtr concatenate(const std::vector<ColumnPtr>& columns) {
  VELARIA_CHECK(!columns.empty());
  if (columns.size() == 1) return flatten(columns[0]);
  const DataType type = columns[0]->type();
  int64_t length = 0;
  for (const ColumnPtr& column : columns) {
    VELARIA_CHECK(column->type() == type);
    length += column->length();
  }
  if (type.is_null()) return Column::nulls(type, length);
  if (ColumnPtr joined = join_neighbours(columns, length)) return joined;
  ValidityBuilder validity;
  const auto add_validity = [&](const Column& column) {
    if (column.validity().all_valid()) {
      validity.append_valid(column.length());
    } else {
      for (int64_t i = 0; i < column.length(); ++i) validity.append(column.validity().valid(i));
    }
  };
  if (type.is_vector()) {
    ArrayBuilder<float> elements;
    elements.reserve(length * type.list_size());
    for (const ColumnPtr& part : columns) {
      const ColumnPtr flat = flatten(part);
      elements.append(flat->child()->values<float>(), flat->length() * type.list_size());
      add_validity(*flat);
    }
    const int64_t count = elements.length();
    return Column::vectors(
        type, length,
        Column::flat(DataType(TypeId::kFloat32), count, elements.finish(), 0, Validity()),
        validity.finish());
  }
  // Owners are gathered in one pass: merging them pair by pair would be quadratic in the parts.
  // Rows taken from one column share its list, which may be long, and go on sharing it.
  const StringOwnersPtr& first_owners = columns[0]->owners();
  const bool share_owners =
      std::all_of(columns.begin(), columns.end(), [&](const ColumnPtr& column) {
        return !column->is_dictionary() && column->owners() == first_owners;
      });
  auto merged = std::make_shared<StringOwners>();
  return visit_stored_type(type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    ArrayBuilder<T> values;
    values.reserve(length);
    for (const ColumnPtr& part : columns) {
      const ColumnPtr flat = flatten(part);
      if (flat->length() > 0) values.append(flat->template values<T>(), flat->length());
      add_validity(*flat);
      if (!share_owners && flat->owners()) {
        for (const auto& owner : *flat->owners()) {
          if (merged->empty() || merged->back() != owner) merged->push_back(owner);
        }
      }
    }
    return Column::flat(type, length, values.finish(), 0, validity.finish(),
                        share_owners ? first_owners : StringOwnersPtr(std::move(merged)));
  });
}

Chunk concatenate_chunks(const std::vector<Chunk>& chunks, const std::vector<DataType>& types) {
  Chunk out;
  if (chunks.empty()) {
    for (const DataType& type : types) out.columns.push_back(flatten(Column::nulls(type, 0)));
    return out;
  }
  if (chunks.size() == 1) return compact(chunks[0]);
  std::vector<Chunk> compacted;
  compacted.reserve(chunks.size());
  for (const Chunk& chunk : chunks) {
    compacted.push_back(compact(chunk));
    out.rows += compacted.back().rows;
  }
  out.order = chunks[0].order;
  for (size_t c = 0; c < types.size(); ++c) {
    std::vector<ColumnPtr> parts;
    parts.reserve(compacted.size());
    for (const Chunk& chunk : compacted) parts.push_back(chunk.columns[c]);
    const bool null_throughout = std::all_of(parts.begin(), parts.end(), [](const ColumnPtr& part) {
      return part->is_constant() && part->is_null(0);
    });
    out.columns.push_back(null_throughout ? Column::nulls(types[c], out.rows) : concatenate(parts));
  }
  return out;
}

Chunk compact(const Chunk& chunk) {
  if (!chunk.selection) return chunk;
  Chunk out;
  out.rows = chunk.selected_rows();
  out.order = chunk.order;
  out.columns.reserve(chunk.columns.size());
  for (const ColumnPtr& column : chunk.columns) {
    out.columns.push_back(take(column, chunk.selection->data(), out.rows));
  }
  return out;
}

Chunk slice_chunk(const Chunk& chunk, int64_t offset, int64_t rows) {
  VELARIA_CHECK(!chunk.selection);
  Chunk out;
  out.rows = rows;
  out.order = chunk.order;
  for (const ColumnPtr& column : chunk.columns) out.columns.push_back(column->slice(offset, rows));
  return out;
}

ColumnPtr interleave(const DataType& type, const std::vector<ColumnPtr>& parts,
                     const std::vector<uint32_t>& which) {
  // One gather over the concatenated parts.
  std::vector<uint32_t> next(parts.size(), 0);
  uint32_t start = 0;
  for (size_t p = 0; p < parts.size(); ++p) {
    next[p] = start;
    start += static_cast<uint32_t>(parts[p]->length());
  }
  std::vector<uint32_t> indices(which.size());
  for (size_t i = 0; i < which.size(); ++i) indices[i] = next[which[i]]++;
  if (type.is_null()) return Column::nulls(type, static_cast<int64_t>(which.size()));
  return take(concatenate(parts), indices.data(), static_cast<int64_t>(indices.size()));
}

}  // namespace velaria
