// Other layouts hold the same values, share the bytes and let go of everything.
#include "src/column/arrow/layout.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "src/column/arrow/import.h"
#include "src/column/value.h"
#include "tests/column/arrow_arrays.h"

namespace velaria {
namespace {

using arrow_test::batch_of;
using arrow_test::fixed_node;
using arrow_test::MadeStream;
using arrow_test::make_schema;
using arrow_test::Node;
using arrow_test::text_node;
using Texts = std::vector<std::string>;

Texts texts_of(const ImportedTable& table, size_t column) {
  Texts out;
  for (const ImportedArrayPtr& batch : table.batches) {
    const ColumnPtr values = batch->column(column);
    for (int64_t row = 0; row < batch->rows(); ++row) {
      out.push_back(values->is_null(row) ? "NULL" : values->value(row).to_string());
    }
  }
  return out;
}

Node named(Node node, const std::string& name) {
  node.name = name;
  return node;
}

Node with_values(const std::string& index_format, const std::string& value_format) {
  Node column = fixed_node<int32_t>(index_format, {});
  column.dictionary = std::make_shared<Node>(text_node<int32_t>(value_format, {}));
  return column;
}

// What a schema of these columns asks for.
std::vector<ColumnLayout> asked(const std::vector<Node>& columns) {
  ArrowSchema schema;
  make_schema(batch_of(0, columns), nullptr, &schema);
  std::vector<ColumnLayout> out = requested_layouts(schema);
  schema.release(&schema);
  return out;
}

std::vector<Node> random_batches(std::mt19937_64& random) {
  const Texts words = {"", "a", "twelve bytes", "more than twelve bytes", "東京", "a", "zz"};
  std::vector<Node> out;
  for (int batch = 0; batch < 4; ++batch) {
    const size_t rows = random() % 20;
    const size_t before = random() % 5;
    Texts texts;
    std::string valid;
    std::vector<int64_t> numbers;
    for (size_t row = 0; row < before + rows; ++row) {
      texts.push_back(words[random() % words.size()]);
      valid += random() % 4 == 0 ? '0' : '1';
      numbers.push_back(static_cast<int64_t>(random()));
    }
    std::vector<Node> columns = {named(text_node<int32_t>("u", texts, valid), "t"),
                                 named(fixed_node<int64_t>("l", numbers), "n"),
                                 named(text_node<int32_t>("z", texts), "b")};
    for (Node& column : columns) {
      column.offset = static_cast<int64_t>(before);
      column.length = static_cast<int64_t>(rows);
    }
    out.push_back(batch_of(static_cast<int64_t>(rows), columns));
  }
  return out;
}

TEST(ArrowLayout, EveryLayoutKeepsEveryValue) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 20; ++round) {
    const std::vector<Node> batches = random_batches(random);
    MadeStream made(batches);
    ArrowArrayStream stream;
    made.start(&stream);
    const ImportedTable expected = import_stream(&stream);
    for (const auto& [text, binary] : std::vector<std::pair<Node, Node>>{
             {text_node<int32_t>("u", {}), text_node<int32_t>("z", {})},
             {text_node<int32_t>("U", {}), text_node<int32_t>("Z", {})},
             {text_node<int32_t>("vu", {}), text_node<int32_t>("vz", {})},
             {with_values("c", "u"), with_values("L", "z")},
             {with_values("s", "U"), with_values("I", "vz")},
             {with_values("i", "vu"), with_values("l", "Z")},
             {with_values("C", "u"), with_values("S", "z")}}) {
      SCOPED_TRACE(text.format + (text.dictionary ? " of " + text.dictionary->format : ""));
      MadeStream again(batches);
      again.start(&stream);
      lay_out_stream(asked({text, fixed_node<int64_t>("l", {}), binary}), &stream);
      ArrowSchema schema;
      ASSERT_EQ(stream.get_schema(&stream, &schema), 0);
      EXPECT_EQ(schema.children[0]->format, text.format);
      EXPECT_STREQ(schema.children[0]->name, "t");
      EXPECT_STREQ(schema.children[1]->format, "l");
      EXPECT_EQ(schema.children[2]->format, binary.format);
      EXPECT_EQ(schema.children[0]->dictionary != nullptr, text.dictionary != nullptr);
      if (text.dictionary) {
        EXPECT_EQ(schema.children[0]->dictionary->format, text.dictionary->format);
      }
      schema.release(&schema);
      {
        const ImportedTable got = import_stream(&stream);
        EXPECT_EQ(got.rows, expected.rows);
        for (size_t column = 0; column < 3; ++column) {
          EXPECT_EQ(texts_of(got, column), texts_of(expected, column)) << column;
        }
      }
      EXPECT_EQ(again.array_releases, 4);
      EXPECT_EQ(again.stream_releases, 1);
      EXPECT_EQ(again.schema_releases, 2);
    }
  }
}

