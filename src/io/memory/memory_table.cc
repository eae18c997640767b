#include "src/io/memory/memory_table.h"

#include <algorithm>
#include <chrono>
#include <cstddef>

#include "src/base/error.h"
#include "src/column/builder.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

uint64_t bytes_of(const Chunk& chunk) {
  return static_cast<uint64_t>(std::max<int64_t>(chunk.estimated_bytes(), 0));
}

// Texts and nested values move into one heap: a heap for every row ever inserted would outweigh the
// rows.
ColumnPtr join_columns(const ColumnPtr& left, const ColumnPtr& right) {
  if (!left->type().has_string_views()) return concatenate({left, right});
  StringBuilder builder(left->type());
  for (const ColumnPtr& part : {left, right}) {
    const ColumnPtr flat = flatten(part);
    const StringView* values = flat->values<StringView>();
    for (int64_t row = 0; row < flat->length(); ++row) {
      if (flat->validity().valid(row)) {
        builder.append(values[row].text());
      } else {
        builder.append_null();
      }
    }
  }
  return builder.finish();
}

}  // namespace

MemoryTable::MemoryTable(Schema schema, std::shared_ptr<MemoryBudget> budget)
    : schema_(std::move(schema)), reservation_(std::move(budget), "the rows of a table") {}

std::shared_ptr<const MemoryTableSource> MemoryTable::rows_now() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!snapshot_) {
    std::vector<Chunk> chunks;
    chunks.reserve(pieces_.size());
    for (const Piece& piece : pieces_) chunks.push_back(piece.chunk);
    snapshot_ = std::make_shared<const MemoryTableSource>(schema_, std::move(chunks));
  }
  return snapshot_;
}

std::optional<int64_t> MemoryTable::known_rows() const { return rows_now()->known_rows(); }

std::unique_ptr<TableScan> MemoryTable::scan(const ScanRequest& request) const {
  return rows_now()->scan(request);
}

MemoryTable::WriterLock MemoryTable::lock_writers(const std::function<void()>& interrupt_check) {
  std::unique_lock<std::mutex> lock(mutex_);
  while (writing_) {
    writer_gone_.wait_for(lock, std::chrono::milliseconds(20));
    if (!writing_ || !interrupt_check) continue;
    lock.unlock();
    interrupt_check();
    lock.lock();
  }
  writing_ = true;
  return WriterLock(this);
}

MemoryTable::WriterLock::~WriterLock() {
  if (table_ == nullptr) return;
  const std::lock_guard<std::mutex> lock(table_->mutex_);
  table_->writing_ = false;
  table_->writer_gone_.notify_one();
}

void MemoryTable::check(const WriterLock& lock, const std::vector<Chunk>& chunks) const {
  VELARIA_CHECK(lock.table_ == this);
  for (const Chunk& chunk : chunks) {
    VELARIA_CHECK(chunk.columns.size() == schema_.size() && !chunk.selection);
    for (size_t c = 0; c < schema_.size(); ++c) {
      VELARIA_CHECK(chunk.columns[c]->type() == schema_.field(c).type &&
                    chunk.columns[c]->length() == chunk.rows);
    }
  }
}

Chunk MemoryTable::join(const Chunk& left, const Chunk& right) const {
  Chunk out;
  out.rows = left.rows + right.rows;
  for (size_t c = 0; c < schema_.size(); ++c) {
    out.columns.push_back(join_columns(left.columns[c], right.columns[c]));
  }
  return out;
}

void MemoryTable::append(const WriterLock& lock, std::vector<Chunk> chunks) {
  check(lock, chunks);
  // Only writers change pieces_, so reading them needs no lock against readers.
  size_t kept = pieces_.size();
  uint64_t bytes = reservation_.held_bytes();
  std::vector<Piece> added;
  const auto last = [&]() -> const Piece* {
    if (!added.empty()) return &added.back();
    return kept > 0 ? &pieces_[kept - 1] : nullptr;
  };
  for (Chunk& chunk : chunks) {
    if (chunk.rows == 0) continue;
    Piece piece{std::move(chunk), 0};
    // Like carries of a binary counter: a row is copied at most once for every doubling.
    while (const Piece* before = last()) {
      if (before->chunk.rows > piece.chunk.rows ||
          before->chunk.rows + piece.chunk.rows > kDefaultChunkRows) {
        break;
      }
      piece.chunk = join(before->chunk, piece.chunk);
      if (added.empty()) {
        bytes -= pieces_[--kept].bytes;
      } else {
        bytes -= added.back().bytes;
        added.pop_back();
      }
    }
    piece.bytes = bytes_of(piece.chunk);
    bytes += piece.bytes;
    added.push_back(std::move(piece));
  }
  // From here on only the budget can refuse, and it does so first.
  const std::lock_guard<std::mutex> guard(mutex_);
  const size_t size = kept + added.size();
  if (size > pieces_.capacity()) pieces_.reserve(std::max(size, 2 * pieces_.capacity()));
  reservation_.resize(bytes);
  pieces_.erase(pieces_.begin() + static_cast<std::ptrdiff_t>(kept), pieces_.end());
  for (Piece& piece : added) pieces_.push_back(std::move(piece));
  snapshot_ = nullptr;
}

void MemoryTable::replace(const WriterLock& lock, std::vector<Chunk> chunks) {
  check(lock, chunks);
  uint64_t bytes = 0;
  std::vector<Piece> pieces;
  for (Chunk& chunk : chunks) {
    if (chunk.rows == 0) continue;
    const uint64_t piece_bytes = bytes_of(chunk);
    bytes += piece_bytes;
    pieces.push_back({std::move(chunk), piece_bytes});
  }
  const std::lock_guard<std::mutex> guard(mutex_);
  reservation_.resize(bytes);
  pieces_ = std::move(pieces);
  snapshot_ = nullptr;
}

}  // namespace velaria
