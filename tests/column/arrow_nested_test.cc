// Lists, structs and maps: in by Arrow, as encoded values, and out again as they came.
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "src/base/error.h"
#include "src/column/arrow/export.h"
#include "src/column/arrow/import.h"
#include "src/column/nested_array.h"
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
using arrow_test::list_node;
using arrow_test::make_array;
using arrow_test::make_schema;
using arrow_test::named;
using arrow_test::Node;
using arrow_test::struct_node;
using arrow_test::text_node;
using arrow_test::texts;
using Texts = std::vector<std::string>;

// Out by a stream and in again.
ImportedTable again(const Schema& schema, const ColumnPtr& column) {
  Chunk chunk;
  chunk.columns = {column};
  chunk.rows = column->length();
  ArrowArrayStream stream;
  export_stream(schema, std::vector<Chunk>{chunk}, &stream);
  return import_stream(&stream);
}

// The texts of the only column: whole, in every slice, and each of these exported and read again.
Texts read(const ImportedTable& table) {
  const ImportedArrayPtr& batch = table.batches.at(0);
  const Texts all = texts(batch->column(0));
  for (int64_t begin = 0; begin <= batch->rows(); ++begin) {
    for (int64_t end = begin; end <= batch->rows(); ++end) {
      const ColumnPtr slice = batch->column(0, begin, end - begin);
      const Texts wanted(all.begin() + begin, all.begin() + end);
      EXPECT_EQ(texts(slice), wanted);
      const ImportedTable back = again(table.schema(), slice);
      EXPECT_EQ(back.schema(), table.schema());
      EXPECT_EQ(back.rows, end - begin);
      const Texts given = back.rows == 0 ? Texts() : texts(back.batches.at(0)->column(0));
      EXPECT_EQ(given, wanted);
    }
  }
  return all;
}

// The same rows in arrays that begin at an offset: of the batch, and of the column.
void expect_offsets_keep(const Node& column, const Texts& wanted) {
  Node inside = column;
  inside.offset = 1;
  inside.length -= 1;
  EXPECT_EQ(texts(import_column(inside).batches.at(0)->column(0)),
            Texts(wanted.begin() + 1, wanted.end()));
  Node batch = batch_of(column.length - 1, {column});
  batch.offset = 1;
  EXPECT_EQ(texts(import_node(batch).batches.at(0)->column(0)),
            Texts(wanted.begin() + 1, wanted.end()));
}

std::string formats_of(const ArrowSchema& schema) {
  std::string out = schema.format;
  out += (schema.flags & ARROW_FLAG_NULLABLE) != 0 ? "?" : "!";
  out += (schema.flags & ARROW_FLAG_MAP_KEYS_SORTED) != 0 ? "s" : "";
  if (schema.n_children == 0) return out;
  out += "(";
  for (int64_t i = 0; i < schema.n_children; ++i) {
    out += std::string(i > 0 ? " " : "") + schema.children[i]->name + ":" +
           formats_of(*schema.children[i]);
  }
  return out + ")";
}

// As the type goes out: "+l?(item:i?)".
std::string exported_format(const ImportedTable& table) {
  ArrowSchema schema;
  export_schema(table.schema(), &schema);
  std::string out = formats_of(*schema.children[0]);
  schema.release(&schema);
  return out;
}

Node integers(const std::vector<int32_t>& values, const std::string& valid = "") {
  return named("item", fixed_node("i", values, valid));
}

struct Case {
  Node column;
  std::string type;
  std::string format;
  Texts wanted;
};

Node map_column() {
  Node entries = struct_node("+s", 3,
                             {named("key", text_node<int32_t>("u", {"a", "b", "a"})),
                              named("value", fixed_node<int64_t>("l", {1, 2, 3}, "101"))});
  entries.name = "entries";
  entries.flags = 0;
  entries.children[0].flags = 0;
  Node map = list_node<int32_t>("+m", {0, 2, 2, 3}, std::move(entries), "101");
  map.flags |= ARROW_FLAG_MAP_KEYS_SORTED;
  return map;
}

