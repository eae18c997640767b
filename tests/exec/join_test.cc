#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <unordered_map>

#include "src/base/error.h"
#include "src/base/thread_pool.h"
#include "src/column/builder.h"
#include "src/exec/join/join_table.h"
#include "src/exec/physical_plan.h"
#include "src/expr/function_registry.h"
#include "src/io/memory/memory_table_source.h"
#include "src/plan/logical_plan.h"

namespace velaria {
namespace {

const DataType kInt64(TypeId::kInt64);
const DataType kFloat64(TypeId::kFloat64);
const DataType kText(TypeId::kUtf8);

constexpr JoinType kAllTypes[] = {JoinType::kInner, JoinType::kLeft,      JoinType::kRight,
                                  JoinType::kFull,  JoinType::kSemi,      JoinType::kAnti,
                                  JoinType::kMark,  JoinType::kRightSemi, JoinType::kRightAnti,
                                  JoinType::kSingle};

using Row = std::vector<Value>;
using Random = std::mt19937_64;

// --- values ------------------------------------------------------------------------------------

std::vector<Value> values_of(const DataType& type) {
  switch (type.id()) {
    case TypeId::kNull: return {Value()};
    case TypeId::kBool: return {Value::boolean(false), Value::boolean(true)};
    case TypeId::kInt8: return {Value::integral(type, -128), Value::integral(type, 127)};
    case TypeId::kInt64:
      return {Value::int64(-3), Value::int64(0), Value::int64(1), Value::int64(2), Value::int64(5)};
    case TypeId::kUInt64:
      return {Value::unsigned_integral(type, 0), Value::unsigned_integral(type, ~uint64_t{0}),
              Value::unsigned_integral(type, uint64_t{1} << 63)};
    case TypeId::kFloat32:
    case TypeId::kFloat64: {
      std::vector<Value> out;
      for (double v : {0.0, -0.0, std::nan("1"), -std::nan("2"), 1.5,
                       std::numeric_limits<double>::infinity()}) {
        out.push_back(Value::floating(type, v));
      }
      return out;
    }
    case TypeId::kDecimal128:
      if (type.precision() <= 18) {
        return {Value::decimal(type, 0), Value::decimal(type, -105), Value::decimal(type, 999)};
      }
      return {Value::decimal(type, 7), Value::decimal(type, static_cast<Int128>(1) << 100),
              Value::decimal(type, -(static_cast<Int128>(1) << 100))};
    case TypeId::kUtf8:
      return {Value::utf8(""),
              Value::utf8("a"),
              Value::utf8("exactly12byt"),
              Value::utf8("exactly12bytX"),
              Value::utf8("a long text that shares its beginning 1"),
              Value::utf8("a long text that shares its beginning 2")};
    case TypeId::kBinary: return {Value::binary(std::string("\0x", 2)), Value::binary("b")};
    case TypeId::kDate32:
    case TypeId::kTime64:
    case TypeId::kTimestamp:
      return {Value::integral(type, 0), Value::integral(type, 19000), Value::integral(type, 86399)};
    case TypeId::kInterval:
      return {Value::interval({1, 0, 0}), Value::interval({0, 30, 0}), Value::interval({0, 1, 5}),
              Value::interval({0, 0, 86400000005LL})};
    case TypeId::kFixedSizeList:
      return {Value::vector({1, 0}), Value::vector({1, -0.0f}), Value::vector({1, std::nanf("")})};
    default: ADD_FAILURE() << type.to_string(); return {Value::null(type)};
  }
}

const std::vector<DataType>& key_types() {
  static const std::vector<DataType> types = [] {
    std::vector<DataType> out{DataType::decimal(10, 2), DataType::decimal(38, 0),
                              DataType::timestamp(TimeUnit::kMicro, "UTC"), DataType::vector(2)};
    for (TypeId id :
         {TypeId::kNull, TypeId::kBool, TypeId::kInt8, TypeId::kInt64, TypeId::kInt64,
          TypeId::kUInt64, TypeId::kFloat32, TypeId::kFloat64, TypeId::kUtf8, TypeId::kUtf8,
          TypeId::kBinary, TypeId::kDate32, TypeId::kTime64, TypeId::kInterval}) {
      out.emplace_back(id);
    }
    return out;
  }();
  return types;
}

// Equal keys have equal texts.
std::string key_text(const Value& value) {
  if (value.is_null()) return "NULL";
  const auto number = [](double v) {
    if (std::isnan(v)) return std::string("nan");
    return std::to_string(v == 0 ? 0.0 : v);
  };
  if (value.type().is_float()) return number(value.as_double());
  if (value.type().id() == TypeId::kInterval) {
    const Interval& i = value.as_interval();
    return std::to_string((i.months * 30LL + i.days) * 86400000000LL + i.micros);
  }
  if (value.type().is_vector()) {
    std::string out;
    for (float v : value.as_vector()) out += number(static_cast<double>(v)) + ",";
    return out;
  }
  return value.to_sql();
}

// --- tables ------------------------------------------------------------------------------------

struct Table {
  Schema schema;
  std::vector<Row> rows;
  PlanPtr plan;
};

ColumnPtr column_of(const std::vector<Row>& rows, size_t begin, size_t end, size_t column,
                    const DataType& type, Random& random) {
  if (type.is_null()) return Column::nulls(type, static_cast<int64_t>(end - begin));
  const auto builder = ColumnBuilder::make(type);
  bool constant = true;
  for (size_t r = begin; r < end; ++r) {
    builder->append_value(rows[r][column]);
    constant = constant && rows[r][column].to_sql() == rows[begin][column].to_sql();
  }
  ColumnPtr flat = builder->finish();
  const auto count = static_cast<int64_t>(end - begin);
  if (constant && random() % 2 == 0) return Column::constant(rows[begin][column], count);
  if (!type.is_string() || random() % 2 == 0) return flat;
  ArrayBuilder<uint32_t> indices;
  for (uint32_t i = 0; i < count; ++i) indices.append(i);
  return Column::dictionary(flat, count, indices.finish(), 0, flat->validity());
}

// Columns: id, the keys, v. Every third row or so has a NULL somewhere. Some tables come through a
// filter, so that chunks have selections.
Table random_table(const std::vector<DataType>& keys, int64_t rows, bool nulls, bool filtered,
                   Random& random) {
  Table table;
  std::vector<Field> fields{{"id", kInt64}};
  for (size_t k = 0; k < keys.size(); ++k) fields.push_back({"k" + std::to_string(k), keys[k]});
  fields.push_back({"v", kInt64});
  table.schema = Schema(fields);
  std::vector<Row> stored;
  for (int64_t r = 0; r < rows; ++r) {
    Row row{Value::int64(r)};
    for (const DataType& type : keys) {
      const auto pool = values_of(type);
      row.push_back(nulls && random() % 5 == 0 ? Value::null(type) : pool[random() % pool.size()]);
    }
    row.push_back(random() % 7 == 0 ? Value::null(kInt64)
                                    : Value::int64(static_cast<int64_t>(random() % 10)));
    stored.push_back(row);
    if (!filtered || random() % 3 != 0) table.rows.push_back(row);
  }
  std::vector<Chunk> chunks;
  for (size_t begin = 0; begin < stored.size();) {
    const size_t end = std::min(stored.size(), begin + 1 + random() % 20);
    Chunk chunk;
    chunk.rows = static_cast<int64_t>(end - begin);
    for (size_t c = 0; c < fields.size(); ++c) {
      chunk.columns.push_back(column_of(stored, begin, end, c, fields[c].type, random));
    }
    chunks.push_back(std::move(chunk));
    begin = end;
  }
  table.plan = ScanPlan::all_columns(
      std::make_shared<MemoryTableSource>(table.schema, std::move(chunks)), "t");
  if (!filtered) return table;
  std::vector<BoundExpressionPtr> any;
  const auto& functions = FunctionRegistry::builtin();
  const auto id = bound_column(0, kInt64, "id");
  for (const Row& row : table.rows)
    any.push_back(functions.bind("=", {id, bound_constant(row[0])}));
  any.push_back(bound_constant(Value::boolean(false)));
  table.plan = std::make_shared<FilterPlan>(table.plan, bound_logic(BoundKind::kOr, any));
  return table;
}

// --- the oracle ----------------------------------------------------------------------------------

struct JoinCase {
  JoinType type = JoinType::kInner;
  std::vector<bool> null_equals_null;  // one for each key
  bool condition = false;              // left.v < right.v
  bool null_aware = false;
};

constexpr const char* kTwoRows = "two rows";

// Nested loops over rows: what logical_plan.h says, word for word.
std::vector<Row> expected_rows(const Table& left, const Table& right, const JoinCase& join) {
  const size_t keys = join.null_equals_null.size();
  const auto matches = [&](const Row& l, const Row& r) {
    for (size_t k = 1; k <= keys; ++k) {
      if ((l[k].is_null() || r[k].is_null()) && !join.null_equals_null[k - 1]) return false;
      if (key_text(l[k]) != key_text(r[k])) return false;
    }
    if (!join.condition) return true;
    const Value& a = l.back();
    const Value& b = r.back();
    return !a.is_null() && !b.is_null() && a.as_int64() < b.as_int64();
  };
  const auto nulls = [](const Schema& schema) {
    Row row;
    for (const Field& field : schema.fields()) row.push_back(Value::null(field.type));
    return row;
  };
  const auto both = [](Row a, const Row& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
  };
  std::vector<Row> out;
  std::vector<bool> met(right.rows.size(), false);
  for (const Row& l : left.rows) {
    std::vector<size_t> found;
    for (size_t r = 0; r < right.rows.size(); ++r) {
      if (!matches(l, right.rows[r])) continue;
      found.push_back(r);
      met[r] = true;
    }
    bool unknown = false;  // x IN (...)
    if (join.null_aware && found.empty() && !right.rows.empty() && !join.null_equals_null[0]) {
      unknown = l[1].is_null();
      for (const Row& r : right.rows) unknown = unknown || r[1].is_null();
    }
    switch (join.type) {
      case JoinType::kSemi:
        if (!found.empty()) out.push_back(l);
        break;
      case JoinType::kAnti:
        if (found.empty() && !unknown) out.push_back(l);
        break;
      case JoinType::kMark: {
        Row row = l;
        row.push_back(unknown ? Value::null(DataType(TypeId::kBool))
                              : Value::boolean(!found.empty()));
        out.push_back(row);
        break;
      }
      case JoinType::kRightSemi:
      case JoinType::kRightAnti: break;
      case JoinType::kSingle:
        if (found.size() > 1) throw std::runtime_error(kTwoRows);
        [[fallthrough]];
      default:
        for (size_t r : found) out.push_back(both(l, right.rows[r]));
        if (found.empty() && join.type != JoinType::kInner && join.type != JoinType::kRight) {
          out.push_back(both(l, nulls(right.schema)));
        }
    }
  }
  for (size_t r = 0; r < right.rows.size(); ++r) {
    if (!met[r] && (join.type == JoinType::kRight || join.type == JoinType::kFull)) {
      out.push_back(both(nulls(left.schema), right.rows[r]));
    }
    if (join.type == JoinType::kRightSemi && met[r]) out.push_back(right.rows[r]);
    if (join.type == JoinType::kRightAnti && !met[r]) out.push_back(right.rows[r]);
  }
  return out;
}

// --- the engine ----------------------------------------------------------------------------------

PlanPtr join_plan(const Table& left, const Table& right, const JoinCase& join) {
  std::vector<JoinKey> keys;
  for (size_t k = 0; k < join.null_equals_null.size(); ++k) {
    const DataType& type = left.schema.field(k + 1).type;
    keys.push_back({bound_column(k + 1, type, "k"), bound_column(k + 1, type, "k"),
                    static_cast<bool>(join.null_equals_null[k])});
    if (type == kInt64) {  // computed keys
      const auto zero = bound_constant(Value::int64(0));
      const auto& functions = FunctionRegistry::builtin();
      keys.back().left = functions.bind("+", {keys.back().left, zero});
      keys.back().right = functions.bind("+", {keys.back().right, zero});
    }
  }
  BoundExpressionPtr condition;
  if (join.condition) {
    condition = FunctionRegistry::builtin().bind(
        "<", {bound_column(left.schema.size() - 1, kInt64, "v"),
              bound_column(left.schema.size() + right.schema.size() - 1, kInt64, "v")});
  }
  return std::make_shared<JoinPlan>(left.plan, right.plan, join.type, keys, condition,
                                    join.null_aware, "mark");
}

struct RunOptions {
  size_t tasks = 1;
  int64_t chunk_rows = kDefaultChunkRows;
  bool equal_hashes = false;
};

std::vector<Chunk> run(const PlanPtr& plan, const RunOptions& options) {
  ThreadPool pool(options.tasks);
  ExecutionContext context;
  context.pool = options.tasks == 1 ? nullptr : &pool;
  context.tasks = options.tasks;
  context.chunk_rows = options.chunk_rows;
  PhysicalOptions physical_options;
  physical_options.equal_hashes_for_tests = options.equal_hashes;
  const PhysicalPlan physical = PhysicalPlan::make(*plan, physical_options);
  PlanExecution execution(physical, context);
  execution.run(nullptr);
  return execution.take_result();
}

std::string row_text(const Row& row) {
  std::string text;
  for (const Value& value : row) text += value.to_sql() + "|";
  return text;
}

std::vector<std::string> row_texts(const std::vector<Chunk>& chunks) {
  std::vector<std::string> out;
  for (const Chunk& chunk : chunks) {
    for (int64_t r = 0; r < chunk.rows; ++r) {
      Row row;
      for (const ColumnPtr& column : chunk.columns) row.push_back(column->value(r));
      out.push_back(row_text(row));
    }
  }
  return out;
}

// Under some columns only, for joins that leave out what nobody reads.
PlanPtr some_columns(const PlanPtr& plan, const std::vector<size_t>& columns) {
  std::vector<BoundExpressionPtr> expressions;
  std::vector<std::string> names;
  for (size_t c : columns) {
    const Field& field = plan->schema().field(c);
    expressions.push_back(bound_column(c, field.type, field.name));
    names.push_back(field.name);
  }
  return std::make_shared<ProjectPlan>(plan, expressions, names);
}

void check_case(const Table& left, const Table& right, const JoinCase& join, Random& random) {
  PlanPtr plan = join_plan(left, right, join);
  std::vector<size_t> columns;
  for (size_t c = 0; c < plan->schema().size(); ++c) {
    if (random() % 3 != 0) columns.push_back(c);
  }
  const bool project = random() % 2 == 0 && !columns.empty();
  if (project) plan = some_columns(plan, columns);
  std::vector<std::string> expected;
  bool refused = false;
  try {
    for (const Row& row : expected_rows(left, right, join)) {
      Row wanted = row;
      if (project) {
        wanted.clear();
        for (size_t c : columns) wanted.push_back(row[c]);
      }
      expected.push_back(row_text(wanted));
    }
  } catch (const std::runtime_error&) {
    refused = true;
  }
  for (const RunOptions& options : std::vector<RunOptions>{{1, 2048, false},
                                                           {1, 3, false},
                                                           {4, 3, false},
                                                           {1, 1, false},
                                                           {4, 2048, true},
                                                           {1, 3, true}}) {
    SCOPED_TRACE(plan->describe() + " tasks " + std::to_string(options.tasks) + " chunk rows " +
                 std::to_string(options.chunk_rows) +
                 (options.equal_hashes ? " equal hashes" : ""));
    try {
      const auto answer = row_texts(run(plan, options));
      ASSERT_FALSE(refused) << "a second match was not refused";
      ASSERT_EQ(answer, expected);
    } catch (const Error& error) {
      ASSERT_TRUE(refused && error.kind() == ErrorKind::kSqlSemantic) << error.message();
    }
  }
}

TEST(JoinTest, AgreesWithNestedLoops) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  Random random(seed);
  for (int round = 0; round < 60; ++round) {
    for (JoinType type : kAllTypes) {
      SCOPED_TRACE(round);
      JoinCase join;
      join.type = type;
      const size_t keys = random() % 4 == 0 ? random() % 4 : 1;
      std::vector<DataType> types;
      for (size_t k = 0; k < keys; ++k) {
        types.push_back(key_types()[random() % key_types().size()]);
        join.null_equals_null.push_back(random() % 4 == 0);
      }
      join.condition = random() % 2 == 0;
      join.null_aware = keys == 1 && !join.condition && random() % 2 == 0 &&
                        (type == JoinType::kMark || type == JoinType::kAnti);
      const auto size = [&] { return static_cast<int64_t>(random() % (random() % 5 ? 30 : 3)); };
      const Table left = random_table(types, size(), random() % 3 != 0, random() % 3 == 0, random);
      const Table right = random_table(types, type == JoinType::kSingle ? size() / 4 : size(),
                                       random() % 3 != 0, random() % 3 == 0, random);
      check_case(left, right, join, random);
      if (HasFatalFailure()) return;
    }
  }
}

// x [NOT] IN (subquery): NULLs on either side, and sides without rows.
TEST(JoinTest, NullAwareJoinsAgreeWithNestedLoops) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  Random random(seed);
  for (int round = 0; round < 100; ++round) {
    JoinCase join;
    join.type = round % 2 == 0 ? JoinType::kMark : JoinType::kAnti;
    join.null_aware = true;
    join.null_equals_null = {round % 10 == 9};
    const DataType type = round % 4 < 2 ? kInt64 : kText;
    const Table left = random_table({type}, 6, true, false, random);
    const Table right = random_table({type}, static_cast<int64_t>(random() % 4), random() % 2 == 0,
                                     random() % 4 == 0, random);
    check_case(left, right, join, random);
    if (HasFatalFailure()) return;
  }
}

