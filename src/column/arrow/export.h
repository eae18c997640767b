// Arrow out: columns become arrays of the Arrow C data interface, without copying where layouts
// agree.
//
//   zero-copy   flat integers, floats, decimal128, date32, time64, timestamps and vectors; the
//               exported array keeps the buffers alive
//   made        bool (bytes -> bits), utf8 and binary (views -> int32 offsets and bytes), interval
//               (-> month_day_nano); lists, structs and maps, as the type that came in; validity
//               bits that do not start at a byte
//   expanded    constants and dictionaries, and the rows of a selection, so that every chunk of a
//               stream has the one schema
//
// Ownership: what goes out belongs to whoever calls its `release`, on any thread; it needs nothing
// of the session.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include "src/column/arrow/c_data.h"
#include "src/column/chunk.h"
#include "src/column/schema.h"

namespace velaria {

// `out` is overwritten; the caller releases it.
void export_schema(const Schema& schema, ArrowSchema* out);

// The chunk's selected rows as one struct array. A column of the null type fits every type of the
// schema. `out` is overwritten when the call returns, and untouched when it throws:
// TypeMismatchError for a text column of 2 GiB or more (a stream splits such chunks) or an interval
// that does not fit nanoseconds.
void export_chunk(const Schema& schema, const Chunk& chunk, ArrowArray* out);

// Bytes that int32 offsets reach; smaller only in tests.
constexpr int64_t kArrowTextLimitBytes = std::numeric_limits<int32_t>::max();

// A stream of batches, chunks without rows left out. `next` fills the chunk or returns false at the
// end; it is called by the stream's consumer, on the consumer's thread, and destroyed with the
// stream. What it throws becomes an errno code (EINVAL, ENOMEM, ECANCELED, else EIO) and a text
// that starts with the error's name; the stream then fails again at every further call.
void export_stream(Schema schema, std::function<bool(Chunk*)> next, ArrowArrayStream* out,
                   int64_t text_limit_bytes = kArrowTextLimitBytes);
void export_stream(Schema schema, std::vector<Chunk> chunks, ArrowArrayStream* out,
                   int64_t text_limit_bytes = kArrowTextLimitBytes);

}  // namespace velaria
