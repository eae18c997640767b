#include "stream/connectors/file_directory_source.h"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/io/file_list.h"
#include "src/io/file_source.h"
#include "stream/connectors/file_directory_offset.h"

namespace velaria {

namespace {

constexpr FileOrder kOrders[] = {FileOrder::kName, FileOrder::kNatural, FileOrder::kModified};
// A file that is written for longer is told of.
constexpr int64_t kLongWaitNs = int64_t{10} * 1000 * 1000 * 1000;
// So many of the files that were read are looked at for changes.
constexpr size_t kWatchedFiles = 16;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The digits from `at` on, without zeros in front; moves `at` behind them.
std::string_view number_at(const std::string& text, size_t* at) {
  size_t begin = *at;
  while (*at < text.size() && is_digit(text[*at])) ++*at;
  while (begin + 1 < *at && text[begin] == '0') ++begin;
  return std::string_view(text).substr(begin, *at - begin);
}

// A file and its place in the order.
struct FilePlace {
  std::string name;
  int64_t modified_ns = 0;  // 0 unless it is the order
};

struct PlaceLess {
  FileOrder order = FileOrder::kName;
  bool operator()(const FilePlace& a, const FilePlace& b) const {
    if (a.modified_ns != b.modified_ns) return a.modified_ns < b.modified_ns;
    return order == FileOrder::kNatural ? natural_less(a.name, b.name) : a.name < b.name;
  }
};

// How a file looks from outside.
struct FileLook {
  std::string name;
  uint64_t size_bytes = 0;
  int64_t modified_ns = 0;
  bool same_as(const FileLook& other) const {
    return size_bytes == other.size_bytes && modified_ns == other.modified_ns;
  }
};

class FileDirectoryStream : public StreamSource {
 public:
  FileDirectoryStream(std::shared_ptr<FileSystem> files, std::string directory,
                      StreamFileFormat format, FileDirectoryOptions options)
      : files_(std::move(files)),
        directory_(std::move(directory)),
        format_(std::move(format)),
        options_(std::move(options)),
        pending_(PlaceLess{options_.order}) {
    check_options();
    if (!format_.columns.empty()) {
      schema_ = Schema(format_.columns);
      return;
    }
    look_for_files();
    const auto first = std::find_if(pending_.begin(), pending_.end(), [&](const FilePlace& file) {
      const std::optional<FileLook> look = look_at(file.name);
      return look && look->size_bytes > 0;
    });
    if (first == pending_.end()) {
      throw Error(ErrorKind::kInvalidArgument,
                  concat("directory '", directory_, "' holds no file '", options_.pattern,
                         pending_.empty() ? "'" : "' that is not empty",
                         " to take the columns from; put one there or give `columns`"));
    }
    schema_ = format_.open(files_, path_of(first->name), {}, StreamFilePart::kWhole)->schema();
    // From now on the types are given: a file that does not fit is an error, never another schema.
    format_.columns = schema_.fields();
  }

  const Schema& schema() const override { return schema_; }
  bool bounded() const override { return options_.bounded; }
  bool wants_markers() const override { return false; }
  bool can_restore() const override { return true; }
  std::string describe() const override {
    return concat(format_.name, " directory '", directory_, "'");
  }

  void open(const StreamContext&) override {
    close();
    opened_.clear();
    pending_.clear();
    last_.reset();
    batches_to_skip_.clear();
    settling_.reset();
    watched_.clear();
    notes_ = {};
    if (options_.bounded) look_for_files();
  }

  SourceStatus next(StreamBatch* batch) override {
    for (;;) {
      if (!task_) {
        const SourceStatus status = open_next_file();
        if (status != SourceStatus::kBatch) return status;
      }
      if (!read_batch(batch)) continue;
      ++batches_of_file_;
      if (skip_batches_ > 0) {
        --skip_batches_;
        continue;
      }
      batch->source_offset = offset();
      return SourceStatus::kBatch;
    }
  }

