/* A source and a sink written in plain C against source_sink_abi.h, with a log of their calls. */
#ifndef VELARIA_TESTS_STREAM_PLAIN_C_PLUGIN_H_
#define VELARIA_TESTS_STREAM_PLAIN_C_PLUGIN_H_

#include "stream/source_sink_abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One word a call, separated by blanks: "open next next checkpoint:1 ack:1 close". */
typedef struct PlainLog {
  char text[4096];
  int length;
  int released;     /* times release was called */
  int arrays_alive; /* arrays given out and not released */
  int64_t rows;     /* sink: rows written */
  int64_t total;    /* sink: sum of the first column */
  char query_id[64];
} PlainLog;

/* Gives `batches` batches of one int64 column "n" with `rows` numbers each, counting on; says
 * BLOCKED before each of them once; fails at batch `fail_at` when that is not 0. */
void plain_source(VelariaSource* out, PlainLog* log, int batches, int rows, int fail_at);

/* Adds up what it gets; says BLOCKED once before each write; fails at write `fail_at`. */
void plain_sink(VelariaSink* out, PlainLog* log, int fail_at);

#ifdef __cplusplus
}
#endif

#endif
