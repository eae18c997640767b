// Builders: the way new columns come to be, value by value or in bulk.
//
//   FixedBuilder<int64_t> builder(DataType(TypeId::kInt64));
//   builder.append(7);
//   builder.append_null();
//   ColumnPtr column = builder.finish();   // the builder is empty afterwards
//
// One thread per builder.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <string_view>

#include "src/base/buffer.h"
#include "src/column/column.h"
#include "src/column/string_heap.h"

namespace velaria {

// A growing typed array on a Buffer.
template <typename T>
class ArrayBuilder {
 public:
  void reserve(int64_t count) {
    if (count > capacity_) grow(count);
  }
  void append(const T& value) {
    if (length_ == capacity_) grow(length_ + 1);
    data()[length_++] = value;
  }
  void append(const T* values, int64_t count) {
    reserve(length_ + count);
    std::memcpy(static_cast<void*>(data() + length_), values,
                static_cast<size_t>(count) * sizeof(T));
    length_ += count;
  }
  T* data() { return reinterpret_cast<T*>(buffer_->mutable_data()); }
  // Makes `count` slots part of the array; the caller writes them.
  T* extend(int64_t count) {
    reserve(length_ + count);
    T* first = data() + length_;
    length_ += count;
    return first;
  }
  int64_t length() const { return length_; }
  BufferPtr finish() {
    if (!buffer_) buffer_ = Buffer::allocate(sizeof(T));
    BufferPtr out = std::move(buffer_);
    buffer_.reset();
    length_ = capacity_ = 0;
    return out;
  }

 private:
  void grow(int64_t least) {
    const int64_t capacity = std::max<int64_t>({least, capacity_ * 2, 64});
    auto grown = Buffer::allocate(static_cast<size_t>(capacity) * sizeof(T));
    if (length_ > 0) {
      std::memcpy(grown->mutable_data(), buffer_->data(), static_cast<size_t>(length_) * sizeof(T));
    }
    buffer_ = std::move(grown);
    capacity_ = capacity;
  }

  std::shared_ptr<Buffer> buffer_;
  int64_t length_ = 0;
  int64_t capacity_ = 0;
};

// Any type, through virtual calls: for rows from people and tests, not for loops over data.
class ColumnBuilder {
 public:
  virtual ~ColumnBuilder() = default;
  virtual void append_null() = 0;
  // The value is null, or of exactly the builder's type.
  virtual void append_value(const Value& value) = 0;
  virtual int64_t length() const = 0;
  virtual ColumnPtr finish() = 0;

  static std::unique_ptr<ColumnBuilder> make(const DataType& type);
};

template <typename T>
class FixedBuilder : public ColumnBuilder {
 public:
  explicit FixedBuilder(DataType type) : type_(std::move(type)) {}
  void append(const T& value) {
    values_.append(value);
    validity_.append(true);
  }
  void append_null() override {
    values_.append(T());
    validity_.append(false);
  }
  void append_value(const Value& value) override;
  int64_t length() const override { return values_.length(); }
  ColumnPtr finish() override {
    const int64_t length = values_.length();
    return Column::flat(type_, length, values_.finish(), 0, validity_.finish());
  }

 private:
  DataType type_;
  ArrayBuilder<T> values_;
  ValidityBuilder validity_;
};

// utf8 and binary, and encoded nested values. Long strings are copied into the builder's own heap.
class StringBuilder : public ColumnBuilder {
 public:
  explicit StringBuilder(DataType type = DataType(TypeId::kUtf8))
      : type_(std::move(type)), heap_(std::make_shared<StringHeap>()) {}
  void append(std::string_view text) {
    values_.append(heap_->add(text));
    validity_.append(true);
  }
  // `view` must stay valid through an owner given to add_owner().
  void append_borrowed(const StringView& view) {
    values_.append(view);
    validity_.append(true);
  }
  void add_owner(std::shared_ptr<const void> owner) { borrowed_.push_back(std::move(owner)); }
  void append_null() override {
    values_.append(StringView());
    validity_.append(false);
  }
  void append_value(const Value& value) override;
  int64_t length() const override { return values_.length(); }
  StringHeap& heap() { return *heap_; }
  ColumnPtr finish() override;

 private:
  DataType type_;
  ArrayBuilder<StringView> values_;
  ValidityBuilder validity_;
  std::shared_ptr<StringHeap> heap_;
  StringOwners borrowed_;
};

// fixed_size_list<float32>.
class VectorBuilder : public ColumnBuilder {
 public:
  explicit VectorBuilder(DataType type) : type_(std::move(type)) {}
  void append(const float* elements) {
    elements_.append(elements, type_.list_size());
    validity_.append(true);
  }
  void append_null() override;
  void append_value(const Value& value) override;
  int64_t length() const override { return validity_.length(); }
  ColumnPtr finish() override;

 private:
  DataType type_;
  ArrayBuilder<float> elements_;
  ValidityBuilder validity_;
};

}  // namespace velaria