std::vector<Case> cases() {
  std::vector<Case> out;
  out.push_back({list_node<int32_t>("+l", {0, 2, 2, 2, 4}, integers({1, 2, 3, 4}, "1101"), "1011"),
                 "list<int32>",
                 "+l?(item:i?)",
                 {"[1, 2]", "NULL", "[]", "[null, 4]"}});
  out.push_back({list_node<int64_t>("+L", {1, 3, 4}, integers({9, 1, 2, 3})),
                 "large_list<int32>",
                 "+L?(item:i?)",
                 {"[1, 2]", "[3]"}});
  Node required = integers({1, 2, 3, 4});
  required.flags = 0;
  out.push_back({struct_node("+w:2", 2, {required}, "10"),
                 "fixed_size_list<int32>[2]",
                 "+w:2?(item:i!)",
                 {"[1, 2]", "NULL"}});
  out.push_back({struct_node("+w:0", 2, {integers({})}, "01"),
                 "fixed_size_list<int32>[0]",
                 "+w:0?(item:i?)",
                 {"NULL", "[]"}});
  out.push_back(
      {struct_node("+s", 3,
                   {named("a", fixed_node<int64_t>("l", {1, 2, 3}, "110")),
                    named("b \"x\"", text_node<int64_t>("U", {"", "two\n", "3"}))},
                   "101"),
       "struct<a: int64, b \"x\": large_utf8>",
       "+s?(a:l? b \"x\":U?)",
       {"{\"a\": 1, \"b \\\"x\\\"\": \"\"}", "NULL", "{\"a\": null, \"b \\\"x\\\"\": \"3\"}"}});
  out.push_back({struct_node("+s", 2, {}), "struct<>", "+s?", {"{}", "{}"}});
  out.push_back({map_column(),
                 "map<utf8, int64>",
                 "+m?s(entries:+s!(key:u! value:l?))",
                 {"{\"a\": 1, \"b\": null}", "NULL", "{\"a\": 3}"}});
  Node bits = named("item", fixed_node<uint8_t>("b", {}));
  bits.length = 4;
  bits.buffers[1] = bits_of("1001");
  out.push_back({list_node<int32_t>("+l", {0, 1, 4}, bits),
                 "list<bool>",
                 "+l?(item:b?)",
                 {"[true]", "[false, false, true]"}});
  Node nulls;
  nulls.format = "n";
  nulls.name = "item";
  nulls.length = 3;
  out.push_back({list_node<int32_t>("+l", {0, 2, 3}, nulls),
                 "list<null>",
                 "+l?(item:n?)",
                 {"[null, null]", "[null]"}});
  // Lists of lists of structs, with NULLs at every level.
  Node pairs =
      named("item", struct_node("+s", 4,
                                {named("x", fixed_node<int8_t>("c", {1, 2, 3, 4}, "1011")),
                                 named("y", text_node<int32_t>("u", {"p", "q", "r", "s"}, "0111"))},
                                "1101"));
  Node inner = named("item", list_node<int32_t>("+l", {0, 1, 3, 3, 4}, pairs, "1101"));
  out.push_back({list_node<int32_t>("+l", {0, 2, 3, 4}, inner),
                 "list<list<struct<x: int8, y: utf8>>>",
                 "+l?(item:+l?(item:+s?(x:c? y:u?)))",
                 {"[[{\"x\": 1, \"y\": null}], [{\"x\": null, \"y\": \"q\"}, null]]", "[null]",
                  "[[{\"x\": 4, \"y\": \"s\"}]]"}});
  return out;
}

TEST(ArrowNested, ValuesComeOutAsTheyCameIn) {
  for (const Case& one : cases()) {
    SCOPED_TRACE(one.type);
    const ImportedTable table = import_column(one.column);
    EXPECT_EQ(table.schema().field(0).type.to_string(), one.type);
    EXPECT_EQ(exported_format(table), one.format);
    EXPECT_EQ(read(table), one.wanted);
    expect_offsets_keep(one.column, one.wanted);
  }
}

