#include "src/io/json/json_layout.h"

#include <utility>

#include "src/base/text.h"
#include "src/io/json/json_cutter.h"
#include "src/io/json/json_decode.h"
#include "src/io/json/json_keys.h"

namespace velaria {

namespace {

// Objects -> spans of the wanted columns.
class SpanSink {
 public:
  SpanSink(const JsonLayout& layout, const std::vector<size_t>& columns, RejectedRows* rejected)
      : layout_(layout),
        rejected_(rejected),
        wanted_(layout.schema.size(), -1),
        last_object_(layout.schema.size(), 0),
        outputs_(columns.size()) {
    for (size_t i = 0; i < columns.size(); ++i) {
      // A column may be wanted twice: the second one copies the first.
      int32_t& place = wanted_[columns[i]];
      outputs_[i].same_as = place < 0 ? i : static_cast<size_t>(place);
      if (place < 0) place = static_cast<int32_t>(i);
    }
  }

  void start_chunk(JsonRows* rows, TextRange* range, int64_t most_rows) {
    rows_ = rows;
    range_ = range;
    row_ = 0;
    if (offsets_.size() < static_cast<size_t>(most_rows)) {
      offsets_.resize(static_cast<size_t>(most_rows));
      for (Output& output : outputs_) output.spans.resize(static_cast<size_t>(most_rows));
    }
    for (Output& output : outputs_) {
      output.filled = 0;
      output.has_nulls = false;
      output.has_escapes = false;
    }
  }

  bool spans_of(size_t i, FieldSpan* out) {
    Output& output = outputs_[outputs_[i].same_as];
    fill_nulls(&output, row_);
    if (output.has_escapes) {
      for (int64_t row = 0; row < row_; ++row) {
        FieldSpan& span = output.spans[static_cast<size_t>(row)];
        if (!span.is_escaped()) continue;
        char* text = range_->text() + span.begin;
        try {
          span.length_and_flags = static_cast<uint32_t>(unescape_json({text, span.length()}, text));
        } catch (TextDefect& defect) {
          defect.offset += span.begin;
          throw;
        }
      }
      output.has_escapes = false;
    }
    std::copy_n(output.spans.data(), row_, out);
    return output.has_nulls;
  }

  size_t row_offset(int64_t row) const { return offsets_[static_cast<size_t>(row)]; }

  // ---- what JsonRows tells
  void start_object(size_t offset) {
    keys_.start_object();
    ++object_;
    offsets_[static_cast<size_t>(row_)] = offset;
  }
  void end_object() { ++row_; }
  void abandon_object() {
    for (Output& output : outputs_) output.filled = std::min(output.filled, row_);
  }
  void reject(TextDefect& defect, size_t begin, size_t end) {
    if (rejected_ == nullptr) return;
    rejected_->add(rejected_line(layout_, *range_, defect, begin, end));
  }

  int32_t key(const char* text, size_t size, size_t offset) {
    int32_t column = keys_.find(text, size);
    if (column == JsonKeys::kUnknown) column = find_by_name({text, size}, offset);
    if (column < 0) return column;
    if (last_object_[static_cast<size_t>(column)] == object_) {
      throw duplicate_key(layout_.schema.field(static_cast<size_t>(column)).name, offset);
    }
    last_object_[static_cast<size_t>(column)] = object_;
    return wanted_[static_cast<size_t>(column)];
  }
  void null(int32_t) {}
  void boolean(int32_t i, size_t begin, size_t end) { set(i, begin, end, 0); }
  void number(int32_t i, size_t begin, size_t end) { set(i, begin, end, 0); }
  void nested(int32_t i, size_t begin, size_t end) { set(i, begin, end, 0); }
  void string(int32_t i, size_t begin, size_t end) {
    const size_t base = rows_->window_begin();
    const bool escapes = rows_->has_escapes(base + begin, base + end);
    if (escapes) outputs_[static_cast<size_t>(i)].has_escapes = true;
    set(i, begin, end, escapes ? FieldSpan::kEscaped : 0);
  }

 private:
  struct Output {
    std::vector<FieldSpan> spans;
    int64_t filled = 0;
    bool has_nulls = false;
    bool has_escapes = false;
    size_t same_as = 0;
  };

