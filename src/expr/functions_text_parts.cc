// More functions over text: its ends, padding, pieces, single code points.
#include <algorithm>

#include "src/base/code_point.h"
#include "src/base/error.h"
#include "src/base/text.h"
#include "src/expr/function_registry.h"
#include "src/expr/row_functions.h"
#include "src/kernel/text_functions.h"
#include "src/kernel/unicode_case.h"

namespace velaria {

namespace {

const DataType kText(TypeId::kUtf8);
const DataType kInt64(TypeId::kInt64);
const DataType kBoolean(TypeId::kBool);
const DataType kBinary(TypeId::kBinary);

// Nobody wants a longer text; a wrong number is likelier.
constexpr int64_t kMostTextBytes = int64_t{256} << 20;

void check_text_bytes(std::string_view function, int64_t count, size_t bytes_each) {
  if (bytes_each != 0 && count > kMostTextBytes / static_cast<int64_t>(bytes_each)) {
    throw Error(ErrorKind::kResource, concat(function, ": a text of ", count, " times ", bytes_each,
                                             " bytes is too long; at most ",
                                             format_bytes(static_cast<uint64_t>(kMostTextBytes))));
  }
}

ColumnPtr title_kernel(const std::vector<ColumnPtr>& a, int64_t, const DataType&) {
  return map_text(a[0], to_title_text);
}

// Of a negative n: all but the last, or first, -n code points.
template <bool kRight>
ColumnPtr end_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType&) {
  return build_text(a, rows, [](const FlatColumns& c, int64_t i) {
    const std::string_view text = text_at(*c[0], i);
    const int64_t wanted = int64_at(*c[1], i);
    if (!kRight && wanted >= 0) return code_point_slice(text, 0, wanted);
    const int64_t length = count_code_points(text);
    // -wanted may overflow, length + wanted not.
    const int64_t count =
        wanted < 0 ? std::max<int64_t>(0, length + wanted) : std::min(wanted, length);
    return kRight ? code_point_slice(text, length - count, count)
                  : code_point_slice(text, 0, count);
  });
}

// As in Postgres: cut to the length when longer, nothing for a negative one.
template <bool kRight>
ColumnPtr pad_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType&) {
  return build_text(a, rows, [](const FlatColumns& c, int64_t i) {
    const std::string_view text = text_at(*c[0], i);
    const int64_t wanted = std::max<int64_t>(0, int64_at(*c[1], i));
    const std::string_view fill = c.size() == 3 ? text_at(*c[2], i) : std::string_view(" ");
    const int64_t length = count_code_points(text);
    if (wanted <= length || fill.empty()) return std::string(code_point_slice(text, 0, wanted));
    check_text_bytes(kRight ? "rpad" : "lpad", wanted, 4);
    const int64_t fill_length = count_code_points(fill);
    const int64_t missing = wanted - length;
    std::string padding;
    for (int64_t n = 0; n < missing / fill_length; ++n) padding += fill;
    padding += code_point_slice(fill, 0, missing % fill_length);
    return kRight ? std::string(text) + padding : padding + std::string(text);
  });
}

ColumnPtr reverse_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType&) {
  return build_text(a, rows, [](const FlatColumns& c, int64_t i) {
    const std::string_view text = text_at(*c[0], i);
    std::string out;
    out.reserve(text.size());
    for (size_t end = text.size(); end > 0;) {
      size_t begin = end - 1;
      while (begin > 0 && continues_code_point(text[begin])) --begin;
      out += text.substr(begin, end - begin);
      end = begin;
    }
    return out;
  });
}

ColumnPtr repeat_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType&) {
  return build_text(a, rows, [](const FlatColumns& c, int64_t i) {
    const std::string_view text = text_at(*c[0], i);
    const int64_t count = text.empty() ? 0 : std::max<int64_t>(0, int64_at(*c[1], i));
    check_text_bytes("repeat", count, text.size());
    std::string out;
    out.reserve(text.size() * static_cast<size_t>(count));
    for (int64_t n = 0; n < count; ++n) out += text;
    return out;
  });
}

