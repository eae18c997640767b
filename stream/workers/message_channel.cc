#include "stream/workers/message_channel.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria {

namespace {

constexpr int kWaitMs = 10;
constexpr size_t kMostDescriptors = 250;  // the system takes 253 at a time

struct Header {
  uint32_t type;
  uint32_t descriptors;
  uint64_t bytes;
};

[[noreturn]] void refuse(const char* what) {
  throw Error(ErrorKind::kResource,
              concat("cannot ", what, " a worker process: ", std::strerror(errno)));
}

bool is_gone(int reason) { return reason == EPIPE || reason == ECONNRESET; }
bool is_not_ready(int reason) {
  return reason == EAGAIN || reason == EWOULDBLOCK || reason == EINTR;
}

}  // namespace

ReceivedDescriptors::~ReceivedDescriptors() {
  for (const int descriptor : all_) {
    if (descriptor >= 0) close(descriptor);
  }
}

void ReceivedDescriptors::add(const int* descriptors, size_t count) {
  try {
    all_.insert(all_.end(), descriptors, descriptors + count);
  } catch (...) {
    for (size_t i = 0; i < count; ++i) close(descriptors[i]);
    throw;
  }
}

int ReceivedDescriptors::take(size_t i) {
  VELARIA_CHECK(i < all_.size() && all_[i] >= 0);
  return std::exchange(all_[i], -1);
}

MessageChannel::MessageChannel(int descriptor) : descriptor_(descriptor) {
  fcntl(descriptor_, F_SETFL, fcntl(descriptor_, F_GETFL) | O_NONBLOCK);
}

MessageChannel::~MessageChannel() { close(descriptor_); }

std::pair<int, int> MessageChannel::make_pair() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) refuse("make a socket for");
  return {ends[0], ends[1]};
}

bool MessageChannel::wait_for(short events, const Waiting& waiting) {
  for (;;) {
    pollfd polled{descriptor_, events, 0};
    const int ready = poll(&polled, 1, waiting ? kWaitMs : -1);
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) refuse("wait for");
    if (waiting) waiting();
  }
}

bool MessageChannel::send(MessageType type, std::string_view bytes,
                          const std::vector<int>& descriptors, const Waiting& waiting) {
  VELARIA_CHECK(descriptors.size() <= kMostDescriptors);
  Header header{static_cast<uint32_t>(type), static_cast<uint32_t>(descriptors.size()),
                bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMostDescriptors)] = {};
  size_t sent = 0;
  const size_t all = sizeof(header) + bytes.size();
  while (sent < all) {
    iovec parts[2];
    int count = 0;
    if (sent < sizeof(header)) {
      parts[count++] = {reinterpret_cast<char*>(&header) + sent, sizeof(header) - sent};
    }
    const size_t done = sent > sizeof(header) ? sent - sizeof(header) : 0;
    if (done < bytes.size()) {
      parts[count++] = {const_cast<char*>(bytes.data()) + done, bytes.size() - done};
    }
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = static_cast<size_t>(count);
    if (sent == 0 && !descriptors.empty()) {
      message.msg_control = control;
      message.msg_controllen = CMSG_SPACE(sizeof(int) * descriptors.size());
      cmsghdr* rights = CMSG_FIRSTHDR(&message);
      rights->cmsg_level = SOL_SOCKET;
      rights->cmsg_type = SCM_RIGHTS;
      rights->cmsg_len = CMSG_LEN(sizeof(int) * descriptors.size());
      std::memcpy(CMSG_DATA(rights), descriptors.data(), sizeof(int) * descriptors.size());
    }
    const ssize_t written = sendmsg(descriptor_, &message, MSG_NOSIGNAL);
    if (written >= 0) {
      sent += static_cast<size_t>(written);
    } else if (is_gone(errno)) {
      return false;
    } else if (!is_not_ready(errno)) {
      refuse("send to");
    } else {
      wait_for(POLLOUT, waiting);
    }
  }
  return true;
}

bool MessageChannel::other_side_has_ended() const {
  pollfd polled{descriptor_, POLLRDHUP, 0};
  return poll(&polled, 1, 0) > 0 && (polled.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

bool MessageChannel::read_exactly(void* out, size_t size_bytes, ReceivedDescriptors* descriptors,
                                  const Waiting& waiting) {
  size_t read = 0;
  while (read < size_bytes) {
    iovec part{static_cast<char*>(out) + read, size_bytes - read};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMostDescriptors)];
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    const ssize_t got = recvmsg(descriptor_, &message, MSG_CMSG_CLOEXEC);
    if (got == 0) return false;
    if (got < 0) {
      if (is_gone(errno)) return false;
      if (!is_not_ready(errno)) refuse("receive from");
      wait_for(POLLIN, waiting);
      continue;
    }
    read += static_cast<size_t>(got);
    for (cmsghdr* part_of = CMSG_FIRSTHDR(&message); part_of != nullptr;
         part_of = CMSG_NXTHDR(&message, part_of)) {
      if (part_of->cmsg_level != SOL_SOCKET || part_of->cmsg_type != SCM_RIGHTS) continue;
      int came[kMostDescriptors];
      const size_t count = (part_of->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      VELARIA_CHECK(count <= kMostDescriptors);  // there is no room for more
      std::memcpy(came, CMSG_DATA(part_of), count * sizeof(int));
      descriptors->add(came, count);
    }
  }
  return true;
}

std::optional<Message> MessageChannel::receive(const Waiting& waiting) {
  Message out;
  Header header{};
  if (!read_exactly(&header, sizeof(header), &out.descriptors, waiting)) return std::nullopt;
  out.type = static_cast<MessageType>(header.type);
  out.bytes.resize(header.bytes);
  if (!read_exactly(out.bytes.data(), out.bytes.size(), &out.descriptors, waiting)) {
    return std::nullopt;
  }
  if (out.descriptors.size() != header.descriptors) {
    throw Error(
        ErrorKind::kResource,
        concat("a worker process was sent ", header.descriptors, " descriptors and got ",
               out.descriptors.size(), "; the limit on open files (ulimit -n) may be too low"));
  }
  return out;
}

}  // namespace velaria
