#include "stream/stream_source.h"

#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria {

int64_t StreamBatch::rows() const {
  int64_t rows = 0;
  for (const Chunk& chunk : chunks) rows += chunk.selected_rows();
  return rows;
}

void check_stream_chunks(const Schema& schema, const std::vector<Chunk>& chunks,
                         std::string_view who) {
  for (const Chunk& chunk : chunks) {
    if (chunk.columns.size() != schema.size()) {
      throw Error(ErrorKind::kStream,
                  concat(who, ": a batch has ", chunk.columns.size(), " columns, the schema (",
                         schema.to_string(), ") has ", schema.size()));
    }
    for (size_t i = 0; i < schema.size(); ++i) {
      const Column& column = *chunk.columns[i];
      const Field& field = schema.field(i);
      if (column.type() != field.type) {
        throw Error(ErrorKind::kStream, concat(who, ": column '", field.name, "' of a batch is ",
                                               column.type().to_string(), ", the schema says ",
                                               field.type.to_string()));
      }
      if (column.length() != chunk.rows) {
        throw Error(ErrorKind::kStream, concat(who, ": column '", field.name, "' of a batch has ",
                                               column.length(), " rows, the batch ", chunk.rows));
      }
    }
  }
}

void StreamSource::restore(std::string_view source_offset) {
  throw Error(ErrorKind::kCheckpoint,
              concat("the stream source ", describe(), " cannot go on at offset '",
                     excerpt(source_offset), "': it has no restore"));
}

}  // namespace velaria
