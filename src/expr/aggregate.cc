#include "src/expr/aggregate.h"

#include "src/base/text.h"

namespace velaria {

std::string_view aggregate_name(AggregateKind kind) {
  switch (kind) {
    case AggregateKind::kCountRows:
    case AggregateKind::kCount: return "count";
    case AggregateKind::kSum: return "sum";
    case AggregateKind::kAvg: return "avg";
    case AggregateKind::kMin: return "min";
    case AggregateKind::kMax: return "max";
  }
  return "";
}

std::optional<DataType> aggregate_result_type(AggregateKind kind, const DataType& argument) {
  switch (kind) {
    case AggregateKind::kCountRows:
    case AggregateKind::kCount: return DataType(TypeId::kInt64);
    case AggregateKind::kSum:
      if (argument.is_signed_integer() || argument.is_null()) return DataType(TypeId::kInt64);
      if (argument.is_unsigned_integer()) return DataType(TypeId::kUInt64);
      if (argument.is_float()) return DataType(TypeId::kFloat64);
      if (argument.id() == TypeId::kDecimal128) return DataType::decimal(38, argument.scale());
      return std::nullopt;
    case AggregateKind::kAvg:
      if (argument.is_numeric() || argument.is_null()) return DataType(TypeId::kFloat64);
      return std::nullopt;
    case AggregateKind::kMin:
    case AggregateKind::kMax:
      if (argument.is_vector()) return std::nullopt;
      return argument;
  }
  return std::nullopt;
}

std::string BoundAggregate::to_string() const {
  std::string out = concat(aggregate_name(kind), "(", argument ? argument->to_string() : "*", ")");
  if (filter) out += concat(" FILTER (WHERE ", filter->to_string(), ")");
  return out;
}

bool same_aggregate(const BoundAggregate& a, const BoundAggregate& b) {
  if (a.kind != b.kind || !a.argument != !b.argument || !a.filter != !b.filter) return false;
  if (a.argument && !same_expression(*a.argument, *b.argument)) return false;
  return !a.filter || same_expression(*a.filter, *b.filter);
}

}  // namespace velaria
