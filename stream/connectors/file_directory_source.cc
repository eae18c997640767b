#include "stream/connectors/file_directory_source.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/io/file_source.h"

namespace velaria {

namespace {

class FileDirectoryStream : public StreamSource {
 public:
  FileDirectoryStream(std::shared_ptr<FileSystem> files, std::string directory,
                      FileDirectoryOptions options)
      : files_(std::move(files)), directory_(std::move(directory)), options_(std::move(options)) {
    if (options_.batch_rows < 1) {
      throw Error(ErrorKind::kInvalidArgument,
                  concat("batch_rows=", options_.batch_rows, " must be at least 1"));
    }
    if (!files_->is_directory(directory_)) {
      throw Error(ErrorKind::kFileAccess,
                  concat("'", directory_, "' is no directory; name the one that holds the ",
                         options_.format, " files"));
    }
    if (!options_.columns.empty()) {
      schema_ = Schema(options_.columns);
      return;
    }
    const std::vector<std::string> names = file_names();
    if (names.empty()) {
      throw Error(ErrorKind::kInvalidArgument,
                  concat("directory '", directory_, "' holds no file '*", options_.suffix,
                         "' to take the columns from; put one there or give `columns`"));
    }
    schema_ = options_.open(path_of(names.front()), {})->schema();
    // From now on the types are given: a file that does not fit is an error, never another schema.
    options_.columns = schema_.fields();
  }

  const Schema& schema() const override { return schema_; }
  bool bounded() const override { return options_.bounded; }
  bool wants_markers() const override { return false; }
  bool can_restore() const override { return true; }
  std::string describe() const override {
    return concat(options_.format, " directory '", directory_, "'");
  }

  void open(const StreamContext&) override {
    taken_.clear();
    to_read_.clear();
    skip_names_before_.clear();
    skip_batches_ = 0;
    notes_ = {};
    close();
    if (options_.bounded) list_new_files();
  }

  SourceStatus next(StreamBatch* batch) override {
    for (;;) {
      if (!task_ && !open_next_file()) {
        return options_.bounded ? SourceStatus::kEnd : SourceStatus::kBlocked;
      }
      if (!read_batch(batch)) continue;
      batch->source_offset = concat(name_, ":", ++batches_of_file_);
      if (skip_batches_ > 0) {
        --skip_batches_;
        continue;
      }
      return SourceStatus::kBatch;
    }
  }

  void restore(std::string_view offset) override {
    const size_t colon = offset.rfind(':');
    uint64_t batches = 0;
    const char* end = offset.data() + offset.size();
    const auto result = colon == std::string_view::npos
                            ? std::from_chars_result{offset.data(), std::errc::invalid_argument}
                            : std::from_chars(offset.data() + colon + 1, end, batches);
    if (result.ec != std::errc() || result.ptr != end || colon == 0) {
      throw Error(ErrorKind::kCheckpoint,
                  concat("'", excerpt(offset), "' is no offset of ", describe(),
                         ": it names a file and its batches, as in 'a.csv:2'"));
    }
    skip_names_before_ = std::string(offset.substr(0, colon));
    skip_batches_of_ = batches;
  }

  SourceNotes take_notes() override { return std::exchange(notes_, {}); }

  void close() override {
    task_.reset();
    scan_.reset();
    source_.reset();
  }

 private:
  std::string path_of(const std::string& name) const { return directory_ + "/" + name; }

  std::vector<std::string> file_names() const {
    std::vector<std::string> out;
    for (const std::string& name : files_->list_directory(directory_)) {
      const std::string& suffix = options_.suffix;
      const bool fits = name.size() > suffix.size() &&
                        name.compare(name.size() - suffix.size(), suffix.size(), suffix) == 0;
      if (!fits || name[0] == '.' || name[0] == '_') continue;
      if (!files_->is_directory(path_of(name))) out.push_back(name);
    }
    return out;
  }

  void list_new_files() {
    for (std::string& name : file_names()) {
      if (taken_.insert(name).second) to_read_.insert(std::move(name));
    }
  }

  bool open_next_file() {
    if (to_read_.empty() && !options_.bounded) list_new_files();
    to_read_.erase(to_read_.begin(), to_read_.lower_bound(skip_names_before_));
    if (to_read_.empty()) return false;
    name_ = *to_read_.begin();
    to_read_.erase(to_read_.begin());
    skip_batches_ = name_ == skip_names_before_ ? skip_batches_of_ : 0;
    source_ = options_.open(path_of(name_), options_.columns);
    notes_.rejected_rows += rejected_rows_of(*source_);
    for (const std::string& warning : warnings_of(*source_)) {
      notes_.warnings.push_back(concat("'", path_of(name_), "': ", warning));
    }
    ScanRequest request;
    for (size_t i = 0; i < schema_.size(); ++i) request.columns.push_back(i);
    request.chunk_rows = std::min(request.chunk_rows, options_.batch_rows);
    scan_ = source_->scan(request);
    task_ = scan_->new_task();
    batches_of_file_ = 0;
    return true;
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

  const std::shared_ptr<FileSystem> files_;
  const std::string directory_;
  FileDirectoryOptions options_;
  Schema schema_;
  std::set<std::string> taken_;    // seen in the directory
  std::set<std::string> to_read_;  // of these, not opened yet
  std::string skip_names_before_;
  uint64_t skip_batches_of_ = 0;
  // The file being read.
  std::string name_;
  TableSourcePtr source_;
  std::unique_ptr<TableScan> scan_;
  std::unique_ptr<ScanTask> task_;
  uint64_t batches_of_file_ = 0;
  uint64_t skip_batches_ = 0;
  SourceNotes notes_;  // not taken yet
};

}  // namespace

StreamSourcePtr make_file_directory_stream(std::shared_ptr<FileSystem> files, std::string directory,
                                           FileDirectoryOptions options) {
  return std::make_shared<FileDirectoryStream>(std::move(files), std::move(directory),
                                               std::move(options));
}

}  // namespace velaria