  void restore(std::string_view text) override {
    const FileDirectoryOffset from = parse_file_directory_offset(text, describe());
    if (from.order != options_.order) {
      throw Error(ErrorKind::kCheckpoint,
                  concat("the offset '", excerpt(text),
                         "' is of files in order=", file_order_name(from.order), ", ", describe(),
                         " reads them in order=", file_order_name(options_.order),
                         "; give the same order, or another checkpoint_path"));
    }
    look_for_files();
    last_ = FilePlace{from.last.name, from.modified_ns};
    last_file_ = from.last;
    go_on_with(from.last);
    for (const FileBatches& late : from.late) go_on_with(late);
    uint64_t read = 0;
    bool found_last = false;
    const PlaceLess less{options_.order};
    for (auto file = pending_.begin(); file != pending_.end();) {
      const auto batches = batches_to_skip_.find(file->name);
      const bool is_last = file->name == from.last.name;
      found_last = found_last || is_last;
      const bool started = batches != batches_to_skip_.end() && batches->second.batches > 0;
      if (started || (batches == batches_to_skip_.end() && less(*file, *last_))) ++read;
      if (batches == batches_to_skip_.end() && less(*file, *last_)) {
        opened_.insert(file->name);
        file = pending_.erase(file);
      } else {
        ++file;
      }
    }
    tell_of_restore(from, read, found_last);
  }

  SourceNotes take_notes() override { return std::exchange(notes_, {}); }

  void close() override {
    task_.reset();
    scan_.reset();
    source_.reset();
  }

 private:
  void check_options() {
    if (options_.pattern.empty()) options_.pattern = format_.pattern;
    if (!options_.clock) options_.clock = system_clock();
    if (options_.batch_rows < 1) {
      throw Error(ErrorKind::kInvalidArgument,
                  concat("batch_rows=", options_.batch_rows, " must be at least 1"));
    }
    constexpr int64_t kMostSettleMs = int64_t{24} * 60 * 60 * 1000;
    if (options_.settle_ms < 0 || options_.settle_ms > kMostSettleMs) {
      throw Error(ErrorKind::kInvalidArgument,
                  concat("settle_ms=", options_.settle_ms, " must be from 0 to ", kMostSettleMs));
    }
    if (options_.pattern.find('/') != std::string::npos) {
      throw Error(ErrorKind::kInvalidArgument,
                  concat("pattern='", options_.pattern,
                         "' is matched against the names of files; it cannot hold a '/'"));
    }
    if (!files_->is_directory(directory_)) {
      throw Error(ErrorKind::kFileAccess,
                  concat("'", directory_, "' is no directory; name the one that holds the ",
                         format_.name, " files"));
    }
  }

  std::string path_of(const std::string& name) const { return directory_ + "/" + name; }

  // Nothing when it is gone.
  std::optional<FileLook> look_at(const std::string& name) const {
    try {
      const std::unique_ptr<ReadableFile> file = files_->open_read(path_of(name));
      return FileLook{name, file->size_bytes(), file->modified_ns()};
    } catch (const Error&) {
      if (files_->exists(path_of(name))) throw;
      return std::nullopt;
    }
  }

  // Adds what is new to pending_, and forgets what is gone.
  void look_for_files() {
    std::set<std::string> waiting;
    for (const FilePlace& file : pending_) waiting.insert(file.name);
    std::set<std::string> still_there;
    for (const std::string& name : files_->list_directory(directory_)) {
      if (name[0] == '.' || name[0] == '_' || !matches_pattern(options_.pattern, name)) continue;
      if (opened_.count(name) != 0) {
        still_there.insert(name);
        continue;
      }
      if (waiting.count(name) != 0 || files_->is_directory(path_of(name))) continue;
      FilePlace file{name};
      if (options_.order == FileOrder::kModified) {
        const std::optional<FileLook> look = look_at(name);
        if (!look) continue;
        file.modified_ns = look->modified_ns;
      }
      pending_.insert(std::move(file));
    }
    opened_ = std::move(still_there);
  }

  // kBatch: a file is open; kEnd or kBlocked: there is none to be read.
  SourceStatus open_next_file() {
    if (!options_.bounded) {
      check_watched_files();
      if (pending_.empty() || settling_) look_for_files();
    }
    for (;;) {
      if (pending_.empty()) return options_.bounded ? SourceStatus::kEnd : SourceStatus::kBlocked;
      const FilePlace file = *pending_.begin();
      const std::optional<FileLook> look = look_at(file.name);
      if (!look) {
        notes_.warnings.push_back(
            concat("'", path_of(file.name), "' was removed before it was read"));
        batches_to_skip_.erase(file.name);
        pending_.erase(pending_.begin());
        continue;
      }
      if (options_.order == FileOrder::kModified && look->modified_ns != file.modified_ns) {
        pending_.erase(pending_.begin());
        pending_.insert({file.name, look->modified_ns});
        continue;
      }
      if (!has_settled(*look)) return SourceStatus::kBlocked;
      pending_.erase(pending_.begin());
      opened_.insert(file.name);
      watch(*look);
      if (look->size_bytes == 0) {
        notes_.warnings.push_back(concat("'", path_of(file.name), "' is empty: it gives no rows"));
        continue;
      }
      open_file(file, look->size_bytes);
      return SourceStatus::kBatch;
    }
  }