TEST(ArrowNested, LeavesKeepTheirArrowTypes) {
  struct Leaf {
    Node node;
    std::string type;
    std::string text;
  };
  const auto bytes16 = std::vector<Int128>{-12345};
  Node fixed_bytes = fixed_node<uint8_t>("w:2", {0xAB, 0x01});
  fixed_bytes.length = 1;
  const std::vector<Leaf> leaves = {
      {fixed_node<uint16_t>("e", {0x3E00}), "float16", "1.5"},
      {fixed_node<float>("f", {2}), "float32", "2.0"},
      {fixed_node<double>("g", {0.1}), "float64", "0.1"},
      {fixed_node<uint64_t>("L", {~uint64_t{0}}), "uint64", "18446744073709551615"},
      {fixed_node<Int128>("d:10,2", bytes16), "decimal128(10, 2)", "-123.45"},
      {fixed_node<int64_t>("d:10,2,64", {-12345}), "decimal64(10, 2)", "-123.45"},
      {fixed_node<int32_t>("d:5,1,32", {15}), "decimal32(5, 1)", "1.5"},
      {fixed_node<int32_t>("tdD", {1}), "date32", "\"1970-01-02\""},
      {fixed_node<int64_t>("tdm", {86400000}), "date64", "\"1970-01-02\""},
      {fixed_node<int32_t>("tts", {3600}), "time32[s]", "\"01:00:00\""},
      {fixed_node<int64_t>("ttn", {3600000000000}), "time64[ns]", "\"01:00:00\""},
      {fixed_node<int64_t>("ttu", {1}), "time64[us]", "\"00:00:00.000001\""},
      {fixed_node<int64_t>("tsm:", {1}), "timestamp[ms]", "\"1970-01-01T00:00:00.001\""},
      {fixed_node<int64_t>("tsu:Asia/Tokyo", {0}), "timestamp[us, Asia/Tokyo]",
       "\"1970-01-01T00:00:00Z\""},
      {fixed_node<int64_t>("tDm", {1500}), "duration[ms]", "\"00:00:01.5\""},
      {fixed_node<int32_t>("tiM", {14}), "interval[months]", "\"1 year 2 months\""},
      {text_node<int32_t>("z", {"\x01"}), "binary", "\"\\\\x01\""},
      {fixed_bytes, "fixed_size_binary[2]", "\"\\\\xab01\""},
  };
  for (const Leaf& leaf : leaves) {
    SCOPED_TRACE(leaf.type);
    const ImportedTable table =
        import_column(list_node<int32_t>("+l", {0, 1}, named("item", leaf.node)));
    EXPECT_EQ(table.schema().field(0).type.to_string(), "list<" + leaf.type + ">");
    EXPECT_EQ(exported_format(table), "+l?(item:" + leaf.node.format + "?)");
    EXPECT_EQ(read(table), (Texts{"[" + leaf.text + "]"}));
  }
}

TEST(ArrowNested, NanosecondsTravelButHaveNoText) {
  const Node leaf = named("item", fixed_node<int64_t>("ttn", {3600000000001}));
  const ImportedTable table = import_column(list_node<int32_t>("+l", {0, 1}, leaf));
  const ColumnPtr column = table.batches.at(0)->column(0);
  EXPECT_THROW(column->value(0).to_string(), Error);
  const ImportedTable back = again(table.schema(), column);
  EXPECT_EQ(back.batches.at(0)->column(0)->value(0), column->value(0));
}

Node list_views(const char* format, const std::vector<int32_t>& offsets,
                const std::vector<int32_t>& sizes, Node element) {
  Node node = fixed_node(format, offsets);
  node.buffers.push_back(bytes_of(sizes));
  node.children.push_back(std::move(element));
  return node;
}

