// Cuts a text file into ranges of whole rows that tasks parse independently.
//
// Cutting is serial and cheap, parsing is parallel and expensive. Every range begins where the one
// before ended, so ranges are the same however many tasks pull. Memory: one block per range in
// flight.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "src/base/buffer.h"
#include "src/base/cancellation.h"
#include "src/io/byte_stream.h"
#include "src/io/text_table/text_defect.h"

namespace velaria {

// Every range has this many readable bytes behind its end.
constexpr size_t kTextPaddingBytes = 64;

struct TextRange {
  // Whole rows, followed by kTextPaddingBytes zero bytes. Whoever keeps views into the text keeps
  // `block`.
  std::shared_ptr<Buffer> block;
  size_t size_bytes = 0;
  uint64_t file_offset = 0;  // of the first byte
  uint64_t index = 0;        // 0, 1, 2, ... in file order
  // Places between rows, ascending, the last one is size_bytes; where rows end at line ends it is
  // empty, since they are easily found.
  std::vector<size_t> row_ends;

  // The task that holds the range may change the bytes of rows that it is done with.
  char* text() { return reinterpret_cast<char*>(block->mutable_data()); }
  const char* text() const { return reinterpret_cast<const char*>(block->data()); }
};

class TextRangeCutter {
 public:
  // `stream` stands at a row start, `file_offset` bytes into the file.
  TextRangeCutter(std::unique_ptr<ByteStream> stream, uint64_t file_offset, int64_t range_bytes,
                  int64_t max_row_bytes, const CancellationToken* cancellation);
  virtual ~TextRangeCutter() = default;

  // The next range, or false at the end and behind a call that threw. Any thread. Reuses the block
  // that `range` still holds when nobody else keeps it. Throws TextDefect with an offset in the
  // FILE, CancelledError.
  bool next(TextRange* range);

 protected:
  // How many bytes of text[0, size) are whole rows; 0 asks for more text. With `at_end` nothing
  // follows, and all of the text must be used. Called with growing texts from the same start until
  // it says something, then with what was left and more. Throws TextDefect with an offset in
  // `text`.
  virtual size_t whole_rows(const char* text, size_t size, bool at_end,
                            std::vector<size_t>* row_ends) = 0;
  // Nothing follows the last range. Throws TextDefect when something has to; its offset is set
  // here.
  virtual void check_end() const {}
  // What is wrong with a row that is longer than max_row_bytes.
  virtual TextDefect too_long(int64_t max_row_bytes) const = 0;

 private:
  const size_t range_bytes_;
  const int64_t max_row_bytes_;
  const CancellationToken* cancellation_;

  std::mutex mutex_;
  std::unique_ptr<ByteStream> stream_;
  std::vector<char> tail_;  // behind the last range: the start of a row
  uint64_t file_offset_;
  uint64_t next_index_ = 0;
  bool at_end_ = false;
  bool broken_ = false;  // next() has thrown: nobody reads on from a wrong place
};

// Rows that end at LF; with `lone_cr`, in blocks without any LF, at CR.
class LineRangeCutter : public TextRangeCutter {
 public:
  LineRangeCutter(std::unique_ptr<ByteStream> stream, uint64_t file_offset, int64_t range_bytes,
                  int64_t max_row_bytes, bool lone_cr, const CancellationToken* cancellation)
      : TextRangeCutter(std::move(stream), file_offset, range_bytes, max_row_bytes, cancellation),
        lone_cr_(lone_cr) {}

 protected:
  size_t whole_rows(const char* text, size_t size, bool at_end,
                    std::vector<size_t>* row_ends) override;
  TextDefect too_long(int64_t max_row_bytes) const override;

 private:
  const bool lone_cr_;
};

}  // namespace velaria
