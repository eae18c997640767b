// A source as texts, for comparing readings of the same bytes.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include "src/base/error.h"
#include "src/io/file_source.h"
#include "src/plan/table_source.h"

namespace velaria {

[[noreturn]] inline void fuzz_failure(const std::string& what, const std::string& one,
                                      const std::string& other) {
  std::fprintf(stderr, "%s\n---- one:\n%s\n---- other:\n%s\n", what.c_str(), one.c_str(),
               other.c_str());
  std::abort();
}

inline std::string table_text(const TableSource& source, int64_t chunk_rows) {
  ScanRequest request;
  for (size_t i = 0; i < source.schema().size(); ++i) request.columns.push_back(i);
  request.chunk_rows = chunk_rows;
  const auto* file = dynamic_cast<const FileSource*>(&source);
  const auto task = source.scan(request)->new_task();
  std::string out = source.schema().to_string() + "\n";
  Chunk chunk;
  uint64_t least_order = 0;
  while (task->next(&chunk)) {
    if (chunk.order < least_order) {
      fuzz_failure("orders do not ascend", std::to_string(chunk.order), out);
    }
    if (file != nullptr && chunk.order >= file->order_bound(chunk_rows)) {
      fuzz_failure("an order is out of bounds", std::to_string(chunk.order), out);
    }
    least_order = chunk.order + 1;
    for (int64_t row = 0; row < chunk.rows; ++row) {
      for (const ColumnPtr& column : chunk.columns) {
        out += column->is_null(row) ? "<null>" : column->value(row).to_string();
        out += '|';
      }
      out += '\n';
    }
  }
  return out;
}

// read(options, chunk_rows) gives `text` as a table's text, whatever `options.range_bytes` cut it
// into. An Error is a reading, too: where it is may depend on the cut, whether there is one not.
template <typename Options, typename Read>
void check_cuts(const std::string& text, Options options, const Read& read) {
  const auto reading = [&](int64_t chunk_rows) -> std::string {
    try {
      return read(options, chunk_rows);
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kInternal) {
        fuzz_failure("internal error", text, error.message());
      }
      return "error: " + std::string(error_kind_name(error.kind()));
    }
  };
  const std::string whole = reading(2048);
  for (const int64_t range_bytes : {1, 7, 64}) {
    options.range_bytes = range_bytes;
    const std::string cut = reading(1 + range_bytes % 5);
    if (cut != whole) fuzz_failure("another cut gives another table: " + text, whole, cut);
  }
}

}  // namespace velaria
