#include <atomic>
#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <thread>

#include "src/column/arrow/export.h"
#include "src/column/arrow/import.h"
#include "stream/conformance/rule_runner.h"
#include "stream/conformance/sink_rows.h"
#include "stream/source_sink_adapters.h"

namespace velaria {

namespace {

constexpr const char* kNoOffset = "no offset of anybody";
constexpr std::chrono::milliseconds kQuiet{200};
constexpr size_t kMostBatches = 100;

VelariaStreamContext table_context() {
  VelariaStreamContext context;
  std::memset(&context, 0, sizeof(context));
  context.struct_size = sizeof(context);
  context.query_id = "conformance";
  context.execution_mode = "single-process";
  context.transport_mode = "inproc";
  context.checkpoint_delivery_mode = "at-least-once";
  context.checkpoint_path = "";
  context.idle_wait_ms = 20;
  context.max_inflight_batches = 16;
  context.max_inflight_partitions = 4096;
  context.backpressure_high_watermark = 16;
  context.backpressure_low_watermark = 8;
  return context;
}

// A table and its release, once.
template <typename Table>
class Made {
 public:
  explicit Made(const std::function<void(Table*)>& make) {
    std::memset(&table_, 0, sizeof(table_));
    make(&table_);
  }
  ~Made() { release(); }
  Made(const Made&) = delete;
  Made& operator=(const Made&) = delete;
  void release() {
    if (!released_ && table_.release != nullptr) table_.release(table_.self);
    released_ = true;
  }
  const Table* operator->() const { return &table_; }
  const Table& operator*() const { return table_; }

  // Throws what the table says of a status that is not OK.
  void require_ok(const char* function, VelariaStreamStatus status) const {
    if (status == VELARIA_STREAM_OK) return;
    const char* text = table_.last_error != nullptr ? table_.last_error(table_.self) : nullptr;
    break_rule(concat(function, " gave status ", status, ": ",
                      text != nullptr && *text != '\0' ? text : "without a text of last_error"));
  }

 private:
  Table table_;
  bool released_ = false;
};

template <typename Table>
void check_head(const Table& table, bool complete, const char* required) {
  if (table.abi_version != VELARIA_STREAM_ABI_VERSION) {
    break_rule(concat("abi_version is ", table.abi_version, ", VELARIA_STREAM_ABI_VERSION is ",
                      VELARIA_STREAM_ABI_VERSION));
  }
  if (table.struct_size > sizeof(Table)) {
    break_rule(concat("struct_size is ", table.struct_size, ", the struct has ", sizeof(Table)));
  }
  if (!complete) break_rule(concat("a required function is NULL: ", required));
}

// ---- sources

using MakeSource = std::function<void(VelariaSource*)>;

// An ArrowSchema that is released with it.
class OwnedSchema {
 public:
  explicit OwnedSchema(const Made<VelariaSource>& source) {
    std::memset(&schema_, 0, sizeof(schema_));
    source.require_ok("get_schema", source->get_schema(source->self, &schema_));
    if (schema_.release == nullptr) break_rule("get_schema gave a schema without release");
  }
  ~OwnedSchema() {
    if (schema_.release != nullptr) schema_.release(&schema_);
  }
  OwnedSchema(const OwnedSchema&) = delete;
  OwnedSchema& operator=(const OwnedSchema&) = delete;
  const ArrowSchema& operator*() const { return schema_; }
  const ArrowSchema* operator->() const { return &schema_; }

 private:
  ArrowSchema schema_;
};

struct SourceTableRules {
  MakeSource make;

  void table() const {
    const Made<VelariaSource> source(make);
    check_head(*source, source->get_schema != nullptr && source->next_batch != nullptr,
               "get_schema, next_batch");
  }

  void release() const { Made<VelariaSource>(make).release(); }

  void get_schema() const {
    const Made<VelariaSource> source(make);
    ImportedSchemaPtr first;
    {
      const OwnedSchema schema(source);
      if (schema->format == nullptr || std::string_view(schema->format) != "+s") {
        break_rule("get_schema gave no struct: its format is not \"+s\"");
      }
      first = ImportedSchema::read(*schema);
    }
    // The first one is released by now.
    const OwnedSchema again(source);
    if (ImportedSchema::read(*again)->schema() != first->schema()) {
      break_rule("get_schema gave another schema when it was asked again");
    }
  }

