#include "src/exec/aggregate/row_codec.h"

#include <cstring>

#include "src/base/error.h"
#include "src/kernel/dispatch.h"

namespace velaria {

void append_row_bytes(const std::vector<ColumnPtr>& columns, int64_t row, std::string* out) {
  for (const ColumnPtr& column : columns) {
    const DataType& type = column->type();
    if (!column->validity().valid(row)) {
      out->push_back('\0');
      continue;
    }
    out->push_back('\1');
    if (type.is_vector()) {
      out->append(reinterpret_cast<const char*>(column->vector_at(row)),
                  static_cast<size_t>(type.list_size()) * sizeof(float));
    } else if (type.has_string_views()) {
      const StringView& text = column->values<StringView>()[row];
      append_fixed(text.size(), out);
      out->append(text.data(), text.size());
    } else {
      const auto width = static_cast<size_t>(type.value_width_bytes());
      out->append(column->values<char>() + static_cast<size_t>(row) * width, width);
    }
  }
}

RowDecoder::RowDecoder(const std::vector<DataType>& types) : types_(types) {
  for (const DataType& type : types) builders_.push_back(ColumnBuilder::make(type));
}

void RowDecoder::append(std::string_view* bytes) {
  StateReader reader(*bytes);
  for (size_t c = 0; c < types_.size(); ++c) {
    const DataType& type = types_[c];
    ColumnBuilder& builder = *builders_[c];
    if (reader.fixed<char>() == '\0') {
      builder.append_null();
    } else if (type.is_vector()) {
      std::vector<float> elements(static_cast<size_t>(type.list_size()));
      const std::string_view values = reader.bytes(elements.size() * sizeof(float));
      std::memcpy(elements.data(), values.data(), values.size());
      static_cast<VectorBuilder&>(builder).append(elements.data());
    } else {
      visit_stored_type(type, [&](auto tag) {
        using T = typename decltype(tag)::type;
        if constexpr (std::is_same_v<T, StringView>) {
          const auto size = reader.fixed<uint32_t>();
          static_cast<StringBuilder&>(builder).append(reader.bytes(size));
        } else {
          static_cast<FixedBuilder<T>&>(builder).append(reader.fixed<T>());
        }
      });
    }
  }
  *bytes = *reader.rest();
  ++rows_;
}

void RowDecoder::append_nulls() {
  for (const auto& builder : builders_) builder->append_null();
  ++rows_;
}

std::vector<ColumnPtr> RowDecoder::finish() {
  std::vector<ColumnPtr> out;
  for (const auto& builder : builders_) out.push_back(builder->finish());
  rows_ = 0;
  return out;
}

std::string_view StateReader::bytes(uint64_t size) {
  if (size > rest_.size()) {
    throw Error(ErrorKind::kCheckpoint, "the checkpoint holds the state of a group cut short");
  }
  const std::string_view out = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return out;
}

void StateReader::copy(void* to, size_t size) {
  const std::string_view from = bytes(size);
  std::memcpy(to, from.data(), size);
}

}  // namespace velaria
