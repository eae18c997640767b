#include "stream/checkpoint/column_codec.h"

#include <algorithm>
#include <cstring>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/arrow/export.h"
#include "src/column/arrow/import.h"
#include "src/column/builder.h"
#include "src/column/nested_array.h"
#include "src/kernel/take.h"

namespace velaria {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "values are written as they lie in memory, which must be little-endian");

namespace {

template <typename T>
T load(std::string_view bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof(value));
  return value;
}

void write_text(std::string_view text, ByteWriter* out) {
  out->u32(static_cast<uint32_t>(text.size()));
  out->fixed(text.data(), text.size());
}

void write_schema(const ArrowSchema& schema, ByteWriter* out) {
  write_text(schema.format, out);
  write_text(schema.name, out);
  out->u8(static_cast<uint8_t>(schema.flags));
  out->u32(static_cast<uint32_t>(schema.n_children));
  for (int64_t i = 0; i < schema.n_children; ++i) write_schema(*schema.children[i], out);
}

void write_nested_type(const DataType& type, ByteWriter* out) {
  ArrowSchema table;
  export_schema(Schema({{"", type}}), &table);
  write_schema(*table.children[0], out);
  table.release(&table);
}

// An ArrowSchema node that was read; its memory is its own.
struct ReadSchema {
  std::string format;
  std::string name;
  std::vector<std::unique_ptr<ReadSchema>> children;
  std::vector<ArrowSchema*> pointers;
  ArrowSchema schema{};
};

std::unique_ptr<ReadSchema> read_schema(ByteReader* in, int depth) {
  if (depth > kDeepestNesting + 1) in->refuse("has a type nested too deep");
  auto out = std::make_unique<ReadSchema>();
  out->format = in->fixed(in->u32());
  out->name = in->fixed(in->u32());
  out->schema.flags = in->u8();
  const uint32_t children = in->u32();
  for (uint32_t i = 0; i < children; ++i) {
    out->children.push_back(read_schema(in, depth + 1));
    out->pointers.push_back(&out->children.back()->schema);
  }
  out->schema.format = out->format.c_str();
  out->schema.name = out->name.c_str();
  out->schema.n_children = children;
  out->schema.children = out->pointers.data();
  return out;
}

DataType read_nested_type(ByteReader* in) {
  const std::unique_ptr<ReadSchema> root = read_schema(in, 0);
  DataType type;
  try {
    type = import_type(root->schema);
  } catch (const Error& error) {
    in->refuse(concat("has a nested column of no known type: ", error.message()));
  }
  if (!type.is_nested()) in->refuse("has a nested column that is not nested");
  return type;
}

void write_validity(const Column& column, ByteWriter* out) {
  const int64_t rows = column.length();
  if (column.validity().count_nulls(rows) == 0) {
    out->u8(0);
    return;
  }
  out->u8(1);
  std::string bits(static_cast<size_t>(bitmap_bytes(rows)), '\0');
  for (int64_t i = 0; i < rows; i += 64) {
    const uint64_t word = column.validity().word(i, rows);
    const auto at = static_cast<size_t>(i / 8);
    std::memcpy(bits.data() + at, &word, std::min<size_t>(8, bits.size() - at));
  }
  out->fixed(bits.data(), bits.size());
}

Validity read_validity(ByteReader* in, int64_t rows) {
  const uint8_t has_nulls = in->u8();
  if (has_nulls == 0) return Validity();
  if (has_nulls != 1) in->refuse("has a validity of an unknown kind");
  const std::string_view bits = in->fixed(static_cast<uint64_t>(bitmap_bytes(rows)));
  auto buffer = Buffer::allocate(bits.size() + 8);
  std::memset(buffer->mutable_data(), 0, buffer->size_bytes());
  std::memcpy(buffer->mutable_data(), bits.data(), bits.size());
  return Validity(std::move(buffer), 0);
}

