/* A source of Velaria's streams in C, loaded while the program runs: numbers that count up.
 *
 *   cc -shared -fPIC -I VELARIA -o libticks.so examples/c/ticks.c
 *   session.read_stream_plugin("libticks.so", "1000")        # so many rows
 *
 * Each batch has up to 100 rows with one column, n: int64. The offset is the number of rows so far,
 * and restore goes on behind it. The functions and their rules are in stream/source_sink_abi.h.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stream/source_sink_abi.h"

enum { BATCH_ROWS = 100 };

typedef struct Ticks {
  int64_t rows;
  int64_t next;
  char offset[24]; /* of the last batch; the caller reads it before the next call */
  const char* error;
} Ticks;

static void release_column_schema(struct ArrowSchema* schema) { schema->release = NULL; }

static void release_schema(struct ArrowSchema* schema) {
  schema->children[0]->release(schema->children[0]);
  free(schema->children[0]);
  free(schema->children);
  schema->release = NULL;
}

static VelariaStreamStatus out_of_memory(Ticks* ticks) {
  ticks->error = "out of memory";
  return VELARIA_STREAM_ERROR;
}

/* A struct of one column: what Arrow's C data interface calls a record batch's schema. */
static VelariaStreamStatus get_schema(void* self, struct ArrowSchema* out) {
  struct ArrowSchema* column = calloc(1, sizeof(*column));
  struct ArrowSchema** children = malloc(sizeof(*children));
  if (column == NULL || children == NULL) {
    free(column);
    free(children);
    return out_of_memory(self);
  }
  column->format = "l"; /* int64 */
  column->name = "n";
  column->release = release_column_schema;
  children[0] = column;
  memset(out, 0, sizeof(*out));
  out->format = "+s";
  out->name = "";
  out->n_children = 1;
  out->children = children;
  out->release = release_schema;
  return VELARIA_STREAM_OK;
}

static void release_column(struct ArrowArray* array) {
  free((void*)array->buffers[1]);
  free(array->buffers);
  array->release = NULL;
}

static void release_batch(struct ArrowArray* array) {
  if (array->children[0]->release != NULL) array->children[0]->release(array->children[0]);
  free(array->children[0]);
  free(array->children);
  free(array->buffers);
  array->release = NULL;
}

static VelariaStreamStatus next_batch(void* self, struct ArrowArray* out, const char** offset) {
  Ticks* ticks = self;
  int64_t rows = ticks->rows - ticks->next;
  if (rows <= 0) return VELARIA_STREAM_END;
  if (rows > BATCH_ROWS) rows = BATCH_ROWS;
  int64_t* values = malloc((size_t)rows * sizeof(*values));
  const void** value_buffers = calloc(2, sizeof(*value_buffers));
  struct ArrowArray* column = calloc(1, sizeof(*column));
  struct ArrowArray** children = malloc(sizeof(*children));
  const void** batch_buffers = calloc(1, sizeof(*batch_buffers));
  if (values == NULL || value_buffers == NULL || column == NULL || children == NULL ||
      batch_buffers == NULL) {
    free(values);
    free(value_buffers);
    free(column);
    free(children);
    free(batch_buffers);
    return out_of_memory(ticks);
  }
  for (int64_t i = 0; i < rows; ++i) values[i] = ticks->next + i;
  ticks->next += rows;
  value_buffers[1] = values; /* [0]: no validity bits, since nothing is NULL */
  column->length = rows;
  column->n_buffers = 2;
  column->buffers = value_buffers;
  column->release = release_column;
  children[0] = column;
  memset(out, 0, sizeof(*out));
  out->length = rows;
  out->n_buffers = 1;
  out->buffers = batch_buffers;
  out->n_children = 1;
  out->children = children;
  out->release = release_batch;
  snprintf(ticks->offset, sizeof(ticks->offset), "%" PRId64, ticks->next);
  *offset = ticks->offset;
  return VELARIA_STREAM_OK;
}

/* False: `text` is no number of rows. */
static int parse_rows(const char* text, int64_t* rows) {
  char* end = NULL;
  *rows = strtoll(text, &end, 10);
  return end != text && *end == '\0' && *rows >= 0;
}

static VelariaStreamStatus open_ticks(void* self, const VelariaStreamContext* context) {
  (void)context;
  ((Ticks*)self)->next = 0;
  return VELARIA_STREAM_OK;
}

static VelariaStreamStatus restore(void* self, const char* source_offset) {
  Ticks* ticks = self;
  if (parse_rows(source_offset, &ticks->next)) return VELARIA_STREAM_OK;
  ticks->error = "the offset is no number of rows";
  return VELARIA_STREAM_ERROR;
}

static const char* last_error(void* self) { return ((Ticks*)self)->error; }
static int32_t bounded(void* self) {
  (void)self;
  return 1;
}
static void release_ticks(void* self) { free(self); }

VELARIA_STREAM_EXPORT VelariaStreamStatus velaria_make_source(const char* options,
                                                              VelariaSource* out,
                                                              const char** error) {
  Ticks* ticks = calloc(1, sizeof(*ticks));
  if (ticks == NULL) {
    *error = "out of memory";
    return VELARIA_STREAM_ERROR;
  }
  if (!parse_rows(options, &ticks->rows)) {
    free(ticks);
    *error = "the options must be the number of rows, as in '1000'";
    return VELARIA_STREAM_ERROR;
  }
  out->abi_version = VELARIA_STREAM_ABI_VERSION;
  out->struct_size = sizeof(*out);
  out->self = ticks;
  out->get_schema = get_schema;
  out->next_batch = next_batch;
  out->open = open_ticks;
  out->restore = restore;
  out->last_error = last_error;
  out->bounded = bounded;
  out->release = release_ticks;
  return VELARIA_STREAM_OK;
}
