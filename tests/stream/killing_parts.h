// A file system, a source and a sink that kill their process at a step that was chosen before, and
// a journal of what a cut of the power would take away.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "src/base/error.h"
#include "src/base/file_system.h"
#include "src/base/text.h"
#include "stream/stream_sink.h"
#include "stream/stream_source.h"

namespace velaria {

struct KillAt {
  std::string step;  // empty: nowhere
  int occurrence = 1;
};

// Counts the steps that a process comes to. Thread-safe.
class Steps {
 public:
  explicit Steps(KillAt kill_at) : kill_at_(std::move(kill_at)) {}

  void reach(const std::string& step) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (++seen_[step] == kill_at_.occurrence && step == kill_at_.step) {
      ::kill(::getpid(), SIGKILL);
      for (;;) ::pause();
    }
  }

  void write_to(const std::string& path) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::ofstream out(path);
    for (const auto& [step, count] : seen_) out << count << ' ' << step << '\n';
  }

  static std::map<std::string, int> read(const std::string& path) {
    std::map<std::string, int> out;
    std::ifstream in(path);
    int count = 0;
    for (std::string step; in >> count && std::getline(in.ignore(), step);) out[step] = count;
    return out;
  }

 private:
  const KillAt kill_at_;
  mutable std::mutex mutex_;
  std::map<std::string, int> seen_;
};
using StepsPtr = std::shared_ptr<Steps>;

// Lines that a killed process leaves behind: which bytes and names are safe on the disk, and what
// was acked.
class DiskJournal {
 public:
  explicit DiskJournal(std::string path) : path_(std::move(path)) {}

  void clear() const { std::ofstream(path_, std::ios::trunc); }
  void add(const std::string& line) const {
    const int file = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    // A write that crosses a page may be cut by the kill: the next line stands by itself all the
    // same, and the cut one has no end.
    const std::string text = concat("\n", line, kLineEnd, "\n");
    VELARIA_CHECK(file >= 0 &&
                  ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    ::close(file);
  }
  // Keeps the old content of a file that is about to be replaced.
  void keep_before(const std::string& path) const {
    if (std::filesystem::exists(path)) {
      std::filesystem::copy_file(path, path + ".before",
                                 std::filesystem::copy_options::overwrite_existing);
    } else {
      std::filesystem::remove(path + ".before");
    }
  }

  // Of the last run.
  std::string last_acked() const {
    std::string out;
    for (const Line& line : lines()) {
      if (line.what == "began") out.clear();
      if (line.what == "acked") out = line.path;
    }
    return out;
  }

  // Takes away some of what the disk had not promised to keep. Call clear() then.
  void cut_power(std::mt19937_64& random) const {
    std::map<std::string, uint64_t> synced_bytes;
    std::set<std::string> unsynced_names;
    for (const Line& line : lines()) {
      if (line.what == "opened") synced_bytes.emplace(line.path, line.number);
      if (line.what == "emptied") synced_bytes[line.path] = 0;
      if (line.what == "synced") synced_bytes[line.path] = line.number;
      if (line.what == "named") unsynced_names.insert(line.path);
      if (line.what == "removed") {
        synced_bytes.erase(line.path);
        unsynced_names.erase(line.path);
      }
      if (line.what != "directory") continue;
      for (auto name = unsynced_names.begin(); name != unsynced_names.end();) {
        name = directory_of(*name) == line.path ? unsynced_names.erase(name) : std::next(name);
      }
    }
    for (const auto& [path, bytes] : synced_bytes) {
      if (!std::filesystem::exists(path)) continue;
      const uint64_t size = std::filesystem::file_size(path);
      if (size > bytes) std::filesystem::resize_file(path, bytes + random() % (size - bytes + 1));
    }
    for (const std::string& path : unsynced_names) {
      if (random() % 2 == 0) continue;
      std::filesystem::remove(path);
      if (std::filesystem::exists(path + ".before")) {
        std::filesystem::rename(path + ".before", path);
      }
    }
  }

 private:
  struct Line {
    std::string what;
    uint64_t number = 0;
    std::string path;
  };
  std::vector<Line> lines() const {
    std::vector<Line> out;
    std::ifstream in(path_);
    const std::string_view end = kLineEnd;
    for (std::string text; std::getline(in, text);) {
      if (text.size() < end.size() ||
          text.compare(text.size() - end.size(), end.size(), end) != 0) {
        continue;
      }
      std::istringstream parts(text.substr(0, text.size() - end.size()));
      Line line;
      VELARIA_CHECK(parts >> line.what >> line.number && std::getline(parts.ignore(), line.path));
      out.push_back(line);
    }
    return out;
  }

  static constexpr const char* kLineEnd = " ;";
  const std::string path_;
};

// What is synced is written down only: the system's cache outlives a process, and cut_power() takes
// what a disk would have lost.
class KillingFiles : public FileSystem {
 public:
  KillingFiles(StepsPtr steps, const DiskJournal* journal)
      : steps_(std::move(steps)), journal_(journal) {}

