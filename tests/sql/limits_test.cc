// Texts that nobody wrote by hand: deep, long, broken. Each ends in a tree or in an Error.
#include <gtest/gtest.h>
#include <pthread.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <random>

#include "src/base/error.h"
#include "src/sql/parser.h"
#include "tests/sql/tree_dump.h"

namespace velaria::sql {
namespace {

// The smallest stack of a thread on the systems we know (macOS). The frames of sanitizers are many
// times larger, and nobody ships them.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif
constexpr size_t kSmallStack = (kSanitized ? 8192 : 512) * 1024;

void run_on_small_stack(std::function<void()> work) {
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, kSmallStack), 0);
  pthread_t thread;
  const auto start = [](void* argument) -> void* {
    (*static_cast<std::function<void()>*>(argument))();
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, start, &work), 0);
  ASSERT_EQ(pthread_join(thread, nullptr), 0);
  pthread_attr_destroy(&attributes);
}

std::string repeat(std::string_view part, size_t count) {
  std::string out;
  out.reserve(part.size() * count);
  for (size_t i = 0; i < count; ++i) out += part;
  return out;
}

// True when the text parsed (and its tree could be printed), false for an Error of SQL.
bool parses(const std::string& text) {
  try {
    const std::vector<Statement> script = parse_script(text);
    for (const Statement& statement : script) {
      const auto* select = std::get_if<SelectPtr>(&statement.body);
      if (select == nullptr) continue;
      for (const SelectItem& item : (*select)->items) item.expression->to_string();
    }
    return true;
  } catch (const Error& error) {
    EXPECT_TRUE(error.kind() == ErrorKind::kSqlSyntax || error.kind() == ErrorKind::kSqlSemantic ||
                error.kind() == ErrorKind::kSqlUnsupported)
        << error.message();
    return false;
  }
}

struct Nested {
  const char* name;
  const char* before;
  const char* open;
  const char* middle;
  const char* close;
};

const Nested kNested[] = {
    {"parentheses", "SELECT ", "(", "1", ")"},
    {"calls", "SELECT ", "abs(", "1", ")"},
    {"signs", "SELECT ", "- ", "a", ""},
    {"pluses", "SELECT ", "+", "a", ""},
    {"nots", "SELECT ", "NOT ", "a", ""},
    {"cases", "SELECT ", "CASE WHEN a THEN ", "1", " END"},
    {"case operands", "SELECT ", "CASE ", "a", " WHEN 1 THEN 2 WHEN 3 THEN 4 END"},
    {"betweens", "SELECT ", "(", "a", " BETWEEN b AND c)"},
    {"ins", "SELECT ", "a IN (", "1", ")"},
    {"every level", "SELECT ", "a OR b AND NOT c = d LIKE e || f + g * (", "1", ")"},
    {"casts", "SELECT a", "", "", "::int"},
    {"additions", "SELECT 1", "", "", "+1"},
    {"right additions", "SELECT ", "1+(", "1", ")"},
    {"scalar subqueries", "SELECT ", "(SELECT ", "1", ")"},
    {"exists", "SELECT ", "EXISTS (SELECT ", "1", ")"},
    {"leftmost subqueries", "SELECT ", "(SELECT ", "1", "+1+1+1+1+1+1+1+1)"},
    {"derived tables", "", "SELECT * FROM (", "SELECT 1", ")"},
    {"derived joins", "SELECT * FROM ", "(", "a", " CROSS JOIN b CROSS JOIN c)"},
    {"parenthesised queries", "", "(", "SELECT 1", ")"},
    {"set operations", "SELECT 1", "", "", " UNION SELECT 1"},
    {"with", "", "WITH x AS (", "SELECT 1", ") SELECT 1"},
    {"joins", "SELECT * FROM t", "", "", ", t"},
    {"natural joins", "SELECT * FROM t", "", "", " NATURAL JOIN t"},
    {"windows", "SELECT ", "sum(a) OVER (PARTITION BY ", "1", ")"},
    {"filters", "SELECT ", "sum(a) FILTER (WHERE ", "b", ")"},
    {"explains", "", "EXPLAIN ", "SELECT 1", ""},
    {"table functions", "SELECT * FROM ", "f((SELECT * FROM ", "t", "))"},
    {"open parentheses", "SELECT ", "(", "", ""},
    {"open brackets", "SELECT ", "[", "", ""},
    {"comments", "SELECT ", "/*", "", "*/"},
};

