// C tables seen as C++ sources and sinks.
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstring>
#include <mutex>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/arrow/export.h"
#include "src/column/arrow/import.h"
#include "stream/source_sink_adapters.h"

namespace velaria {

namespace {

// A struct of a maker who may have known fewer fields; the rest reads as NULL.
template <typename Table>
Table take_table(Table* given) {
  Table table;
  std::memset(&table, 0, sizeof(table));
  const size_t known = std::min<size_t>(given->struct_size, sizeof(table));
  std::memcpy(&table, given, known);
  std::memset(given, 0, known);
  return table;
}

template <typename Table>
void check_table(const Table& table, bool complete, const char* what, const std::string& name) {
  if (table.abi_version != VELARIA_STREAM_ABI_VERSION) {
    throw Error(ErrorKind::kInvalidArgument,
                concat("the ", what, " '", name, "' is of ABI version ", table.abi_version,
                       ", this build speaks version ", VELARIA_STREAM_ABI_VERSION,
                       "; build it with stream/source_sink_abi.h of this build"));
  }
  if (!complete) {
    throw Error(ErrorKind::kInvalidArgument,
                concat("the ", what, " '", name, "' lacks a required function (",
                       std::string_view(what) == "source" ? "get_schema, next_batch" : "write",
                       ") or its struct_size is too small"));
  }
}

VelariaStreamContext to_c(const StreamContext& context) {
  VelariaStreamContext out;
  std::memset(&out, 0, sizeof(out));
  out.struct_size = sizeof(out);
  out.restored = context.restored ? 1 : 0;
  out.query_id = context.query_id.c_str();
  out.execution_mode = context.execution_mode.c_str();
  out.transport_mode = context.transport_mode.c_str();
  out.checkpoint_delivery_mode = context.checkpoint_delivery_mode.c_str();
  out.checkpoint_path = context.checkpoint_path.c_str();
  out.trigger_interval_ms = context.trigger_interval_ms;
  out.idle_wait_ms = context.idle_wait_ms;
  out.max_inflight_batches = context.max_inflight_batches;
  out.max_inflight_partitions = context.max_inflight_partitions;
  out.backpressure_high_watermark = context.backpressure_high_watermark;
  out.backpressure_low_watermark = context.backpressure_low_watermark;
  out.source_hears = context.source_hears ? 1 : 0;
  return out;
}

VelariaCheckpointMarker to_c(const CheckpointMarker& marker) {
  VelariaCheckpointMarker out;
  std::memset(&out, 0, sizeof(out));
  out.struct_size = sizeof(out);
  out.query_id = marker.query_id.c_str();
  out.source_offset = marker.source_offset.c_str();
  out.batches_processed = marker.batches_processed;
  return out;
}

// Holds a table and gives it up once.
template <typename Table>
class TableOwner {
 public:
  TableOwner(Table* given, std::string name) : table_(take_table(given)), name_(std::move(name)) {}
  ~TableOwner() {
    if (table_.release != nullptr) table_.release(table_.self);
  }
  TableOwner(const TableOwner&) = delete;
  TableOwner& operator=(const TableOwner&) = delete;

  const Table& operator*() const { return table_; }
  const Table* operator->() const { return &table_; }
  const std::string& name() const { return name_; }

  [[noreturn]] void fail(const char* function, VelariaStreamStatus status) const {
    const char* text = table_.last_error != nullptr ? table_.last_error(table_.self) : nullptr;
    throw Error(ErrorKind::kStream,
                concat("'", name_, "' failed in ", function, " with status ", status, ": ",
                       text != nullptr && *text != '\0' ? text : "it gives no reason"));
  }
  void require_ok(const char* function, VelariaStreamStatus status) const {
    if (status != VELARIA_STREAM_OK) fail(function, status);
  }

 private:
  const Table table_;
  const std::string name_;
};

class PluginSource : public StreamSource {
 public:
  PluginSource(VelariaSource* given, std::string name) : table_(given, std::move(name)) {
    check_table(*table_, table_->get_schema != nullptr && table_->next_batch != nullptr, "source",
                table_.name());
    ArrowSchema schema;
    std::memset(&schema, 0, sizeof(schema));
    table_.require_ok("get_schema", table_->get_schema(table_->self, &schema));
    const std::unique_ptr<ArrowSchema, void (*)(ArrowSchema*)> guard(&schema, [](ArrowSchema* s) {
      if (s->release != nullptr) s->release(s);
    });
    layout_ = ImportedSchema::read(schema);
    bounded_ = table_->bounded != nullptr && table_->bounded(table_->self) == 1;
  }

  const Schema& schema() const override { return layout_->schema(); }
  bool bounded() const override { return bounded_; }
  std::string describe() const override { return table_.name(); }
  bool wants_markers() const override {
    return table_->checkpoint != nullptr || table_->ack != nullptr;
  }
  bool can_restore() const override { return table_->restore != nullptr; }

  void open(const StreamContext& context) override {
    if (table_->open == nullptr) return;
    const VelariaStreamContext c = to_c(context);
    table_.require_ok("open", table_->open(table_->self, &c));
  }

  SourceStatus next(StreamBatch* batch) override {
    ArrowArray array;
    std::memset(&array, 0, sizeof(array));
    const char* offset = nullptr;
    const VelariaStreamStatus status = table_->next_batch(table_->self, &array, &offset);
    if (status == VELARIA_STREAM_END) return SourceStatus::kEnd;
    if (status == VELARIA_STREAM_BLOCKED) return SourceStatus::kBlocked;
    table_.require_ok("next_batch", status);
    if (array.release == nullptr) {
      throw Error(ErrorKind::kStream,
                  concat("'", table_.name(), "' said OK in next_batch but gave no batch"));
    }
    batch->source_offset = offset != nullptr ? offset : "";
    batch->chunks = {ImportedArray::adopt(layout_, &array)->chunk()};
    return SourceStatus::kBatch;
  }

