#include "src/exec/sort/full_sort.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <tuple>

#include "src/base/error.h"
#include "src/column/builder.h"
#include "src/exec/sort/cancellable_sort.h"
#include "src/exec/sort/row_sort.h"
#include "src/kernel/take.h"

namespace velaria {
namespace {

const DataType kInt32(TypeId::kInt32);
const DataType kFloat64(TypeId::kFloat64);
const DataType kText(TypeId::kUtf8);
const std::vector<DataType> kTypes = {kInt32, kFloat64, kText, DataType(TypeId::kInt64)};

struct Row {
  int number;
  double real;
  bool real_is_null;
  std::string text;
};

std::vector<Row> random_rows(size_t count, std::mt19937_64& random) {
  std::vector<Row> rows(count);
  for (Row& row : rows) {
    row.number = static_cast<int>(random() % 50) - 25;
    row.real = static_cast<double>(random() % 2000) / 7 - 100;
    row.real_is_null = random() % 10 == 0;
    row.text = std::string(random() % 3, 'x') + "common beginning " + std::to_string(random() % 97);
  }
  return rows;
}

std::vector<Chunk> chunks_of(const std::vector<Row>& rows, size_t chunk_rows) {
  std::vector<Chunk> out;
  for (size_t begin = 0; begin < rows.size(); begin += chunk_rows) {
    const size_t end = std::min(rows.size(), begin + chunk_rows);
    FixedBuilder<int32_t> numbers(kInt32);
    FixedBuilder<double> reals(kFloat64);
    StringBuilder texts(kText);
    FixedBuilder<int64_t> places(kTypes[3]);
    for (size_t i = begin; i < end; ++i) {
      numbers.append(rows[i].number);
      if (rows[i].real_is_null) {
        reals.append_null();
      } else {
        reals.append(rows[i].real);
      }
      texts.append(rows[i].text);
      places.append(static_cast<int64_t>(i));
    }
    Chunk chunk;
    chunk.rows = static_cast<int64_t>(end - begin);
    chunk.columns = {numbers.finish(), reals.finish(), texts.finish(), places.finish()};
    out.push_back(std::move(chunk));
  }
  return out;
}

std::vector<int64_t> places_of(const std::vector<Chunk>& chunks) {
  std::vector<int64_t> out;
  for (const Chunk& chunk : chunks) {
    for (int64_t i = 0; i < chunk.rows; ++i) out.push_back(chunk.columns[3]->values<int64_t>()[i]);
  }
  return out;
}

// NULL is last unless said otherwise; `wanted` is sorted by stable_sort, so ties keep their order.
std::vector<int64_t> wanted_places(const std::vector<Row>& rows, bool nulls_first) {
  std::vector<int64_t> out(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) out[i] = static_cast<int64_t>(i);
  const auto key = [&](int64_t i) {
    const Row& row = rows[static_cast<size_t>(i)];
    const int null_rank = row.real_is_null ? (nulls_first ? 0 : 2) : 1;
    return std::make_tuple(null_rank, row.real_is_null ? 0 : -row.real);
  };
  std::stable_sort(out.begin(), out.end(), [&](int64_t a, int64_t b) {
    const Row& x = rows[static_cast<size_t>(a)];
    const Row& y = rows[static_cast<size_t>(b)];
    if (x.text != y.text) return x.text < y.text;
    return key(a) < key(b);
  });
  return out;
}

class FullSort : public testing::TestWithParam<std::tuple<size_t, size_t>> {};

TEST_P(FullSort, IsAStableSortOfAllRows) {
  const auto [count, threads] = GetParam();
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const std::vector<Row> rows = random_rows(count, random);
  ThreadPool pool(threads);
  ExecutionContext context;
  context.pool = &pool;
  context.tasks = threads;
  for (const bool nulls_first : {false, true}) {
    const std::vector<SortItem> items = {{2, false, false}, {1, true, nulls_first}};
    const std::vector<int64_t> wanted = wanted_places(rows, nulls_first);
    const size_t chunk_rows = 1 + random() % 3000;
    EXPECT_EQ(places_of(sort_chunks(chunks_of(rows, chunk_rows), kTypes, items, 0, context)),
              wanted);
    const size_t offset = random() % (count + 10);
    EXPECT_EQ(
        places_of(sort_chunks(chunks_of(rows, chunk_rows), kTypes, items,
                              static_cast<int64_t>(offset), context)),
        std::vector<int64_t>(wanted.begin() + static_cast<std::ptrdiff_t>(std::min(offset, count)),
                             wanted.end()));
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, FullSort,
                         testing::Combine(testing::Values(0, 1, 7, 5000, 300000),
                                          testing::Values(1, 2, 3)));

// Rows packed into one word stand as rows that are not: keys of all widths that leave room for the
// row's number, and of the first that does not, on one task and on several.
TEST(PackedRows, StandAsRowsOfTheirOwn) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  ThreadPool pool(2);
  int packed = 0;
  int too_wide = 0;
  for (const uint32_t count : {1u, 2u, 255u, 4096u, 70000u, 600000u}) {
    for (const int key_bits : {0, 1, 7, 12, 31, 40, 44, 45, 58, 63}) {
      for (const bool has_nulls : {false, true}) {
        SCOPED_TRACE(std::to_string(count) + " rows, " + std::to_string(key_bits) + " bits" +
                     (has_nulls ? " and NULLs" : ""));
        FixedBuilder<int64_t> numbers(kTypes[3]);
        const uint64_t mask = (uint64_t{1} << key_bits) - 1;
        const bool skewed = random() % 3 == 0;
        for (uint32_t i = 0; i < count; ++i) {
          const uint64_t value = skewed && random() % 50 != 0 ? 5 : random();
          if (has_nulls && random() % 5 == 0) {
            numbers.append_null();
          } else {
            numbers.append(static_cast<int64_t>(value & mask) - 1000);
          }
        }
        ExecutionContext context;
        if (random() % 2 == 0) {
          context.pool = &pool;
          context.tasks = 2;
        }
        const SortOrder order{random() % 2 == 0, random() % 2 == 0};
        const OrderKeys keys({numbers.finish()}, {order}, context);
        const int row_bits = packed_row_bits(count, keys);
        std::vector<SortedRow> rows(count);
        std::vector<SortedRow> scratch(count);
        sort_all_rows(rows.data(), scratch.data(), count, keys, context);
        if (row_bits == 0) {
          ++too_wide;
          continue;
        }
        ++packed;
        std::vector<uint64_t> words(count);
        std::vector<uint64_t> other(count);
        sort_packed_rows(words.data(), other.data(), count, row_bits, keys, context);
        for (uint32_t i = 0; i < count; ++i) {
          ASSERT_EQ(words[i] & ((uint64_t{1} << row_bits) - 1), rows[i].row) << i;
          ASSERT_EQ(words[i] >> row_bits, rows[i].prefix) << i;
        }
      }
    }
  }
  EXPECT_GT(packed, 60);
  EXPECT_GT(too_wide, 10);
}

TEST(FullSort, ExactPrefixesAreSortedByRadix) {
  std::mt19937_64 random(3);
  const std::vector<Row> rows = random_rows(40000, random);
  std::vector<int64_t> wanted(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) wanted[i] = static_cast<int64_t>(i);
  std::stable_sort(wanted.begin(), wanted.end(), [&](int64_t a, int64_t b) {
    return rows[static_cast<size_t>(a)].number > rows[static_cast<size_t>(b)].number;
  });
  EXPECT_EQ(places_of(sort_chunks(chunks_of(rows, 1000), kTypes, {{0, true, false}}, 0,
                                  ExecutionContext())),
            wanted);
}

// Shapes of texts that the packed prefixes treat apart: of one length or many, with a common
// beginning, empty, with zero bytes, of all bytes, longer than what is looked at.
TEST(FullSort, TextsOfManyShapes) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  ThreadPool pool(2);
  ExecutionContext context;
  context.pool = &pool;
  context.tasks = 2;
  const std::string alphabets[] = {"a", "01", "0123456789", std::string("\0a", 2), ""};
  for (int round = 0; round < 60; ++round) {
    const std::string& alphabet = alphabets[random() % 5];
    const std::string beginning(random() % 40, 'b');
    const size_t shortest = random() % 8;
    const size_t longest = shortest + random() % 12;
    const size_t count = round < 3 ? 300000 : 1 + random() % 3000;
    std::vector<std::string> texts(count);
    for (std::string& text : texts) {
      if (random() % 50 != 0) text = beginning;
      const size_t length = shortest + random() % (longest - shortest + 1);
      for (size_t i = 0; i < length; ++i) {
        text +=
            alphabet.empty() ? static_cast<char>(random()) : alphabet[random() % alphabet.size()];
      }
    }
    StringBuilder builder(kText);
    FixedBuilder<int64_t> places(kTypes[3]);
    for (size_t i = 0; i < count; ++i) {
      builder.append(texts[i]);
      places.append(static_cast<int64_t>(i));
    }
    Chunk chunk;
    chunk.rows = static_cast<int64_t>(count);
    const ColumnPtr column = builder.finish();
    chunk.columns = {column, column, column, places.finish()};
    const bool descending = random() % 2 == 0;
    std::vector<int64_t> wanted(count);
    for (size_t i = 0; i < count; ++i) wanted[i] = static_cast<int64_t>(i);
    std::stable_sort(wanted.begin(), wanted.end(), [&](int64_t a, int64_t b) {
      const int order = texts[static_cast<size_t>(a)].compare(texts[static_cast<size_t>(b)]);
      return descending ? order > 0 : order < 0;
    });
    ASSERT_EQ(places_of(sort_chunks({chunk}, {kText, kText, kText, kTypes[3]},
                                    {{0, descending, false}}, 0, context)),
              wanted)
        << "round " << round;
  }
}

TEST(FullSort, StopsWhenTheQueryIsCancelled) {
  std::mt19937_64 random(4);
  const std::vector<Row> rows = random_rows(1000, random);
  CancellationToken token;
  ExecutionContext context;
  context.cancellation = &token;
  token.cancel();
  EXPECT_THROW(sort_chunks(chunks_of(rows, 100), kTypes, {{0, false, false}}, 0, context), Error);
}

TEST(CancellableSort, LooksAtTheTokenWhileItSorts) {
  std::vector<int> values(1 << 20);
  std::mt19937 random(5);
  for (int& value : values) value = static_cast<int>(random());
  CancellationToken token;
  int comparisons = 0;
  EXPECT_THROW(cancellable_sort(
                   values.begin(), values.end(),
                   [&](int a, int b) {
                     if (++comparisons == 100000) token.cancel();
                     return a < b;
                   },
                   &token),
               Error);
  EXPECT_LT(comparisons, 100000 + (1 << 17));
  cancellable_sort(values.begin(), values.end(), std::less<int>(), nullptr);
  EXPECT_TRUE(std::is_sorted(values.begin(), values.end()));
}

}  // namespace
}  // namespace velaria
