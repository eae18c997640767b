// Functions over text. Lengths and positions are in code points, positions from 1.
#include <algorithm>
#include <limits>

#include "src/base/code_point.h"
#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/builder.h"
#include "src/expr/function_registry.h"
#include "src/expr/row_functions.h"
#include "src/kernel/take.h"
#include "src/kernel/text_functions.h"
#include "src/kernel/unicode_case.h"

namespace velaria {

namespace {

const DataType kText(TypeId::kUtf8);
const DataType kInt64(TypeId::kInt64);

using Flat = FlatColumns;

ColumnPtr lower_kernel(const std::vector<ColumnPtr>& a, int64_t, const DataType&) {
  return map_text(a[0], to_lower_text);
}
ColumnPtr upper_kernel(const std::vector<ColumnPtr>& a, int64_t, const DataType&) {
  return map_text(a[0], to_upper_text);
}

ColumnPtr length_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& type) {
  return build_fixed<int64_t>(
      a, rows, type, [](const Flat& c, int64_t i) { return count_code_points(text_at(*c[0], i)); });
}

ColumnPtr join_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType&) {
  return build_text(a, rows, [](const Flat& c, int64_t i) {
    std::string out;
    for (const ColumnPtr& column : c) out += text_at(*column, i);
    return out;
  });
}

// concat() skips NULLs, unlike ||.
ColumnPtr concat_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType&) {
  StringBuilder builder;
  Flat flat;
  for (const ColumnPtr& argument : a) flat.push_back(flatten(argument));
  for (int64_t i = 0; i < rows; ++i) {
    std::string out;
    for (const ColumnPtr& column : flat) {
      if (!column->is_null(i)) out += text_at(*column, i);
    }
    builder.append(out);
  }
  return builder.finish();
}

ColumnPtr substr_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType&) {
  return build_text(a, rows, [](const Flat& c, int64_t i) {
    // As in Postgres: positions before the text count, so substr('abc', 0, 2) is 'a'.
    const int64_t start = c[1]->values<int64_t>()[i];
    int64_t end = std::numeric_limits<int64_t>::max();
    if (c.size() == 3) {
      const int64_t length = c[2]->values<int64_t>()[i];
      if (length < 0) {
        throw Error(ErrorKind::kInvalidArgument,
                    concat("substr: the length is ", length, "; it must not be negative"));
      }
      if (__builtin_add_overflow(start, length, &end)) end = std::numeric_limits<int64_t>::max();
    }
    const int64_t first = std::max<int64_t>(start, 1);
    return end <= first ? std::string_view()
                        : code_point_slice(text_at(*c[0], i), first - 1, end - first);
  });
}

ColumnPtr replace_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType&) {
  return build_text(a, rows, [](const Flat& c, int64_t i) {
    const std::string_view text = text_at(*c[0], i);
    const std::string_view from = text_at(*c[1], i);
    const std::string_view to = text_at(*c[2], i);
    if (from.empty()) return std::string(text);
    std::string out;
    size_t position = 0;
    for (size_t hit = text.find(from); hit != std::string_view::npos;
         hit = text.find(from, position)) {
      out += text.substr(position, hit - position);
      out += to;
      position = hit + from.size();
    }
    out += text.substr(position);
    return out;
  });
}

enum class TrimSide { kBoth, kLeft, kRight };

template <TrimSide kSide>
ColumnPtr trim_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType&) {
  return build_text(a, rows, [](const Flat& c, int64_t i) {
    std::string_view text = text_at(*c[0], i);
    const std::string_view characters = c.size() == 2 ? text_at(*c[1], i) : std::string_view(" ");
    const auto last_start = [](std::string_view t) {
      size_t at = t.size() - 1;
      while (at > 0 && continues_code_point(t[at])) --at;
      return at;
    };
    const auto listed = [&](std::string_view one) {
      for (size_t at = 0; at < characters.size();) {
        const std::string_view known = code_point_slice(characters.substr(at), 0, 1);
        if (known == one) return true;
        at += known.size();
      }
      return false;
    };
    while (kSide != TrimSide::kRight && !text.empty() && listed(code_point_slice(text, 0, 1))) {
      text.remove_prefix(code_point_slice(text, 0, 1).size());
    }
    while (kSide != TrimSide::kLeft && !text.empty() && listed(text.substr(last_start(text)))) {
      text.remove_suffix(text.size() - last_start(text));
    }
    return text;
  });
}

