// What is known of a file of lines once it is opened. Immutable; any thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "src/io/line/line_options.h"
#include "src/io/line/tagged_dfa.h"
#include "src/io/text_table/text_layout.h"
#include "src/kernel/regular_expression.h"

namespace velaria {

struct LineLayout : TextLayout {
  LineOptions options;
  RegularExpressionPtr pattern;                   // of mode regex
  std::shared_ptr<const TaggedDfa> fast_pattern;  // the same, if it is of that kind
  std::vector<int> places;                        // per column: its field, or its group
  bool exact_fields = false;  // split: a line has one field for each column, no more

  std::string format() const override { return "line"; }
  int64_t range_bytes() const override { return options.range_bytes; }
  std::shared_ptr<TextLayout> with_schema(Schema other) const override;
  std::unique_ptr<TextRangeCutter> cut(const TextPass& pass,
                                       const CancellationToken* cancellation) const override;
  std::unique_ptr<RowReader> read_rows(const std::vector<size_t>& columns,
                                       RejectedRows* rejected) const override;
};

// The fields of a line; split at white space, a blank one has none.
void split_line(const LineOptions& options, std::string_view line,
                std::vector<std::string_view>* fields);
// Nothing, or nothing but spaces and tabs where these are no delimiters.
bool is_blank_line(const LineOptions& options, std::string_view line);

}  // namespace velaria