  // All batches, at most kMostBatches of them. OK, END and BLOCKED are the statuses there are.
  std::vector<ImportedArrayPtr> read(const Made<VelariaSource>& source) const {
    const OwnedSchema schema(source);
    const ImportedSchemaPtr layout = ImportedSchema::read(*schema);
    if (source->open != nullptr) {
      const VelariaStreamContext context = table_context();
      source.require_ok("open", source->open(source->self, &context));
    }
    std::vector<ImportedArrayPtr> out;
    auto last = std::chrono::steady_clock::now();
    const bool bounded = source->bounded != nullptr && source->bounded(source->self) == 1;
    while (out.size() < kMostBatches) {
      ArrowArray array;
      std::memset(&array, 0, sizeof(array));
      const char* offset = nullptr;
      const VelariaStreamStatus status = source->next_batch(source->self, &array, &offset);
      if (status == VELARIA_STREAM_END) break;
      if (status == VELARIA_STREAM_BLOCKED) {
        if (!bounded && std::chrono::steady_clock::now() - last > kQuiet) break;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        continue;
      }
      source.require_ok("next_batch", status);
      if (array.release == nullptr) break_rule("OK of next_batch came without an array");
      if (offset == nullptr) {
        array.release(&array);
        break_rule("OK of next_batch came with source_offset NULL");
      }
      if (array.n_children != schema->n_children) {
        const int64_t children = array.n_children;
        array.release(&array);
        break_rule(concat("a batch has ", children, " columns, the schema ", schema->n_children));
      }
      out.push_back(ImportedArray::adopt(layout, &array));
      last = std::chrono::steady_clock::now();
    }
    if (source->close != nullptr) source.require_ok("close", source->close(source->self));
    return out;
  }

  void next_batch() const {
    const Made<VelariaSource> source(make);
    read(source);
  }

  static std::vector<std::string> texts(const std::vector<ImportedArrayPtr>& arrays) {
    std::vector<Chunk> chunks;
    for (const ImportedArrayPtr& array : arrays) chunks.push_back(array->chunk());
    return row_texts(chunks);
  }

  void arrays_outlive() const {
    Made<VelariaSource> source(make);
    const std::vector<ImportedArrayPtr> arrays = read(source);
    source.release();
    const std::vector<std::string> behind = texts(arrays);
    const Made<VelariaSource> other(make);
    require_rows("behind release", texts(read(other)), behind, true);
  }

  void error_text() const {
    const Made<VelariaSource> source(make);
    if (source->open != nullptr) {
      const VelariaStreamContext context = table_context();
      source.require_ok("open", source->open(source->self, &context));
    }
    const VelariaStreamStatus status = source->restore(source->self, kNoOffset);
    const char* text = source->last_error != nullptr ? source->last_error(source->self) : nullptr;
    const bool told = text != nullptr && *text != '\0';
    if (source->close != nullptr) source.require_ok("close", source->close(source->self));
    if (status == VELARIA_STREAM_OK) {
      break_rule(concat("restore took the text '", kNoOffset, "' as an offset"));
    }
    if (!told) break_rule("last_error has no text behind ERROR of restore");
  }
};

// ---- sinks

using TableUnderTest = SinkUnderTest<VelariaSink>;

// An array of ours whose release is counted. It may be moved, as Arrow's are.
struct CountedArray {
  ArrowArray real;
  std::shared_ptr<std::atomic<int>> releases;

  static ArrowArray make(const Chunk& chunk, const std::shared_ptr<std::atomic<int>>& releases) {
    auto* counted = new CountedArray{{}, releases};
    export_chunk(conformance_schema(), chunk, &counted->real);
    ArrowArray out = counted->real;
    out.private_data = counted;
    out.release = [](ArrowArray* array) {
      auto* own = static_cast<CountedArray*>(array->private_data);
      ++*own->releases;
      own->real.release(&own->real);
      delete own;
      array->release = nullptr;
    };
    return out;
  }
};

struct SinkTableRules {
  std::function<TableUnderTest()> make;

  static std::function<void(VelariaSink*)> into(const TableUnderTest& tested) {
    return [&tested](VelariaSink* out) { *out = tested.sink; };
  }

  void table() const {
    const TableUnderTest tested = make();
    const Made<VelariaSink> sink(into(tested));
    check_head(*sink, sink->write != nullptr, "write");
  }

  void release() const {
    const TableUnderTest tested = make();
    Made<VelariaSink>(into(tested)).release();
  }

