// Numbered rows at a steady rate: for tests and demonstrations.
//
//   RateOptions options;
//   options.rows_per_second = 1000;
//   options.rows = 10'000;
//   StreamSourcePtr source = make_rate_stream(options);
//
// The columns are sequence, int64, 0, 1, 2, ...; and ts, a timestamp in microseconds: start_us, and
// 1 s / rows_per_second more for each row, rounded down. No value depends on the clock: equal
// options give equal rows, batches and offsets in every run. The clock only says when a batch
// comes: when the last of its rows is due, counted from the first next() on. A query that lags
// behind gets what is overdue at once, so no row is left out.
//
// The offset is the number of rows given; restore goes on with the next one.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "src/base/clock.h"
#include "stream/stream_source.h"

namespace velaria {

struct RateOptions {
  int64_t rows_per_second = 1;  // at most 10^9
  std::optional<int64_t> rows;  // the stream ends behind so many; not said: never
  // Not said: a tenth of rows_per_second, at least 1, at most 65536.
  std::optional<int64_t> batch_rows;
  int64_t start_us = 0;          // ts of the first row, in microseconds since 1970
  bool paced = true;             // false: rows come as fast as the query takes them
  std::shared_ptr<Clock> clock;  // null: system_clock()
};

// Keys: rows_per_second, rows, batch_rows, start ("2026-01-31 12:00:00", UTC), paced (true, false).
// InvalidArgumentError with a suggestion for an unknown one.
RateOptions rate_options_from_text(const std::map<std::string, std::string>& texts);

// InvalidArgumentError for values out of range, and for rows whose times would be.
StreamSourcePtr make_rate_stream(RateOptions options = {});

}  // namespace velaria
