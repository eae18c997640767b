// A disk that is full: at every step of a query by a file system that says so, and really, by a
// limit of the system and by a small file system of its own. The query fails by name, the
// checkpoint before it is intact, and when there is room again nothing is lost.
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "src/base/file_system.h"
#include "src/io/csv/csv_source.h"
#include "stream/checkpoint/checkpoint_store.h"
#include "stream/connectors/csv_file_sink.h"
#include "tests/stream/stream_testing.h"

namespace velaria {
namespace {

constexpr int kBatches = 6;
constexpr size_t kKeys = 2;

// From the n-th operation on nothing can be written: a write puts half of its bytes, the rest does
// nothing.
class FullDisk : public FileSystem {
 public:
  explicit FullDisk(int64_t operations) : left_(operations) {}
  bool was_full() const { return left_ < 0; }

  std::unique_ptr<ReadableFile> open_read(const std::string& path) override {
    return real_->open_read(path);
  }
  std::unique_ptr<WritableFile> create(const std::string& path, bool append) override {
    need_room("create", path);
    return std::make_unique<File>(this, path, real_->create(path, append));
  }
  bool exists(const std::string& path) override { return real_->exists(path); }
  bool is_directory(const std::string& path) override { return real_->is_directory(path); }
  bool is_link(const std::string& path) override { return real_->is_link(path); }
  std::vector<std::string> list_directory(const std::string& path) override {
    return real_->list_directory(path);
  }
  void make_directories(const std::string& path) override {
    need_room("make the directory", path);
    real_->make_directories(path);
  }
  void rename(const std::string& from, const std::string& to) override {
    need_room("rename to", to);
    real_->rename(from, to);
  }
  void remove(const std::string& path) override { real_->remove(path); }
  void sync_directory(const std::string& path) override { need_room("sync the directory", path); }
  std::unique_ptr<FileLock> try_lock(const std::string& path, std::string_view note) override {
    need_room("lock", path);
    return real_->try_lock(path, note);
  }

 private:
  class File : public WritableFile {
   public:
    File(FullDisk* disk, std::string path, std::unique_ptr<WritableFile> real)
        : disk_(disk), path_(std::move(path)), real_(std::move(real)) {}
    void write(std::string_view bytes) override {
      real_->write(bytes.substr(0, bytes.size() / 2));
      disk_->need_room("write", path_);
      real_->write(bytes.substr(bytes.size() / 2));
    }
    void sync() override { disk_->need_room("sync", path_); }
    void close() override {
      disk_->need_room("close", path_);
      real_->close();
    }

   private:
    FullDisk* const disk_;
    const std::string path_;
    const std::unique_ptr<WritableFile> real_;
  };

  void need_room(const char* action, const std::string& path) {
    if (--left_ >= 0) return;
    throw Error(ErrorKind::kFileAccess,
                concat("cannot ", action, " '", path, "': No space left on device"));
  }

  const std::shared_ptr<FileSystem> real_ = local_file_system();
  std::atomic<int64_t> left_;
};

class FullDiskTest : public testing::Test {
 protected:
  FullDiskTest() {
    std::mt19937_64 random(test_seed());
    std::vector<Event> all;
    for (int i = 0; i < kBatches; ++i) {
      const std::vector<Event> events = random_events(60, random);
      batches_.push_back(event_chunk(events));
      all.insert(all.end(), events.begin(), events.end());
    }
    expected_ = results_of(run_batch(plan(event_scan(event_table(all)))), kKeys);
  }

  static PlanPtr plan(PlanPtr scan) { return windowed_totals(std::move(scan), 4000, 1000); }

  static std::string checkpoint(const std::string& folder) { return folder + "/state/q.ckpt"; }

  // One run in the folder; what it threw, or nothing.
  std::string run(const std::shared_ptr<FileSystem>& files, const std::string& folder,
                  DeliveryMode mode) const {
    StreamOptions options;
    options.checkpoint_path = checkpoint(folder);
    options.checkpoint_delivery_mode = mode;
    StreamEnvironment environment;
    environment.files = files;
    try {
      const auto query = StreamingQuery::make(
          plan(event_scan(make_memory_stream(event_schema(), batches_))),
          make_csv_file_sink(files, folder + "/out.csv"), options, environment);
      query->start();
      query->await_termination();
    } catch (const Error& error) {
      return concat(error_kind_name(error.kind()), ": ", error.message());
    }
    return "";
  }

  // What is there is a whole checkpoint, or none.
  void expect_whole_checkpoint(const std::string& folder) const {
    const std::string path = checkpoint(folder);
    if (!std::filesystem::exists(path)) return;
    EXPECT_NO_THROW(decode_checkpoint(read_file(*local_file_system(), path), path));
  }

