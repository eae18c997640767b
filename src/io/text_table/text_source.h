// A text file with a layout as a table: parallel scans over its ranges.
//
// Each scan opens the file again and throws FileFormatError when its size, head or tail changed,
// FileAccessError when it became shorter meanwhile; defects are FileFormatError, values that do not
// fit a type the caller named TypeMismatchError.
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
#include "src/io/file_source.h"
#include "src/io/text_table/text_layout.h"
#include "src/plan/table_source.h"

namespace velaria {

class TextSource : public SingleFileSource {
 public:
  TextSource(std::shared_ptr<const TextLayout> layout, std::optional<int64_t> rows)
      : rows_(rows), layout_(std::move(layout)) {}

  const Schema& schema() const override { return layout_->schema; }
  std::string describe() const override;
  std::optional<int64_t> known_rows() const override { return rows_; }
  std::unique_ptr<TableScan> scan_filtered(const ScanRequest& request,
                                           ScanFilterPtr filter) const override;
  uint64_t order_bound(int64_t chunk_rows) const override;
  std::vector<std::string> warnings() const override;
  TableSourcePtr rejects() const override;
  int64_t rejected_rows() const override { return rejected().count; }
  const std::string& path() const override { return layout_->path(); }
  bool is_serial() const override { return !layout_->text->seekable(); }
  bool is_inferred(size_t column) const override { return layout_->inferred[column]; }

  // Rows that are left out. Empty unless the options say skip.
  const RejectedRows& rejected() const;

 protected:
  // The layout with other types for inferred columns.
  std::shared_ptr<const TextLayout> layout_with(const std::vector<DataType>& types) const;
  const std::optional<int64_t> rows_;

 private:
  const std::shared_ptr<const TextLayout> layout_;
};

// With the evidence of the columns, whose merge() and type() say what several files agree on.
template <typename Evidence>
class InferredTextSource : public TextSource {
 public:
  // `evidence`: for each column; of those that are not inferred it does not count.
  InferredTextSource(std::shared_ptr<const TextLayout> layout, std::optional<int64_t> rows,
                     std::vector<Evidence> evidence)
      : TextSource(std::move(layout), rows), evidence_(std::move(evidence)) {}

  DataType common_type(const std::vector<FileColumn>& columns) const override {
    const auto evidence_of = [](const FileColumn& from) -> const Evidence& {
      return static_cast<const InferredTextSource*>(from.file)->evidence_.at(from.column);
    };
    Evidence all = evidence_of(columns.at(0));
    for (size_t i = 1; i < columns.size(); ++i) all.merge(evidence_of(columns[i]));
    return all.type();
  }
  TableSourcePtr with_types(const std::vector<DataType>& types,
                            const FileOpenContext& /*context*/) const override {
    return std::make_shared<InferredTextSource>(layout_with(types), rows_, evidence_);
  }

 private:
  const std::vector<Evidence> evidence_;
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
                  const std::function<std::unique_ptr<RangeVisitor>()>& new_visitor);

// What on_error = skip leaves out: rows with a defect, and those with a value that is not of the
// type of one of `columns`.
RejectedRows find_text_rejects(const TextLayout& layout, const TextPass& pass,
                               const FileOpenContext& context, const std::vector<size_t>& columns);
// The columns whose values may not fit: the caller named their types.
std::vector<size_t> columns_that_may_not_fit(const TextLayout& layout);

}  // namespace velaria
