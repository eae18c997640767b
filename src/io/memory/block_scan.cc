#include "src/io/memory/block_scan.h"

#include <algorithm>
#include <atomic>

#include "src/base/error.h"
#include "src/kernel/take.h"

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
    const size_t morsel = scan_->next_morsel.fetch_add(1, std::memory_order_relaxed);
    if (morsel >= morsels) {
      ended_ = true;
      return false;
    }
    piece_ = morsel * kMorselChunks;
    morsel_end_ = std::min<size_t>(piece_ + kMorselChunks, pieces);
    return true;
  }

  const std::shared_ptr<SharedScan> scan_;
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

Chunk gather_rows(const TableBlocks& blocks, const std::vector<size_t>& columns,
                  const std::vector<int64_t>& rows, const std::vector<DataType>& types) {
  std::vector<int64_t> ends;
  int64_t end = 0;
  for (size_t block = 0; block < blocks.blocks(); ++block) {
    end += blocks.block_rows(block);
    ends.push_back(end);
  }
  std::vector<Chunk> pieces;
  for (const int64_t row : rows) {
    VELARIA_CHECK(row >= 0 && row < end);
    const auto found = std::upper_bound(ends.begin(), ends.end(), row);
    const auto block = static_cast<size_t>(found - ends.begin());
    Chunk piece;
    piece.rows = 1;
    const int64_t offset = row - (block == 0 ? 0 : ends[block - 1]);
    for (const size_t column : columns) {
      piece.columns.push_back(blocks.column(block, column, offset, 1));
    }
    pieces.push_back(std::move(piece));
  }
  return concatenate_chunks(pieces, types);
}

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
