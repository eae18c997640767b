// Cuts JSON text whose objects may span lines: one array of objects, or objects behind each other.
//
// Goes through the text byte by byte for strings and nesting only; what stands between objects is
// checked here, what is inside of them by whoever parses the range.
#pragma once

#include <memory>
#include <vector>

#include "src/io/text_table/text_range.h"

namespace velaria {

class JsonObjectCutter : public TextRangeCutter {
 public:
  JsonObjectCutter(std::unique_ptr<ByteStream> stream, uint64_t file_offset, int64_t range_bytes,
                   int64_t max_row_bytes, bool array, const CancellationToken* cancellation)
      : TextRangeCutter(std::move(stream), file_offset, range_bytes, max_row_bytes, cancellation),
        array_(array),
        state_(array ? State::kBeforeArray : State::kObject) {}

 protected:
  size_t whole_rows(const char* text, size_t size, bool at_end,
                    std::vector<size_t>* row_ends) override;
  void check_end() const override;
  TextDefect too_long(int64_t max_row_bytes) const override;

 private:
  enum class State { kBeforeArray, kFirstObject, kObject, kComma, kBehindArray };

  // Something that is no object begins at `at`, between objects.
  void between(const char* text, size_t size, size_t at);

  const bool array_;
  State state_;  // between objects: what may come
  // Of a row that the last text did not end.
  size_t looked_at_ = 0;  // bytes of the text that are done with
  size_t row_begin_ = 0;
  size_t depth_ = 0;
  bool in_string_ = false;
  size_t first_row_begin_ = 0;  // of the last text: the row that it begins with
};

}  // namespace velaria
