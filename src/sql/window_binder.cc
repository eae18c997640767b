#include "src/sql/window_binder.h"

#include <cmath>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/expr/evaluator.h"
#include "src/expr/function_registry.h"
#include "src/kernel/cast.h"
#include "src/sql/group_binder.h"

namespace velaria::sql {

namespace {

using Bound = FrameBound::Kind;

// Above the pending columns of subqueries.
constexpr size_t kFirstPendingColumn = size_t{1} << 41;

const DataType kInt64(TypeId::kInt64);

struct NamedFunction {
  const char* name;
  WindowFunctionKind kind;
  size_t least_arguments;
  size_t most_arguments;
  bool may_ignore_nulls;
};
constexpr NamedFunction kFunctions[] = {
    {"row_number", WindowFunctionKind::kRowNumber, 0, 0, false},
    {"rank", WindowFunctionKind::kRank, 0, 0, false},
    {"dense_rank", WindowFunctionKind::kDenseRank, 0, 0, false},
    {"percent_rank", WindowFunctionKind::kPercentRank, 0, 0, false},
    {"cume_dist", WindowFunctionKind::kCumeDist, 0, 0, false},
    {"ntile", WindowFunctionKind::kNtile, 1, 1, false},
    {"lag", WindowFunctionKind::kLag, 1, 3, true},
    {"lead", WindowFunctionKind::kLead, 1, 3, true},
    {"first_value", WindowFunctionKind::kFirstValue, 1, 1, true},
    {"last_value", WindowFunctionKind::kLastValue, 1, 1, true},
    {"nth_value", WindowFunctionKind::kNthValue, 2, 2, true},
};

const NamedFunction* find_function(std::string_view name) {
  for (const NamedFunction& function : kFunctions) {
    if (equals_ignore_case(function.name, name)) return &function;
  }
  return nullptr;
}

bool is_offset(Bound bound) { return bound == Bound::kPreceding || bound == Bound::kFollowing; }

bool same_keys(const std::vector<BoundSortKey>& a, const std::vector<BoundSortKey>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].descending != b[i].descending || a[i].nulls_first != b[i].nulls_first ||
        !same_expression(*a[i].expression, *b[i].expression)) {
      return false;
    }
  }
  return true;
}

bool same_expressions(const std::vector<BoundExpressionPtr>& a,
                      const std::vector<BoundExpressionPtr>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!same_expression(*a[i], *b[i])) return false;
  }
  return true;
}

// A number of rows or groups: a constant of 0 or more.
BoundExpressionPtr row_offset(const BoundExpressionPtr& offset) {
  const BoundExpressionPtr folded = fold_constants(offset);
  if (folded->is_constant() && folded->type.is_integer() && !folded->constant.is_null()) {
    const BoundExpressionPtr number = fold_constants(bound_cast(folded, kInt64));
    if (number->is_constant() && number->constant.as_int64() >= 0) return number;
  }
  throw Error(ErrorKind::kSqlSemantic,
              concat("the offset of a ROWS or GROUPS frame is a constant whole number of 0 or "
                     "more, but ",
                     excerpt(offset->to_string(), 80), " is written"));
}

[[noreturn]] void wrong_range_offset(const BoundExpressionPtr& offset, const DataType& key,
                                     std::string_view wanted) {
  throw Error(ErrorKind::kSqlSemantic,
              concat("a RANGE frame over ", key.to_string(), " needs ", wanted,
                     " as its offset, but ", excerpt(offset->to_string(), 80), " is written"));
}

bool is_negative(const Interval& interval) {
  const Int128 days = static_cast<Int128>(interval.months) * 30 + interval.days;
  return days * 86400000000LL + interval.micros < 0;
}

