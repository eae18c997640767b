// One batch of a stream, as the table that an epoch scans.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "src/plan/table_source.h"

namespace velaria {

// Cuts the chunks into pieces of at most `chunk_rows` rows, numbered from `first_order` on: no two
// chunks in the life of a query share an order. No value is copied but those of chunks with a
// selection. Immutable.
class EpochSource : public TableSource {
 public:
  EpochSource(const Schema& schema, std::vector<Chunk> chunks, int64_t chunk_rows,
              uint64_t first_order);

  const Schema& schema() const override { return schema_; }
  std::string describe() const override { return "stream batch"; }
  std::optional<int64_t> known_rows() const override { return rows_; }
  // request.chunk_rows is not looked at: the pieces are cut already.
  std::unique_ptr<TableScan> scan(const ScanRequest& request) const override;

  // The first order that the next epoch may use.
  uint64_t next_order() const { return first_order_ + pieces_.size(); }

 private:
  class Scan;
  class Task;
  struct Piece {
    size_t chunk = 0;
    int64_t offset = 0;
    int64_t rows = 0;
  };

  const Schema& schema_;
  std::vector<Chunk> chunks_;
  std::vector<Piece> pieces_;
  int64_t rows_ = 0;
  uint64_t first_order_;
};

}  // namespace velaria
