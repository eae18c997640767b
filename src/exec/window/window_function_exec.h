// Computing one window function over the partitions of an item.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "src/exec/operator.h"
#include "src/exec/window/frames.h"
#include "src/exec/window/result_column.h"
#include "src/expr/window_function.h"

namespace velaria {

// Whose memory it is, for the budget.
constexpr std::string_view kWindowMemory = "window functions";

// Flat columns over all rows of the input.
struct WindowFunctionInput {
  uint32_t rows = 0;
  bool ordered = false;  // whether the window has an ORDER BY
  std::vector<ColumnPtr> arguments;
  ColumnPtr filter;                   // of an aggregate; may be null
  std::vector<ColumnPtr> order_keys;  // of the ORDER BY inside an aggregate
  ColumnPtr order_key;                // the first one; null when there is none
  SortOrder order;
};

class WindowFunctionExec {
 public:
  // `function` outlives it.
  static std::unique_ptr<WindowFunctionExec> make(const BoundWindowFunction& function,
                                                  WindowFunctionInput input);
  virtual ~WindowFunctionExec() = default;

  // Items have no rows in common and may be evaluated at the same time.
  virtual void evaluate(WindowItem& item, const ExecutionContext& context) = 0;
  // After all items.
  virtual const ResultColumn& result() const = 0;
};

// For aggregates, see frame_aggregate.cc.
std::unique_ptr<WindowFunctionExec> make_frame_aggregate(const BoundWindowFunction& function,
                                                         WindowFunctionInput input);

// Quantiles, see frame_quantile.cc.
std::unique_ptr<WindowFunctionExec> make_frame_quantile(const BoundWindowFunction& function,
                                                        WindowFunctionInput input);

// The most bytes that the results of a function need for one row.
uint64_t result_bytes_per_row(const BoundWindowFunction& function);

}  // namespace velaria