// What can be added to a key of type `key`: an integer, a decimal of its scale, a float64, or an
// interval.
BoundExpressionPtr range_offset(const BoundExpressionPtr& written, const BoundExpressionPtr& key) {
  const DataType& type = key->type;
  std::vector<BoundExpressionPtr> operands{key, written};
  settle_number_constants(&operands);
  const BoundExpressionPtr offset = fold_constants(operands[1]);
  const auto constant_of = [&](const DataType& wanted_type, std::string_view wanted) {
    const BoundExpressionPtr cast = fold_constants(bound_cast(offset, wanted_type));
    if (!cast->is_constant() || cast->constant.is_null()) {
      wrong_range_offset(written, type, wanted);
    }
    return cast;
  };
  if (type.is_integer()) {
    constexpr std::string_view kWanted = "a constant whole number of 0 or more";
    if (!offset->type.is_integer()) wrong_range_offset(written, type, kWanted);
    const BoundExpressionPtr number = constant_of(kInt64, kWanted);
    if (number->constant.as_int64() < 0) wrong_range_offset(written, type, kWanted);
    return number;
  }
  if (type.id() == TypeId::kDecimal128) {
    const std::string wanted =
        concat("a constant number of 0 or more with at most ", type.scale(), " decimals");
    if (!offset->type.is_integer() && offset->type.id() != TypeId::kDecimal128) {
      wrong_range_offset(written, type, wanted);
    }
    const BoundExpressionPtr number = constant_of(DataType::decimal(38, type.scale()), wanted);
    const bool rounded = offset->type.id() == TypeId::kDecimal128 &&
                         !(cast_value(number->constant, offset->type) == offset->constant);
    if (rounded || number->constant.as_int128() < 0) wrong_range_offset(written, type, wanted);
    return number;
  }
  if (type.is_float()) {
    constexpr std::string_view kWanted = "a constant number of 0 or more";
    if (!offset->type.is_numeric()) wrong_range_offset(written, type, kWanted);
    const BoundExpressionPtr number = constant_of(DataType(TypeId::kFloat64), kWanted);
    if (!(number->constant.as_double() >= 0)) wrong_range_offset(written, type, kWanted);
    return number;
  }
  if (type.is_temporal()) {
    const bool time = type.id() == TypeId::kTime64;
    const std::string_view wanted = time
                                        ? "a constant interval of 0 or more without months or days"
                                        : "a constant interval of 0 or more, INTERVAL '1 day' say,";
    if (offset->type.id() != TypeId::kInterval && !offset->type.is_string()) {
      wrong_range_offset(written, type, wanted);
    }
    const BoundExpressionPtr number = constant_of(DataType(TypeId::kInterval), wanted);
    const Interval& interval = number->constant.as_interval();
    if (is_negative(interval) || (time && (interval.months != 0 || interval.days != 0))) {
      wrong_range_offset(written, type, wanted);
    }
    return number;
  }
  throw Error(
      ErrorKind::kTypeMismatch,
      concat("a RANGE frame with an offset needs an ORDER BY of numbers, dates or times, "
             "but ",
             excerpt(key->to_string(), 80), " is ", type.to_string(), "; use ROWS or GROUPS"));
}

BoundExpressionPtr without_null_type(BoundExpressionPtr expression) {
  return expression->type.is_null() ? bound_cast(expression, DataType(TypeId::kUtf8)) : expression;
}

void refuse_key(const BoundExpression& key, std::string_view clause) {
  refuse_nested(key, concat(clause, " of a window"));
  if (!key.type.is_vector()) return;
  throw Error(ErrorKind::kTypeMismatch,
              concat(clause, " of a window cannot be a vector: ", excerpt(key.to_string(), 80)));
}

void bind_frame_into(BoundWindowFunction* function, const BoundWindowFrame& frame) {
  switch (function->kind) {
    case WindowFunctionKind::kFirstValue:
    case WindowFunctionKind::kLastValue:
    case WindowFunctionKind::kNthValue:
    case WindowFunctionKind::kAggregate: function->frame = frame; break;
    default: break;  // ranks and neighbours do not look at it
  }
}

