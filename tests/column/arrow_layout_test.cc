// Other layouts hold the same values, share the bytes and let go of everything.
#include "src/column/arrow/layout.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cmath>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "src/column/arrow/import.h"
#include "src/column/half_float.h"
#include "src/column/value.h"
#include "tests/column/arrow_arrays.h"

namespace velaria {
namespace {

using arrow_test::batch_of;
using arrow_test::fixed_node;
using arrow_test::MadeStream;
using arrow_test::make_schema;
using arrow_test::named;
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
    std::vector<Node> columns = {named("t", text_node<int32_t>("u", texts, valid)),
                                 named("n", fixed_node<int64_t>("l", numbers)),
                                 named("b", text_node<int32_t>("z", texts))};
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

// The column as it comes out when `wanted` is asked for, and its schema's format.
Texts laid_out(Node column, const Node& wanted, std::string* format, std::string* error = nullptr) {
  column.name = "c";
  MadeStream made({batch_of(column.length, {column})});
  ArrowArrayStream stream;
  made.start(&stream);
  lay_out_stream(asked({wanted}), &stream);
  ArrowSchema schema;
  EXPECT_EQ(stream.get_schema(&stream, &schema), 0);
  *format = schema.children[0]->format;
  schema.release(&schema);
  Texts out;
  if (error == nullptr) {
    out = texts_of(import_stream(&stream), 0);
  } else {
    ArrowArray batch;
    EXPECT_EQ(stream.get_next(&stream, &batch), EINVAL);
    *error = stream.get_last_error(&stream);
    stream.release(&stream);
  }
  EXPECT_EQ(made.array_releases, 1);
  EXPECT_EQ(made.stream_releases, 1);
  return out;
}

struct MonthDayNano {
  int32_t months;
  int32_t days;
  int64_t nanos;
};

// A format that can hold the values of a column, and a column one of whose values it cannot hold.
struct Narrower {
  std::string wanted;
  Node column;
  Node too_fine;
  std::string seen;
};

std::vector<Narrower> narrower_formats() {
  const auto intervals = [](const std::vector<MonthDayNano>& values) {
    return fixed_node("tin", values, values.size() > 1 ? "101" : "");
  };
  const auto decimals = [](const std::string& format, const std::vector<int64_t>& values) {
    std::vector<int64_t> words;
    for (const int64_t value : values) {
      words.push_back(value);
      words.push_back(value < 0 ? -1 : 0);
    }
    Node node = fixed_node(format, words, values.size() > 1 ? "101" : "");
    node.length = static_cast<int64_t>(values.size());
    return node;
  };
  const auto times = [](const std::vector<int64_t>& values) {
    return fixed_node("ttu", values, values.size() > 1 ? "101" : "");
  };
  const int64_t hour = 3'600'000'000;
  return {
      {"e", fixed_node<float>("f", {0.5f, 0.1f, -65504.0f}, "101"), fixed_node<float>("f", {0.1f}),
       "0.1"},
      {"tts", times({hour, 1, 86'399'000'000}), times({hour + 1000}), "3600001000 microseconds"},
      {"ttm", times({hour, 1, 86'399'999'000}), times({hour + 1}), "3600000001 microseconds"},
      {"tDs", intervals({{0, 0, -5'000'000'000}, {1, 1, 1}, {0, 0, 0}}), intervals({{0, 1, 0}}),
       "1 days"},
      {"tDm", intervals({{0, 0, 5'000'000}, {1, 1, 1}, {0, 0, -1'000'000}}),
       intervals({{0, 0, 1000}}), "1000 nanoseconds"},
      {"tDu", intervals({{0, 0, 5000}, {1, 1, 1}, {0, 0, -1000}}), intervals({{1, 0, 0}}),
       "1 months"},
      {"tDn", intervals({{0, 0, 5000}, {1, 1, 1}, {0, 0, -1000}}), intervals({{0, -1, 0}}),
       "-1 days"},
      {"tiM", intervals({{14, 0, 0}, {1, 1, 1}, {-1, 0, 0}}), intervals({{1, 0, 1000}}),
       "1000 nanoseconds"},
      {"tiD", intervals({{0, -3, 5'000'000}, {1, 1, 1}, {0, 0, 0}}),
       intervals({{0, 0, int64_t{1} << 62}}), "4611686018427387904 nanoseconds"},
      {"d:9,2,32", decimals("d:9,2", {999'999'999, int64_t{1} << 40, -5}),
       decimals("d:9,2", {int64_t{1} << 40}), "too many digits"},
      {"d:18,0,64", decimals("d:18,0", {int64_t{1} << 40, 7, -5}), Node(), ""},
      {"w:3", text_node<int32_t>("z", {"abc", "", "xyz"}, "101"), text_node<int32_t>("z", {"abcd"}),
       "a value of 4 bytes"},
  };
}

TEST(ArrowLayout, NarrowerFormatsHoldWhatTheyCanHoldExactly) {
  for (const Narrower& made : narrower_formats()) {
    SCOPED_TRACE(made.wanted);
    std::string format;
    const Texts expected = laid_out(made.column, made.column, &format);
    EXPECT_EQ(expected[1], "NULL");  // and what lies below it is not looked at
    EXPECT_EQ(laid_out(made.column, fixed_node<int32_t>(made.wanted, {}), &format), expected);
    EXPECT_EQ(format, made.wanted);
    Node sliced = made.column;
    sliced.offset = 1;
    sliced.length = 2;
    EXPECT_EQ(laid_out(sliced, fixed_node<int32_t>(made.wanted, {}), &format),
              (Texts{expected[1], expected[2]}));
    if (made.seen.empty()) continue;
    std::string error;
    laid_out(made.too_fine, fixed_node<int32_t>(made.wanted, {}), &format, &error);
    EXPECT_EQ(error.find("TypeMismatchError: column 'c': "), 0u) << error;
    EXPECT_NE(error.find(made.seen), std::string::npos) << error;
  }
}

TEST(ArrowLayout, EveryFloat16GoesOutAsItCameIn) {
  std::vector<uint16_t> halves;
  for (uint32_t bits = 0; bits <= 0xFFFF; ++bits) {
    const bool is_nan = (bits & 0x7C00) == 0x7C00 && (bits & 0x3FF) != 0;
    if (!is_nan || (bits & 0x3FF) == 0x200) halves.push_back(static_cast<uint16_t>(bits));
  }
  std::vector<float> floats;
  for (const uint16_t half : halves) floats.push_back(half_to_float(half));
  MadeStream made({batch_of(static_cast<int64_t>(floats.size()), {fixed_node("f", floats)})});
  ArrowArrayStream stream;
  made.start(&stream);
  lay_out_stream(asked({fixed_node<int32_t>("e", {})}), &stream);
  ArrowArray batch;
  ASSERT_EQ(stream.get_next(&stream, &batch), 0);
  const auto* got = static_cast<const uint16_t*>(batch.children[0]->buffers[1]);
  for (size_t i = 0; i < halves.size(); ++i) ASSERT_EQ(got[i], halves[i]) << i;
  batch.release(&batch);
  stream.release(&stream);
  // Between two of them, beyond the largest, and half of the smallest.
  for (const float value : {1.0f + 1.0f / 2048, 65536.0f, 65520.0f, std::ldexp(1.0f, -25),
                            std::ldexp(3.0f, -25), std::numeric_limits<float>::denorm_min()}) {
    std::string format;
    std::string error;
    laid_out(fixed_node<float>("f", {value}), fixed_node<int32_t>("e", {}), &format, &error);
    EXPECT_NE(error.find("is not a float16 exactly"), std::string::npos) << error;
  }
}

Node runs_of(const std::string& ends, const std::string& values) {
  Node column;
  column.format = "+r";
  column.children = {named("run_ends", fixed_node<int32_t>(ends, {})),
                     named("values", fixed_node<int32_t>(values, {}))};
  return column;
}

TEST(ArrowLayout, RunsKeepEveryValue) {
  Node bits = fixed_node<int8_t>("b", {}, "11011");
  bits.length = 5;
  bits.buffers[1] = arrow_test::bits_of("11001");
  const std::vector<std::pair<Node, std::vector<std::string>>> columns = {
      {fixed_node<int64_t>("l", {5, 5, 9, 5, 5}, "11011"), {"l"}},
      {fixed_node<float>("f", {1, 1, 0, 2, 2}, "11011"), {"f", "e"}},
      {fixed_node<int32_t>("tdD", {1, 1, 1, 1, 1}), {"tdD", "tdm"}},
      {text_node<int32_t>("u", {"", "", "a text of many bytes", "b", "b"}, "11011"),
       {"u", "U", "vu"}},
      {text_node<int32_t>("z", {"ab", "ab", "", "cd", "cd"}, "11011"), {"z", "vz", "w:2"}},
      {fixed_node<MonthDayNano>(
           "tin", {{0, 0, 1000}, {0, 0, 1000}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}}, "11011"),
       {"tin", "tDu"}},
      {bits, {"b"}},
  };
  for (const auto& [column, formats] : columns) {
    for (const std::string& values : formats) {
      for (const int64_t offset : {0, 1, 3, 5}) {
        SCOPED_TRACE(values + " from " + std::to_string(offset));
        Node part = column;
        part.offset = offset;
        part.length = 5 - offset;
        std::string format;
        const Texts expected = laid_out(part, column, &format);
        for (const std::string ends : {"s", "i", "l"}) {
          EXPECT_EQ(laid_out(part, runs_of(ends, values), &format), expected);
          EXPECT_EQ(format, "+r");
        }
        Node coded = fixed_node<int32_t>("c", {});
        coded.dictionary = std::make_shared<Node>(fixed_node<int32_t>(values, {}));
        EXPECT_EQ(laid_out(part, coded, &format), expected);
        EXPECT_EQ(format, "c");
      }
    }
  }
}

TEST(ArrowLayout, RunsAreAsFewAsTheyCanBe) {
  Node column = fixed_node<int64_t>("l", {1, 7, 7, 0, 0, 7, 8}, "1110011");
  column.offset = 1;
  column.length = 6;
  MadeStream made({batch_of(6, {column})});
  ArrowArrayStream stream;
  made.start(&stream);
  lay_out_stream(asked({runs_of("s", "l")}), &stream);
  ArrowSchema schema;
  ASSERT_EQ(stream.get_schema(&stream, &schema), 0);
  ASSERT_EQ(schema.children[0]->n_children, 2);
  EXPECT_STREQ(schema.children[0]->children[0]->name, "run_ends");
  EXPECT_STREQ(schema.children[0]->children[0]->format, "s");
  EXPECT_EQ(schema.children[0]->children[0]->flags, 0);
  EXPECT_STREQ(schema.children[0]->children[1]->name, "values");
  schema.release(&schema);
  ArrowArray batch;
  ASSERT_EQ(stream.get_next(&stream, &batch), 0);
  const ArrowArray& runs = *batch.children[0];
  EXPECT_EQ(runs.length, 6);
  EXPECT_EQ(runs.offset, 0);
  EXPECT_EQ(runs.n_buffers, 0);
  ASSERT_EQ(runs.children[0]->length, 4);
  const auto* ends = static_cast<const int16_t*>(runs.children[0]->buffers[1]);
  EXPECT_EQ(std::vector<int16_t>(ends, ends + 4), (std::vector<int16_t>{2, 4, 5, 6}));
  EXPECT_EQ(runs.children[1]->null_count, 1);
  batch.release(&batch);
  stream.release(&stream);
}

TEST(ArrowLayout, RunEndsThatCannotCountTheRowsAreAnError) {
  std::string format;
  const std::vector<int64_t> rows(32'768);
  EXPECT_EQ(laid_out(fixed_node("l", std::vector<int64_t>(32'767)), runs_of("s", "l"), &format),
            Texts(32'767, "0"));
  std::string error;
  laid_out(fixed_node("l", rows), runs_of("s", "l"), &format, &error);
  EXPECT_NE(error.find("32768 rows"), std::string::npos) << error;
  EXPECT_EQ(laid_out(fixed_node("l", rows), runs_of("i", "l"), &format).size(), rows.size());
}

TEST(ArrowLayout, WhatHasOneLayoutIsNotAskedFor) {
  EXPECT_FALSE(
      any_is_asked_for(asked({text_node<int32_t>("u", {}), text_node<int32_t>("z", {}),
                              fixed_node<int64_t>("l", {}), fixed_node<int64_t>("d:9,2", {})})));
  EXPECT_TRUE(any_is_asked_for(asked({fixed_node<int64_t>("l", {}), with_values("i", "u")})));
  // A number that is asked for as a large text, or in runs of another type, stays a number here.
  for (const Node& wanted :
       {text_node<int32_t>("U", {}), runs_of("i", "i"), dictionary_of("i", "u"),
        fixed_node<int32_t>("e", {}), fixed_node<int32_t>("d:9,2,32", {})}) {
    std::string format;
    EXPECT_EQ(laid_out(fixed_node<int64_t>("l", {5}), wanted, &format), Texts{"5"});
    EXPECT_EQ(format, "l");
  }
}

}  // namespace
}  // namespace velaria
