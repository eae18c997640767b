#include "src/io/csv/csv_decode.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>
#include <string>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/builder.h"
#include "src/column/calendar.h"
#include "src/column/decimal.h"
#include "src/io/csv/csv_careful.h"
#include "src/io/csv/csv_value.h"
#include "src/kernel/cast.h"

namespace velaria {

namespace {

Validity validity_of(const FieldSpan* spans, int64_t rows, bool has_nulls) {
  if (!has_nulls) return Validity();
  auto bits = Buffer::allocate(static_cast<size_t>(bitmap_bytes(rows)));
  uint8_t* bytes = bits->mutable_data();
  for (int64_t row = 0; row < rows; row += 8) {
    unsigned byte = 0;
    const int64_t count = std::min<int64_t>(8, rows - row);
    for (int64_t i = 0; i < count; ++i) {
      byte |= (spans[row + i].is_null() ? 0u : 1u) << i;
    }
    bytes[row >> 3] = static_cast<uint8_t>(byte);
  }
  return Validity(std::move(bits), 0);
}

// A field with doubled quotes, with room for the word loads of the parsers behind it.
struct Unescaped {
  std::string bytes;
  size_t size = 0;
};

Unescaped unescape(const CsvDialect& dialect, const char* text, FieldSpan span) {
  Unescaped out;
  out.bytes.resize(span.length() + 8);
  out.size = unescape_field(dialect, text, span, out.bytes.data());
  return out;
}

// Parser: bool operator()(const char* text, size_t size, T* out).
template <typename T, typename Parser>
class FixedDecoder : public ColumnDecoder {
 public:
  FixedDecoder(DataType type, Parser parser, const CsvDialect& dialect)
      : type_(std::move(type)), parser_(std::move(parser)), dialect_(dialect) {}

  int64_t decode(const char* text, const FieldSpan* spans, int64_t rows, bool has_nulls,
                 const std::shared_ptr<Buffer>&, ColumnPtr* out) override {
    return decode_values(text, spans, rows, has_nulls, out);
  }

  void find_misfits(const char* text, const FieldSpan* spans, int64_t rows,
                    std::vector<int64_t>* out) override {
    T value;
    for (int64_t row = 0; row < rows; ++row) {
      const FieldSpan span = spans[row];
      if (span.is_null()) continue;
      bool fits = false;
      if (span.is_escaped()) {
        const Unescaped unescaped = unescape(dialect_, text, span);
        fits = parser_(unescaped.bytes.data(), unescaped.size, &value);
      } else {
        fits = parser_(text + span.begin, span.length(), &value);
      }
      if (!fits) out->push_back(row);
    }
  }

 private:
  int64_t decode_values(const char* text, const FieldSpan* spans, int64_t rows, bool has_nulls,
                        ColumnPtr* out) {
    auto buffer = Buffer::allocate(static_cast<size_t>(rows) * sizeof(T));
    T* values = reinterpret_cast<T*>(buffer->mutable_data());
    for (int64_t row = 0; row < rows; ++row) {
      const FieldSpan span = spans[row];
      const uint32_t length = span.length_and_flags & ~FieldSpan::kQuoted;
      if (length <= FieldSpan::kMaxLength) {
        if (!parser_(text + span.begin, length, &values[row])) return row;
      } else if (span.is_null()) {
        values[row] = T();
      } else {
        const Unescaped value = unescape(dialect_, text, span);
        if (!parser_(value.bytes.data(), value.size, &values[row])) return row;
      }
    }
    *out = Column::flat(type_, rows, std::move(buffer), 0, validity_of(spans, rows, has_nulls));
    return -1;
  }

  const DataType type_;
  Parser parser_;
  const CsvDialect& dialect_;
};

template <typename T, typename Parser>
std::unique_ptr<ColumnDecoder> fixed(const DataType& type, Parser parser,
                                     const CsvDialect& dialect) {
  return std::make_unique<FixedDecoder<T, Parser>>(type, std::move(parser), dialect);
}

template <typename T>
std::unique_ptr<ColumnDecoder> narrow_signed(const DataType& type, const CsvDialect& dialect) {
  return fixed<T>(
      type,
      [](const char* text, size_t size, T* out) {
        int64_t value = 0;
        if (!parse_int64_lenient(text, size, &value)) return false;
        *out = static_cast<T>(value);
        return value >= std::numeric_limits<T>::min() && value <= std::numeric_limits<T>::max();
      },
      dialect);
}

template <typename T>
std::unique_ptr<ColumnDecoder> any_unsigned(const DataType& type, const CsvDialect& dialect) {
  return fixed<T>(
      type,
      [](const char* text, size_t size, T* out) {
        uint64_t value = 0;
        if (!parse_uint64_lenient(text, size, &value)) return false;
        *out = static_cast<T>(value);
        return value <= std::numeric_limits<T>::max();
      },
      dialect);
}

class StringDecoder : public ColumnDecoder {
 public:
  StringDecoder(DataType type, const CsvDialect& dialect)
      : type_(std::move(type)), dialect_(dialect) {}