// The left side of one join is another, and so is the right one; unmatched rows of both come out.
TEST(JoinTest, JoinsOfJoins) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  Random random(seed);
  for (int round = 0; round < 20; ++round) {
    std::vector<Table> tables;
    for (int t = 0; t < 3; ++t) {
      tables.push_back(
          random_table({kInt64}, static_cast<int64_t>(random() % 12), true, false, random));
    }
    for (JoinType outer : {JoinType::kFull, JoinType::kRight, JoinType::kLeft}) {
      JoinCase join;
      join.type = JoinType::kFull;
      join.null_equals_null = {false};
      Table pair;
      pair.rows = expected_rows(tables[0], tables[1], join);
      pair.plan = join_plan(tables[0], tables[1], join);
      pair.schema = pair.plan->schema();
      join.type = outer;
      check_case(pair, tables[2], join, random);
      check_case(tables[2], pair, join, random);
      if (HasFatalFailure()) return;
    }
  }
}

// The upper join's keys are tested before the lower join sees a row: never for kinds that need the
// rows without a match.
TEST(JoinTest, KeyFiltersChangeNoAnswer) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  Random random(seed);
  for (int round = 0; round < 8; ++round) {
    std::vector<Table> tables;
    const DataType type = round % 2 == 0 ? DataType(TypeId::kDate32) : kText;
    for (int t = 0; t < 3; ++t) {
      tables.push_back(
          random_table({type}, static_cast<int64_t>(random() % 9), true, round % 3 == 0, random));
    }
    for (JoinType inner : kAllTypes) {
      JoinCase join;
      join.type = inner;
      join.null_equals_null = {round % 4 == 0};
      if (!gives_left_columns(inner)) continue;
      Table pair;
      try {
        pair.rows = expected_rows(tables[0], tables[1], join);
      } catch (const std::runtime_error&) {
        continue;
      }
      // The upper join's condition reads the last column as a number.
      std::vector<size_t> first(tables[0].schema.size());
      for (size_t c = 0; c < first.size(); ++c) first[c] = c;
      pair.plan = some_columns(join_plan(tables[0], tables[1], join), first);
      pair.schema = pair.plan->schema();
      for (Row& row : pair.rows) row.resize(first.size());
      for (JoinType outer : kAllTypes) {
        join.type = outer;
        join.condition = random() % 2 == 0;
        check_case(pair, tables[2], join, random);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(JoinTest, ExplainShowsTheKeyFilter) {
  Random random(3);
  const Table t = random_table({kText}, 5, false, false, random);
  JoinCase join;
  join.null_equals_null = {false};
  Table pair;
  pair.plan = some_columns(join_plan(t, t, join), {0, 1, 2});
  pair.schema = pair.plan->schema();
  const auto describe = [](const PlanPtr& plan) {
    return PhysicalPlan::make(*plan, PhysicalOptions()).describe();
  };
  EXPECT_NE(describe(join_plan(pair, t, join)).find("scan t -> key filter of pipeline 0 -> inner"),
            std::string::npos);
  EXPECT_EQ(describe(join_plan(t, pair, join)).find("key filter"), std::string::npos);
  // Groups that nobody asks for are not made.
  std::vector<BoundExpressionPtr> by;
  for (size_t i : {0, 1}) by.push_back(bound_column(i, t.schema.field(i).type, "key"));
  Table groups;
  groups.plan = std::make_shared<AggregatePlan>(t.plan, by, std::vector<std::string>{"id", "k0"},
                                                std::vector<BoundAggregate>{});
  groups.schema = groups.plan->schema();
  EXPECT_NE(describe(join_plan(groups, t, join)).find("scan t -> key filter of pipeline 0 -> agg"),
            std::string::npos);
  join.type = JoinType::kLeft;
  EXPECT_EQ(describe(join_plan(pair, t, join)).find("key filter"), std::string::npos);
  EXPECT_EQ(describe(join_plan(groups, t, join)).find("key filter"), std::string::npos);
}

// --- larger sizes --------------------------------------------------------------------------------

struct LargeTable {
  std::vector<std::string> keys;
  PlanPtr plan;
};

// Columns: id, k. `key` gives a key's number; texts are made of it.
LargeTable large_table(int64_t rows, bool text, const std::function<int64_t()>& key) {
  LargeTable table;
  const DataType type = text ? kText : kInt64;
  const auto builder = ColumnBuilder::make(type);
  FixedBuilder<int64_t> ids(kInt64);
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t k = key();
    table.keys.push_back(std::to_string(k));
    builder->append_value(text ? Value::utf8(table.keys.back()) : Value::int64(k));
    ids.append(r);
  }
  Chunk chunk;
  chunk.rows = rows;
  chunk.columns = {ids.finish(), builder->finish()};
  table.plan =
      ScanPlan::all_columns(std::make_shared<MemoryTableSource>(
                                Schema({{"id", kInt64}, {"k", type}}), std::vector<Chunk>{chunk}),
                            "t");
  return table;
}

// Enough rows for several parts of a hash table, in every layout, unique and not.
TEST(JoinTest, ManyRowsInEveryLayout) {
  Random random(11);
  constexpr int64_t kRight = 150000;
  constexpr int64_t kLeft = 60000;
  for (bool text : {false, true}) {
    for (const int64_t spread : {int64_t{1}, int64_t{40}, int64_t{1} << 40}) {
      for (bool unique : {true, false}) {
        int64_t next = 0;
        const LargeTable right = large_table(kRight, text, [&] {
          return spread *
                 (unique ? next++ * 7919 % kRight : static_cast<int64_t>(random() % (kRight / 3)));
        });
        const LargeTable left = large_table(kLeft, text, [&] {
          return spread * static_cast<int64_t>(random() % (kRight + kRight / 10));
        });
        std::unordered_map<std::string, std::vector<int64_t>> rows;
        for (size_t r = 0; r < right.keys.size(); ++r) {
          rows[right.keys[r]].push_back(static_cast<int64_t>(r));
        }
        std::vector<std::pair<int64_t, int64_t>> expected;
        for (size_t l = 0; l < left.keys.size(); ++l) {
          for (int64_t r : rows[left.keys[l]]) expected.emplace_back(static_cast<int64_t>(l), r);
        }
        const DataType type = text ? kText : kInt64;
        // With another join in between, a filter by the keys is put ahead of both.
        const LargeTable one = large_table(1, false, [] { return 1; });
        const auto joined = [&](const PlanPtr& left_plan, size_t right_id) {
          return some_columns(
              std::make_shared<JoinPlan>(
                  left_plan, right.plan, JoinType::kInner,
                  std::vector<JoinKey>{{bound_column(1, type, "k"), bound_column(1, type, "k")}},
                  nullptr),
              {0, right_id});
        };
        const PlanPtr between = std::make_shared<JoinPlan>(left.plan, one.plan, JoinType::kLeft,
                                                           std::vector<JoinKey>(), nullptr);
        for (size_t tasks : {1, 4, 8}) {
          const PlanPtr plan = tasks == 8 ? joined(between, 4) : joined(left.plan, 2);
          std::vector<std::pair<int64_t, int64_t>> answer;
          for (const Chunk& chunk : run(plan, {tasks, 2048, false})) {
            const ColumnPtr& l = chunk.columns[0];
            const ColumnPtr& r = chunk.columns[1];
            for (int64_t i = 0; i < chunk.rows; ++i) {
              answer.emplace_back(l->values<int64_t>()[i], r->values<int64_t>()[i]);
            }
          }
          ASSERT_TRUE(answer == expected) << "text " << text << " spread " << spread << " unique "
                                          << unique << " tasks " << tasks;
        }
      }
    }
  }
}

std::string layout_of(const std::vector<DataType>& types, const std::vector<Row>& rows) {
  JoinTableInput input;
  input.rows = static_cast<int64_t>(rows.size());
  Random random(1);
  for (size_t k = 0; k < types.size(); ++k) {
    const auto builder = ColumnBuilder::make(types[k]);
    for (const Row& row : rows) builder->append_value(row[k]);
    input.keys.push_back(builder->finish());
    input.null_equals_null.push_back(false);
  }
  SharedReservation reservation(nullptr, "test");
  return std::string(JoinTable::make(std::move(input), reservation, ExecutionContext())->layout());
}

TEST(JoinTableTest, PicksALayoutByTheKeys) {
  const auto i = [](int64_t v) { return Value::int64(v); };
  const int64_t far = int64_t{1} << 40;
  EXPECT_EQ(layout_of({}, {{}, {}}), "every row");
  EXPECT_EQ(layout_of({kInt64}, {{i(far)}, {i(far + 1000)}}), "range");
  EXPECT_EQ(layout_of({kInt64}, {{i(0)}, {i(1 << 20)}}), "ranks");
  EXPECT_EQ(layout_of({kInt64}, {{i(0)}, {i(far)}}), "words");
  EXPECT_EQ(layout_of({kInt64, kInt64}, {{i(0), i(-5)}, {i(100), i(5)}}), "range");
  EXPECT_EQ(layout_of({kInt64, kInt64}, {{i(0), i(0)}, {i(1 << 20), i(1 << 30)}}), "words");
  EXPECT_EQ(layout_of({kInt64, kInt64}, {{i(0), i(0)}, {i(far), i(far)}}), "rows");
  EXPECT_EQ(layout_of({kFloat64}, {{Value::float64(-0.0)}, {Value::float64(2)}}), "words");
  EXPECT_EQ(layout_of({kText}, {{Value::utf8("a")}}), "rows");
  const DataType narrow = DataType::decimal(10, 2);
  EXPECT_EQ(layout_of({narrow}, {{Value::decimal(narrow, 1)}, {Value::decimal(narrow, 9)}}),
            "range");
  const DataType wide = DataType::decimal(38, 0);
  const Int128 large = static_cast<Int128>(1) << 90;
  EXPECT_EQ(layout_of({wide}, {{Value::decimal(wide, -large)}, {Value::decimal(wide, large)}}),
            "rows");
}

PlanPtr cross_join(int64_t rows, const char* comparison) {
  const LargeTable side = large_table(rows, false, [] { return 1; });
  return std::make_shared<JoinPlan>(
      side.plan, side.plan, JoinType::kInner, std::vector<JoinKey>(),
      FunctionRegistry::builtin().bind(
          comparison, {bound_column(1, kInt64, "k"), bound_column(3, kInt64, "k")}));
}

TEST(JoinTest, AnInterruptStopsALongNestedLoop) {
  const PhysicalPlan physical = PhysicalPlan::make(*cross_join(200000, "<"), PhysicalOptions());
  for (size_t tasks : {1, 3}) {
    ThreadPool pool(tasks);
    ExecutionContext context;
    context.pool = tasks == 1 ? nullptr : &pool;
    context.tasks = tasks;
    const auto begin = std::chrono::steady_clock::now();
    const auto stop_at = begin + std::chrono::milliseconds(200);
    context.interrupt_check = [stop_at] {
      if (std::chrono::steady_clock::now() > stop_at) {
        throw Error(ErrorKind::kCancelled, "interrupted");
      }
    };
    PlanExecution execution(physical, context);
    try {
      execution.run(nullptr);
      FAIL() << "it ended";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kCancelled);
    }
    // The whole takes minutes.
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(3));
  }
}

