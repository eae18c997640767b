#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <random>

#include "src/base/error.h"
#include "src/base/thread_pool.h"
#include "src/column/builder.h"
#include "src/exec/aggregate/accumulator.h"
#include "src/exec/aggregate/group_order.h"
#include "src/exec/aggregate/group_table.h"
#include "src/exec/physical_plan.h"
#include "src/expr/aggregate_registry.h"
#include "src/io/memory/memory_table_source.h"
#include "src/plan/logical_plan.h"
#include "src/sql/group_binder.h"

namespace velaria {
namespace {

const DataType kInt64(TypeId::kInt64);
const DataType kFloat64(TypeId::kFloat64);
const DataType kText(TypeId::kUtf8);

ColumnPtr doubles(const std::vector<double>& values) {
  FixedBuilder<double> builder(kFloat64);
  for (double value : values) builder.append(value);
  return builder.finish();
}

TEST(GroupTableTest, PicksALayoutByTheKeys) {
  EXPECT_EQ(GroupTable::make({kInt64})->layout(), "word");
  EXPECT_EQ(GroupTable::make({kText})->layout(), "text");
  EXPECT_EQ(GroupTable::make({kInt64, kText})->layout(), "codes");
  EXPECT_EQ(GroupTable::make({DataType::decimal(10, 2)})->layout(), "bytes");
}

TEST(GroupTableTest, NaNsAreOneKeyAndZerosAreOneKey) {
  for (bool second_key : {false, true}) {
    std::vector<DataType> types{kFloat64};
    std::vector<ColumnPtr> keys{
        doubles({0.0, -0.0, std::nan("1"), -std::nan("2"), 1.5, std::nan("")})};
    if (second_key) {
      types.push_back(kFloat64);
      keys.push_back(doubles({1, 1, 1, 1, 1, 1}));
    }
    const auto table = GroupTable::make(types);
    std::vector<uint32_t> ids(6);
    table->find_or_add(keys, 6, ids.data());
    EXPECT_EQ(ids, (std::vector<uint32_t>{0, 0, 1, 1, 2, 1}));
  }
}

// Every layout against a map, with NULLs, long and short texts, and several growths.
TEST(GroupTableTest, AgreesWithAMap) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (int layout = 0; layout < 3; ++layout) {
    const std::vector<DataType> types =
        layout == 0
            ? std::vector<DataType>{kInt64}
            : (layout == 1 ? std::vector<DataType>{kText} : std::vector<DataType>{kText, kInt64});
    const auto table = GroupTable::make(types);
    std::map<std::string, uint32_t> expected;
    std::vector<std::string> order;
    for (int chunk = 0; chunk < 30; ++chunk) {
      const int64_t rows = 500;
      std::vector<ColumnPtr> keys;
      std::vector<std::string> texts(static_cast<size_t>(rows));
      for (const DataType& type : types) {
        auto builder = ColumnBuilder::make(type);
        for (int64_t i = 0; i < rows; ++i) {
          const uint64_t pick = random() % 3000;
          Value value = Value::null(type);
          if (pick > 5) {
            value = type == kInt64
                        ? Value::int64(static_cast<int64_t>(pick) - 1500)
                        : Value::utf8(std::string(pick % 30, 'x') + std::to_string(pick));
          }
          texts[static_cast<size_t>(i)] += value.to_sql() + "|";
          builder->append_value(value);
        }
        keys.push_back(builder->finish());
      }
      std::vector<uint32_t> ids(static_cast<size_t>(rows));
      table->find_or_add(keys, rows, ids.data());
      for (size_t i = 0; i < texts.size(); ++i) {
        const auto [found, added] =
            expected.emplace(texts[i], static_cast<uint32_t>(expected.size()));
        if (added) order.push_back(texts[i]);
        ASSERT_EQ(ids[i], found->second) << texts[i];
      }
    }
    ASSERT_EQ(table->size(), expected.size());
    std::vector<uint32_t> all(table->size());
    for (uint32_t i = 0; i < table->size(); ++i) all[i] = i;
    const auto keys = table->keys(all.data(), table->size());
    for (uint32_t i = 0; i < table->size(); ++i) {
      std::string text;
      for (const ColumnPtr& key : keys) text += key->value(i).to_sql() + "|";
      ASSERT_EQ(text, order[i]);
    }
  }
}

// Keys of one type in several manners; each manner brings another layout into play.
ColumnPtr keys_of(const DataType& type, int manner, int64_t chunk, int64_t rows,
                  std::mt19937_64* random) {
  auto builder = ColumnBuilder::make(type);
  for (int64_t i = 0; i < rows; ++i) {
    const uint64_t pick = (*random)();
    int64_t number = 0;
    switch (manner) {
      case 0: number = static_cast<int64_t>(pick % 50); break;
      case 1: number = chunk * 1000 + static_cast<int64_t>(pick % 3000); break;   // upwards
      case 2: number = -chunk * 1000 - static_cast<int64_t>(pick % 3000); break;  // downwards
      case 3:
        number = static_cast<int64_t>(pick);
        break;  // anywhere
      // Close together first, then far away.
      case 4: number = static_cast<int64_t>(chunk < 10 ? pick % 1000 : pick >> 20); break;
      // Too far apart for the first rows, but not for all.
      case 5: number = static_cast<int64_t>(pick % 1200000); break;
      default:
        number = pick % 2 == 0
                     ? std::numeric_limits<int64_t>::min() + static_cast<int64_t>(pick % 7)
                     : std::numeric_limits<int64_t>::max() - static_cast<int64_t>(pick % 7);
    }
    if (manner != 1 && pick % 97 == 0) {
      builder->append_null();
    } else if (type == kText) {
      builder->append_value(Value::utf8("key " + std::to_string(number)));
    } else if (type == kFloat64) {
      builder->append_value(Value::float64(static_cast<double>(number) / 4));
    } else if (type.is_unsigned_integer()) {
      builder->append_value(Value::unsigned_integral(type, static_cast<uint64_t>(number)));
    } else {
      builder->append_value(Value::integral(type, number));
    }
  }
  return builder->finish();
}

std::string keys_text(const GroupTable& table) {
  std::vector<uint32_t> all(table.size());
  for (uint32_t i = 0; i < table.size(); ++i) all[i] = i;
  std::string text;
  for (const ColumnPtr& key : table.keys(all.data(), table.size())) {
    for (uint32_t i = 0; i < table.size(); ++i) text += key->value(i).to_sql() + "|";
  }
  return text;
}

// find_or_add_each() is find_or_add() with one value after the other, and a table that was cleared
// numbers groups as a new one does.
TEST(GroupTableTest, EachValueAndClearedTables) {
  std::mt19937_64 random(11);
  const std::vector<std::vector<DataType>> shapes{{kInt64},
                                                  {kText},
                                                  {kInt64, kInt64},
                                                  {kInt64, kText},
                                                  {kText, kInt64, DataType::decimal(20, 0)},
                                                  std::vector<DataType>(17, kInt64)};
  for (const auto& shape : shapes) {
    SCOPED_TRACE(std::to_string(shape.size()) + " keys");
    auto table = GroupTable::make(shape);
    bool was_cleared = false;
    for (int epoch = 0; epoch < 6; ++epoch) {
      const auto expected = GroupTable::make(shape);
      for (int step = 0; step < 8; ++step) {
        const auto rows = static_cast<int64_t>(1 + random() % 300);
        // Now few values and now so many that codes need more room.
        const int64_t most = step % 3 == 0 ? 400 : 20;
        const auto column = [&](const DataType& type, int64_t count) {
          auto builder = ColumnBuilder::make(type);
          for (int64_t i = 0; i < count; ++i) {
            const auto pick = static_cast<int64_t>(random() % static_cast<uint64_t>(most));
            if (pick == 7) {
              builder->append_null();
            } else if (type == kText) {
              builder->append_value(
                  Value::utf8("a text that is long enough " + std::to_string(pick)));
            } else if (type == kInt64) {
              builder->append_value(Value::int64(pick - 3));
            } else {
              builder->append_value(Value::decimal(type, static_cast<Int128>(pick)));
            }
          }
          return builder->finish();
        };
        std::vector<ColumnPtr> keys;
        for (const DataType& type : shape) keys.push_back(column(type, rows));
        const size_t each = random() % shape.size();
        const ColumnPtr values = column(shape[each], static_cast<int64_t>(random() % 9));
        std::vector<uint32_t> ids(static_cast<size_t>(rows * values->length()));
        std::vector<uint32_t> wanted(ids.size());
        table->find_or_add_each(keys, rows, each, values, ids.data());
        for (int64_t v = 0; v < values->length(); ++v) {
          keys[each] = Column::constant(values->value(v), rows);
          expected->find_or_add(keys, rows, wanted.data() + v * rows);
        }
        ASSERT_EQ(ids, wanted);
      }
      ASSERT_EQ(keys_text(*table), keys_text(*expected));
      if (table->clear()) {
        was_cleared = true;
        ASSERT_EQ(table->size(), 0u);
      } else {
        table = GroupTable::make(shape);
      }
    }
    if (shape.size() == 2) {
      EXPECT_TRUE(was_cleared);
    }
  }
}

// Every layout gives the groups that the general one gives, also when tables are merged.
TEST(GroupTableTest, LayoutsAgreeWithTheGeneralOne) {
  const DataType uint64(TypeId::kUInt64);
  const std::vector<std::vector<DataType>> shapes{{kInt64},
                                                  {uint64},
                                                  {kFloat64},
                                                  {kText},
                                                  {kInt64, kInt64},
                                                  {kText, kInt64, DataType::decimal(20, 0)},
                                                  {kText, kText, kFloat64, uint64},
                                                  std::vector<DataType>(17, kInt64)};
  std::mt19937_64 random(5);
  for (const auto& shape : shapes) {
    for (int manner = 0; manner < 7; ++manner) {
      SCOPED_TRACE(std::to_string(shape.size()) + " keys, manner " + std::to_string(manner));
      GroupTableOptions general;
      general.general_layouts = true;
      const auto expected = GroupTable::make(shape, general);
      const auto table = GroupTable::make(shape);
      const auto other = GroupTable::make(shape);
      const int64_t rows = shape.size() > 4 ? 100 : 900;
      std::vector<uint32_t> ids(static_cast<size_t>(rows));
      std::vector<uint32_t> expected_ids(ids.size());
      for (int64_t chunk = 0; chunk < 40; ++chunk) {
        std::vector<ColumnPtr> keys;
        for (size_t k = 0; k < shape.size(); ++k) {
          if (shape[k].id() == TypeId::kDecimal128) {
            FixedBuilder<Int128> builder(shape[k]);
            for (int64_t i = 0; i < rows; ++i) builder.append(static_cast<Int128>(random() % 5));
            keys.push_back(builder.finish());
          } else if (chunk % 8 == 7 && k == 0) {
            keys.push_back(Column::constant(Value::null(shape[k]), rows));
          } else {
            keys.push_back(keys_of(shape[k], k > 1 ? 0 : manner, chunk, rows, &random));
          }
        }
        table->find_or_add(keys, rows, ids.data());
        expected->find_or_add(keys, rows, expected_ids.data());
        ASSERT_EQ(ids, expected_ids) << chunk;
        if (chunk % 3 == 0) other->find_or_add(keys, rows, ids.data());
      }
      ASSERT_EQ(table->size(), expected->size());
      ASSERT_EQ(keys_text(*table), keys_text(*expected));

      // What `other` has is all in `table`: merged, nothing comes new, and keys stay themselves.
      std::vector<uint32_t> all(other->size());
      for (uint32_t i = 0; i < other->size(); ++i) all[i] = i;
      std::vector<uint32_t> to(all.size());
      const auto merged = GroupTable::make(shape);
      merged->find_or_add_groups(*table, to.data(), 0, to.data());
      merged->find_or_add_groups(*other, all.data(), other->size(), to.data());
      ASSERT_EQ(to, all);
      ASSERT_EQ(keys_text(*merged), keys_text(*other));
      table->find_or_add_groups(*other, all.data(), other->size(), to.data());
      ASSERT_EQ(table->size(), expected->size());
      const auto taken = table->keys(to.data(), other->size());
      const auto wanted = other->keys(all.data(), other->size());
      for (size_t k = 0; k < taken.size(); ++k) {
        for (uint32_t i = 0; i < other->size(); ++i) {
          ASSERT_EQ(taken[k]->value(i), wanted[k]->value(i));
        }
      }

      // Hashes agree between tables of one layout.
      table->make_general();
      other->make_general();
      const std::vector<uint64_t> hashes = table->hashes();
      const std::vector<uint64_t> other_hashes = other->hashes();
      ASSERT_EQ(hashes.size(), table->size());
      for (uint32_t i = 0; i < other->size(); ++i) ASSERT_EQ(other_hashes[i], hashes[to[i]]);
      ASSERT_EQ(keys_text(*table), keys_text(*expected));
    }
  }
}

TEST(GroupTableTest, CodesOfTwoTablesHaveEqualHashes) {
  std::mt19937_64 random(6);
  const auto a = GroupTable::make({kText, kInt64});
  const auto b = GroupTable::make({kText, kInt64});
  std::vector<uint32_t> ids(500);
  for (const auto* table : {&a, &b}) {
    for (int64_t chunk = 0; chunk < 5; ++chunk) {
      (*table)->find_or_add(
          {keys_of(kText, 0, chunk, 500, &random), keys_of(kInt64, 0, chunk, 500, &random)}, 500,
          ids.data());
    }
  }
  ASSERT_EQ(a->layout(), "codes");
  std::vector<uint32_t> all(b->size());
  for (uint32_t i = 0; i < b->size(); ++i) all[i] = i;
  std::vector<uint32_t> to(all.size());
  const std::vector<uint64_t> hashes_of_b = b->hashes();
  a->find_or_add_groups(*b, all.data(), b->size(), to.data());
  const std::vector<uint64_t> hashes = a->hashes();
  for (uint32_t i = 0; i < b->size(); ++i) EXPECT_EQ(hashes_of_b[i], hashes[to[i]]);
}

TEST(GroupTableTest, EqualHashesCostTimeOnly) {
  GroupTableOptions options;
  options.equal_hashes = true;
  std::mt19937_64 random(8);
  for (const auto& shape :
       {std::vector<DataType>{kInt64}, std::vector<DataType>{kText},
        std::vector<DataType>{kText, kInt64}, std::vector<DataType>{DataType::decimal(9, 0)}}) {
    for (bool general : {false, true}) {
      options.general_layouts = general;
      const auto table = GroupTable::make(shape, options);
      const auto usual = GroupTable::make(shape);
      std::vector<uint32_t> ids(300);
      std::vector<uint32_t> expected(300);
      for (int64_t chunk = 0; chunk < 4; ++chunk) {
        std::vector<ColumnPtr> keys;
        for (const DataType& type : shape) {
          if (type.id() == TypeId::kDecimal128) {
            FixedBuilder<Int128> builder(type);
            for (int i = 0; i < 300; ++i) builder.append(static_cast<Int128>(random() % 40));
            keys.push_back(builder.finish());
          } else {
            keys.push_back(keys_of(type, 3, chunk, 300, &random));
          }
        }
        table->find_or_add(keys, 300, ids.data());
        usual->find_or_add(keys, 300, expected.data());
        ASSERT_EQ(ids, expected);
      }
    }
  }
}

TEST(GroupOrderTest, SortsByPositionWhateverTheBits) {
  std::mt19937_64 random(9);
  for (size_t count : {size_t{0}, size_t{1}, size_t{100}, size_t{5000}, size_t{70000}}) {
    for (int shift : {0, 20, 40}) {
      std::vector<GroupRef> groups;
      for (size_t i = 0; i < count; ++i) {
        groups.push_back({(random() >> shift) * 2, 1, static_cast<uint32_t>(i)});
      }
      std::vector<GroupRef> expected = groups;
      const auto before = [](const GroupRef& a, const GroupRef& b) {
        return a.position < b.position;
      };
      std::stable_sort(expected.begin(), expected.end(), before);
      sort_by_position(&groups);
      for (size_t i = 0; i < count; ++i) ASSERT_EQ(groups[i].position, expected[i].position);
    }
  }
}

TEST(GroupOrderTest, MergesTablesWhateverTheirOrder) {
  std::mt19937_64 random(10);
  for (size_t table_count : {size_t{1}, size_t{2}, size_t{4}, size_t{9}}) {
    for (uint64_t stray_one_in : {2u, 100u, 100000u}) {
      std::vector<LargeVector<uint64_t>> positions(table_count);
      std::vector<std::vector<uint32_t>> left_out(table_count);
      std::vector<uint64_t> expected;
      for (uint64_t position = 10000; position < 30000; ++position) {
        const size_t t = random() % table_count;
        const bool stray = random() % stray_one_in == 0;
        const uint64_t value = stray ? position - 10000 : position;
        if (random() % 50 == 0) {
          left_out[t].push_back(static_cast<uint32_t>(positions[t].size()));
        } else {
          expected.push_back(value);
        }
        positions[t].push_back(value);
      }
      std::sort(expected.begin(), expected.end());
      std::vector<TableGroups> tables;
      for (size_t t = 0; t < table_count; ++t) tables.push_back({&positions[t], &left_out[t]});
      const std::vector<GroupRef> groups = groups_in_order(tables);
      ASSERT_EQ(groups.size(), expected.size());
      for (size_t i = 0; i < groups.size(); ++i) {
        ASSERT_EQ(groups[i].position, expected[i]);
        ASSERT_EQ(positions[groups[i].table][groups[i].group], expected[i]);
      }
    }
  }
}

BoundAggregate aggregate_over(const char* name, const DataType& type) {
  return sql::make_bound_aggregate(name, bound_column(0, type, "x"));
}

TEST(AccumulatorTest, FloatSumsDoNotDependOnTheOrder) {
  // Naive summation loses every small value beside 1e16.
  std::vector<double> values{1e16, -1e16};
  for (int i = 0; i < 1000; ++i) values.push_back(0.1 * i);
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  double first = 0;
  for (int round = 0; round < 20; ++round) {
    std::shuffle(values.begin(), values.end(), random);
    auto whole = Accumulator::make(aggregate_over("sum", kFloat64));
    auto part = Accumulator::make(aggregate_over("sum", kFloat64));
    whole->grow(1);
    part->grow(1);
    const size_t cut = random() % values.size();
    const ColumnPtr column = doubles(values);
    whole->add(column->slice(0, static_cast<int64_t>(cut)), nullptr, static_cast<int64_t>(cut));
    const auto rest = static_cast<int64_t>(values.size() - cut);
    part->add(column->slice(static_cast<int64_t>(cut), rest), nullptr, rest);
    const uint32_t zero = 0;
    whole->merge(*part, &zero, &zero, 1);
    const double sum = whole->result(&zero, 1)->value(0).as_double();
    if (round == 0) first = sum;
    EXPECT_EQ(sum, first);
  }
  EXPECT_NEAR(first, 49950.0, 1e-9);
}

TEST(AccumulatorTest, InfinitiesAndNaNStayThemselves) {
  const double inf = std::numeric_limits<double>::infinity();
  const uint32_t zero = 0;
  const auto sum_of = [&](const std::vector<double>& values) {
    auto sum = Accumulator::make(aggregate_over("sum", kFloat64));
    sum->grow(1);
    sum->add(doubles(values), nullptr, static_cast<int64_t>(values.size()));
    return sum->result(&zero, 1)->value(0).as_double();
  };
  EXPECT_EQ(sum_of({1, inf, 2}), inf);
  EXPECT_EQ(sum_of({1, -inf, 2, 3, 4, 5, 6, 7, 8, 9, 10}), -inf);
  EXPECT_TRUE(std::isnan(sum_of({inf, -inf})));
  EXPECT_TRUE(std::isnan(sum_of({1, std::nan("")})));
}

TEST(AccumulatorTest, IntegerSumOverflowsOnlyWhenTheTotalDoes) {
  const int64_t most = std::numeric_limits<int64_t>::max();
  const uint32_t zero = 0;
  auto sum = Accumulator::make(aggregate_over("sum", kInt64));
  sum->grow(1);
  FixedBuilder<int64_t> builder(kInt64);
  for (int64_t value : {most, most, -most}) builder.append(value);
  sum->add(builder.finish(), nullptr, 3);
  EXPECT_EQ(sum->result(&zero, 1)->value(0).as_int64(), most);
  builder.append(1);
  sum->add(builder.finish(), nullptr, 1);
  try {
    sum->result(&zero, 1);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kTypeMismatch);
  }
}

