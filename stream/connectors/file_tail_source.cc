#include "stream/connectors/file_tail_source.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/io/file_source.h"
#include "src/kernel/hash.h"
#include "stream/connectors/offset_number.h"

namespace velaria {

namespace {

// More than this without a row's end is no row.
constexpr uint64_t kMostRowBytes = uint64_t{64} << 20;
// The columns come from so much of the file.
constexpr uint64_t kSampleBytes = uint64_t{16} << 20;
// Of the part that was read, so much before its end is looked at again before reading goes on.
constexpr size_t kWatchedBytes = 256;

class PieceFile : public ReadableFile {
 public:
  PieceFile(std::string path, std::shared_ptr<const std::string> content)
      : path_(std::move(path)), content_(std::move(content)) {}
  const std::string& path() const override { return path_; }
  uint64_t size_bytes() const override { return content_->size(); }
  size_t read_at(uint64_t offset, void* out, size_t size_bytes) const override {
    if (offset >= content_->size()) return 0;
    const size_t got = std::min<size_t>(size_bytes, content_->size() - offset);
    std::memcpy(out, content_->data() + offset, got);
    return got;
  }

 private:
  const std::string path_;
  const std::shared_ptr<const std::string> content_;
};

// A piece of the file under the file's name, for a reader of whole files.
class PieceFiles : public FileSystem {
 public:
  explicit PieceFiles(std::string content)
      : content_(std::make_shared<const std::string>(std::move(content))) {}
  std::unique_ptr<ReadableFile> open_read(const std::string& path) override {
    return std::make_unique<PieceFile>(path, content_);
  }
  std::unique_ptr<WritableFile> create(const std::string& path, bool) override { refuse(path); }
  bool exists(const std::string&) override { return true; }
  bool is_directory(const std::string&) override { return false; }
  bool is_link(const std::string&) override { return false; }
  std::vector<std::string> list_directory(const std::string& path) override { refuse(path); }
  void make_directories(const std::string& path) override { refuse(path); }
  void rename(const std::string&, const std::string& to) override { refuse(to); }
  void remove(const std::string& path) override { refuse(path); }
  void sync_directory(const std::string& path) override { refuse(path); }
  std::unique_ptr<FileLock> try_lock(const std::string& path, std::string_view) override {
    refuse(path);
  }

 private:
  [[noreturn]] static void refuse(const std::string& path) {
    throw Error(ErrorKind::kFileAccess,
                concat("'", path, "' is a piece of a file: it can be read"));
  }
  const std::shared_ptr<const std::string> content_;
};

class FileTailStream : public StreamSource {
 public:
  FileTailStream(std::shared_ptr<FileSystem> files, std::string path, StreamFileFormat format,
                 FileTailOptions options)
      : files_(std::move(files)),
        path_(std::move(path)),
        format_(std::move(format)),
        options_(options) {
    if (options_.batch_bytes < 1) {
      throw Error(ErrorKind::kInvalidArgument,
                  concat("batch_bytes=", options_.batch_bytes, " must be at least 1"));
    }
    if (!format_.no_tail_because.empty()) {
      throw Error(ErrorKind::kInvalidArgument, format_.no_tail_because);
    }
    const std::unique_ptr<ReadableFile> file = files_->open_read(path_);
    if (format_.columns.empty()) {
      std::string rows = next_piece(*file, file->size_bytes(), kSampleBytes);
      if (rows.empty()) {
        throw Error(ErrorKind::kInvalidArgument,
                    concat("'", path_,
                           "' holds no whole row yet: give `columns`, or let a first row come"));
      }
      const auto sample = std::make_shared<PieceFiles>(std::move(rows));
      format_.columns =
          format_.open(sample, path_, {}, StreamFilePart::kBeginning)->schema().fields();
    }
    schema_ = Schema(format_.columns);
  }

  const Schema& schema() const override { return schema_; }
  bool bounded() const override { return options_.bounded; }
  bool wants_markers() const override { return false; }
  bool can_restore() const override { return true; }
  std::string describe() const override { return concat(format_.name, " tail '", path_, "'"); }

  void open(const StreamContext&) override {
    read_ = 0;
    watched_.clear();
    notes_ = {};
    if (options_.bounded) end_ = files_->open_read(path_)->size_bytes();
  }

  SourceStatus next(StreamBatch* batch) override {
    for (;;) {
      const std::unique_ptr<ReadableFile> file = files_->open_read(path_);
      const uint64_t size = check_grown(*file);
      const uint64_t limit = options_.bounded ? std::min(size, end_) : size;
      std::string piece = next_piece(*file, limit, static_cast<uint64_t>(options_.batch_bytes));
      if (piece.empty()) {
        return options_.bounded && read_ >= end_ ? SourceStatus::kEnd : SourceStatus::kBlocked;
      }
      read_rows(std::move(piece), batch);
      if (batch->chunks.empty()) continue;  // a header, or blank lines
      batch->source_offset = offset();
      return SourceStatus::kBatch;
    }
  }

  SourceNotes take_notes() override { return std::exchange(notes_, {}); }