ColumnPtr contains_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& type) {
  return build_fixed<uint8_t>(a, rows, type, [](const Flat& c, int64_t i) {
    return static_cast<uint8_t>(text_at(*c[0], i).find(text_at(*c[1], i)) !=
                                std::string_view::npos);
  });
}

ColumnPtr starts_with_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& type) {
  return build_fixed<uint8_t>(a, rows, type, [](const Flat& c, int64_t i) {
    const std::string_view prefix = text_at(*c[1], i);
    return static_cast<uint8_t>(text_at(*c[0], i).substr(0, prefix.size()) == prefix);
  });
}

ColumnPtr position_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& type) {
  return build_fixed<int64_t>(a, rows, type, [](const Flat& c, int64_t i) -> int64_t {
    const std::string_view text = text_at(*c[0], i);
    const size_t hit = text.find(text_at(*c[1], i));
    return hit == std::string_view::npos ? 0 : count_code_points(text.substr(0, hit)) + 1;
  });
}

char escape_of(std::string_view text) {
  if (text.size() > 1) {
    throw Error(ErrorKind::kSqlSemantic,
                concat("LIKE: the escape ", quote_sql_string(excerpt(text)),
                       " must be one ASCII character, or '' for none"));
  }
  return text.empty() ? '\0' : text[0];
}

template <bool kIgnoreCase>
ColumnPtr like_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& type) {
  if (a[1]->is_constant() && (a.size() < 3 || a[2]->is_constant())) {
    // One pattern for all rows; the evaluator gives no NULL constants to strict functions.
    const ColumnPtr text = flatten(a[0]);
    // A pattern that cannot be is an error only for a text to match.
    if (text->validity().count_nulls(rows) == rows) return Column::nulls(type, rows);
    const char escape = a.size() == 3 ? escape_of(text_at(*a[2], 0)) : '\\';
    const LikePattern pattern(text_at(*a[1], 0), escape, kIgnoreCase);
    auto out = Buffer::allocate(static_cast<size_t>(rows));
    for (int64_t i = 0; i < rows; ++i) {
      out->mutable_data()[i] =
          text->validity().valid(i) && pattern.matches(text->values<StringView>()[i]);
    }
    return Column::flat(type, rows, std::move(out), 0, text->validity());
  }
  return build_fixed<uint8_t>(a, rows, type, [](const Flat& c, int64_t i) {
    const char escape = c.size() == 3 ? escape_of(text_at(*c[2], i)) : '\\';
    return static_cast<uint8_t>(
        LikePattern(text_at(*c[1], i), escape, kIgnoreCase).matches(text_at(*c[0], i)));
  });
}

// All arguments text; `numbers` of them at the end are int64.
template <ScalarKernel kKernel, size_t kNumbers>
std::optional<ResolvedFunction> resolve_text(const std::vector<DataType>& types) {
  ResolvedFunction out;
  for (size_t i = 0; i < types.size(); ++i) {
    const bool number = i >= 1 && kNumbers > 0;
    if (number ? !(types[i].is_integer() || types[i].is_null()) : !text_like(types[i])) {
      return std::nullopt;
    }
    out.argument_types.push_back(number ? kInt64 : kText);
  }
  out.result_type = kText;
  out.kernel = kKernel;
  return out;
}

template <ScalarKernel kKernel, TypeId kResult>
std::optional<ResolvedFunction> resolve_text_to(const std::vector<DataType>& types) {
  auto out = resolve_text<kKernel, 0>(types);
  if (out) out->result_type = DataType(kResult);
  return out;
}

template <ScalarKernel kKernel>
std::optional<ResolvedFunction> resolve_like(const std::vector<DataType>& types) {
  auto out = resolve_text_to<kKernel, TypeId::kBool>(types);
  if (out) out->can_fail = true;
  return out;
}

