// Arrow data as a stream: one record batch is one batch of the stream.
//
// The offset is the number of batches given so far and of their rows ("3@1500": three are done).
// restore() refuses it when the first batches have another number of rows now.
#pragma once

#include <memory>

#include "src/column/arrow/import.h"
#include "stream/stream_source.h"

namespace velaria {

// Bounded. A table may be read again by a later query (each open() starts over) and restored at any
// batch.
StreamSourcePtr make_arrow_table_stream(ImportedTable table);

// The same over the kernel's own chunks, which nobody cuts anew: its offset is the number of
// batches alone ("3").
StreamSourcePtr make_memory_stream(Schema schema, std::vector<Chunk> batches);

// Pulls the Arrow stream only as fast as the query asks. Serves one query; restore() reads and
// drops the batches that were done, so the producer must give the same ones again. `bounded`: what
// the caller knows about the producer. Its get_next() cannot be woken: stopping waits for it.
StreamSourcePtr make_arrow_reader_stream(std::unique_ptr<ArrowStreamReader> reader,
                                         bool bounded = true);

}  // namespace velaria
