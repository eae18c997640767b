#include "tests/stream/plain_c_plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void note(PlainLog* log, const char* word) {
  log->length += snprintf(log->text + log->length, sizeof(log->text) - (size_t)log->length, "%s%s",
                          log->length > 0 ? " " : "", word);
}

static void note_text(PlainLog* log, const char* word, const char* text) {
  char line[128];
  snprintf(line, sizeof(line), "%s:%s", word, text);
  note(log, line);
}

/* ---- source ---- */

typedef struct Source {
  PlainLog* log;
  int batches;
  int rows;
  int fail_at;
  int given;
  int ready; /* whether the next call gives a batch */
  char offset[32];
} Source;

static void release_child_schema(struct ArrowSchema* schema) { schema->release = NULL; }

static void release_schema(struct ArrowSchema* schema) {
  schema->children[0]->release(schema->children[0]);
  free(schema->children[0]);
  free(schema->children);
  schema->release = NULL;
}

static VelariaStreamStatus source_get_schema(void* self, struct ArrowSchema* out) {
  (void)self;
  struct ArrowSchema* child = calloc(1, sizeof(*child));
  child->format = "l";
  child->name = "n";
  child->flags = ARROW_FLAG_NULLABLE;
  child->release = release_child_schema;
  memset(out, 0, sizeof(*out));
  out->format = "+s";
  out->name = "";
  out->n_children = 1;
  out->children = malloc(sizeof(child));
  out->children[0] = child;
  out->release = release_schema;
  return VELARIA_STREAM_OK;
}

static void release_child_array(struct ArrowArray* array) {
  free((void*)array->buffers[1]);
  free(array->buffers);
  array->release = NULL;
}

static void release_array(struct ArrowArray* array) {
  PlainLog* log = array->private_data;
  if (array->children[0]->release) array->children[0]->release(array->children[0]);
  free(array->children[0]);
  free(array->children);
  free(array->buffers);
  __atomic_sub_fetch(&log->arrays_alive, 1, __ATOMIC_SEQ_CST);
  array->release = NULL;
}

static VelariaStreamStatus source_next(void* self, struct ArrowArray* out,
                                       const char** source_offset) {
  Source* source = self;
  if (source->fail_at != 0 && source->given + 1 == source->fail_at) return VELARIA_STREAM_ERROR;
  if (source->given == source->batches) {
    note(source->log, "end");
    return VELARIA_STREAM_END;
  }
  if (!source->ready) {
    source->ready = 1;
    return VELARIA_STREAM_BLOCKED;
  }
  source->ready = 0;
  int64_t* numbers = malloc(sizeof(int64_t) * (size_t)(source->rows > 0 ? source->rows : 1));
  for (int i = 0; i < source->rows; ++i) numbers[i] = (int64_t)source->given * source->rows + i;
  struct ArrowArray* child = calloc(1, sizeof(*child));
  child->length = source->rows;
  child->n_buffers = 2;
  child->buffers = calloc(2, sizeof(void*));
  child->buffers[1] = numbers;
  child->release = release_child_array;
  memset(out, 0, sizeof(*out));
  out->length = source->rows;
  out->n_buffers = 1;
  out->buffers = calloc(1, sizeof(void*));
  out->n_children = 1;
  out->children = malloc(sizeof(child));
  out->children[0] = child;
  out->private_data = source->log;
  out->release = release_array;
  __atomic_add_fetch(&source->log->arrays_alive, 1, __ATOMIC_SEQ_CST);
  snprintf(source->offset, sizeof(source->offset), "%d", ++source->given);
  *source_offset = source->offset;
  note_text(source->log, "next", source->offset);
  return VELARIA_STREAM_OK;
}

static VelariaStreamStatus source_open(void* self, const VelariaStreamContext* context) {
  Source* source = self;
  snprintf(source->log->query_id, sizeof(source->log->query_id), "%s", context->query_id);
  note_text(source->log, "open", context->checkpoint_delivery_mode);
  return VELARIA_STREAM_OK;
}

static VelariaStreamStatus source_checkpoint(void* self, const VelariaCheckpointMarker* marker) {
  char text[64];
  snprintf(text, sizeof(text), "%s/%llu", marker->source_offset,
           (unsigned long long)marker->batches_processed);
  note_text(((Source*)self)->log, "checkpoint", text);
  return VELARIA_STREAM_OK;
}

