#include "stream/workers/shared_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria {

namespace {

constexpr size_t kSegmentBytes = size_t{8} << 20;
constexpr size_t kAlignment = 64;

[[noreturn]] void refuse(const char* what, size_t size_bytes, int reason) {
  throw Error(ErrorKind::kResource,
              concat("cannot ", what, " ", size_bytes,
                     " bytes of shared memory for local workers: ", std::strerror(reason),
                     "; use shared_memory_transport=false to send batches over sockets"));
}

}  // namespace

std::shared_ptr<SharedSegment> SharedSegment::make(size_t size_bytes) {
  const int descriptor = memfd_create("velaria-worker-frames", MFD_CLOEXEC);
  if (descriptor < 0) refuse("make", size_bytes, errno);
  // Reserved at once: to learn of full memory by a signal later would end the process.
  const int failed = posix_fallocate(descriptor, 0, static_cast<off_t>(size_bytes));
  void* data = failed != 0
                   ? MAP_FAILED
                   : mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (data == MAP_FAILED) {
    const int reason = failed != 0 ? failed : errno;
    close(descriptor);
    refuse("reserve", size_bytes, reason);
  }
  return std::shared_ptr<SharedSegment>(
      new SharedSegment(descriptor, static_cast<uint8_t*>(data), size_bytes));
}

std::shared_ptr<SharedSegment> SharedSegment::map(int descriptor, size_t size_bytes) {
  void* data = mmap(nullptr, size_bytes, PROT_READ, MAP_SHARED, descriptor, 0);
  if (data == MAP_FAILED) {
    const int reason = errno;
    close(descriptor);
    refuse("map", size_bytes, reason);
  }
  return std::shared_ptr<SharedSegment>(
      new SharedSegment(descriptor, static_cast<uint8_t*>(data), size_bytes));
}

SharedSegment::~SharedSegment() {
  munmap(data_, size_bytes_);
  close(descriptor_);
}

std::optional<SharedPlace> SharedArena::allocate(size_t size_bytes, uint64_t readers) {
  const size_t size = (size_bytes + kAlignment - 1) / kAlignment * kAlignment;
  const auto place_in = [&](size_t i) -> std::optional<SharedPlace> {
    Segment& segment = segments_[i];
    if (segment.memory->size_bytes() - segment.used_bytes < size) return std::nullopt;
    const SharedPlace place{static_cast<uint32_t>(i), segment.used_bytes};
    segment.used_bytes += size;
    segment.readers += readers;
    newest_ = i;
    return place;
  };
  for (size_t i = 0; i < segments_.size(); ++i) {
    if (auto place = place_in((newest_ + i) % segments_.size())) return place;
  }
  const size_t wanted = std::max(kSegmentBytes, size);
  if (bytes_ + wanted > most_bytes_) return std::nullopt;
  segments_.push_back({SharedSegment::make(wanted), 0, 0});
  bytes_ += wanted;
  return place_in(segments_.size() - 1);
}

void SharedArena::release(uint32_t segment, uint64_t readers) {
  VELARIA_CHECK(segment < segments_.size() && segments_[segment].readers >= readers);
  segments_[segment].readers -= readers;
  if (segments_[segment].readers == 0) segments_[segment].used_bytes = 0;
}

}  // namespace velaria
