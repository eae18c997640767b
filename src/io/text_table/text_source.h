// A text file with a layout as a table: parallel scans over its ranges.
//
// Chunk::order is range << 21 | chunk in the range. Each scan opens the file again and throws
// FileFormatError when its size, head or tail changed, FileAccessError when it became shorter
// meanwhile; defects are FileFormatError, values that do not fit a type the caller named
// TypeMismatchError.
#pragma once

#include <atomic>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "src/io/file_options.h"
#include "src/io/text_table/text_layout.h"
#include "src/plan/table_source.h"

namespace velaria {

class TextSource : public TableSource {
 public:
  TextSource(std::shared_ptr<const TextLayout> layout, std::optional<int64_t> rows,
             RejectedRows rejected, std::vector<std::string> warnings)
      : layout_(std::move(layout)),
        rows_(rows),
        rejected_(std::move(rejected)),
        warnings_(std::move(warnings)) {}

  const Schema& schema() const override { return layout_->schema; }
  std::string describe() const override;
  std::optional<int64_t> known_rows() const override { return rows_; }
  std::unique_ptr<TableScan> scan(const ScanRequest& request) const override;

  std::vector<std::string> warnings() const { return warnings_; }
  // Rows that are left out. Empty unless the options say skip.
  const RejectedRows& rejected() const { return rejected_; }

 private:
  const std::shared_ptr<const TextLayout> layout_;
  const std::optional<int64_t> rows_;
  const RejectedRows rejected_;
  const std::vector<std::string> warnings_;
};

// One thread's look at ranges, in ascending order.
class RangeVisitor {
 public:
  virtual ~RangeVisitor() = default;
  virtual void visit(TextRange* range) = 0;  // may throw TextDefect with an offset in the range
  virtual void finish() = 0;                 // once, when all went well; for gathering results
};

// Looks at every range of the file once, in parallel. Rethrows the failure of the first range that
// has one, with path and place.
void visit_ranges(const TextLayout& layout, const TextPass& pass, const FileOpenContext& context,
                  int64_t range_bytes,
                  const std::function<std::unique_ptr<RangeVisitor>()>& new_visitor);

}  // namespace velaria