static VelariaStreamStatus source_ack(void* self, const char* token) {
  note_text(((Source*)self)->log, "ack", token);
  return VELARIA_STREAM_OK;
}

static VelariaStreamStatus source_restore(void* self, const char* source_offset) {
  Source* source = self;
  note_text(source->log, "restore", source_offset);
  char* end = NULL;
  source->given = (int)strtol(source_offset, &end, 10);
  return end != source_offset && *end == '\0' ? VELARIA_STREAM_OK : VELARIA_STREAM_ERROR;
}

static VelariaStreamStatus source_close(void* self) {
  note(((Source*)self)->log, "close");
  return VELARIA_STREAM_OK;
}

static const char* source_error(void* self) {
  (void)self;
  return "the plain source was told to fail";
}

static int32_t source_bounded(void* self) {
  (void)self;
  return 1;
}

static void source_release(void* self) {
  ++((Source*)self)->log->released;
  free(self);
}

void plain_source(VelariaSource* out, PlainLog* log, int batches, int rows, int fail_at) {
  Source* source = calloc(1, sizeof(*source));
  source->log = log;
  source->batches = batches;
  source->rows = rows;
  source->fail_at = fail_at;
  memset(out, 0, sizeof(*out));
  out->abi_version = VELARIA_STREAM_ABI_VERSION;
  out->struct_size = sizeof(*out);
  out->self = source;
  out->get_schema = source_get_schema;
  out->next_batch = source_next;
  out->open = source_open;
  out->checkpoint = source_checkpoint;
  out->ack = source_ack;
  out->restore = source_restore;
  out->close = source_close;
  out->last_error = source_error;
  out->bounded = source_bounded;
  out->release = source_release;
}

/* ---- sink ---- */

typedef struct Sink {
  PlainLog* log;
  int fail_at;
  int writes;
  int ready;
} Sink;

static VelariaStreamStatus sink_open(void* self, const VelariaStreamContext* context,
                                     const struct ArrowSchema* schema) {
  Sink* sink = self;
  snprintf(sink->log->query_id, sizeof(sink->log->query_id), "%s", context->query_id);
  note_text(sink->log, "open", schema->children[0]->name);
  return VELARIA_STREAM_OK;
}

static VelariaStreamStatus sink_write(void* self, struct ArrowArray* batch) {
  Sink* sink = self;
  if (!sink->ready) {
    sink->ready = 1;
    return VELARIA_STREAM_BLOCKED;
  }
  sink->ready = 0;
  ++sink->writes;
  note(sink->log, "write");
  const struct ArrowArray* column = batch->children[0];
  const int64_t* numbers = column->buffers[1];
  for (int64_t i = 0; i < batch->length; ++i) {
    sink->log->total += numbers[batch->offset + column->offset + i];
  }
  sink->log->rows += batch->length;
  batch->release(batch);
  return sink->writes == sink->fail_at ? VELARIA_STREAM_ERROR : VELARIA_STREAM_OK;
}

static VelariaStreamStatus sink_flush(void* self) {
  note(((Sink*)self)->log, "flush");
  return VELARIA_STREAM_OK;
}

static VelariaStreamStatus sink_checkpoint(void* self, const VelariaCheckpointMarker* marker) {
  note_text(((Sink*)self)->log, "checkpoint", marker->source_offset);
  return VELARIA_STREAM_OK;
}

static VelariaStreamStatus sink_close(void* self) {
  note(((Sink*)self)->log, "close");
  return VELARIA_STREAM_OK;
}

static void sink_release(void* self) {
  ++((Sink*)self)->log->released;
  free(self);
}

void plain_sink(VelariaSink* out, PlainLog* log, int fail_at) {
  Sink* sink = calloc(1, sizeof(*sink));
  sink->log = log;
  sink->fail_at = fail_at;
  memset(out, 0, sizeof(*out));
  out->abi_version = VELARIA_STREAM_ABI_VERSION;
  out->struct_size = sizeof(*out);
  out->self = sink;
  out->write = sink_write;
  out->open = sink_open;
  out->flush = sink_flush;
  out->checkpoint = sink_checkpoint;
  out->close = sink_close;
  out->release = sink_release;
}
