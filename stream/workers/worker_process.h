// Worker processes: how they are started, and how they end.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "stream/workers/message_channel.h"

namespace velaria {

// How this program starts a copy of itself that calls serve_as_worker(kWorkerDescriptor): path and
// arguments. Empty: nobody has said so. Of the whole process; thread-safe.
void set_worker_command(std::vector<std::string> command);
std::vector<std::string> worker_command();

// The descriptor under which a worker process finds its socket.
inline constexpr int kWorkerDescriptor = 3;

// For main() of a C++ program, before anything else: in a worker process, serves and gives the code
// to exit with; in the program itself, notes how workers are started and gives nothing.
//
//   int main(int argc, char** argv) {
//     if (const auto code = velaria::run_worker_if_asked(argc, argv)) return *code;
std::optional<int> run_worker_if_asked(int argc, char** argv);

// One thread at a time, which lives as long as the process does: the system ends the one with the
// other.
class WorkerProcess {
 public:
  // Number `number` (from 0 on) of `count`. ResourceError when it cannot be started.
  WorkerProcess(const std::vector<std::string>& command, size_t number, size_t count);
  // Kills it, when it still runs, and waits for its end.
  ~WorkerProcess();
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  MessageChannel& channel() { return *channel_; }
  pid_t process_id() const { return process_id_; }
  // "worker 2 of 4 (process 1234)"
  std::string name() const;
  // After its socket has ended: waits for its end. "worker 2 of 4 (process 1234) was killed by
  // signal 9 (Killed)"
  std::string describe_end();

 private:
  void end();

  const size_t number_;
  const size_t count_;
  std::unique_ptr<MessageChannel> channel_;
  pid_t process_id_ = -1;
  int process_descriptor_ = -1;  // which no other process can come to stand for
  bool ended_ = false;
  std::optional<int> status_;
};

}  // namespace velaria
