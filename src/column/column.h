// A column: typed immutable buffers with shared ownership and validity bits, in one of few
// encodings.
//
//   flat        length values one after the other
//   constant    one value for every row
//   dictionary  uint32 indices into a flat column of distinct values
//
// Slicing and sharing copy no values. Columns are immutable and may be read from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "src/base/buffer.h"
#include "src/column/bitmap.h"
#include "src/column/string_view.h"
#include "src/column/type.h"
#include "src/column/value.h"

namespace velaria {

class Column;
using ColumnPtr = std::shared_ptr<const Column>;

// Owners of the bytes that StringViews point at. Shared by all slices of a column.
using StringOwners = std::vector<std::shared_ptr<const void>>;
using StringOwnersPtr = std::shared_ptr<const StringOwners>;

class Column {
 public:
  enum class Encoding : uint8_t { kFlat, kConstant, kDictionary };

  // `values` holds at least offset_bytes + length * width bytes.
  static ColumnPtr flat(DataType type, int64_t length, BufferPtr values, int64_t offset_bytes,
                        Validity validity, StringOwnersPtr owners = nullptr);
  // `elements`: flat float32, length * dimension values.
  static ColumnPtr vectors(DataType type, int64_t length, ColumnPtr elements, Validity validity);
  static ColumnPtr constant(const Value& value, int64_t length);
  static ColumnPtr nulls(DataType type, int64_t length);
  // `dictionary` is flat; a null row has its validity bit clear here (its index is not looked at).
  static ColumnPtr dictionary(ColumnPtr dictionary, int64_t length, BufferPtr indices,
                              int64_t offset_bytes, Validity validity);

  const DataType& type() const { return type_; }
  int64_t length() const { return length_; }
  Encoding encoding() const { return encoding_; }
  bool is_flat() const { return encoding_ == Encoding::kFlat; }
  bool is_constant() const { return encoding_ == Encoding::kConstant; }
  bool is_dictionary() const { return encoding_ == Encoding::kDictionary; }

  // Flat: `length` values. Constant: one value (garbage when null).
  template <typename T>
  const T* values() const {
    return reinterpret_cast<const T*>(values_data_);
  }
  // Validity of the rows; a constant NULL has one clear bit, see is_null().
  const Validity& validity() const { return validity_; }
  bool may_have_nulls() const { return !validity_.all_valid() || type_.is_null(); }

  const uint32_t* indices() const { return reinterpret_cast<const uint32_t*>(values_data_); }
  // Dictionary values, or the float elements of a vector column.
  const ColumnPtr& child() const { return child_; }
  // Vector columns: the `dimension` floats of row i (flat or constant).
  const float* vector_at(int64_t i) const {
    return child_->values<float>() + (is_constant() ? 0 : i) * type_.list_size();
  }

  const BufferPtr& values_buffer() const { return values_; }
  const StringOwnersPtr& owners() const { return owners_; }

  // Any encoding; for tests, rows and errors, not for loops over data.
  bool is_null(int64_t row) const;
  Value value(int64_t row) const;

  ColumnPtr slice(int64_t offset, int64_t length) const;
  // A constant with another number of rows.
  ColumnPtr repeat(int64_t length) const;
  // The same bytes read as another type of the same layout (utf8/binary, int64/timestamp...).
  ColumnPtr with_type(DataType type) const;
  ColumnPtr with_validity(Validity validity) const;

  // Bytes that this column's rows occupy, as a measure (shared buffers are counted by their share).
  int64_t estimated_bytes() const;

 private:
  Column() = default;
  // Object and reference count in one block.
  static std::shared_ptr<Column> make();
  static std::shared_ptr<Column> copy(const Column& column);

  DataType type_;
  Encoding encoding_ = Encoding::kFlat;
  int64_t length_ = 0;
  BufferPtr values_;
  const uint8_t* values_data_ = nullptr;
  Validity validity_;
  StringOwnersPtr owners_;
  ColumnPtr child_;
};

}  // namespace velaria