// Without keys there is nothing to deal rows to parts by.
TEST(JoinTest, TheHashTableIsHeldAgainstTheMemoryLimit) {
  const LargeTable side = large_table(200000, true, [n = int64_t{0}]() mutable { return n++; });
  const PlanPtr plan = std::make_shared<JoinPlan>(side.plan, side.plan, JoinType::kInner,
                                                  std::vector<JoinKey>(), nullptr);
  const PhysicalPlan physical = PhysicalPlan::make(*plan, PhysicalOptions());
  ExecutionContext context;
  context.budget = std::make_shared<MemoryBudget>(5 << 20);
  try {
    PlanExecution(physical, context).run(nullptr);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kResource);
    EXPECT_NE(error.message().find("the hash table of JOIN"), std::string::npos) << error.message();
  }
  EXPECT_EQ(context.budget->used_bytes(), 0u);
}

TEST(JoinTest, ABuildSideThatDoesNotFitGoesOverTheDisk) {
  const LargeTable side = large_table(200000, true, [n = int64_t{0}]() mutable { return n++; });
  const PlanPtr plan = std::make_shared<JoinPlan>(
      side.plan, side.plan, JoinType::kSemi,
      std::vector<JoinKey>{{bound_column(1, kText, "k"), bound_column(1, kText, "k")}}, nullptr);
  const PhysicalPlan physical = PhysicalPlan::make(*plan, PhysicalOptions());
  ExecutionProfile profile;
  ExecutionContext context;
  context.profile = &profile;
  context.budget = std::make_shared<MemoryBudget>(5 << 20);
  {
    PlanExecution execution(physical, context);
    execution.run(nullptr);
    int64_t rows = 0;
    for (const Chunk& chunk : execution.take_result()) rows += chunk.rows;
    EXPECT_EQ(rows, 200000);
  }
  EXPECT_GT(profile.pipelines[0].spilled_bytes, 0u);
  EXPECT_LE(context.budget->peak_bytes(), uint64_t{5} << 20);
  EXPECT_EQ(context.budget->used_bytes(), 0u);
}

}  // namespace
}  // namespace velaria