  SourceNotes take_notes() override {
    SourceNotes notes;
    if (table_->take_rejected_rows != nullptr) {
      notes.rejected_rows = static_cast<int64_t>(table_->take_rejected_rows(table_->self));
    }
    while (table_->take_warning != nullptr) {
      const char* warning = table_->take_warning(table_->self);
      if (warning == nullptr) break;
      notes.warnings.emplace_back(warning);
    }
    return notes;
  }
  void checkpoint(const CheckpointMarker& marker) override {
    if (table_->checkpoint == nullptr) return;
    const VelariaCheckpointMarker c = to_c(marker);
    table_.require_ok("checkpoint", table_->checkpoint(table_->self, &c));
  }
  void ack(std::string_view token) override {
    if (table_->ack == nullptr) return;
    table_.require_ok("ack", table_->ack(table_->self, std::string(token).c_str()));
  }
  void restore(std::string_view offset) override {
    if (table_->restore == nullptr) StreamSource::restore(offset);
    table_.require_ok("restore", table_->restore(table_->self, std::string(offset).c_str()));
  }
  void close() override {
    if (table_->close != nullptr) table_.require_ok("close", table_->close(table_->self));
  }
  void wake() override {
    if (table_->wake != nullptr) table_->wake(table_->self);
  }
  bool drain() override {
    const int32_t answer = table_->drain != nullptr ? table_->drain(table_->self) : 0;
    if (answer < 0) table_.fail("drain", VELARIA_STREAM_ERROR);
    return answer == 1;
  }

 private:
  const TableOwner<VelariaSource> table_;
  ImportedSchemaPtr layout_;
  bool bounded_ = false;
};

class PluginSink : public StreamSink {
 public:
  PluginSink(VelariaSink* given, std::string name) : table_(given, std::move(name)) {
    check_table(*table_, table_->write != nullptr, "sink", table_.name());
    blocking_ = table_->blocking != nullptr && table_->blocking(table_->self) == 1;
  }

  std::string describe() const override { return table_.name(); }
  bool blocking() const override { return blocking_; }

  void open(const StreamContext& context, const Schema& schema) override {
    idle_wait_ms_ = context.idle_wait_ms;
    {
      // It may have served a query that was stopped.
      const std::lock_guard<std::mutex> lock(mutex_);
      woken_ = false;
    }
    if (table_->open == nullptr) return;
    ArrowSchema arrow;
    export_schema(schema, &arrow);
    const VelariaStreamContext c = to_c(context);
    const VelariaStreamStatus status = table_->open(table_->self, &c, &arrow);
    if (arrow.release != nullptr) arrow.release(&arrow);
    table_.require_ok("open", status);
  }

  void write(const Schema& schema, const std::vector<Chunk>& chunks) override {
    for (const Chunk& chunk : chunks) write_chunk(schema, chunk);
  }
  void flush() override {
    if (table_->flush != nullptr) table_.require_ok("flush", table_->flush(table_->self));
  }
  void checkpoint(const CheckpointMarker& marker) override {
    if (table_->checkpoint == nullptr) return;
    const VelariaCheckpointMarker c = to_c(marker);
    table_.require_ok("checkpoint", table_->checkpoint(table_->self, &c));
  }
  void sync() override {
    if (table_->sync != nullptr) table_.require_ok("sync", table_->sync(table_->self));
  }
  void close() override {
    if (table_->close != nullptr) table_.require_ok("close", table_->close(table_->self));
  }
  void wake() override {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      woken_ = true;
      wake_.notify_all();
    }
    if (table_->wake != nullptr) table_->wake(table_->self);
  }

 private:
  void write_chunk(const Schema& schema, const Chunk& chunk) {
    ArrowArray array;
    export_chunk(schema, chunk, &array);
    VelariaStreamStatus status = table_->write(table_->self, &array);
    while (status == VELARIA_STREAM_BLOCKED && wait_to_retry()) {
      status = table_->write(table_->self, &array);
    }
    // Taken over means moved out; what a sink left here would leak.
    if (array.release != nullptr) array.release(&array);
    if (status == VELARIA_STREAM_OK) return;
    const std::lock_guard<std::mutex> lock(mutex_);
    if (woken_)
      throw Error(ErrorKind::kCancelled, "the query was stopped while its sink was blocked");
    table_.fail("write", status);
  }

  // False when the query is being stopped.
  bool wait_to_retry() {
    std::unique_lock<std::mutex> lock(mutex_);
    wake_.wait_for(lock, std::chrono::milliseconds(std::max<int64_t>(1, idle_wait_ms_)),
                   [this] { return woken_; });
    return !woken_;
  }

  const TableOwner<VelariaSink> table_;
  bool blocking_ = false;
  int64_t idle_wait_ms_ = 100;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool woken_ = false;
};

}  // namespace

StreamSourcePtr import_stream_source(VelariaSource* source, std::string name) {
  return std::make_shared<PluginSource>(source, std::move(name));
}

StreamSinkPtr import_stream_sink(VelariaSink* sink, std::string name) {
  return std::make_shared<PluginSink>(sink, std::move(name));
}

}  // namespace velaria
