#include "src/session/query_monitor.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <type_traits>
#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/exec/physical_plan.h"
#include "src/plan/recursive_table.h"
#include "src/plan/scan_filter.h"

namespace velaria {

namespace {

class CountedTask : public ScanTask {
 public:
  CountedTask(std::unique_ptr<ScanTask> task, std::atomic<int64_t>& rows)
      : task_(std::move(task)), rows_(rows) {}
  bool next(Chunk* chunk) override {
    if (!task_->next(chunk)) return false;
    rows_.fetch_add(chunk->rows, std::memory_order_relaxed);
    return true;
  }

 private:
  std::unique_ptr<ScanTask> task_;
  std::atomic<int64_t>& rows_;
};

class CountedScan : public TableScan {
 public:
  CountedScan(std::unique_ptr<TableScan> scan, std::atomic<int64_t>& rows)
      : scan_(std::move(scan)), rows_(rows) {}
  std::unique_ptr<ScanTask> new_task() override {
    return std::make_unique<CountedTask>(scan_->new_task(), rows_);
  }

 private:
  std::unique_ptr<TableScan> scan_;
  std::atomic<int64_t>& rows_;
};

// Adds the rows that a source leaves out to those that it gives: all of them were read.
class CountedFilter : public ScanFilter {
 public:
  CountedFilter(ScanFilterPtr filter, std::atomic<int64_t>& rows)
      : filter_(std::move(filter)), rows_(rows) {}
  const std::vector<size_t>& columns() const override { return filter_->columns(); }
  void select(const Chunk& chunk, std::vector<uint32_t>* rows) const override {
    filter_->select(chunk, rows);
  }
  void left_out(int64_t rows) const override { rows_.fetch_add(rows, std::memory_order_relaxed); }

 private:
  ScanFilterPtr filter_;
  std::atomic<int64_t>& rows_;
};

// Another source, and adds the rows of its chunks to a counter, which outlives the run.
class CountedSource : public TableSource {
 public:
  CountedSource(TableSourcePtr source, std::atomic<int64_t>& rows)
      : source_(std::move(source)), rows_(rows) {}
  const Schema& schema() const override { return source_->schema(); }
  std::string describe() const override { return source_->describe(); }
  std::optional<int64_t> known_rows() const override { return source_->known_rows(); }
  std::optional<int64_t> estimated_distinct(size_t column) const override {
    return source_->estimated_distinct(column);
  }
  bool bounded() const override { return source_->bounded(); }
  std::unique_ptr<TableScan> scan(const ScanRequest& request) const override {
    return std::make_unique<CountedScan>(source_->scan(request), rows_);
  }

 protected:
  std::atomic<int64_t>& rows() const { return rows_; }

 private:
  TableSourcePtr source_;
  std::atomic<int64_t>& rows_;
};

// One that leaves rows out as early as the source it stands for.
class CountedFilteringSource : public CountedSource, public FilteringSource {
 public:
  CountedFilteringSource(const TableSourcePtr& source, const FilteringSource& filtering,
                         std::atomic<int64_t>& rows)
      : CountedSource(source, rows), filtering_(filtering) {}
  std::unique_ptr<TableScan> scan_filtered(const ScanRequest& request,
                                           ScanFilterPtr filter) const override {
    if (filter) filter = std::make_shared<CountedFilter>(std::move(filter), rows());
    return std::make_unique<CountedScan>(filtering_.scan_filtered(request, std::move(filter)),
                                         rows());
  }

 private:
  const FilteringSource& filtering_;  // the base holds it
};

TableSourcePtr counted(const TableSourcePtr& source, std::atomic<int64_t>& rows) {
  if (const auto* filtering = dynamic_cast<const FilteringSource*>(source.get())) {
    return std::make_shared<CountedFilteringSource>(source, *filtering, rows);
  }
  return std::make_shared<CountedSource>(source, rows);
}

void collect_sources(const LogicalPlan& plan, std::set<TableSourcePtr>* sources) {
  if (plan.kind() == PlanKind::kScan) {
    sources->insert(static_cast<const ScanPlan&>(plan).source());
  }
  for (const PlanPtr& child : plan.children()) collect_sources(*child, sources);
}

}  // namespace

PlanPtr QueryMonitor::count_scans(const PlanPtr& plan) {
  std::set<TableSourcePtr> sources;
  collect_sources(*plan, &sources);
  PlanPtr out = plan;
  for (const TableSourcePtr& source : sources) {
    out = replace_source(out, *source, counted(source, rows_scanned_));
  }
  return out;
}

void QueryMonitor::expect_scans_of(const PhysicalPlan& plan) {
  int64_t rows = 0;
  for (const Pipeline& pipeline : plan.pipelines()) {
    for (const PipelineInput& input : pipeline.inputs) {
      if (!input.source || rows < 0) continue;
      const std::optional<int64_t> known = input.source->known_rows();
      rows = known ? rows + *known : -1;
    }
  }
  rows_to_scan_ = rows;
}

void QueryMonitor::begin(const Clock& clock) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (status_ != Status::kCreated) {
    throw Error(ErrorKind::kInvalidArgument,
                "the monitor has watched a run before; make one for each run");
  }
  status_ = Status::kRunning;
  clock_ = &clock;
  begin_ns_ = clock.steady_ns();
}

void QueryMonitor::end(Status status, int64_t rows_out, std::string error) {
  const std::lock_guard<std::mutex> lock(mutex_);
  end_ns_ = clock_->steady_ns();
  clock_ = nullptr;
  status_ = status;
  rows_out_ = rows_out;
  error_ = std::move(error);
}

QueryProgress QueryMonitor::progress() const {
  QueryProgress out;
  out.rows_scanned = rows_scanned_.load();
  out.rows_to_scan = rows_to_scan_.load();
  const std::lock_guard<std::mutex> lock(mutex_);
  switch (status_) {
    case Status::kCreated: out.status = "created"; break;
    case Status::kRunning: out.status = "running"; break;
    case Status::kFinished: out.status = "finished"; break;
    case Status::kFailed: out.status = "failed"; break;
    case Status::kCancelled: out.status = "cancelled"; break;
  }
  const int64_t now_ns = clock_ != nullptr ? clock_->steady_ns() : end_ns_;
  out.elapsed_ms = static_cast<double>(now_ns - begin_ns_) / 1e6;
  out.rows_out = rows_out_;
  out.last_error = error_;
  if (status_ == Status::kFinished) {
    out.fraction_done = 1;
  } else if (out.rows_to_scan > 0) {
    out.fraction_done = std::min(
        1.0, static_cast<double>(out.rows_scanned) / static_cast<double>(out.rows_to_scan));
  }
  return out;
}

std::string QueryMonitor::snapshotJson() const {
  std::string out = "{";
  visit_progress(progress(), [&out](const char* name, const auto& value) {
    using Value = std::decay_t<decltype(value)>;
    if (out.size() > 1) out += ", ";
    out += quote_json(name) + ": ";
    if constexpr (std::is_same_v<Value, std::string>) {
      out += quote_json(value);
    } else if constexpr (std::is_same_v<Value, double>) {
      out += format_double(value);
    } else {
      out += std::to_string(value);
    }
  });
  return out + "}";
}

}  // namespace velaria
