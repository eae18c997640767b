// What all frames and queries of one session share: threads, memory budget, catalog, settings. Not
// part of the public surface; DataflowSession and DataFrame stand in front of it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "src/base/clock.h"
#include "src/base/file_system.h"
#include "src/base/memory_budget.h"
#include "src/base/thread_pool.h"
#include "src/exec/physical_plan.h"
#include "src/expr/user_function_registry.h"
#include "src/io/file_options.h"
#include "src/io/memory/memory_table.h"
#include "src/plan/optimizer/optimizer.h"
#include "src/plan/table_resolver.h"
#include "src/session/data_frame.h"
#include "src/session/query_monitor.h"
#include "src/session/query_profile.h"
#include "src/session/result_stream.h"
#include "src/session/session_options.h"
#include "stream/stream_environment.h"
#include "stream/streaming_query.h"

namespace velaria {

class Engine : public TableResolver, public std::enable_shared_from_this<Engine> {
 public:
  explicit Engine(SessionOptions options);
  ~Engine() override;

  // After this every call that needs the session throws InvalidArgumentError.
  void close();
  void check_open() const;

  const SessionOptions& options() const { return options_; }
  ThreadPool& pool() { return *pool_; }
  StreamEnvironment stream_environment() const;
  FileOpenContext file_context() const;  // opening a file uses as many threads as the session has
  const std::shared_ptr<MemoryBudget>& budget() const { return budget_; }
  const std::shared_ptr<FileSystem>& files() const { return files_; }
  const std::shared_ptr<Clock>& clock() const { return clock_; }

  // `monitor`, when given, watches this run and may cancel it.
  QueryResult run(const PlanPtr& plan, QueryMonitor* monitor = nullptr);
  // The same rows, bit by bit.
  std::shared_ptr<ResultStream> stream(const PlanPtr& plan);
  QueryProfile analyze(const PlanPtr& plan);
  PlanPtr optimized(const PlanPtr& plan) const;
  PhysicalOptions physical_options() const;
  std::string explain(const PlanPtr& plan) const;

  // ---- catalog; names ignore case
  enum class EntryKind { kTable, kView, kStreamSource, kStreamSink };
  struct Entry {
    EntryKind kind = EntryKind::kTable;
    std::string name;                    // as it was given
    PlanPtr plan;                        // null for sinks
    std::shared_ptr<MemoryTable> table;  // of a table that can be written to
    std::shared_ptr<StreamSink> sink;
    std::vector<Field> sink_columns;  // as they were declared; empty: whatever a query gives
  };
  void add_entry(Entry entry, bool replace);
  // Throws CatalogError with a suggestion.
  Entry entry(const std::string& name) const;
  bool has_entry(const std::string& name) const;
  void drop_entry(const std::string& name);
  std::vector<Entry> entries() const;  // by name

  // Queries that are about to start; close() stops those that still run. Throws when the session is
  // closed already: nobody would stop this one.
  void track_query(const StreamingQueryPtr& query);

  // ---- TableResolver
  PlanPtr resolve_table(const std::string& name) const override;
  PlanPtr resolve_path(const std::string& path) const override;
  PlanPtr resolve_function(
      const std::string& name, const std::vector<Value>& arguments,
      const std::vector<std::pair<std::string, Value>>& named_arguments) const override;
  TableSourcePtr single_row() const override;
  TableSourcePtr memory_table(Schema schema, std::vector<Chunk> chunks) const override;
  const UserFunctions* user_functions() const override { return functions_.get(); }

  // ---- functions of this session, see UserFunctionRegistry
  void add_function(UserFunctionPtr function);
  void drop_function(const std::string& name) { functions_->drop(name); }

 private:
  void throw_if_closed() const;  // with mutex_ held
  void check_bounded(const PlanPtr& plan) const;
  // Cancellation, and what a monitor or profile wants, are the caller's to add.
  ExecutionContext execution_context() const;
  // A part of a query that somebody watches is cancelled with it, and does not count.
  enum class Watched { kWhole, kPart };
  QueryResult run(const PlanPtr& plan, QueryProfile* profile, QueryMonitor* monitor,
                  Watched watched = Watched::kWhole);

  // How often the interrupt check of options_ has thrown.
  const std::shared_ptr<std::atomic<uint64_t>> interrupts_;
  const SessionOptions options_;
  std::shared_ptr<MemoryBudget> budget_;
  std::shared_ptr<FileSystem> files_;
  std::shared_ptr<Clock> clock_;
  std::shared_ptr<ThreadPool> pool_;  // shared: a streaming query may outlive the session
  mutable std::mutex mutex_;
  bool closed_ = false;
  std::map<std::string, Entry> entries_;
  // Shared: streaming frames bind with it.
  const std::shared_ptr<UserFunctionRegistry> functions_ = std::make_shared<UserFunctionRegistry>();
  std::vector<std::weak_ptr<StreamingQuery>> queries_;
};

}  // namespace velaria