bool same_function(const BoundWindowFunction& a, const BoundWindowFunction& b) {
  const auto same_offset = [](const BoundExpressionPtr& x, const BoundExpressionPtr& y) {
    return x && y ? same_expression(*x, *y) : !x == !y;
  };
  return a.kind == b.kind && a.ignore_nulls == b.ignore_nulls && a.result_type == b.result_type &&
         same_expressions(a.arguments, b.arguments) && a.frame.unit == b.frame.unit &&
         a.frame.start == b.frame.start && a.frame.end == b.frame.end &&
         same_offset(a.frame.start_offset, b.frame.start_offset) &&
         same_offset(a.frame.end_offset, b.frame.end_offset) &&
         (a.kind != WindowFunctionKind::kAggregate || same_aggregate(a.aggregate, b.aggregate));
}

}  // namespace

WindowSpec WindowBinder::full_spec(const WindowSpec& spec, size_t visible_names) const {
  if (spec.base_name.empty()) return spec;
  size_t at = 0;
  while (at < visible_names && !equals_ignore_case(named_[at].first, spec.base_name)) ++at;
  if (at == visible_names) {
    std::vector<std::string> names;
    for (size_t i = 0; i < visible_names; ++i) names.push_back(named_[i].first);
    throw Error(ErrorKind::kSqlSemantic,
                concat("window '", excerpt(spec.base_name), "' does not exist",
                       did_you_mean(spec.base_name, names),
                       "; windows are named by WINDOW name AS (...) behind HAVING"));
  }
  // A window may build on those that stand before it.
  WindowSpec base = full_spec(named_[at].second, at);
  const bool only_name = spec.partition_by.empty() && spec.order_by.empty() && !spec.has_frame;
  if (only_name) return base;
  const auto refuse = [&](std::string_view what) {
    throw Error(ErrorKind::kSqlSemantic,
                concat("OVER (", excerpt(spec.base_name), " ...): ", what));
  };
  if (!spec.partition_by.empty())
    refuse("PARTITION BY is the named window's and cannot be changed");
  if (!spec.order_by.empty() && !base.order_by.empty()) {
    refuse("the named window has an ORDER BY already");
  }
  if (base.has_frame) refuse("a window with a frame cannot be built on; use it as OVER name");
  WindowSpec out = spec;
  out.base_name.clear();
  out.partition_by = base.partition_by;
  if (out.order_by.empty()) out.order_by = base.order_by;
  return out;
}

size_t WindowBinder::bind_window(const WindowSpec& spec, ExpressionBinder& binder) {
  Window window;
  for (const ExpressionPtr& key : spec.partition_by) {
    window.partition_by.push_back(without_null_type(binder.bind(*key)));
    refuse_key(*window.partition_by.back(), "PARTITION BY");
  }
  for (const SortKey& key : spec.order_by) {
    const BoundExpressionPtr bound = without_null_type(binder.bind(*key.expression));
    refuse_key(*bound, "ORDER BY");
    window.order_by.push_back({bound, key.descending, key.nulls_first.value_or(false)});
  }
  for (size_t w = 0; w < windows_.size(); ++w) {
    if (same_expressions(windows_[w].partition_by, window.partition_by) &&
        same_keys(windows_[w].order_by, window.order_by)) {
      return w;
    }
  }
  windows_.push_back(std::move(window));
  return windows_.size() - 1;
}

