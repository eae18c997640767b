#include "src/expr/binder.h"

#include <algorithm>
#include <iterator>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/expr/aggregate_registry.h"

namespace velaria {

NameScope NameScope::of(const Schema& schema, std::string_view qualifier) {
  std::vector<ScopeColumn> columns;
  for (const Field& field : schema.fields()) {
    columns.push_back({std::string(qualifier), field.name, field.type});
  }
  return NameScope(std::move(columns));
}

NameScope::NameScope(std::vector<ScopeColumn> columns) : columns_(std::move(columns)) {
  constexpr size_t kNarrow = 32;
  if (columns_.size() <= kNarrow) return;
  for (size_t i = 0; i < columns_.size(); ++i) {
    by_name_[to_lower_ascii(columns_[i].name)].push_back(i);
  }
}

size_t NameScope::resolve(const Expression& column) const {
  if (const auto found = find(column)) return *found;
  const std::string shown =
      column.qualifier.empty() ? column.name : column.qualifier + "." + column.name;
  std::vector<std::string> names;
  for (const ScopeColumn& candidate : columns_) names.push_back(candidate.name);
  throw Error(
      ErrorKind::kSqlSemantic,
      concat("column '", excerpt(shown), "' does not exist", did_you_mean(column.name, names),
             names.empty() ? std::string("; there are no columns here")
                           : "; the columns are: " + excerpt(join_texts(names, ", "), 300),
             // So people write who know languages where both kinds of quotes make texts.
             column.quoted && column.qualifier.empty()
                 ? concat("; a text stands in single quotes: ", excerpt(quote_sql_string(shown)))
                 : std::string()));
}

std::optional<size_t> NameScope::find(const Expression& column) const {
  std::vector<size_t> exact;
  std::vector<size_t> folded;
  const auto consider = [&](size_t i) {
    const ScopeColumn& candidate = columns_[i];
    if (!column.qualifier.empty() && !equals_ignore_case(column.qualifier, candidate.qualifier)) {
      return;
    }
    if (column.qualifier.empty() && candidate.qualified_only) return;
    if (candidate.name == column.name) exact.push_back(i);
    if (!column.quoted && equals_ignore_case(candidate.name, column.name)) folded.push_back(i);
  };
  if (by_name_.empty()) {
    for (size_t i = 0; i < columns_.size(); ++i) consider(i);
  } else if (const auto named = by_name_.find(to_lower_ascii(column.name));
             named != by_name_.end()) {
    for (size_t i : named->second) consider(i);
  }
  const std::vector<size_t>& found = exact.empty() ? folded : exact;
  if (found.empty()) return std::nullopt;
  if (found.size() == 1) return found[0];
  const std::string shown =
      column.qualifier.empty() ? column.name : column.qualifier + "." + column.name;
  std::vector<std::string> places;
  for (size_t i : found) {
    places.push_back(columns_[i].qualifier.empty()
                         ? columns_[i].name
                         : columns_[i].qualifier + "." + columns_[i].name);
  }
  throw Error(ErrorKind::kSqlSemantic,
              concat("column '", excerpt(shown), "' is ambiguous: it could be ",
                     join_texts(places, " or "), "; write the table's name before it"));
}

BoundExpressionPtr ExpressionBinder::bind(const Expression& expression) {
  try {
    if (BoundExpressionPtr bound = intercept(expression)) return bound;
    return bind_node(expression);
  } catch (const Error& error) {
    fail_at(expression, error);
  }
}

void ExpressionBinder::fail_at(const Expression& expression, const Error& error) const {
  // The innermost expression with a position has added its place already.
  if (!locator_ || expression.position < 0 || error.message().find("\n") != std::string::npos) {
    throw error;
  }
  throw Error(error.kind(), error.message() + "\n" + locator_(expression.position));
}

BoundExpressionPtr ExpressionBinder::bind_column(const Expression& expression) {
  if (context_ != nullptr && !scope_.find(expression)) {
    if (BoundExpressionPtr outer = context_->outer_column(expression)) return outer;
  }
  const size_t column = scope_.resolve(expression);
  const ScopeColumn& found = scope_.columns()[column];
  return bound_column(column, found.type, found.name);
}

namespace {

BoundExpressionPtr bound_literal(const Expression& expression) {
  BoundExpressionPtr constant = bound_constant(expression.literal);
  if (expression.exact.is_null()) return constant;
  auto node = std::make_shared<BoundExpression>(*constant);
  node->exact = bound_constant(expression.exact);
  return node;
}

}  // namespace

BoundExpressionPtr ExpressionBinder::bind_node(const Expression& expression) {
  switch (expression.kind) {
    case ExpressionKind::kLiteral: return bound_literal(expression);
    case ExpressionKind::kColumn: return bind_column(expression);
    case ExpressionKind::kCall: return bind_call(expression);
    case ExpressionKind::kCast: {
      BoundExpressionPtr child = bind(*expression.children[0]);
      BoundExpressionPtr out = bound_cast(std::move(child), expression.type, expression.try_cast);
      if (out->exact == nullptr || !expression.type.is_float()) return out;
      // Whoever names a float means it: it is no literal any more that is a decimal beside others.
      auto named = std::make_shared<BoundExpression>(*out);
      named->exact = nullptr;
      return named;
    }
    case ExpressionKind::kCase: return bind_case(expression);
    case ExpressionKind::kStar:
      throw Error(ErrorKind::kSqlSemantic, "* is only possible as a select item or in count(*)");
    case ExpressionKind::kSubquery:
    case ExpressionKind::kExists:
    case ExpressionKind::kInSubquery:
      if (context_ != nullptr) return context_->subquery(expression, *this);
      throw Error(ErrorKind::kSqlUnsupported,
                  "a subquery is not possible here; compute its value in a table of FROM");
    case ExpressionKind::kParameter:
      throw Error(
          ErrorKind::kSqlUnsupported,
          "parameters have values in sql(text, parameters) only; write the value into the text");
  }
  VELARIA_CHECK(false);
  return nullptr;
}

BoundExpressionPtr ExpressionBinder::bind_call(const Expression& expression) {
  if (expression.over) {
    if (context_ != nullptr) {
      if (BoundExpressionPtr bound = context_->window_function(expression, *this)) return bound;
    }
    throw Error(ErrorKind::kSqlSemantic,
                concat("the window function ", expression.name,
                       "() OVER is not possible here; window functions belong into the select "
                       "list, ORDER BY and QUALIFY; elsewhere select from a subquery that has it"));
  }
  std::string name = to_lower_ascii(expression.name);
  if (name == "-" && expression.children.size() == 1) name = "negate";
  if (is_aggregate_name(name)) {
    throw Error(ErrorKind::kSqlSemantic,
                concat("the aggregate ", name,
                       "() is not possible here; aggregates belong into the "
                       "select list, HAVING or ORDER BY of a grouped query"));
  }
  if (expression.distinct || expression.filter || !expression.order_by.empty()) {
    throw Error(ErrorKind::kSqlSemantic, concat("DISTINCT, FILTER and ORDER BY inside ", name,
                                                "() need an aggregate function"));
  }
  if (name == "if" || name == "iif") {
    if (expression.children.size() != 3) {
      throw Error(ErrorKind::kSqlSemantic,
                  concat("wrong number of arguments: ", expression.children.size(),
                         " given to if(condition, then, else)"));
    }
    Expression conditional = expression;
    conditional.has_else = true;
    return bind_case(conditional);
  }
  if (expression.children.empty() && !expression.quoted) {
    if (BoundExpressionPtr time = bind_statement_time(name)) return time;
  }
  std::vector<BoundExpressionPtr> arguments;
  for (const ExpressionPtr& child : expression.children) arguments.push_back(bind(*child));
  if (name == "and" || name == "or") {
    for (BoundExpressionPtr& argument : arguments) {
      if (argument->type.id() != TypeId::kBool && !argument->type.is_null()) {
        throw Error(
            ErrorKind::kTypeMismatch,
            concat(to_upper_ascii(name), " needs conditions, but ",
                   excerpt(argument->to_string(), 100), " is ", argument->type.to_string()));
      }
      argument = bound_cast(std::move(argument), DataType(TypeId::kBool));
    }
    return bound_logic(name == "and" ? BoundKind::kAnd : BoundKind::kOr, std::move(arguments));
  }
  const FunctionRegistry& functions = FunctionRegistry::builtin();
  if (functions.find(name) == nullptr) {
    if (user_functions_ != nullptr) {
      const UserFunctionPtr found = user_functions_->find_function(name);
      if (found) return bind_user_function(found, std::move(arguments));
    }
    std::vector<std::string> known = functions.names();
    if (user_functions_ != nullptr) {
      for (std::string& own : user_functions_->function_names()) known.push_back(std::move(own));
    }
    for (std::string& aggregate : AggregateRegistry::builtin().names()) {
      known.push_back(std::move(aggregate));
    }
    constexpr std::string_view kOnlyOver[] = {
        "row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile",
        "lag",        "lead", "nth_value",  "first_value",  "last_value"};
    if (std::find(std::begin(kOnlyOver), std::end(kOnlyOver), name) != std::end(kOnlyOver)) {
      throw Error(ErrorKind::kSqlSemantic, concat(name, "() is a window function: write ", name,
                                                  "(...) OVER (PARTITION BY ... ORDER BY ...)"));
    }
    refuse_unknown_function(name, known);
  }
  return functions.bind(name, std::move(arguments));
}

BoundExpressionPtr ExpressionBinder::bind_user_function(
    const UserFunctionPtr& function, std::vector<BoundExpressionPtr> arguments) const {
  const std::vector<DataType>& types = function->argument_types();
  if (arguments.size() != types.size()) {
    throw Error(ErrorKind::kSqlSemantic, concat("wrong number of arguments: ", arguments.size(),
                                                " given to ", function->signature()));
  }
  auto node = std::make_shared<BoundExpression>();
  node->kind = BoundKind::kCall;
  node->name = function->name();
  node->type = function->result_type();
  node->user_function = function;
  node->fails_itself = true;
  node->strict = false;
  for (size_t i = 0; i < types.size(); ++i) {
    // What no other function does by itself, such as text to a number, is not done here either.
    const DataType& given = arguments[i]->type;
    const std::optional<DataType> common = common_type(given, types[i]);
    if (given != types[i] && !given.is_null() && !arguments[i]->is_constant() &&
        (!common || *common != types[i])) {
      throw Error(ErrorKind::kTypeMismatch,
                  concat("argument ", i + 1, " of ", function->signature(), " is ",
                         given.to_string(), "; use CAST(... AS ", types[i].to_string(), ")"));
    }
    node->children.push_back(bound_cast(std::move(arguments[i]), types[i]));
  }
  node->update_can_fail();
  return node;
}

BoundExpressionPtr ExpressionBinder::bind_statement_time(std::string_view name) const {
  const auto is_one_of = [&](std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  DataType type;
  if (is_one_of({"now", "current_timestamp", "get_current_timestamp", "transaction_timestamp"})) {
    type = DataType::timestamp(TimeUnit::kMicro, "UTC");
  } else if (is_one_of({"localtimestamp"})) {
    type = DataType::timestamp(TimeUnit::kMicro);
  } else if (is_one_of({"current_date", "today"})) {
    type = DataType(TypeId::kDate32);
  } else if (is_one_of({"current_time", "localtime"})) {
    type = DataType(TypeId::kTime64);
  } else {
    return nullptr;
  }
  if (!statement_time_us_) {
    throw Error(ErrorKind::kSqlUnsupported,
                concat(name,
                       " is the start of one statement, which a view and a stream query do "
                       "not have; compute with it in the query that reads them"));
  }
  return bound_cast(
      bound_constant(Value::integral(DataType::timestamp(TimeUnit::kMicro), *statement_time_us_)),
      type);
}

BoundExpressionPtr ExpressionBinder::bind_case(const Expression& expression) {
  auto node = std::make_shared<BoundExpression>();
  node->kind = BoundKind::kCase;
  node->has_else = expression.has_else;
  const size_t pairs = expression.children.size() / 2;
  std::vector<BoundExpressionPtr> conditions;
  std::vector<BoundExpressionPtr> values;
  for (size_t i = 0; i < expression.children.size(); ++i) {
    if (i < 2 * pairs && i % 2 == 0) {
      conditions.push_back(bind_condition(*this, *expression.children[i], "CASE WHEN"));
    } else {
      values.push_back(bind(*expression.children[i]));
    }
  }
  settle_alternatives(&values);
  DataType result;
  for (const BoundExpressionPtr& value : values) {
    const auto common = common_type(result, value->type);
    if (!common) {
      throw Error(ErrorKind::kTypeMismatch,
                  concat("the branches of CASE are ", result.to_string(), " and ",
                         value->type.to_string(), "; cast them to one type"));
    }
    result = *common;
  }
  if (result.is_null()) result = DataType(TypeId::kUtf8);
  node->type = result;
  for (size_t i = 0; i < values.size(); ++i) {
    if (i < conditions.size()) node->children.push_back(std::move(conditions[i]));
    node->children.push_back(bound_cast(std::move(values[i]), result));
  }
  for (const BoundExpressionPtr& child : node->children) {
    node->can_fail = node->can_fail || child->can_fail;
  }
  return node;
}

bool is_aggregate_name(std::string_view name) {
  return AggregateRegistry::builtin().find(name) != nullptr;
}

bool contains_aggregate(const Expression& expression) {
  if (expression.kind == ExpressionKind::kCall && !expression.over &&
      is_aggregate_name(expression.name)) {
    return true;
  }
  for (const ExpressionPtr& child : expression.children) {
    if (contains_aggregate(*child)) return true;
  }
  if (!expression.over) return false;
  return (expression.filter && contains_aggregate(*expression.filter)) ||
         contains_aggregate(*expression.over);
}

bool contains_aggregate(const WindowSpec& window) {
  for (const ExpressionPtr& key : window.partition_by) {
    if (contains_aggregate(*key)) return true;
  }
  for (const SortKey& key : window.order_by) {
    if (contains_aggregate(*key.expression)) return true;
  }
  return false;
}

BoundExpressionPtr bind_condition(ExpressionBinder& binder, const Expression& expression,
                                  std::string_view what) {
  BoundExpressionPtr bound = binder.bind(expression);
  if (bound->type.id() != TypeId::kBool && !bound->type.is_null()) {
    throw Error(ErrorKind::kTypeMismatch,
                concat(what, " needs a condition, but ", excerpt(bound->to_string(), 100), " is ",
                       bound->type.to_string()));
  }
  return bound_cast(std::move(bound), DataType(TypeId::kBool));
}

}  // namespace velaria
