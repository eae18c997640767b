// Window functions as plans know them: what is computed over which rows of a partition.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/expr/aggregate.h"
#include "src/expr/expression.h"

namespace velaria {

enum class WindowFunctionKind {
  kRowNumber,
  kRank,
  kDenseRank,
  kPercentRank,
  kCumeDist,
  kNtile,
  kLag,
  kLead,
  kFirstValue,
  kLastValue,
  kNthValue,
  kAggregate,  // any aggregate over the frame
};

std::string_view window_function_name(WindowFunctionKind kind);

struct BoundWindowFrame {
  WindowSpec::FrameUnit unit = WindowSpec::FrameUnit::kRange;
  FrameBound::Kind start = FrameBound::Kind::kUnboundedPreceding;
  FrameBound::Kind end = FrameBound::Kind::kCurrentRow;
  // Of kPreceding and kFollowing: a constant; for kRange something the order key can be added to.
  BoundExpressionPtr start_offset;
  BoundExpressionPtr end_offset;
};

// Whether every frame is its whole partition. `ordered`: whether the window has an ORDER BY.
bool covers_partition(const BoundWindowFrame& frame, bool ordered);

struct BoundWindowFunction {
  WindowFunctionKind kind = WindowFunctionKind::kRowNumber;
  // kNtile: count. kLag, kLead: value, offset, default. kNthValue: value, n. None for kAggregate.
  std::vector<BoundExpressionPtr> arguments;
  BoundAggregate aggregate;   // kAggregate
  BoundWindowFrame frame;     // of the functions that look at one
  bool ignore_nulls = false;  // kLag, kLead, kFirstValue, kLastValue, kNthValue
  DataType result_type;

  std::string to_string() const;  // "lag(price, 1)": without the window
};

void visit_expressions(const BoundWindowFunction& function,
                       const std::function<void(const BoundExpression&)>& f);
BoundWindowFunction map_expressions(
    BoundWindowFunction function,
    const std::function<BoundExpressionPtr(const BoundExpressionPtr&)>& f);

}  // namespace velaria