BoundWindowFrame WindowBinder::bind_frame(const WindowSpec& spec, const Window& window,
                                          ExpressionBinder& binder) const {
  BoundWindowFrame frame;
  if (!spec.has_frame) return frame;
  frame.unit = spec.unit;
  frame.start = spec.start.kind;
  frame.end = spec.end.kind;
  if (frame.unit == WindowSpec::FrameUnit::kGroups && window.order_by.empty()) {
    throw Error(
        ErrorKind::kSqlSemantic,
        "a GROUPS frame counts groups of rows with equal ORDER BY, so it needs an ORDER BY");
  }
  const auto bind_offset = [&](const FrameBound& bound) -> BoundExpressionPtr {
    if (!is_offset(bound.kind)) return nullptr;
    const BoundExpressionPtr offset = binder.bind(*bound.offset);
    if (frame.unit != WindowSpec::FrameUnit::kRange) return row_offset(offset);
    if (window.order_by.size() != 1) {
      throw Error(ErrorKind::kSqlSemantic,
                  concat("a RANGE frame with an offset adds it to the one ORDER BY of its window, "
                         "but the window has ",
                         window.order_by.size()));
    }
    return range_offset(offset, window.order_by[0].expression);
  };
  frame.start_offset = bind_offset(spec.start);
  frame.end_offset = bind_offset(spec.end);
  return frame;
}

BoundWindowFunction WindowBinder::bind_function(const Expression& call,
                                                ExpressionBinder& binder) const {
  const std::string name = to_lower_ascii(call.name);
  BoundWindowFunction out;
  const NamedFunction* known = find_function(name);
  if (call.ignore_nulls && (known == nullptr || !known->may_ignore_nulls)) {
    throw Error(ErrorKind::kSqlSemantic,
                concat("IGNORE NULLS is of lag, lead, first_value, last_value and nth_value, not "
                       "of ",
                       name, "()"));
  }
  if (known == nullptr) {
    if (!is_aggregate_name(name)) {
      std::vector<std::string> names;
      for (const NamedFunction& function : kFunctions) names.emplace_back(function.name);
      throw Error(ErrorKind::kSqlSemantic,
                  concat(name, "() is not a window function", did_you_mean(name, names),
                         "; OVER belongs to aggregates and to ", join_texts(names, ", ")));
    }
    out.kind = WindowFunctionKind::kAggregate;
    out.aggregate = bind_aggregate_call(call, binder);
    out.result_type = out.aggregate.result_type;
    if (out.result_type.is_vector() || out.result_type.is_nested()) {
      throw Error(ErrorKind::kSqlUnsupported,
                  concat(name, "() OVER of a ",
                         out.result_type.is_vector() ? "vector" : "list, struct or map",
                         " is not supported; join with a grouped query"));
    }
    return out;
  }
  if (call.distinct || call.filter || !call.order_by.empty()) {
    throw Error(ErrorKind::kSqlSemantic, concat("DISTINCT, FILTER and ORDER BY inside ", name,
                                                "() need an aggregate function"));
  }
  if (call.children.size() < known->least_arguments ||
      call.children.size() > known->most_arguments) {
    const std::string count = known->least_arguments == known->most_arguments
                                  ? std::to_string(known->least_arguments)
                                  : concat(known->least_arguments, " to ", known->most_arguments);
    throw Error(ErrorKind::kSqlSemantic, concat(name, "() takes ", count, " arguments, but ",
                                                call.children.size(), " are given"));
  }
  out.kind = known->kind;
  out.ignore_nulls = call.ignore_nulls;
  for (const ExpressionPtr& child : call.children) out.arguments.push_back(binder.bind(*child));
  const auto make_count = [&](size_t i) {
    BoundExpressionPtr& argument = out.arguments[i];
    if (!argument->type.is_integer() && !argument->type.is_null()) {
      throw Error(ErrorKind::kTypeMismatch,
                  concat(name, "() counts in whole numbers, but ",
                         excerpt(argument->to_string(), 80), " is ", argument->type.to_string()));
    }
    argument = bound_cast(argument, kInt64);
  };
  switch (known->kind) {
    case WindowFunctionKind::kPercentRank:
    case WindowFunctionKind::kCumeDist: out.result_type = DataType(TypeId::kFloat64); return out;
    case WindowFunctionKind::kNtile: make_count(0); break;
    case WindowFunctionKind::kLag:
    case WindowFunctionKind::kLead:
    case WindowFunctionKind::kNthValue:
      if (out.arguments.size() > 1) make_count(1);
      break;
    default: break;
  }
  if (out.arguments.size() == 3) {
    std::vector<BoundExpressionPtr> values{out.arguments[0], out.arguments[2]};
    settle_alternatives(&values);
    const auto common = common_type(values[0]->type, values[1]->type);
    if (!common) {
      throw Error(
          ErrorKind::kTypeMismatch,
          concat(name, "(): the value is ", values[0]->type.to_string(), " and the default is ",
                 values[1]->type.to_string(), "; cast them to one type"));
    }
    out.arguments[0] = bound_cast(values[0], *common);
    out.arguments[2] = bound_cast(values[1], *common);
  }
  const bool picks = known->least_arguments > 0 && known->kind != WindowFunctionKind::kNtile;
  if (!picks) {
    out.result_type = kInt64;
    return out;
  }
  out.arguments[0] = without_null_type(out.arguments[0]);
  if (out.arguments.size() == 3) out.arguments[2] = without_null_type(out.arguments[2]);
  out.result_type = out.arguments[0]->type;
  return out;
}

