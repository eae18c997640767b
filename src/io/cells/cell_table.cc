#include "src/io/cells/cell_table.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/builder.h"
#include "src/column/calendar.h"
#include "src/io/csv/column_names.h"
#include "src/io/csv/csv_decode.h"
#include "src/io/csv/csv_value.h"

namespace velaria {

namespace {

constexpr int64_t kChunkRows = 4096;
constexpr int64_t kMicrosPerDay = int64_t{86400} * 1000000;
constexpr double kWholeNumbers = 9007199254740992.0;  // 2^53

DataType moment_type() { return DataType::timestamp(TimeUnit::kMicro); }

Interval interval_of(int64_t micros) {
  Interval out;
  out.days = static_cast<int32_t>(micros / kMicrosPerDay);
  out.micros = micros % kMicrosPerDay;
  return out;
}

// 0 -> "A", 26 -> "AA".
std::string column_letters(int64_t column) {
  std::string out;
  for (int64_t rest = column + 1; rest > 0; rest = (rest - 1) / 26) {
    out.insert(out.begin(), static_cast<char>('A' + (rest - 1) % 26));
  }
  return out;
}

}  // namespace

CellTable::CellTable(std::shared_ptr<MemoryBudget> budget)
    : reservation_(std::move(budget), "the cells of a sheet"),
      heap_(std::make_shared<StringHeap>()) {}

void CellTable::begin_row(int64_t row_number) {
  if (rows() % kChunkRows == 0) count_bytes();
  row_numbers_.push_back(row_number);
  next_column_ = 0;
}

void CellTable::count_bytes() {
  uint64_t bytes = heap_->size_bytes() + row_numbers_.capacity() * sizeof(int64_t);
  for (const CellColumn& column : columns_) {
    bytes += column.kinds.capacity() * sizeof(Kind) + column.cells.capacity() * sizeof(Cell);
  }
  reservation_.resize(bytes);
}

CellTable::Cell* CellTable::append(Kind kind) {
  if (next_column_ == columns_.size()) columns_.emplace_back();
  CellColumn& column = columns_[next_column_++];
  const auto row = static_cast<size_t>(rows() - 1);
  column.kinds.resize(row, kNull);
  column.cells.resize(row);
  column.kinds.push_back(kind);
  column.seen |= kind;
  return &column.cells.emplace_back();
}

void CellTable::append_null() { append(kNull); }

void CellTable::append_bool(bool value) { append(kBool)->integer = value ? 1 : 0; }

void CellTable::append_integer(int64_t value) {
  append(kInteger)->integer = value;
  if (!is_exact_double(value)) columns_[next_column_ - 1].exact_doubles = false;
}

void CellTable::append_integer_digits(std::string_view digits) {
  append(kDigits)->text = heap_->add(digits);
}

void CellTable::append_number(double value) {
  if (std::fabs(value) <= kWholeNumbers && value == std::trunc(value)) {
    append_integer(static_cast<int64_t>(value));
  } else {
    append(kNumber)->number = value;
  }
}

void CellTable::append_text(std::string_view value) { append(kText)->text = heap_->add(value); }

void CellTable::append_moment(int64_t micros) {
  append(kMoment)->integer = micros;
  if (floor_mod(micros, kMicrosPerDay) != 0) columns_[next_column_ - 1].midnights = false;
}

void CellTable::append_time_of_day(int64_t micros) { append(kTimeOfDay)->integer = micros; }

void CellTable::append_duration(int64_t micros) { append(kDuration)->integer = micros; }

DataType CellTable::inferred_type(const CellColumn& column) {
  switch (column.seen) {
    case kBool: return DataType(TypeId::kBool);
    case kInteger: return DataType(TypeId::kInt64);
    case kNumber: return DataType(TypeId::kFloat64);
    case kInteger | kNumber:
      return DataType(column.exact_doubles ? TypeId::kFloat64 : TypeId::kUtf8);
    case kMoment: return column.midnights ? DataType(TypeId::kDate32) : moment_type();
    case kTimeOfDay: return DataType(TypeId::kTime64);
    case kDuration: return DataType(TypeId::kInterval);
    default: return DataType(TypeId::kUtf8);
  }
}

std::string CellTable::text_of(Kind kind, const Cell& cell) {
  switch (kind) {
    case kNull: return "";
    case kBool: return cell.integer != 0 ? "true" : "false";
    case kInteger: return std::to_string(cell.integer);
    case kNumber: return format_double(cell.number);
    case kDigits:
    case kText: return std::string(cell.text.text());
    case kMoment:
      return floor_mod(cell.integer, kMicrosPerDay) == 0
                 ? format_date(static_cast<int32_t>(floor_div(cell.integer, kMicrosPerDay)))
                 : format_timestamp(cell.integer, moment_type());
    case kTimeOfDay: return format_time(cell.integer);
    case kDuration: return format_interval(interval_of(cell.integer));
  }
  return "";
}

ColumnPtr CellTable::build_texts(const CellColumn& column, int64_t begin, int64_t end) const {
  StringBuilder builder;
  builder.add_owner(heap_);
  for (int64_t row = begin; row < end; ++row) {
    const Kind kind = column.kinds[static_cast<size_t>(row)];
    const Cell& cell = column.cells[static_cast<size_t>(row)];
    if (kind == kNull) {
      builder.append_null();
    } else if (kind == kText || kind == kDigits) {
      builder.append_borrowed(cell.text);
    } else {
      builder.append(text_of(kind, cell));
    }
  }
  return builder.finish();
}

// Of the type that inference gave.
ColumnPtr CellTable::build(const CellColumn& column, const DataType& type, int64_t begin,
                           int64_t end) const {
  const auto fixed = [&](auto sample, const auto& value_of) {
    FixedBuilder<decltype(sample)> builder(type);
    for (int64_t row = begin; row < end; ++row) {
      const Kind kind = column.kinds[static_cast<size_t>(row)];
      if (kind == kNull) {
        builder.append_null();
      } else {
        builder.append(value_of(kind, column.cells[static_cast<size_t>(row)]));
      }
    }
    return builder.finish();
  };
  switch (type.id()) {
    case TypeId::kBool:
      return fixed(uint8_t{},
                   [](Kind, const Cell& cell) { return static_cast<uint8_t>(cell.integer); });
    case TypeId::kFloat64:
      return fixed(double{}, [](Kind kind, const Cell& cell) {
        return kind == kInteger ? static_cast<double>(cell.integer) : cell.number;
      });
    case TypeId::kDate32:
      return fixed(int32_t{}, [](Kind, const Cell& cell) {
        return static_cast<int32_t>(floor_div(cell.integer, kMicrosPerDay));
      });
    case TypeId::kInterval:
      return fixed(Interval{}, [](Kind, const Cell& cell) { return interval_of(cell.integer); });
    case TypeId::kUtf8: return build_texts(column, begin, end);
    default: return fixed(int64_t{}, [](Kind, const Cell& cell) { return cell.integer; });
  }
}

int64_t CellTable::decode(const CellColumn& column, const DataType& type, int64_t begin,
                          int64_t end, ColumnPtr* out) {
  // The texts one behind the other, as the CSV reader's decoder takes them.
  std::string text;
  std::vector<FieldSpan> spans;
  bool has_nulls = false;
  for (int64_t row = begin; row < end; ++row) {
    const Kind kind = column.kinds[static_cast<size_t>(row)];
    FieldSpan span;
    span.begin = static_cast<uint32_t>(text.size());
    if (kind == kNull) {
      span.length_and_flags = FieldSpan::kNull;
      has_nulls = true;
    } else {
      const std::string cell = text_of(kind, column.cells[static_cast<size_t>(row)]);
      if (cell.size() > FieldSpan::kMaxLength || text.size() + cell.size() > UINT32_MAX) {
        throw Error(ErrorKind::kResource, "the texts of a column are too long to be converted");
      }
      span.length_and_flags = static_cast<uint32_t>(cell.size());
      text += cell;
    }
    spans.push_back(span);
  }
  auto block = Buffer::allocate(text.size() + kCsvPaddingBytes);
  std::memcpy(block->mutable_data(), text.data(), text.size());
  std::memset(block->mutable_data() + text.size(), 0, kCsvPaddingBytes);
  const CsvDialect dialect;  // nothing is escaped
  const auto decoder = ColumnDecoder::make(type, TypeOrigin::kNamed, dialect);
  const auto* bytes = reinterpret_cast<const char*>(block->data());
  return decoder->decode(bytes, spans.data(), end - begin, has_nulls, block, out);
}

CellColumns CellTable::finish(const CellTableOptions& options) {
  CellColumns out;
  for (CellColumn& column : columns_) {
    column.kinds.resize(row_numbers_.size(), kNull);
    column.cells.resize(row_numbers_.size());
  }
  while (columns_.size() < options.names.size()) {
    columns_.emplace_back();
    columns_.back().kinds.resize(row_numbers_.size(), kNull);
    columns_.back().cells.resize(row_numbers_.size());
  }
  std::vector<std::string> names;
  std::vector<size_t> places;
  for (size_t i = 0; i < columns_.size(); ++i) {
    const std::string name = i < options.names.size() ? options.names[i] : "";
    if (name.empty() && columns_[i].seen == kNull) continue;
    names.push_back(name);
    places.push_back(i);
  }
  names = unique_column_names(names, places, &out.warnings);
  for (const auto& [name, type] : options.types) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    throw Error(ErrorKind::kInvalidArgument,
                concat("types names column '", excerpt(name), "', which ", options.where,
                       " does not have", did_you_mean(name, names), "; its columns are ",
                       excerpt(join_texts(names, ", "), 300)));
  }
  std::vector<Field> fields;
  for (size_t i = 0; i < names.size(); ++i) {
    const auto named = options.types.find(names[i]);
    fields.push_back({names[i], named != options.types.end() ? named->second
                                                             : inferred_type(columns_[places[i]])});
  }
  for (int64_t begin = 0; begin < rows(); begin += kChunkRows) {
    Chunk chunk;
    const int64_t end = std::min(begin + kChunkRows, rows());
    chunk.rows = end - begin;
    for (size_t i = 0; i < fields.size(); ++i) {
      const CellColumn& column = columns_[places[i]];
      const DataType& type = fields[i].type;
      ColumnPtr made;
      if (type == inferred_type(column)) {
        made = build(column, type, begin, end);
      } else if (type.id() == TypeId::kUtf8) {
        made = build_texts(column, begin, end);
      } else {
        const int64_t bad = decode(column, type, begin, end, &made);
        if (bad >= 0) {
          const auto row = static_cast<size_t>(begin + bad);
          throw Error(
              ErrorKind::kTypeMismatch,
              concat(options.where, ", cell ",
                     column_letters(options.first_column + static_cast<int64_t>(places[i])),
                     row_numbers_[row], " (row ", row + 1, ", column '", excerpt(fields[i].name),
                     "'): '", excerpt(text_of(column.kinds[row], column.cells[row])), "' is not ",
                     type.to_string(),
                     "; correct the value, or give the column another type in types"));
        }
      }
      chunk.columns.push_back(std::move(made));
    }
    out.chunks.push_back(std::move(chunk));
  }
  out.schema = Schema(std::move(fields));
  columns_.clear();
  row_numbers_.clear();
  heap_ = std::make_shared<StringHeap>();
  reservation_.resize(0);
  return out;
}

}  // namespace velaria
