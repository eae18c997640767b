// Comparisons, NULL tests, IN, boolean NOT, COALESCE and its relatives.
#include <algorithm>
#include <unordered_set>

#include "src/base/error.h"
#include "src/column/builder.h"
#include "src/expr/function_registry.h"
#include "src/expr/row_functions.h"
#include "src/kernel/cast.h"
#include "src/kernel/compare.h"
#include "src/kernel/decimal_arithmetic.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

const DataType kBoolean(TypeId::kBool);

template <CompareOp kOp>
ColumnPtr compare_kernel(const std::vector<ColumnPtr>& a, int64_t, const DataType&) {
  return compare(kOp, a[0], a[1]);
}

// Values of one type, or int64, uint64 and float64 beside each other: exactly, because rounding an
// integer could make unequal values equal.
ColumnPtr compare_exactly(CompareOp op, const ColumnPtr& a, const ColumnPtr& b) {
  if (a->type() == b->type()) return compare(op, a, b);
  if (a->type().id() == TypeId::kDecimal128) return compare_decimals(op, a, b);
  if (b->type().is_float()) return compare_mixed(op, a, b);
  if (a->type().is_float()) return compare_mixed(swap_operands(op), b, a);
  const DataType both = DataType::decimal(20, 0);
  return compare(op, cast(a, both), cast(b, both));
}

template <CompareOp kOp>
ColumnPtr compare_numbers(const std::vector<ColumnPtr>& a, int64_t, const DataType&) {
  return compare_exactly(kOp, a[0], a[1]);
}

// What compare_exactly() takes for integers and floats that meet; nothing for other types.
std::optional<std::vector<DataType>> exact_number_types(const std::vector<DataType>& types) {
  std::vector<DataType> out;
  // A constant of text has no type yet: beside a float it is one, never an integer.
  const bool any_float =
      std::any_of(types.begin(), types.end(), [](const DataType& type) { return type.is_float(); });
  for (const DataType& type : types) {
    if (type.is_float() || (type.is_null() && any_float)) {
      out.emplace_back(TypeId::kFloat64);
    } else if (type.is_integer() || type.is_null()) {
      out.emplace_back(type.id() == TypeId::kUInt64 ? TypeId::kUInt64 : TypeId::kInt64);
    } else {
      return std::nullopt;
    }
  }
  return out;
}

// Decimals and integers beside a decimal: compared at their own scales.
std::optional<std::vector<DataType>> exact_decimal_types(const std::vector<DataType>& types) {
  std::vector<DataType> out;
  bool any = false;
  for (const DataType& type : types) {
    if (!type.is_integer() && type.id() != TypeId::kDecimal128) return std::nullopt;
    any = any || type.id() == TypeId::kDecimal128;
    out.push_back(decimal_of(type));
  }
  return any ? std::optional(out) : std::nullopt;
}

template <CompareOp kOp>
std::optional<ResolvedFunction> resolve_compare(const std::vector<DataType>& types) {
  const DataType& a = types[0];
  const DataType& b = types[1];
  if (a.is_null() && b.is_null()) {
    const DataType text(TypeId::kUtf8);
    return ResolvedFunction{{text, text}, kBoolean, compare_kernel<kOp>};
  }
  const auto numbers = exact_number_types(types);
  if (numbers && numbers->at(0) != numbers->at(1)) {
    return ResolvedFunction{*numbers, kBoolean, compare_numbers<kOp>};
  }
  if (const auto decimals = exact_decimal_types(types); decimals && a != b) {
    return ResolvedFunction{*decimals, kBoolean, compare_numbers<kOp>};
  }
  const auto common = common_type(a, b);
  if (!common || common->is_vector()) return std::nullopt;
  return ResolvedFunction{{*common, *common}, kBoolean, compare_kernel<kOp>};
}

ColumnPtr not_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& type) {
  const ColumnPtr flat = flatten(a[0]);
  auto out = Buffer::allocate(static_cast<size_t>(rows));
  for (int64_t i = 0; i < rows; ++i) out->mutable_data()[i] = flat->values<uint8_t>()[i] ^ 1;
  return Column::flat(type, rows, std::move(out), 0, flat->validity());
}

std::optional<ResolvedFunction> resolve_not(const std::vector<DataType>& types) {
  if (types[0].id() != TypeId::kBool && !types[0].is_null()) return std::nullopt;
  return ResolvedFunction{{kBoolean}, kBoolean, not_kernel};
}