void write_strings(const Column& column, ByteWriter* out) {
  const int64_t rows = column.length();
  const auto* views = column.values<StringView>();
  uint64_t end = 0;
  out->u64(0);
  for (int64_t i = 0; i < rows; ++i) {
    if (column.validity().valid(i)) end += views[i].size();
    out->u64(end);
  }
  for (int64_t i = 0; i < rows; ++i) {
    if (column.validity().valid(i)) out->fixed(views[i].data(), views[i].size());
  }
}

void check_nested(ByteReader* in, const DataType& type, std::string_view encoded) {
  try {
    decode_nested(type.nested_type(), encoded);
  } catch (const Error&) {
    in->refuse(concat("has a value that is no ", excerpt(type.to_string())));
  }
}

ColumnPtr read_strings(ByteReader* in, const DataType& type, int64_t rows, const Validity& valid) {
  const std::string_view offsets = in->fixed((static_cast<uint64_t>(rows) + 1) * 8);
  const auto offset = [&offsets](int64_t i) {
    return load<uint64_t>(offsets.substr(static_cast<size_t>(i) * 8, 8));
  };
  const std::string_view bytes = in->fixed(offset(rows));
  if (offset(0) != 0) in->refuse("has text offsets that do not begin at 0");
  StringBuilder builder(type);
  for (int64_t i = 0; i < rows; ++i) {
    if (offset(i) > offset(i + 1) || offset(i + 1) > bytes.size()) {
      in->refuse("has text offsets out of order");
    }
    if (valid.valid(i)) {
      const std::string_view value = bytes.substr(offset(i), offset(i + 1) - offset(i));
      if (type.is_nested()) check_nested(in, type, value);
      builder.append(value);
    } else {
      builder.append_null();
    }
  }
  return builder.finish();
}

BufferPtr copy_bytes(std::string_view bytes) {
  auto buffer = Buffer::allocate(std::max<size_t>(bytes.size(), 1));
  if (!bytes.empty()) std::memcpy(buffer->mutable_data(), bytes.data(), bytes.size());
  return buffer;
}

// The values of null rows may be anything: they are written as zeros, so that equal columns are
// equal bytes.
void write_fixed(const Column& column, ByteWriter* out) {
  const auto width = static_cast<size_t>(column.type().value_width_bytes());
  const auto rows = static_cast<size_t>(column.length());
  const auto* values = column.values<char>();
  if (column.validity().count_nulls(column.length()) == 0) {
    out->fixed(values, rows * width);
    return;
  }
  const std::string zeros(width, '\0');
  for (size_t i = 0; i < rows; ++i) {
    const bool valid = column.validity().valid(static_cast<int64_t>(i));
    out->fixed(valid ? values + i * width : zeros.data(), width);
  }
}

}  // namespace

void write_type(const DataType& type, ByteWriter* out) {
  out->u8(static_cast<uint8_t>(type.id()));
  out->u8(static_cast<uint8_t>(type.unit()));
  out->u8(static_cast<uint8_t>(type.precision()));
  out->u8(static_cast<uint8_t>(static_cast<int8_t>(type.scale())));
  out->u32(static_cast<uint32_t>(type.list_size()));
  const std::string& zone = type.time_zone();
  out->u32(static_cast<uint32_t>(zone.size()));
  out->fixed(zone.data(), zone.size());
  if (type.is_nested()) write_nested_type(type, out);
}

DataType read_type(ByteReader* in) {
  const uint8_t id = in->u8();
  const uint8_t unit = in->u8();
  const uint8_t precision = in->u8();
  const auto scale = static_cast<int8_t>(in->u8());
  const auto list_size = static_cast<int32_t>(in->u32());
  const std::string_view zone = in->fixed(in->u32());
  if (id > static_cast<uint8_t>(TypeId::kNested)) {
    in->refuse(concat("has a column of unknown type ", int{id}));
  }
  switch (static_cast<TypeId>(id)) {
    case TypeId::kDecimal128:
      if (precision < 1 || precision > 38) in->refuse("has a decimal of no known precision");
      return DataType::decimal(precision, scale);
    case TypeId::kTimestamp:
      if (unit > static_cast<uint8_t>(TimeUnit::kNano)) in->refuse("has an unknown time unit");
      return DataType::timestamp(static_cast<TimeUnit>(unit), zone);
    case TypeId::kFixedSizeList:
      if (list_size < 1) in->refuse("has a vector column without a dimension");
      return DataType::vector(list_size);
    case TypeId::kNested: return read_nested_type(in);
    default: return DataType(static_cast<TypeId>(id));
  }
}

