#include "src/exec/aggregate/group_table.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <random>

#include "src/column/builder.h"
#include "src/exec/aggregate/group_order.h"

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

}  // namespace
}  // namespace velaria