  std::unique_ptr<ReadableFile> open_read(const std::string& path) override {
    steps_->reach("before reading of " + role(path));
    return real_->open_read(path);
  }
  std::unique_ptr<WritableFile> create(const std::string& path, bool append) override {
    steps_->reach("before creation of " + role(path));
    const bool existed = real_->exists(path);
    if (!existed) journal_->keep_before(path);
    if (!existed) journal_->add(concat("named 0 ", path));
    const uint64_t size = existed && append ? std::filesystem::file_size(path) : 0;
    journal_->add(concat(append ? "opened " : "emptied ", size, " ", path));
    auto file = std::make_unique<File>(*this, path, real_->create(path, append), size);
    steps_->reach("after creation of " + role(path));
    return file;
  }
  bool exists(const std::string& path) override { return real_->exists(path); }
  bool is_directory(const std::string& path) override { return real_->is_directory(path); }
  bool is_link(const std::string& path) override { return real_->is_link(path); }
  std::vector<std::string> list_directory(const std::string& path) override {
    return real_->list_directory(path);
  }
  void make_directories(const std::string& path) override { real_->make_directories(path); }
  void rename(const std::string& from, const std::string& to) override {
    steps_->reach("before rename of " + role(to));
    journal_->keep_before(to);
    journal_->add(concat("removed 0 ", from));
    journal_->add(concat("removed 0 ", to));
    journal_->add(concat("named 0 ", to));
    real_->rename(from, to);
    journal_->add(concat("synced ", synced(from), " ", to));
    steps_->reach("after rename of " + role(to));
  }
  void remove(const std::string& path) override { real_->remove(path); }
  void sync_directory(const std::string& path) override {
    steps_->reach("before directory sync");
    journal_->add(concat("directory 0 ", path));
    steps_->reach("after directory sync");
  }
  std::unique_ptr<FileLock> try_lock(const std::string& path, std::string_view note) override {
    steps_->reach("before locking of " + role(path));
    std::unique_ptr<FileLock> lock = real_->try_lock(path, note);
    steps_->reach("after locking of " + role(path));
    return lock;
  }

 private:
  class File : public WritableFile {
   public:
    File(KillingFiles& files, std::string path, std::unique_ptr<WritableFile> real, uint64_t size)
        : files_(files), path_(std::move(path)), real_(std::move(real)), size_(size) {}
    void write(std::string_view bytes) override {
      reach("before write of ");
      real_->write(bytes.substr(0, bytes.size() / 2));
      reach("within write of ");
      real_->write(bytes.substr(bytes.size() / 2));
      size_ += bytes.size();
      reach("after write of ");
    }
    // Perhaps while it is written to: what came before is safe.
    void sync() override {
      reach("before sync of ");
      const uint64_t size = size_;
      files_.note_synced(path_, size);
      files_.journal_->add(concat("synced ", size, " ", path_));
      reach("after sync of ");
    }
    void close() override {
      reach("before closing of ");
      real_->close();
      reach("after closing of ");
    }

