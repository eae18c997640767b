// A source and a sink written against the plain C tables, run by stream SQL.
#include <cstring>

#include "src/column/arrow/export.h"
#include "tests/session/stream_events.h"
#include "velaria/source_sink_abi.h"

namespace velaria {
namespace {

// One record of what was called, shared by both ends.
struct Plugin {
  std::string log;
  std::vector<Chunk> batches = event_batches(3, 10);
  size_t next = 0;
  int blocked_before = 0;  // BLOCKED is said so often before each batch
  int blocked = 0;
  int fail_write_at = -1;
  int writes = 0;
  int64_t rows = 0;
  std::string offset;
  std::string error = "none";
  int released = 0;

  void note(const std::string& what) { log += (log.empty() ? "" : " ") + what; }
};

Plugin& of(void* self) { return *static_cast<Plugin*>(self); }

VelariaSource plugin_source(Plugin* state) {
  VelariaSource out = {};
  out.abi_version = VELARIA_STREAM_ABI_VERSION;
  out.struct_size = sizeof(out);
  out.self = state;
  out.get_schema = [](void*, ArrowSchema* schema) -> VelariaStreamStatus {
    export_schema(event_schema(), schema);
    return VELARIA_STREAM_OK;
  };
  out.next_batch = [](void* self, ArrowArray* array, const char** offset) -> VelariaStreamStatus {
    Plugin& plugin = of(self);
    if (plugin.blocked < plugin.blocked_before) {
      ++plugin.blocked;
      return VELARIA_STREAM_BLOCKED;
    }
    plugin.blocked = 0;
    if (plugin.next == plugin.batches.size()) return VELARIA_STREAM_END;
    export_chunk(event_schema(), plugin.batches[plugin.next++], array);
    plugin.offset = "at-" + std::to_string(plugin.next);
    *offset = plugin.offset.c_str();
    return VELARIA_STREAM_OK;
  };
  out.open = [](void* self, const VelariaStreamContext* context) -> VelariaStreamStatus {
    of(self).note(std::string("open(") + context->query_id + ")");
    return VELARIA_STREAM_OK;
  };
  out.checkpoint = [](void* self, const VelariaCheckpointMarker* marker) -> VelariaStreamStatus {
    of(self).note("marker(" + std::string(marker->source_offset) + "," +
                  std::to_string(marker->batches_processed) + ")");
    return VELARIA_STREAM_OK;
  };
  out.ack = [](void* self, const char* token) -> VelariaStreamStatus {
    of(self).note("ack(" + std::string(token) + ")");
    return VELARIA_STREAM_OK;
  };
  out.close = [](void* self) -> VelariaStreamStatus {
    of(self).note("close");
    return VELARIA_STREAM_OK;
  };
  out.bounded = [](void*) -> int32_t { return 1; };
  out.release = [](void* self) { ++of(self).released; };
  return out;
}

VelariaSink plugin_sink(Plugin* state) {
  VelariaSink out = {};
  out.abi_version = VELARIA_STREAM_ABI_VERSION;
  out.struct_size = sizeof(out);
  out.self = state;
  out.write = [](void* self, ArrowArray* batch) -> VelariaStreamStatus {
    Plugin& plugin = of(self);
    plugin.note("write");
    const bool fails = plugin.writes++ == plugin.fail_write_at;
    if (fails) plugin.error = "the plugin's disk is full";
    plugin.rows += batch->length;
    batch->release(batch);
    return fails ? VELARIA_STREAM_ERROR : VELARIA_STREAM_OK;
  };
  out.open = [](void* self, const VelariaStreamContext*,
                const ArrowSchema* schema) -> VelariaStreamStatus {
    of(self).note("open/" + std::to_string(schema->n_children));
    return VELARIA_STREAM_OK;
  };
  out.flush = [](void* self) -> VelariaStreamStatus {
    of(self).note("flush");
    return VELARIA_STREAM_OK;
  };
  out.close = [](void* self) -> VelariaStreamStatus {
    of(self).note("close");
    return VELARIA_STREAM_OK;
  };
  out.last_error = [](void* self) -> const char* { return of(self).error.c_str(); };
  out.release = [](void* self) { ++of(self).released; };
  return out;
}

struct PluginRun {
  Plugin source;
  Plugin sink;
  std::string failure = "none";
  StreamingQueryProgress progress;
};

void run(PluginRun* run) {
  VelariaSource source = plugin_source(&run->source);
  VelariaSink sink = plugin_sink(&run->sink);
  DataflowSession session;
  session.create_temp_view("events", session.read_stream(import_stream_source(&source)));
  session.register_stream_sink("out", import_stream_sink(&sink));
  StreamOptions options;
  options.query_id = "q";
  options.idle_wait_ms = 1;
  const StreamingQueryPtr query =
      session.startStreamSql("INSERT INTO out SELECT name, amount FROM events", options);
  try {
    query->await_termination();
  } catch (const Error& error) {
    run->failure = error.message();
  }
  run->progress = query->progress();
}

TEST(SourceSinkAbiTest, TheLifeOfASourceAndASink) {
  PluginRun one;
  run(&one);
  EXPECT_EQ(one.failure, "none");
  EXPECT_EQ(one.source.log,
            "open(q) marker(at-1,1) ack(at-1) marker(at-2,2) ack(at-2) marker(at-3,3) ack(at-3) "
            "close");
  EXPECT_EQ(one.sink.log, "open/2 write flush write flush write flush close");
  EXPECT_EQ(one.sink.rows, 30);
  EXPECT_EQ(one.progress.last_source_offset, "at-3");
  EXPECT_EQ(one.source.released, 1);
  EXPECT_EQ(one.sink.released, 1);
}

TEST(SourceSinkAbiTest, BlockedMeansNotNow) {
  PluginRun one;
  one.source.blocked_before = 3;
  run(&one);
  EXPECT_EQ(one.failure, "none");
  EXPECT_EQ(one.sink.rows, 30);
  EXPECT_EQ(one.progress.batches_processed, 3u);
}

TEST(SourceSinkAbiTest, AnErrorOfTheSinkEndsTheQueryWithItsText) {
  PluginRun one;
  one.sink.fail_write_at = 1;
  run(&one);
  EXPECT_NE(one.failure.find("the plugin's disk is full"), std::string::npos) << one.failure;
  EXPECT_EQ(one.progress.status, "failed");
  EXPECT_EQ(one.source.log.find("ack(at-2)"), std::string::npos) << one.source.log;
  EXPECT_EQ(one.source.log.substr(one.source.log.size() - 5), "close");
  EXPECT_EQ(one.sink.log, "open/2 write flush write close");
}

TEST(SourceSinkAbiTest, ATableOfAnotherVersionIsRefusedAndReleased) {
  Plugin plugin;
  VelariaSource source = plugin_source(&plugin);
  source.abi_version = VELARIA_STREAM_ABI_VERSION + 1;
  EXPECT_ERROR(import_stream_source(&source), "InvalidArgumentError", "version");
  EXPECT_EQ(plugin.released, 1);
  VelariaSink sink = plugin_sink(&plugin);
  sink.write = nullptr;
  EXPECT_ERROR(import_stream_sink(&sink), "InvalidArgumentError", "write");
  EXPECT_EQ(plugin.released, 2);
}

}  // namespace
}  // namespace velaria
