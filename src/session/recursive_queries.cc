#include "src/session/recursive_queries.h"

#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/exec/aggregate/distinct_rows.h"
#include "src/io/memory/memory_table_source.h"

namespace velaria {

namespace {

// The rows of a table, and which of them the next step reads.
class RecursiveRows {
 public:
  RecursiveRows(const RecursiveTableSource& table, Engine& engine)
      : table_(table), reservation_(engine.budget(), "WITH RECURSIVE") {
    if (!table.distinct()) return;
    std::vector<DataType> types;
    for (const Field& field : table.schema().fields()) types.push_back(field.type);
    GroupTableOptions options;
    options.equal_hashes = engine.options().equal_hashes;
    seen_.emplace(types, options);
  }

  // False: there are no new rows.
  bool add(QueryResult result) {
    working_.clear();
    for (Chunk& chunk : result.chunks) {
      Chunk fresh = seen_ ? seen_->new_rows(chunk) : std::move(chunk);
      if (fresh.rows == 0) continue;
      bytes_ += static_cast<uint64_t>(fresh.estimated_bytes());
      working_.push_back(std::move(fresh));
    }
    reservation_.resize(bytes_ + (seen_ ? seen_->memory_bytes() : 0));
    all_.insert(all_.end(), working_.begin(), working_.end());
    return !working_.empty();
  }

  TableSourcePtr working() { return source(std::move(working_)); }
  TableSourcePtr all() { return source(std::move(all_)); }

 private:
  TableSourcePtr source(std::vector<Chunk> chunks) const {
    return std::make_shared<MemoryTableSource>(table_.schema(), std::move(chunks),
                                               table_.describe());
  }

  const RecursiveTableSource& table_;
  std::optional<DistinctRows> seen_;
  std::vector<Chunk> all_;
  std::vector<Chunk> working_;
  uint64_t bytes_ = 0;
  MemoryReservation reservation_;
};

}  // namespace

TableSourcePtr run_recursive_table(const RecursiveTableSource& table, Engine& engine,
                                   const std::function<QueryResult(const PlanPtr&)>& run) {
  using Clock = std::chrono::steady_clock;
  constexpr auto kBetweenInterruptChecks = std::chrono::milliseconds(20);
  RecursiveRows rows(table, engine);
  bool more = rows.add(run(table.first()));
  Clock::time_point checked = Clock::now();
  for (int64_t steps = 0; more; ++steps) {
    if (steps == kMostRecursiveSteps) {
      throw Error(ErrorKind::kResource,
                  concat("the recursive table '", excerpt(table.name()),
                         "' still has new rows after ", kMostRecursiveSteps,
                         " steps; bound it with a condition, or use UNION instead of UNION ALL"));
    }
    // Short steps end before anybody waits long enough to ask.
    if (const auto& check = engine.options().interrupt_check;
        check && Clock::now() - checked > kBetweenInterruptChecks) {
      check();
      checked = Clock::now();
    }
    more = rows.add(run(replace_source(table.next(), *table.working(), rows.working())));
  }
  return rows.all();
}

}  // namespace velaria