uint8_t ByteReader::u8() { return load<uint8_t>(fixed(1)); }
uint32_t ByteReader::u32() { return load<uint32_t>(fixed(4)); }
uint64_t ByteReader::u64() { return load<uint64_t>(fixed(8)); }
std::string_view ByteReader::text() { return fixed(u64()); }

std::string_view ByteReader::fixed(uint64_t size) {
  if (size > rest_.size()) refuse("ends too early");
  const std::string_view out = rest_.substr(0, static_cast<size_t>(size));
  rest_.remove_prefix(static_cast<size_t>(size));
  return out;
}

void ByteReader::refuse(std::string_view problem) const {
  throw Error(ErrorKind::kCheckpoint, concat(what_, " ", problem));
}

void write_column(const ColumnPtr& any, ByteWriter* out) {
  write_type(any->type(), out);
  out->u64(static_cast<uint64_t>(any->length()));
  if (any->type().is_null()) return;
  const ColumnPtr column = flatten(any);
  write_validity(*column, out);
  if (column->type().has_string_views()) {
    write_strings(*column, out);
  } else if (column->type().is_vector()) {
    out->fixed(column->length() == 0 ? nullptr : column->vector_at(0),
               static_cast<size_t>(column->length()) *
                   static_cast<size_t>(column->type().list_size()) * sizeof(float));
  } else {
    write_fixed(*column, out);
  }
}

ColumnPtr read_column(ByteReader* in) {
  const DataType type = read_type(in);
  const uint64_t length = in->u64();
  constexpr uint64_t kMostRows = uint64_t{1} << 40;
  if (length > kMostRows) in->refuse("has a column of an impossible length");
  const auto rows = static_cast<int64_t>(length);
  if (type.is_null()) return Column::nulls(type, rows);
  const Validity validity = read_validity(in, rows);
  if (type.has_string_views()) return read_strings(in, type, rows, validity);
  if (type.is_vector()) {
    if (length > in->left() / static_cast<uint64_t>(type.list_size())) in->refuse("ends too early");
    const uint64_t elements = length * static_cast<uint64_t>(type.list_size());
    const std::string_view bytes = in->fixed(elements * sizeof(float));
    return Column::vectors(type, rows,
                           Column::flat(DataType(TypeId::kFloat32), static_cast<int64_t>(elements),
                                        copy_bytes(bytes), 0, Validity()),
                           validity);
  }
  const std::string_view bytes =
      in->fixed(length * static_cast<uint64_t>(type.value_width_bytes()));
  if (type.id() == TypeId::kBool) {
    for (const char value : bytes) {
      if (value != 0 && value != 1) in->refuse("has a bool that is neither 0 nor 1");
    }
  }
  return Column::flat(type, rows, copy_bytes(bytes), 0, validity);
}

void write_chunk(const Chunk& chunk, ByteWriter* out) {
  out->u64(static_cast<uint64_t>(chunk.rows));
  out->u32(static_cast<uint32_t>(chunk.columns.size()));
  for (const ColumnPtr& column : chunk.columns) write_column(column, out);
}

Chunk read_chunk(ByteReader* in) {
  Chunk chunk;
  chunk.rows = static_cast<int64_t>(in->u64());
  const uint32_t columns = in->u32();
  for (uint32_t i = 0; i < columns; ++i) {
    chunk.columns.push_back(read_column(in));
    if (chunk.columns.back()->length() != chunk.rows) {
      in->refuse("has columns of unequal length");
    }
  }
  return chunk;
}

}  // namespace velaria