// A pattern that is known and right fails for no text. One that is wrong fails where there is a
// text.
void refine_like(const std::vector<BoundExpressionPtr>& arguments, ResolvedFunction* out) {
  std::vector<std::string> known;
  for (size_t i = 1; i < arguments.size(); ++i) {
    const BoundExpression& argument = *arguments[i];
    if (!argument.is_constant() || argument.type.id() != TypeId::kUtf8) return;
    if (argument.constant.is_null()) return;
    known.push_back(argument.constant.as_text());
  }
  try {
    const LikePattern pattern(known[0], known.size() == 2 ? escape_of(known[1]) : '\\', false);
    out->can_fail = false;
  } catch (const Error&) {
  }
}

// Only a length may be wrong.
void refine_substr(const std::vector<BoundExpressionPtr>& arguments, ResolvedFunction* out) {
  const auto is_right = [](const BoundExpression& length) {
    return length.is_constant() && length.type.is_signed_integer() &&
           (length.constant.is_null() || length.constant.as_int64() >= 0);
  };
  out->can_fail = arguments.size() == 3 && !is_right(*arguments[2]);
}

// || and concat take anything beside text and show it as text.
template <ScalarKernel kKernel, bool kStrict>
std::optional<ResolvedFunction> resolve_joining(const std::vector<DataType>& types) {
  if (kStrict && std::none_of(types.begin(), types.end(), text_like)) return std::nullopt;
  ResolvedFunction out;
  out.argument_types.assign(types.size(), kText);
  out.result_type = kText;
  out.kernel = kKernel;
  out.strict = kStrict;
  return out;
}

}  // namespace

void register_text(FunctionRegistry* registry) {
  const char* group = "text";
  registry->add({"lower", group, "lower(text)", "In lower case, by Unicode's simple mappings", 1, 1,
                 resolve_text<lower_kernel, 0>});
  registry->add({"upper", group, "upper(text)", "In upper case, by Unicode's simple mappings", 1, 1,
                 resolve_text<upper_kernel, 0>});
  registry->add({"length", group, "length(text)", "Number of code points", 1, 1,
                 resolve_text_to<length_kernel, TypeId::kInt64>});
  registry->add_alias("char_length", "length");
  registry->add_alias("character_length", "length");
  registry->add({"||", group, "a || b", "Both texts; NULL when one is NULL", 2, 2,
                 resolve_joining<join_kernel, true>});
  registry->add({"concat", group, "concat(a, ...)", "All arguments as one text; NULLs are skipped",
                 1, 1000, resolve_joining<concat_kernel, false>});
  registry->add({"substr", group, "substr(text, start [, length])", "Part of a text, from 1", 2, 3,
                 resolve_text<substr_kernel, 1>, refine_substr});
  registry->add_alias("substring", "substr");
  registry->add({"replace", group, "replace(text, from, to)", "Every `from` replaced by `to`", 3, 3,
                 resolve_text<replace_kernel, 0>});
  registry->add({"trim", group, "trim(text [, characters])", "Without spaces at both ends", 1, 2,
                 resolve_text<trim_kernel<TrimSide::kBoth>, 0>});
  registry->add_alias("btrim", "trim");
  registry->add({"ltrim", group, "ltrim(text [, characters])", "Without spaces at the start", 1, 2,
                 resolve_text<trim_kernel<TrimSide::kLeft>, 0>});
  registry->add({"rtrim", group, "rtrim(text [, characters])", "Without spaces at the end", 1, 2,
                 resolve_text<trim_kernel<TrimSide::kRight>, 0>});
  registry->add({"contains", group, "contains(text, part)", "Whether part occurs in text", 2, 2,
                 resolve_text_to<contains_kernel, TypeId::kBool>});
  registry->add({"starts_with", group, "starts_with(text, prefix)", "Whether text begins so", 2, 2,
                 resolve_text_to<starts_with_kernel, TypeId::kBool>});
  registry->add({"strpos", group, "strpos(text, part)", "Where part begins, from 1; 0 when nowhere",
                 2, 2, resolve_text_to<position_kernel, TypeId::kInt64>});
  registry->add_alias("instr", "strpos");
  registry->add({"like", group, "text LIKE pattern [ESCAPE e]", "% is any text, _ one code point",
                 2, 3, resolve_like<like_kernel<false>>, refine_like});
  registry->add({"ilike", group, "text ILIKE pattern [ESCAPE e]", "LIKE without case", 2, 3,
                 resolve_like<like_kernel<true>>, refine_like});
}

}  // namespace velaria