  // A file that is being written and how long it has looked like this.
  struct Settling {
    FileLook look;
    int64_t since_ns = 0;
    int64_t first_ns = 0;
    bool told = false;
  };

  bool has_settled(const FileLook& look) {
    const int64_t settle_ns = options_.settle_ms * 1'000'000;
    if (settle_ns == 0) return true;
    const int64_t wall_ns = options_.clock->wall_us() * 1000;
    const int64_t now_ns = options_.clock->steady_ns();
    const bool known = settling_ && settling_->look.name == look.name;
    // The file system's clock may be another one: then only looking twice helps.
    const bool old = look.modified_ns > 0 && wall_ns - look.modified_ns >= settle_ns;
    if (old ||
        (known && settling_->look.same_as(look) && now_ns - settling_->since_ns >= settle_ns)) {
      settling_.reset();
      return true;
    }
    if (!known) settling_ = Settling{look, now_ns, now_ns, false};
    if (!settling_->look.same_as(look)) {
      settling_->look = look;
      settling_->since_ns = now_ns;
    }
    if (!settling_->told && now_ns - settling_->first_ns >= kLongWaitNs) {
      settling_->told = true;
      notes_.warnings.push_back(concat("'", path_of(look.name), "' is being written for ",
                                       kLongWaitNs / 1'000'000'000,
                                       " s; it and the files behind it are read when it has not "
                                       "changed for settle_ms=",
                                       options_.settle_ms));
    }
    return false;
  }

  void watch(const FileLook& look) {
    watched_.push_back(look);
    if (watched_.size() > kWatchedFiles) watched_.pop_front();
  }

  // A file whose first batches are done. Of one that looks otherwise now, nobody knows which of its
  // rows they were.
  void go_on_with(const FileBatches& file) {
    const std::optional<FileLook> look = look_at(file.name);
    if (!look) return;  // one of this name that comes later is another file
    batches_to_skip_[file.name] = file;
    if (!file.size_bytes || look->size_bytes == *file.size_bytes) return;
    throw Error(
        ErrorKind::kCheckpoint,
        concat("cannot go on behind batch ", file.batches, " of '", path_of(file.name),
               "': it had ", *file.size_bytes, " bytes when it was read and has ", look->size_bytes,
               " now; put it back and its new rows into a new file, or start anew with "
               "another checkpoint_path"));
  }

  void open_file(const FilePlace& file, uint64_t size_bytes) {
    source_ = format_.open(files_, path_of(file.name), format_.columns, StreamFilePart::kWhole);
    notes_.rejected_rows += rejected_rows_of(*source_);
    for (const std::string& warning : warnings_of(*source_)) {
      notes_.warnings.push_back(concat("'", path_of(file.name), "': ", warning));
    }
    ScanRequest request;
    for (size_t i = 0; i < schema_.size(); ++i) request.columns.push_back(i);
    request.chunk_rows = std::min(request.chunk_rows, options_.batch_rows);
    scan_ = source_->scan(request);
    task_ = scan_->new_task();
    current_ = file;
    size_of_file_bytes_ = size_bytes;
    batches_of_file_ = 0;
    const auto skip = batches_to_skip_.find(file.name);
    skip_batches_ = skip != batches_to_skip_.end() ? skip->second.batches : 0;
    batches_to_skip_.erase(file.name);
  }

  void check_watched_files() {
    for (const FileLook& before : watched_) {
      const std::optional<FileLook> now = look_at(before.name);
      if (!now || now->same_as(before)) continue;
      throw Error(ErrorKind::kStream,
                  concat("'", path_of(before.name), "' was changed after it was read (",
                         before.size_bytes, " bytes then, ", now->size_bytes,
                         " now); put files in place by rename, or give a settle_ms longer than "
                         "their writer pauses"));
    }
  }

  // False at the end of the file.
  bool read_batch(StreamBatch* batch) {
    batch->chunks.clear();
    int64_t rows = 0;
    Chunk chunk;
    while (rows < options_.batch_rows && task_->next(&chunk)) {
      rows += chunk.selected_rows();
      batch->chunks.push_back(std::move(chunk));
      chunk = Chunk();
    }
    if (rows > 0) return true;
    close();
    return false;
  }