// State written down and read back goes on as if nothing had happened.
TEST(AccumulatorTest, StateGoesOnAfterRestore) {
  for (const char* name : {"sum", "avg", "min", "max", "count"}) {
    for (const DataType& type : {kFloat64, kInt64, kText}) {
      if (type == kText && (std::string(name) == "sum" || std::string(name) == "avg")) continue;
      auto builder = ColumnBuilder::make(type);
      for (int i = 0; i < 40; ++i) {
        if (i % 7 == 0) {
          builder->append_null();
        } else if (type == kText) {
          builder->append_value(Value::utf8(std::string(static_cast<size_t>(i), 'a' + i % 5)));
        } else {
          builder->append_value(type == kInt64 ? Value::int64(i * 37 % 11)
                                               : Value::float64(i * 0.1));
        }
      }
      const ColumnPtr column = builder->finish();
      std::vector<uint32_t> ids;
      for (uint32_t i = 0; i < 40; ++i) ids.push_back(i % 3);
      const std::vector<uint32_t> groups{0, 1, 2, 3};
      auto straight = Accumulator::make(aggregate_over(name, type));
      straight->grow(4);
      straight->add(column, ids.data(), 40);
      auto before = Accumulator::make(aggregate_over(name, type));
      before->grow(4);
      before->add(column->slice(0, 25), ids.data(), 25);
      auto after = Accumulator::make(aggregate_over(name, type));
      after->restore(before->state(groups.data(), 4));
      after->add(column->slice(25, 15), ids.data() + 25, 15);
      for (int64_t g = 0; g < 4; ++g) {
        EXPECT_EQ(straight->result(groups.data(), 4)->value(g).to_sql(),
                  after->result(groups.data(), 4)->value(g).to_sql())
            << name << " " << type.to_string() << " group " << g;
      }
    }
  }
}

