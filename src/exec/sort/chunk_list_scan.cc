#include "src/exec/sort/chunk_list_scan.h"

#include <algorithm>
#include <atomic>

#include "src/kernel/take.h"

namespace velaria {

namespace {

struct Piece {
  size_t chunk;
  int64_t offset;
  int64_t rows;
};

class ChunkListScan : public TableScan {
 public:
  ChunkListScan(const std::vector<Chunk>& chunks, const ScanRequest& request)
      : chunks_(chunks), columns_(request.columns) {
    for (size_t c = 0; c < chunks.size(); ++c) {
      for (int64_t offset = 0; offset < chunks[c].rows; offset += request.chunk_rows) {
        pieces_.push_back({c, offset, std::min(request.chunk_rows, chunks[c].rows - offset)});
      }
    }
  }

  std::unique_ptr<ScanTask> new_task() override { return std::make_unique<Task>(*this); }

 private:
  class Task : public ScanTask {
   public:
    explicit Task(ChunkListScan& scan) : scan_(scan) {}
    bool next(Chunk* out) override {
      const size_t at = scan_.next_.fetch_add(1);
      if (at >= scan_.pieces_.size()) return false;
      const Piece& piece = scan_.pieces_[at];
      const Chunk& chunk = scan_.chunks_[piece.chunk];
      *out = Chunk();
      out->rows = piece.rows;
      out->order = at;
      for (size_t column : scan_.columns_) {
        out->columns.push_back(chunk.columns[column]->slice(piece.offset, piece.rows));
      }
      return true;
    }

   private:
    ChunkListScan& scan_;
  };

  const std::vector<Chunk>& chunks_;
  std::vector<size_t> columns_;
  std::vector<Piece> pieces_;
  std::atomic<size_t> next_{0};
};

}  // namespace

std::unique_ptr<TableScan> scan_chunks(const std::vector<Chunk>& chunks,
                                       const ScanRequest& request) {
  return std::make_unique<ChunkListScan>(chunks, request);
}

}  // namespace velaria