  void expect_all_rows(const std::string& folder) const {
    CsvOptions csv;
    csv.columns = plan(event_scan(event_table({})))->schema().fields();
    EXPECT_EQ(
        results_of(run_batch(event_scan(open_csv(local_file_system(), folder + "/out.csv", csv))),
                   kKeys),
        expected_);
  }

  // Runs `body` in a process of its own; its exit code.
  static int in_child(const std::function<int()>& body) {
    std::fflush(stdout);
    const pid_t child = ::fork();
    if (child == 0) {
      int code = 99;
      try {
        code = body();
      } catch (...) {
        // 99 says it.
      }
      ::_exit(code);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  }

  std::vector<Chunk> batches_;
  Results expected_;
};

TEST_F(FullDiskTest, AtEveryStep) {
  for (const DeliveryMode mode : {DeliveryMode::kBestEffort, DeliveryMode::kAtLeastOnce}) {
    int failures = 0;
    for (int64_t operations = 0; operations < 1000; ++operations) {
      SCOPED_TRACE(concat(delivery_mode_name(mode), ", full after ", operations, " operations"));
      const TestDirectory directory;
      const auto disk = std::make_shared<FullDisk>(operations);
      const std::string failure = run(disk, directory.path(), mode);
      if (!disk->was_full()) {
        EXPECT_EQ(failure, "");
        EXPECT_GT(failures, 30);
        expect_all_rows(directory.path());
        std::printf("tried: %d steps at which the disk is full\n", failures);
        break;
      }
      ++failures;
      EXPECT_NE(failure.find("No space left on device"), std::string::npos) << failure;
      expect_whole_checkpoint(directory.path());
      ASSERT_EQ(run(local_file_system(), directory.path(), mode), "");
      expect_all_rows(directory.path());
    }
  }
}

constexpr int kSkipped = 77;

// The query fails in the child, by the system's own text, and the process is not killed for it.
TEST_F(FullDiskTest, ALimitOfTheSystem) {
  for (const rlim_t limit : {rlim_t{0}, rlim_t{100}, rlim_t{2000}, rlim_t{6000}, rlim_t{12000}}) {
    SCOPED_TRACE(concat("files of at most ", limit, " bytes"));
    const TestDirectory directory;
    const int code = in_child([&] {
      const rlimit small{limit, RLIM_INFINITY};
      if (::setrlimit(RLIMIT_FSIZE, &small) != 0) return 1;
      const std::string failure =
          run(local_file_system(), directory.path(), DeliveryMode::kBestEffort);
      return failure.find("File too large") != std::string::npos ? 0 : 2;
    });
    EXPECT_EQ(code, 0);
    expect_whole_checkpoint(directory.path());
    ASSERT_EQ(run(local_file_system(), directory.path(), DeliveryMode::kBestEffort), "");
    expect_all_rows(directory.path());
    std::printf("tried: 1 limits of the system on a file's size\n");
  }
}

void write_text(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

// A file system of 256 KiB, mostly taken by another file, in a namespace of the child's own.
TEST_F(FullDiskTest, ARealOne) {
  const TestDirectory directory;
  const uid_t user = ::getuid();
  const gid_t group = ::getgid();
  const int code = in_child([&] {
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0) {
      write_text("/proc/self/setgroups", "deny");
      write_text("/proc/self/uid_map", concat("0 ", user, " 1"));
      write_text("/proc/self/gid_map", concat("0 ", group, " 1"));
    } else if (::unshare(CLONE_NEWNS) != 0) {
      return kSkipped;
    }
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return kSkipped;
    const std::string& folder = directory.path();
    if (::mount("velaria_full_disk", folder.c_str(), "tmpfs", 0, "size=256k") != 0) return kSkipped;
    const std::string ballast = folder + "/ballast";
    int failures = 0;
    // In pages of 4 KiB: from no room at all to enough.
    for (int64_t room = 0; room <= 200 * 1024; room += 4096) {
      for (const char* name : {"/out.csv", "/out.csv.torn", "/state"}) {
        std::filesystem::remove_all(folder + name);
      }
      std::ofstream(ballast) << std::string(static_cast<size_t>(256 * 1024 - room), 'x');
      const std::string failure = run(local_file_system(), folder, DeliveryMode::kBestEffort);
      if (!failure.empty()) {
        ++failures;
        if (failure.find("No space left on device") == std::string::npos) return 2;
        expect_whole_checkpoint(folder);
        std::filesystem::remove(ballast);
        if (!run(local_file_system(), folder, DeliveryMode::kBestEffort).empty()) return 3;
      }
      expect_all_rows(folder);
      if (HasFailure()) return 4;
    }
    std::printf("tried: %d real file systems without room\n", failures);
    std::fflush(stdout);  // the child leaves without it
    return failures > 3 ? 0 : 5;
  });
  if (code == kSkipped) GTEST_SKIP() << "no file system can be mounted here";
  EXPECT_EQ(code, 0);
}

}  // namespace
}  // namespace velaria
