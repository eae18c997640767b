// HYBRID SEARCH v QUERY '[..]' METRIC m TOP_K k [SCORE_THRESHOLD x] [AS name]
#include <algorithm>
#include <cmath>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/kernel/cast.h"
#include "src/kernel/nested_cast.h"
#include "src/plan/decorrelation/pull_up.h"
#include "src/sql/select_binder.h"

namespace velaria::sql {

namespace {

// "t.v"; a column whose own name has a dot goes first.
ExpressionPtr column_expression(const std::string& written, const NameScope& scope,
                                int64_t position) {
  auto column = std::make_shared<Expression>();
  column->kind = ExpressionKind::kColumn;
  column->position = position;
  column->name = written;
  const size_t dot = written.rfind('.');
  if (dot != std::string::npos && !scope.find(*column)) {
    column->qualifier = written.substr(0, dot);
    column->name = written.substr(dot + 1);
  }
  return column;
}

}  // namespace

void SelectBinder::add_hybrid_search(const HybridSearchClause& clause, BoundRelation* input) const {
  const std::optional<std::vector<float>> query = parse_vector(clause.query_text);
  if (!query || query->empty() ||
      !std::all_of(query->begin(), query->end(), [](float x) { return std::isfinite(x); })) {
    fail(ErrorKind::kSqlSemantic,
         concat("HYBRID SEARCH ... QUERY ", quote_sql_string(excerpt(clause.query_text)),
                " is no vector of finite numbers; it is written '[0.1, 0.2]'"),
         clause.position);
  }
  VectorTopK top;
  try {
    top.metric = metric_from_name(clause.metric);
  } catch (const Error& error) {
    fail(error.kind(), error.message(), clause.position);
  }
  ExpressionBinder binder(input->scope);
  locate(binder);
  BoundExpressionPtr vectors =
      binder.bind(*column_expression(clause.vector_column, input->scope, clause.position));
  const auto dimension = static_cast<int32_t>(query->size());
  if (!vectors->type.is_vector() && vectors->type.id() != TypeId::kUtf8) {
    fail(ErrorKind::kTypeMismatch,
         concat("HYBRID SEARCH needs a column of vectors or of texts such as '[1 2 3]', but ",
                clause.vector_column, " is ", vectors->type.to_string(),
                is_list_of_floats(vectors->type)
                    ? "; lists of one length become vectors by CAST(... AS FLOAT[n]) in a subquery"
                    : ""),
         clause.position);
  }
  if (vectors->type.is_vector() && vectors->type.list_size() != dimension) {
    fail(ErrorKind::kTypeMismatch,
         concat("the query of HYBRID SEARCH has dimension ", dimension, ", but ",
                clause.vector_column, " has dimension ", vectors->type.list_size()),
         clause.position);
  }
  for (const ScopeColumn& column : input->scope.columns()) {
    if (equals_ignore_case(column.name, clause.score_name)) {
      fail(ErrorKind::kSqlSemantic,
           concat("HYBRID SEARCH adds a column '", clause.score_name,
                  "', but the input has one of that name; name it: HYBRID SEARCH ... AS distance"),
           clause.position);
    }
  }
  const size_t named = input->scope.columns().size();
  PlanPtr plan = input->plan;
  std::vector<BoundExpressionPtr> columns;
  std::vector<std::string> names;
  for (const Field& field : plan->schema().fields()) {
    columns.push_back(bound_column(columns.size(), field.type, field.name));
    names.push_back(field.name);
  }
  columns.resize(named);
  names.resize(named);
  top.vector_column = vectors->column;
  if (!vectors->type.is_vector()) {
    top.vector_column = named;
    columns.push_back(bound_cast(vectors, DataType::vector(dimension)));
    names.push_back(clause.vector_column);
  }
  if (columns.size() != plan->schema().size() || top.vector_column == named) {
    plan = std::make_shared<ProjectPlan>(plan, std::move(columns), std::move(names));
  }
  top.query = *query;
  top.limit = clause.top_k;
  top.leave_out_unscored = true;
  top.score_threshold = clause.score_threshold;
  top.score_name = clause.score_name;
  plan = std::make_shared<VectorTopKPlan>(plan, std::move(top));
  const size_t score = plan->schema().size() - 1;
  if (score > named) {
    std::vector<size_t> picked(named);
    for (size_t i = 0; i < named; ++i) picked[i] = i;
    picked.push_back(score);
    plan = pick_columns(plan, picked);
  }
  input->plan = plan;
  std::vector<ScopeColumn> scope = input->scope.columns();
  scope.push_back({"", clause.score_name, DataType(TypeId::kFloat64)});
  input->scope = NameScope(std::move(scope));
}

}  // namespace velaria::sql