template <bool kNegated>
ColumnPtr null_test(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& type) {
  const Column& column = *a[0];
  if (column.is_constant() || column.validity().all_valid()) {
    const bool null = rows > 0 && column.is_null(0);
    return Column::constant(Value::boolean(null != kNegated), rows);
  }
  auto out = Buffer::allocate(static_cast<size_t>(rows));
  for (int64_t i = 0; i < rows; ++i) {
    out->mutable_data()[i] = !column.validity().valid(i) != kNegated;
  }
  return Column::flat(type, rows, std::move(out), 0, Validity());
}

template <bool kNegated>
std::optional<ResolvedFunction> resolve_null_test(const std::vector<DataType>& types) {
  return ResolvedFunction{{types[0]}, kBoolean, null_test<kNegated>, false, false};
}

// IS [NOT] TRUE / FALSE: never NULL.
template <bool kWanted, bool kNegated>
ColumnPtr truth_test(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& type) {
  const ColumnPtr flat = flatten(a[0]);
  auto out = Buffer::allocate(static_cast<size_t>(rows));
  for (int64_t i = 0; i < rows; ++i) {
    const bool holds = !flat->is_null(i) && (flat->values<uint8_t>()[i] != 0) == kWanted;
    out->mutable_data()[i] = holds != kNegated;
  }
  return Column::flat(type, rows, std::move(out), 0, Validity());
}

template <bool kWanted, bool kNegated>
std::optional<ResolvedFunction> resolve_truth_test(const std::vector<DataType>& types) {
  if (types[0].id() != TypeId::kBool && !types[0].is_null()) return std::nullopt;
  return ResolvedFunction{{kBoolean}, kBoolean, truth_test<kWanted, kNegated>, false, false};
}

template <bool kNegated>
ColumnPtr distinct_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& type) {
  if (a[0]->type() == a[1]->type()) return is_distinct(a[0], a[1], kNegated);
  const ColumnPtr equal = flatten(compare_exactly(CompareOp::kEqual, a[0], a[1]));
  auto out = Buffer::allocate(static_cast<size_t>(rows));
  for (int64_t i = 0; i < rows; ++i) {
    const bool x_null = a[0]->is_null(i);
    const bool y_null = a[1]->is_null(i);
    const bool distinct = x_null || y_null ? x_null != y_null : equal->values<uint8_t>()[i] == 0;
    out->mutable_data()[i] = distinct != kNegated;
  }
  return Column::flat(type, rows, std::move(out), 0, Validity());
}

std::optional<std::vector<DataType>> all_common(const std::vector<DataType>& types) {
  DataType common;
  for (const DataType& type : types) {
    const auto next = common_type(common, type);
    if (!next) return std::nullopt;
    common = *next;
  }
  if (common.is_null()) common = DataType(TypeId::kUtf8);
  return std::vector<DataType>(types.size(), common);
}

// The types for comparing each with the first one.
std::optional<std::vector<DataType>> all_comparable(const std::vector<DataType>& types) {
  // Constants of text beside a float32 are of its type, as they are beside `=`.
  const bool only_float32 = std::all_of(types.begin(), types.end(), [](const DataType& type) {
    return type.is_null() || type.id() == TypeId::kFloat32;
  });
  if (only_float32) return all_common(types);
  if (const auto numbers = exact_number_types(types)) return numbers;
  if (const auto decimals = exact_decimal_types(types)) return decimals;
  return all_common(types);
}

template <bool kNegated>
std::optional<ResolvedFunction> resolve_distinct(const std::vector<DataType>& types) {
  const auto common = all_comparable(types);
  if (!common) return std::nullopt;
  return ResolvedFunction{*common, kBoolean, distinct_kernel<kNegated>, false, false};
}

// The values of constants for looking up: StringViews by their bytes, numbers by themselves.
template <typename T>
struct ValueHash {
  size_t operator()(const T& value) const {
    if constexpr (std::is_same_v<T, StringView>) {
      return std::hash<std::string_view>()(value.text());
    } else {
      return std::hash<T>()(value);
    }
  }
};

// IN over a long list of constants of the value's own type. Floats and decimals compare in ways of
// their own and stay with the loop.
template <typename T>
ColumnPtr in_set(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& type) {
  std::unordered_set<T, ValueHash<T>> wanted;
  bool any_unknown = false;
  for (size_t item = 1; item < a.size(); ++item) {
    if (a[item]->is_null(0)) {
      any_unknown = true;
    } else {
      wanted.insert(a[item]->values<T>()[0]);
    }
  }
  return build_fixed<uint8_t>({a[0]}, rows, type,
                              [&](const FlatColumns& c, int64_t i) -> std::optional<uint8_t> {
                                if (wanted.count(c[0]->values<T>()[i]) > 0) return uint8_t{1};
                                if (any_unknown) return std::nullopt;
                                return uint8_t{0};
                              });
}

