// What is known of a JSON file once it is opened. Immutable; any thread.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "src/io/file_options.h"
#include "src/io/json/json_options.h"
#include "src/io/json/json_rows.h"
#include "src/io/text_table/text_layout.h"

namespace velaria {

struct JsonLayout : TextLayout {
  JsonOptions options;
  // `strict`: nobody has checked the file yet, or rows of it are left out.
  JsonRowRules rules;
  std::unordered_map<std::string, int32_t> places;  // of the columns, by name

  std::string format() const override { return "json"; }
  int64_t range_bytes() const override { return options.range_bytes; }
  std::shared_ptr<TextLayout> with_schema(Schema other) const override;
  std::unique_ptr<TextRangeCutter> cut(const TextPass& pass,
                                       const CancellationToken* cancellation) const override;
  std::unique_ptr<RowReader> read_rows(const std::vector<size_t>& columns,
                                       RejectedRows* rejected) const override;
  std::unique_ptr<ColumnDecoder> decoder(size_t column) const override;
  void set_schema(std::vector<Field> fields);
};

TextDefect unknown_key(std::string_view name, size_t offset);

}  // namespace velaria
