// Arrow arrays made by hand (arrow_arrays.h) through the importer, for tests.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

#include "src/base/error.h"
#include "src/column/arrow/import.h"
#include "tests/column/arrow_arrays.h"

namespace velaria::arrow_test {

// Of a struct node. `releases`, when given, counts the buffers that are let go.
inline ImportedTable import_node(const Node& batch, std::atomic<int>* releases = nullptr) {
  ArrowSchema schema;
  ArrowArray array;
  make_schema(batch, nullptr, &schema);
  make_array(batch, releases, &array);
  ImportedTable table = import_batch(&schema, &array);
  EXPECT_EQ(schema.release, nullptr);
  EXPECT_EQ(array.release, nullptr);
  return table;
}

inline ImportedTable import_column(const Node& column) {
  return import_node(batch_of(column.length, {column}));
}

// What importing the column, or reading it, throws.
inline Error import_failure(const Node& column) {
  try {
    const ImportedTable table = import_column(column);
    for (const auto& batch : table.batches) batch->column(0);
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error";
  return Error(ErrorKind::kInternal, "");
}

inline std::vector<std::string> texts(const ColumnPtr& column) {
  std::vector<std::string> out;
  for (int64_t i = 0; i < column->length(); ++i) out.push_back(column->value(i).to_string());
  return out;
}

}  // namespace velaria::arrow_test
