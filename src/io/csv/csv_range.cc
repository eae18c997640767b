#include "src/io/csv/csv_range.h"

#include <algorithm>
#include <cstring>

#include "src/base/text.h"
#include "src/io/csv/csv_careful.h"

namespace velaria {

RangeCutter::RangeCutter(std::unique_ptr<ByteStream> stream, uint64_t file_offset,
                         CsvDialect dialect, int64_t range_bytes, int64_t max_row_bytes,
                         SimdLevel level, const CancellationToken* cancellation)
    : dialect_(std::move(dialect)),
      // A row that is longer than the limit never fits into a first piece, whose size plus that of
      // the row begun before it is at most the limit: only pieces that grow are looked at.
      range_bytes_(
          static_cast<size_t>(std::min(range_bytes, std::max<int64_t>(max_row_bytes / 2, 1)))),
      max_row_bytes_(static_cast<size_t>(max_row_bytes)),
      finder_(structure_finder(level)),
      cancellation_(cancellation),
      stream_(std::move(stream)),
      file_offset_(file_offset) {}

size_t RangeCutter::last_row_end(const char* text, size_t size, bool at_end) const {
  if (dialect_.is_simple() && !may_hold_comments(dialect_, {text, size})) {
    const CsvSymbols symbols{dialect_.delimiter[0], dialect_.quote, dialect_.quoting};
    StructureState state;
    const size_t end = finder_.last_row_end(symbols, text, size, at_end, &state);
    if (!state.irregular) return end;
  }
  CarefulTokenizer rows(dialect_, std::string_view(text, size));
  size_t last = 0;
  while (rows.skip_row()) {
    // A CR or a closing quote in the last byte may still be continued by the next one.
    const bool may_go_on = rows.position() == size && text[size - 1] == '\r' && !at_end;
    if (rows.row_was_ended() && !may_go_on) last = rows.position();
  }
  return last;
}

bool RangeCutter::next(CsvRange* range) {
  if (cancellation_ != nullptr) cancellation_->throw_if_cancelled();
  std::lock_guard<std::mutex> lock(mutex_);
  size_t filled = tail_.size();
  if (broken_ || (at_end_ && filled == 0)) return false;
  broken_ = true;  // until this range is cut
  std::shared_ptr<Buffer> block = std::move(range->block);
  range->block.reset();
  // One byte more for the line end that the last row may lack.
  const auto make_room = [&](size_t size) {
    const size_t needed = size + 1 + kCsvPaddingBytes;
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
  for (bool grown = false;; grown = true) {
    if (!at_end_) {
      const size_t got = stream_->read(text + filled, step);
      filled += got;
      at_end_ = got < step;
    }
    if (at_end_ && filled == 0) {
      broken_ = false;
      return false;
    }
    std::memset(text + filled, 0, kCsvPaddingBytes);
    end = last_row_end(text, filled, at_end_);
    if (at_end_ && end < filled) {
      // A quote that never closes takes the last line end in; another one would be a blank row.
      if (text[filled - 1] != '\n' && text[filled - 1] != '\r') text[filled++] = '\n';
      std::memset(text + filled, 0, kCsvPaddingBytes);
      end = filled;
    }
    // A text that grew begins with a long row, which may have ended behind the limit.
    const bool too_long =
        grown && end > max_row_bytes_ && last_row_end(text, max_row_bytes_, false) == 0;
    if (end > 0 && !too_long) break;
    if (too_long || filled > max_row_bytes_) {
      throw CsvDefect{concat("the row that starts here is longer than ", max_row_bytes_, " bytes"),
                      "perhaps a quote opens in it and never closes; else raise max_row_bytes",
                      static_cast<size_t>(file_offset_)};
    }
    // Doubling keeps the search through a very long row linear.
    step = std::max(range_bytes_, std::min(filled, max_row_bytes_));
    tail_.clear();  // it is in the block now; make_room copies from there
    make_room(filled + step);
    text = reinterpret_cast<char*>(block->mutable_data());
  }
  tail_.assign(text + end, text + filled);
  range->block = std::move(block);
  range->size_bytes = end;
  range->file_offset = file_offset_;
  range->index = next_index_++;
  file_offset_ += end;
  broken_ = false;
  return true;
}

}  // namespace velaria
