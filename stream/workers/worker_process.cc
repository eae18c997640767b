#include "stream/workers/worker_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"
#include "stream/workers/worker_server.h"

extern char** environ;

namespace velaria {

namespace {

constexpr const char* kWorkerArgument = "--velaria-worker";

struct KnownCommand {
  std::mutex mutex;
  std::vector<std::string> command;
};

KnownCommand& known_command() {
  static auto* known = new KnownCommand;
  return *known;
}

// The actions and attributes of one posix_spawn(), freed at the end.
class Spawn {
 public:
  Spawn() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
  }
  ~Spawn() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  Spawn(const Spawn&) = delete;
  Spawn& operator=(const Spawn&) = delete;

  // 0 or an errno. A group of its own keeps the terminal's Ctrl-C from it.
  int run(const std::vector<std::string>& command, int socket, pid_t* process_id) {
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, socket, kWorkerDescriptor);
    posix_spawn_file_actions_addclosefrom_np(&actions_, kWorkerDescriptor + 1);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    std::vector<char*> arguments;
    for (const std::string& argument : command) {
      arguments.push_back(const_cast<char*>(argument.c_str()));
    }
    arguments.push_back(nullptr);
    return posix_spawn(process_id, command[0].c_str(), &actions_, &attributes_, arguments.data(),
                       environ);
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

}  // namespace

void set_worker_command(std::vector<std::string> command) {
  const std::lock_guard<std::mutex> lock(known_command().mutex);
  known_command().command = std::move(command);
}

std::vector<std::string> worker_command() {
  const std::lock_guard<std::mutex> lock(known_command().mutex);
  return known_command().command;
}

std::optional<int> run_worker_if_asked(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], kWorkerArgument) == 0) {
    return serve_as_worker(kWorkerDescriptor);
  }
  set_worker_command({"/proc/self/exe", kWorkerArgument});
  return std::nullopt;
}

WorkerProcess::WorkerProcess(const std::vector<std::string>& command, size_t number, size_t count)
    : number_(number), count_(count) {
  VELARIA_CHECK(!command.empty());
  const auto [own, other] = MessageChannel::make_pair();
  channel_ = std::make_unique<MessageChannel>(own);
  const int failed = Spawn().run(command, other, &process_id_);
  close(other);
  if (failed != 0) {
    process_id_ = -1;
    throw Error(ErrorKind::kResource, concat("cannot start ", name(), " with '", command[0],
                                             "': ", std::strerror(failed)));
  }
  process_descriptor_ = static_cast<int>(syscall(SYS_pidfd_open, process_id_, 0));
}

WorkerProcess::~WorkerProcess() {
  if (process_id_ > 0 && !ended_) {
    if (process_descriptor_ >= 0) {
      syscall(SYS_pidfd_send_signal, process_descriptor_, SIGKILL, nullptr, 0);
    } else {
      kill(process_id_, SIGKILL);
    }
    end();
  }
  if (process_descriptor_ >= 0) close(process_descriptor_);
}

void WorkerProcess::end() {
  int status = 0;
  pid_t got = -1;
  do {
    got = waitpid(process_id_, &status, 0);
  } while (got < 0 && errno == EINTR);
  // The embedding program may have waited for all of its children.
  if (got == process_id_) status_ = status;
  ended_ = true;
}

std::string WorkerProcess::name() const {
  std::string out = concat("worker ", number_ + 1, " of ", count_);
  if (process_id_ > 0) out += concat(" (process ", process_id_, ")");
  return out;
}

std::string WorkerProcess::describe_end() {
  if (!ended_) {
    // Its end closes the socket before the system lists it as ended.
    constexpr int kMostLooks = 200;
    siginfo_t info{};
    for (int look = 0; look < kMostLooks && info.si_pid == 0; ++look) {
      if (look > 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
      if (waitid(P_PID, static_cast<id_t>(process_id_), &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
        break;
      }
    }
    if (info.si_pid == 0) return name() + " does not answer";
    end();
  }
  if (!status_) return name() + " has ended";
  if (WIFSIGNALED(*status_)) {
    return concat(name(), " was killed by signal ", WTERMSIG(*status_), " (",
                  strsignal(WTERMSIG(*status_)), ")");
  }
  return concat(name(), " ended by itself with exit code ", WEXITSTATUS(*status_));
}

}  // namespace velaria