constexpr size_t kLeastSetItems = 6;

ColumnPtr in_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& type) {
  const bool constants = std::all_of(a.begin() + 1, a.end(), [&](const ColumnPtr& item) {
    return item->is_constant() && item->type() == a[0]->type();
  });
  if (constants && a.size() > kLeastSetItems && !a[0]->type().is_null()) {
    switch (a[0]->type().id()) {
      case TypeId::kInt64:
      case TypeId::kTimestamp:
      case TypeId::kTime64: return in_set<int64_t>(a, rows, type);
      case TypeId::kUInt64: return in_set<uint64_t>(a, rows, type);
      case TypeId::kDate32: return in_set<int32_t>(a, rows, type);
      case TypeId::kUtf8:
      case TypeId::kBinary: return in_set<StringView>(a, rows, type);
      default: break;
    }
  }
  std::vector<uint8_t> found(static_cast<size_t>(rows), 0);
  std::vector<uint8_t> unknown(static_cast<size_t>(rows), 0);
  for (size_t item = 1; item < a.size(); ++item) {
    const ColumnPtr equal = flatten(compare_exactly(CompareOp::kEqual, a[0], a[item]));
    const uint8_t* values = equal->values<uint8_t>();
    for (int64_t i = 0; i < rows; ++i) {
      const auto at = static_cast<size_t>(i);
      if (!equal->validity().valid(i)) {
        unknown[at] = 1;
      } else {
        found[at] = static_cast<uint8_t>(found[at] | values[i]);
      }
    }
  }
  FixedBuilder<uint8_t> builder(type);
  for (size_t at = 0; at < found.size(); ++at) {
    if (found[at]) {
      builder.append(1);
    } else if (unknown[at]) {
      builder.append_null();
    } else {
      builder.append(0);
    }
  }
  return builder.finish();
}

std::optional<ResolvedFunction> resolve_in(const std::vector<DataType>& types) {
  const auto common = all_comparable(types);
  if (!common || common->front().is_vector()) return std::nullopt;
  return ResolvedFunction{*common, kBoolean, in_kernel, false, false};
}

ColumnPtr coalesce_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& type) {
  std::vector<uint32_t> which(static_cast<size_t>(rows));
  std::vector<std::vector<uint32_t>> chosen(a.size());
  for (int64_t i = 0; i < rows; ++i) {
    size_t part = 0;
    while (part + 1 < a.size() && a[part]->is_null(i)) ++part;
    which[static_cast<size_t>(i)] = static_cast<uint32_t>(part);
    chosen[part].push_back(static_cast<uint32_t>(i));
  }
  std::vector<ColumnPtr> parts;
  for (size_t p = 0; p < a.size(); ++p) {
    parts.push_back(take(a[p], chosen[p].data(), static_cast<int64_t>(chosen[p].size())));
  }
  return interleave(type, parts, which);
}

std::optional<ResolvedFunction> resolve_coalesce(const std::vector<DataType>& types) {
  const auto common = all_common(types);
  if (!common) return std::nullopt;
  return ResolvedFunction{*common, common->front(), coalesce_kernel, false, false};
}

ColumnPtr nullif_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType&) {
  const ColumnPtr flat = flatten(a[0]);
  const ColumnPtr other = flatten(a[1]);
  ValidityBuilder present;
  if (flat->type() != other->type()) {
    const ColumnPtr equal = flatten(compare_exactly(CompareOp::kEqual, flat, other));
    for (int64_t i = 0; i < rows; ++i) {
      present.append(!flat->is_null(i) && (equal->is_null(i) || equal->values<uint8_t>()[i] == 0));
    }
    return flat->with_validity(present.finish());
  }
  for (int64_t i = 0; i < rows; ++i) {
    const bool equal =
        !flat->is_null(i) && !other->is_null(i) && compare_rows(*flat, i, *other, i) == 0;
    present.append(!flat->is_null(i) && !equal);
  }
  return flat->with_validity(present.finish());
}

std::optional<ResolvedFunction> resolve_nullif(const std::vector<DataType>& types) {
  if (const auto numbers = exact_number_types(types); numbers && (*numbers)[0] != (*numbers)[1]) {
    return ResolvedFunction{*numbers, numbers->front(), nullif_kernel, false, false};
  }
  const auto common = all_common(types);
  if (!common) return std::nullopt;
  return ResolvedFunction{*common, common->front(), nullif_kernel, false, false};
}