Node dictionary_of(const std::string& index_format, const std::string& value_format) {
  Node column = fixed_node<int32_t>(index_format, {});
  column.dictionary = std::make_shared<Node>(fixed_node<int32_t>(value_format, {}));
  return column;
}

TEST(ArrowLayout, DatesAndTimesInFinerUnits) {
  const int32_t first = std::numeric_limits<int32_t>::min();
  Node dates = fixed_node<int32_t>("tdD", {5, first, -1, 0, 19'000}, "11101");
  Node times = fixed_node<int64_t>("ttu", {5, 1, 86'399'999'999, 0, 7}, "11101");
  for (Node* column : {&dates, &times}) {
    column->offset = 1;
    column->length = 4;
  }
  MadeStream made({batch_of(4, {dates, times})});
  ArrowArrayStream stream;
  made.start(&stream);
  lay_out_stream(asked({fixed_node<int64_t>("tdm", {}), fixed_node<int64_t>("ttn", {})}), &stream);
  ArrowSchema schema;
  ASSERT_EQ(stream.get_schema(&stream, &schema), 0);
  EXPECT_STREQ(schema.children[0]->format, "tdm");
  EXPECT_STREQ(schema.children[1]->format, "ttn");
  schema.release(&schema);
  ArrowArray batch;
  ASSERT_EQ(stream.get_next(&stream, &batch), 0);
  const auto* days = static_cast<const int64_t*>(batch.children[0]->buffers[1]);
  EXPECT_EQ(days[1], int64_t{first} * 86'400'000);
  EXPECT_EQ(days[2], -86'400'000);
  EXPECT_EQ(days[4], int64_t{19'000} * 86'400'000);
  const auto* nanoseconds = static_cast<const int64_t*>(batch.children[1]->buffers[1]);
  EXPECT_EQ(nanoseconds[1], 1000);
  EXPECT_EQ(nanoseconds[2], 86'399'999'999'000);
  EXPECT_EQ(batch.children[0]->offset, 1);
  batch.release(&batch);
  stream.release(&stream);
  EXPECT_EQ(made.array_releases, 1);
}

TEST(ArrowLayout, DictionariesOfNumbers) {
  Node numbers = fixed_node<int64_t>("l", {9, 7, -7, 0, 7}, "11101");
  numbers.offset = 1;
  numbers.length = 4;
  const Node other = fixed_node<int32_t>("i", {1, 2, 3, 4});
  MadeStream made({batch_of(4, {numbers, other})});
  ArrowArrayStream stream;
  made.start(&stream);
  // The second column has other numbers than are asked for: it stays.
  lay_out_stream(asked({dictionary_of("c", "l"), dictionary_of("c", "l")}), &stream);
  ArrowSchema schema;
  ASSERT_EQ(stream.get_schema(&stream, &schema), 0);
  EXPECT_STREQ(schema.children[0]->format, "c");
  ASSERT_NE(schema.children[0]->dictionary, nullptr);
  EXPECT_STREQ(schema.children[0]->dictionary->format, "l");
  EXPECT_STREQ(schema.children[1]->format, "i");
  EXPECT_EQ(schema.children[1]->dictionary, nullptr);
  schema.release(&schema);
  const ImportedTable got = import_stream(&stream);
  EXPECT_EQ(texts_of(got, 0), (Texts{"7", "-7", "NULL", "7"}));
  EXPECT_EQ(texts_of(got, 1), (Texts{"1", "2", "3", "4"}));
}

TEST(ArrowLayout, ColumnsMayBeMovedOutAndOutliveTheBatch) {
  MadeStream made({batch_of(2, {text_node<int32_t>("u", {"a text of many bytes", "b"}),
                                text_node<int32_t>("u", {"c", "c"})})});
  ArrowArrayStream stream;
  made.start(&stream);
  lay_out_stream(asked({text_node<int32_t>("U", {}), with_values("i", "u")}), &stream);
  ArrowArray batch;
  ASSERT_EQ(stream.get_next(&stream, &batch), 0);
  stream.release(&stream);
  ArrowArray text = *batch.children[0];
  batch.children[0]->release = nullptr;
  ArrowArray coded = *batch.children[1];
  batch.children[1]->release = nullptr;
  batch.release(&batch);
  EXPECT_EQ(made.array_releases, 0);
  const auto* offsets = static_cast<const int64_t*>(text.buffers[1]);
  EXPECT_EQ(std::string(static_cast<const char*>(text.buffers[2]) + offsets[1], 1), "b");
  EXPECT_EQ(coded.dictionary->length, 1);
  EXPECT_EQ(static_cast<const int32_t*>(coded.buffers[1])[1], 0);
  text.release(&text);
  coded.release(&coded);
  EXPECT_EQ(made.array_releases, 1);
}

TEST(ArrowLayout, ADictionaryThatIsTooLargeIsAnError) {
  for (const int count : {128, 129}) {
    Texts texts;
    for (int i = 0; i < count; ++i) texts.push_back(std::to_string(i));
    const Node column = text_node<int32_t>("u", texts);
    MadeStream made({batch_of(count, {column, column})});
    ArrowArrayStream stream;
    made.start(&stream);
    lay_out_stream(asked({with_values("i", "u"), with_values("c", "u")}), &stream);
    ArrowArray batch{};
    if (count == 128) {
      ASSERT_EQ(stream.get_next(&stream, &batch), 0);
      EXPECT_EQ(static_cast<const int8_t*>(batch.children[1]->buffers[1])[127], 127);
      batch.release(&batch);
    } else {
      EXPECT_EQ(stream.get_next(&stream, &batch), EINVAL);
      const std::string error = stream.get_last_error(&stream);
      EXPECT_NE(error.find("TypeMismatchError"), std::string::npos) << error;
      EXPECT_NE(error.find("129 different"), std::string::npos) << error;
    }
    stream.release(&stream);
    EXPECT_EQ(made.array_releases, 1);
  }
}

TEST(ArrowLayout, FailuresOfTheSourceComeThrough) {
  MadeStream made({batch_of(1, {text_node<int32_t>("u", {"a"})})}, EIO);
  ArrowArrayStream stream;
  made.start(&stream);
  lay_out_stream(asked({text_node<int32_t>("U", {})}), &stream);
  ArrowArray batch;
  ASSERT_EQ(stream.get_next(&stream, &batch), 0);
  batch.release(&batch);
  EXPECT_EQ(stream.get_next(&stream, &batch), EIO);
  EXPECT_STREQ(stream.get_last_error(&stream), "the disk is on fire");
  stream.release(&stream);
}

TEST(ArrowLayout, WhatHasOneLayoutIsNotAskedFor) {
  EXPECT_FALSE(any_is_asked_for(asked({text_node<int32_t>("u", {}), text_node<int32_t>("z", {}),
                                       fixed_node<int64_t>("l", {}), with_values("i", "b")})));
  EXPECT_TRUE(any_is_asked_for(asked({fixed_node<int64_t>("l", {}), with_values("i", "u")})));
  // A number that is asked for as a large text stays a number here.
  MadeStream made({batch_of(1, {fixed_node<int64_t>("l", {5})})});
  ArrowArrayStream stream;
  made.start(&stream);
  lay_out_stream(asked({text_node<int32_t>("U", {})}), &stream);
  EXPECT_EQ(texts_of(import_stream(&stream), 0), Texts{"5"});
}

}  // namespace
}  // namespace velaria
