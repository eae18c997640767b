#include "src/session/engine.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "src/base/allowed_paths.h"
#include "src/base/error.h"
#include "src/base/text.h"
#include "src/io/memory/memory_table_source.h"
#include "src/plan/logical_plan.h"
#include "src/plan/recursive_table.h"
#include "src/plan/snapshot.h"
#include "src/session/file_readers.h"
#include "src/session/recursive_queries.h"
#include "src/session/table_functions.h"

namespace velaria {

namespace {

// The check, which counts how often it has thrown: what it throws is not the query's failure.
std::function<void()> counted(std::function<void()> check,
                              std::shared_ptr<std::atomic<uint64_t>> interrupts) {
  if (!check) return nullptr;
  return [check = std::move(check), interrupts = std::move(interrupts)] {
    try {
      check();
    } catch (...) {
      ++*interrupts;
      throw;
    }
  };
}

SessionOptions checked(SessionOptions options,
                       const std::shared_ptr<std::atomic<uint64_t>>& interrupts) {
  if (options.chunk_rows < 1 || options.chunk_rows > kMostChunkRows) {
    throw Error(ErrorKind::kInvalidArgument,
                concat("chunk_rows=", options.chunk_rows, " must be 1 to ", kMostChunkRows));
  }
  options.interrupt_check = counted(std::move(options.interrupt_check), interrupts);
  return options;
}

LocalFileOptions file_options(const SessionOptions& options) {
  LocalFileOptions out;
  out.read_pipes = true;
  out.temp_dir = options.temp_dir;
  out.interrupt_check = options.interrupt_check;
  out.follow_links = !options.allowed_paths.has_value();
  return out;
}

}  // namespace

Engine::Engine(SessionOptions options)
    : interrupts_(std::make_shared<std::atomic<uint64_t>>(0)),
      options_(checked(std::move(options), interrupts_)),
      budget_(std::make_shared<MemoryBudget>(options_.memory_limit_bytes)),
      files_(options_.allowed_paths ? restrict_to_paths(local_file_system(file_options(options_)),
                                                        *options_.allowed_paths)
                                    : local_file_system(file_options(options_))),
      clock_(system_clock()),
      pool_(std::make_shared<ThreadPool>(options_.threads)) {}

Engine::~Engine() = default;

void Engine::close() {
  std::vector<std::weak_ptr<StreamingQuery>> queries;
  std::map<std::string, Entry> entries;  // freed outside of the lock: that may call anything
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
    entries.swap(entries_);
    queries.swap(queries_);
  }
  functions_->clear();
  // Outside of the lock: a query's source or sink may call back into the session while it ends.
  for (const auto& weak : queries) {
    if (const StreamingQueryPtr query = weak.lock()) query->stop();
  }
}

void Engine::track_query(const StreamingQueryPtr& query) {
  const std::lock_guard<std::mutex> lock(mutex_);
  throw_if_closed();
  queries_.erase(std::remove_if(queries_.begin(), queries_.end(),
                                [](const auto& weak) { return weak.expired(); }),
                 queries_.end());
  queries_.push_back(query);
}

FileOpenContext Engine::file_context() const {
  FileOpenContext context;
  context.tasks = pool_->size();
  context.interrupt_check = options_.interrupt_check;
  return context;
}

StreamEnvironment Engine::stream_environment() const {
  StreamEnvironment environment;
  environment.pool = pool_;
  environment.budget = budget_;
  environment.clock = clock_;
  environment.files = files_;
  environment.chunk_rows = options_.chunk_rows;
  environment.functions = functions_;
  return environment;
}

void Engine::check_open() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  throw_if_closed();
}

void Engine::throw_if_closed() const {
  if (!closed_) return;
  throw Error(ErrorKind::kInvalidArgument, "the session is closed; make a new one");
}

PlanPtr Engine::optimized(const PlanPtr& plan) const {
  return optimize(plan, OptimizerOptions{options_.optimizer});
}

PhysicalOptions Engine::physical_options() const {
  PhysicalOptions options;
  options.equal_hashes_for_tests = options_.equal_hashes;
  return options;
}

