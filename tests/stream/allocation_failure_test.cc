// Every allocation of a whole streaming query fails once, one after the other. The process lives,
// the query succeeds or fails with a resource error, and when it is started again nothing is lost.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <ostream>

#include "src/base/file_system.h"
#include "src/base/thread_pool.h"
#include "src/io/csv/csv_source.h"
#include "stream/connectors/csv_file_sink.h"
#include "stream/connectors/file_directory_source.h"
#include "stream/source_sink_adapters.h"
#include "tests/stream/stream_testing.h"

namespace {

// The allocation that fails, counted from when it is set; 0 and below: none.
std::atomic<int64_t> allocations_left{0};
std::atomic<bool> armed{false};

bool fails_now() {
  return armed.load(std::memory_order_relaxed) && allocations_left.fetch_sub(1) == 1;
}

void* allocate(size_t size_bytes, size_t alignment) {
  if (fails_now()) return nullptr;
  if (alignment <= alignof(std::max_align_t)) return std::malloc(size_bytes == 0 ? 1 : size_bytes);
  void* memory = nullptr;
  return posix_memalign(&memory, alignment, size_bytes) == 0 ? memory : nullptr;
}

void* allocate_or_throw(size_t size_bytes, size_t alignment) {
  void* memory = allocate(size_bytes, alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

// Those of the whole program. The kernel's buffers come from aligned_alloc; sanitizers have their
// own.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
extern "C" void* aligned_alloc(size_t alignment, size_t size) noexcept {
  return allocate(size, alignment);
}
#endif
void* operator new(size_t size) { return allocate_or_throw(size, 0); }
void* operator new[](size_t size) { return allocate_or_throw(size, 0); }
void* operator new(size_t size, std::align_val_t alignment) {
  return allocate_or_throw(size, static_cast<size_t>(alignment));
}
void* operator new[](size_t size, std::align_val_t alignment) {
  return allocate_or_throw(size, static_cast<size_t>(alignment));
}
void* operator new(size_t size, const std::nothrow_t&) noexcept { return allocate(size, 0); }
void* operator new[](size_t size, const std::nothrow_t&) noexcept { return allocate(size, 0); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { std::free(memory); }

namespace velaria {
namespace {

constexpr int kBatches = 3;
constexpr int64_t kRowsOfBatch = 40;

// From here on the n-th allocation fails; true in failed() when it has.
class FailingAllocation {
 public:
  explicit FailingAllocation(int64_t number) {
    allocations_left = number;
    armed = true;
  }
  ~FailingAllocation() { armed = false; }
  FailingAllocation(const FailingAllocation&) = delete;
  FailingAllocation& operator=(const FailingAllocation&) = delete;
  static bool failed() { return allocations_left <= 0; }
};

struct Setting {
  const char* name;
  bool files;      // a directory of CSV files to a CSV file, else from memory to memory
  bool async;      // checkpoints beside the batches
  size_t threads;  // of the pool; 0: none
};

std::ostream& operator<<(std::ostream& out, const Setting& setting) { return out << setting.name; }

// Nothing is synced, since no power is cut here.
class UnsyncedFiles : public FileSystem {
 public:
  class File : public WritableFile {
   public:
    explicit File(std::unique_ptr<WritableFile> real) : real_(std::move(real)) {}
    void write(std::string_view bytes) override { real_->write(bytes); }
    void sync() override {}
    void close() override { real_->close(); }

   private:
    const std::unique_ptr<WritableFile> real_;
  };
  std::unique_ptr<ReadableFile> open_read(const std::string& path) override {
    return real_->open_read(path);
  }
  std::unique_ptr<WritableFile> create(const std::string& path, bool append) override {
    return std::make_unique<File>(real_->create(path, append));
  }
  bool exists(const std::string& path) override { return real_->exists(path); }
  bool is_directory(const std::string& path) override { return real_->is_directory(path); }
  bool is_link(const std::string& path) override { return real_->is_link(path); }
  std::vector<std::string> list_directory(const std::string& path) override {
    return real_->list_directory(path);
  }
  void make_directories(const std::string& path) override { real_->make_directories(path); }
  void rename(const std::string& from, const std::string& to) override { real_->rename(from, to); }
  void remove(const std::string& path) override { real_->remove(path); }
  void sync_directory(const std::string&) override {}
  std::unique_ptr<FileLock> try_lock(const std::string& path, std::string_view note) override {
    return real_->try_lock(path, note);
  }

 private:
  const std::shared_ptr<FileSystem> real_ = local_file_system();
};

class AllocationFailure : public testing::TestWithParam<Setting> {
 protected:
  AllocationFailure() {
    std::mt19937_64 random(test_seed());
    for (int i = 0; i < kBatches; ++i) {
      const std::vector<Event> events = random_events(kRowsOfBatch, random);
      batches_.push_back(event_chunk(events));
      events_.insert(events_.end(), events.begin(), events.end());
    }
    expected_ = results_of(run_batch(plan(event_scan(event_table(events_)))), kKeys);
    if (GetParam().threads > 0) pool_ = std::make_shared<ThreadPool>(GetParam().threads);
  }

  static constexpr size_t kKeys = 2;
  static PlanPtr plan(PlanPtr scan) { return windowed_totals(std::move(scan), 4000, 1000); }

  void write_input(const TestDirectory& directory) const {
    std::filesystem::create_directory(directory.file("in"));
    for (int i = 0; i < kBatches; ++i) {
      const auto query = StreamingQuery::make(
          event_scan(make_memory_stream(event_schema(), {batches_[static_cast<size_t>(i)]})),
          make_csv_file_sink(files_, directory.file(concat("in/", i, ".csv"))), {}, {});
      query->start();
      query->await_termination();
    }
  }

  StreamSourcePtr source(const TestDirectory& directory) const {
    if (!GetParam().files) return make_memory_stream(event_schema(), batches_);
    CsvOptions csv;
    csv.columns = event_schema().fields();
    FileDirectoryOptions options;
    options.settle_ms = 0;
    return make_file_directory_stream(local_file_system(), directory.file("in"),
                                      csv_stream_format(csv), options);
  }
  StreamOptions options(const TestDirectory& directory) const {
    StreamOptions out;
    out.checkpoint_path = directory.file("q.ckpt");
    out.checkpoint_delivery_mode = DeliveryMode::kBestEffort;
    out.checkpoint_async = GetParam().async;
    out.idle_wait_ms = 1;
    return out;
  }

  // One run, in which the allocation of that number fails; what it threw, or nothing.
  std::string run(const StreamSourcePtr& source, const StreamSinkPtr& sink, StreamOptions options,
                  int64_t number = 0) const {
    StreamEnvironment environment;
    environment.pool = pool_;
    environment.files = files_;
    environment.chunk_rows = 16;
    const PlanPtr plan = this->plan(event_scan(source));
    StreamingQueryPtr query;
    std::string failure;
    const FailingAllocation failing(number);
    try {
      query = StreamingQuery::make(plan, sink, std::move(options), std::move(environment));
      query->start();
      query->await_termination();
    } catch (const Error& error) {
      armed = false;
      failure = concat(error_kind_name(error.kind()), ": ", error.message());
    }
    return failure;
  }

  Results results(const TestDirectory& directory, const MemorySink& memory) const {
    if (!GetParam().files) return results_of(memory.chunks(), kKeys);
    CsvOptions csv;
    csv.columns = plan(event_scan(event_table({})))->schema().fields();
    return results_of(
        run_batch(event_scan(open_csv(local_file_system(), directory.file("out.csv"), csv))),
        kKeys);
  }

  std::vector<Event> events_;
  std::vector<Chunk> batches_;
  Results expected_;
  std::shared_ptr<ThreadPool> pool_;
  const std::shared_ptr<FileSystem> files_ = std::make_shared<UnsyncedFiles>();
};

TEST_P(AllocationFailure, TheQueryFailsOrSucceedsAndNothingIsLost) {
  int failures = 0;
  int failed_allocations = 0;
  // All of them take minutes: each run takes some, others each time.
  const char* every = std::getenv("VELARIA_TEST_EVERY_ALLOCATION");
  const int64_t step = every != nullptr ? 1 : 13;
  int64_t number = 1 + static_cast<int64_t>(test_seed() % static_cast<uint64_t>(step));
  for (bool reached = true; reached; number += step) {
    SCOPED_TRACE(concat("allocation ", number));
    const TestDirectory directory;
    write_input(directory);
    const auto memory = std::make_shared<MemorySink>();
    const StreamSinkPtr file = make_csv_file_sink(files_, directory.file("out.csv"));
    const StreamSinkPtr sink = GetParam().files ? file : StreamSinkPtr(memory);
    const StreamSourcePtr input = source(directory);
    const StreamOptions stream_options = options(directory);
    const std::string failure = run(input, sink, stream_options, number);
    reached = FailingAllocation::failed();
    if (reached) ++failed_allocations;
    if (!failure.empty()) {
      ++failures;
      const bool named = failure.find("ResourceError") != std::string::npos;
      EXPECT_TRUE(named) << failure;
    }
    // Also a run that met the failure and went on leaves what the next one can begin with.
    ASSERT_EQ(run(source(directory), sink, stream_options), "");
    ASSERT_EQ(results(directory, *memory), expected_);
  }
  std::printf("tried: %d failing allocations\n", failed_allocations);
  std::printf("tried: %d queries failed by one and started again\n", failures);
  EXPECT_GT(failures, 100);
}

// Its text may need the memory that there is not.
TEST(ExportedTable, AFailureIsAStatusAlsoWhenItsTextHasNoRoom) {
  class Failing : public StreamSource {
   public:
    const Schema& schema() const override { return schema_; }
    bool bounded() const override { return true; }
    std::string describe() const override { return "failing"; }
    SourceStatus next(StreamBatch*) override { std::rethrow_exception(failure_); }

   private:
    const Schema schema_ = event_schema();
    const std::exception_ptr failure_ =
        std::make_exception_ptr(Error(ErrorKind::kStream, std::string(500, 'x')));
  };
  VelariaSource table;
  export_stream_source(std::make_shared<Failing>(), &table);
  ArrowArray array;
  const char* offset = nullptr;
  for (const bool text_is_kept : {false, true}) {
    VelariaStreamStatus status = VELARIA_STREAM_OK;
    {
      const FailingAllocation failing(text_is_kept ? 0 : 1);
      status = table.next_batch(table.self, &array, &offset);
    }
    EXPECT_EQ(status, VELARIA_STREAM_ERROR);
    const char* text = nullptr;
    {
      const FailingAllocation failing(1);
      text = table.last_error(table.self);
    }
    EXPECT_NE(std::string(text).find("out of memory"), std::string::npos) << text;
  }
  table.release(table.self);
}

INSTANTIATE_TEST_SUITE_P(Settings, AllocationFailure,
                         testing::Values(Setting{"memory", false, false, 0},
                                         Setting{"async", false, true, 0},
                                         Setting{"pool", false, false, 2},
                                         Setting{"files", true, false, 0}),
                         [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace velaria