// The n-th piece from 1, from the end when negative; empty beyond the pieces.
ColumnPtr split_part_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType&) {
  return build_text(a, rows, [](const FlatColumns& c, int64_t i) {
    const std::string_view text = text_at(*c[0], i);
    const std::string_view separator = text_at(*c[1], i);
    int64_t wanted = int64_at(*c[2], i);
    if (wanted == 0) {
      throw Error(ErrorKind::kInvalidArgument, "split_part: pieces are counted from 1, not from 0");
    }
    std::vector<std::string_view> pieces;
    size_t position = 0;
    while (!separator.empty()) {
      const size_t hit = text.find(separator, position);
      if (hit == std::string_view::npos) break;
      pieces.push_back(text.substr(position, hit - position));
      position = hit + separator.size();
    }
    pieces.push_back(text.substr(position));
    const auto count = static_cast<int64_t>(pieces.size());
    if (wanted < 0) wanted = count + wanted + 1;
    return wanted < 1 || wanted > count ? std::string_view()
                                        : pieces[static_cast<size_t>(wanted - 1)];
  });
}

ColumnPtr ends_with_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& type) {
  return build_fixed<uint8_t>(a, rows, type, [](const FlatColumns& c, int64_t i) {
    const std::string_view text = text_at(*c[0], i);
    const std::string_view end = text_at(*c[1], i);
    return static_cast<uint8_t>(text.size() >= end.size() &&
                                text.substr(text.size() - end.size()) == end);
  });
}

// NULL only when the separator is; other NULLs are skipped.
ColumnPtr concat_ws_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType&) {
  const FlatColumns flat = flatten_all(a);
  StringBuilder builder;
  for (int64_t i = 0; i < rows; ++i) {
    if (flat[0]->is_null(i)) {
      builder.append_null();
      continue;
    }
    std::string out;
    bool any = false;
    for (size_t p = 1; p < flat.size(); ++p) {
      if (flat[p]->is_null(i)) continue;
      if (any) out += text_at(*flat[0], i);
      out += text_at(*flat[p], i);
      any = true;
    }
    builder.append(out);
  }
  return builder.finish();
}

ColumnPtr chr_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType&) {
  return build_text(a, rows, [](const FlatColumns& c, int64_t i) {
    const int64_t code = int64_at(*c[0], i);
    if (code < 1 || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
      throw Error(ErrorKind::kInvalidArgument,
                  concat("chr: ", code, " is no code point of a character"));
    }
    std::string out;
    append_code_point(&out, static_cast<uint32_t>(code));
    return out;
  });
}

ColumnPtr ascii_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& type) {
  return build_fixed<int64_t>(a, rows, type, [](const FlatColumns& c, int64_t i) -> int64_t {
    const std::string_view text = text_at(*c[0], i);
    size_t bytes = 0;
    return text.empty() ? 0 : decode_code_point(text, 0, &bytes);
  });
}

// Each code point of `from` becomes the one at its place in `to`, or nothing.
ColumnPtr translate_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType&) {
  return build_text(a, rows, [](const FlatColumns& c, int64_t i) {
    const std::string_view text = text_at(*c[0], i);
    const std::string_view from = text_at(*c[1], i);
    const std::string_view to = text_at(*c[2], i);
    std::string out;
    for (size_t at = 0; at < text.size();) {
      const std::string_view one = code_point_slice(text.substr(at), 0, 1);
      at += one.size();
      int64_t place = 0;
      bool found = false;
      for (size_t f = 0; f < from.size() && !found;) {
        const std::string_view known = code_point_slice(from.substr(f), 0, 1);
        found = known == one;
        place += found ? 0 : 1;
        f += known.size();
      }
      out += found ? code_point_slice(to, place, 1) : one;
    }
    return out;
  });
}

// Negative numbers as the 16 digits of their two's complement, as in Postgres.
ColumnPtr to_hex_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType&) {
  return build_text(a, rows, [](const FlatColumns& c, int64_t i) {
    constexpr char kDigits[] = "0123456789abcdef";
    auto rest = static_cast<uint64_t>(int64_at(*c[0], i));
    std::string out;
    do {
      out += kDigits[rest & 15];
      rest >>= 4;
    } while (rest != 0);
    std::reverse(out.begin(), out.end());
    return out;
  });
}

template <int64_t kBits>
ColumnPtr octet_length_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& type) {
  return build_fixed<int64_t>(a, rows, type, [](const FlatColumns& c, int64_t i) {
    return static_cast<int64_t>(text_at(*c[0], i).size()) * kBits;
  });
}

ColumnPtr edit_distance_kernel(const std::vector<ColumnPtr>& a, int64_t rows,
                               const DataType& type) {
  return build_fixed<int64_t>(a, rows, type, [](const FlatColumns& c, int64_t i) {
    constexpr size_t kMostBytes = 10000;  // the time grows with the product of the lengths
    if (text_at(*c[0], i).size() > kMostBytes || text_at(*c[1], i).size() > kMostBytes) {
      throw Error(ErrorKind::kResource,
                  concat("levenshtein: a text has more than ", kMostBytes, " bytes"));
    }
    return edit_distance(text_at(*c[0], i), text_at(*c[1], i));
  });
}

