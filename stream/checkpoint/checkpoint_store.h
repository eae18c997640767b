// The checkpoint of one streaming query: one local file, replaced atomically.
//
// File (little-endian; a text is u64 length + bytes):
//   8 bytes  "VELACKPT"
//   u32      format version, 1
//   u32      0
//   u64      bytes of the body
//   body     u64 plan fingerprint
//            text delivery mode, text query id, text source offset
//            u64 batches processed, u64 next chunk order
//            u32 state parts, each a chunk (column_codec.h): one per stateful operator, in the
//            order of the pipelines
//   u64      XXH3-64 of everything before it
//
// Source offset and state are of the same moment: after the batch with that offset.
//
// Beside it lies PATH.velaria-lock while a query uses it. The system takes the lock away from a
// process that ends, however that comes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "src/base/file_system.h"
#include "src/column/chunk.h"

namespace velaria {

struct CheckpointData {
  uint64_t plan_fingerprint = 0;
  std::string delivery_mode;
  std::string query_id;
  std::string source_offset;
  uint64_t batches_processed = 0;
  uint64_t next_chunk_order = 0;
  std::vector<Chunk> state_parts;
};

// The file's bytes and back. decode throws CheckpointError naming `path` and what is wrong: not a
// checkpoint, another version, torn, damaged.
std::string encode_checkpoint(const CheckpointData& data);
CheckpointData decode_checkpoint(const std::string& bytes, const std::string& path);

// One thread at a time.
class CheckpointStore {
 public:
  CheckpointStore(std::shared_ptr<FileSystem> files, std::string path);

  // Makes the directory of the file if it is missing, takes the file for this query until the store
  // is destroyed, and removes what a killed process had not finished writing. CheckpointError when
  // the path is a directory, and when another running query, here or in another process, has it.
  void prepare(const std::string& query_id);
  // Nothing when there is no file. CheckpointError as decode, and when the file is of another plan.
  std::optional<CheckpointData> read(uint64_t plan_fingerprint) const;
  // CheckpointError when it cannot be written; the old checkpoint is intact then.
  void write(const CheckpointData& data);

  const std::string& path() const { return path_; }

 private:
  void take_lock(const std::string& query_id);

  std::shared_ptr<FileSystem> files_;
  std::string path_;
  std::unique_ptr<FileLock> lock_;
};

}  // namespace velaria
