// Rows, files and errors for the tests that go through the front door.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/slt/result_text.h"
#include "velaria/velaria.h"

namespace velaria {

using Rows = std::vector<std::string>;
using Texts = std::map<std::string, std::string>;  // options of a reader

inline Rows rows_of(const DataFrame& frame) { return row_texts(frame.collect()); }

inline Rows rows_of(const Schema& schema, const std::vector<Chunk>& chunks) {
  return row_texts(QueryResult{schema, chunks, 0});
}

inline std::string temp_path(const std::string& name) {
  const char* folder = std::getenv("TEST_TMPDIR");
  const std::filesystem::path base =
      folder != nullptr ? std::filesystem::path(folder) : std::filesystem::temp_directory_path();
  return (base / name).string();
}

inline std::string write_file(const std::string& name, const std::string& content) {
  const std::string path = temp_path(name);
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

// The error that f() throws as "KindError: text"; "no error" when it throws none.
template <typename F>
std::string error_of(F f) {
  try {
    f();
  } catch (const Error& error) {
    return std::string(error_kind_name(error.kind())) + ": " + error.message();
  }
  return "no error";
}

#define EXPECT_ERROR(statement, kind, part)                                  \
  do {                                                                       \
    const std::string got = ::velaria::error_of([&] { (void)(statement); }); \
    EXPECT_EQ(got.substr(0, got.find(':')), kind) << got;                    \
    EXPECT_NE(got.find(part), std::string::npos) << got;                     \
  } while (false)

}  // namespace velaria
