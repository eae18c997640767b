// Queries killed by SIGKILL at every step of their life and at random moments, started again until
// they are done; and cuts of the power, which take away what was not synced.
//
// Each run of a query is a process of its own. VELARIA_CRASH_ROUNDS=N does all steps N times, at
// every occurrence of each, in every setting; without it every step is hit at least once.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <set>
#include <thread>

#include "src/io/csv/csv_source.h"
#include "stream/checkpoint/checkpoint_store.h"
#include "stream/connectors/csv_file_sink.h"
#include "stream/connectors/file_directory_source.h"
#include "tests/stream/killing_parts.h"
#include "tests/stream/stream_testing.h"

namespace velaria {
namespace {

constexpr int64_t kBatchRows = 40;
constexpr int kFiles = 2;
constexpr int64_t kRowsOfFile = 110;  // three batches, the last one smaller
constexpr int kMostRestarts = 50;

struct Setting {
  bool grouped = false;
  DeliveryMode delivery = DeliveryMode::kAtLeastOnce;
  CsvFileMode file_mode = CsvFileMode::kAppend;
  int64_t checkpoint_interval_ms = 0;
  bool checkpoint_async = true;

  std::string describe() const {
    return concat(grouped ? "groups" : "rows", ", ", delivery_mode_name(delivery), ", ",
                  file_mode == CsvFileMode::kAppend ? "append" : "replace", ", interval ",
                  checkpoint_interval_ms, " ms, ", checkpoint_async ? "async" : "sync");
  }
};

std::vector<Setting> all_settings() {
  std::vector<Setting> out;
  for (const bool grouped : {false, true}) {
    for (const DeliveryMode delivery : {DeliveryMode::kAtLeastOnce, DeliveryMode::kBestEffort}) {
      for (const CsvFileMode mode : {CsvFileMode::kAppend, CsvFileMode::kReplace}) {
        for (const bool async : {true, false}) {
          for (const int64_t interval_ms : {0, 2}) {
            out.push_back({grouped, delivery, mode, interval_ms, async});
          }
        }
      }
    }
  }
  return out;
}

PlanPtr plan_over(const PlanPtr& scan, bool grouped) {
  return grouped ? windowed_totals(scan, 1000, 500) : scan;
}

// The folder of the input, and what all of it must give.
class Input {
 public:
  explicit Input(std::mt19937_64& random) {
    int64_t id = 0;
    for (int file = 0; file < kFiles; ++file) {
      std::vector<Event> part = random_events(kRowsOfFile, random);
      for (Event& event : part) {
        event.amount = id++;
        if (event.name) *event.name += random() % 4 == 0 ? ", \"two\nlines\"" : "";
      }
      const auto query = StreamingQuery::make(
          event_scan(make_memory_stream(event_schema(), {event_chunk(part)})),
          make_csv_file_sink(local_file_system(), folder_.file(concat("part", file, ".csv"))), {},
          {});
      query->start();
      query->await_termination();
      events_.insert(events_.end(), part.begin(), part.end());
    }
    groups_ = results_of(run_batch(plan_over(event_scan(event_table(events_)), true)), 2);
  }

  StreamSourcePtr source() const {
    CsvOptions csv;
    csv.columns = event_schema().fields();
    FileDirectoryOptions options;
    options.settle_ms = 0;
    options.batch_rows = kBatchRows;
    return make_file_directory_stream(local_file_system(), folder_.path(), csv_stream_format(csv),
                                      options);
  }
  int64_t rows() const { return static_cast<int64_t>(events_.size()); }
  // How many rows come up to an offset of the source ("part1.csv:2/name:2").
  int64_t rows_up_to(const std::string& offset) const {
    const int64_t file = std::stoll(offset.substr(4));
    const int64_t batches = std::stoll(offset.substr(offset.find(':') + 1));
    return file * kRowsOfFile + std::min(batches * kBatchRows, kRowsOfFile);
  }
  const Results& groups() const { return groups_; }

 private:
  const TestDirectory folder_;
  std::vector<Event> events_;
  Results groups_;
};

// Where one query lives through all its runs.
class Life {
 public:
  Life(const Input& input, const Setting& setting) : input_(input), setting_(setting) {}

  std::string sink_path() const { return folder_.file("out.csv"); }
  // In a folder of its own, so that syncing one folder does not hide that the other was not.
  std::string checkpoint_path() const { return folder_.file("state/q.ckpt"); }

  // One run in a process of its own, killed as told or at the latest after `kill_after`. True when
  // it came to its end.
  bool run(const KillAt& kill_at, std::optional<std::chrono::microseconds> kill_after) {
    journal_.add("began 0 -");
    std::fflush(nullptr);
    const pid_t child = ::fork();
    VELARIA_CHECK(child >= 0);
    if (child == 0) ::_exit(run_here(kill_at));
    if (kill_after) {
      std::this_thread::sleep_for(*kill_after);
      ::kill(child, SIGKILL);
    }
    int state = 0;
    VELARIA_CHECK(::waitpid(child, &state, 0) == child);
    if (WIFSIGNALED(state) && WTERMSIG(state) == SIGKILL) return false;
    EXPECT_TRUE(WIFEXITED(state) && WEXITSTATUS(state) == 0)
        << "the query failed: " << text_of(folder_.file("failure"));
    return true;
  }