  // Everything up to and with the newest batch.
  std::string offset() {
    const PlaceLess less{options_.order};
    FileDirectoryOffset out;
    const FileBatches current{current_.name, batches_of_file_, size_of_file_bytes_};
    if (!last_ || !less(current_, *last_)) {
      last_ = current_;
      last_file_ = current;
    } else if (current_.name == last_->name) {
      last_file_ = current;
    } else {
      out.late.push_back(current);
    }
    out.last = last_file_;
    out.modified_ns = last_->modified_ns;
    out.order = options_.order;
    out.files = opened_.size();
    for (const FilePlace& file : pending_) {
      if (!less(file, *last_)) break;
      const auto batches = batches_to_skip_.find(file.name);
      out.late.push_back(batches != batches_to_skip_.end() ? batches->second
                                                           : FileBatches{file.name, 0, {}});
    }
    return format_file_directory_offset(out);
  }

  void tell_of_restore(const FileDirectoryOffset& from, uint64_t read, bool found_last) {
    if (!found_last) {
      notes_.warnings.push_back(concat("'", path_of(from.last.name),
                                       "' is gone, in which the query stopped: what it held behind "
                                       "its first ",
                                       from.last.batches, " batches is not read"));
    }
    if (!from.files || read <= *from.files) return;
    notes_.warnings.push_back(concat(read - *from.files, " files of ", describe(),
                                     " have come with a place before '", from.last.name,
                                     "' since the checkpoint: they are not read"));
  }

  const std::shared_ptr<FileSystem> files_;
  const std::string directory_;
  StreamFileFormat format_;
  FileDirectoryOptions options_;
  Schema schema_;
  std::set<std::string> opened_;            // of those that are still there
  std::set<FilePlace, PlaceLess> pending_;  // seen, and to be read
  std::optional<Settling> settling_;        // the first of pending_
  std::deque<FileLook> watched_;            // the newest that were opened, as they looked then
  std::map<std::string, FileBatches>
      batches_to_skip_;            // of files that a restored query goes on with
  std::optional<FilePlace> last_;  // in order, of those that gave a batch
  FileBatches last_file_;          // the same one
  // The file being read.
  FilePlace current_;
  TableSourcePtr source_;
  std::unique_ptr<TableScan> scan_;
  std::unique_ptr<ScanTask> task_;
  uint64_t size_of_file_bytes_ = 0;
  uint64_t batches_of_file_ = 0;
  uint64_t skip_batches_ = 0;
  SourceNotes notes_;  // not taken yet
};

}  // namespace

const char* file_order_name(FileOrder order) {
  switch (order) {
    case FileOrder::kName: return "name";
    case FileOrder::kNatural: return "natural";
    case FileOrder::kModified: return "modified";
  }
  return "name";
}

FileOrder file_order_from_name(const std::string& name) {
  std::vector<std::string> names;
  for (const FileOrder order : kOrders) {
    if (name == file_order_name(order)) return order;
    names.emplace_back(file_order_name(order));
  }
  throw Error(ErrorKind::kInvalidArgument,
              concat("order='", excerpt(name), "' is unknown; it is one of ",
                     join_texts(names, ", "), did_you_mean(name, names)));
}

bool natural_less(const std::string& a, const std::string& b) {
  size_t i = 0;
  size_t j = 0;
  while (i < a.size() && j < b.size()) {
    if (is_digit(a[i]) && is_digit(b[j])) {
      const std::string_view left = number_at(a, &i);
      const std::string_view right = number_at(b, &j);
      if (left.size() != right.size()) return left.size() < right.size();
      if (left != right) return left < right;
    } else if (a[i] != b[j]) {
      return static_cast<unsigned char>(a[i]) < static_cast<unsigned char>(b[j]);
    } else {
      ++i;
      ++j;
    }
  }
  const size_t left = a.size() - i;
  const size_t right = b.size() - j;
  return left != right ? left < right : a < b;
}

StreamSourcePtr make_file_directory_stream(std::shared_ptr<FileSystem> files, std::string directory,
                                           StreamFileFormat format, FileDirectoryOptions options) {
  return std::make_shared<FileDirectoryStream>(std::move(files), std::move(directory),
                                               std::move(format), std::move(options));
}

}  // namespace velaria