TEST(ArrowNested, ViewsOfElementsAndTextsBecomeListsAndTexts) {
  // In any order, and one inside of another.
  const ImportedTable lists =
      import_column(list_views("+vl", {2, 0, 1}, {2, 4, 0}, integers({1, 2, 3, 4})));
  EXPECT_EQ(exported_format(lists), "+l?(item:i?)");
  EXPECT_EQ(read(lists), (Texts{"[3, 4]", "[1, 2, 3, 4]", "[]"}));

  Node views;
  views.format = "vu";
  views.name = "item";
  views.length = 2;
  Bytes both(32, 0);
  const std::string long_text = "a text of twenty bytes";
  const int32_t short_size = 2;
  const int32_t long_size = 22;
  std::memcpy(both.data(), &short_size, 4);
  std::memcpy(both.data() + 4, "ab", 2);
  std::memcpy(both.data() + 16, &long_size, 4);
  std::memcpy(both.data() + 20, long_text.data(), 4);
  views.buffers = {std::nullopt, both, Bytes(long_text.begin(), long_text.end()),
                   bytes_of<int64_t>({22})};
  const ImportedTable texts_of_views = import_column(list_node<int32_t>("+l", {0, 2}, views));
  EXPECT_EQ(exported_format(texts_of_views), "+l?(item:u?)");
  EXPECT_EQ(read(texts_of_views), (Texts{"[\"ab\", \"a text of twenty bytes\"]"}));
}

TEST(ArrowNested, DictionariesInsideAreReadAsTheirValues) {
  Node indices = integers({1, 0, 1, 2, 0}, "11110");
  indices.dictionary =
      std::make_shared<Node>(named("", text_node<int32_t>("u", {"zero", "one", "x"}, "110")));
  const ImportedTable table = import_column(list_node<int32_t>("+l", {0, 2, 5}, indices));
  EXPECT_EQ(table.schema().field(0).type.to_string(), "list<utf8>");
  EXPECT_EQ(exported_format(table), "+l?(item:u?)");
  EXPECT_EQ(read(table), (Texts{"[\"one\", \"zero\"]", "[\"one\", null, null]"}));

  Node outside = fixed_node<int8_t>("c", {1, 0, 1}, "110");
  outside.dictionary =
      std::make_shared<Node>(list_node<int32_t>("+l", {0, 1, 3}, integers({7, 8, 9})));
  EXPECT_EQ(read(import_column(outside)), (Texts{"[8, 9]", "[7]", "NULL"}));
}

TEST(ArrowNested, WhatLiesBelowANullIsNotLookedAt) {
  // Indices out of range, and lists out of range, below NULLs.
  Node indices = integers({0, 77});
  indices.name = "d";
  indices.dictionary = std::make_shared<Node>(text_node<int32_t>("u", {"a"}));
  Node lists = named("l", list_node<int32_t>("+l", {0, 1, 99}, integers({5})));
  const Texts wanted = {"{\"d\": \"a\", \"l\": [5]}", "NULL"};
  EXPECT_EQ(read(import_column(struct_node("+s", 2, {indices, lists}, "10"))), wanted);
}

TEST(ArrowNested, FieldsThatAreNeverNullStaySoBelowANullStruct) {
  Node field = named("a", fixed_node<int32_t>("i", {1, 2}));
  field.flags = 0;
  const ImportedTable table = import_column(struct_node("+s", 2, {field}, "01"));
  ArrowArray array;
  Chunk chunk;
  chunk.rows = 2;
  chunk.columns = {table.batches.at(0)->column(0)};
  export_chunk(table.schema(), chunk, &array);
  EXPECT_EQ(array.children[0]->null_count, 1);
  EXPECT_EQ(array.children[0]->children[0]->null_count, 0);
  array.release(&array);
}

TEST(ArrowNested, EmptyTablesKeepTheirType) {
  Node empty = list_node<int32_t>("+l", {0}, integers({}));
  empty.buffers = {std::nullopt, std::nullopt};
  const ImportedTable table = import_column(empty);
  EXPECT_EQ(table.rows, 0);
  EXPECT_EQ(table.schema().to_string(), "c list<int32>");
  const ImportedTable back = again(table.schema(), Column::nulls(table.schema().field(0).type, 0));
  EXPECT_EQ(back.schema(), table.schema());
}

