#include "src/expr/aggregate_registry.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/expr/binder.h"

namespace velaria {
namespace {

std::string escaped(std::string text) {
  for (size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2)
    text.insert(at, "\\");
  return text;
}

// The reference has a row for every aggregate, as the registry says it.
TEST(AggregateRegistryTest, TheReferenceListsEveryAggregate) {
  std::ifstream file("docs/sql.md");
  ASSERT_TRUE(file.good());
  std::stringstream text;
  text << file.rdbuf();
  std::string missing;
  for (const AggregateDefinition& definition : AggregateRegistry::builtin().definitions()) {
    std::string aliases;
    for (const std::string& alias : definition.aliases) {
      aliases += concat(aliases.empty() ? "" : ", ", "`", alias, "`");
    }
    const std::string row = concat("| `", escaped(definition.signature), "` | ",
                                   escaped(definition.summary), " | ", aliases, " |\n");
    if (text.str().find(row) == std::string::npos) missing += row;
  }
  EXPECT_EQ(missing, "") << "rows that docs/sql.md must have";
}

TEST(AggregateRegistryTest, NamesAreUniqueAndKnownToTheBinder) {
  std::set<std::string> seen;
  for (const std::string& name : AggregateRegistry::builtin().names()) {
    EXPECT_TRUE(seen.insert(name).second) << name;
    EXPECT_TRUE(is_aggregate_name(to_upper_ascii(name))) << name;
    EXPECT_EQ(FunctionRegistry::builtin().find(name), nullptr) << name;
  }
  EXPECT_FALSE(is_aggregate_name("lower"));
}

TEST(AggregateRegistryTest, AnUnknownNameIsRefusedWithASuggestion) {
  AggregateCall call;
  call.name = "meddian";
  try {
    AggregateRegistry::builtin().bind(call);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kSqlSemantic);
    EXPECT_NE(error.message().find("did you mean 'median'"), std::string::npos) << error.message();
  }
}

TEST(AggregateRegistryTest, DistinctStaysOnlyWhereItCounts) {
  for (const AggregateDefinition& definition : AggregateRegistry::builtin().definitions()) {
    if (definition.distinct != DistinctRule::kNoEffect) continue;
    AggregateCall call;
    call.name = definition.name;
    call.distinct = true;
    const bool condition =
        definition.kind == AggregateKind::kBoolAnd || definition.kind == AggregateKind::kBoolOr;
    const DataType type(condition ? TypeId::kBool : TypeId::kInt64);
    call.arguments.assign(definition.least_arguments, bound_column(0, type, "x"));
    EXPECT_FALSE(AggregateRegistry::builtin().bind(call).distinct) << definition.name;
  }
}

}  // namespace
}  // namespace velaria