BoundExpressionPtr WindowBinder::bind_call(const Expression& call, ExpressionBinder& binder) {
  if (inside_) {
    throw Error(ErrorKind::kSqlSemantic,
                concat("a window function cannot stand inside another one: ", call.name,
                       "() OVER; compute the inner one in a subquery"));
  }
  struct Inside {
    bool& flag;
    explicit Inside(bool& f) : flag(f) { flag = true; }
    ~Inside() { flag = false; }
  } const inside(inside_);
  BoundWindowFunction function = bind_function(call, binder);
  const WindowSpec spec = full_spec(*call.over, named_.size());
  const size_t window = bind_window(spec, binder);
  bind_frame_into(&function, bind_frame(spec, windows_[window], binder));
  if (call.distinct && !covers_partition(function.frame, !windows_[window].order_by.empty())) {
    throw Error(ErrorKind::kSqlUnsupported,
                concat(call.name,
                       "(DISTINCT ...) OVER is only supported over whole partitions; leave ORDER "
                       "BY out of its window, or let its frame be UNBOUNDED on both sides"));
  }
  size_t at = 0;
  while (at < functions_.size() &&
         (functions_[at].window != window || !same_function(functions_[at].function, function))) {
    ++at;
  }
  const DataType type = function.result_type;
  if (at == functions_.size()) functions_.push_back({window, std::move(function)});
  return bound_column(kFirstPendingColumn + at, type, call.to_string());
}

PlanPtr WindowBinder::add_plans(
    PlanPtr plan, const std::function<BoundExpressionPtr(const BoundExpressionPtr&)>& place) {
  for (size_t w = 0; w < windows_.size(); ++w) {
    std::vector<BoundExpressionPtr> partition_by = windows_[w].partition_by;
    for (BoundExpressionPtr& key : partition_by) key = place(key);
    std::vector<BoundSortKey> order_by = windows_[w].order_by;
    for (BoundSortKey& key : order_by) key.expression = place(key.expression);
    std::vector<BoundWindowFunction> functions;
    for (Function& function : functions_) {
      if (function.window != w) continue;
      function.column = plan->schema().size() + functions.size();
      functions.push_back(map_expressions(function.function, place));
    }
    plan = std::make_shared<WindowPlan>(plan, std::move(partition_by), std::move(order_by),
                                        std::move(functions));
  }
  return plan;
}

BoundExpressionPtr WindowBinder::resolved(const BoundExpressionPtr& expression) const {
  if (functions_.empty()) return expression;
  return replace_columns(expression, [&](const BoundExpression& column) {
    const size_t at = column.column < kFirstPendingColumn
                          ? column.column
                          : functions_[column.column - kFirstPendingColumn].column;
    return bound_column(at, column.type, column.name);
  });
}

bool contains_window_function(const Expression& expression) {
  if (expression.over) return true;
  for (const ExpressionPtr& child : expression.children) {
    if (contains_window_function(*child)) return true;
  }
  return false;
}

}  // namespace velaria::sql
