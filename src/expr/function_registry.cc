#include "src/expr/function_registry.h"

#include <algorithm>
#include <cstdlib>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/decimal.h"
#include "src/expr/evaluator.h"
#include "src/expr/other_dialects.h"

namespace velaria {

DataType decimal_of(const DataType& type) {
  switch (type.id()) {
    case TypeId::kInt8:
    case TypeId::kUInt8: return DataType::decimal(3, 0);
    case TypeId::kInt16:
    case TypeId::kUInt16: return DataType::decimal(5, 0);
    case TypeId::kInt32:
    case TypeId::kUInt32: return DataType::decimal(10, 0);
    case TypeId::kInt64: return DataType::decimal(19, 0);
    case TypeId::kUInt64: return DataType::decimal(20, 0);
    default: return type;
  }
}

bool loses_digits(const DataType& a, const DataType& b) {
  const auto is_wide = [](const DataType& t) {
    return t.is_integer() && t.value_width_bytes() == 8;
  };
  return (is_wide(a) && b.is_float()) || (a.is_float() && is_wide(b));
}

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
    const DataType x = decimal_of(a);
    const DataType y = decimal_of(b);
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
void register_text_parts(FunctionRegistry* registry);
void register_regex(FunctionRegistry* registry);
void register_time(FunctionRegistry* registry);
void register_time_making(FunctionRegistry* registry);
void register_vector(FunctionRegistry* registry);

const FunctionRegistry& FunctionRegistry::builtin() {
  static const FunctionRegistry* registry = [] {
    auto* made = new FunctionRegistry();
    register_arithmetic(made);
    register_comparison(made);
    register_math(made);
    register_text(made);
    register_text_parts(made);
    register_regex(made);
    register_time(made);
    register_time_making(made);
    register_vector(made);
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

// An integer constant that no float64 holds.
bool is_beyond_floats(const BoundExpression& e) {
  if (!e.is_constant() || !e.type.is_integer() || e.constant.is_null()) return false;
  constexpr int64_t kExact = int64_t{1} << 53;
  if (!e.type.is_signed_integer()) return e.constant.as_uint64() > uint64_t{kExact};
  return e.constant.as_int64() > kExact || e.constant.as_int64() < -kExact;
}

// A small integer constant beside a float is that float exactly, so that the comparison needs no
// mixed kernel.
void settle_integer_constant(BoundExpressionPtr* constant, const BoundExpressionPtr& other) {
  if (!(*constant)->is_constant() || !(*constant)->type.is_signed_integer() ||
      !other->type.is_float() || (*constant)->constant.is_null() || is_beyond_floats(**constant)) {
    return;
  }
  const int64_t value = (*constant)->constant.as_int64();
  *constant = bound_constant(Value::float64(static_cast<double>(value)));
}

// The fewest digits that hold a value of this scale.
int digits_of(Int128 value, int scale) {
  int digits = 1;
  while (digits < 38 && (value >= power_of_ten(digits) || value <= -power_of_ten(digits))) {
    ++digits;
  }
  return std::max(digits, scale);
}

std::optional<BoundExpressionPtr> integer_as_decimal(const BoundExpression& constant) {
  if (!constant.is_constant() || !constant.type.is_integer() || constant.constant.is_null()) {
    return std::nullopt;
  }
  const Int128 value = constant.type.is_signed_integer()
                           ? static_cast<Int128>(constant.constant.as_int64())
                           : static_cast<Int128>(constant.constant.as_uint64());
  return bound_constant(Value::decimal(DataType::decimal(digits_of(value, 0), 0), value));
}

bool is_decimal(const BoundExpressionPtr& e) { return e->type.id() == TypeId::kDecimal128; }

// The decimal constants beside a decimal column in the column's own type where they fit it, so that
// comparing needs no common type.
void settle_decimal_constants(std::vector<BoundExpressionPtr>* operands) {
  const auto column = std::find_if(operands->begin(), operands->end(), [](const auto& e) {
    return is_decimal(e) && !e->is_constant();
  });
  if (column == operands->end()) return;
  const DataType type = (*column)->type;
  for (BoundExpressionPtr& operand : *operands) {
    if (!is_decimal(operand) || !operand->is_constant() || operand->constant.is_null() ||
        operand->type.scale() > type.scale()) {
      continue;
    }
    const int more = type.scale() - operand->type.scale();
    Int128 value = 0;
    if (!__builtin_mul_overflow(operand->constant.as_int128(), power_of_ten(more), &value) &&
        digits_of(value, 0) <= type.precision()) {
      operand = bound_constant(Value::decimal(type, value));
    }
  }
}

// A text constant beside a decimal: '0.055' is compared with all of its digits.
void settle_text_constants(std::vector<BoundExpressionPtr>* operands) {
  if (std::none_of(operands->begin(), operands->end(), is_decimal)) return;
  for (BoundExpressionPtr& operand : *operands) {
    if (!operand->is_constant() || operand->type.id() != TypeId::kUtf8 ||
        operand->constant.is_null()) {
      continue;
    }
    const std::string& text = operand->constant.as_text();
    const size_t point = text.find('.');
    const size_t scale = point == std::string::npos ? 0 : text.size() - point - 1;
    if (scale > 38) continue;
    const auto value = parse_decimal(text, static_cast<int>(scale));
    if (!value) continue;
    const int digits = digits_of(*value, static_cast<int>(scale));
    operand =
        bound_constant(Value::decimal(DataType::decimal(digits, static_cast<int>(scale)), *value));
  }
}

// Whether the quotient is not rounded: times the divisor it gives the dividend.
bool is_exact_quotient(const BoundExpression& quotient, const BoundExpression& dividend,
                       const BoundExpression& divisor) {
  for (const BoundExpression* e : {&quotient, &dividend, &divisor}) {
    if (!e->is_constant() || e->constant.is_null()) return false;
  }
  Int128 product = 0;
  if (__builtin_mul_overflow(quotient.constant.as_int128(), divisor.constant.as_int128(),
                             &product)) {
    return false;
  }
  Int128 wanted = dividend.constant.as_int128();
  const int more = quotient.type.scale() + divisor.type.scale() - dividend.type.scale();
  if (std::abs(more) > 38) return false;
  Int128* shorter = more < 0 ? &product : &wanted;
  return !__builtin_mul_overflow(*shorter, power_of_ten(std::abs(more)), shorter) &&
         product == wanted;
}

// What an operator over number literals is when it meets a decimal: the same over their digits.
// Nothing for a quotient that no decimal holds, as the float64 has more of its digits.
BoundExpressionPtr exact_form(const FunctionRegistry& registry, std::string_view name,
                              const std::vector<BoundExpressionPtr>& arguments) {
  std::vector<BoundExpressionPtr> exact;
  bool any = false;
  for (const BoundExpressionPtr& argument : arguments) {
    if (argument->exact) {
      exact.push_back(argument->exact);
      any = true;
    } else if (const auto whole = integer_as_decimal(*argument)) {
      exact.push_back(*whole);
    } else {
      return nullptr;
    }
  }
  if (!any) return nullptr;
  const BoundExpressionPtr out = fold_constants(registry.bind(name, exact));
  if (name == "/" && !is_exact_quotient(*out, *exact[0], *exact[1])) return nullptr;
  return out;
}

}  // namespace

namespace {

bool has_numbers_beyond_floats(const BoundExpression& e) {
  return !e.is_constant() && e.type.is_integer() && e.type.value_width_bytes() == 8;
}

void settle_numbers(std::vector<BoundExpressionPtr>* operands, bool one_comes_out) {
  bool beside_decimal = false;
  for (const BoundExpressionPtr& operand : *operands) {
    if (operand->type.is_float() && !operand->exact) return;
    beside_decimal = beside_decimal || is_decimal(operand) || is_beyond_floats(*operand) ||
                     (one_comes_out && has_numbers_beyond_floats(*operand));
  }
  if (!beside_decimal) return;
  if (std::none_of(operands->begin(), operands->end(),
                   [](const auto& e) { return e->exact || is_decimal(e); })) {
    return;  // integers only
  }
  for (BoundExpressionPtr& operand : *operands) {
    if (operand->exact) operand = operand->exact;
    if (const auto whole = integer_as_decimal(*operand)) operand = *whole;
  }
}

bool is_text_constant(const BoundExpression& e) {
  return e.is_constant() && e.type.id() == TypeId::kUtf8 && !e.constant.is_null();
}

// Text constants beside values of another type are of that type, if all of them can be.
void settle_text_alternatives(std::vector<BoundExpressionPtr>* values) {
  DataType common;
  for (const BoundExpressionPtr& value : *values) {
    if (is_text_constant(*value)) continue;
    const auto both = common_type(common, value->type);
    if (!both) return;
    common = *both;
  }
  if (common.is_null() || common.is_string()) return;
  std::vector<BoundExpressionPtr> settled = *values;
  for (BoundExpressionPtr& value : settled) {
    if (!is_text_constant(*value)) continue;
    try {
      value = fold_constants(bound_cast(value, common));
    } catch (const Error&) {
      return;  // what the types are says more
    }
    if (!value->is_constant()) return;
  }
  *values = std::move(settled);
}

}  // namespace

void settle_number_constants(std::vector<BoundExpressionPtr>* operands) {
  settle_numbers(operands, false);
}

void settle_alternatives(std::vector<BoundExpressionPtr>* values) {
  settle_text_constants(values);
  settle_numbers(values, true);
  settle_text_alternatives(values);
}

namespace {

// Those that look at no more than whether there is a value.
bool takes_nested(std::string_view name) {
  for (const char* one : {"is_null", "is_not_null", "coalesce", "ifnull", "nvl", "typeof"}) {
    if (equals_ignore_case(name, one)) return true;
  }
  return false;
}

}  // namespace

void refuse_unknown_function(std::string_view name, const std::vector<std::string>& known) {
  const std::string_view instead = instead_of_function(name);
  throw Error(ErrorKind::kSqlSemantic,
              concat("function '", excerpt(name), "' does not exist",
                     instead.empty() ? did_you_mean(name, known) : concat("; write ", instead)));
}

BoundExpressionPtr FunctionRegistry::bind(std::string_view name,
                                          std::vector<BoundExpressionPtr> arguments) const {
  const FunctionDefinition* definition = find(name);
  if (definition == nullptr) {
    refuse_unknown_function(name, names());
  }
  if (arguments.size() < definition->least_arguments ||
      arguments.size() > definition->most_arguments) {
    const bool too_many = arguments.size() > definition->most_arguments;
    throw Error(ErrorKind::kSqlSemantic,
                concat("wrong number of arguments: ", arguments.size(), " given to ",
                       definition->signature, ", which takes at ", too_many ? "most " : "least ",
                       too_many ? definition->most_arguments : definition->least_arguments));
  }
  if (!takes_nested(name)) {
    for (const BoundExpressionPtr& argument : arguments) {
      refuse_nested(*argument, definition->signature);
    }
  }
  if (definition->group == "comparison" && arguments.size() == 2) {
    settle_integer_constant(&arguments[0], arguments[1]);
    settle_integer_constant(&arguments[1], arguments[0]);
  }
  const bool is_operator = definition->group == "operator";
  if (is_operator || definition->group == "comparison") {
    settle_text_constants(&arguments);
    if (definition->gives_an_argument) {
      settle_alternatives(&arguments);
    } else {
      settle_number_constants(&arguments);
    }
    if (!is_operator) settle_decimal_constants(&arguments);
  }
  const BoundExpressionPtr exact =
      is_operator ? exact_form(*this, definition->name, arguments) : nullptr;
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
    // The signature of an operator tells nothing that its operands do not.
    std::string place(definition->signature);
    if (place == concat("a ", definition->name, " b")) {
      place = concat(excerpt(arguments[0]->to_string()), " ", definition->name, " ",
                     excerpt(arguments[1]->to_string()));
    }
    throw Error(ErrorKind::kTypeMismatch,
                concat("no ", definition->name, " for ", join_texts(texts, ", "), " in ", place,
                       "; use CAST(... AS type) on an argument"));
  }
  if (definition->refine) definition->refine(arguments, &*resolved);
  auto node = std::make_shared<BoundExpression>();
  node->kind = BoundKind::kCall;
  node->name = definition->name;
  node->type = resolved->result_type;
  node->kernel = resolved->kernel;
  node->fails_itself = resolved->can_fail;
  node->strict = resolved->strict;
  node->exact = exact;
  for (size_t i = 0; i < arguments.size(); ++i) {
    node->children.push_back(bound_cast(std::move(arguments[i]), resolved->argument_types[i]));
  }
  node->update_can_fail();
  return node;
}

}  // namespace velaria