  // Takes away what was not synced, after a kill.
  void cut_power(std::mt19937_64& random) const {
    journal_.cut_power(random);
    check_remains();
    journal_.clear();
  }

  // Whole rows in the sink's file that no checkpoint covers: these may come again, and no others.
  int64_t rows_behind_checkpoint() const {
    if (!std::filesystem::exists(sink_path())) return 0;
    int64_t covered = 0;  // ids are counted up in the order of the batches
    if (std::filesystem::exists(checkpoint_path())) {
      covered = input_.rows_up_to(
          decode_checkpoint(text_of(checkpoint_path()), checkpoint_path()).source_offset);
    }
    int64_t behind = 0;
    bool quoted = false;
    size_t field = 0;
    const std::string text = text_of(sink_path());
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '"') quoted = !quoted;
      if (quoted) continue;
      if (text[i] == ',') field = i + 1;  // the id is the last one
      if (text[i] != '\n' || text.compare(field, 6, "amount") == 0) continue;
      if (std::stoll(text.substr(field, i - field)) >= covered) ++behind;
    }
    return behind;
  }

  // What must hold after every kill.
  void check_remains() const {
    const bool exists = std::filesystem::exists(checkpoint_path());
    std::string recorded;
    if (exists) {
      recorded = decode_checkpoint(text_of(checkpoint_path()), checkpoint_path()).source_offset;
    }
    // The source was told that it need not keep these.
    const std::string acked = journal_.last_acked();
    if (acked.empty()) return;
    ASSERT_TRUE(exists) << "acked " << acked << " without a checkpoint";
    ASSERT_GE(recorded, acked);
  }

  // The steps of a run that came to its end, and how often it came to each.
  std::map<std::string, int> steps() const { return Steps::read(folder_.file("steps")); }

  // `behind`: the sum of rows_behind_checkpoint() after the kills.
  void check_result(int kills, int64_t behind) const {
    for (const auto& entry : std::filesystem::directory_iterator(folder_.file("state"))) {
      EXPECT_EQ(entry.path().string().find(".ckpt.tmp"), std::string::npos) << entry.path();
    }
    CsvOptions options;
    options.columns = plan_over(event_scan(event_table({})), setting_.grouped)->schema().fields();
    const std::vector<Chunk> rows =
        run_batch(event_scan(open_csv(local_file_system(), sink_path(), options)));
    if (setting_.grouped) {
      EXPECT_EQ(results_of(rows, 2), input_.groups());
      return;
    }
    std::map<int64_t, int> times;
    int64_t total = 0;
    for (const Chunk& chunk : rows) {
      for (int64_t row = 0; row < chunk.rows; ++row) {
        const int n = ++times[chunk.columns[2]->value(row).as_int64()];
        EXPECT_LE(n, 1 + kills);
        ++total;
      }
    }
    EXPECT_EQ(static_cast<int64_t>(times.size()), input_.rows()) << "rows were lost";
    const int64_t again = total - input_.rows();
    const bool restores = setting_.delivery == DeliveryMode::kBestEffort;
    if (kills == 0 || (!restores && setting_.file_mode == CsvFileMode::kReplace)) {
      // A new file of a query that begins anew has nothing twice.
      EXPECT_EQ(again, 0);
    }
    if (restores) {
      // What was written behind the last checkpoint comes twice, and nothing else.
      EXPECT_LE(again, behind);
      if (setting_.checkpoint_interval_ms == 0 && !setting_.checkpoint_async) {
        EXPECT_LE(again, kills * kBatchRows);
      }
    }
  }

 private:
  static std::string text_of(const std::string& path) {
    return read_file(*local_file_system(), path);
  }

  int run_here(const KillAt& kill_at) {
    try {
      const auto steps = std::make_shared<Steps>(kill_at);
      StreamEnvironment environment;
      environment.files = std::make_shared<KillingFiles>(steps, &journal_);
      StreamOptions options;
      options.checkpoint_path = checkpoint_path();
      options.checkpoint_delivery_mode = setting_.delivery;
      options.checkpoint_interval_ms = setting_.checkpoint_interval_ms;
      options.checkpoint_async = setting_.checkpoint_async;
      const auto source = std::make_shared<KillingSource>(input_.source(), steps, &journal_);
      const auto sink = std::make_shared<KillingSink>(
          make_csv_file_sink(environment.files, sink_path(), setting_.file_mode), steps);
      const auto query = StreamingQuery::make(plan_over(event_scan(source), setting_.grouped), sink,
                                              options, environment);
      query->start();
      query->await_termination();
      steps->write_to(folder_.file("steps"));
      return 0;
    } catch (const std::exception& failure) {
      std::ofstream(folder_.file("failure")) << failure.what();
      return 3;
    }
  }

