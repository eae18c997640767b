/* The Arrow C data interface and C stream interface: the structs through which columns come in and
 * go out without copying. Plain C, layout fixed for ever by the Arrow project
 * (https://arrow.apache.org/docs/format/CDataInterface.html).
 *
 * The include guards are the ones that every project with a copy of these structs uses, so that two
 * copies in one translation unit do not clash.
 */
#ifndef VELARIA_COLUMN_ARROW_C_DATA_H_
#define VELARIA_COLUMN_ARROW_C_DATA_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

struct ArrowSchema {
  const char* format;
  const char* name;
  const char* metadata;
  int64_t flags;
  int64_t n_children;
  struct ArrowSchema** children;
  struct ArrowSchema* dictionary;

  void (*release)(struct ArrowSchema*);
  void* private_data;
};

struct ArrowArray {
  int64_t length;
  int64_t null_count;
  int64_t offset;
  int64_t n_buffers;
  int64_t n_children;
  const void** buffers;
  struct ArrowArray** children;
  struct ArrowArray* dictionary;

  void (*release)(struct ArrowArray*);
  void* private_data;
};

#endif /* ARROW_C_DATA_INTERFACE */

#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE

struct ArrowArrayStream {
  /* Each returns 0 or an errno-style code. */
  int (*get_schema)(struct ArrowArrayStream*, struct ArrowSchema* out);
  /* The end is an array whose release is NULL. */
  int (*get_next)(struct ArrowArrayStream*, struct ArrowArray* out);
  /* Text of the last failure, or NULL; valid until the next call. */
  const char* (*get_last_error)(struct ArrowArrayStream*);

  void (*release)(struct ArrowArrayStream*);
  void* private_data;
};

#endif /* ARROW_C_STREAM_INTERFACE */

#ifdef __cplusplus
}
#endif

#endif /* VELARIA_COLUMN_ARROW_C_DATA_H_ */