TEST(ArrowNested, ChildrenMayBeMovedOutAndOutliveTheParent) {
  const ImportedTable table = import_column(list_node<int32_t>("+l", {0, 3}, integers({1, 2, 3})));
  ArrowArray array;
  Chunk chunk;
  chunk.rows = 1;
  chunk.columns = {table.batches.at(0)->column(0)};
  export_chunk(table.schema(), chunk, &array);
  ArrowArray moved = *array.children[0]->children[0];
  array.children[0]->children[0]->release = nullptr;
  array.release(&array);
  EXPECT_EQ(static_cast<const int32_t*>(moved.buffers[1])[2], 3);
  moved.release(&moved);
}

TEST(ArrowNested, StreamsSplitWhatOffsetsDoNotReach) {
  std::vector<int32_t> numbers(64);
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<int32_t>(i);
  const ImportedTable table =
      import_column(list_node<int32_t>("+l", {0, 16, 32, 48, 64}, integers(numbers)));
  Chunk chunk;
  chunk.rows = 4;
  chunk.columns = {table.batches.at(0)->column(0)};
  ArrowArrayStream stream;
  export_stream(table.schema(), std::vector<Chunk>{chunk}, &stream, 100);
  const ImportedTable back = import_stream(&stream);
  EXPECT_EQ(back.batches.size(), 4u);
  EXPECT_EQ(back.rows, 4);
}

TEST(ArrowNested, MalformedArraysAreErrors) {
  Node short_field = struct_node("+s", 2, {named("a", fixed_node<int32_t>("i", {1}))});
  Node no_offsets = list_node<int32_t>("+l", {0, 1}, integers({1}));
  no_offsets.buffers[1] = std::nullopt;
  Node no_bits = list_node<int32_t>("+l", {0, 1}, integers({1}));
  no_bits.null_count = 1;
  Node negative = named("item", text_node<int32_t>("u", {"a", "b"}));
  negative.buffers[1] = bytes_of<int32_t>({0, -1, 2});
  Node no_index = integers({3});
  no_index.dictionary = std::make_shared<Node>(text_node<int32_t>("u", {"a"}));
  Node minus_index = integers({-1});
  minus_index.dictionary = no_index.dictionary;
  const std::vector<Node> bad = {
      list_node<int32_t>("+l", {0, 2}, integers({1})),
      list_node<int32_t>("+l", {-1, 1}, integers({1})),
      list_node<int32_t>("+l", {1, 0}, integers({1})),
      list_node<int64_t>("+L", {0, int64_t{1} << 60}, integers({1})),
      list_views("+vl", {0}, {-1}, integers({1})),
      list_views("+vl", {1}, {1}, integers({1})),
      list_views("+vl", {-1}, {1}, integers({1})),
      struct_node("+w:2", 2, {integers({1, 2, 3})}),
      short_field,
      no_offsets,
      no_bits,
      list_node<int32_t>("+l", {0, 2}, negative),
      list_node<int32_t>("+l", {0, 1}, no_index),
      list_node<int32_t>("+l", {0, 1}, minus_index),
      list_node<int32_t>("+l", {0, 1}, list_node<int32_t>("+l", {5, 6}, integers({1}))),
  };
  for (size_t i = 0; i < bad.size(); ++i) {
    SCOPED_TRACE(i);
    const Error error = import_failure(bad[i]);
    EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument) << error.message();
    EXPECT_NE(error.message().find("malformed"), std::string::npos) << error.message();
  }
}