std::string answer_of(const LogicalPlan& plan, const PhysicalOptions& options, size_t tasks,
                      int64_t chunk_rows) {
  const PhysicalPlan physical = PhysicalPlan::make(plan, options);
  ThreadPool pool(tasks);
  ExecutionContext context;
  context.pool = tasks == 1 ? nullptr : &pool;
  context.tasks = tasks;
  context.chunk_rows = chunk_rows;
  PlanExecution execution(physical, context);
  std::string text;
  // Twice: nothing of the first run may be left in the second.
  for (int run = 0; run < 2; ++run) {
    execution.run(nullptr);
    text.clear();
    for (const Chunk& out : execution.take_result()) {
      for (int64_t row = 0; row < out.rows; ++row) {
        for (const ColumnPtr& column : out.columns) text += column->value(row).to_sql() + ",";
        text += "\n";
      }
    }
  }
  return text;
}

// Rows that stay in their chunks against tables of groups: a few keys come again, near and far.
TEST(AggregateTest, NearlyUniqueKeysComeOutAsFromTables) {
  const DataType decimal = DataType::decimal(20, 2);
  std::mt19937_64 random(13);
  const int64_t rows = 6000;
  std::vector<std::unique_ptr<ColumnBuilder>> builders;
  const std::vector<Field> fields{{"i", kInt64},   {"t", kText},  {"f", kFloat64}, {"d", decimal},
                                  {"v", kFloat64}, {"n", kInt64}, {"s", kText},    {"m", decimal}};
  for (const Field& field : fields) builders.push_back(ColumnBuilder::make(field.type));
  std::vector<Value> last;
  for (int64_t i = 0; i < rows; ++i) {
    const bool again = !last.empty() && (random() % 120 == 0 || i == rows - 1);
    if (!again && (i < 2 || random() % 10 == 0)) last.clear();
    std::vector<Value> keys{Value::int64(i), Value::utf8("a rather long key " + std::to_string(i)),
                            Value::float64(static_cast<double>(i) / 3), Value::decimal(decimal, i)};
    if (i % 1000 == 3)
      keys = {Value::null(kInt64), Value::null(kText), Value::float64(-0.0), Value::null(decimal)};
    if (i % 1000 == 5)
      keys = {Value::null(kInt64), Value::null(kText), Value::float64(0.0), Value::null(decimal)};
    if (i % 1000 == 7)
      keys = {Value::int64(-1), Value::utf8(""), Value::float64(-std::nan("3")),
              Value::decimal(decimal, -1)};
    if (again) keys = last;
    if (last.empty()) last = keys;
    for (size_t k = 0; k < 4; ++k) builders[k]->append_value(keys[k]);
    const bool null = random() % 5 == 0;
    builders[4]->append_value(null ? Value::null(kFloat64) : Value::float64(0.1 * (i % 100)));
    builders[5]->append_value(null ? Value::null(kInt64) : Value::int64(i - 3000));
    builders[6]->append_value(
        Value::utf8("a value that is long " + std::to_string(random() % 1000)));
    builders[7]->append_value(Value::decimal(decimal, static_cast<Int128>(random() % 100000)));
  }
  Chunk chunk;
  chunk.rows = rows;
  for (const auto& builder : builders) chunk.columns.push_back(builder->finish());
  const auto source =
      std::make_shared<MemoryTableSource>(Schema(fields), std::vector<Chunk>{chunk});
  const auto column = [&](size_t i) { return bound_column(i, fields[i].type, fields[i].name); };
  std::vector<BoundAggregate> aggregates{sql::make_bound_aggregate("count", nullptr)};
  for (const char* name : {"count", "sum", "avg", "min", "max"}) {
    for (size_t i : {4u, 5u, 7u}) {
      aggregates.push_back(sql::make_bound_aggregate(name, column(i)));
    }
  }
  aggregates.push_back(sql::make_bound_aggregate("min", column(6)));
  for (const std::vector<size_t>& key_columns :
       {std::vector<size_t>{0}, std::vector<size_t>{1}, std::vector<size_t>{2},
        std::vector<size_t>{3}, std::vector<size_t>{0, 1, 2, 3}}) {
    std::vector<BoundExpressionPtr> keys;
    std::vector<std::string> names;
    for (size_t k : key_columns) {
      keys.push_back(column(k));
      names.push_back(fields[k].name);
    }
    const PlanPtr plan = std::make_shared<AggregatePlan>(ScanPlan::all_columns(source, "t"), keys,
                                                         names, aggregates);
    PhysicalOptions tables;
    tables.aggregate.table.general_layouts = true;
    const std::string expected = answer_of(*plan, tables, 1, 2048);
    EXPECT_GT(expected.size(), 300000u);
    for (size_t tasks : {1, 4}) {
      for (int64_t chunk_rows : {3, 2048}) {
        // The choice falls at once, in the middle, or for some tasks never.
        for (int64_t before_choice : {1, 700, 2500}) {
          PhysicalOptions by_rows;
          by_rows.aggregate.rows_before_choice = before_choice;
          ASSERT_TRUE(answer_of(*plan, by_rows, tasks, chunk_rows) == expected)
              << key_columns.size() << " keys, " << tasks << " tasks, " << chunk_rows;
        }
      }
    }
    PhysicalOptions equal_hashes;
    equal_hashes.equal_hashes_for_tests = true;
    equal_hashes.aggregate.rows_before_choice = 100;
    ASSERT_TRUE(answer_of(*plan, equal_hashes, 2, 100) == expected);
  }
}