  void restore(std::string_view offset) override {
    const size_t at = offset.find('@');
    uint64_t read = 0;
    uint64_t hash = 0;
    if (!read_offset_number(offset.substr(0, at), &read) ||
        (at != std::string_view::npos && !read_offset_number(offset.substr(at + 1), &hash, 16))) {
      throw Error(ErrorKind::kCheckpoint,
                  concat("'", excerpt(offset), "' is no offset of ", describe(),
                         ": it counts bytes, as in '4096@9f3c2b1a00e4d7c5'"));
    }
    const std::unique_ptr<ReadableFile> file = files_->open_read(path_);
    char last = '\n';
    if (read > 0 && read <= file->size_bytes()) file->read_at(read - 1, &last, 1);
    if (read > file->size_bytes() || (last != '\n' && read != end_)) {
      throw Error(
          ErrorKind::kCheckpoint,
          concat("cannot go on behind byte ", read, " of ", describe(), ": it has ",
                 file->size_bytes(), " bytes now, and no row ends there; it is another file"));
    }
    read_ = read;
    watch(*file);
    if (at != std::string_view::npos && hash_bytes(watched_.data(), watched_.size()) != hash) {
      throw Error(
          ErrorKind::kCheckpoint,
          concat("cannot go on behind byte ", read, " of ", describe(), ": the ", watched_.size(),
                 " bytes before it are not those that were read; it is "
                 "another file, or was changed"));
    }
  }

 private:
  // How many bytes were read, and what the last of them were.
  std::string offset() const {
    char hash[17];
    std::snprintf(hash, sizeof(hash), "%016llx",
                  static_cast<unsigned long long>(hash_bytes(watched_.data(), watched_.size())));
    return concat(read_, "@", hash);
  }

  void watch(const ReadableFile& file) {
    watched_.resize(static_cast<size_t>(std::min<uint64_t>(read_, kWatchedBytes)));
    watched_.resize(file.read_at(read_ - watched_.size(), watched_.data(), watched_.size()));
  }

  // The file's size, if it is still the one that was read.
  uint64_t check_grown(const ReadableFile& file) {
    const uint64_t size = file.size_bytes();
    std::string now(watched_.size(), '\0');
    if (size >= read_ && !watched_.empty()) {
      now.resize(file.read_at(read_ - watched_.size(), now.data(), now.size()));
    }
    if (size >= std::max(read_, end_) && now == watched_) return size;
    const char* seen = size < read_      ? "not all that were read are there"
                       : now != watched_ ? "some that were read changed"
                                         : "not all that it had when the query began are there";
    throw Error(ErrorKind::kStream,
                concat("'", path_, "' was replaced or cut: of its bytes, ", read_,
                       " of which were read, ", seen, "; start a new query for the new file"));
  }

  // Whole rows between read_ and `limit`, about `size_bytes` of them; empty when there is none.
  std::string next_piece(const ReadableFile& file, uint64_t limit, uint64_t size_bytes) const {
    std::string piece;
    size_t whole = 0;
    while (read_ + piece.size() < limit) {
      const size_t before = piece.size();
      // A row longer than that is looked at again from its beginning: twice as much each time.
      const uint64_t wanted =
          std::min<uint64_t>(std::max<uint64_t>(size_bytes, before), limit - read_ - before);
      piece.resize(before + static_cast<size_t>(wanted));
      piece.resize(before + file.read_at(read_ + before, piece.data() + before, wanted));
      if (piece.size() == before) break;
      whole = format_.whole_rows_bytes ? format_.whole_rows_bytes(piece) : piece.rfind('\n') + 1;
      if (whole > 0) break;
      if (piece.size() > kMostRowBytes) {
        throw Error(ErrorKind::kFileFormat,
                    concat("'", path_, "': the row that begins at byte ", read_, " has more than ",
                           kMostRowBytes, " bytes; is a quote left open?"));
      }
    }
    // The last row of a file that ends may lack its line end.
    if (options_.bounded && read_ + piece.size() == end_ && whole == 0) return piece;
    piece.resize(whole);
    return piece;
  }

  void read_rows(std::string piece, StreamBatch* batch) {
    const auto part = read_ == 0 ? StreamFilePart::kBeginning : StreamFilePart::kFurther;
    const uint64_t begin = read_;
    read_ += piece.size();
    watched_ +=
        std::string_view(piece).substr(piece.size() - std::min(piece.size(), kWatchedBytes));
    watched_.erase(0, watched_.size() - std::min<size_t>(watched_.size(), kWatchedBytes));
    try {
      const TableSourcePtr rows = format_.open(std::make_shared<PieceFiles>(std::move(piece)),
                                               path_, format_.columns, part);
      notes_.rejected_rows += rejected_rows_of(*rows);
      for (const std::string& warning : warnings_of(*rows)) {
        notes_.warnings.push_back(concat("'", path_, "' from byte ", begin, " on: ", warning));
      }
      ScanRequest request;
      for (size_t i = 0; i < schema_.size(); ++i) request.columns.push_back(i);
      const std::unique_ptr<TableScan> scan = rows->scan(request);
      const std::unique_ptr<ScanTask> task = scan->new_task();
      batch->chunks.clear();
      for (Chunk chunk; task->next(&chunk); chunk = Chunk()) {
        if (chunk.selected_rows() > 0) batch->chunks.push_back(std::move(chunk));
      }
    } catch (const Error& error) {
      throw Error(error.kind(), concat("in '", path_, "' from byte ", begin,
                                       " on, where line 1 begins: ", error.message()));
    }
  }

  const std::shared_ptr<FileSystem> files_;
  const std::string path_;
  StreamFileFormat format_;
  const FileTailOptions options_;
  Schema schema_;
  uint64_t read_ = 0;    // bytes
  uint64_t end_ = 0;     // bounded: where it ends
  std::string watched_;  // the last bytes before read_, kWatchedBytes if there are so many
  SourceNotes notes_;
};

}  // namespace

StreamSourcePtr make_file_tail_stream(std::shared_ptr<FileSystem> files, std::string path,
                                      StreamFileFormat format, FileTailOptions options) {
  return std::make_shared<FileTailStream>(std::move(files), std::move(path), std::move(format),
                                          options);
}

}  // namespace velaria