// Any numbers as offsets: an error or values, but no read outside of the buffers, which the address
// sanitizer would see.
TEST(ArrowNested, RandomOffsetsNeverLeadOutside) {
  std::mt19937_64 random(7);
  int errors = 0;
  for (int round = 0; round < 3000; ++round) {
    const auto offset = [&] { return static_cast<int32_t>(random() % 12) - 2; };
    Node words = named("w", text_node<int32_t>("u", {"ab", "", "cde", "f"}));
    if (random() % 2 == 0) {
      words.buffers[1] = bytes_of<int32_t>({offset(), offset(), offset(), offset(), 6});
    }
    Node indices = named("i", integers({offset(), offset(), offset(), offset()}, "1011"));
    indices.dictionary = std::make_shared<Node>(text_node<int32_t>("u", {"x", "y", "z"}));
    Node pairs = named("item", struct_node("+s", 4, {words, indices}, "1110"));
    Node lists = named("item", list_views("+vl", {offset(), offset(), offset()},
                                          {offset(), offset(), offset()}, pairs));
    Node column = list_node<int32_t>("+l", {offset(), offset(), offset()}, lists);
    column.offset = static_cast<int64_t>(random() % 2);
    column.length -= column.offset;
    try {
      read(import_column(column));
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument) << error.message();
      ++errors;
    }
  }
  EXPECT_GT(errors, 100);
  EXPECT_LT(errors, 3000);
}

TEST(ArrowNested, RefusedTypesInsideAreNamedByTheirPath) {
  struct Refused {
    Node node;
    std::string says;
  };
  Node ends = fixed_node<int32_t>("i", {1});
  Node runs = struct_node("+r", 1, {ends, fixed_node<int32_t>("i", {1})});
  Node twice = integers({0});
  twice.dictionary = std::make_shared<Node>(integers({0}));
  twice.dictionary->dictionary = std::make_shared<Node>(text_node<int32_t>("u", {"a"}));
  const std::vector<Refused> refused = {
      {fixed_node<int32_t>("+ud:0", {1}), "dense union"},
      {fixed_node<int32_t>("+us:0", {1}), "sparse union"},
      {fixed_node<int32_t>("d:76,3,256", {1}), "decimal256"},
      {runs, "run-end"},
      {twice, "dictionary of a dictionary"},
  };
  for (const Refused& one : refused) {
    Node inner = named("b", one.node);
    const Node column =
        named("t", struct_node("+s", 1, {named("a", struct_node("+s", 1, {inner}))}));
    const Error error = import_failure(column);
    EXPECT_EQ(error.kind(), ErrorKind::kTypeMismatch);
    EXPECT_NE(error.message().find("'t.a.b'"), std::string::npos) << error.message();
    EXPECT_NE(error.message().find(one.says), std::string::npos) << error.message();
  }
}

TEST(ArrowNested, DepthHasABound) {
  Node deep = integers({1});
  for (int depth = 0; depth < kDeepestNesting + 1; ++depth) {
    deep = named("item", list_node<int32_t>("+l", {0, 1}, std::move(deep)));
  }
  const ImportedTable table = import_column(deep);
  EXPECT_EQ(read(table), (Texts{std::string(kDeepestNesting + 1, '[') + "1" +
                                std::string(kDeepestNesting + 1, ']')}));
  const Error error = import_failure(list_node<int32_t>("+l", {0, 1}, deep));
  EXPECT_EQ(error.kind(), ErrorKind::kTypeMismatch);
  EXPECT_NE(error.message().find("nested more than 64 deep"), std::string::npos) << error.message();
}

TEST(NestedArray, BytesOfAnotherTypeAreErrors) {
  const ImportedTable table =
      import_column(list_node<int32_t>("+l", {0, 2}, integers({1, 2}, "10")));
  const Value value = table.batches.at(0)->column(0)->value(0);
  const NestedType& type = table.schema().field(0).type.nested_type();
  const std::string& good = value.as_text();
  EXPECT_EQ(nested_json(type, good), "[1, null]");
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_THROW(nested_json(type, std::string_view(good).substr(0, size)), Error) << size;
  }
  EXPECT_THROW(nested_json(type, good + "x"), Error);
}

}  // namespace
}  // namespace velaria