// Behind the choice whole chunks have no new key.
TEST(AggregateTest, KeysThatAllComeAgainAddToTheirFirstRows) {
  const int64_t different = 3000;
  FixedBuilder<int64_t> keys(kInt64);
  FixedBuilder<double> values(kFloat64);
  for (int64_t i = 0; i < 3 * different; ++i) {
    keys.append(i * 7 % different);
    values.append(static_cast<double>(i) / 7);
  }
  Chunk chunk;
  chunk.rows = 3 * different;
  chunk.columns = {keys.finish(), values.finish()};
  const auto source = std::make_shared<MemoryTableSource>(Schema({{"k", kInt64}, {"v", kFloat64}}),
                                                          std::vector<Chunk>{chunk});
  std::vector<BoundAggregate> aggregates{sql::make_bound_aggregate("count", nullptr)};
  for (const char* name : {"count", "sum", "avg", "min", "max"}) {
    aggregates.push_back(sql::make_bound_aggregate(name, bound_column(1, kFloat64, "v")));
  }
  const PlanPtr plan =
      std::make_shared<AggregatePlan>(ScanPlan::all_columns(source, "t"),
                                      std::vector<BoundExpressionPtr>{bound_column(0, kInt64, "k")},
                                      std::vector<std::string>{"k"}, aggregates);
  PhysicalOptions tables;
  tables.aggregate.table.general_layouts = true;
  const std::string expected = answer_of(*plan, tables, 1, 2048);
  for (size_t tasks : {1, 4}) {
    for (int64_t chunk_rows : {3, 500, 2048}) {
      PhysicalOptions by_rows;
      by_rows.aggregate.rows_before_choice = 100;
      EXPECT_TRUE(answer_of(*plan, by_rows, tasks, chunk_rows) == expected)
          << tasks << " tasks, " << chunk_rows;
    }
  }
}

