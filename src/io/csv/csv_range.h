// Cuts a CSV file into ranges of whole rows that tasks parse independently.
//
// Cutting is serial and cheap (find the last row end of the next block; what is behind it goes in
// front of the next range), parsing is parallel and expensive. Since every range begins where the
// one before ended, a cut never falls inside quotes, whatever the block size, and ranges are the
// same however many tasks pull. Memory: one block per range in flight.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "src/base/buffer.h"
#include "src/base/cancellation.h"
#include "src/base/cpu_features.h"
#include "src/io/byte_stream.h"
#include "src/io/csv/csv_dialect.h"
#include "src/io/csv/csv_structure.h"

namespace velaria {

struct CsvRange {
  // Whole rows, the last one ended by a line end (added when the file ends without one), followed
  // by kCsvPaddingBytes readable bytes. Whoever keeps views into the text keeps `block`.
  std::shared_ptr<Buffer> block;
  size_t size_bytes = 0;
  uint64_t file_offset = 0;  // of the first byte
  uint64_t index = 0;        // 0, 1, 2, ... in file order

  const char* text() const { return reinterpret_cast<const char*>(block->data()); }
};

class RangeCutter {
 public:
  // `stream` stands at a row start, `file_offset` bytes into the file.
  RangeCutter(std::unique_ptr<ByteStream> stream, uint64_t file_offset, CsvDialect dialect,
              int64_t range_bytes, int64_t max_row_bytes, SimdLevel level,
              const CancellationToken* cancellation);

  // The next range, or false at the end and behind a call that threw. Any thread. Reuses the block
  // that `range` still holds when nobody else keeps it. Throws CsvDefect with an offset in the FILE
  // for a row longer than max_row_bytes, CancelledError.
  bool next(CsvRange* range);

 private:
  size_t last_row_end(const char* text, size_t size, bool at_end) const;

  const CsvDialect dialect_;
  const size_t range_bytes_;
  const size_t max_row_bytes_;
  const StructureFinder& finder_;
  const CancellationToken* cancellation_;

  std::mutex mutex_;
  std::unique_ptr<ByteStream> stream_;
  std::vector<char> tail_;  // behind the last range: the start of a row
  uint64_t file_offset_;
  uint64_t next_index_ = 0;
  bool at_end_ = false;
  bool broken_ = false;  // next() has thrown: nobody reads on from a wrong place
};

}  // namespace velaria
