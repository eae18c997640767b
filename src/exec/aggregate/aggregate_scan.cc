#include "src/exec/aggregate/aggregate_scan.h"

#include <algorithm>
#include <atomic>

#include "src/kernel/take.h"

namespace velaria {

namespace {

// Chunks in the order of the groups.
class OrderedScan : public TableScan {
 public:
  OrderedScan(const FinishedGroups& groups, const ScanRequest& request)
      : tables_(groups.tables->tables), order_(*groups.order), request_(request) {}

  std::unique_ptr<ScanTask> new_task() override { return std::make_unique<Task>(*this); }

 private:
  class Task : public ScanTask {
   public:
    explicit Task(OrderedScan& scan) : scan_(scan) {}
    bool next(Chunk* chunk) override {
      const auto rows = static_cast<size_t>(scan_.request_.chunk_rows);
      const size_t part = scan_.next_.fetch_add(1);
      if (part * rows >= scan_.order_.size()) return false;
      const size_t begin = part * rows;
      *chunk = scan_.gather(begin, std::min(scan_.order_.size(), begin + rows));
      chunk->order = part;
      return true;
    }

   private:
    OrderedScan& scan_;
  };

  // Groups of several tables interleave: one gather per table, then into output order.
  Chunk gather(size_t begin, size_t end) const {
    std::vector<std::vector<uint32_t>> groups(tables_.size());
    for (size_t i = begin; i < end; ++i) groups[order_[i].table].push_back(order_[i].group);
    std::vector<std::vector<ColumnPtr>> results;
    std::vector<uint32_t> part_of_table(tables_.size(), 0);
    for (size_t t = 0; t < tables_.size(); ++t) {
      if (groups[t].empty()) continue;
      part_of_table[t] = static_cast<uint32_t>(results.size());
      results.push_back(
          tables_[t]->result(groups[t].data(), static_cast<int64_t>(groups[t].size())));
    }
    Chunk chunk;
    chunk.rows = static_cast<int64_t>(end - begin);
    std::vector<uint32_t> which;
    if (results.size() > 1) {
      for (size_t i = begin; i < end; ++i) which.push_back(part_of_table[order_[i].table]);
    }
    for (size_t column : request_.columns) {
      if (results.size() == 1) {
        chunk.columns.push_back(results[0][column]);
        continue;
      }
      std::vector<ColumnPtr> parts;
      for (auto& result : results) parts.push_back(result[column]);
      chunk.columns.push_back(interleave(parts[0]->type(), parts, which));
    }
    return chunk;
  }

  const std::vector<std::unique_ptr<AggregateTable>>& tables_;
  const std::vector<GroupRef>& order_;
  ScanRequest request_;
  std::atomic<size_t> next_{0};
};

// Table after table.
class UnorderedScan : public TableScan {
 public:
  UnorderedScan(const FinishedGroups& groups, const ScanRequest& request)
      : groups_(*groups.tables), request_(request) {
    const auto rows = static_cast<uint32_t>(request.chunk_rows);
    for (uint32_t t = 0; t < groups_.tables.size(); ++t) {
      for (uint32_t begin = 0; begin < groups_.tables[t]->size(); begin += rows) {
        parts_.push_back({t, begin, begin + std::min(rows, groups_.tables[t]->size() - begin)});
      }
    }
  }

  std::unique_ptr<ScanTask> new_task() override { return std::make_unique<Task>(*this); }

 private:
  struct Part {
    uint32_t table;
    uint32_t begin;
    uint32_t end;
  };

  class Task : public ScanTask {
   public:
    explicit Task(UnorderedScan& scan) : scan_(scan) {}
    bool next(Chunk* chunk) override {
      for (;;) {
        const size_t part = scan_.next_.fetch_add(1);
        if (part >= scan_.parts_.size()) return false;
        *chunk = scan_.read(scan_.parts_[part]);
        chunk->order = part;
        if (chunk->rows > 0) return true;
      }
    }

   private:
    UnorderedScan& scan_;
  };

  Chunk read(const Part& part) const {
    const std::vector<uint32_t>& moved = groups_.moved[part.table];
    auto gone = std::lower_bound(moved.begin(), moved.end(), part.begin);
    std::vector<uint32_t> groups;
    groups.reserve(part.end - part.begin);
    for (uint32_t group = part.begin; group < part.end; ++group) {
      if (gone != moved.end() && *gone == group) {
        ++gone;
      } else {
        groups.push_back(group);
      }
    }
    Chunk chunk;
    chunk.rows = static_cast<int64_t>(groups.size());
    if (groups.empty()) return chunk;
    std::vector<ColumnPtr> columns = groups_.tables[part.table]->result(groups.data(), chunk.rows);
    for (size_t column : request_.columns) chunk.columns.push_back(columns[column]);
    return chunk;
  }

  const DisjointTables& groups_;
  ScanRequest request_;
  std::vector<Part> parts_;
  std::atomic<size_t> next_{0};
};

}  // namespace

std::unique_ptr<TableScan> make_aggregate_scan(const FinishedGroups& groups,
                                               const ScanRequest& request) {
  if (groups.order != nullptr) return std::make_unique<OrderedScan>(groups, request);
  return std::make_unique<UnorderedScan>(groups, request);
}

}  // namespace velaria