   private:
    void reach(const char* when) { files_.steps_->reach(when + role(path_)); }

    KillingFiles& files_;
    const std::string path_;
    const std::unique_ptr<WritableFile> real_;
    std::atomic<uint64_t> size_;
  };

  void note_synced(const std::string& path, uint64_t size) {
    const std::lock_guard<std::mutex> lock(mutex_);
    synced_[path] = size;
  }
  uint64_t synced(const std::string& path) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return synced_[path];
  }

  static std::string role(const std::string& path) {
    if (path.find(".ckpt") != std::string::npos) return "checkpoint";
    return path.find(".torn") != std::string::npos ? "torn row" : "sink file";
  }

  const std::shared_ptr<FileSystem> real_ = local_file_system();
  const StepsPtr steps_;
  const DiskJournal* const journal_;
  std::mutex mutex_;
  std::map<std::string, uint64_t> synced_;
};

class KillingSource : public StreamSource {
 public:
  KillingSource(StreamSourcePtr inner, StepsPtr steps, const DiskJournal* journal)
      : inner_(std::move(inner)), steps_(std::move(steps)), journal_(journal) {}
  const Schema& schema() const override { return inner_->schema(); }
  bool bounded() const override { return inner_->bounded(); }
  std::string describe() const override { return inner_->describe(); }
  bool can_restore() const override { return inner_->can_restore(); }
  void open(const StreamContext& context) override {
    steps_->reach("before source open");
    inner_->open(context);
  }
  SourceStatus next(StreamBatch* batch) override {
    steps_->reach("before pull");
    const SourceStatus status = inner_->next(batch);
    steps_->reach("after pull");
    return status;
  }
  void checkpoint(const CheckpointMarker& marker) override {
    steps_->reach("before source checkpoint");
    inner_->checkpoint(marker);
    steps_->reach("after source checkpoint");
  }
  void ack(std::string_view token) override {
    steps_->reach("before ack");
    journal_->add(concat("acked 0 ", token));
    inner_->ack(token);
    steps_->reach("after ack");
  }
  void restore(std::string_view offset) override {
    steps_->reach("before source restore");
    inner_->restore(offset);
    steps_->reach("after source restore");
  }
  void close() override {
    steps_->reach("before source close");
    inner_->close();
  }
  void wake() override { inner_->wake(); }
  bool drain() override { return inner_->drain(); }

 private:
  const StreamSourcePtr inner_;
  const StepsPtr steps_;
  const DiskJournal* const journal_;
};

class KillingSink : public StreamSink {
 public:
  KillingSink(StreamSinkPtr inner, StepsPtr steps)
      : inner_(std::move(inner)), steps_(std::move(steps)) {}
  std::string describe() const override { return inner_->describe(); }
  void open(const StreamContext& context, const Schema& schema) override {
    steps_->reach("before sink open");
    inner_->open(context, schema);
    steps_->reach("after sink open");
  }
  void write(const Schema& schema, const std::vector<Chunk>& chunks) override {
    steps_->reach("before sink write");
    inner_->write(schema, chunks);
    steps_->reach("after sink write");
  }
  void flush() override {
    steps_->reach("before sink flush");
    inner_->flush();
    steps_->reach("after sink flush");
  }
  void sync() override {
    steps_->reach("before sink sync");
    inner_->sync();
    steps_->reach("after sink sync");
  }
  void checkpoint(const CheckpointMarker& marker) override {
    steps_->reach("before sink checkpoint");
    inner_->checkpoint(marker);
    steps_->reach("after sink checkpoint");
  }
  void close() override {
    steps_->reach("before sink close");
    inner_->close();
    steps_->reach("after sink close");
  }
  void wake() override { inner_->wake(); }

 private:
  const StreamSinkPtr inner_;
  const StepsPtr steps_;
};

}  // namespace velaria
