// What the messages between a program and its workers hold (see MessageType).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "src/base/buffer.h"
#include "src/column/chunk.h"
#include "src/exec/aggregate/aggregate_sink.h"
#include "src/plan/logical_plan.h"
#include "stream/checkpoint/column_codec.h"
#include "stream/workers/frame_codec.h"
#include "stream/workers/message_channel.h"
#include "stream/workers/shared_memory.h"

namespace velaria {

// kStart.
struct WorkerTask {
  uint32_t number = 0;  // of this worker, from 0 on
  std::string plan;     // write_plan()
  Schema leaf_schema;
  std::optional<size_t> position_column;
  AggregateOutput aggregate_output = AggregateOutput::kTouchedGroups;
  int64_t chunk_rows = kDefaultChunkRows;
  uint64_t memory_limit_bytes = 0;
  // From so many bytes on, results come in shared memory; nothing: never.
  std::optional<uint64_t> shared_memory_min_bytes;
};
std::string encode_task(const WorkerTask& task);
WorkerTask decode_task(const std::string& bytes);

// Where a frame lies: in shared memory of its writer, or in the message.
struct FrameReference {
  bool is_shared = false;
  SharedPlace place;
  uint64_t size_bytes = 0;
  std::string_view bytes;  // when not shared
};
void write_reference(const FrameReference& reference, ByteWriter* out);
FrameReference read_reference(ByteReader* in);

// A frame of a message, in memory of the reader's own.
struct OwnFrame {
  const uint8_t* data;
  size_t size_bytes;
  std::shared_ptr<const void> owner;
};
OwnFrame copy_frame(const uint8_t* data, size_t size_bytes);

// The segments of another process, in the order of its arena, as they become known.
class ForeignSegments {
 public:
  // Those that came with a message; `sizes` are written in it. Takes the descriptors.
  void add(Message* message, const std::vector<uint64_t>& sizes);
  const std::shared_ptr<SharedSegment>& at(const FrameReference& reference) const;

 private:
  std::vector<std::shared_ptr<SharedSegment>> segments_;
};
// The segments of an arena that a reader does not know yet, in front of a message.
void write_new_segments(const SharedArena& arena, size_t known, ByteWriter* out,
                        std::vector<int>* descriptors);
std::vector<uint64_t> read_new_segments(ByteReader* in);

// kBatch holds new segments, u32 frames; for each the reference, u64 order, then who owns which
// row: the last column of the frame, when it is not left out. kRows:
struct WorkerRows {
  uint64_t state_bytes = 0;
  int64_t cpu_ns = 0;  // processor time that the batch took
  // How many frames of each of the program's segments the worker has left since the last message.
  std::vector<std::pair<uint32_t, uint64_t>> released;
  std::vector<Chunk> chunks;
  std::vector<OutputPlace> places;  // of the chunks' rows, when rows are divided by key
};
void write_places(const std::vector<OutputPlace>& places, ByteWriter* out);
std::vector<OutputPlace> read_places(ByteReader* in);

// kRestore and kGroups.
struct WorkerGroups {
  Chunk snapshot;
  std::vector<uint64_t> positions;
};
std::string encode_groups(const WorkerGroups& groups);
WorkerGroups decode_groups(const std::string& bytes);

}  // namespace velaria
