#include "stream/epoch_source.h"

#include <algorithm>
#include <atomic>

#include "src/kernel/take.h"

namespace velaria {

EpochSource::EpochSource(const Schema& schema, std::vector<Chunk> chunks, int64_t chunk_rows,
                         uint64_t first_order)
    : schema_(schema), first_order_(first_order) {
  for (Chunk& chunk : chunks) {
    if (chunk.selected_rows() == 0) continue;
    chunks_.push_back(chunk.selection ? compact(chunk) : std::move(chunk));
    const int64_t rows = chunks_.back().rows;
    for (int64_t offset = 0; offset < rows; offset += chunk_rows) {
      pieces_.push_back({chunks_.size() - 1, offset, std::min(chunk_rows, rows - offset)});
    }
    rows_ += rows;
  }
}

class EpochSource::Task : public ScanTask {
 public:
  Task(const EpochSource& source, const std::vector<size_t>& columns, std::atomic<size_t>& next)
      : source_(source), columns_(columns), next_(next) {}

  bool next(Chunk* out) override {
    const size_t index = next_.fetch_add(1, std::memory_order_relaxed);
    if (index >= source_.pieces_.size()) return false;
    const Piece& piece = source_.pieces_[index];
    const Chunk& chunk = source_.chunks_[piece.chunk];
    out->columns.clear();
    for (const size_t column : columns_) {
      out->columns.push_back(piece.rows == chunk.rows
                                 ? chunk.columns[column]
                                 : chunk.columns[column]->slice(piece.offset, piece.rows));
    }
    out->rows = piece.rows;
    out->selection = nullptr;
    out->order = source_.first_order_ + index;
    return true;
  }

 private:
  const EpochSource& source_;
  const std::vector<size_t>& columns_;
  std::atomic<size_t>& next_;
};

class EpochSource::Scan : public TableScan {
 public:
  Scan(const EpochSource& source, std::vector<size_t> columns)
      : source_(source), columns_(std::move(columns)) {}
  std::unique_ptr<ScanTask> new_task() override {
    return std::make_unique<Task>(source_, columns_, next_);
  }

 private:
  const EpochSource& source_;
  const std::vector<size_t> columns_;
  std::atomic<size_t> next_{0};
};

std::unique_ptr<TableScan> EpochSource::scan(const ScanRequest& request) const {
  return std::make_unique<Scan>(*this, request.columns);
}

}  // namespace velaria
