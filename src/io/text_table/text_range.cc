#include "src/io/text_table/text_range.h"

#include <algorithm>
#include <cstring>

#include "src/base/text.h"

namespace velaria {

TextRangeCutter::TextRangeCutter(std::unique_ptr<ByteStream> stream, uint64_t file_offset,
                                 int64_t range_bytes, int64_t max_row_bytes,
                                 const CancellationToken* cancellation)
    // A row that is longer than the limit never fits into a first piece, whose size plus that of
    // the row begun before it is at most the limit: only pieces that grow are looked at.
    : range_bytes_(
          static_cast<size_t>(std::min(range_bytes, std::max<int64_t>(max_row_bytes / 2, 1)))),
      max_row_bytes_(max_row_bytes),
      cancellation_(cancellation),
      stream_(std::move(stream)),
      file_offset_(file_offset) {}

bool TextRangeCutter::next(TextRange* range) {
  if (cancellation_ != nullptr) cancellation_->throw_if_cancelled();
  std::lock_guard<std::mutex> lock(mutex_);
  size_t filled = tail_.size();
  if (broken_ || (at_end_ && filled == 0)) return false;
  broken_ = true;  // until this range is cut
  std::shared_ptr<Buffer> block = std::move(range->block);
  range->block.reset();
  range->row_ends.clear();
  const auto make_room = [&](size_t size) {
    const size_t needed = size + kTextPaddingBytes;
    if (block && block.use_count() == 1 && block->size_bytes() >= needed) return;
    auto grown = Buffer::allocate(needed);
    if (block && filled > tail_.size()) std::memcpy(grown->mutable_data(), block->data(), filled);
    block = std::move(grown);
  };
  make_room(filled + range_bytes_);
  auto* text = reinterpret_cast<char*>(block->mutable_data());
  if (filled > 0) std::memcpy(text, tail_.data(), filled);

  size_t end = 0;
  size_t step = range_bytes_;
  const auto most = static_cast<size_t>(max_row_bytes_);
  for (bool grown = false;; grown = true) {
    if (!at_end_) {
      const size_t got = stream_->read(text + filled, step);
      filled += got;
      at_end_ = got < step;
    }
    try {
      if (at_end_ && filled == 0) {
        check_end();
        broken_ = false;
        return false;
      }
      end = whole_rows(text, filled, at_end_, &range->row_ends);
    } catch (TextDefect& defect) {
      defect.offset += static_cast<size_t>(file_offset_);
      throw;
    }
    // A text that grew begins with a long row, which may have ended behind the limit.
    const bool too_long_row =
        grown && end > most &&
        (range->row_ends.empty()
             ? std::string_view(text, most).find_first_of("\r\n") == std::string_view::npos
             : range->row_ends[0] > most);
    if (end > 0 && !too_long_row) break;
    if (too_long_row || filled > most) {
      TextDefect defect = too_long(max_row_bytes_);
      defect.offset += static_cast<size_t>(file_offset_);
      throw defect;
    }
    // Doubling keeps the search through a very long row linear.
    step = std::max(range_bytes_, std::min(filled, most));
    tail_.clear();  // it is in the block now; make_room copies from there
    make_room(filled + step);
    text = reinterpret_cast<char*>(block->mutable_data());
  }
  tail_.assign(text + end, text + filled);
  std::memset(text + end, 0, kTextPaddingBytes);
  range->block = std::move(block);
  range->size_bytes = end;
  range->file_offset = file_offset_;
  range->index = next_index_++;
  file_offset_ += end;
  broken_ = false;
  return true;
}

size_t LineRangeCutter::whole_rows(const char* text, size_t size, bool at_end,
                                   std::vector<size_t>*) {
  if (at_end) return size;
  if (const void* last = memrchr(text, '\n', size)) {
    return static_cast<size_t>(static_cast<const char*>(last) - text) + 1;
  }
  if (!lone_cr_ || size < 2) return 0;
  // A CR in the last byte may be the first half of CRLF.
  const void* last = memrchr(text, '\r', size - 1);
  return last == nullptr ? 0 : static_cast<size_t>(static_cast<const char*>(last) - text) + 1;
}

TextDefect LineRangeCutter::too_long(int64_t max_row_bytes) const {
  return {concat("the line that starts here is longer than ", max_row_bytes, " bytes"),
          "raise max_row_bytes, or check that this is the file you mean", 0};
}

}  // namespace velaria
