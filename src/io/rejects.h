// Rows that a reader left out: what on_error = skip gives, in every reader. They are found when the
// file is opened, by a pass over all columns, so that which rows a table has never depends on the
// columns that a query asks for.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "src/io/text_file.h"
#include "src/plan/table_source.h"

namespace velaria {

struct Reject {
  std::string file;
  int64_t line = 0;                   // 1-based; 0: not known
  int64_t byte = 0;                   // in the text of the file
  std::optional<std::string> column;  // nothing: it is the row that is wrong
  std::string value;                  // of the column, or the row; any bytes
  std::string reason;
};

// More are counted, but not kept; nor are those behind the first that together take more memory.
constexpr size_t kMostKeptRejects = 1000000;
constexpr size_t kMostKeptRejectBytes = size_t{256} << 20;
// Of a value more is cut off.
constexpr size_t kMostRejectedBytes = size_t{64} << 10;

// Those of one file. Gathering is commutative: parts merge to the same answer in any order.
struct RejectedRows {
  int64_t count = 0;
  int64_t good_rows = 0;     // for whoever gathers to count
  std::vector<Reject> kept;  // the first of them, in the order of the file once it is finished
  size_t most_kept_bytes = kMostKeptRejectBytes;
  // Where rows begin that are whole but hold a value of another type; ascending once finished.
  std::vector<uint64_t> misfits;

  void add(Reject reject);  // `byte` is set, `line` is not
  void merge(RejectedRows part);
  // When all are gathered: in order, with lines.
  void finish(const TextPass& pass);
  // Those of misfits in a range, as places in it.
  std::vector<size_t> misfits_in(uint64_t range_begin, size_t range_bytes) const;
  // "3 of 10 rows are left out ...", or nothing.
  std::vector<std::string> warnings() const;

 private:
  void keep(Reject reject);
  void sort_and_cut();

  size_t kept_bytes_ = 0;
  int64_t cut_at_ = std::numeric_limits<int64_t>::max();  // where the first begins that is not kept
};

// Columns: file utf8, line int64, byte int64, column utf8, value utf8, reason utf8. Bytes of a
// value that are not UTF-8 are shown as \xNN.
TableSourcePtr make_reject_table(const std::vector<Reject>& rejects);
Schema reject_schema();

}  // namespace velaria