  static void fill_nulls(Output* output, int64_t row) {
    if (output->filled >= row) return;
    output->has_nulls = true;
    while (output->filled < row) {
      output->spans[static_cast<size_t>(output->filled++)] = {0, FieldSpan::kNull};
    }
  }

  void set(int32_t i, size_t begin, size_t end, uint32_t flags) {
    Output& output = outputs_[static_cast<size_t>(i)];
    if (output.filled < row_) fill_nulls(&output, row_);
    output.spans[static_cast<size_t>(row_)] = {static_cast<uint32_t>(rows_->window_begin() + begin),
                                               static_cast<uint32_t>(end - begin) | flags};
    output.filled = row_ + 1;
  }

  int32_t find_by_name(std::string_view key, size_t offset) {
    const std::string name = json_key_name(key, offset);
    const auto found = layout_.places.find(name);
    const int32_t column = found == layout_.places.end() ? -1 : found->second;
    if (column < 0 && layout_.options.unknown_keys == UnknownKeyPolicy::kFail) {
      throw unknown_key(name, offset);
    }
    keys_.add(key, column);
    return column;
  }

  const JsonLayout& layout_;
  RejectedRows* const rejected_;
  std::vector<int32_t> wanted_;        // by column: the place in outputs_, or -1
  std::vector<uint64_t> last_object_;  // by column: the last object that had it
  std::vector<Output> outputs_;
  std::vector<size_t> offsets_;
  JsonKeys keys_;
  JsonRows* rows_ = nullptr;
  TextRange* range_ = nullptr;
  uint64_t object_ = 0;
  int64_t row_ = 0;
};

class JsonRowReader : public RowReader {
 public:
  JsonRowReader(const JsonLayout& layout, const std::vector<size_t>& columns,
                RejectedRows* rejected)
      : rows_(layout.rules), sink_(layout, columns, rejected) {}

  void start(TextRange* range) override {
    range_ = range;
    rows_.start(range);
  }
  int64_t next(int64_t limit) override {
    sink_.start_chunk(&rows_, range_, limit);
    return rows_.next(limit, &sink_);
  }
  bool spans_of(size_t i, FieldSpan* out) override { return sink_.spans_of(i, out); }
  size_t row_offset(int64_t row) const override { return sink_.row_offset(row); }

 private:
  JsonRows rows_;
  SpanSink sink_;
  TextRange* range_ = nullptr;
};

}  // namespace

std::unique_ptr<TextRangeCutter> JsonLayout::cut(const TextPass& pass,
                                                 const CancellationToken* cancellation) const {
  const uint64_t begin = text->text_begin();
  if (rules.lines) {
    return std::make_unique<LineRangeCutter>(pass.stream(begin), begin, options.range_bytes,
                                             options.max_row_bytes, false, cancellation);
  }
  return std::make_unique<JsonObjectCutter>(pass.stream(begin), begin, options.range_bytes,
                                            options.max_row_bytes, rules.array, cancellation);
}

std::unique_ptr<RowReader> JsonLayout::read_rows(const std::vector<size_t>& columns,
                                                 RejectedRows* rejected) const {
  return std::make_unique<JsonRowReader>(*this, columns, rejected);
}

std::unique_ptr<ColumnDecoder> JsonLayout::decoder(size_t column) const {
  return make_json_decoder(schema.field(column).type, type_origin(column));
}

std::shared_ptr<TextLayout> JsonLayout::with_schema(Schema other) const {
  auto out = std::make_shared<JsonLayout>(*this);
  out->schema = std::move(other);
  return out;
}

void JsonLayout::set_schema(std::vector<Field> fields) {
  places.clear();
  for (size_t i = 0; i < fields.size(); ++i) places[fields[i].name] = static_cast<int32_t>(i);
  schema = Schema(std::move(fields));
}

TextDefect unknown_key(std::string_view name, size_t offset) {
  return {concat("the key '", excerpt(name), "' is none of the columns"),
          "name it in columns, or read with unknown_keys='ignore'", offset};
}

}  // namespace velaria