TEST(Limits, DeepTextsNeverOverflowASmallStack) {
  run_on_small_stack([] {
    for (const Nested& nested : kNested) {
      for (size_t depth : {20, 60, 100, 130, 180, 200, 400, 450, 500, 1000, 100000}) {
        const std::string text = nested.before + repeat(nested.open, depth) + nested.middle +
                                 repeat(nested.close, depth);
        SCOPED_TRACE(nested.name);
        parses(text);
      }
    }
  });
}

TEST(Limits, UsualDepthsParse) {
  if (kSanitized) GTEST_SKIP() << "the stack bound of the parser comes first";
  EXPECT_TRUE(parses("SELECT " + repeat("(", 100) + "1" + repeat(")", 100)));
  EXPECT_TRUE(parses("SELECT 1" + repeat(" + 1", 400)));
  EXPECT_TRUE(parses("SELECT 1" + repeat(" UNION ALL SELECT 1", 400)));
  EXPECT_TRUE(parses(repeat("SELECT * FROM (", 50) + "SELECT 1" + repeat(")", 50)));
}

TEST(Limits, LongTextsParse) {
  run_on_small_stack([] {
    EXPECT_TRUE(parses("SELECT a = 1" + repeat(" OR a = 1", 100000)));
    EXPECT_TRUE(parses("SELECT a BETWEEN 1 AND 2" + repeat(" AND a BETWEEN 1 AND 2", 20000)));
    EXPECT_TRUE(parses("SELECT a IN (1" + repeat(", 1", 200000) + ")"));
    EXPECT_TRUE(parses("SELECT 1" + repeat(", 1", 100000)));
    EXPECT_TRUE(parses("VALUES (1)" + repeat(", (1)", 100000)));
    EXPECT_TRUE(parses(repeat("SELECT 1;", 100000)));
    EXPECT_TRUE(parses("SELECT '" + repeat("x", 1000000) + "'"));
    EXPECT_FALSE(parses("SELECT 1" + repeat("+1", 500000)));
    EXPECT_FALSE(parses("SELECT a" + repeat(".a", 500000) + "+"));
  });
}

TEST(Limits, BrokenBytes) {
  EXPECT_FALSE(parses(std::string("SELECT 1\0", 9)));
  EXPECT_FALSE(parses(std::string("SELECT '\0'", 10)));
  EXPECT_FALSE(parses("SELECT \xC3"));
  EXPECT_FALSE(parses("\xED\xA0\x80"));
  EXPECT_FALSE(parses("SELECT '\xF8\x88\x80\x80\x80'"));
  EXPECT_TRUE(
      parses("\xEF\xBB\xBFSELECT\xC2\xA0"
             "1"));
}

const std::vector<std::string>& fuzz_tokens() {
  static const auto* tokens = new std::vector<std::string>{"SELECT",    "FROM",      "WHERE",
                                                           "GROUP",     "BY",        "ORDER",
                                                           "HAVING",    "LIMIT",     "OFFSET",
                                                           "WITH",      "AS",        "RECURSIVE",
                                                           "UNION",     "ALL",       "INTERSECT",
                                                           "EXCEPT",    "JOIN",      "LEFT",
                                                           "CROSS",     "NATURAL",   "ON",
                                                           "USING",     "VALUES",    "(",
                                                           ")",         "(",         ")",
                                                           ",",         ",",         ".",
                                                           "*",         "+",         "-",
                                                           "/",         "%",         "||",
                                                           "=",         "<>",        "<",
                                                           ">=",        "::",        ":",
                                                           "=>",        "[",         "]",
                                                           "~",         "!~*",       "AND",
                                                           "OR",        "NOT",       "IS",
                                                           "NULL",      "TRUE",      "IN",
                                                           "BETWEEN",   "LIKE",      "ESCAPE",
                                                           "CASE",      "WHEN",      "THEN",
                                                           "ELSE",      "END",       "CAST",
                                                           "int",       "decimal",   "timestamp",
                                                           "DATE",      "TIME",      "INTERVAL",
                                                           "DAY",       "EXTRACT",   "TRIM",
                                                           "BOTH",      "SUBSTRING", "POSITION",
                                                           "FOR",       "EXISTS",    "DISTINCT",
                                                           "OVER",      "PARTITION", "ROWS",
                                                           "RANGE",     "UNBOUNDED", "PRECEDING",
                                                           "FOLLOWING", "CURRENT",   "ROW",
                                                           "FILTER",    "WITHIN",    "WINDOW",
                                                           "EVERY",     "SLIDE",     "HYBRID",
                                                           "SEARCH",    "QUERY",     "METRIC",
                                                           "TOP_K",     "QUALIFY",   "CREATE",
                                                           "TABLE",     "VIEW",      "OPTIONS",
                                                           "INSERT",    "INTO",      "UPDATE",
                                                           "SET",       "DELETE",    "DROP",
                                                           "EXPLAIN",   "COPY",      "TO",
                                                           "a",         "b",         "t",
                                                           "\"Q\"",     "'s'",       "'2013-01-01'",
                                                           "'1 day'",   "1",         "0",
                                                           "2.5",       "-9",        "?",
                                                           "$1",        ";",         "count",
                                                           "sum",       "E'\\n'",    "x'00'",
                                                           "LATERAL",   "FETCH",     "FIRST",
                                                           "ONLY",      "AT",        "ZONE",
                                                           "NULLS"};
  return *tokens;
}

