/* The source and sink interface of Velaria's streams for any language: two versioned tables of C
 * functions. Compiles as C11 and C++.
 *
 *   VelariaSource source = {0};
 *   source.abi_version = VELARIA_STREAM_ABI_VERSION;
 *   source.struct_size = sizeof(source);
 *   source.self = my_state;
 *   source.get_schema = my_get_schema;
 *   source.next_batch = my_next_batch;   // and so on; NULL means "does nothing" where it says so
 *
 * Life of a source: open -> [restore] -> { next_batch -> checkpoint -> ack }* -> close -> release
 * Life of a sink:   open -> { write -> flush -> [sync -> checkpoint] }* -> close -> release
 *
 * Lifecycle. checkpoint and ack of a batch come after the sink flushed its rows and after the
 * checkpoint file, if any, was replaced; they come in the order of the batches, between two calls
 * of next_batch, possibly several batches later. close comes exactly once per started query, also
 * when open failed or was never reached. release comes once, last, when nobody needs the table any
 * more.
 *
 * Threads. All functions of one table but wake, drain, sync and their last_error are called by one
 * thread at a time and never concurrently; it need not be the thread that made the table. wake and
 * drain may be called by any thread at any time between the return of open with OK and the call of
 * close; they are not called before that, or when open failed. When sync or drain fails, the thread
 * that called it calls last_error, perhaps while another function runs. No function may call back
 * into the query.
 *
 * Ownership. Strings and contexts given to a function are valid during the call only. Strings that
 * a function gives out (last_error, source_offset) belong to the table and are valid until its next
 * function call, wake and drain not counted; what last_error of a table with sync or a drain that
 * can fail gives, until the next call by the thread that asked: it keeps a text for each thread.
 * Arrow structs follow the Arrow C data interface: whoever gets one moves it out or releases it.
 * next_batch fills *out, which then belongs to the caller. write takes *batch over with
 * VELARIA_STREAM_OK and VELARIA_STREAM_ERROR; with VELARIA_STREAM_BLOCKED it must leave it
 * untouched.
 *
 * Errors. VELARIA_STREAM_ERROR ends the query as failed with the text of last_error.
 *
 * Versions. A table of another abi_version is refused. Within one version fields are only appended;
 * struct_size says how many the maker knew, and what lies behind it counts as NULL.
 */
#ifndef VELARIA_STREAM_SOURCE_SINK_ABI_H_
#define VELARIA_STREAM_SOURCE_SINK_ABI_H_

#include <stdint.h>

#include "src/column/arrow/c_data.h"

