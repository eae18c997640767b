#include "src/expr/function_registry.h"

#include <algorithm>

#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria {

std::optional<DataType> common_type(const DataType& a, const DataType& b) {
  if (a == b || b.is_null()) return a;
  if (a.is_null()) return b;
  if (a.is_integer() && b.is_integer()) {
    if (a.is_signed_integer() == b.is_signed_integer()) {
      return a.value_width_bytes() >= b.value_width_bytes() ? a : b;
    }
    const DataType& is_signed = a.is_signed_integer() ? a : b;
    const DataType& is_unsigned = a.is_signed_integer() ? b : a;
    if (is_signed.value_width_bytes() > is_unsigned.value_width_bytes()) return is_signed;
    switch (is_unsigned.id()) {
      case TypeId::kUInt8: return DataType(TypeId::kInt16);
      case TypeId::kUInt16: return DataType(TypeId::kInt32);
      case TypeId::kUInt32: return DataType(TypeId::kInt64);
      default: return DataType::decimal(20, 0);  // holds both exactly
    }
  }
  if (a.is_numeric() && b.is_numeric()) {
    if (a.is_float() || b.is_float()) {
      return a.id() == TypeId::kFloat32 && b.id() == TypeId::kFloat32 ? a
                                                                      : DataType(TypeId::kFloat64);
    }
    const auto as_decimal = [](const DataType& t) {
      return t.id() == TypeId::kDecimal128 ? t : DataType::decimal(20, 0);
    };
    const DataType x = as_decimal(a);
    const DataType y = as_decimal(b);
    const int scale = std::max(x.scale(), y.scale());
    const int whole = std::max(x.precision() - x.scale(), y.precision() - y.scale());
    return DataType::decimal(std::min(38, whole + scale), scale);
  }
  if (a.id() == TypeId::kTimestamp && b.id() == TypeId::kTimestamp) {
    const TimeUnit unit = std::max(a.unit(), b.unit());
    return DataType::timestamp(unit, a.time_zone().empty() ? b.time_zone() : a.time_zone());
  }
  if (a.id() == TypeId::kDate32 && b.id() == TypeId::kTimestamp) return b;
  if (a.id() == TypeId::kTimestamp && b.id() == TypeId::kDate32) return a;
  return std::nullopt;
}

void register_arithmetic(FunctionRegistry* registry);
void register_comparison(FunctionRegistry* registry);
void register_math(FunctionRegistry* registry);
void register_text(FunctionRegistry* registry);
void register_time(FunctionRegistry* registry);

const FunctionRegistry& FunctionRegistry::builtin() {
  static const FunctionRegistry* registry = [] {
    auto* made = new FunctionRegistry();
    register_arithmetic(made);
    register_comparison(made);
    register_math(made);
    register_text(made);
    register_time(made);
    return made;
  }();
  return *registry;
}

void FunctionRegistry::add(FunctionDefinition definition) {
  const std::string name = definition.name;
  const bool added = definitions_.emplace(name, std::move(definition)).second;
  VELARIA_CHECK(added);
}

void FunctionRegistry::add_alias(std::string alias, std::string_view name) {
  FunctionDefinition definition = *find(name);
  definition.name = std::move(alias);
  add(std::move(definition));
}

const FunctionDefinition* FunctionRegistry::find(std::string_view name) const {
  const auto found = definitions_.find(to_lower_ascii(name));
  return found == definitions_.end() ? nullptr : &found->second;
}

std::vector<std::string> FunctionRegistry::names() const {
  std::vector<std::string> out;
  for (const auto& [name, definition] : definitions_) out.push_back(name);
  return out;
}

namespace {

// A small integer constant beside a float is that float exactly, so that the comparison needs no
// mixed kernel.
void settle_integer_constant(BoundExpressionPtr* constant, const BoundExpressionPtr& other) {
  constexpr int64_t kExact = int64_t{1} << 53;
  if (!(*constant)->is_constant() || !(*constant)->type.is_signed_integer() ||
      !other->type.is_float() || (*constant)->constant.is_null()) {
    return;
  }
  const int64_t value = (*constant)->constant.as_int64();
  if (value > kExact || value < -kExact) return;
  *constant = bound_constant(Value::float64(static_cast<double>(value)));
}

}  // namespace

BoundExpressionPtr FunctionRegistry::bind(std::string_view name,
                                          std::vector<BoundExpressionPtr> arguments) const {
  const FunctionDefinition* definition = find(name);
  if (definition == nullptr) {
    throw Error(ErrorKind::kSqlSemantic, concat("function '", excerpt(name), "' does not exist",
                                                did_you_mean(name, names())));
  }
  if (arguments.size() < definition->least_arguments ||
      arguments.size() > definition->most_arguments) {
    throw Error(ErrorKind::kSqlSemantic, concat("wrong number of arguments: ", arguments.size(),
                                                " given to ", definition->signature));
  }
  if (definition->group == "comparison" && arguments.size() == 2) {
    settle_integer_constant(&arguments[0], arguments[1]);
    settle_integer_constant(&arguments[1], arguments[0]);
  }
  std::vector<DataType> types;
  for (const auto& argument : arguments) types.push_back(argument->type);
  auto resolved = definition->resolve(types);
  if (!resolved) {
    // A text constant has no type of its own yet: let it take that of a typed partner.
    std::vector<DataType> relaxed = types;
    for (size_t i = 0; i < relaxed.size(); ++i) {
      if (arguments[i]->is_constant() && types[i].id() == TypeId::kUtf8) relaxed[i] = DataType();
    }
    if (relaxed != types) resolved = definition->resolve(relaxed);
  }
  if (!resolved) {
    std::vector<std::string> texts;
    for (const DataType& type : types) texts.push_back(type.to_string());
    throw Error(ErrorKind::kTypeMismatch,
                concat("no ", definition->name, " for ", join_texts(texts, ", "), " in ",
                       definition->signature, "; use CAST(... AS type) on an argument"));
  }
  auto node = std::make_shared<BoundExpression>();
  node->kind = BoundKind::kCall;
  node->name = definition->name;
  node->type = resolved->result_type;
  node->kernel = resolved->kernel;
  node->can_fail = resolved->can_fail;
  node->strict = resolved->strict;
  for (size_t i = 0; i < arguments.size(); ++i) {
    node->children.push_back(bound_cast(std::move(arguments[i]), resolved->argument_types[i]));
    node->can_fail = node->can_fail || node->children.back()->can_fail;
  }
  return node;
}

}  // namespace velaria