uint32_t fuzz_seed() {
  const char* given = std::getenv("VELARIA_FUZZ_SEED");
  const uint32_t seed = given != nullptr ? static_cast<uint32_t>(std::strtoul(given, nullptr, 10))
                                         : std::random_device()();
  std::cout << "VELARIA_FUZZ_SEED=" << seed << "\n";
  return seed;
}

TEST(Fuzz, RandomTokensGiveATreeOrAnError) {
  std::mt19937 random(fuzz_seed());
  const auto& tokens = fuzz_tokens();
  int parsed = 0;
  for (int round = 0; round < 30000; ++round) {
    std::string text = round % 2 == 0 ? "SELECT " : "";
    const size_t length = 1 + random() % 25;
    for (size_t i = 0; i < length; ++i) text += tokens[random() % tokens.size()] + " ";
    SCOPED_TRACE(text);
    parsed += parses(text) ? 1 : 0;
    // Expressions that parse also survive a round trip.
    try {
      const ExpressionPtr first = parse_expression(text.substr(round % 2 == 0 ? 7 : 0));
      if (first->to_string().find("...") != std::string::npos) continue;
      EXPECT_EQ(dump(*parse_expression(first->to_string())), dump(*first)) << first->to_string();
    } catch (const Error&) {
    }
  }
  std::cout << parsed << " of 30000 parsed\n";
}

// Damage to good statements goes deeper into the grammar than random tokens do.
TEST(Fuzz, DamagedStatements) {
  const std::string good[] = {
      "WITH x(a) AS (SELECT 1) SELECT DISTINCT a, sum(b) FILTER (WHERE c) OVER (PARTITION BY d "
      "ORDER "
      "BY e ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t LEFT JOIN u USING (k), (VALUES (1, "
      "2)) v "
      "WHERE a IN (SELECT 1) AND b NOT BETWEEN 1 AND 2 GROUP BY 1 HAVING count(*) > 1 ORDER BY 1 "
      "DESC "
      "NULLS LAST LIMIT 5 OFFSET 2",
      "CREATE SOURCE TABLE t (a INT, b DECIMAL(10, 2)) USING csv OPTIONS(path: 'x', a.b: -1.5)",
      "SELECT CASE a WHEN 1 THEN CAST(b AS timestamp(3) with time zone) ELSE EXTRACT(year FROM c) "
      "END, "
      "TRIM(BOTH 'x' FROM d), -e::int, [1.0, -2] FROM t WINDOW BY ts EVERY 1000 SLIDE 500 AS w "
      "GROUP "
      "BY w",
      "INSERT INTO t (a, b) VALUES (DATE '2013-01-01', INTERVAL '1 day'), (E'\\u00e9', x'ff')",
  };
  std::mt19937 random(fuzz_seed());
  for (int round = 0; round < 20000; ++round) {
    std::string text = good[random() % std::size(good)];
    const size_t edits = 1 + random() % 3;
    for (size_t i = 0; i < edits && !text.empty(); ++i) {
      const size_t at = random() % text.size();
      switch (random() % 4) {
        case 0: text.erase(at, 1 + random() % 10); break;
        case 1: text.insert(at, fuzz_tokens()[random() % fuzz_tokens().size()]); break;
        case 2: text[at] = static_cast<char>(random() % 256); break;
        default: text.insert(at, text.substr(random() % text.size(), random() % 20)); break;
      }
    }
    SCOPED_TRACE(text);
    parses(text);
  }
}

}  // namespace
}  // namespace velaria::sql