  int64_t decode(const char* text, const FieldSpan* spans, int64_t rows, bool has_nulls,
                 const std::shared_ptr<Buffer>& block, ColumnPtr* out) override {
    auto buffer = Buffer::allocate(static_cast<size_t>(rows) * sizeof(StringView));
    auto* values = reinterpret_cast<StringView*>(buffer->mutable_data());
    std::shared_ptr<StringHeap> heap;
    bool borrowed = false;
    for (int64_t row = 0; row < rows; ++row) {
      const FieldSpan span = spans[row];
      const uint32_t length = span.length();
      if (span.is_escaped()) {
        if (!heap) heap = std::make_shared<StringHeap>();
        const Unescaped value = unescape(dialect_, text, span);
        values[row] = heap->add(std::string_view(value.bytes.data(), value.size));
      } else if (length <= StringView::kInlineBytes) {
        values[row] = short_view(text + span.begin, length);
      } else {
        values[row] = StringView(text + span.begin, length);
        borrowed = true;
      }
    }
    StringOwnersPtr owners;
    if (heap || borrowed) {
      auto list = std::make_shared<StringOwners>();
      if (borrowed) list->push_back(block);
      if (heap) list->push_back(heap);
      owners = std::move(list);
    }
    *out = Column::flat(type_, rows, std::move(buffer), 0, validity_of(spans, rows, has_nulls),
                        std::move(owners));
    return -1;
  }

 private:
  // A copy of variable length costs a call; the padding behind the text allows fixed loads.
  static StringView short_view(const char* text, uint32_t length) {
    uint64_t first;
    uint32_t last;
    std::memcpy(&first, text, 8);
    std::memcpy(&last, text + 8, 4);
    if (length < 8) {
      first &= (uint64_t{1} << (8 * length)) - 1;
      last = 0;
    } else {
      last &= static_cast<uint32_t>((uint64_t{1} << (8 * (length - 8))) - 1);
    }
    uint64_t words[2];
    words[0] = length | first << 32;
    words[1] = first >> 32 | static_cast<uint64_t>(last) << 32;
    StringView view;
    std::memcpy(static_cast<void*>(&view), words, sizeof(view));
    return view;
  }

  const DataType type_;
  const CsvDialect& dialect_;
};

// [1 2 3] or [1,2,3], of the type's length.
class VectorDecoder : public ColumnDecoder {
 public:
  VectorDecoder(DataType type, const CsvDialect& dialect)
      : type_(std::move(type)), dialect_(dialect) {}

  int64_t decode(const char* text, const FieldSpan* spans, int64_t rows, bool has_nulls,
                 const std::shared_ptr<Buffer>&, ColumnPtr* out) override {
    const auto dimension = static_cast<size_t>(type_.list_size());
    auto buffer = Buffer::allocate(static_cast<size_t>(rows) * dimension * sizeof(float));
    auto* elements = reinterpret_cast<float*>(buffer->mutable_data());
    for (int64_t row = 0; row < rows; ++row, elements += dimension) {
      if (spans[row].is_null()) {
        std::fill(elements, elements + dimension, 0.0f);
        continue;
      }
      const auto vector = parse(text, spans[row]);
      if (!vector) return row;
      std::copy(vector->begin(), vector->end(), elements);
    }
    ColumnPtr values =
        Column::flat(DataType(TypeId::kFloat32), rows * static_cast<int64_t>(dimension),
                     std::move(buffer), 0, Validity());
    *out = Column::vectors(type_, rows, std::move(values), validity_of(spans, rows, has_nulls));
    return -1;
  }

  void find_misfits(const char* text, const FieldSpan* spans, int64_t rows,
                    std::vector<int64_t>* out) override {
    for (int64_t row = 0; row < rows; ++row) {
      if (!spans[row].is_null() && !parse(text, spans[row])) out->push_back(row);
    }
  }

