#include "src/column/arrow/import.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cmath>
#include <limits>
#include <thread>

#include "src/base/error.h"
#include "tests/column/arrow_arrays.h"
#include "tests/column/arrow_imports.h"

namespace velaria {
namespace {

using arrow_test::batch_of;
using arrow_test::bits_of;
using arrow_test::Bytes;
using arrow_test::bytes_of;
using arrow_test::fixed_node;
using arrow_test::import_column;
using arrow_test::import_failure;
using arrow_test::import_node;
using arrow_test::MadeStream;
using arrow_test::make_array;
using arrow_test::make_schema;
using arrow_test::Node;
using arrow_test::text_node;
using arrow_test::texts;

// Values of the only column, whole and through every slice, which must agree.
std::vector<std::string> read(const ImportedTable& table) {
  const ImportedArrayPtr& batch = table.batches.at(0);
  const std::vector<std::string> all = texts(batch->column(0));
  for (int64_t begin = 0; begin <= batch->rows(); ++begin) {
    for (int64_t end = begin; end <= batch->rows(); ++end) {
      const ColumnPtr slice = batch->column(0, begin, end - begin);
      EXPECT_EQ(slice->type(), table.schema().field(0).type);
      EXPECT_EQ(texts(slice), std::vector<std::string>(all.begin() + begin, all.begin() + end));
    }
  }
  return all;
}

using Texts = std::vector<std::string>;

TEST(ArrowImport, FixedWidthTypes) {
  EXPECT_EQ(read(import_column(fixed_node<int8_t>("c", {-1, 2}))), (Texts{"-1", "2"}));
  EXPECT_EQ(read(import_column(fixed_node<uint8_t>("C", {255, 2}))), (Texts{"255", "2"}));
  EXPECT_EQ(read(import_column(fixed_node<int16_t>("s", {-300, 2}))), (Texts{"-300", "2"}));
  EXPECT_EQ(read(import_column(fixed_node<uint16_t>("S", {65535}))), (Texts{"65535"}));
  EXPECT_EQ(read(import_column(fixed_node<int32_t>("i", {7, 8}, "01"))), (Texts{"NULL", "8"}));
  EXPECT_EQ(read(import_column(fixed_node<uint32_t>("I", {4294967295u}))), (Texts{"4294967295"}));
  EXPECT_EQ(read(import_column(fixed_node<int64_t>("l", {std::numeric_limits<int64_t>::min()}))),
            (Texts{"-9223372036854775808"}));
  EXPECT_EQ(read(import_column(fixed_node<uint64_t>("L", {~uint64_t{0}}))),
            (Texts{"18446744073709551615"}));
  EXPECT_EQ(read(import_column(fixed_node<float>("f", {0.5f, -1}))), (Texts{"0.5", "-1.0"}));
  EXPECT_EQ(read(import_column(fixed_node<double>("g", {0.1, 3}, "10"))), (Texts{"0.1", "NULL"}));
  EXPECT_EQ(read(import_column(fixed_node<int32_t>("tdD", {0, 15706}))),
            (Texts{"1970-01-01", "2013-01-01"}));
  EXPECT_EQ(read(import_column(fixed_node<int64_t>("ttu", {3600000000}))), (Texts{"01:00:00"}));
  EXPECT_EQ(read(import_column(fixed_node<int64_t>("tss:", {86400}))),
            (Texts{"1970-01-02 00:00:00"}));
  const ImportedTable zoned = import_column(fixed_node<int64_t>("tsn:Asia/Shanghai", {1}));
  EXPECT_EQ(zoned.schema().field(0).type, DataType::timestamp(TimeUnit::kNano, "Asia/Shanghai"));
  EXPECT_EQ(read(zoned), (Texts{"1970-01-01 00:00:00.000000001+00"}));
}

TEST(ArrowImport, FixedWidthIsZeroCopy) {
  const ImportedTable table = import_column(fixed_node<int64_t>("l", {1, 2, 3, 4}));
  const ColumnPtr all = table.batches[0]->column(0);
  const ColumnPtr tail = table.batches[0]->column(0, 2, 2);
  EXPECT_EQ(all->values<int64_t>() + 2, tail->values<int64_t>());
}

TEST(ArrowImport, ConvertedTypes) {
  EXPECT_EQ(read(import_column(
                fixed_node<uint16_t>("e", {0x3C00, 0xC000, 0x0001, 0x7C00, 0x03FF, 0x7BFF}))),
            (Texts{"1.0", "-2.0", "5.9604645e-08", "inf", "6.097555e-05", "65504.0"}));
  const ColumnPtr nan = import_column(fixed_node<uint16_t>("e", {0x7E00})).batches[0]->column(0);
  EXPECT_TRUE(std::isnan(nan->values<float>()[0]));
  EXPECT_EQ(read(import_column(fixed_node<int64_t>("tdm", {86400000, -86400000, 5}, "110"))),
            (Texts{"1970-01-02", "1969-12-31", "NULL"}));
  EXPECT_EQ(read(import_column(fixed_node<int32_t>("tts", {3600}))), (Texts{"01:00:00"}));
  EXPECT_EQ(read(import_column(fixed_node<int32_t>("ttm", {1500}))), (Texts{"00:00:01.5"}));
  EXPECT_EQ(read(import_column(fixed_node<int64_t>("ttn", {1000, 1}, "10"))),
            (Texts{"00:00:00.000001", "NULL"}));
  EXPECT_EQ(read(import_column(fixed_node<int64_t>("tDm", {90000}))), (Texts{"00:01:30"}));
  EXPECT_EQ(read(import_column(fixed_node<int32_t>("tiM", {14}))), (Texts{"1 year 2 months"}));
  EXPECT_EQ(read(import_column(fixed_node<int64_t>("tiD", {3 | (int64_t{1000} << 32)}))),
            (Texts{"3 days 00:00:01"}));
  EXPECT_EQ(read(import_column(fixed_node<int64_t>("d:5,2,64", {-12345}))), (Texts{"-123.45"}));
  EXPECT_EQ(read(import_column(fixed_node<int32_t>("d:5,2,32", {7}))), (Texts{"0.07"}));
  Node interval = fixed_node<int64_t>("tin", {1 | (int64_t{2} << 32), 3000});
  interval.length = 1;
  EXPECT_EQ(read(import_column(interval)), (Texts{"1 month 2 days 00:00:00.000003"}));
}

TEST(ArrowImport, ValuesThatWouldLoseSomethingAreNamed) {
  Error error = import_failure(fixed_node<int64_t>("tdm", {0, 5}));
  EXPECT_EQ(error.kind(), ErrorKind::kTypeMismatch);
  EXPECT_NE(error.message().find("column 'c', row 1"), std::string::npos) << error.message();
  EXPECT_NE(error.message().find("5 milliseconds"), std::string::npos) << error.message();
  EXPECT_EQ(import_failure(fixed_node<int64_t>("ttn", {1})).kind(), ErrorKind::kTypeMismatch);
  const int64_t most = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(import_failure(fixed_node<int64_t>("tDs", {most})).kind(), ErrorKind::kTypeMismatch);
  Node interval = fixed_node<int64_t>("tin", {0, 3001});
  interval.length = 1;
  EXPECT_EQ(import_failure(interval).kind(), ErrorKind::kTypeMismatch);
}

TEST(ArrowImport, DecimalsEvenWhereMisaligned) {
  const std::vector<int64_t> halves = {-12345, -1, 7, 0, 1, 1};
  Node node = fixed_node<int64_t>("d:38,2", halves);
  node.length = 3;
  EXPECT_EQ(read(import_column(node)), (Texts{"-123.45", "0.07", "184467440737095516.17"}));
  // The batch memory of a producer that aligns to 8 bytes only.
  std::vector<uint8_t> memory(16 * 4 + 16);
  uint8_t* odd = memory.data();
  while (reinterpret_cast<uintptr_t>(odd) % 16 != 8) ++odd;
  std::memcpy(odd, halves.data(), 48);
  ArrowSchema schema;
  ArrowArray array;
  const Node batch = batch_of(3, {node});
  make_schema(batch, nullptr, &schema);
  make_array(batch, nullptr, &array);
  array.children[0]->buffers[1] = odd;
  EXPECT_EQ(read(import_batch(&schema, &array))[0], "-123.45");
}

TEST(ArrowImport, BooleansAtEveryOffset) {
  const std::string rows = "1011001110001111010110011100011110101";
  for (int64_t offset = 0; offset < 20; ++offset) {
    Node node = fixed_node<uint8_t>("b", bits_of(rows), rows);
    node.offset = offset;
    node.length = static_cast<int64_t>(rows.size()) - offset;
    Texts expected;
    for (size_t i = static_cast<size_t>(offset); i < rows.size(); ++i) {
      expected.push_back(rows[i] == '1' ? "true" : "NULL");
    }
    EXPECT_EQ(read(import_column(node)), expected);
    node.buffers[0] = std::nullopt;
    node.null_count = 0;
    for (std::string& text : expected) text = text == "NULL" ? "false" : text;
    EXPECT_EQ(read(import_column(node)), expected);
  }
}

const std::vector<std::string> kTexts = {"",
                                         "a",
                                         "abc",
                                         "abcdefgh",
                                         "naïve",
                                         "twelve bytes",
                                         "thirteen byte",
                                         "日本語のとても長い文字列",
                                         "x",
                                         "1234567",
                                         "123456789",
                                         ""};

TEST(ArrowImport, TextOfEveryLayout) {
  EXPECT_EQ(read(import_column(text_node<int32_t>("u", kTexts))), kTexts);
  EXPECT_EQ(read(import_column(text_node<int64_t>("U", kTexts))), kTexts);
  Texts expected = kTexts;
  expected[1] = expected[6] = "NULL";
  EXPECT_EQ(read(import_column(text_node<int32_t>("u", kTexts, "101111011111"))), expected);
  EXPECT_EQ(read(import_column(text_node<int32_t>("z", {"ab", ""}))), (Texts{"\\x6162", "\\x"}));
  EXPECT_EQ(read(import_column(text_node<int64_t>("Z", {"ab", ""}))), (Texts{"\\x6162", "\\x"}));
  Node node = text_node<int32_t>("u", kTexts, "101111011111");
  node.offset = 5;
  node.length -= 5;
  EXPECT_EQ(read(import_column(node)), Texts(expected.begin() + 5, expected.end()));
  // Unused inline bytes are zero whichever way the view was made.
  const ColumnPtr column = import_column(text_node<int32_t>("u", kTexts)).batches[0]->column(0);
  for (size_t i = 0; i < kTexts.size(); ++i) {
    EXPECT_EQ(column->values<StringView>()[i].head(), StringView(kTexts[i]).head());
    if (kTexts[i].size() <= 12) {
      EXPECT_EQ(column->values<StringView>()[i].tail(), StringView(kTexts[i]).tail());
    }
  }
  Node fixed = fixed_node<uint8_t>("w:3", {'a', 'b', 'c', 'd', 'e', 'f'}, "10");
  fixed.length = 2;
  EXPECT_EQ(read(import_column(fixed)), (Texts{"\\x616263", "NULL"}));
}

Node view_node(const std::vector<std::string>& texts_in, const std::string& valid = "") {
  Bytes views;
  Bytes data[2];
  for (size_t i = 0; i < texts_in.size(); ++i) {
    const std::string& text = texts_in[i];
    uint8_t view[16] = {};
    const auto size = static_cast<int32_t>(text.size());
    std::memcpy(view, &size, 4);
    if (text.size() <= 12) {
      std::memcpy(view + 4, text.data(), text.size());
    } else {
      const auto buffer = static_cast<int32_t>(i % 2);
      const auto offset = static_cast<int32_t>(data[buffer].size());
      std::memcpy(view + 4, text.data(), 4);
      std::memcpy(view + 8, &buffer, 4);
      std::memcpy(view + 12, &offset, 4);
      data[buffer].insert(data[buffer].end(), text.begin(), text.end());
    }
    views.insert(views.end(), view, view + 16);
  }
  Node node = fixed_node("vu", views, valid);
  node.length = static_cast<int64_t>(texts_in.size());
  node.buffers.push_back(data[0]);
  node.buffers.push_back(data[1]);
  node.buffers.push_back(bytes_of(std::vector<int64_t>{static_cast<int64_t>(data[0].size()),
                                                       static_cast<int64_t>(data[1].size())}));
  return node;
}

TEST(ArrowImport, StringViews) {
  EXPECT_EQ(read(import_column(view_node(kTexts))), kTexts);
  Texts expected = kTexts;
  expected[7] = "NULL";
  EXPECT_EQ(read(import_column(view_node(kTexts, "111111101111"))), expected);
  Node broken = view_node(kTexts);
  broken.buffers.back() = bytes_of(std::vector<int64_t>{1, 1});
  EXPECT_EQ(import_failure(broken).kind(), ErrorKind::kInvalidArgument);
}

// Whether two readings of one row lie at one place, which is the producer's memory.
bool lies_in_place(const ImportedTable& table) {
  const ColumnPtr all = table.batches[0]->column(0);
  const ColumnPtr tail = table.batches[0]->column(0, 2, 2);
  return all->values<StringView>() + 2 == tail->values<StringView>();
}

TEST(ArrowImport, ShortStringViewsAreZeroCopy) {
  const Texts shorts{"", "a", "twelve bytes", "four", "\xC3\xA4"};
  EXPECT_EQ(read(import_column(view_node(shorts))), shorts);
  EXPECT_TRUE(lies_in_place(import_column(view_node(shorts))));
  Node shifted = view_node(shorts);
  shifted.offset = 1;
  shifted.length -= 1;
  EXPECT_EQ(read(import_column(shifted)), Texts(shorts.begin() + 1, shorts.end()));
  EXPECT_TRUE(lies_in_place(import_column(shifted)));

  EXPECT_FALSE(lies_in_place(import_column(view_node(kTexts))));
}

TEST(ArrowImport, StringViewsWithLeftoversAreNotTakenInPlace) {
  const Texts shorts{"", "a", "twelve bytes", "four", "x"};
  const StringView wanted("a");
  for (const size_t leftover : {16 + 5, 16 + 8, 16 + 15, 4, 12}) {
    Node node = view_node(shorts);
    (*node.buffers[1])[leftover] = 7;
    const ImportedTable table = import_column(node);
    EXPECT_FALSE(lies_in_place(table)) << leftover;
    EXPECT_EQ(read(table), shorts) << leftover;
    const StringView view = table.batches[0]->column(0)->values<StringView>()[1];
    EXPECT_EQ(view.head(), wanted.head());
    EXPECT_EQ(view.tail(), wanted.tail());
  }
  // A NULL whose view is not empty.
  Texts expected = shorts;
  expected[3] = "NULL";
  const ImportedTable table = import_column(view_node(shorts, "11101"));
  EXPECT_FALSE(lies_in_place(table));
  EXPECT_EQ(read(table), expected);
  EXPECT_EQ(table.batches[0]->column(0)->values<StringView>()[3].head(), 0u);
  Node empty_null = view_node({"", "a", "twelve bytes", "", "x"}, "11101");
  EXPECT_TRUE(lies_in_place(import_column(empty_null)));
  EXPECT_EQ(read(import_column(empty_null)), expected);
}

TEST(ArrowImport, TextPointsIntoArrowAndKeepsItAlive) {
  std::atomic<int> releases{0};
  ImportedTable table =
      import_node(batch_of(1, {text_node<int32_t>("u", {"longer than twelve bytes"})}), &releases);
  ColumnPtr column = table.batches[0]->column(0);
  table = ImportedTable();
  EXPECT_EQ(releases, 0);
  EXPECT_EQ(column->value(0).as_text(), "longer than twelve bytes");
  column.reset();
  EXPECT_EQ(releases, 1);
}

Node vector_node(const std::string& valid = "") {
  Node elements = fixed_node<float>("f", {9, 9, 0, 1, 2, 3, 4, 5, 6, 7});
  elements.name = "item";
  elements.offset = 2;
  elements.length = 8;
  Node node;
  node.format = "+w:2";
  node.name = "v";
  node.length = 4;
  node.null_count = valid.empty() ? 0 : -1;
  node.buffers = {valid.empty() ? std::nullopt : std::optional<Bytes>(bits_of(valid))};
  node.children = {elements};
  return node;
}

TEST(ArrowImport, VectorsWhereTheyLie) {
  EXPECT_EQ(read(import_column(vector_node())),
            (Texts{"[0.0, 1.0]", "[2.0, 3.0]", "[4.0, 5.0]", "[6.0, 7.0]"}));
  Node sliced = vector_node("1101");
  sliced.offset = 1;
  sliced.length = 3;
  const ImportedTable table = import_column(sliced);
  EXPECT_EQ(read(table), (Texts{"[2.0, 3.0]", "NULL", "[6.0, 7.0]"}));
  const ColumnPtr all = table.batches[0]->column(0);
  EXPECT_EQ(all->vector_at(0) + 4, table.batches[0]->column(0, 2, 1)->vector_at(0));

  Node halves = vector_node();
  halves.children[0] = fixed_node<uint16_t>("e", std::vector<uint16_t>(8, 0x3C00));
  EXPECT_EQ(read(import_column(halves))[3], "[1.0, 1.0]");

  Node holes = vector_node("1011");
  holes.children[0].buffers[0] = bits_of("1111001111");  // the elements of row 1, which is NULL
  holes.children[0].null_count = 2;
  EXPECT_EQ(read(import_column(holes))[1], "NULL");
  holes.children[0].buffers[0] = bits_of("1111001101");
  const Error error = import_failure(holes);
  EXPECT_EQ(error.kind(), ErrorKind::kTypeMismatch);
  EXPECT_NE(error.message().find("row 3"), std::string::npos) << error.message();
  Node doubles = vector_node();
  doubles.children[0] = fixed_node<double>("g", {0.1, 1e-50, 3, 4, 5, 6, 7, 8});
  EXPECT_EQ(read(import_column(doubles))[0], "[0.1, 0.0]");
  doubles.children[0] = fixed_node<double>("g", {0.1, -1e300, 3, 4, 5, 6, 7, 8});
  const Error beyond = import_failure(doubles);
  EXPECT_EQ(beyond.kind(), ErrorKind::kTypeMismatch);
  EXPECT_NE(beyond.message().find("beyond float32"), std::string::npos) << beyond.message();
  Node few = vector_node();
  few.length = 5;
  EXPECT_EQ(import_failure(few).kind(), ErrorKind::kInvalidArgument);
}

template <typename Index>
Node dictionary_node(const std::string& format, std::vector<Index> indices, Node values,
                     const std::string& valid = "") {
  Node node = fixed_node(format, indices, valid);
  node.dictionary = std::make_shared<Node>(std::move(values));
  return node;
}

TEST(ArrowImport, Dictionaries) {
  const Node names = text_node<int32_t>("u", {"ab", "longer than twelve", "c"});
  const Texts expected = {"c", "ab", "longer than twelve", "ab"};
  EXPECT_EQ(read(import_column(dictionary_node<int8_t>("c", {2, 0, 1, 0}, names))), expected);
  EXPECT_EQ(read(import_column(dictionary_node<uint8_t>("C", {2, 0, 1, 0}, names))), expected);
  EXPECT_EQ(read(import_column(dictionary_node<int16_t>("s", {2, 0, 1, 0}, names))), expected);
  EXPECT_EQ(read(import_column(dictionary_node<uint32_t>("I", {2, 0, 1, 0}, names))), expected);
  EXPECT_EQ(read(import_column(dictionary_node<int64_t>("l", {2, 0, 1, 0}, names))), expected);
  // The index below a null may be anything.
  const ImportedTable nulls =
      import_column(dictionary_node<int32_t>("i", {2, -77, 1, 99}, names, "1010"));
  EXPECT_EQ(read(nulls), (Texts{"c", "NULL", "longer than twelve", "NULL"}));
  EXPECT_TRUE(nulls.batches[0]->column(0)->is_dictionary());
  for (const int32_t wrong : {-1, 3}) {
    EXPECT_EQ(import_failure(dictionary_node<int32_t>("i", {0, wrong}, names)).kind(),
              ErrorKind::kInvalidArgument);
  }
}

TEST(ArrowImport, DictionaryEntriesBecomeDistinctAndNotNull) {
  const Node names = text_node<int32_t>("u", {"a", "b", "a", "x"}, "1110");
  const ImportedTable table =
      import_column(dictionary_node<int32_t>("i", {2, 1, 0, 3, 1}, names, "11110"));
  EXPECT_EQ(read(table), (Texts{"a", "b", "a", "NULL", "NULL"}));
  const ColumnPtr column = table.batches[0]->column(0);
  EXPECT_EQ(column->child()->length(), 2);
  EXPECT_FALSE(column->child()->may_have_nulls());
  EXPECT_EQ(column->indices()[0], column->indices()[2]);
  // Nothing but NULL: there is no value to point at.
  const Node none = text_node<int32_t>("u", {"", ""}, "00");
  EXPECT_EQ(read(import_column(dictionary_node<int32_t>("i", {0, 1}, none))),
            (Texts{"NULL", "NULL"}));
  const Node empty = text_node<int32_t>("u", {});
  EXPECT_EQ(read(import_column(dictionary_node<int32_t>("i", {0, 0}, empty, "00"))),
            (Texts{"NULL", "NULL"}));
}

TEST(ArrowImport, DictionariesOfOtherTypes) {
  EXPECT_EQ(read(import_column(
                dictionary_node<int32_t>("i", {1, 0, 1}, fixed_node<int32_t>("tdD", {0, 1})))),
            (Texts{"1970-01-02", "1970-01-01", "1970-01-02"}));
  const ImportedTable floats = import_column(
      dictionary_node<int32_t>("i", {1, 0, 2}, fixed_node<double>("g", {0.5, 1, 2}, "011")));
  EXPECT_EQ(read(floats), (Texts{"1.0", "NULL", "2.0"}));
  EXPECT_TRUE(floats.batches[0]->column(0)->is_flat());
  EXPECT_EQ(read(import_column(dictionary_node<int32_t>("i", {3, 1}, vector_node("1011")))),
            (Texts{"[6.0, 7.0]", "NULL"}));
  Node nothing;
  nothing.format = "n";
  nothing.length = nothing.null_count = 2;
  EXPECT_EQ(read(import_column(dictionary_node<int32_t>("i", {0, 1}, nothing))),
            (Texts{"NULL", "NULL"}));
  const Node inner = dictionary_node<int8_t>("c", {1, 0}, text_node<int32_t>("u", {"zero", "one"}));
  EXPECT_EQ(read(import_column(dictionary_node<int32_t>("i", {0, 1, 1}, inner))),
            (Texts{"one", "zero", "zero"}));
}

TEST(ArrowImport, DictionaryReadByManyThreadsIsConvertedOnce) {
  std::vector<std::string> names;
  for (int i = 0; i < 2000; ++i) names.push_back("the name with number " + std::to_string(i));
  std::vector<int32_t> indices;
  for (int i = 0; i < 8000; ++i) indices.push_back(i * 7 % 2000);
  const ImportedTable table =
      import_column(dictionary_node("i", indices, text_node<int32_t>("u", names)));
  std::vector<std::thread> threads;
  std::vector<ColumnPtr> children(8);
  for (size_t t = 0; t < children.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int64_t offset = 0; offset < 8000; offset += 500) {
        const ColumnPtr column = table.batches[0]->column(0, offset, 500);
        children[t] = column->child();
        for (int64_t i = 0; i < 500; i += 50) {
          EXPECT_EQ(column->value(i).as_text(),
                    names[static_cast<size_t>(indices[static_cast<size_t>(offset + i)])]);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const ColumnPtr& child : children) EXPECT_EQ(child, children[0]);
}

template <typename End>
Node run_end_node(const std::string& format, std::vector<End> ends, Node values, int64_t length) {
  Node node;
  node.format = "+r";
  node.name = "r";
  node.length = length;
  node.children = {fixed_node(format, ends), std::move(values)};
  return node;
}

TEST(ArrowImport, RunEnds) {
  const Node values = text_node<int32_t>("u", {"a", "b", "longer than twelve"}, "101");
  const Texts expected = {"a", "a", "NULL", "longer than twelve", "longer than twelve"};
  EXPECT_EQ(read(import_column(run_end_node<int16_t>("s", {2, 3, 5}, values, 5))), expected);
  EXPECT_EQ(read(import_column(run_end_node<int64_t>("l", {2, 3, 5}, values, 5))), expected);
  Node sliced = run_end_node<int32_t>("i", {2, 3, 5}, values, 3);
  sliced.offset = 1;
  EXPECT_EQ(read(import_column(sliced)), Texts(expected.begin() + 1, expected.begin() + 4));
  EXPECT_EQ(import_failure(run_end_node<int32_t>("i", {2, 3, 4}, values, 5)).kind(),
            ErrorKind::kInvalidArgument);
}

TEST(ArrowImport, NullColumns) {
  Node node;
  node.format = "n";
  node.length = node.null_count = 3;
  EXPECT_EQ(read(import_column(node)), (Texts{"NULL", "NULL", "NULL"}));
}

TEST(ArrowImport, NullsAtOddOffsets) {
  std::string valid;
  std::vector<int32_t> values;
  for (int i = 0; i < 200; ++i) {
    valid += i * i % 7 < 3 ? '1' : '0';
    values.push_back(i);
  }
  for (int64_t offset = 0; offset < 17; ++offset) {
    for (const int64_t batch_offset : {0, 3}) {
      Node node = fixed_node("i", values, valid);
      node.offset = offset;
      node.length = 200 - offset;
      Node batch = batch_of(node.length - batch_offset, {node});
      batch.offset = batch_offset;
      const ColumnPtr column = import_node(batch).batches[0]->column(0);
      for (int64_t i = 0; i < column->length(); ++i) {
        const auto at = static_cast<size_t>(offset + batch_offset + i);
        ASSERT_EQ(column->is_null(i), valid[at] == '0');
        if (column->is_null(i)) continue;
        ASSERT_EQ(column->values<int32_t>()[i], static_cast<int>(at));
      }
    }
  }
}

TEST(ArrowImport, SlicesWithoutNullsCarryNoBits) {
  const ImportedTable table = import_column(fixed_node<int32_t>("i", {1, 2, 3, 4}, "1110"));
  EXPECT_TRUE(table.batches[0]->column(0, 0, 3)->validity().all_valid());
  EXPECT_FALSE(table.batches[0]->column(0, 1, 3)->validity().all_valid());
}

TEST(ArrowImport, EmptyAndZeroColumnBatches) {
  Node empty;
  empty.format = "u";
  empty.name = "t";
  empty.buffers = {std::nullopt, std::nullopt, std::nullopt};
  const ImportedTable table = import_column(empty);
  EXPECT_EQ(table.rows, 0);
  EXPECT_TRUE(table.batches.empty());
  EXPECT_EQ(table.schema().to_string(), "t utf8");
  const ImportedTable columnless = import_node(batch_of(5, {}));
  EXPECT_EQ(columnless.rows, 5);
  EXPECT_EQ(columnless.schema().size(), 0u);
}

TEST(ArrowImport, RefusedTypesNameColumnFormatAndWayOut) {
  for (const char* format : {"+ud:0,1", "+us:0,1", "d:76,3,256", "d:10,-2"}) {
    Node node = fixed_node<int32_t>(format, {1});
    node.name = "tags";
    const Error error = import_failure(node);
    EXPECT_EQ(error.kind(), ErrorKind::kTypeMismatch) << format;
    EXPECT_NE(error.message().find("'tags'"), std::string::npos) << error.message();
    EXPECT_NE(error.message().find("'" + std::string(format) + "'"), std::string::npos)
        << error.message();
  }
}

TEST(ArrowImport, BareArraysAndTopLevelNullsAreRefused) {
  ArrowSchema schema;
  ArrowArray array;
  std::atomic<int> releases{0};
  const Node bare = fixed_node<int32_t>("i", {1});
  make_schema(bare, &releases, &schema);
  make_array(bare, &releases, &array);
  EXPECT_THROW(import_batch(&schema, &array), Error);
  EXPECT_EQ(releases, 2);  // also what is refused is released
  EXPECT_THROW(import_batch(&schema, &array), Error);
  EXPECT_EQ(releases, 2);

  Node nulls = batch_of(2, {fixed_node<int32_t>("i", {1, 2})});
  nulls.buffers = {bits_of("10")};
  nulls.null_count = -1;
  EXPECT_THROW(import_node(nulls, &releases), Error);
  EXPECT_EQ(releases, 3);
  nulls.buffers = {bits_of("11")};
  EXPECT_EQ(import_node(nulls).rows, 2);
}

TEST(ArrowImport, MalformedArrays) {
  Node short_column = fixed_node<int32_t>("i", {1, 2});
  EXPECT_THROW(import_node(batch_of(3, {short_column})), Error);
  Node no_values = fixed_node<int32_t>("i", {1, 2});
  no_values.buffers[1] = std::nullopt;
  EXPECT_EQ(import_failure(no_values).kind(), ErrorKind::kInvalidArgument);
  Node no_bits = fixed_node<int32_t>("i", {1, 2});
  no_bits.null_count = 1;
  EXPECT_EQ(import_failure(no_bits).kind(), ErrorKind::kInvalidArgument);
  Node descending = text_node<int32_t>("u", {"abc", "def"});
  descending.buffers[1] = bytes_of(std::vector<int32_t>{0, 5, 3});
  EXPECT_EQ(import_failure(descending).kind(), ErrorKind::kInvalidArgument);
}

TEST(ArrowStream, TakenLazilyAndReleasedOnce) {
  const Node a = batch_of(2, {fixed_node<int32_t>("i", {1, 2})});
  const Node b = batch_of(1, {fixed_node<int32_t>("i", {3})});
  const Node none = batch_of(0, {fixed_node<int32_t>("i", {})});
  MadeStream made({a, none, b});
  ArrowArrayStream stream;
  made.start(&stream);
  {
    ImportedTable table = import_stream(&stream);
    EXPECT_EQ(stream.release, nullptr);
    EXPECT_EQ(made.stream_releases, 1);
    EXPECT_EQ(made.schema_releases, 1);
    EXPECT_EQ(made.array_releases, 1);  // the empty one
    EXPECT_EQ(table.rows, 3);
    EXPECT_EQ(table.batches.size(), 2u);
    EXPECT_EQ(texts(table.batches[1]->column(0)), (Texts{"3"}));
  }
  EXPECT_EQ(made.array_releases, 3);
  EXPECT_THROW(import_stream(&stream), Error);  // consumed
  made.start(&stream);
  ArrowStreamReader reader(&stream);
  EXPECT_EQ(reader.next()->rows(), 2);
  EXPECT_EQ(reader.next()->rows(), 0);
  EXPECT_EQ(reader.next()->rows(), 1);
  EXPECT_EQ(reader.next(), nullptr);
  EXPECT_EQ(reader.next(), nullptr);
}

TEST(ArrowStream, ProducerThatFailsMidway) {
  for (const auto& [code, kind] :
       {std::pair(EIO, ErrorKind::kStream), std::pair(EINVAL, ErrorKind::kStream),
        std::pair(ECANCELED, ErrorKind::kCancelled), std::pair(ENOMEM, ErrorKind::kResource)}) {
    MadeStream made({batch_of(1, {fixed_node<int32_t>("i", {1})})}, code);
    ArrowArrayStream stream;
    made.start(&stream);
    try {
      import_stream(&stream);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind);
      EXPECT_NE(error.message().find("the disk is on fire"), std::string::npos);
      EXPECT_NE(error.message().find("after 1 batches"), std::string::npos) << error.message();
    }
    EXPECT_EQ(made.array_releases, 1);
    EXPECT_EQ(made.stream_releases, 1);
  }
}

TEST(ArrowStream, RefusedSchemaReleasesTheStream) {
  MadeStream made({batch_of(1, {fixed_node<int32_t>("+ud:0", {1})})});
  ArrowArrayStream stream;
  made.start(&stream);
  EXPECT_THROW(ArrowStreamReader reader(&stream), Error);
  EXPECT_EQ(made.stream_releases, 1);
  EXPECT_EQ(made.schema_releases, 1);
}

TEST(ArrowStream, CancelledBetweenBatches) {
  MadeStream made({batch_of(1, {fixed_node<int32_t>("i", {1})})});
  ArrowArrayStream stream;
  made.start(&stream);
  CancellationToken token;
  token.cancel();
  EXPECT_THROW(import_stream(&stream, &token), Error);
  EXPECT_EQ(made.array_releases, 1);
  EXPECT_EQ(made.stream_releases, 1);
}

TEST(ArrowStream, SameDictionaryMemoryIsSharedByBatches) {
  const Node column =
      dictionary_node<int32_t>("i", {1, 0}, text_node<int32_t>("u", {"first", "second one here"}));
  const Node batch = batch_of(2, {column});
  ArrowSchema schema;
  make_schema(batch, nullptr, &schema);
  const ImportedSchemaPtr layout = ImportedSchema::read(schema);
  schema.release(&schema);
  ArrowArray first_array;
  ArrowArray second_array;
  ArrowArray third_array;
  make_array(batch, nullptr, &first_array);
  make_array(batch, nullptr, &second_array);
  make_array(batch, nullptr, &third_array);
  for (int i = 0; i < 3; ++i) {  // as a producer does that exports one dictionary again
    second_array.children[0]->dictionary->buffers[i] =
        first_array.children[0]->dictionary->buffers[i];
  }
  ImportedArrayPtr first = ImportedArray::adopt(layout, &first_array);
  const ImportedArrayPtr second = ImportedArray::adopt(layout, &second_array, first.get());
  const ImportedArrayPtr third = ImportedArray::adopt(layout, &third_array, second.get());
  first.reset();  // the shared dictionary keeps the memory
  EXPECT_EQ(texts(second->column(0)), (Texts{"second one here", "first"}));
  EXPECT_EQ(texts(third->column(0)), (Texts{"second one here", "first"}));
  EXPECT_NE(second->column(0)->child(), third->column(0)->child());
}

TEST(ArrowImport, ABatchAsAChunkOutlivesIt) {
  Chunk chunk;
  {
    const ImportedTable table = import_node(batch_of(
        3, {fixed_node<int64_t>("l", {1, 2, 3}), text_node<int32_t>("u", {"a", "b", "c"})}));
    chunk = table.batches.at(0)->chunk();
  }
  EXPECT_EQ(chunk.rows, 3);
  ASSERT_EQ(chunk.columns.size(), 2u);
  EXPECT_EQ(texts(chunk.columns[0]), (Texts{"1", "2", "3"}));
  EXPECT_EQ(texts(chunk.columns[1]), (Texts{"a", "b", "c"}));
}

}  // namespace
}  // namespace velaria
