// A stream as the leaf of a logical plan: a schema and a name. It holds no rows.
//
//   PlanPtr leaf = ScanPlan::all_columns(std::make_shared<StreamTableSource>(source), "events");
#pragma once

#include <memory>
#include <string>

#include "src/plan/table_source.h"
#include "stream/stream_source.h"

namespace velaria {

// Immutable; the stream source inside serves one query at a time.
class StreamTableSource : public TableSource {
 public:
  explicit StreamTableSource(StreamSourcePtr source);

  const Schema& schema() const override { return source_->schema(); }
  std::string describe() const override { return "stream " + source_->describe(); }
  bool bounded() const override { return source_->bounded(); }
  // TableKindError: a stream is read by a streaming query only.
  std::unique_ptr<TableScan> scan(const ScanRequest& request) const override;

  const StreamSourcePtr& stream_source() const { return source_; }

 private:
  StreamSourcePtr source_;
};

}  // namespace velaria
