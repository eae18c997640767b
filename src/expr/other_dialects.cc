#include "src/expr/other_dialects.h"

#include "src/base/text.h"

namespace velaria {

namespace {

constexpr std::string_view kReadMoment =
    "strptime(text, pattern), or CAST(text AS date) for text such as '2026-01-31'";
constexpr std::string_view kReadMomentExample = "strptime('31.01.2026', '%d.%m.%Y')";
constexpr std::string_view kWriteMoment = "strftime(moment, pattern), as in '%Y-%m-%d'";
constexpr std::string_view kWriteMomentExample = "strftime(DATE '2026-01-31', '%Y-%m-%d')";
constexpr std::string_view kAddToMoment = "moment + INTERVAL '1 day'";
constexpr std::string_view kAddToMomentExample = "DATE '2026-01-31' + INTERVAL '1 day'";
constexpr std::string_view kNow = "now() or today()";
constexpr std::string_view kNowExample = "today() IS NOT NULL";
constexpr std::string_view kNumber = "CAST(text AS float64), or AS decimal(p, s)";
constexpr std::string_view kNumberExample = "CAST('1.5' AS float64)";

}  // namespace

const std::vector<OtherDialectsFunction>& functions_of_other_dialects() {
  static const auto* table = new std::vector<OtherDialectsFunction>{
      {"add_months", "moment + INTERVAL '1 month'", "DATE '2026-01-31' + INTERVAL '1 month'"},
      {"charindex", "strpos(text, part)", "strpos('abc', 'b')"},
      {"curdate", kNow, kNowExample},
      {"date_add", kAddToMoment, kAddToMomentExample},
      {"date_format", kWriteMoment, kWriteMomentExample},
      {"date_parse", kReadMoment, kReadMomentExample},
      {"date_sub", "moment - INTERVAL '1 day'", "DATE '2026-01-31' - INTERVAL '1 day'"},
      {"dateadd", kAddToMoment, kAddToMomentExample},
      {"decode", "CASE x WHEN a THEN b ELSE c END", "CASE 1 WHEN 1 THEN 2 ELSE 3 END"},
      {"format_date", kWriteMoment, kWriteMomentExample},
      {"from_unixtime", "to_timestamp(seconds)", "to_timestamp(0)"},
      {"getdate", kNow, kNowExample},
      {"isnull", "x IS NULL, or coalesce(x, value)", "coalesce(NULL, 1)"},
      {"locate", "strpos(text, part)", "strpos('abc', 'b')"},
      {"parse_date", kReadMoment, kReadMomentExample},
      {"parse_timestamp", kReadMoment, kReadMomentExample},
      {"str_to_date", kReadMoment, kReadMomentExample},
      {"sysdate", kNow, kNowExample},
      {"timestampdiff", "date_diff(part, from, to)",
       "date_diff('day', DATE '2026-01-01', DATE '2026-01-31')"},
      {"to_char", kWriteMoment, kWriteMomentExample},
      {"to_date", kReadMoment, kReadMomentExample},
      {"to_number", kNumber, kNumberExample},
      {"unix_timestamp", "epoch(moment)", "epoch(DATE '2026-01-31')"},
  };
  return *table;
}

std::string_view instead_of_function(std::string_view name) {
  for (const OtherDialectsFunction& one : functions_of_other_dialects()) {
    if (equals_ignore_case(name, one.name)) return one.instead;
  }
  return {};
}

}  // namespace velaria
