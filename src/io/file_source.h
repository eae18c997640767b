// A table that comes from files: what it can tell beside its rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "src/column/type.h"
#include "src/io/file_options.h"
#include "src/plan/scan_filter.h"
#include "src/plan/table_source.h"

namespace velaria {

class FileSource : public TableSource, public FilteringSource {
 public:
  std::unique_ptr<TableScan> scan(const ScanRequest& request) const override {
    return scan_filtered(request, nullptr);
  }
  // All orders that a scan with such chunks gives are below this: several files share one order.
  virtual uint64_t order_bound(int64_t chunk_rows) const = 0;
  // What a reader should know: columns renamed, rows left out. Empty for most.
  virtual std::vector<std::string> warnings() const { return {}; }
  // The rows that were left out, as rejects.h describes them, in the order of the files; null when
  // rows are never left out.
  virtual TableSourcePtr rejects() const { return nullptr; }
  // How many they are, also those that rejects() does not list any more.
  virtual int64_t rejected_rows() const { return 0; }
};

class SingleFileSource;

struct FileColumn {
  const SingleFileSource* file;
  size_t column;
};

// One file, with types that may still be widened to what several files agree on (file_table.h).
class SingleFileSource : public FileSource {
 public:
  virtual const std::string& path() const = 0;
  // Its text comes out one byte behind the other: it is compressed, or in another encoding.
  virtual bool is_serial() const = 0;
  // The type of the column came from the values of the file.
  virtual bool is_inferred(size_t column) const = 0;
  // The type of all values of these columns together. All are inferred, and their files come from
  // the reader of this one.
  virtual DataType common_type(const std::vector<FileColumn>& columns) const = 0;
  // The same file with other types for inferred columns. Which rows are left out may change with
  // them, and takes a pass over the file then.
  virtual TableSourcePtr with_types(const std::vector<DataType>& types,
                                    const FileOpenContext& context) const = 0;
};

// Chunks of a file that is read range by range: the order of the first chunk of a range, and a
// bound of all. A row has a byte or more, so the ranges before hold no more full chunks than this,
// and one chunk each that is not full. Small enough for many large files in one order
// (operator.h).
inline uint64_t first_chunk_order(uint64_t text_offset, uint64_t range_index, int64_t chunk_rows) {
  return text_offset / static_cast<uint64_t>(chunk_rows) + range_index;
}
inline uint64_t chunk_order_bound(uint64_t text_bytes, int64_t range_bytes, int64_t chunk_rows) {
  const uint64_t bytes = text_bytes + 1;
  return bytes / static_cast<uint64_t>(chunk_rows) + bytes / static_cast<uint64_t>(range_bytes) + 4;
}

// For any source: what a FileSource says, else nothing.
std::vector<std::string> warnings_of(const TableSource& source);
TableSourcePtr rejects_of(const TableSource& source);
int64_t rejected_rows_of(const TableSource& source);

}  // namespace velaria