// `shape`: 't' text, 'n' a whole number, one letter an argument.
std::optional<ResolvedFunction> resolve_shape(const std::vector<DataType>& types,
                                              std::string_view shape, const DataType& result,
                                              ScalarKernel kernel) {
  ResolvedFunction out;
  for (size_t i = 0; i < types.size(); ++i) {
    const bool number = shape[i] == 'n';
    const bool fits =
        types[i].is_null() || (number ? types[i].is_integer() : types[i].id() == TypeId::kUtf8);
    if (!fits) return std::nullopt;
    out.argument_types.push_back(number ? kInt64 : kText);
  }
  out.result_type = result;
  out.kernel = kernel;
  out.can_fail = true;
  return out;
}

std::optional<ResolvedFunction> resolve_concat_ws(const std::vector<DataType>& types) {
  ResolvedFunction out;
  if (types[0].id() != TypeId::kUtf8 && !types[0].is_null()) return std::nullopt;
  out.argument_types.assign(types.size(), kText);
  out.result_type = kText;
  out.kernel = concat_ws_kernel;
  out.strict = false;
  return out;
}

template <int64_t kBits>
std::optional<ResolvedFunction> resolve_octet_length(const std::vector<DataType>& types) {
  if (!types[0].is_string() && !types[0].is_null()) return std::nullopt;
  return ResolvedFunction{
      {types[0].id() == TypeId::kBinary ? kBinary : kText}, kInt64, octet_length_kernel<kBits>};
}

}  // namespace

void register_text_parts(FunctionRegistry* registry) {
  const auto add = [registry](const char* name, const char* signature, const char* summary,
                              size_t least, const char* shape, const DataType& result,
                              ScalarKernel kernel) {
    registry->add({name, "text", signature, summary, least, std::string_view(shape).size(),
                   [shape, result, kernel](const std::vector<DataType>& types) {
                     return resolve_shape(types, shape, result, kernel);
                   }});
  };
  add("initcap", "initcap(text)", "Every word with its first letter in upper case", 1, "t", kText,
      title_kernel);
  add("left", "left(text, n)", "The first n code points; all but the last -n", 2, "tn", kText,
      end_kernel<false>);
  add("right", "right(text, n)", "The last n code points; all but the first -n", 2, "tn", kText,
      end_kernel<true>);
  add("lpad", "lpad(text, length [, fill])", "Filled at the start, or cut, to the length", 2, "tnt",
      kText, pad_kernel<false>);
  add("rpad", "rpad(text, length [, fill])", "Filled at the end, or cut, to the length", 2, "tnt",
      kText, pad_kernel<true>);
  add("reverse", "reverse(text)", "The code points backwards", 1, "t", kText, reverse_kernel);
  add("repeat", "repeat(text, n)", "The text n times", 2, "tn", kText, repeat_kernel);
  add("split_part", "split_part(text, separator, n)",
      "The n-th piece from 1, from the end when negative", 3, "ttn", kText, split_part_kernel);
  add("ends_with", "ends_with(text, end)", "Whether the text ends so", 2, "tt", kBoolean,
      ends_with_kernel);
  registry->add_alias("suffix", "ends_with");
  add("chr", "chr(code)", "The character of a code point", 1, "n", kText, chr_kernel);
  add("ascii", "ascii(text)", "The first code point's number; 0 of an empty text", 1, "t", kInt64,
      ascii_kernel);
  registry->add_alias("unicode", "ascii");
  add("translate", "translate(text, from, to)", "Code points of `from` replaced by those of `to`",
      3, "ttt", kText, translate_kernel);
  add("to_hex", "to_hex(n)", "Hexadecimal digits of a whole number", 1, "n", kText, to_hex_kernel);
  add("levenshtein", "levenshtein(a, b)", "Code points to insert, remove or replace", 2, "tt",
      kInt64, edit_distance_kernel);
  registry->add({"concat_ws", "text", "concat_ws(separator, a, ...)",
                 "The arguments joined by the separator; NULLs are skipped", 2, 1000,
                 resolve_concat_ws});
  registry->add({"octet_length", "text", "octet_length(text)", "Number of bytes", 1, 1,
                 resolve_octet_length<1>});
  registry->add(
      {"bit_length", "text", "bit_length(text)", "Number of bits", 1, 1, resolve_octet_length<8>});
}

}  // namespace velaria
