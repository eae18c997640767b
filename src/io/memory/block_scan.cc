#include "src/io/memory/block_scan.h"

#include <algorithm>
#include <atomic>

#include "src/base/error.h"

namespace velaria {

namespace {

// The rows of one chunk.
struct Piece {
  size_t block;
  int64_t offset;
  int64_t rows;
};

struct SharedScan {
  TableBlocksPtr blocks;
  ScanRequest request;
  std::vector<Piece> pieces;
  std::atomic<size_t> next_morsel{0};
};

class BlockScanTask : public ScanTask {
 public:
  explicit BlockScanTask(std::shared_ptr<SharedScan> scan) : scan_(std::move(scan)) {}

  bool next(Chunk* chunk) override {
    const ScanRequest& request = scan_->request;
    if (request.cancellation != nullptr) request.cancellation->throw_if_cancelled();
    if (piece_ == morsel_end_ && !next_morsel()) return false;
    const Piece& piece = scan_->pieces[piece_];
    Chunk out;
    out.rows = piece.rows;
    out.order = piece_;
    out.columns.reserve(request.columns.size());
    for (const size_t column : request.columns) {
      out.columns.push_back(scan_->blocks->column(piece.block, column, piece.offset, piece.rows));
    }
    ++piece_;
    *chunk = std::move(out);
    return true;
  }

 private:
  bool next_morsel() {
    const size_t pieces = scan_->pieces.size();
    const size_t morsels = (pieces + kMorselChunks - 1) / kMorselChunks;
    // A task that found the end stays there; the counter would only run on.
    if (ended_) return false;
    morsel_ = scan_->next_morsel.fetch_add(1, std::memory_order_relaxed);
    if (morsel_ >= morsels) {
      ended_ = true;
      return false;
    }
    piece_ = morsel_ * kMorselChunks;
    morsel_end_ = std::min<size_t>(piece_ + kMorselChunks, pieces);
    return true;
  }

  const std::shared_ptr<SharedScan> scan_;
  size_t morsel_ = 0;
  size_t piece_ = 0;
  size_t morsel_end_ = 0;
  bool ended_ = false;
};

class BlockScan : public TableScan {
 public:
  explicit BlockScan(std::shared_ptr<SharedScan> scan) : scan_(std::move(scan)) {}
  std::unique_ptr<ScanTask> new_task() override { return std::make_unique<BlockScanTask>(scan_); }

 private:
  const std::shared_ptr<SharedScan> scan_;
};

}  // namespace

std::unique_ptr<TableScan> scan_blocks(TableBlocksPtr blocks, const ScanRequest& request) {
  VELARIA_CHECK(request.chunk_rows > 0);
  for (const size_t column : request.columns) VELARIA_CHECK(column < blocks->columns());
  auto scan = std::make_shared<SharedScan>();
  scan->request = request;
  for (size_t block = 0; block < blocks->blocks(); ++block) {
    const int64_t rows = blocks->block_rows(block);
    for (int64_t offset = 0; offset < rows; offset += request.chunk_rows) {
      scan->pieces.push_back({block, offset, std::min(request.chunk_rows, rows - offset)});
    }
  }
  scan->blocks = std::move(blocks);
  return std::make_unique<BlockScan>(std::move(scan));
}

}  // namespace velaria
