#include "src/column/arrow/array_reader.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/arrow/array_shape.h"
#include "src/column/arrow/dictionary_values.h"
#include "src/column/arrow/flat_rows.h"
#include "src/column/half_float.h"

namespace velaria {

namespace {

bool aligned(const void* address, int bytes) {
  return reinterpret_cast<uintptr_t>(address) % static_cast<uintptr_t>(bytes) == 0;
}

// Eight bits as eight bytes of 0 or 1, lowest first.
uint64_t spread_bits(uint64_t bits) {
  // Byte k keeps bit k only; adding 0x7F carries a 1 into the top bit of every byte that is not 0.
  const uint64_t chosen = (bits * 0x0101010101010101ULL) & 0x8040201008040201ULL;
  return ((chosen + 0x7F7F7F7F7F7F7F7FULL) >> 7) & 0x0101010101010101ULL;
}

// What lies below a NULL has no meaning.
void clear_nulls(const Validity& valid, int64_t rows, StringView* views) {
  if (valid.all_valid()) return;
  for (int64_t i = 0; i < rows; ++i) {
    if (!valid.valid(i)) views[i] = StringView();
  }
}

bool null_views_are_empty(const Validity& valid, int64_t rows, const uint8_t* views) {
  if (valid.all_valid()) return true;
  for (int64_t i = 0; i < rows; ++i) {
    uint64_t words[2];
    std::memcpy(words, views + i * 16, sizeof(words));
    if (!valid.valid(i) && (words[0] | words[1]) != 0) return false;
  }
  return true;
}

}  // namespace

void ArrayReader::malformed(std::string_view what) const { malformed_array(format_, what); }

void ArrayReader::refuse_value(int64_t row, std::string_view what) const {
  throw Error(ErrorKind::kTypeMismatch,
              concat("column '", excerpt(format_.column), "', row ", row,
                     " of its Arrow array (format '", excerpt(format_.text), "'): ", what));
}

ArrayReader::ArrayReader(const ArrowFormat& format, const ArrowArray& array,
                         std::shared_ptr<const void> owner, StringOwnersPtr string_owners,
                         const ArrayReader* previous)
    : format_(format),
      array_(array),
      owner_(std::move(owner)),
      string_owners_(std::move(string_owners)) {
  check_array_shape(format_, array_);
  if (array_.length == 0) return;
  const int64_t rows = array_.offset + array_.length;
  if (has_validity(format_.layout) && array_.null_count != 0 && array_.buffers[0] != nullptr) {
    validity_bits_ =
        Buffer::wrap(array_.buffers[0], static_cast<size_t>(bitmap_bytes(rows)), owner_);
  }
  if (format_.layout == ArrowLayout::kFixed) {
    values_ =
        Buffer::wrap(array_.buffers[1], static_cast<size_t>(rows * format_.width_bytes), owner_);
  } else if (format_.layout == ArrowLayout::kTextView) {
    values_ =
        Buffer::wrap(array_.buffers[1], static_cast<size_t>(rows) * sizeof(StringView), owner_);
    view_data_ = read_view_data(array_);
  } else if (format_.layout == ArrowLayout::kDictionary) {
    values_ =
        Buffer::wrap(array_.buffers[1], static_cast<size_t>(rows * format_.width_bytes), owner_);
    if (previous != nullptr && previous->dictionary_ &&
        previous->dictionary_->same_memory(*array_.dictionary)) {
      dictionary_ = previous->dictionary_;
    } else {
      dictionary_ = std::make_shared<DictionaryValues>(format_.children[0], *array_.dictionary,
                                                       owner_, string_owners_);
    }
  } else if (format_.layout == ArrowLayout::kVector || format_.layout == ArrowLayout::kRunEnd) {
    for (size_t i = 0; i < format_.children.size(); ++i) {
      children_.push_back(std::make_unique<ArrayReader>(format_.children[i], *array_.children[i],
                                                        owner_, string_owners_, nullptr));
    }
    if (format_.layout == ArrowLayout::kVector &&
        array_.children[0]->length < rows * format_.type.list_size()) {
      malformed(concat("its elements are ", array_.children[0]->length, " and must be ",
                       rows * format_.type.list_size()));
    }
    if (format_.layout == ArrowLayout::kRunEnd) {
      const int64_t runs = array_.children[0]->length;
      if (runs == 0 || array_.children[1]->length < runs || run_end(runs - 1) < rows) {
        malformed("its runs do not cover its rows");
      }
    }
  } else if (format_.is_nested_column()) {
    nested_ = std::make_unique<const NestedReader>(format_, array_);
  }
}

ColumnPtr ArrayReader::column(int64_t offset, int64_t length) const {
  VELARIA_CHECK(offset >= 0 && length >= 0 && offset + length <= array_.length);
  if (format_.type.is_null()) return Column::nulls(format_.type, length);
  if (length == 0) return flat_rows(Column::nulls(format_.type, 0), nullptr, 0);
  switch (format_.layout) {
    case ArrowLayout::kNull: break;
    case ArrowLayout::kBool: return booleans(offset, length);
    case ArrowLayout::kFixed: return fixed(offset, length);
    case ArrowLayout::kText32: return text<int32_t>(offset, length);
    case ArrowLayout::kText64: return text<int64_t>(offset, length);
    case ArrowLayout::kTextView: return text_views(offset, length);
    case ArrowLayout::kFixedText: return fixed_text(offset, length);
    case ArrowLayout::kVector: return vectors(offset, length);
    case ArrowLayout::kDictionary: return dictionary(offset, length);
    case ArrowLayout::kRunEnd: return run_ends(offset, length);
    case ArrowLayout::kList32:
    case ArrowLayout::kList64:
    case ArrowLayout::kListView32:
    case ArrowLayout::kListView64:
    case ArrowLayout::kFixedSizeList:
    case ArrowLayout::kStruct: return nested(offset, length);
    default: return converted(offset, length);
  }
  VELARIA_CHECK(false);
  return nullptr;
}

Validity ArrayReader::validity(int64_t offset, int64_t length) const {
  if (!validity_bits_) return Validity();
  Validity out(validity_bits_, array_.offset + offset);
  // Counting costs next to nothing, and every operator is faster without the bits.
  return out.count_nulls(length) == 0 ? Validity() : out;
}

ColumnPtr ArrayReader::fixed(int64_t offset, int64_t length) const {
  const int width = format_.width_bytes;
  const int64_t first_byte = (array_.offset + offset) * width;
  if (aligned(values_->data() + first_byte, width)) {
    return Column::flat(format_.type, length, values_, first_byte, validity(offset, length));
  }
  // Arrow promises 8 bytes at best, and some producers nothing; loops over our columns need more.
  auto copy = Buffer::allocate(static_cast<size_t>(length * width));
  std::memcpy(copy->mutable_data(), values_->data() + first_byte,
              static_cast<size_t>(length * width));
  return Column::flat(format_.type, length, std::move(copy), 0, validity(offset, length));
}

ColumnPtr ArrayReader::booleans(int64_t offset, int64_t length) const {
  const int64_t first_bit = array_.offset + offset;
  const uint8_t* bits = buffer(1);
  auto out = Buffer::allocate(static_cast<size_t>(length));
  uint8_t* to = out->mutable_data();
  const int64_t last_byte = (first_bit + length - 1) / 8;
  int64_t i = 0;
  for (; i + 8 <= length; i += 8) {
    const int64_t byte = (first_bit + i) / 8;
    const int shift = static_cast<int>((first_bit + i) % 8);
    uint64_t eight = bits[byte];
    if (byte < last_byte) eight |= static_cast<uint64_t>(bits[byte + 1]) << 8;
    const uint64_t bytes = spread_bits((eight >> shift) & 0xFF);
    std::memcpy(to + i, &bytes, sizeof(bytes));
  }
  for (; i < length; ++i) to[i] = get_bit(bits, first_bit + i) ? 1 : 0;
  return Column::flat(format_.type, length, std::move(out), 0, validity(offset, length));
}

template <typename From, typename To, typename Convert>
ColumnPtr ArrayReader::convert_each(int64_t offset, int64_t length, Convert convert) const {
  const uint8_t* from = buffer(1) + (array_.offset + offset) * static_cast<int64_t>(sizeof(From));
  auto out = Buffer::allocate(static_cast<size_t>(length) * sizeof(To));
  To* to = reinterpret_cast<To*>(out->mutable_data());
  Validity valid = validity(offset, length);
  for (int64_t i = 0; i < length; ++i) {
    From value;
    std::memcpy(&value, from + i * static_cast<int64_t>(sizeof(From)), sizeof(From));
    // Below a null anything may lie, also what cannot be converted.
    to[i] = valid.valid(i) ? static_cast<To>(convert(value, offset + i)) : To();
  }
  return Column::flat(format_.type, length, std::move(out), 0, std::move(valid));
}

int64_t ArrayReader::to_micros(int64_t value, int64_t row) const {
  if (value % format_.divide != 0) {
    refuse_value(row, concat(value,
                             " nanoseconds are not whole microseconds, the finest that "
                             "times and intervals hold here; round the column first"));
  }
  int64_t micros = 0;
  if (__builtin_mul_overflow(value / format_.divide, format_.multiply, &micros)) {
    refuse_value(row, concat(value, " is too large to be counted in microseconds"));
  }
  return micros;
}

// The layouts that need a look at each value, but only that.
ColumnPtr ArrayReader::converted(int64_t offset, int64_t length) const {
  struct DayTime {
    int32_t days;
    int32_t millis;
  };
  struct MonthDayNano {
    int32_t months;
    int32_t days;
    int64_t nanos;
  };
  switch (format_.layout) {
    case ArrowLayout::kFloat16:
      return convert_each<uint16_t, float>(
          offset, length, [](uint16_t value, int64_t) { return half_to_float(value); });
    case ArrowLayout::kFloat64:
      // vectors() looks at what became infinite.
      return convert_each<double, float>(offset, length,
                                         [](double value, int64_t) { return value; });
    case ArrowLayout::kDecimal32:
      return convert_each<int32_t, Int128>(
          offset, length, [](int32_t value, int64_t) { return static_cast<Int128>(value); });
    case ArrowLayout::kDecimal64:
      return convert_each<int64_t, Int128>(
          offset, length, [](int64_t value, int64_t) { return static_cast<Int128>(value); });
    case ArrowLayout::kDate64:
      return convert_each<int64_t, int32_t>(offset, length, [this](int64_t value, int64_t row) {
        constexpr int64_t kMillisPerDay = 86400000;
        const int64_t days = value / kMillisPerDay;
        if (value % kMillisPerDay != 0 || days > std::numeric_limits<int32_t>::max() ||
            days < std::numeric_limits<int32_t>::min()) {
          refuse_value(row, concat(value,
                                   " milliseconds are not a whole day of date32; cast the "
                                   "column to timestamp[ms]"));
        }
        return static_cast<int32_t>(days);
      });
    case ArrowLayout::kTime32:
      return convert_each<int32_t, int64_t>(
          offset, length, [this](int32_t value, int64_t row) { return to_micros(value, row); });
    case ArrowLayout::kTime64:
      return convert_each<int64_t, int64_t>(
          offset, length, [this](int64_t value, int64_t row) { return to_micros(value, row); });
    case ArrowLayout::kDuration:
      return convert_each<int64_t, Interval>(offset, length, [this](int64_t value, int64_t row) {
        return Interval{0, 0, to_micros(value, row)};
      });
    case ArrowLayout::kYearMonth:
      return convert_each<int32_t, Interval>(
          offset, length, [](int32_t months, int64_t) { return Interval{months, 0, 0}; });
    case ArrowLayout::kDayTime:
      return convert_each<DayTime, Interval>(offset, length, [](const DayTime& value, int64_t) {
        return Interval{0, value.days, int64_t{value.millis} * 1000};
      });
    case ArrowLayout::kMonthDayNano:
      return convert_each<MonthDayNano, Interval>(
          offset, length, [this](const MonthDayNano& value, int64_t row) {
            if (value.nanos % 1000 != 0) {
              refuse_value(row, concat("an interval of ", value.nanos,
                                       " nanoseconds has parts of microseconds; round it first"));
            }
            return Interval{value.months, value.days, value.nanos / 1000};
          });
    default: VELARIA_CHECK(false);
  }
  return nullptr;
}

ColumnPtr ArrayReader::strings(int64_t length, BufferPtr views, Validity valid) const {
  return Column::flat(format_.type, length, std::move(views), 0, std::move(valid), string_owners_);
}

template <typename Offset>
ColumnPtr ArrayReader::text(int64_t offset, int64_t length) const {
  const Offset* offsets = reinterpret_cast<const Offset*>(buffer(1));
  // Unaligned offsets are read as bytes; the compiler makes one load of it.
  const auto offset_at = [&](int64_t i) {
    Offset value;
    std::memcpy(&value, offsets + i, sizeof(value));
    return static_cast<int64_t>(value);
  };
  const int64_t first_row = array_.offset + offset;
  const int64_t data_bytes = offset_at(array_.offset + array_.length);
  const char* data = reinterpret_cast<const char*>(buffer(2));
  Validity valid = validity(offset, length);
  auto out = Buffer::allocate(static_cast<size_t>(length) * sizeof(StringView));
  StringView* to = reinterpret_cast<StringView*>(out->mutable_data());
  if (views_of_offsets(offsets + first_row, length, data, data_bytes, to)) {
    clear_nulls(valid, length, to);
    return strings(length, std::move(out), std::move(valid));
  }
  int64_t begin = offset_at(first_row);
  for (int64_t i = 0; i < length; ++i) {
    const int64_t end = offset_at(first_row + i + 1);
    const int64_t size = end - begin;
    if (size < 0 || begin < 0 || end > data_bytes) {
      malformed(concat("the offsets of row ", offset + i, " do not ascend"));
    }
    if (size > int64_t{std::numeric_limits<uint32_t>::max()}) {
      refuse_value(offset + i, concat("a text of ", format_bytes(static_cast<uint64_t>(size)),
                                      " is longer than the limit of 4 GiB"));
    }
    to[i] = valid.valid(i) ? StringView(data + begin, static_cast<uint32_t>(size)) : StringView();
    begin = end;
  }
  return strings(length, std::move(out), std::move(valid));
}

bool ArrayReader::views_in_place() const {
  std::call_once(views_looked_at_, [this] {
    const uint8_t* views = buffer(1) + array_.offset * sizeof(StringView);
    const Validity valid = validity(0, array_.length);
    views_in_place_ = aligned(views, int{alignof(StringView)}) &&
                      are_padded_inline_views(views, array_.length) &&
                      null_views_are_empty(valid, array_.length, views);
  });
  return views_in_place_;
}

ColumnPtr ArrayReader::text_views(int64_t offset, int64_t length) const {
  if (views_in_place()) {
    const int64_t first_byte = (array_.offset + offset) * int64_t{sizeof(StringView)};
    return Column::flat(format_.type, length, values_, first_byte, validity(offset, length),
                        string_owners_);
  }
  struct ArrowView {
    int32_t size;
    char prefix[4];
    int32_t buffer;
    int32_t offset;
  };
  static_assert(sizeof(ArrowView) == 16);
  const uint8_t* views = buffer(1);
  Validity valid = validity(offset, length);
  auto out = Buffer::allocate(static_cast<size_t>(length) * sizeof(StringView));
  StringView* to = reinterpret_cast<StringView*>(out->mutable_data());
  if (views_of_views(views + (array_.offset + offset) * 16, length, view_data_, to)) {
    clear_nulls(valid, length, to);
    return strings(length, std::move(out), std::move(valid));
  }
  for (int64_t i = 0; i < length; ++i) {
    to[i] = StringView();
    if (!valid.valid(i)) continue;
    const uint8_t* at = views + (array_.offset + offset + i) * 16;
    ArrowView view;
    std::memcpy(&view, at, sizeof(view));
    if (view.size < 0) malformed(concat("the text of row ", offset + i, " has a size below 0"));
    const auto size = static_cast<uint32_t>(view.size);
    if (size <= StringView::kInlineBytes) {
      to[i] = StringView(reinterpret_cast<const char*>(at) + 4, size);
      continue;
    }
    const auto index = static_cast<size_t>(static_cast<uint32_t>(view.buffer));
    const ViewData from = index < view_data_.size() ? view_data_[index] : ViewData();
    if (view.offset < 0 || int64_t{view.offset} + view.size > from.bytes) {
      malformed(concat("the text of row ", offset + i, " lies outside its data buffers"));
    }
    to[i] = StringView(from.data + view.offset, size);
  }
  return strings(length, std::move(out), std::move(valid));
}

ColumnPtr ArrayReader::fixed_text(int64_t offset, int64_t length) const {
  const char* data = reinterpret_cast<const char*>(buffer(1));
  const auto width = static_cast<uint32_t>(format_.width_bytes);
  Validity valid = validity(offset, length);
  auto out = Buffer::allocate(static_cast<size_t>(length) * sizeof(StringView));
  StringView* to = reinterpret_cast<StringView*>(out->mutable_data());
  for (int64_t i = 0; i < length; ++i) {
    to[i] = valid.valid(i) ? StringView(data + (array_.offset + offset + i) * width, width)
                           : StringView();
  }
  return strings(length, std::move(out), std::move(valid));
}

ColumnPtr ArrayReader::nested(int64_t offset, int64_t length) const {
  Validity valid = validity(offset, length);
  auto bytes = std::make_shared<std::string>();
  std::vector<uint64_t> ends;
  ends.reserve(static_cast<size_t>(length));
  nested_->encode(offset, length, [&](int64_t i) { return valid.valid(i); }, bytes.get(), &ends);
  auto out = Buffer::allocate(static_cast<size_t>(length) * sizeof(StringView));
  StringView* to = reinterpret_cast<StringView*>(out->mutable_data());
  uint64_t begin = 0;
  for (size_t i = 0; i < ends.size(); ++i) {
    to[i] = StringView(bytes->data() + begin, static_cast<uint32_t>(ends[i] - begin));
    begin = ends[i];
  }
  // Nothing points into Arrow's memory any more.
  return Column::flat(format_.type, length, std::move(out), 0, std::move(valid),
                      std::make_shared<const StringOwners>(StringOwners{std::move(bytes)}));
}

ColumnPtr ArrayReader::vectors(int64_t offset, int64_t length) const {
  const int64_t dimension = format_.type.list_size();
  Validity valid = validity(offset, length);
  ColumnPtr elements =
      children_[0]->column((array_.offset + offset) * dimension, length * dimension);
  if (!elements->validity().all_valid()) {
    // Below a null vector lie null elements as a rule; in a vector that is there they have no
    // meaning.
    const Validity present = elements->validity();
    for (int64_t i = 0; i < length; ++i) {
      if (!valid.valid(i)) continue;
      for (int64_t k = 0; k < dimension; ++k) {
        if (!present.valid(i * dimension + k)) {
          refuse_value(offset + i, concat("element ", k,
                                          " of the vector is NULL; make the whole "
                                          "vector NULL, or fill the element"));
        }
      }
    }
    elements = elements->with_validity(Validity());
  }
  if (format_.children[0].layout == ArrowLayout::kFloat64) {
    check_narrowed(elements->values<float>(), offset, length, valid);
  }
  return Column::vectors(format_.type, length, std::move(elements), std::move(valid));
}

// float64 elements become the nearest float32, but a finite one never infinity.
void ArrayReader::check_narrowed(const float* elements, int64_t offset, int64_t length,
                                 const Validity& valid) const {
  const int64_t dimension = format_.type.list_size();
  const ArrowArray& child = *array_.children[0];
  const auto* from = static_cast<const double*>(child.buffers[1]) + child.offset +
                     (array_.offset + offset) * dimension;
  for (int64_t i = 0; i < length; ++i) {
    bool infinite = false;
    for (int64_t k = 0; k < dimension; ++k) infinite |= std::isinf(elements[i * dimension + k]);
    if (!infinite || !valid.valid(i)) continue;
    for (int64_t k = 0; k < dimension; ++k) {
      double value;
      std::memcpy(&value, from + i * dimension + k, sizeof(value));
      if (!std::isfinite(value) || std::isfinite(elements[i * dimension + k])) continue;
      refuse_value(offset + i, concat("element ", k, " of the vector, ", format_double(value),
                                      ", is beyond float32, of which vectors are made; scale the "
                                      "vectors"));
    }
  }
}

ColumnPtr ArrayReader::dictionary(int64_t offset, int64_t length) const {
  using Entries = DictionaryValues::Entries;
  const Entries& entries = dictionary_->entries();
  const Validity valid = validity(offset, length);
  const int width = format_.width_bytes;
  const uint8_t* from = values_->data() + (array_.offset + offset) * width;
  auto out = Buffer::allocate(static_cast<size_t>(length) * sizeof(uint32_t));
  auto* to = reinterpret_cast<uint32_t*>(out->mutable_data());
  ValidityBuilder rows_valid;
  const auto limit = static_cast<uint64_t>(entries.indices);
  const auto read_indices = [&](auto zero) {
    using Index = decltype(zero);
    for (int64_t i = 0; i < length; ++i) {
      uint32_t place = Entries::kNull;
      if (valid.valid(i)) {
        Index index;
        std::memcpy(&index, from + i * static_cast<int64_t>(sizeof(Index)), sizeof(Index));
        // A negative index becomes a huge one here.
        const auto chosen = static_cast<uint64_t>(index);
        if (chosen >= limit) {
          malformed(
              concat("index ", +index, " of row ", offset + i, " in a dictionary of ", limit));
        }
        place = entries.places.empty() ? static_cast<uint32_t>(chosen) : entries.places[chosen];
      }
      rows_valid.append(place != Entries::kNull);
      to[i] = place == Entries::kNull ? 0 : place;
    }
  };
  switch (width) {
    case 1: format_.signed_index ? read_indices(int8_t{}) : read_indices(uint8_t{}); break;
    case 2: format_.signed_index ? read_indices(int16_t{}) : read_indices(uint16_t{}); break;
    case 4: format_.signed_index ? read_indices(int32_t{}) : read_indices(uint32_t{}); break;
    case 8: format_.signed_index ? read_indices(int64_t{}) : read_indices(uint64_t{}); break;
    default: VELARIA_CHECK(false);
  }
  // Nothing to point at: every row is NULL.
  if (entries.values->length() == 0) {
    return flat_rows(Column::nulls(format_.type, length), nullptr, length);
  }
  ColumnPtr column =
      Column::dictionary(entries.values, length, std::move(out), 0, rows_valid.finish());
  return DictionaryValues::stays_encoded(format_.type) ? column
                                                       : flat_rows(column, nullptr, length);
}

int64_t ArrayReader::run_end(int64_t run) const {
  const ArrayReader& ends = *children_[0];
  const int width = ends.format_.width_bytes;
  const uint8_t* at = ends.values_->data() + (ends.array_.offset + run) * width;
  int64_t out = 0;
  if (width == 2) {
    int16_t value;
    std::memcpy(&value, at, sizeof(value));
    out = value;
  } else if (width == 4) {
    int32_t value;
    std::memcpy(&value, at, sizeof(value));
    out = value;
  } else {
    std::memcpy(&out, at, sizeof(out));
  }
  return out;
}

ColumnPtr ArrayReader::run_ends(int64_t offset, int64_t length) const {
  const int64_t first_row = array_.offset + offset;
  // The first run that ends behind first_row; the runs cover all rows, so there is one.
  int64_t low = 0;
  int64_t high = array_.children[0]->length - 1;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (run_end(middle) > first_row) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  std::vector<uint32_t> runs(static_cast<size_t>(length));
  int64_t run = low;
  int64_t end = run_end(run);
  for (int64_t i = 0; i < length; ++i) {
    while (first_row + i >= end) {
      if (++run >= array_.children[0]->length) malformed("its run ends do not ascend");
      end = run_end(run);
    }
    runs[static_cast<size_t>(i)] = static_cast<uint32_t>(run - low);
  }
  return flat_rows(children_[1]->column(low, run - low + 1), runs.data(), length);
}

}  // namespace velaria
