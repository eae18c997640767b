#include "src/exec/operator/scan_filter.h"

#include <algorithm>
#include <utility>

#include "src/expr/filter.h"

namespace velaria {

namespace {

class ConditionFilter : public ScanFilter {
 public:
  explicit ConditionFilter(BoundExpressionPtr condition) : condition_(std::move(condition)) {
    visit_columns(*condition_, [this](size_t column) { columns_.push_back(column); });
    std::sort(columns_.begin(), columns_.end());
    columns_.erase(std::unique(columns_.begin(), columns_.end()), columns_.end());
  }

  const std::vector<size_t>& columns() const override { return columns_; }

  void select(const Chunk& chunk, std::vector<uint32_t>* rows) const override {
    EvaluationBatch batch(chunk);
    RowMask kept;
    evaluate_mask(*condition_, batch, &kept);
    mask_rows(kept, rows);
  }

 private:
  const BoundExpressionPtr condition_;
  std::vector<size_t> columns_;
};

}  // namespace

ScanFilterPtr make_scan_filter(BoundExpressionPtr condition) {
  return std::make_shared<ConditionFilter>(std::move(condition));
}

}  // namespace velaria
