// Messages between a program and one worker process, over a socket that both hold an end of.
//
//   u32 type, u32 descriptors that come along, u64 bytes, then the bytes
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace velaria {

enum class MessageType : uint32_t {
  // To a worker.
  kStart,     // what it is to do, once
  kRestore,   // groups that it holds from now on
  kBatch,     // rows
  kAll,       // give out all groups
  kSnapshot,  // write down all groups
  // From a worker, one for each of the above.
  kDone,
  kRows,
  kGroups,
  kFailed,  // instead of any of them: kind and text of the error
};

// What came along with a message. Closes those that nobody took.
class ReceivedDescriptors {
 public:
  ReceivedDescriptors() = default;
  ~ReceivedDescriptors();
  ReceivedDescriptors(ReceivedDescriptors&& other) noexcept { all_.swap(other.all_); }
  ReceivedDescriptors& operator=(ReceivedDescriptors&& other) noexcept {
    all_.swap(other.all_);
    return *this;
  }

  size_t size() const { return all_.size(); }
  // Takes so many of them over, also when this throws.
  void add(const int* descriptors, size_t count);
  // The caller closes it. Each once.
  int take(size_t i);

 private:
  std::vector<int> all_;  // -1: taken
};

struct Message {
  MessageType type = MessageType::kDone;
  std::string bytes;
  ReceivedDescriptors descriptors;
};

// One thread at a time.
class MessageChannel {
 public:
  // Called again and again while a call waits; what it throws ends the call. May be null.
  using Waiting = std::function<void()>;

  explicit MessageChannel(int descriptor);  // takes it
  ~MessageChannel();
  MessageChannel(const MessageChannel&) = delete;
  MessageChannel& operator=(const MessageChannel&) = delete;

  // Both ends of a new socket; the second one is what the other process gets. ResourceError.
  static std::pair<int, int> make_pair();

  // False: the other side has ended.
  bool send(MessageType type, std::string_view bytes, const std::vector<int>& descriptors,
            const Waiting& waiting);
  // Nothing: the other side has ended.
  std::optional<Message> receive(const Waiting& waiting);
  // Whether the other side has ended, though something that it sent may still be here.
  bool other_side_has_ended() const;

 private:
  bool wait_for(short events, const Waiting& waiting);
  bool read_exactly(void* out, size_t size_bytes, ReceivedDescriptors* descriptors,
                    const Waiting& waiting);

  const int descriptor_;
};

}  // namespace velaria
