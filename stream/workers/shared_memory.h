// Memory that two processes of one machine see. It has no name: it is handed over as a descriptor,
// and the system takes it back when the last process that has it ends, however that comes. So there
// is nothing in /dev/shm, and nothing to clean up after a crash.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace velaria {

// One mapping. Unmapped and closed with its last owner.
class SharedSegment {
 public:
  // ResourceError when the system has none left.
  static std::shared_ptr<SharedSegment> make(size_t size_bytes);
  // Takes the descriptor, for reading.
  static std::shared_ptr<SharedSegment> map(int descriptor, size_t size_bytes);
  ~SharedSegment();
  SharedSegment(const SharedSegment&) = delete;
  SharedSegment& operator=(const SharedSegment&) = delete;

  uint8_t* data() const { return data_; }
  size_t size_bytes() const { return size_bytes_; }
  int descriptor() const { return descriptor_; }

 private:
  SharedSegment(int descriptor, uint8_t* data, size_t size_bytes)
      : descriptor_(descriptor), data_(data), size_bytes_(size_bytes) {}

  const int descriptor_;
  uint8_t* const data_;
  const size_t size_bytes_;
};

// A place in one of an arena's segments.
struct SharedPlace {
  uint32_t segment = 0;
  uint64_t offset = 0;
};

// What one process writes for others: blocks one behind the other in segments, each of which is
// used anew once nobody reads anything in it. One thread at a time.
class SharedArena {
 public:
  // `most_bytes`: of all segments.
  explicit SharedArena(uint64_t most_bytes) : most_bytes_(most_bytes) {}

  // Room of `size_bytes`, at a multiple of 64, with so many readers. Nothing: all of it is in use.
  std::optional<SharedPlace> allocate(size_t size_bytes, uint64_t readers);
  uint8_t* at(const SharedPlace& place) const {
    return segments_[place.segment].memory->data() + place.offset;
  }
  // So many readers of blocks in this segment are done.
  void release(uint32_t segment, uint64_t readers);

  size_t segments() const { return segments_.size(); }
  const SharedSegment& segment(size_t i) const { return *segments_[i].memory; }

 private:
  struct Segment {
    std::shared_ptr<SharedSegment> memory;
    size_t used_bytes = 0;
    uint64_t readers = 0;
  };

  const uint64_t most_bytes_;
  std::vector<Segment> segments_;
  uint64_t bytes_ = 0;
  size_t newest_ = 0;  // where the last block went
};

}  // namespace velaria
