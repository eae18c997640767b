// Rows that are computed, not kept: generate_series() and range().
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "src/column/type.h"
#include "src/plan/table_source.h"

namespace velaria {

// One column `name` with value i = start + i * step for i in 0 ... rows - 1.
struct Series {
  std::string name;
  DataType type;  // int64, date32, timestamp in microseconds or finer
  int64_t start = 0;
  int64_t rows = 0;
  int64_t step = 1;        // of int64; every value up to the last fits int64
  Interval interval_step;  // of date32 (without a time of day) and timestamp
};

// How many values there are from start on until `stop` is passed: with `inclusive`, `stop` itself
// counts. The series' `rows` is not looked at. InvalidArgumentError for a step of zero, or one
// whose parts (months, days, time) point both ways; ResourceError for more rows than a scan can
// number.
int64_t count_series(const Series& series, int64_t stop, bool inclusive);

TableSourcePtr make_series(Series series);

}  // namespace velaria
