#include "src/column/column.h"

#include <algorithm>
#include <cstring>

#include "src/base/block_cache.h"
#include "src/base/error.h"
#include "src/column/string_heap.h"

namespace velaria {

std::shared_ptr<Column> Column::make() {
  struct Made : Column {};  // whose constructor the allocator may call
  return std::allocate_shared<Made>(BlockAllocator<Made>());
}

std::shared_ptr<Column> Column::copy(const Column& column) {
  std::shared_ptr<Column> out = make();
  *out = column;
  return out;
}

namespace {

// What columns of NULLs of fixed width and their validity point at.
const BufferPtr& sixteen_zeros() {
  static const BufferPtr* zeros = [] {
    auto buffer = Buffer::allocate(16);
    std::memset(buffer->mutable_data(), 0, 16);
    return new BufferPtr(std::move(buffer));
  }();
  return *zeros;
}

}  // namespace

ColumnPtr Column::flat(DataType type, int64_t length, BufferPtr values, int64_t offset_bytes,
                       Validity validity, StringOwnersPtr owners) {
  auto column = make();
  column->type_ = std::move(type);
  column->length_ = length;
  column->values_data_ = values ? values->data() + offset_bytes : nullptr;
  column->values_ = std::move(values);
  column->validity_ = std::move(validity);
  column->owners_ = std::move(owners);
  return column;
}

ColumnPtr Column::vectors(DataType type, int64_t length, ColumnPtr elements, Validity validity) {
  VELARIA_CHECK(elements->is_flat() && elements->length() >= length * type.list_size());
  auto column = make();
  column->type_ = std::move(type);
  column->length_ = length;
  column->child_ = std::move(elements);
  column->validity_ = std::move(validity);
  return column;
}

namespace {

template <typename T>
void put(Buffer* buffer, T value) {
  std::memcpy(buffer->mutable_data(), &value, sizeof(T));
}

}  // namespace

ColumnPtr Column::constant(const Value& value, int64_t length) {
  if (value.is_null()) return nulls(value.type(), length);
  auto column = make();
  column->type_ = value.type();
  column->encoding_ = Encoding::kConstant;
  column->length_ = length;
  if (value.type().is_vector()) {
    const std::vector<float>& elements = value.as_vector();
    auto buffer = Buffer::allocate(elements.size() * sizeof(float));
    std::memcpy(buffer->mutable_data(), elements.data(), elements.size() * sizeof(float));
    column->child_ = flat(DataType(TypeId::kFloat32), static_cast<int64_t>(elements.size()),
                          std::move(buffer), 0, Validity());
    return column;
  }
  auto buffer = Buffer::allocate(16);
  switch (value.type().id()) {
    case TypeId::kBool: put<uint8_t>(buffer.get(), value.as_bool() ? 1 : 0); break;
    case TypeId::kInt8: put(buffer.get(), static_cast<int8_t>(value.as_int64())); break;
    case TypeId::kInt16: put(buffer.get(), static_cast<int16_t>(value.as_int64())); break;
    case TypeId::kDate32:
    case TypeId::kInt32: put(buffer.get(), static_cast<int32_t>(value.as_int64())); break;
    case TypeId::kTime64:
    case TypeId::kTimestamp:
    case TypeId::kInt64: put(buffer.get(), value.as_int64()); break;
    case TypeId::kUInt8: put(buffer.get(), static_cast<uint8_t>(value.as_uint64())); break;
    case TypeId::kUInt16: put(buffer.get(), static_cast<uint16_t>(value.as_uint64())); break;
    case TypeId::kUInt32: put(buffer.get(), static_cast<uint32_t>(value.as_uint64())); break;
    case TypeId::kUInt64: put(buffer.get(), value.as_uint64()); break;
    case TypeId::kFloat32: put(buffer.get(), static_cast<float>(value.as_double())); break;
    case TypeId::kFloat64: put(buffer.get(), value.as_double()); break;
    case TypeId::kDecimal128: put(buffer.get(), value.as_int128()); break;
    case TypeId::kInterval: put(buffer.get(), value.as_interval()); break;
    case TypeId::kUtf8:
    case TypeId::kBinary:
    case TypeId::kNested: {
      auto heap = std::make_shared<StringHeap>();
      put(buffer.get(), heap->add(value.as_text()));
      column->owners_ = std::make_shared<StringOwners>(StringOwners{heap});
      break;
    }
    case TypeId::kNull:
    case TypeId::kFixedSizeList: VELARIA_CHECK(false);
  }
  column->values_data_ = buffer->data();
  column->values_ = std::move(buffer);
  return column;
}

ColumnPtr Column::nulls(DataType type, int64_t length) {
  auto column = make();
  column->encoding_ = Encoding::kConstant;
  column->length_ = length;
  const BufferPtr& bits = sixteen_zeros();
  if (type.is_vector()) {
    auto zeros = Buffer::allocate(static_cast<size_t>(type.list_size()) * sizeof(float));
    std::memset(zeros->mutable_data(), 0, zeros->size_bytes());
    column->child_ =
        flat(DataType(TypeId::kFloat32), type.list_size(), std::move(zeros), 0, Validity());
  }
  column->type_ = std::move(type);
  column->values_data_ = bits->data();  // sixteen zero bytes serve as the unused value
  column->values_ = bits;
  column->validity_ = Validity(bits, 0);
  return column;
}

ColumnPtr Column::dictionary(ColumnPtr dictionary, int64_t length, BufferPtr indices,
                             int64_t offset_bytes, Validity validity) {
  VELARIA_CHECK(dictionary->is_flat());
  auto column = make();
  column->type_ = dictionary->type();
  column->encoding_ = Encoding::kDictionary;
  column->length_ = length;
  column->values_data_ = indices->data() + offset_bytes;
  column->values_ = std::move(indices);
  column->validity_ = std::move(validity);
  column->child_ = std::move(dictionary);
  return column;
}

bool Column::is_null(int64_t row) const {
  if (type_.is_null()) return true;
  if (is_constant()) return !validity_.valid(0);
  if (!validity_.valid(row)) return true;
  return is_dictionary() && child_->is_null(indices()[row]);
}

Value Column::value(int64_t row) const {
  VELARIA_CHECK(row >= 0 && row < length_);
  if (is_null(row)) return Value::null(type_);
  if (is_dictionary()) return child_->value(indices()[row]);
  const int64_t i = is_constant() ? 0 : row;
  switch (type_.id()) {
    case TypeId::kNull: return Value();
    case TypeId::kBool: return Value::boolean(values<uint8_t>()[i] != 0);
    case TypeId::kInt8: return Value::integral(type_, values<int8_t>()[i]);
    case TypeId::kInt16: return Value::integral(type_, values<int16_t>()[i]);
    case TypeId::kDate32:
    case TypeId::kInt32: return Value::integral(type_, values<int32_t>()[i]);
    case TypeId::kTime64:
    case TypeId::kTimestamp:
    case TypeId::kInt64: return Value::integral(type_, values<int64_t>()[i]);
    case TypeId::kUInt8: return Value::unsigned_integral(type_, values<uint8_t>()[i]);
    case TypeId::kUInt16: return Value::unsigned_integral(type_, values<uint16_t>()[i]);
    case TypeId::kUInt32: return Value::unsigned_integral(type_, values<uint32_t>()[i]);
    case TypeId::kUInt64: return Value::unsigned_integral(type_, values<uint64_t>()[i]);
    case TypeId::kFloat32: return Value::floating(type_, static_cast<double>(values<float>()[i]));
    case TypeId::kFloat64: return Value::floating(type_, values<double>()[i]);
    case TypeId::kDecimal128: return Value::decimal(type_, values<Int128>()[i]);
    case TypeId::kInterval: return Value::interval(values<Interval>()[i]);
    case TypeId::kUtf8: return Value::utf8(std::string(values<StringView>()[i].text()));
    case TypeId::kBinary: return Value::binary(std::string(values<StringView>()[i].text()));
    case TypeId::kNested: return Value::nested(type_, std::string(values<StringView>()[i].text()));
    case TypeId::kFixedSizeList: {
      const float* elements = vector_at(row);
      return Value::vector(std::vector<float>(elements, elements + type_.list_size()));
    }
  }
  return Value();
}

ColumnPtr Column::slice(int64_t offset, int64_t length) const {
  VELARIA_CHECK(offset >= 0 && length >= 0 && offset + length <= length_);
  auto column = copy(*this);
  column->length_ = length;
  if (is_constant()) return column;
  column->validity_ = validity_.slice(offset);
  if (is_dictionary()) {
    column->values_data_ += offset * static_cast<int64_t>(sizeof(uint32_t));
  } else if (type_.is_vector()) {
    column->child_ = child_->slice(offset * type_.list_size(), length * type_.list_size());
  } else if (values_data_ != nullptr) {
    column->values_data_ += offset * type_.value_width_bytes();
  }
  return column;
}

ColumnPtr Column::repeat(int64_t length) const {
  VELARIA_CHECK(is_constant());
  auto column = copy(*this);
  column->length_ = length;
  return column;
}

ColumnPtr Column::with_type(DataType type) const {
  VELARIA_CHECK(type.value_width_bytes() == type_.value_width_bytes());
  auto column = copy(*this);
  if (is_dictionary()) column->child_ = child_->with_type(type);
  column->type_ = std::move(type);
  return column;
}

ColumnPtr Column::with_validity(Validity validity) const {
  VELARIA_CHECK(!is_constant());
  auto column = copy(*this);
  column->validity_ = std::move(validity);
  return column;
}

int64_t Column::estimated_bytes() const {
  const int64_t validity_bytes = validity_.all_valid() ? 0 : bitmap_bytes(length_);
  switch (encoding_) {
    case Encoding::kConstant: return 16;
    case Encoding::kDictionary: return length_ * 4 + validity_bytes;
    case Encoding::kFlat: break;
  }
  if (type_.is_vector()) return length_ * type_.list_size() * 4 + validity_bytes;
  int64_t bytes = length_ * type_.value_width_bytes() + validity_bytes;
  if (type_.has_string_views()) {
    const StringView* strings = values<StringView>();
    for (int64_t i = 0; i < length_; ++i) {
      if (validity_.valid(i) && !strings[i].is_inline()) bytes += strings[i].size();
    }
  }
  return bytes;
}

}  // namespace velaria
