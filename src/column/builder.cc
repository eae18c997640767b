#include "src/column/builder.h"

#include "src/base/error.h"

namespace velaria {

template <typename T>
void FixedBuilder<T>::append_value(const Value& value) {
  if (value.is_null()) {
    append_null();
    return;
  }
  VELARIA_CHECK(value.type() == type_);
  if constexpr (std::is_same_v<T, Int128>) {
    append(value.as_int128());
  } else if constexpr (std::is_same_v<T, Interval>) {
    append(value.as_interval());
  } else if constexpr (std::is_floating_point_v<T>) {
    append(static_cast<T>(value.as_double()));
  } else if (type_.id() == TypeId::kBool) {
    append(value.as_bool() ? 1 : 0);
  } else if (type_.is_unsigned_integer()) {
    append(static_cast<T>(value.as_uint64()));
  } else {
    append(static_cast<T>(value.as_int64()));
  }
}

template class FixedBuilder<int8_t>;
template class FixedBuilder<int16_t>;
template class FixedBuilder<int32_t>;
template class FixedBuilder<int64_t>;
template class FixedBuilder<uint8_t>;
template class FixedBuilder<uint16_t>;
template class FixedBuilder<uint32_t>;
template class FixedBuilder<uint64_t>;
template class FixedBuilder<float>;
template class FixedBuilder<double>;
template class FixedBuilder<Int128>;
template class FixedBuilder<Interval>;

void StringBuilder::append_value(const Value& value) {
  if (value.is_null()) {
    append_null();
  } else {
    append(value.as_text());
  }
}

ColumnPtr StringBuilder::finish() {
  auto owners = std::make_shared<StringOwners>(std::move(borrowed_));
  borrowed_.clear();
  if (heap_->size_bytes() > 0) {
    owners->push_back(std::move(heap_));
    heap_ = std::make_shared<StringHeap>();
  }
  const int64_t length = values_.length();
  return Column::flat(type_, length, values_.finish(), 0, validity_.finish(), std::move(owners));
}

void VectorBuilder::append_null() {
  float* elements = elements_.extend(type_.list_size());
  std::fill(elements, elements + type_.list_size(), 0.0f);
  validity_.append(false);
}

void VectorBuilder::append_value(const Value& value) {
  if (value.is_null()) {
    append_null();
    return;
  }
  VELARIA_CHECK(value.type() == type_);
  append(value.as_vector().data());
}

ColumnPtr VectorBuilder::finish() {
  const int64_t length = validity_.length();
  const int64_t elements = elements_.length();
  ColumnPtr child =
      Column::flat(DataType(TypeId::kFloat32), elements, elements_.finish(), 0, Validity());
  return Column::vectors(type_, length, std::move(child), validity_.finish());
}

namespace {

// A column of the null type only has a length.
class NullBuilder : public ColumnBuilder {
 public:
  void append_null() override { ++length_; }
  void append_value(const Value& value) override {
    VELARIA_CHECK(value.is_null());
    ++length_;
  }
  int64_t length() const override { return length_; }
  ColumnPtr finish() override {
    const int64_t length = length_;
    length_ = 0;
    return Column::nulls(DataType(), length);
  }

 private:
  int64_t length_ = 0;
};

}  // namespace

std::unique_ptr<ColumnBuilder> ColumnBuilder::make(const DataType& type) {
  switch (type.id()) {
    case TypeId::kNull: return std::make_unique<NullBuilder>();
    case TypeId::kBool:
    case TypeId::kUInt8: return std::make_unique<FixedBuilder<uint8_t>>(type);
    case TypeId::kInt8: return std::make_unique<FixedBuilder<int8_t>>(type);
    case TypeId::kInt16: return std::make_unique<FixedBuilder<int16_t>>(type);
    case TypeId::kUInt16: return std::make_unique<FixedBuilder<uint16_t>>(type);
    case TypeId::kDate32:
    case TypeId::kInt32: return std::make_unique<FixedBuilder<int32_t>>(type);
    case TypeId::kUInt32: return std::make_unique<FixedBuilder<uint32_t>>(type);
    case TypeId::kTime64:
    case TypeId::kTimestamp:
    case TypeId::kInt64: return std::make_unique<FixedBuilder<int64_t>>(type);
    case TypeId::kUInt64: return std::make_unique<FixedBuilder<uint64_t>>(type);
    case TypeId::kFloat32: return std::make_unique<FixedBuilder<float>>(type);
    case TypeId::kFloat64: return std::make_unique<FixedBuilder<double>>(type);
    case TypeId::kDecimal128: return std::make_unique<FixedBuilder<Int128>>(type);
    case TypeId::kInterval: return std::make_unique<FixedBuilder<Interval>>(type);
    case TypeId::kUtf8:
    case TypeId::kBinary:
    case TypeId::kNested: return std::make_unique<StringBuilder>(type);
    case TypeId::kFixedSizeList: return std::make_unique<VectorBuilder>(type);
  }
  VELARIA_CHECK(false);
  return nullptr;
}

}  // namespace velaria
