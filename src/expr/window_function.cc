#include "src/expr/window_function.h"

#include "src/base/text.h"

namespace velaria {

namespace {

std::string bound_text(FrameBound::Kind kind, const BoundExpressionPtr& offset) {
  switch (kind) {
    case FrameBound::Kind::kUnboundedPreceding: return "UNBOUNDED PRECEDING";
    case FrameBound::Kind::kPreceding: return offset->to_string() + " PRECEDING";
    case FrameBound::Kind::kCurrentRow: return "CURRENT ROW";
    case FrameBound::Kind::kFollowing: return offset->to_string() + " FOLLOWING";
    case FrameBound::Kind::kUnboundedFollowing: return "UNBOUNDED FOLLOWING";
  }
  return "";
}

std::string frame_text(const BoundWindowFrame& frame) {
  if (frame.unit == WindowSpec::FrameUnit::kRange &&
      frame.start == FrameBound::Kind::kUnboundedPreceding &&
      frame.end == FrameBound::Kind::kCurrentRow) {
    return "";  // what is meant when nothing is written
  }
  const char* unit = frame.unit == WindowSpec::FrameUnit::kRows
                         ? "ROWS"
                         : (frame.unit == WindowSpec::FrameUnit::kRange ? "RANGE" : "GROUPS");
  return concat(" ", unit, " BETWEEN ", bound_text(frame.start, frame.start_offset), " AND ",
                bound_text(frame.end, frame.end_offset));
}

}  // namespace

std::string_view window_function_name(WindowFunctionKind kind) {
  switch (kind) {
    case WindowFunctionKind::kRowNumber: return "row_number";
    case WindowFunctionKind::kRank: return "rank";
    case WindowFunctionKind::kDenseRank: return "dense_rank";
    case WindowFunctionKind::kPercentRank: return "percent_rank";
    case WindowFunctionKind::kCumeDist: return "cume_dist";
    case WindowFunctionKind::kNtile: return "ntile";
    case WindowFunctionKind::kLag: return "lag";
    case WindowFunctionKind::kLead: return "lead";
    case WindowFunctionKind::kFirstValue: return "first_value";
    case WindowFunctionKind::kLastValue: return "last_value";
    case WindowFunctionKind::kNthValue: return "nth_value";
    case WindowFunctionKind::kAggregate: break;
  }
  return "";
}

bool covers_partition(const BoundWindowFrame& frame, bool ordered) {
  if (frame.start != FrameBound::Kind::kUnboundedPreceding) return false;
  if (frame.end == FrameBound::Kind::kUnboundedFollowing) return true;
  // All rows are peers of each other.
  return !ordered && frame.unit != WindowSpec::FrameUnit::kRows &&
         frame.end == FrameBound::Kind::kCurrentRow;
}

std::string BoundWindowFunction::to_string() const {
  if (kind == WindowFunctionKind::kAggregate) return aggregate.to_string() + frame_text(frame);
  std::vector<std::string> parts;
  for (const auto& argument : arguments) parts.push_back(argument->to_string());
  const bool framed = kind == WindowFunctionKind::kFirstValue ||
                      kind == WindowFunctionKind::kLastValue ||
                      kind == WindowFunctionKind::kNthValue;
  return concat(window_function_name(kind), "(", join_texts(parts, ", "), ")",
                ignore_nulls ? " IGNORE NULLS" : "", framed ? frame_text(frame) : "");
}

void visit_expressions(const BoundWindowFunction& function,
                       const std::function<void(const BoundExpression&)>& f) {
  for (const auto& argument : function.arguments) f(*argument);
  if (function.kind == WindowFunctionKind::kAggregate) visit_expressions(function.aggregate, f);
  if (function.frame.start_offset) f(*function.frame.start_offset);
  if (function.frame.end_offset) f(*function.frame.end_offset);
}

BoundWindowFunction map_expressions(
    BoundWindowFunction function,
    const std::function<BoundExpressionPtr(const BoundExpressionPtr&)>& f) {
  for (BoundExpressionPtr& argument : function.arguments) argument = f(argument);
  if (function.kind == WindowFunctionKind::kAggregate) {
    function.aggregate = map_expressions(std::move(function.aggregate), f);
  }
  if (function.frame.start_offset) function.frame.start_offset = f(function.frame.start_offset);
  if (function.frame.end_offset) function.frame.end_offset = f(function.frame.end_offset);
  return function;
}

}  // namespace velaria