QueryResult Engine::run(const PlanPtr& plan, QueryMonitor* monitor) {
  if (monitor == nullptr) return run(plan, nullptr, nullptr);
  using Status = QueryMonitor::Status;
  monitor->begin(*clock_);
  const uint64_t interrupts = *interrupts_;
  try {
    QueryResult result = run(plan, nullptr, monitor);
    monitor->end(Status::kFinished, result.rows, "");
    return result;
  } catch (const Error& error) {
    const bool cancelled = error.kind() == ErrorKind::kCancelled;
    monitor->end(cancelled ? Status::kCancelled : Status::kFailed, 0,
                 cancelled ? "" : error.message());
    throw;
  } catch (...) {
    // The interrupt check's, or of a source or function of the program.
    const bool cancelled = *interrupts_ != interrupts;
    monitor->end(cancelled ? Status::kCancelled : Status::kFailed, 0,
                 cancelled ? "" : describe_exception(std::current_exception()));
    throw;
  }
}

void Engine::check_bounded(const PlanPtr& plan) const {
  if (is_bounded(*plan)) return;
  throw Error(ErrorKind::kTableKind,
              "the query reads a stream that has no end; start it with start_stream_sql() or "
              "write_stream()");
}

ExecutionContext Engine::execution_context() const {
  ExecutionContext context;
  context.pool = pool_.get();
  context.tasks = pool_->size();
  context.budget = budget_;
  context.chunk_rows = options_.chunk_rows;
  context.interrupt_check = options_.interrupt_check;
  context.temp_dir = options_.temp_dir;
  context.spill_after_bytes = options_.spill_after_bytes;
  return context;
}

std::shared_ptr<ResultStream> Engine::stream(const PlanPtr& plan) {
  check_open();
  check_bounded(plan);
  const PlanPtr complete =
      with_recursive_tables(with_snapshots(plan), [this](const RecursiveTableSource& table) {
        return run_recursive_table(table, *this,
                                   [this](const PlanPtr& step) { return run(step, nullptr); });
      });
  return std::make_shared<ResultStream>(optimized(complete), physical_options(),
                                        execution_context(), pool_);
}

QueryProfile Engine::analyze(const PlanPtr& plan) {
  QueryProfile profile;
  run(plan, &profile, nullptr);
  return profile;
}

QueryResult Engine::run(const PlanPtr& plan, QueryProfile* profile, QueryMonitor* monitor,
                        Watched watched) {
  check_open();
  check_bounded(plan);
  using Clock = std::chrono::steady_clock;
  const auto ms_since = [](Clock::time_point start) {
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  };
  const Clock::time_point start = Clock::now();
  const bool counted = monitor != nullptr && watched == Watched::kWhole;
  const PlanPtr complete = with_recursive_tables(
      with_snapshots(plan), [this, monitor](const RecursiveTableSource& table) {
        return run_recursive_table(table, *this, [this, monitor](const PlanPtr& step) {
          return run(step, nullptr, monitor, Watched::kPart);
        });
      });
  const PlanPtr better = optimized(counted ? monitor->count_scans(complete) : complete);
  const PhysicalPlan physical = PhysicalPlan::make(*better, physical_options());
  const double planning_ms = ms_since(start);

  ExecutionProfile execution_profile;
  ExecutionContext context = execution_context();
  if (monitor != nullptr) {
    monitor->cancellation_.throw_if_cancelled();
    context.cancellation = &monitor->cancellation_;
    if (counted) monitor->expect_scans_of(physical);
    // Work between two chunks asks the interrupt check only.
    context.interrupt_check = [monitor, check = options_.interrupt_check] {
      monitor->cancellation_.throw_if_cancelled();
      if (check) check();
    };
  }
  if (profile != nullptr) {
    context.profile = &execution_profile;
    // The query's own share of what the session uses.
    context.budget = std::make_shared<MemoryBudget>(0, budget_);
  }
  const std::shared_ptr<MemoryBudget> used = context.budget;
  PlanExecution execution(physical, std::move(context));
  execution.run(nullptr);
  QueryResult result;
  result.schema = plan->schema();
  result.chunks = execution.take_result();
  for (const Chunk& chunk : result.chunks) result.rows += chunk.rows;
  if (profile != nullptr) {
    *profile = make_query_profile(physical, execution_profile);
    profile->planning_ms = planning_ms;
    profile->execution_ms = ms_since(start) - planning_ms;
    profile->threads = pool_->size();
    profile->peak_memory_bytes = used->peak_bytes();
  }
  return result;
}

