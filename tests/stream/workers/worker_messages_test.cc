#include "stream/workers/worker_messages.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <thread>
#include <utility>

#include "tests/stream/stream_testing.h"

namespace velaria {
namespace {

TEST(SharedArena, SegmentsAreUsedAnewWhenNobodyReadsThem) {
  SharedArena arena(uint64_t{64} << 20);
  const auto first = arena.allocate(3 << 20, 2);
  const auto second = arena.allocate(3 << 20, 2);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->segment, second->segment);
  EXPECT_EQ(second->offset % 64, 0u);
  std::memset(arena.at(*first), 1, 3 << 20);
  std::memset(arena.at(*second), 2, 3 << 20);
  EXPECT_EQ(arena.at(*first)[(3 << 20) - 1], 1);
  const auto third = arena.allocate(3 << 20, 1);  // no room beside them
  ASSERT_TRUE(third);
  EXPECT_NE(third->segment, first->segment);
  EXPECT_EQ(arena.segments(), 2u);
  arena.release(first->segment, 3);
  EXPECT_NE(arena.allocate(6 << 20, 1)->segment, first->segment);  // one still reads
  arena.release(first->segment, 1);
  for (int i = 0; i < 1000; ++i) {
    const auto place = arena.allocate(3 << 20, 1);
    ASSERT_TRUE(place);
    arena.release(place->segment, 1);
  }
  EXPECT_LE(arena.segments(), 4u);
}

TEST(SharedArena, SaysWhenAllIsInUse) {
  SharedArena arena(uint64_t{20} << 20);
  EXPECT_TRUE(arena.allocate(8 << 20, 1));
  EXPECT_TRUE(arena.allocate(8 << 20, 1));
  EXPECT_FALSE(arena.allocate(8 << 20, 1));
  EXPECT_FALSE(arena.allocate(size_t{1} << 40, 1));
  arena.release(0, 1);
  EXPECT_TRUE(arena.allocate(8 << 20, 1));
}

TEST(SharedSegment, AnotherMappingSeesTheSameBytes) {
  const auto segment = SharedSegment::make(8192);
  std::memcpy(segment->data() + 4000, "hello", 5);
  const auto other = SharedSegment::map(dup(segment->descriptor()), 8192);
  EXPECT_EQ(std::memcmp(other->data() + 4000, "hello", 5), 0);
}

TEST(MessageChannel, LargeMessagesAndDescriptors) {
  const auto [one, two] = MessageChannel::make_pair();
  MessageChannel here(one);
  MessageChannel there(two);
  const std::string large(20'000'000, 'x');
  const auto segment = SharedSegment::make(4096);
  std::thread sender([&] {
    EXPECT_TRUE(here.send(MessageType::kBatch, large,
                          {segment->descriptor(), segment->descriptor()}, nullptr));
    EXPECT_TRUE(here.send(MessageType::kAll, "", {}, nullptr));
  });
  std::optional<Message> message = there.receive(nullptr);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->type, MessageType::kBatch);
  EXPECT_EQ(message->bytes, large);
  EXPECT_EQ(message->descriptors.size(), 2u);
  message = there.receive(nullptr);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->type, MessageType::kAll);
  EXPECT_TRUE(message->bytes.empty());
  sender.join();
}

// A pipe, to see when the last descriptor of its writing end is closed.
class WatchedDescriptor {
 public:
  WatchedDescriptor() { VELARIA_CHECK(pipe2(ends_, O_NONBLOCK | O_CLOEXEC) == 0); }
  ~WatchedDescriptor() {
    close_own();
    close(ends_[0]);
  }
  WatchedDescriptor(const WatchedDescriptor&) = delete;
  WatchedDescriptor& operator=(const WatchedDescriptor&) = delete;

  int get() const { return ends_[1]; }
  void close_own() {
    if (ends_[1] >= 0) close(std::exchange(ends_[1], -1));
  }
  bool all_are_closed() const {
    char byte = 0;
    return read(ends_[0], &byte, 1) == 0;
  }

 private:
  int ends_[2];
};

TEST(MessageChannel, DescriptorsOfATornMessageAreClosed) {
  // So many bytes of a header and of what comes behind it, and one descriptor.
  for (const size_t size_bytes : {size_t{5}, size_t{20}}) {
    SCOPED_TRACE(size_bytes);
    WatchedDescriptor watched;
    const auto [one, two] = MessageChannel::make_pair();
    MessageChannel here(two);
    char bytes[20] = {};
    bytes[4] = 1;   // descriptors
    bytes[8] = 50;  // bytes
    iovec part{bytes, size_bytes};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    const int sent = watched.get();
    std::memcpy(CMSG_DATA(rights), &sent, sizeof(int));
    EXPECT_EQ(sendmsg(one, &message, 0), static_cast<ssize_t>(size_bytes));
    close(one);
    watched.close_own();
    EXPECT_FALSE(watched.all_are_closed());  // it is on its way
    EXPECT_FALSE(here.receive(nullptr));
    EXPECT_TRUE(watched.all_are_closed());
  }
}

