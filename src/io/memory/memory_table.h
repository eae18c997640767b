// A table that SQL writes to: rows in memory that INSERT, UPDATE and DELETE change.
//
//   MemoryTable table(schema, budget);
//   auto writing = table.lock_writers(interrupt);  // UPDATE: read, compute, replace
//   table.replace(writing, std::move(new_chunks));
//
// Readers see snapshots: a scan or snapshot() keeps the rows of the moment it was made, whatever
// is written later, and never waits for a writer that computes. A write shows as a whole or not at
// all. Thread-safe.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "src/base/memory_budget.h"
#include "src/io/memory/memory_table_source.h"

namespace velaria {

class MemoryTable : public TableSource {
 public:
  // The bytes of the rows are counted in `budget`, which may be null.
  MemoryTable(Schema schema, std::shared_ptr<MemoryBudget> budget);

  const Schema& schema() const override { return schema_; }
  std::string describe() const override { return "memory"; }
  std::optional<int64_t> known_rows() const override;
  std::unique_ptr<TableScan> scan(const ScanRequest& request) const override;
  TableSourcePtr snapshot() const override { return rows_now(); }
  // The same object until the next write.
  std::shared_ptr<const MemoryTableSource> rows_now() const;

  // Held by whoever changes the table, one at a time. The table outlives it.
  class WriterLock {
   public:
    explicit WriterLock(MemoryTable* table) : table_(table) {}
    ~WriterLock();
    WriterLock(WriterLock&& other) noexcept : table_(other.table_) { other.table_ = nullptr; }
    WriterLock(const WriterLock&) = delete;
    WriterLock& operator=(const WriterLock&) = delete;
    WriterLock& operator=(WriterLock&&) = delete;

   private:
    friend class MemoryTable;
    MemoryTable* table_;
  };
  // Waits for the writer before; calls `interrupt_check` (may be empty) about every 20 ms.
  WriterLock lock_writers(const std::function<void()>& interrupt_check);

  // Both take chunks of the schema's types without selections. ResourceError when the budget does
  // not allow them; then nothing has changed.
  //
  // Adds rows at the end. Small chunks are joined with their neighbours, so that many INSERTs of a
  // row each cost the same as one of many rows, but for a logarithm.
  void append(const WriterLock& lock, std::vector<Chunk> chunks);
  void replace(const WriterLock& lock, std::vector<Chunk> chunks);

 private:
  struct Piece {
    Chunk chunk;
    uint64_t bytes;
  };
  Chunk join(const Chunk& left, const Chunk& right) const;
  void check(const WriterLock& lock, const std::vector<Chunk>& chunks) const;

  const Schema schema_;
  mutable std::mutex mutex_;  // of all below
  std::condition_variable writer_gone_;
  bool writing_ = false;
  MemoryReservation reservation_;
  std::vector<Piece> pieces_;
  mutable std::shared_ptr<const MemoryTableSource> snapshot_;  // null: to be made
};

}  // namespace velaria