// Groups whose results are worked out before anybody reads them.
TEST(AggregateTest, GroupsOfVeryManyValuesComeOutTheSame) {
  const DataType utf8(TypeId::kUtf8);
  const int64_t rows = 90'000;
  constexpr int64_t kKeys = 4;
  FixedBuilder<int64_t> keys(kInt64);
  StringBuilder texts;
  std::vector<std::string> joined(kKeys);
  for (int64_t i = 0; i < rows; ++i) {
    // The last key comes once.
    const int64_t key = i == 70'000 ? kKeys - 1 : i * 7919 % (kKeys - 1);
    const std::string text = "text " + std::to_string(i * 7919 % rows);
    keys.append(key);
    texts.append(text);
    auto& of_key = joined[static_cast<size_t>(key)];
    of_key += (of_key.empty() ? "" : ",") + text;
  }
  Chunk chunk;
  chunk.rows = rows;
  chunk.columns = {keys.finish(), texts.finish()};
  const auto source = std::make_shared<MemoryTableSource>(Schema({{"k", kInt64}, {"t", utf8}}),
                                                          std::vector<Chunk>{chunk});
  const auto text = bound_column(1, utf8, "t");
  AggregateCall distinct;
  distinct.name = "count";
  distinct.distinct = true;
  distinct.arguments = {text};
  const std::vector<BoundAggregate> aggregates{
      sql::make_bound_aggregate("string_agg", text), sql::make_bound_aggregate("mode", text),
      AggregateRegistry::builtin().bind(distinct), sql::make_bound_aggregate("count", nullptr)};
  const PlanPtr grouped =
      std::make_shared<AggregatePlan>(ScanPlan::all_columns(source, "t"),
                                      std::vector<BoundExpressionPtr>{bound_column(0, kInt64, "k")},
                                      std::vector<std::string>{"k"}, aggregates);
  const std::string expected = answer_of(*grouped, {}, 1, 2048);
  size_t line = 0;
  for (size_t n = 0; n < kKeys; ++n) {
    const size_t begin = expected.find(",'", line) + 2;
    const auto key = static_cast<size_t>(expected[line] - '0');
    EXPECT_TRUE(expected.compare(begin, joined[key].size() + 1, joined[key] + "'") == 0) << key;
    line = expected.find('\n', line) + 1;
  }
  for (size_t tasks : {1, 2, 5}) {
    for (int64_t chunk_rows : {3, 2048}) {
      EXPECT_TRUE(answer_of(*grouped, {}, tasks, chunk_rows) == expected) << tasks << chunk_rows;
    }
  }
  const PlanPtr global = std::make_shared<AggregatePlan>(ScanPlan::all_columns(source, "t"),
                                                         std::vector<BoundExpressionPtr>{},
                                                         std::vector<std::string>{}, aggregates);
  const std::string whole = answer_of(*global, {}, 1, 2048);
  EXPECT_TRUE(whole == answer_of(*global, {}, 4, 2048));
  EXPECT_NE(whole.find(",90000,90000,\n"), std::string::npos);
}