template <bool kGreatest>
ColumnPtr extreme_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& type) {
  std::vector<ColumnPtr> flat;
  for (const ColumnPtr& column : a) flat.push_back(flatten(column));
  std::vector<uint32_t> indices(static_cast<size_t>(rows));
  for (int64_t i = 0; i < rows; ++i) {
    size_t best = flat.size();
    for (size_t p = 0; p < flat.size(); ++p) {
      if (flat[p]->is_null(i)) continue;
      if (best == flat.size()) {
        best = p;
        continue;
      }
      const int order = compare_rows(*flat[p], i, *flat[best], i);
      if (kGreatest ? order > 0 : order < 0) best = p;
    }
    if (best == flat.size()) best = 0;  // all NULL: any of them
    indices[static_cast<size_t>(i)] =
        static_cast<uint32_t>(best * static_cast<size_t>(rows)) + static_cast<uint32_t>(i);
  }
  (void)type;
  return take(concatenate(flat), indices.data(), rows);
}

template <bool kGreatest>
std::optional<ResolvedFunction> resolve_extreme(const std::vector<DataType>& types) {
  const auto common = all_common(types);
  if (!common || common->front().is_vector()) return std::nullopt;
  return ResolvedFunction{*common, common->front(), extreme_kernel<kGreatest>, false, false};
}

ColumnPtr typeof_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType&) {
  return Column::constant(Value::utf8(a[0]->type().to_string()), rows);
}

}  // namespace

void register_comparison(FunctionRegistry* registry) {
  const char* group = "comparison";
  registry->add({"=", group, "a = b", "Equal", 2, 2, resolve_compare<CompareOp::kEqual>});
  registry->add({"<>", group, "a <> b", "Not equal", 2, 2, resolve_compare<CompareOp::kNotEqual>});
  registry->add_alias("!=", "<>");
  registry->add({"<", group, "a < b", "Less", 2, 2, resolve_compare<CompareOp::kLess>});
  registry->add(
      {"<=", group, "a <= b", "Less or equal", 2, 2, resolve_compare<CompareOp::kLessEqual>});
  registry->add({">", group, "a > b", "Greater", 2, 2, resolve_compare<CompareOp::kGreater>});
  registry->add(
      {">=", group, "a >= b", "Greater or equal", 2, 2, resolve_compare<CompareOp::kGreaterEqual>});
  registry->add({"not", group, "NOT a", "Negation; NULL stays NULL", 1, 1, resolve_not});
  registry->add(
      {"is_null", group, "a IS NULL", "Whether a is NULL", 1, 1, resolve_null_test<false>});
  registry->add({"is_not_null", group, "a IS NOT NULL", "Whether a is not NULL", 1, 1,
                 resolve_null_test<true>});
  registry->add(
      {"is_true", group, "a IS TRUE", "Never NULL", 1, 1, resolve_truth_test<true, false>});
  registry->add(
      {"is_not_true", group, "a IS NOT TRUE", "Never NULL", 1, 1, resolve_truth_test<true, true>});
  registry->add(
      {"is_false", group, "a IS FALSE", "Never NULL", 1, 1, resolve_truth_test<false, false>});
  registry->add({"is_not_false", group, "a IS NOT FALSE", "Never NULL", 1, 1,
                 resolve_truth_test<false, true>});
  registry->add({"is_distinct_from", group, "a IS DISTINCT FROM b",
                 "Unequal, where NULL equals NULL; never NULL", 2, 2, resolve_distinct<false>});
  registry->add({"is_not_distinct_from", group, "a IS NOT DISTINCT FROM b",
                 "Equal, where NULL equals NULL; never NULL", 2, 2, resolve_distinct<true>});
  registry->add(
      {"in", group, "a IN (b, ...)", "Whether a equals one of the list", 2, 1000001, resolve_in});
  registry->add({"coalesce", group, "coalesce(a, ...)", "The first argument that is not NULL", 1,
                 1000, resolve_coalesce, nullptr, true});
  registry->add_alias("ifnull", "coalesce");
  registry->add_alias("nvl", "coalesce");
  registry->add({"typeof", group, "typeof(a)", "The name of a's type, also for NULL", 1, 1,
                 [](const std::vector<DataType>& types) {
                   return std::optional(ResolvedFunction{
                       {types[0]}, DataType(TypeId::kUtf8), typeof_kernel, false, false});
                 }});
  registry->add(
      {"nullif", group, "nullif(a, b)", "NULL when a equals b, else a", 2, 2, resolve_nullif});
  registry->add({"greatest", group, "greatest(a, ...)", "The largest argument; NULLs are skipped",
                 1, 1000, resolve_extreme<true>, nullptr, true});
  registry->add({"least", group, "least(a, ...)", "The smallest argument; NULLs are skipped", 1,
                 1000, resolve_extreme<false>, nullptr, true});
}

}  // namespace velaria
