// What is advised in place of other dialects' functions runs, and none of these is one of ours.
#include "src/expr/other_dialects.h"

#include "gtest/gtest.h"
#include "src/base/error.h"
#include "src/base/text.h"
#include "src/session/dataflow_session.h"

namespace velaria {
namespace {

TEST(OtherDialects, WhatIsAdvisedRuns) {
  DataflowSession session;
  for (const OtherDialectsFunction& one : functions_of_other_dialects()) {
    SCOPED_TRACE(one.name);
    EXPECT_EQ(session.sql(concat("SELECT ", one.example)).collect().rows, 1);
    for (const char* arguments : {"()", "('1')", "('1', '2')", "('day', '1', '2')"}) {
      try {
        session.sql(concat("SELECT ", one.name, arguments)).collect();
        ADD_FAILURE() << one.name << arguments << " runs";
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kSqlSemantic);
        EXPECT_NE(error.message().find(concat("does not exist; write ", one.instead)),
                  std::string::npos)
            << error.message();
      }
    }
  }
  EXPECT_EQ(instead_of_function("TO_DATE"), instead_of_function("to_date"));
  EXPECT_EQ(instead_of_function("lower"), "");
}

}  // namespace
}  // namespace velaria