std::string Engine::explain(const PlanPtr& plan) const {
  const PlanPtr better = optimized(with_snapshots(plan));
  std::string recursive;
  visit_recursive_tables(*plan, [&](const RecursiveTableSource& table) {
    recursive +=
        concat("first rows of ", table.name(), "\n", explain_plan(*optimized(table.first())),
               "next rows of ", table.name(), "\n", explain_plan(*optimized(table.next())));
  });
  return concat("logical\n", explain_plan(*plan), "optimized\n", explain_plan(*better), recursive,
                "physical\n", PhysicalPlan::make(*better, physical_options()).describe());
}

void Engine::add_entry(Entry entry, bool replace) {
  if (entry.name.empty()) {
    throw Error(ErrorKind::kInvalidArgument, "a table needs a name that is not empty");
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  throw_if_closed();
  const std::string key = to_lower_ascii(entry.name);
  if (!replace && entries_.count(key) > 0) {
    throw Error(ErrorKind::kCatalog,
                concat("table '", excerpt(entry.name),
                       "' exists already; drop it first or use CREATE OR REPLACE"));
  }
  std::swap(entries_[key], entry);  // the one before is freed outside of the lock
}

Engine::Entry Engine::entry(const std::string& name) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = entries_.find(to_lower_ascii(name));
  if (found != entries_.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [key, known] : entries_) names.push_back(known.name);
  const bool may_be_a_path = name.find_first_of("./") != std::string::npos;
  throw Error(
      ErrorKind::kCatalog,
      concat("table '", excerpt(name), "' does not exist", did_you_mean(name, names),
             names.empty() ? std::string("; no table is known yet")
                           : "; known are: " + excerpt(join_texts(names, ", "), 300),
             may_be_a_path ? "; if it is a file, write its path in single quotes, as a text" : ""));
}

bool Engine::has_entry(const std::string& name) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return entries_.count(to_lower_ascii(name)) > 0;
}

void Engine::drop_entry(const std::string& name) {
  const Entry dropped = entry(name);  // freed outside of the lock
  const std::lock_guard<std::mutex> lock(mutex_);
  entries_.erase(to_lower_ascii(name));
}

std::vector<Engine::Entry> Engine::entries() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<Entry> out;
  for (const auto& [key, known] : entries_) out.push_back(known);
  return out;
}

void Engine::add_function(UserFunctionPtr function) {
  check_open();
  functions_->add(std::move(function));
}

PlanPtr Engine::resolve_table(const std::string& name) const {
  const Entry found = entry(name);
  if (found.kind == EntryKind::kStreamSink) {
    throw Error(
        ErrorKind::kTableKind,
        concat("'", found.name, "' is a sink: it can be written to with INSERT INTO, not read"));
  }
  return found.plan;
}

PlanPtr Engine::resolve_path(const std::string& path) const {
  return ScanPlan::all_columns(open_by_probe(*this, {path}, {}, {}), file_name_of(path));
}

PlanPtr Engine::resolve_function(
    const std::string& name, const std::vector<Value>& arguments,
    const std::vector<std::pair<std::string, Value>>& named_arguments) const {
  return make_table_function(*this, name, arguments, named_arguments);
}

TableSourcePtr Engine::single_row() const { return single_row_source(); }

TableSourcePtr Engine::memory_table(Schema schema, std::vector<Chunk> chunks) const {
  return std::make_shared<MemoryTableSource>(std::move(schema), std::move(chunks));
}

}  // namespace velaria
