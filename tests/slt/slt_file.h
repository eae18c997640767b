// SQL text tests as they are written down.
//
//   # a comment
//   statement ok
//   CREATE TABLE t AS SELECT 1 AS a
//
//   statement error SqlSemanticError: did you mean 'a'
//   SELECT aa FROM t
//
//   query IT rowsort
//   SELECT a, 'x' FROM t
//   ----
//   1|x
//
// A record ends at an empty line. `statement error` may carry the kind of the error, a part of its
// text behind ": ", and below ---- its whole text. The letters of `query` are the exact types of
// the columns: I int64, i int32, s int16, b int8, U uint64, u uint32, R float64, r float32, N
// decimal, B bool, T utf8, X binary, D date32, M time64, S timestamp[us], Z timestamp[us, UTC], V
// interval, ? any. `rowsort` compares without the order. {data} in the SQL is the folder of the
// fixtures.
#pragma once

#include <string>
#include <vector>

namespace velaria {

struct SltRecord {
  enum class Kind { kOk, kError, kQuery };
  Kind kind = Kind::kOk;
  int line = 0;      // of its first line, from 1
  std::string head;  // its first line, as written
  std::string sql;
  std::string types;          // kQuery
  bool row_sort = false;      // kQuery
  std::string error_kind;     // kError; may be empty
  std::string error_part;     // kError; may be empty
  bool has_expected = false;  // a ---- line was there
  std::vector<std::string> expected;
  std::string comment;  // the comment lines before it, with their line ends
};

// Throws std::runtime_error with file and line for what it does not understand.
std::vector<SltRecord> read_slt_file(const std::string& path);

}  // namespace velaria
