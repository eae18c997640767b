#include <gtest/gtest.h>

#include "src/base/error.h"
#include "src/sql/parser.h"
#include "tests/sql/tree_dump.h"

namespace velaria::sql {
namespace {

std::string tree(std::string_view text) { return dump(*parse_expression(text)); }
std::string text_of(std::string_view text) { return parse_expression(text)->to_string(); }

struct Case {
  const char* sql;
  const char* tree;
};

class Trees : public testing::TestWithParam<Case> {};

TEST_P(Trees, AreAsWritten) { EXPECT_EQ(tree(GetParam().sql), GetParam().tree); }

INSTANTIATE_TEST_SUITE_P(
    Literals, Trees,
    testing::Values(Case{"42", "42"}, Case{"007", "7"}, Case{"1.5", "1.5"}, Case{".5", "0.5"},
                    Case{"1e3", "1000.0"}, Case{"1.", "1.0"},
                    Case{"9223372036854775807", "9223372036854775807"},
                    Case{"9223372036854775808", "9223372036854775808/uint64"},
                    Case{"-9223372036854775808", "-9223372036854775808"},
                    Case{"- -9223372036854775808", "9223372036854775808/uint64"},
                    Case{"-9223372036854775809", "-9223372036854775809/decimal128(38, 0)"},
                    Case{"18446744073709551616", "18446744073709551616/decimal128(38, 0)"},
                    Case{"99999999999999999999999999999999999999",
                         "99999999999999999999999999999999999999/decimal128(38, 0)"},
                    Case{"-5", "-5"}, Case{"-(5)", "-5"}, Case{"+5", "5"}, Case{"-1.5", "-1.5"},
                    Case{"'it''s'", "'it''s'"}, Case{"''", "''"},
                    Case{"E'a\\n\\x41\\u00e9'", "'a\nA\xC3\xA9'"},
                    Case{"x'4142'", "'\\x4142'/binary"}, Case{"TRUE", "true"}, Case{"null", "NULL"},
                    Case{"DATE '2013-01-31'", "DATE '2013-01-31'/date32"},
                    Case{"TIME '05:00'", "TIME '05:00:00'/time64[us]"},
                    Case{"TIMESTAMP '2013-01-01 05:00:00.25'",
                         "TIMESTAMP '2013-01-01 05:00:00.25'/timestamp[us]"},
                    Case{"TIMESTAMP '2013-01-01 00:00:00.123456789'",
                         "TIMESTAMP '2013-01-01 00:00:00.123456789'/timestamp[ns]"},
                    Case{"timestamp with time zone '2013-01-01 05:00:00+02'",
                         "TIMESTAMP '2013-01-01 03:00:00+00'/timestamp[us, UTC]"},
                    Case{"INTERVAL '1 day 2 hours'", "INTERVAL '1 day 02:00:00'/interval"},
                    Case{"INTERVAL 5 DAY", "INTERVAL '5 days'/interval"},
                    Case{"INTERVAL '3' MONTH", "INTERVAL '3 months'/interval"},
                    Case{"INTERVAL -1 hours", "INTERVAL '-01:00:00'/interval"},
                    Case{"[1.0, 2, -3]", "[1.0, 2.0, -3.0]/fixed_size_list<float32>[3]"},
                    Case{"?", "?"}, Case{"$2", "$2"}));

INSTANTIATE_TEST_SUITE_P(
    Operators, Trees,
    testing::Values(Case{"a + b * c - d", "(- (+ a (* b c)) d)"},
                    Case{"a - b - c", "(- (- a b) c)"}, Case{"a || b + 1", "(|| a (+ b 1))"},
                    Case{"a or b and not c = d", "(or a (and b (not (= c d))))"},
                    Case{"a != b", "(<> a b)"}, Case{"-a * b", "(* (- a) b)"},
                    Case{"a - -1", "(- a -1)"}, Case{"-a::int", "(- (cast a int32))"},
                    Case{"-1::text", "(cast -1 utf8)"},
                    Case{"a and b and c and d and e", "(and (and (and a b) (and c d)) e)"},
                    Case{"a and (b and c)", "(and (and a b) c)"},
                    Case{"a or (b or (c or d))", "(or (or a b) (or c d))"},
                    Case{"a = b is null", "(is_null (= a b))"},
                    Case{"a is not true", "(is_not_true a)"}, Case{"a is unknown", "(is_null a)"},
                    Case{"a is not distinct from b = c", "(is_not_distinct_from a (= b c))"},
                    Case{"a in (1, 2) = b", "(= (in a 1 2) b)"},
                    Case{"a = b in (c)", "(= a (in b c))"}, Case{"a not in (1)", "(not (in a 1))"},
                    Case{"not a in (1)", "(not (in a 1))"},
                    Case{"a between 1 + 1 and 2 and b", "(and (and (>= a (+ 1 1)) (<= a 2)) b)"},
                    Case{"a not between 1 and 2", "(not (and (>= a 1) (<= a 2)))"},
                    Case{"a like 'x%'", "(like a 'x%')"},
                    Case{"a not ilike b || '%' escape '!'", "(not (ilike a (|| b '%') '!'))"},
                    Case{"a ~ 'x'", "(regexp_matches a 'x')"},
                    Case{"a !~* 'x'", "(not (regexp_matches a 'x' 'i'))"},
                    Case{"a at time zone 'UTC' + b", "(+ (timezone 'UTC' a) b)"},
                    Case{"a::decimal(10,2)::text", "(cast (cast a decimal128(10, 2)) utf8)"}));

INSTANTIATE_TEST_SUITE_P(
    Forms, Trees,
    testing::Values(
        Case{"case when a then 1 else 2 end", "(case-else a 1 2)"},
        Case{"case a when 1 then 'x' when 2 then 'y' end", "(case (= a 1) 'x' (= a 2) 'y')"},
        Case{"cast(a as double precision)", "(cast a float64)"},
        Case{"try_cast(a as varchar(20))", "(try_cast a utf8)"},
        Case{"cast(a as timestamp(3))", "(cast a timestamp[ms])"},
        Case{"a::timestamp(0) with time zone", "(cast a timestamp[s, UTC])"},
        Case{"a::timestamp[us, Europe/Berlin]", "(cast a timestamp[us, Europe/Berlin])"},
        Case{"a::float[64]", "(cast a fixed_size_list<float32>[64])"},
        Case{"extract(YEAR from a)", "(date_part 'year' a)"},
        Case{"substring(a from 2 for 3)", "(substring a 2 3)"},
        Case{"substring(a for 3)", "(substring a 1 3)"}, Case{"substring(a, 2)", "(substring a 2)"},
        Case{"position('x' in a)", "(strpos a 'x')"}, Case{"trim(a)", "(trim a)"},
        Case{"trim(leading 'x' from a)", "(ltrim a 'x')"},
        Case{"trim(trailing from a)", "(rtrim a)"}, Case{"trim(both from a)", "(trim a)"},
        Case{"trim(leading)", "(trim leading)"}, Case{"count(*)", "(count *)"},
        Case{"COUNT(DISTINCT a)", "(count distinct a)"},
        Case{"string_agg(a, ',' order by b desc nulls last)",
             "(string_agg a ',' (order b-desc-nulls-last))"},
        Case{"quantile_cont(0.5) within group (order by a)", "(quantile_cont 0.5 (order a))"},
        Case{"sum(a) filter (where b > 1)", "(sum a (filter (> b 1)))"},
        Case{"sum(a) over w", "(sum a (over w))"},
        Case{
            "rank() over (w partition by a, b order by c rows between 1 preceding and current row)",
            "(rank (over w (by a b) (order c) (rows (preceding 1) current)))"},
        Case{"sum(a) over (order by b range unbounded preceding)",
             "(sum a (over (order b) (range unbounded-preceding current)))"},
        Case{"sum(a) over (rows)", "(sum a (over rows))"}, Case{"current_date", "(current_date)"},
        Case{"left(a, 2)", "(left a 2)"}, Case{"exists (select 1)", "(exists (select [1]))"},
        Case{"a not in (select b from t)", "(not (in a (select [b] (from t))))"},
        Case{"a in ((select 1) union (select 2))", "(in a (union (select [1]) (select [2])))"},
        Case{"(select 1) + ((select 2) + 3)",
             "(+ (subquery (select [1])) (+ (subquery (select [2])) 3))"}));

INSTANTIATE_TEST_SUITE_P(
    Names, Trees,
    testing::Values(
        Case{"t.a", "t.a"}, Case{"s.t.\"A b\"", "s.t.\"A b\""}, Case{"\"x\"\"y\"", "\"x\"y\""},
        Case{"t.order", "t.order"}, Case{"Arr_Delay", "Arr_Delay"},
        Case{"\xE5\x9F\x8E\xE5\xB8\x82", "\xE5\x9F\x8E\xE5\xB8\x82"},
        Case{"date + time", "(+ date time)"},
        Case{"year || month || day", "(|| (|| year month) day)"},
        Case{"hour > origin", "(> hour origin)"}, Case{"value * metric", "(* value metric)"},
        Case{"query = source", "(= query source)"}, Case{"every - slide", "(- every slide)"},
        Case{"timestamp < interval", "(< timestamp interval)"},
        Case{"desc = offset", "(= desc offset)"}, Case{"window + left", "(+ window left)"},
        Case{"date(a)", "(date a)"}, Case{"a /* x /* y */ z */ + -- end\n b", "(+ a b)"}));

// What to_string() gives parses to the same tree, and is a fixed point.
TEST(ExpressionText, RoundTrip) {
  const char* corpus[] = {
      "a + b * c",
      "(a + b) * c",
      "a - (b - c)",
      "a - b - c",
      "a / (b * c)",
      "-a",
      "-(-a)",
      "-(a + b)",
      "- -5",
      "a - -5",
      "-(a::int)",
      "(-a)::int",
      "not a",
      "not (a and b)",
      "not a = b",
      "(not a) = b",
      "a and b and c and d",
      "a or b and c",
      "(a or b) and c",
      "(a = b) = c",
      "a = (b = c)",
      "(a is null) = b",
      "a = b is null",
      "(a = b) is not true",
      "a is distinct from b",
      "(a is distinct from b) is distinct from c",
      "a is distinct from (b is distinct from c)",
      "a in (1, 2, 3)",
      "a not in (1, b + 1)",
      "(a in (1)) in (true)",
      "(a and b) in (true)",
      "a like 'x' escape '!'",
      "not a ilike 'x'",
      "not not a",
      "a between 1 and 2",
      "a not between b and c + 1",
      "a between 1 and 2 and b",
      "a || b || c",
      "a || (b || c)",
      "a ~ 'x'",
      "a !~* 'x'",
      "case a when 1 then 2 else 3 end",
      "case when a then b end + 1",
      "cast(a as int)",
      "try_cast(a as decimal(10, 2))",
      "a::timestamp(3)",
      "a::timestamptz",
      "a::timestamp(9) with time zone",
      "a::timestamp[ms, Asia/Tokyo]",
      "a::float[3]",
      "a::blob",
      "a::uint8",
      "a::time",
      "a::interval",
      "a::double",
      "a::real",
      "a::bool",
      "a::date",
      "date '2013-01-01'",
      "time '01:02:03.5'",
      "timestamp '2013-01-01 00:00:00'",
      "timestamptz '2013-01-01 00:00:00'",
      "timestamp '2013-01-01 00:00:00.000000001'",
      "interval '1 year 2 months 3 days'",
      "interval '100 hours'",
      "interval '-90 minutes'",
      "interval '-1 year 1 month'",
      "interval 0 day",
      "[1, -2.5]",
      "x'00ff'",
      "'it''s'",
      "1e300",
      "0.1",
      "-0.0",
      "9223372036854775808",
      "-9223372036854775808",
      "-18446744073709551616",
      "\"A b\" + \"a\"\"b\"",
      "t.\"A\"",
      "s.t.c",
      "count(*)",
      "Count(distinct a)",
      "string_agg(a, ',' order by b desc)",
      "\"Weird f\"(a)",
      "sum(a) filter (where b) over (partition by c order by d nulls first rows "
      "between 1 + 1 preceding and unbounded following)",
      "sum(a) over w",
      "sum(a) over (w order by b)",
      "rank() over ()",
      "extract(hour from a)",
      "position('a' in b)",
      "trim(both 'x' from a)",
      "a at time zone 'UTC'",
      "current_timestamp",
      "(select 1)",
      "exists (select a from t where b = 1)",
      "a not in (select b from t)",
      "a + ? * $1",
      "date = \"date\"",
      "a % 2 = 0",
      "true and null is null",
  };
  for (const char* sql : corpus) {
    const std::string first = text_of(sql);
    SCOPED_TRACE(std::string(sql) + " -> " + first);
    EXPECT_EQ(tree(first), tree(sql));
    EXPECT_EQ(text_of(first), first);
  }
}

TEST(ExpressionText, IsTheDefaultColumnName) {
  EXPECT_EQ(text_of("AVG( arr_delay )"), "avg(arr_delay)");
  EXPECT_EQ(text_of("a+b"), "a + b");
  EXPECT_EQ(text_of("COUNT( * )"), "count(*)");
  EXPECT_EQ(text_of("((a)+(b*c))"), "a + b * c");
  EXPECT_EQ(text_of("x not  in(1,2)"), "x not in (1, 2)");
  EXPECT_EQ(text_of("(SELECT  max(x)\n FROM t)"), "(SELECT max(x) FROM t)");
}

TEST(ExpressionMakers, BuildAndRefuseTooMuch) {
  const ExpressionPtr sum = make_call("+", {make_column("a"), make_literal(Value::int64(1))});
  EXPECT_EQ(sum->to_string(), "a + 1");
  EXPECT_EQ(make_cast(sum, DataType(TypeId::kFloat64))->to_string(), "cast(a + 1 as double)");
  EXPECT_EQ(make_column("Arr Delay")->to_string(), "\"Arr Delay\"");
  EXPECT_EQ(make_call("and", {sum, sum, sum})->to_string(), "a + 1 and a + 1 and a + 1");
  ExpressionPtr deep = make_column("a");
  EXPECT_THROW(
      {
        for (int i = 0; i < 100000; ++i) deep = make_call("-", {deep});
      },
      Error);
}

TEST(ExpressionParts, KeepTheirPositions) {
  const ExpressionPtr node = parse_expression("  abs(a) + b.c");
  EXPECT_EQ(node->position, 2);
  EXPECT_EQ(node->children[1]->position, 11);
  EXPECT_EQ(node->children[0]->children[0]->position, 6);
  const SortKey key = parse_sort_key("a + 1 desc nulls first");
  EXPECT_TRUE(key.descending);
  EXPECT_EQ(key.nulls_first, std::optional<bool>(true));
  const SelectItem item = parse_select_item("a + 1 as \"The Sum\"");
  EXPECT_EQ(item.alias, "The Sum");
  EXPECT_EQ(parse_select_item("t.*").expression->qualifier, "t");
}

}  // namespace
}  // namespace velaria::sql
