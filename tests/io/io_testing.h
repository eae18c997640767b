// What the tests of the file room share: files in the test's own directory, tables as rows of text,
// and a seed that failures print.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "src/base/error.h"
#include "src/base/file_system.h"
#include "src/io/csv/csv_source.h"

namespace velaria {

inline std::string write_test_file(const std::string& name, std::string_view content) {
  const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
  std::string path = ::testing::TempDir() + "velaria_io_" + test->test_suite_name() + "_" +
                     test->name() + "_" + name;
  std::replace(path.begin() + static_cast<std::ptrdiff_t>(::testing::TempDir().size()), path.end(),
               '/', '_');
  auto file = local_file_system()->create(path);
  file->write(content);
  file->close();
  return path;
}

// VELARIA_TEST_SEED, else a fixed one; SCOPED_TRACE it.
inline uint64_t test_seed() {
  const char* seed = std::getenv("VELARIA_TEST_SEED");
  return seed != nullptr ? std::strtoull(seed, nullptr, 10) : 20261123;
}

using TextRows = std::vector<std::vector<std::string>>;

// Every row of the source as text, in the source's order; NULL is "<null>". Checks that orders are
// unique and ascend within a task.
inline TextRows read_rows(const TableSource& source, std::vector<size_t> columns,
                          int64_t chunk_rows = kDefaultChunkRows, size_t tasks = 1) {
  ScanRequest request;
  request.columns = std::move(columns);
  request.chunk_rows = chunk_rows;
  request.tasks = tasks;
  const auto scan = source.scan(request);
  std::vector<std::vector<Chunk>> chunks(tasks);
  std::vector<std::exception_ptr> failures(tasks);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < tasks; ++i) {
    threads.emplace_back([&, i] {
      try {
        const auto task = scan->new_task();
        Chunk chunk;
        while (task->next(&chunk)) chunks[i].push_back(chunk);
      } catch (...) {
        failures[i] = std::current_exception();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
  std::map<uint64_t, Chunk> ordered;
  for (const auto& of_task : chunks) {
    for (size_t i = 0; i < of_task.size(); ++i) {
      if (i > 0) {
        EXPECT_LT(of_task[i - 1].order, of_task[i].order);
      }
      EXPECT_TRUE(ordered.emplace(of_task[i].order, of_task[i]).second);
    }
  }
  TextRows rows;
  for (const auto& [order, chunk] : ordered) {
    EXPECT_LE(chunk.rows, chunk_rows);
    for (int64_t row = 0; row < chunk.rows; ++row) {
      std::vector<std::string> texts;
      for (const ColumnPtr& column : chunk.columns) {
        EXPECT_EQ(column->length(), chunk.rows);
        texts.push_back(column->is_null(row) ? "<null>" : column->value(row).to_string());
      }
      rows.push_back(std::move(texts));
    }
  }
  return rows;
}

inline TextRows read_all(const TableSource& source, int64_t chunk_rows = kDefaultChunkRows,
                         size_t tasks = 1) {
  std::vector<size_t> columns;
  for (size_t i = 0; i < source.schema().size(); ++i) columns.push_back(i);
  return read_rows(source, columns, chunk_rows, tasks);
}

// The error that `action` throws; a test failure when it throws none.
template <typename Action>
Error error_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return Error(ErrorKind::kInternal, "nothing was thrown");
}

inline void expect_error(const Error& error, ErrorKind kind,
                         const std::vector<std::string>& parts) {
  EXPECT_EQ(error_kind_name(error.kind()), error_kind_name(kind)) << error.message();
  for (const std::string& part : parts) {
    EXPECT_NE(error.message().find(part), std::string::npos)
        << "'" << part << "' is not in: " << error.message();
  }
}

}  // namespace velaria
