// Scalar functions that a program gives to its session.
#include "src/expr/user_function.h"

#include <atomic>
#include <functional>

#include "gtest/gtest.h"
#include "src/column/builder.h"
#include "tests/session/session_testing.h"
#include "tests/slt/session_configs.h"

namespace velaria {
namespace {

const DataType kInt64(TypeId::kInt64);

using Body = std::function<ColumnPtr(const std::vector<ColumnPtr>&, int64_t rows)>;

class TestFunction : public UserFunction {
 public:
  TestFunction(std::string name, std::vector<DataType> arguments, DataType result, Body body)
      : UserFunction(std::move(name), std::move(arguments), std::move(result)),
        body_(std::move(body)) {}
  ColumnPtr call(const std::vector<ColumnPtr>& arguments, int64_t rows) const override {
    return body_(arguments, rows);
  }

 private:
  const Body body_;
};

// a + 10 b; a NULL counts as 0.
ColumnPtr add_tens(const std::vector<ColumnPtr>& arguments, int64_t rows) {
  FixedBuilder<int64_t> out(kInt64);
  for (int64_t i = 0; i < rows; ++i) {
    const auto number = [&](const ColumnPtr& column) {
      const Value value = column->value(i);
      return value.is_null() ? 0 : value.as_int64();
    };
    out.append(number(arguments[0]) + 10 * number(arguments[1]));
  }
  return out.finish();
}

UserFunctionPtr tens() {
  return std::make_shared<TestFunction>("tens", std::vector<DataType>{kInt64, kInt64}, kInt64,
                                        add_tens);
}

int64_t single(DataflowSession& session, const std::string& query) {
  const QueryResult result = session.sql(query).collect();
  EXPECT_EQ(result.rows, 1);
  return result.chunks.at(0).columns.at(0)->value(0).as_int64();
}

TEST(UserFunctionTest, TakesTheRowsThatAreLeftWithTheirNulls) {
  for (const SessionConfig& config : session_configs()) {
    SCOPED_TRACE(config.name);
    DataflowSession session(config.options);
    session.create_function(tens());
    EXPECT_EQ(single(session,
                     "SELECT sum(TENS(n, CASE WHEN n % 2 = 0 THEN 1 END)) FROM range(0, 10000) "
                     "r(n) WHERE n % 3 = 0 AND tens(n, NULL) < 9000"),
              13495500 + 15000);
    EXPECT_EQ(single(session, "SELECT tens(NULL, 4)"), 40);
    EXPECT_EQ(single(session,
                     "SELECT count(*) FROM range(0, 50) a(n) JOIN range(0, 50) b(m) ON "
                     "tens(n, m) = 123"),
              5);
  }
}

TEST(UserFunctionTest, WhatItGivesIsChecked) {
  DataflowSession session;
  const auto refused = [&](const char* name, const Body& body, const std::string& text) {
    session.create_function(
        std::make_shared<TestFunction>(name, std::vector<DataType>{kInt64}, kInt64, body));
    try {
      session.sql(std::string("SELECT ") + name + "(n) FROM range(0, 3) r(n)").collect();
      ADD_FAILURE() << "nothing was thrown";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kTypeMismatch);
      EXPECT_NE(std::string(error.what()).find(text), std::string::npos) << error.what();
    }
  };
  refused(
      "shorter",
      [](const std::vector<ColumnPtr>& arguments, int64_t) { return arguments[0]->slice(0, 2); },
      "function shorter(int64) gave 2 values of int64 for 3 rows");
  refused(
      "other",
      [](const std::vector<ColumnPtr>&, int64_t rows) {
        return Column::nulls(DataType(TypeId::kUtf8), rows);
      },
      "function other(int64) gave 3 values of utf8 for 3 rows; it must give 3 of int64");
  refused(
      "none", [](const std::vector<ColumnPtr>&, int64_t) { return ColumnPtr(); },
      "function none(int64) gave nothing");
}

TEST(UserFunctionTest, NamesAreCheckedAndBelongToASession) {
  DataflowSession session;
  for (const char* name : {"", "1a", "a b", "upper", "Sum"}) {
    try {
      session.create_function(
          std::make_shared<TestFunction>(name, std::vector<DataType>{kInt64}, kInt64, Body()));
      ADD_FAILURE() << "nothing was thrown for '" << name << "'";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument);
    }
  }
  session.create_function(tens());
  const DataFrame bound = session.sql("SELECT tens(1, 2) AS x");
  session.drop_function("TENS");
  EXPECT_EQ(bound.collect().chunks.at(0).columns.at(0)->value(0).as_int64(), 21);
  EXPECT_THROW(session.drop_function("tens"), Error);
  EXPECT_THROW(session.sql("SELECT tens(1, 2)"), Error);
  session.create_function(tens());
  DataflowSession other;
  EXPECT_THROW(other.sql("SELECT tens(1, 2)"), Error);
}

}  // namespace
}  // namespace velaria
