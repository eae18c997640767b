/* A sink in plain C, loaded while the program runs: writes what it is told into the file that its
 * options name, a line for each call. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stream/source_sink_abi.h"

typedef struct CountingSink {
  FILE* file;
  int64_t rows;
  char error[64];
} CountingSink;

static VelariaStreamStatus open_sink(void* self, const VelariaStreamContext* context,
                                     const struct ArrowSchema* schema) {
  fprintf(((CountingSink*)self)->file, "open %s with %" PRId64 " columns\n", context->query_id,
          schema->n_children);
  return VELARIA_STREAM_OK;
}

static VelariaStreamStatus write_batch(void* self, struct ArrowArray* batch) {
  CountingSink* sink = self;
  const int64_t rows = batch->length;
  batch->release(batch);
  sink->rows += rows;
  if (sink->rows > 100) {
    snprintf(sink->error, sizeof(sink->error), "%" PRId64 " rows are too many", sink->rows);
    return VELARIA_STREAM_ERROR;
  }
  fprintf(sink->file, "write %" PRId64 " rows\n", rows);
  return VELARIA_STREAM_OK;
}

static VelariaStreamStatus close_sink(void* self) {
  fprintf(((CountingSink*)self)->file, "close\n");
  fflush(((CountingSink*)self)->file);
  return VELARIA_STREAM_OK;
}

static const char* last_error(void* self) { return ((CountingSink*)self)->error; }

static void release_sink(void* self) {
  fclose(((CountingSink*)self)->file);
  free(self);
}

VELARIA_STREAM_EXPORT VelariaStreamStatus velaria_make_sink(const char* options, VelariaSink* out,
                                                            const char** error) {
  CountingSink* sink = calloc(1, sizeof(*sink));
  if (sink != NULL) sink->file = fopen(options, "w");
  if (sink == NULL || sink->file == NULL) {
    free(sink);
    *error = "the options must be the path of a file that can be written";
    return VELARIA_STREAM_ERROR;
  }
  out->abi_version = VELARIA_STREAM_ABI_VERSION;
  out->struct_size = sizeof(*out);
  out->self = sink;
  out->open = open_sink;
  out->write = write_batch;
  out->close = close_sink;
  out->last_error = last_error;
  out->release = release_sink;
  return VELARIA_STREAM_OK;
}