 private:
  std::optional<std::vector<float>> parse(const char* text, FieldSpan span) const {
    auto vector = span.is_escaped() ? parse_vector(text_of(dialect_, text, span))
                                    : parse_vector({text + span.begin, span.length()});
    if (vector && vector->size() != static_cast<size_t>(type_.list_size())) return std::nullopt;
    return vector;
  }

  const DataType type_;
  const CsvDialect& dialect_;
};

// The commonest type: up to eight digits without a sign are parsed in the loop itself.
struct Int64Parser {
  bool strict;

  [[gnu::always_inline]] bool operator()(const char* text, size_t size, int64_t* out) const {
    uint32_t value = 0;
    if (size - 1 < 8 && (text[0] != '0' || size == 1) && parse_short_digits(text, size, &value)) {
      *out = value;
      return true;
    }
    return parse_other(text, size, out);
  }

  [[gnu::noinline]] bool parse_other(const char* text, size_t size, int64_t* out) const {
    // What is strict means the same in both grammars.
    return parse_int64_strict(text, size, out) || (!strict && parse_int64_lenient(text, size, out));
  }
};

}  // namespace

std::unique_ptr<ColumnDecoder> ColumnDecoder::make(const DataType& type, TypeOrigin origin,
                                                   const CsvDialect& dialect) {
  const bool strict = origin != TypeOrigin::kNamed;
  switch (type.id()) {
    case TypeId::kBool:
      return fixed<uint8_t>(
          type,
          [strict](const char* text, size_t size, uint8_t* out) {
            bool value = false;
            const bool fits = strict ? parse_bool_strict(text, size, &value)
                                     : parse_bool_lenient(text, size, &value);
            *out = value ? 1 : 0;
            return fits;
          },
          dialect);
    case TypeId::kInt8: return narrow_signed<int8_t>(type, dialect);
    case TypeId::kInt16: return narrow_signed<int16_t>(type, dialect);
    case TypeId::kInt32: return narrow_signed<int32_t>(type, dialect);
    case TypeId::kInt64: return fixed<int64_t>(type, Int64Parser{strict}, dialect);
    case TypeId::kUInt8: return any_unsigned<uint8_t>(type, dialect);
    case TypeId::kUInt16: return any_unsigned<uint16_t>(type, dialect);
    case TypeId::kUInt32: return any_unsigned<uint32_t>(type, dialect);
    case TypeId::kUInt64: return any_unsigned<uint64_t>(type, dialect);
    case TypeId::kFloat32: return fixed<float>(type, parse_float32_lenient, dialect);
    case TypeId::kFloat64:
      return fixed<double>(type,
                           origin == TypeOrigin::kSampled ? parse_float64_exact
                           : strict                       ? parse_float64_strict
                                                          : parse_float64_lenient,
                           dialect);
    case TypeId::kDecimal128:
      return fixed<Int128>(
          type,
          [type](const char* text, size_t size, Int128* out) {
            return parse_decimal_number(text, size, type, out);
          },
          dialect);
    case TypeId::kUtf8:
    case TypeId::kBinary: return std::make_unique<StringDecoder>(type, dialect);
    case TypeId::kDate32:
      return fixed<int32_t>(
          type,
          [dates = DateParser()](const char* text, size_t size, int32_t* out) mutable {
            return dates.parse_date(text, size, out);
          },
          dialect);
    case TypeId::kFixedSizeList: return std::make_unique<VectorDecoder>(type, dialect);
    case TypeId::kTime64:
      return fixed<int64_t>(
          type,
          [](const char* text, size_t size, int64_t* out) {
            const auto value = parse_time({text, size});
            if (value) *out = *value;
            return value.has_value();
          },
          dialect);
    case TypeId::kTimestamp:
      return fixed<int64_t>(
          type,
          [dates = DateParser(), unit = type.unit(), with_offset = !type.time_zone().empty()](
              const char* text, size_t size, int64_t* out) mutable {
            return dates.parse_timestamp(text, size, unit, with_offset, out);
          },
          dialect);
    case TypeId::kNull:
    case TypeId::kInterval:
    case TypeId::kNested: break;
  }
  throw Error(ErrorKind::kSqlUnsupported,
              concat("CSV columns of type ", type.to_string(),
                     " cannot be read yet; read the column as utf8 and cast it"));
}

}  // namespace velaria
