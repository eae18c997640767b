// C++ sources and sinks as C tables.
#include <cstring>
#include <iterator>
#include <mutex>
#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/arrow/export.h"
#include "src/column/arrow/import.h"
#include "src/kernel/take.h"
#include "stream/source_sink_adapters.h"

namespace velaria {

namespace {

std::string text_or_empty(const char* text) { return text != nullptr ? text : ""; }

StreamContext from_c(const VelariaStreamContext& context) {
  StreamContext out;
  out.restored = context.restored != 0;
  out.query_id = text_or_empty(context.query_id);
  out.execution_mode = text_or_empty(context.execution_mode);
  out.transport_mode = text_or_empty(context.transport_mode);
  out.checkpoint_delivery_mode = text_or_empty(context.checkpoint_delivery_mode);
  out.checkpoint_path = text_or_empty(context.checkpoint_path);
  out.trigger_interval_ms = context.trigger_interval_ms;
  out.idle_wait_ms = context.idle_wait_ms;
  out.max_inflight_batches = context.max_inflight_batches;
  out.max_inflight_partitions = context.max_inflight_partitions;
  out.backpressure_high_watermark = context.backpressure_high_watermark;
  out.backpressure_low_watermark = context.backpressure_low_watermark;
  const size_t known = offsetof(VelariaStreamContext, source_hears) + sizeof(context.source_hears);
  out.source_hears = context.struct_size >= known && context.source_hears != 0;
  return out;
}

CheckpointMarker from_c(const VelariaCheckpointMarker& marker) {
  CheckpointMarker out;
  out.query_id = text_or_empty(marker.query_id);
  out.source_offset = text_or_empty(marker.source_offset);
  out.batches_processed = marker.batches_processed;
  return out;
}

// The text of the newest failure. write() and sync() of a sink, next() and drain() of a source may
// fail at the same time.
class ErrorText {
 public:
  void set(const std::exception_ptr& failure) noexcept {
    std::string text = describe_exception(failure);
    const std::lock_guard<std::mutex> lock(mutex_);
    text_ = std::move(text);
  }
  // Valid until the next call of the same thread.
  const char* get() const noexcept {
    thread_local std::string given;
    try {
      const std::lock_guard<std::mutex> lock(mutex_);
      given = text_;
      return given.c_str();
    } catch (...) {
      return "out of memory for the text of the error";
    }
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

struct SourceSelf {
  explicit SourceSelf(StreamSourcePtr s) : source(std::move(s)) {}
  StreamSourcePtr source;
  std::string offset;
  ErrorText error;
  SourceNotes notes;  // the warnings, the newest first
  std::string warning;
};

void gather_notes(SourceSelf& self) {
  SourceNotes notes = self.source->take_notes();
  self.notes.rejected_rows += notes.rejected_rows;
  self.notes.warnings.insert(self.notes.warnings.begin(),
                             std::make_move_iterator(notes.warnings.rbegin()),
                             std::make_move_iterator(notes.warnings.rend()));
}

struct SinkSelf {
  explicit SinkSelf(StreamSinkPtr s) : sink(std::move(s)) {}
  StreamSinkPtr sink;
  ImportedSchemaPtr layout;
  ErrorText error;
};

SourceSelf& source_of(void* self) { return *static_cast<SourceSelf*>(self); }
SinkSelf& sink_of(void* self) { return *static_cast<SinkSelf*>(self); }

// No exception leaves a C function: it becomes ERROR and a text.
template <typename Self, typename Body>
VelariaStreamStatus guarded(Self& self, Body body) noexcept {
  try {
    return body();
  } catch (...) {
    self.error.set(std::current_exception());
    return VELARIA_STREAM_ERROR;
  }
}

// The same of a function without a status: what it throws becomes its answer 0.
template <typename Body>
int32_t yes_or_no(Body body) noexcept {
  try {
    return body() ? 1 : 0;
  } catch (...) {
    return 0;
  }
}

// Of a function that answers nothing: what it throws, nobody can be told of.
template <typename Side>
void wake(Side& side) noexcept {
  try {
    side.wake();
  } catch (...) {
  }
}

VelariaStreamStatus next_batch(SourceSelf& self, ArrowArray* out, const char** offset) {
  StreamBatch batch;
  const SourceStatus status = self.source->next(&batch);
  gather_notes(self);
  switch (status) {
    case SourceStatus::kEnd: return VELARIA_STREAM_END;
    case SourceStatus::kBlocked: return VELARIA_STREAM_BLOCKED;
    case SourceStatus::kBatch: break;
  }
  const Schema& schema = self.source->schema();
  if (batch.chunks.size() == 1) {
    export_chunk(schema, batch.chunks[0], out);
  } else {
    std::vector<DataType> types;
    for (const Field& field : schema.fields()) types.push_back(field.type);
    for (Chunk& chunk : batch.chunks) chunk = compact(chunk);
    export_chunk(schema, concatenate_chunks(batch.chunks, types), out);
  }
  self.offset = std::move(batch.source_offset);
  *offset = self.offset.c_str();
  return VELARIA_STREAM_OK;
}

VelariaStreamStatus write_batch(SinkSelf& self, ArrowArray* batch) {
  if (!self.layout) {
    if (batch->release != nullptr) batch->release(batch);
    throw Error(ErrorKind::kStream, "write came before open");
  }
  self.sink->write(self.layout->schema(), {ImportedArray::adopt(self.layout, batch)->chunk()});
  return VELARIA_STREAM_OK;
}

}  // namespace

void export_stream_source(StreamSourcePtr source, VelariaSource* out) {
  VELARIA_CHECK(source != nullptr);
  const bool can_restore = source->can_restore();
  const bool wants_markers = source->wants_markers();
  std::memset(out, 0, sizeof(*out));
  out->abi_version = VELARIA_STREAM_ABI_VERSION;
  out->struct_size = sizeof(*out);
  out->self = new SourceSelf(std::move(source));
  out->get_schema = [](void* self, ArrowSchema* schema) {
    return guarded(source_of(self), [&] {
      export_schema(source_of(self).source->schema(), schema);
      return VELARIA_STREAM_OK;
    });
  };
  out->next_batch = [](void* self, ArrowArray* array, const char** offset) {
    return guarded(source_of(self), [&] { return next_batch(source_of(self), array, offset); });
  };
  out->open = [](void* self, const VelariaStreamContext* context) {
    return guarded(source_of(self), [&] {
      source_of(self).source->open(from_c(*context));
      return VELARIA_STREAM_OK;
    });
  };
  if (wants_markers) {
    out->checkpoint = [](void* self, const VelariaCheckpointMarker* marker) {
      return guarded(source_of(self), [&] {
        source_of(self).source->checkpoint(from_c(*marker));
        return VELARIA_STREAM_OK;
      });
    };
    out->ack = [](void* self, const char* token) {
      return guarded(source_of(self), [&] {
        source_of(self).source->ack(token);
        return VELARIA_STREAM_OK;
      });
    };
  }
  if (can_restore) {
    out->restore = [](void* self, const char* offset) {
      return guarded(source_of(self), [&] {
        source_of(self).source->restore(offset);
        return VELARIA_STREAM_OK;
      });
    };
  }
  out->close = [](void* self) {
    return guarded(source_of(self), [&] {
      source_of(self).source->close();
      return VELARIA_STREAM_OK;
    });
  };
  out->last_error = [](void* self) { return source_of(self).error.get(); };
  out->bounded = [](void* self) -> int32_t {
    return yes_or_no([&] { return source_of(self).source->bounded(); });
  };
  out->wake = [](void* self) { wake(*source_of(self).source); };
  out->drain = [](void* self) -> int32_t {
    SourceSelf& own = source_of(self);
    try {
      return own.source->drain() ? 1 : 0;
    } catch (...) {
      own.error.set(std::current_exception());
      return -1;
    }
  };
  out->release = [](void* self) { delete static_cast<SourceSelf*>(self); };
  out->take_rejected_rows = [](void* self) {
    return static_cast<uint64_t>(std::exchange(source_of(self).notes.rejected_rows, 0));
  };
  out->take_warning = [](void* self) -> const char* {
    SourceSelf& own = source_of(self);
    if (own.notes.warnings.empty()) return nullptr;
    own.warning = std::move(own.notes.warnings.back());
    own.notes.warnings.pop_back();
    return own.warning.c_str();
  };
}

void export_stream_sink(StreamSinkPtr sink, VelariaSink* out) {
  VELARIA_CHECK(sink != nullptr);
  std::memset(out, 0, sizeof(*out));
  out->abi_version = VELARIA_STREAM_ABI_VERSION;
  out->struct_size = sizeof(*out);
  out->self = new SinkSelf(std::move(sink));
  out->open = [](void* self, const VelariaStreamContext* context, const ArrowSchema* schema) {
    return guarded(sink_of(self), [&] {
      sink_of(self).layout = ImportedSchema::read(*schema);
      sink_of(self).sink->open(from_c(*context), sink_of(self).layout->schema());
      return VELARIA_STREAM_OK;
    });
  };
  out->write = [](void* self, ArrowArray* batch) {
    return guarded(sink_of(self), [&] { return write_batch(sink_of(self), batch); });
  };
  out->flush = [](void* self) {
    return guarded(sink_of(self), [&] {
      sink_of(self).sink->flush();
      return VELARIA_STREAM_OK;
    });
  };
  out->sync = [](void* self) {
    return guarded(sink_of(self), [&] {
      sink_of(self).sink->sync();
      return VELARIA_STREAM_OK;
    });
  };
  out->checkpoint = [](void* self, const VelariaCheckpointMarker* marker) {
    return guarded(sink_of(self), [&] {
      sink_of(self).sink->checkpoint(from_c(*marker));
      return VELARIA_STREAM_OK;
    });
  };
  out->close = [](void* self) {
    return guarded(sink_of(self), [&] {
      sink_of(self).sink->close();
      return VELARIA_STREAM_OK;
    });
  };
  out->last_error = [](void* self) { return sink_of(self).error.get(); };
  out->blocking = [](void* self) -> int32_t {
    return yes_or_no([&] { return sink_of(self).sink->blocking(); });
  };
  out->wake = [](void* self) { wake(*sink_of(self).sink); };
  out->release = [](void* self) { delete static_cast<SinkSelf*>(self); };
}

}  // namespace velaria
