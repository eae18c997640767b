// Regular expressions: ~ and the regexp_ functions. Constant patterns are compiled when they are
// bound, so that a wrong one fails there; kernels find them again in the cache.
#include "src/base/error.h"
#include "src/base/text.h"
#include "src/expr/function_registry.h"
#include "src/expr/row_functions.h"
#include "src/kernel/regular_expression.h"

namespace velaria {

namespace {

const DataType kText(TypeId::kUtf8);
const DataType kInt64(TypeId::kInt64);

// The expression of one row; looked up again only when pattern or flags change.
class RowPattern {
 public:
  const RegularExpression& at(std::string_view pattern, std::string_view flags) {
    if (!expression_ || pattern != pattern_ || flags != flags_) {
      expression_ = compile_regular_expression(pattern, flags);
      pattern_ = std::string(pattern);
      flags_ = std::string(flags);
    }
    return *expression_;
  }

 private:
  RegularExpressionPtr expression_;
  std::string pattern_;
  std::string flags_;
};

std::string_view flags_at(const FlatColumns& columns, size_t place, int64_t row) {
  return columns.size() > place ? text_at(*columns[place], row) : std::string_view();
}

void refuse_all_flag(std::string_view flags) {
  if (flags.find('g') == std::string_view::npos) return;
  throw Error(ErrorKind::kSqlSemantic, "the flag g is for regexp_replace only");
}

ColumnPtr matches_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& type) {
  RowPattern pattern;
  return build_fixed<uint8_t>(a, rows, type, [&](const FlatColumns& c, int64_t i) {
    const std::string_view flags = flags_at(c, 2, i);
    refuse_all_flag(flags);
    return static_cast<uint8_t>(pattern.at(text_at(*c[1], i), flags).occurs_in(text_at(*c[0], i)));
  });
}

ColumnPtr count_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& type) {
  RowPattern pattern;
  return build_fixed<int64_t>(a, rows, type, [&](const FlatColumns& c, int64_t i) {
    const std::string_view flags = flags_at(c, 2, i);
    refuse_all_flag(flags);
    return pattern.at(text_at(*c[1], i), flags).count_in(text_at(*c[0], i));
  });
}

ColumnPtr replace_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType&) {
  RowPattern pattern;
  return build_text(a, rows, [&](const FlatColumns& c, int64_t i) {
    const std::string_view flags = flags_at(c, 3, i);
    const RegularExpression& expression = pattern.at(text_at(*c[1], i), flags);
    expression.check_replacement(text_at(*c[2], i));
    return expression.replace(text_at(*c[0], i), text_at(*c[2], i),
                              flags.find('g') != std::string_view::npos);
  });
}

int checked_group(const RegularExpression& expression, int64_t group) {
  if (group >= 0 && group <= expression.group_count()) return static_cast<int>(group);
  throw Error(ErrorKind::kSqlSemantic,
              concat("regexp_extract: there is no group ", group, "; the regular expression has ",
                     expression.group_count(), ", and 0 is the whole match"));
}

// NULL without a match.
ColumnPtr extract_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& type) {
  RowPattern pattern;
  const FlatColumns flat = flatten_all(a);
  StringBuilder builder(type);
  for (int64_t i = 0; i < rows; ++i) {
    if (any_null(flat, i)) {
      builder.append_null();
      continue;
    }
    const RegularExpression& expression = pattern.at(text_at(*flat[1], i), flags_at(flat, 3, i));
    const int group = flat.size() > 2 ? checked_group(expression, int64_at(*flat[2], i)) : 0;
    const auto found = expression.extract(text_at(*flat[0], i), group);
    if (found) {
      builder.append(*found);
    } else {
      builder.append_null();
    }
  }
  return builder.finish();
}

template <ScalarKernel kKernel, TypeId kResult>
std::optional<ResolvedFunction> resolve_search(const std::vector<DataType>& types) {
  for (const DataType& type : types) {
    if (!text_like(type)) return std::nullopt;
  }
  return ResolvedFunction{std::vector<DataType>(types.size(), kText), DataType(kResult), kKernel,
                          true};
}

std::optional<ResolvedFunction> resolve_extract(const std::vector<DataType>& types) {
  ResolvedFunction out{{}, kText, extract_kernel, true};
  for (size_t i = 0; i < types.size(); ++i) {
    const bool fits = i == 2 ? types[i].is_integer() || types[i].is_null() : text_like(types[i]);
    if (!fits) return std::nullopt;
    out.argument_types.push_back(i == 2 ? kInt64 : kText);
  }
  return out;
}

const std::string* constant_text(const std::vector<BoundExpressionPtr>& arguments, size_t place) {
  if (place >= arguments.size() || !arguments[place]->is_constant() ||
      arguments[place]->type.id() != TypeId::kUtf8 || arguments[place]->constant.is_null()) {
    return nullptr;
  }
  return &arguments[place]->constant.as_text();
}

template <size_t kFlags>
void refine_search(const std::vector<BoundExpressionPtr>& arguments, ResolvedFunction*) {
  const std::string* pattern = constant_text(arguments, 1);
  const std::string* flags = constant_text(arguments, kFlags);
  if (flags != nullptr && kFlags != 3) refuse_all_flag(*flags);
  if (pattern == nullptr) return;
  const RegularExpressionPtr expression =
      compile_regular_expression(*pattern, flags == nullptr ? std::string_view() : *flags);
  const std::string* with = constant_text(arguments, 2);
  if (kFlags == 3 && with != nullptr) expression->check_replacement(*with);
  if (kFlags == 3 && arguments.size() > 2 && arguments[2]->is_constant() &&
      arguments[2]->type.is_signed_integer() && !arguments[2]->constant.is_null()) {
    checked_group(*expression, arguments[2]->constant.as_int64());
  }
}

}  // namespace

void register_regex(FunctionRegistry* registry) {
  const char* group = "regular expressions";
  registry->add({"regexp_matches", group, "regexp_matches(text, pattern [, flags])",
                 "Whether the pattern occurs in the text; also text ~ pattern, ~*, !~, !~*", 2, 3,
                 resolve_search<matches_kernel, TypeId::kBool>, refine_search<2>});
  registry->add_alias("regexp_like", "regexp_matches");
  registry->add({"regexp_count", group, "regexp_count(text, pattern [, flags])",
                 "Number of matches", 2, 3, resolve_search<count_kernel, TypeId::kInt64>,
                 refine_search<2>});
  registry->add({"regexp_replace", group, "regexp_replace(text, pattern, replacement [, flags])",
                 "The first match replaced, with the flag g every one; \\1 to \\9 are groups", 3, 4,
                 resolve_search<replace_kernel, TypeId::kUtf8>, refine_search<3>});
  registry->add({"regexp_extract", group, "regexp_extract(text, pattern [, group [, flags]])",
                 "The first match or a group of it; NULL without one", 2, 4, resolve_extract,
                 refine_search<3>});
  registry->add_alias("regexp_substr", "regexp_extract");
}

}  // namespace velaria
