// Rows on their way to Python.
#pragma once

#include <pybind11/pybind11.h>

#include <memory>
#include <string>
#include <vector>

#include "src/column/chunk.h"
#include "src/column/schema.h"

namespace velaria::python {

// What a query, a sink or a poll gave: immutable rows in order.
struct RowSet {
  Schema schema;
  std::vector<Chunk> chunks;  // without selections

  int64_t rows() const;
};

// One value as a Python object: int, float, Decimal, str, bytes, date, time, datetime, a list of
// floats, or an Interval tuple (months, days, microseconds); lists, structs and maps as lists,
// dicts and lists of pairs, durations inside of them as timedelta. Throws TypeMismatchError for a
// date or time that Python's classes cannot hold.
pybind11::object to_python_value(const Column& column, int64_t row);

// One dict a row. Throws InvalidArgumentError when two columns share a name.
pybind11::list rows_to_dicts(const RowSet& rows);

// The values as texts as SQL shows them, NULL as None: for tables that people read.
pybind11::list rows_to_texts(const RowSet& rows);

// At most `count` rows from `offset` on; shares the columns.
RowSet slice_rows(const RowSet& rows, int64_t offset, int64_t count);

pybind11::capsule rows_to_stream(const RowSet& rows);

}  // namespace velaria::python