#ifdef __cplusplus
extern "C" {
#endif

#define VELARIA_STREAM_ABI_VERSION 1u

/* Every function with a status returns one of these; any other value counts as ERROR. */
typedef int32_t VelariaStreamStatus;
enum {
  VELARIA_STREAM_OK = 0,
  VELARIA_STREAM_END = 1,     /* next_batch only: there will never be another batch */
  VELARIA_STREAM_BLOCKED = 2, /* next_batch, write: not now, ask again; never ends a query */
  VELARIA_STREAM_ERROR = 3
};

/* What a query tells its source and sink when it opens them. */
typedef struct VelariaStreamContext {
  uint32_t struct_size;
  uint32_t restored; /* 1: the query goes on from a checkpoint, so earlier rows are written */
  const char* query_id;
  const char* execution_mode;
  const char* transport_mode;
  const char* checkpoint_delivery_mode;
  const char* checkpoint_path; /* "": no checkpoint file */
  int64_t trigger_interval_ms;
  int64_t idle_wait_ms; /* how long next_batch or write may wait before it says BLOCKED */
  int64_t max_inflight_batches;
  int64_t max_inflight_partitions;
  int64_t backpressure_high_watermark;
  int64_t backpressure_low_watermark;
  uint32_t source_hears; /* 1: the source is told which batches are done */
} VelariaStreamContext;

typedef struct VelariaCheckpointMarker {
  uint32_t struct_size;
  uint32_t reserved;
  const char* query_id;
  const char* source_offset;  /* of the last batch that is done */
  uint64_t batches_processed; /* since the query was first started, restarts included */
} VelariaCheckpointMarker;

typedef struct VelariaSource {
  uint32_t abi_version; /* VELARIA_STREAM_ABI_VERSION */
  uint32_t struct_size; /* sizeof(VelariaSource) */
  void* self;           /* first argument of every function */

  /* Required. The schema, a struct; constant, may be asked before open and more than once. */
  VelariaStreamStatus (*get_schema)(void* self, struct ArrowSchema* out);
  /* Required. OK fills *out (a struct array of the schema, perhaps without rows) and
   * *source_offset: the source's own text for "everything up to and with this batch". */
  VelariaStreamStatus (*next_batch)(void* self, struct ArrowArray* out, const char** source_offset);

  /* All below may be NULL. */
  VelariaStreamStatus (*open)(void* self, const VelariaStreamContext* context);
  VelariaStreamStatus (*checkpoint)(void* self, const VelariaCheckpointMarker* marker);
  /* `token` is the source_offset of a batch that is done and recorded, as all before it are. */
  VelariaStreamStatus (*ack)(void* self, const char* token);
  /* After open, before the first next_batch: go on behind `source_offset`. NULL: not restorable. */
  VelariaStreamStatus (*restore)(void* self, const char* source_offset);
  VelariaStreamStatus (*close)(void* self);
  const char* (*last_error)(void* self);
  /* 1: END will come by itself. NULL: 0. Constant. */
  int32_t (*bounded)(void* self);
  /* Any thread: a waiting next_batch returns BLOCKED soon. */
  void (*wake)(void* self);
  /* Any thread: nothing new is wanted. 1: next_batch gives what was accepted so far and then END.
   * 0 or NULL: the query just stops asking. -1: it fails, and the query with the text of
   * last_error. */
  int32_t (*drain)(void* self);
  void (*release)(void* self);

  /* Asked after next_batch: the rows that the source left out on purpose since the last call. They
   * are counted in the query's progress. */
  uint64_t (*take_rejected_rows)(void* self);
  /* The oldest thing worth knowing that was not asked for yet, else NULL; asked until NULL. */
  const char* (*take_warning)(void* self);
} VelariaSource;

typedef struct VelariaSink {
  uint32_t abi_version; /* VELARIA_STREAM_ABI_VERSION */
  uint32_t struct_size; /* sizeof(VelariaSink) */
  void* self;           /* first argument of every function */

  /* Required. One record batch of results, with rows; see Ownership. */
  VelariaStreamStatus (*write)(void* self, struct ArrowArray* batch);

  /* All below may be NULL. */
  /* `schema` is lent for the call. */
  VelariaStreamStatus (*open)(void* self, const VelariaStreamContext* context,
                              const struct ArrowSchema* schema);
  VelariaStreamStatus (*flush)(void* self);
  VelariaStreamStatus (*checkpoint)(void* self, const VelariaCheckpointMarker* marker);
  VelariaStreamStatus (*close)(void* self);
  /* Also called by the thread that calls sync; see Threads and Ownership. */
  const char* (*last_error)(void* self);
  /* 1: write may wait for somebody outside. NULL: 0. */
  int32_t (*blocking)(void* self);
  /* Any thread: the query is being stopped; a waiting write returns BLOCKED soon. */
  void (*wake)(void* self);
  void (*release)(void* self);

  /* What was flushed is safe from a crash when this returns; a checkpoint that covers it is written
   * next. Called by the thread that writes checkpoints, perhaps while write or flush runs, never
   * together with open or close. A sink without it does that in flush. */
  VelariaStreamStatus (*sync)(void* self);
} VelariaSink;

/* What a shared library that is loaded at run time exports, one of the two or both:
 *
 *   VELARIA_STREAM_EXPORT VelariaStreamStatus velaria_make_source(
 *       const char* options, VelariaSource* out, const char** error);
 *   VELARIA_STREAM_EXPORT VelariaStreamStatus velaria_make_sink(
 *       const char* options, VelariaSink* out, const char** error);
 *
 * `options` is the text of whoever loads it, in a form of the library's own. OK fills *out, which
 * is all zero. ERROR leaves it as it is and may set *error to a text that stays valid. They may be
 * called several times and by any thread; each table is independent of the others. The library is
 * never unloaded. */
#define VELARIA_MAKE_SOURCE "velaria_make_source"
#define VELARIA_MAKE_SINK "velaria_make_sink"

#ifdef __cplusplus
#define VELARIA_STREAM_EXPORT extern "C" __attribute__((visibility("default")))
#else
#define VELARIA_STREAM_EXPORT __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* VELARIA_STREAM_SOURCE_SINK_ABI_H_ */
