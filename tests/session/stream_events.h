// The same events as a table and as a stream of batches.
#pragma once

#include <map>

#include "src/column/arrow/export.h"
#include "src/column/builder.h"
#include "tests/session/session_testing.h"

namespace velaria {

inline Schema event_schema() {
  return Schema({{"ts", DataType::timestamp(TimeUnit::kMicro)},
                 {"name", DataType(TypeId::kUtf8)},
                 {"amount", DataType(TypeId::kInt64)}});
}

// `batches` of `rows`: every tenth time and every seventh name is NULL, times jump to and fro.
inline std::vector<Chunk> event_batches(int batches, int rows) {
  std::vector<Chunk> out;
  int n = 0;
  for (int b = 0; b < batches; ++b) {
    FixedBuilder<int64_t> ts(DataType::timestamp(TimeUnit::kMicro));
    StringBuilder name;
    FixedBuilder<int64_t> amount{DataType(TypeId::kInt64)};
    for (int i = 0; i < rows; ++i, ++n) {
      n % 10 == 9 ? ts.append_null() : ts.append((n * 7919 % 20000 - 5000) * int64_t{1000});
      if (n % 7 == 6) {
        name.append_null();
      } else {
        name.append(n % 3 == 0 ? "a" : "a name that is longer than twelve bytes");
      }
      amount.append(n % 11 - 3);
    }
    Chunk chunk;
    chunk.rows = rows;
    chunk.columns = {ts.finish(), name.finish(), amount.finish()};
    out.push_back(std::move(chunk));
  }
  return out;
}

// A session with the events as the stream `events` and as the table `rows`.
inline void add_events(DataflowSession& session, const std::vector<Chunk>& batches) {
  session.create_temp_view("events",
                           session.read_stream(make_memory_stream(event_schema(), batches)));
  ArrowArrayStream arrow;
  export_stream(event_schema(), batches, &arrow);
  session.create_temp_view("rows", session.create_dataframe_from_arrow(&arrow));
}

// Update mode: of the rows with the same first `keys` values the last one counts.
inline std::vector<std::string> latest_rows(const Rows& rows, int keys) {
  std::map<std::string, std::string> latest;
  for (const std::string& row : rows) {
    size_t end = 0;
    for (int k = 0; k < keys; ++k) end = row.find('|', end) + 1;
    latest[row.substr(0, end)] = row;
  }
  std::vector<std::string> out;
  for (const auto& [key, row] : latest) out.push_back(row);
  return out;
}

}  // namespace velaria