// Enough groups that tasks' tables are merged by partition: same groups, same order as one thread.
TEST(AggregateTest, ManyGroupsComeOutTheSameForAnyNumberOfTasks) {
  const int64_t rows = 300000;
  FixedBuilder<int64_t> keys(kInt64);
  FixedBuilder<double> values(kFloat64);
  std::mt19937_64 random(7);
  for (int64_t i = 0; i < rows; ++i) {
    keys.append(static_cast<int64_t>(random() % 120000));
    values.append(static_cast<double>(random() % 1000) / 7);
  }
  Chunk chunk;
  chunk.rows = rows;
  chunk.columns = {keys.finish(), values.finish()};
  const auto source = std::make_shared<MemoryTableSource>(Schema({{"k", kInt64}, {"v", kFloat64}}),
                                                          std::vector<Chunk>{chunk});
  const PlanPtr plan = std::make_shared<AggregatePlan>(
      ScanPlan::all_columns(source, "t"),
      std::vector<BoundExpressionPtr>{bound_column(0, kInt64, "k")}, std::vector<std::string>{"k"},
      std::vector<BoundAggregate>{sql::make_bound_aggregate("sum", bound_column(1, kFloat64, "v")),
                                  sql::make_bound_aggregate("count", nullptr)});
  PhysicalOptions options;
  options.aggregate.groups_worth_partitions = 1000;
  std::vector<std::string> answers;
  for (size_t tasks : {1, 2, 5}) answers.push_back(answer_of(*plan, options, tasks, 2048));
  EXPECT_GT(answers[0].size(), 1000000u);
  EXPECT_TRUE(answers[0] == answers[1]);
  EXPECT_TRUE(answers[0] == answers[2]);
}

