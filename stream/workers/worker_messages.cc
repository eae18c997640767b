#include "stream/workers/worker_messages.h"

#include <cstring>
#include <utility>

#include "src/base/error.h"
#include "stream/workers/plan_codec.h"

namespace velaria {

namespace {

constexpr const char* kWhat = "a message between processes";

void write_optional(const std::optional<uint64_t>& value, ByteWriter* out) {
  out->u8(value ? 1 : 0);
  out->u64(value.value_or(0));
}

std::optional<uint64_t> read_optional(ByteReader* in) {
  const bool given = in->u8() != 0;
  const uint64_t value = in->u64();
  return given ? std::optional<uint64_t>(value) : std::nullopt;
}

// Plain words, as they lie in memory: both sides are one program.
template <typename T>
void write_array(const std::vector<T>& values, ByteWriter* out) {
  out->u64(values.size());
  out->fixed(values.data(), values.size() * sizeof(T));
}

template <typename T>
std::vector<T> read_array(ByteReader* in) {
  const uint64_t count = in->u64();
  if (count > in->left() / sizeof(T)) in->refuse("ends too early");
  std::vector<T> out(count);
  const std::string_view bytes = in->fixed(count * sizeof(T));
  if (count != 0) std::memcpy(out.data(), bytes.data(), bytes.size());
  return out;
}

}  // namespace

std::string encode_task(const WorkerTask& task) {
  ByteWriter out;
  out.u32(task.number);
  out.text(task.plan);
  write_fields(task.leaf_schema, &out);
  write_optional(task.position_column, &out);
  out.u8(static_cast<uint8_t>(task.aggregate_output));
  out.u64(static_cast<uint64_t>(task.chunk_rows));
  out.u64(task.memory_limit_bytes);
  write_optional(task.shared_memory_min_bytes, &out);
  return out.take();
}

WorkerTask decode_task(const std::string& bytes) {
  ByteReader in(bytes, kWhat);
  WorkerTask out;
  out.number = in.u32();
  out.plan = in.text();
  out.leaf_schema = read_fields(&in);
  out.position_column = read_optional(&in);
  out.aggregate_output = static_cast<AggregateOutput>(in.u8());
  out.chunk_rows = static_cast<int64_t>(in.u64());
  out.memory_limit_bytes = in.u64();
  out.shared_memory_min_bytes = read_optional(&in);
  return out;
}

void write_reference(const FrameReference& reference, ByteWriter* out) {
  out->u8(reference.is_shared ? 1 : 0);
  if (reference.is_shared) {
    out->u32(reference.place.segment);
    out->u64(reference.place.offset);
    out->u64(reference.size_bytes);
  } else {
    out->text(reference.bytes);
  }
}

FrameReference read_reference(ByteReader* in) {
  FrameReference out;
  out.is_shared = in->u8() != 0;
  if (out.is_shared) {
    out.place.segment = in->u32();
    out.place.offset = in->u64();
    out.size_bytes = in->u64();
  } else {
    out.bytes = in->text();
    out.size_bytes = out.bytes.size();
  }
  return out;
}

OwnFrame copy_frame(const uint8_t* data, size_t size_bytes) {
  std::shared_ptr<Buffer> buffer = Buffer::allocate(size_bytes);
  std::memcpy(buffer->mutable_data(), data, size_bytes);
  const uint8_t* copy = buffer->data();
  return {copy, size_bytes, std::move(buffer)};
}

void ForeignSegments::add(Message* message, const std::vector<uint64_t>& sizes) {
  VELARIA_CHECK(message->descriptors.size() == sizes.size());
  for (size_t i = 0; i < sizes.size(); ++i) {
    segments_.push_back(SharedSegment::map(message->descriptors.take(i), sizes[i]));
  }
}

const std::shared_ptr<SharedSegment>& ForeignSegments::at(const FrameReference& reference) const {
  VELARIA_CHECK(reference.place.segment < segments_.size());
  const std::shared_ptr<SharedSegment>& segment = segments_[reference.place.segment];
  VELARIA_CHECK(reference.place.offset <= segment->size_bytes() &&
                reference.size_bytes <= segment->size_bytes() - reference.place.offset);
  return segment;
}

void write_new_segments(const SharedArena& arena, size_t known, ByteWriter* out,
                        std::vector<int>* descriptors) {
  out->u32(static_cast<uint32_t>(arena.segments() - known));
  for (size_t i = known; i < arena.segments(); ++i) {
    out->u64(arena.segment(i).size_bytes());
    descriptors->push_back(arena.segment(i).descriptor());
  }
}

std::vector<uint64_t> read_new_segments(ByteReader* in) {
  std::vector<uint64_t> sizes(in->u32());
  for (uint64_t& size : sizes) size = in->u64();
  return sizes;
}

void write_places(const std::vector<OutputPlace>& places, ByteWriter* out) {
  write_array(places, out);
}
std::vector<OutputPlace> read_places(ByteReader* in) { return read_array<OutputPlace>(in); }

std::string encode_groups(const WorkerGroups& groups) {
  ByteWriter out;
  write_chunk(groups.snapshot, &out);
  write_array(groups.positions, &out);
  return out.take();
}

WorkerGroups decode_groups(const std::string& bytes) {
  ByteReader in(bytes, kWhat);
  WorkerGroups out;
  out.snapshot = read_chunk(&in);
  out.positions = read_array<uint64_t>(&in);
  return out;
}

}  // namespace velaria
