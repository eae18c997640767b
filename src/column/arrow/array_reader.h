// Reads one column of one Arrow array: internal to this room, see import.h.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "src/column/arrow/c_data.h"
#include "src/column/arrow/format.h"
#include "src/column/arrow/nested_reader.h"
#include "src/column/arrow/string_views.h"
#include "src/column/column.h"

namespace velaria {

class DictionaryValues;

// Immutable after construction; column() may be called from any thread.
class ArrayReader {
 public:
  // `format`, `array` and `owner` outlive the reader; columns keep `owner` alive by themselves.
  // `string_owners` holds `owner`. `previous`, if any, reads the same column of an earlier array;
  // its dictionary is shared when it is the same memory. InvalidArgumentError when the array breaks
  // Arrow's rules.
  ArrayReader(const ArrowFormat& format, const ArrowArray& array, std::shared_ptr<const void> owner,
              StringOwnersPtr string_owners, const ArrayReader* previous);

  // Rows [offset, offset + length) of the array, counted from its own offset.
  ColumnPtr column(int64_t offset, int64_t length) const;

  int64_t length() const { return array_.length; }

 private:
  [[noreturn]] void malformed(std::string_view what) const;
  // A value of row `row` that our type cannot hold.
  [[noreturn]] void refuse_value(int64_t row, std::string_view what) const;
  const uint8_t* buffer(int64_t i) const { return static_cast<const uint8_t*>(array_.buffers[i]); }

  Validity validity(int64_t offset, int64_t length) const;
  ColumnPtr fixed(int64_t offset, int64_t length) const;
  ColumnPtr booleans(int64_t offset, int64_t length) const;
  ColumnPtr converted(int64_t offset, int64_t length) const;
  template <typename From, typename To, typename Convert>
  ColumnPtr convert_each(int64_t offset, int64_t length, Convert convert) const;
  int64_t to_micros(int64_t value, int64_t row) const;

  template <typename Offset>
  ColumnPtr text(int64_t offset, int64_t length) const;
  ColumnPtr text_views(int64_t offset, int64_t length) const;
  // Whether Arrow's views are ours as they lie: texts of up to 12 bytes, padded with zeros. Looked
  // up by the first caller, for the whole array.
  bool views_in_place() const;
  ColumnPtr fixed_text(int64_t offset, int64_t length) const;
  ColumnPtr strings(int64_t length, BufferPtr views, Validity validity) const;

  ColumnPtr nested(int64_t offset, int64_t length) const;
  ColumnPtr vectors(int64_t offset, int64_t length) const;
  void check_narrowed(const float* elements, int64_t offset, int64_t length,
                      const Validity& valid) const;
  ColumnPtr dictionary(int64_t offset, int64_t length) const;
  ColumnPtr run_ends(int64_t offset, int64_t length) const;
  int64_t run_end(int64_t run) const;

  const ArrowFormat& format_;
  const ArrowArray& array_;
  std::shared_ptr<const void> owner_;
  StringOwnersPtr string_owners_;
  // Wrapped once, so that a slice costs no allocation for them. Absent when there is no such
  // buffer.
  BufferPtr validity_bits_;
  BufferPtr values_;
  std::vector<ViewData> view_data_;
  mutable std::once_flag views_looked_at_;
  mutable bool views_in_place_ = false;
  std::vector<std::unique_ptr<ArrayReader>> children_;
  std::shared_ptr<DictionaryValues> dictionary_;
  std::unique_ptr<const NestedReader> nested_;
};

}  // namespace velaria