  static void open(const Made<VelariaSink>& sink) {
    if (sink->open == nullptr) return;
    ArrowSchema schema;
    export_schema(conformance_schema(), &schema);
    const VelariaStreamContext context = table_context();
    const VelariaStreamStatus status = sink->open(sink->self, &context, &schema);
    const bool lent = schema.release != nullptr;
    if (lent) schema.release(&schema);
    sink.require_ok("open", status);
    if (!lent) break_rule("open released the schema, which was lent to it");
  }

  // Gives a batch until it is taken.
  static void write(const Made<VelariaSink>& sink, const Chunk& chunk,
                    const std::shared_ptr<std::atomic<int>>& releases) {
    ArrowArray array = CountedArray::make(chunk, releases);
    const ArrowArray before = array;
    for (;;) {
      const VelariaStreamStatus status = sink->write(sink->self, &array);
      if (status == VELARIA_STREAM_BLOCKED) {
        if (std::memcmp(&array, &before, sizeof(array)) != 0) {
          break_rule("write said BLOCKED and changed the array");
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        continue;
      }
      const bool taken = array.release == nullptr;
      if (!taken) array.release(&array);
      sink.require_ok("write", status);
      if (!taken) {
        break_rule("write said OK and left the array: it must move it out, or release it");
      }
      break;
    }
    if (sink->flush != nullptr) sink.require_ok("flush", sink->flush(sink->self));
  }

  int write_all(const TableUnderTest& tested,
                const std::shared_ptr<std::atomic<int>>& releases) const {
    Made<VelariaSink> sink(into(tested));
    open(sink);
    int written = 0;
    for (const Chunk& batch : conformance_batches({1, 300, 7, 2})) {
      write(sink, batch, releases);
      ++written;
    }
    if (sink->close != nullptr) sink.require_ok("close", sink->close(sink->self));
    sink.release();
    return written;
  }

  void write_takes() const {
    const TableUnderTest tested = make();
    write_all(tested, std::make_shared<std::atomic<int>>(0));
    require_rows("behind release", row_texts(conformance_batches({1, 300, 7, 2})),
                 tested.read_back());
  }

  void arrays_released() const {
    const auto releases = std::make_shared<std::atomic<int>>(0);
    const int written = write_all(make(), releases);
    if (*releases == written) return;
    break_rule(concat("of ", written, " arrays ", releases->load(), " were released"));
  }
};

}  // namespace

ConformanceReport check_source_table(const MakeSource& make,
                                     const SourceConformanceOptions& options) {
  const auto rules = std::make_shared<const SourceTableRules>(SourceTableRules{make});
  RuleRunner runner(options.rule_timeout_ms);
  const auto check = [&](const char* name, void (SourceTableRules::*rule)() const) {
    runner.check(name, [rules, rule] { ((*rules).*rule)(); });
  };
  check("table", &SourceTableRules::table);
  if (!runner.ok()) return runner.take();
  check("release", &SourceTableRules::release);
  check("get-schema", &SourceTableRules::get_schema);
  check("next-batch", &SourceTableRules::next_batch);
  check("arrays-outlive", &SourceTableRules::arrays_outlive);
  if (Made<VelariaSource>(make)->restore != nullptr) {
    check("error-text", &SourceTableRules::error_text);
  }
  if (runner.ok()) {
    runner.add(check_stream_source(
        [make] {
          VelariaSource table;
          std::memset(&table, 0, sizeof(table));
          make(&table);
          return import_stream_source(&table, "table");
        },
        options));
  }
  return runner.take();
}

ConformanceReport check_sink_table(const std::function<TableUnderTest()>& make,
                                   const SinkConformanceOptions& options) {
  const auto rules = std::make_shared<const SinkTableRules>(SinkTableRules{make});
  RuleRunner runner(options.rule_timeout_ms);
  const auto check = [&](const char* name, void (SinkTableRules::*rule)() const) {
    runner.check(name, [rules, rule] { ((*rules).*rule)(); });
  };
  check("table", &SinkTableRules::table);
  if (!runner.ok()) return runner.take();
  check("release", &SinkTableRules::release);
  check("write-takes", &SinkTableRules::write_takes);
  check("arrays-released", &SinkTableRules::arrays_released);
  if (runner.ok()) {
    runner.add(check_stream_sink(
        [make] {
          TableUnderTest tested = make();
          SinkUnderTest<StreamSinkPtr> out;
          out.sink = import_stream_sink(&tested.sink, "table");
          out.read_back = tested.read_back;
          return out;
        },
        options));
  }
  return runner.take();
}

}  // namespace velaria