  const Input& input_;
  const Setting setting_;
  const TestDirectory folder_;
  const DiskJournal journal_{folder_.file("journal")};
};

class CrashTest : public testing::Test {
 protected:
  // Kills the first run as told, perhaps some of the later ones, until a run is done.
  void live(const Setting& setting, const KillAt& first,
            std::optional<std::chrono::microseconds> first_after,
            const std::map<std::string, int>& steps) {
    Life life(input_, setting);
    int kills = 0;
    int64_t behind = 0;
    while (!life.run(kills == 0 ? first : later(steps), kills == 0 ? first_after : std::nullopt)) {
      ++(kills == 0 && first_after ? kills_at_moments_ : kills_at_steps_);
      ASSERT_LE(++kills, kMostRestarts);
      life.check_remains();
      if (one_in(2)) {
        life.cut_power(random_);
        ++power_cuts_;
      }
      if (HasFatalFailure()) return;
      if (!setting.grouped) behind += life.rows_behind_checkpoint();
    }
    life.check_result(kills, behind);
    ++lives_;
  }

  bool one_in(uint64_t n) { return random_() % n == 0; }

  // Mostly nowhere.
  KillAt later(const std::map<std::string, int>& steps) {
    if (!one_in(3)) return {};
    auto step = steps.begin();
    std::advance(step, static_cast<std::ptrdiff_t>(random_() % steps.size()));
    return {step->first, one_of(step->second)};
  }

  int one_of(int count) { return 1 + static_cast<int>(random_() % static_cast<uint64_t>(count)); }

  std::map<std::string, int> steps_of(const Setting& setting, std::chrono::microseconds* duration) {
    Life life(input_, setting);
    const auto start = std::chrono::steady_clock::now();
    EXPECT_TRUE(life.run({}, std::nullopt));
    *duration = std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now() - start);
    life.check_result(0, 0);
    return life.steps();
  }

  static int rounds() {
    const char* given = std::getenv("VELARIA_CRASH_ROUNDS");
    return given == nullptr ? 0 : std::atoi(given);
  }

  void TearDown() override {
    std::printf("tried: %d queries killed and started again\n", lives_);
    std::printf("tried: %d kills of a query's process at a step\n", kills_at_steps_);
    std::printf("tried: %d kills of a query's process at a random moment\n", kills_at_moments_);
    std::printf("tried: %d cuts of the power\n", power_cuts_);
  }

  std::mt19937_64 random_{test_seed()};
  const Input input_{random_};
  int lives_ = 0;
  int kills_at_steps_ = 0;
  int kills_at_moments_ = 0;
  int power_cuts_ = 0;
};

TEST_F(CrashTest, AtEveryStep) {
  std::set<std::string> hit;
  for (const Setting& setting : all_settings()) {
    SCOPED_TRACE(setting.describe());
    std::chrono::microseconds duration{};
    const std::map<std::string, int> steps = steps_of(setting, &duration);
    for (const auto& [step, occurrences] : steps) {
      // The quick run takes a step in a fifth of the settings.
      if (!hit.insert(step).second && rounds() == 0 && !one_in(5)) continue;
      std::vector<int> chosen;
      for (int round = 0; round < rounds(); ++round) {
        for (int n = 1; n <= occurrences; ++n) chosen.push_back(n);
      }
      if (chosen.empty()) chosen = {one_of(occurrences)};
      for (const int n : chosen) {
        SCOPED_TRACE(concat("killed first at '", step, "', time ", n, " of ", occurrences));
        live(setting, {step, n}, std::nullopt, steps);
        if (HasFailure()) return;
      }
    }
  }
  for (const char* step : {"before pull",
                           "after pull",
                           "before sink write",
                           "after sink write",
                           "before sink flush",
                           "after sink flush",
                           "within write of sink file",
                           "before sync of sink file",
                           "within write of checkpoint",
                           "before sink sync",
                           "after sink sync",
                           "before sync of checkpoint",
                           "after sync of checkpoint",
                           "after locking of checkpoint",
                           "before rename of checkpoint",
                           "after rename of checkpoint",
                           "after directory sync",
                           "after sink checkpoint",
                           "after source checkpoint",
                           "before ack",
                           "after ack"}) {
    EXPECT_EQ(hit.count(step), 1u) << step;
  }
}

TEST_F(CrashTest, AtRandomMoments) {
  const int lives = rounds() == 0 ? 2 : 100 * rounds();
  for (const Setting& setting : all_settings()) {
    SCOPED_TRACE(setting.describe());
    std::chrono::microseconds duration{};
    const std::map<std::string, int> steps = steps_of(setting, &duration);
    for (int i = 0; i < lives; ++i) {
      const std::chrono::microseconds after(
          static_cast<int64_t>(random_() % static_cast<uint64_t>(duration.count())));
      SCOPED_TRACE(concat("killed first after ", after.count(), " us"));
      live(setting, {}, after, steps);
      if (HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace velaria
