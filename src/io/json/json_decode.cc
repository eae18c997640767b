#include "src/io/json/json_decode.h"

#include <cmath>
#include <cstring>

#include "src/column/builder.h"
#include "src/io/csv/csv_value.h"
#include "src/io/json/json_text.h"
#include "src/io/text_table/text_layout.h"

namespace velaria {

namespace {

class JsonVectorDecoder : public ColumnDecoder {
 public:
  explicit JsonVectorDecoder(DataType type)
      : type_(std::move(type)), elements_(static_cast<size_t>(type_.list_size())) {}

  int64_t decode(const char* text, const FieldSpan* spans, int64_t rows, bool,
                 const std::shared_ptr<Buffer>&, ColumnPtr* out) override {
    VectorBuilder builder(type_);
    for (int64_t row = 0; row < rows; ++row) {
      const FieldSpan span = spans[row];
      if (span.is_null()) {
        builder.append_null();
        continue;
      }
      if (!read(text + span.begin, span.length())) return row;
      builder.append(elements_.data());
    }
    *out = builder.finish();
    return -1;
  }

  void find_misfits(const char* text, const FieldSpan* spans, int64_t rows,
                    std::vector<int64_t>* out) override {
    for (int64_t row = 0; row < rows; ++row) {
      const FieldSpan span = spans[row];
      if (!span.is_null() && !read(text + span.begin, span.length())) out->push_back(row);
    }
  }

 private:
  bool read(const char* text, size_t size) {
    const char* at = text;
    const char* const end = text + size;
    const auto skip_space = [&] {
      while (at < end && is_json_space(*at)) ++at;
    };
    skip_space();
    if (at == end || *at++ != '[') return false;
    for (size_t i = 0; i < elements_.size(); ++i) {
      skip_space();
      if (i > 0) {
        if (at == end || *at++ != ',') return false;
        skip_space();
      }
      const char* const begin = at;
      while (at < end && *at != ',' && *at != ']' && !is_json_space(*at)) ++at;
      const auto length = static_cast<size_t>(at - begin);
      // JSON has no numbers for nan and the infinities; they stand in quotes.
      const bool quoted = length > 2 && *begin == '"' && begin[length - 1] == '"';
      float* out = &elements_[i];
      if (!parse_float32_lenient(begin + quoted, length - 2 * quoted, out)) return false;
      if (!quoted && !std::isfinite(*out)) return false;
    }
    skip_space();
    if (at == end || *at++ != ']') return false;
    skip_space();
    return at == end;
  }

  const DataType type_;
  std::vector<float> elements_;
};

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

class JsonBinaryDecoder : public ColumnDecoder {
 public:
  int64_t decode(const char* text, const FieldSpan* spans, int64_t rows, bool,
                 const std::shared_ptr<Buffer>&, ColumnPtr* out) override {
    StringBuilder builder{DataType(TypeId::kBinary)};
    for (int64_t row = 0; row < rows; ++row) {
      const FieldSpan span = spans[row];
      if (span.is_null()) {
        builder.append_null();
      } else {
        builder.append(bytes_of({text + span.begin, span.length()}));
      }
    }
    *out = builder.finish();
    return -1;
  }

 private:
  std::string_view bytes_of(std::string_view text) {
    if (text.size() < 2 || text.size() % 2 != 0 || text.substr(0, 2) != "\\x") return text;
    bytes_.clear();
    for (size_t i = 2; i < text.size(); i += 2) {
      const int high = hex_digit(text[i]);
      const int low = hex_digit(text[i + 1]);
      if (high < 0 || low < 0) return text;
      bytes_ += static_cast<char>(high << 4 | low);
    }
    return bytes_;
  }

  std::string bytes_;
};

}  // namespace

std::unique_ptr<ColumnDecoder> make_json_decoder(const DataType& type, TypeOrigin origin) {
  if (type.is_vector()) return std::make_unique<JsonVectorDecoder>(type);
  if (type.id() == TypeId::kBinary) return std::make_unique<JsonBinaryDecoder>();
  return ColumnDecoder::make(type, origin, plain_text_dialect());
}

}  // namespace velaria