TEST(MessageChannel, DescriptorsThatNobodyTakesAreClosed) {
  WatchedDescriptor watched;
  const auto [one, two] = MessageChannel::make_pair();
  MessageChannel here(one);
  MessageChannel there(two);
  const auto receive_two = [&] {
    EXPECT_TRUE(here.send(MessageType::kRows, "", {watched.get(), watched.get()}, nullptr));
    std::optional<Message> message = there.receive(nullptr);
    EXPECT_TRUE(message && message->descriptors.size() == 2);
    return std::move(*message);
  };
  {
    // A pipe cannot be mapped: the first one fails, and the second one is left.
    Message message = receive_two();
    ForeignSegments segments;
    EXPECT_THROW(segments.add(&message, {4096, 4096}), Error);
    receive_two();
    Message other = receive_two();
    other = receive_two();
    const int taken = other.descriptors.take(1);
    watched.close_own();
    EXPECT_FALSE(watched.all_are_closed());
    close(taken);
  }
  EXPECT_TRUE(watched.all_are_closed());
}

TEST(MessageChannel, TheEndOfTheOtherSideIsSeen) {
  const auto [one, two] = MessageChannel::make_pair();
  auto here = std::make_unique<MessageChannel>(one);
  MessageChannel there(two);
  EXPECT_FALSE(there.other_side_has_ended());
  EXPECT_TRUE(here->send(MessageType::kAll, "abc", {}, nullptr));
  here.reset();
  EXPECT_TRUE(there.other_side_has_ended());
  EXPECT_EQ(there.receive(nullptr)->bytes, "abc");
  EXPECT_FALSE(there.receive(nullptr));
  EXPECT_FALSE(there.send(MessageType::kAll, "abc", {}, nullptr));
}

TEST(MessageChannel, WhatWaitingThrowsEndsTheCall) {
  const auto [one, two] = MessageChannel::make_pair();
  MessageChannel here(one);
  MessageChannel there(two);
  int asked = 0;
  const auto third_time = [&asked] {
    if (++asked == 3) throw Error(ErrorKind::kCancelled, "enough");
  };
  EXPECT_THROW(here.receive(third_time), Error);
  asked = 0;
  // Nobody reads: the socket is full some time.
  EXPECT_THROW(here.send(MessageType::kBatch, std::string(50'000'000, 'x'), {}, third_time), Error);
}

TEST(WorkerMessages, TasksAndGroupsComeBack) {
  WorkerTask task;
  task.number = 3;
  task.plan = std::string("a\0b", 3);
  task.leaf_schema = event_schema();
  task.position_column = 2;
  task.aggregate_output = AggregateOutput::kWhenAsked;
  task.chunk_rows = 17;
  task.memory_limit_bytes = uint64_t{1} << 40;
  task.shared_memory_min_bytes = 0;
  const WorkerTask got = decode_task(encode_task(task));
  EXPECT_EQ(got.number, 3u);
  EXPECT_EQ(got.plan, task.plan);
  EXPECT_EQ(got.leaf_schema, task.leaf_schema);
  EXPECT_EQ(got.position_column, task.position_column);
  EXPECT_EQ(got.aggregate_output, task.aggregate_output);
  EXPECT_EQ(got.chunk_rows, 17);
  EXPECT_EQ(got.memory_limit_bytes, task.memory_limit_bytes);
  EXPECT_EQ(got.shared_memory_min_bytes, task.shared_memory_min_bytes);
  task.shared_memory_min_bytes = std::nullopt;
  task.position_column = std::nullopt;
  EXPECT_FALSE(decode_task(encode_task(task)).shared_memory_min_bytes);
  EXPECT_FALSE(decode_task(encode_task(task)).position_column);

  WorkerGroups groups;
  groups.snapshot = event_chunk({{1, "a", 2}, {std::nullopt, std::nullopt, 3}});
  groups.positions = {5, uint64_t{1} << 60};
  const WorkerGroups back = decode_groups(encode_groups(groups));
  EXPECT_EQ(back.positions, groups.positions);
  EXPECT_EQ(back.snapshot.rows, 2);
  EXPECT_EQ(back.snapshot.columns[1]->value(0).as_text(), "a");
  const std::string torn = encode_groups(groups).substr(0, 40);
  EXPECT_THROW(decode_groups(torn), Error);
}

}  // namespace
}  // namespace velaria