// Rows of one key close together: the tasks' tables stay apart but for the few groups that two of
// them met. All kinds of sums, as they move from one table to the other.
TEST(AggregateTest, TablesThatHardlyShareAGroupStayApart) {
  const int64_t rows = 60000;
  const DataType decimal = DataType::decimal(20, 2);
  const std::vector<Field> fields{{"k", kInt64}, {"f", kFloat64}, {"n", kInt64}, {"d", decimal}};
  std::mt19937_64 random(21);
  for (uint64_t again_one_in : {50u, 4000u, 0u}) {
    FixedBuilder<int64_t> keys(kInt64);
    FixedBuilder<double> floats(kFloat64);
    FixedBuilder<int64_t> integers(kInt64);
    FixedBuilder<Int128> decimals(decimal);
    for (int64_t i = 0; i < rows; ++i) {
      const bool again = again_one_in != 0 && random() % again_one_in == 0;
      const int64_t key = again ? static_cast<int64_t>(random() % 20000) : i / 3;
      key % 777 == 5 ? keys.append_null() : keys.append(key * 1000 - 7000000);
      const auto value = static_cast<int64_t>(random() % 9) - 4;
      if (value == 4) {
        floats.append_null();
        integers.append_null();
        decimals.append_null();
      } else {
        floats.append(static_cast<double>(value) / 7);
        integers.append(value);
        decimals.append(value);
      }
    }
    Chunk chunk;
    chunk.rows = rows;
    chunk.columns = {keys.finish(), floats.finish(), integers.finish(), decimals.finish()};
    const auto source =
        std::make_shared<MemoryTableSource>(Schema(fields), std::vector<Chunk>{chunk});
    std::vector<BoundAggregate> aggregates{sql::make_bound_aggregate("count", nullptr)};
    for (size_t i : {1u, 2u, 3u}) {
      for (const char* name : {"count", "sum", "avg", "min", "max", "first"}) {
        aggregates.push_back(
            sql::make_bound_aggregate(name, bound_column(i, fields[i].type, fields[i].name)));
      }
    }
    const PlanPtr plan = std::make_shared<AggregatePlan>(
        ScanPlan::all_columns(source, "t"),
        std::vector<BoundExpressionPtr>{bound_column(0, kInt64, "k")},
        std::vector<std::string>{"k"}, aggregates);
    PhysicalOptions merged;
    merged.aggregate.groups_worth_staying = rows;
    const std::string expected = answer_of(*plan, merged, 1, 2048);
    EXPECT_GT(expected.size(), 1000000u);
    PhysicalOptions apart;
    apart.aggregate.groups_worth_staying = 0;
    for (size_t tasks : {2, 3, 7}) {
      for (int64_t chunk_rows : {200, 2048}) {
        ASSERT_TRUE(answer_of(*plan, apart, tasks, chunk_rows) == expected)
            << again_one_in << ", " << tasks << " tasks, " << chunk_rows;
      }
    }
    // In a hash table instead of an array.
    PhysicalOptions general = apart;
    general.aggregate.table.general_layouts = true;
    ASSERT_TRUE(answer_of(*plan, general, 2, 2048) == expected);
  }
}

}  // namespace
}  // namespace velaria
