#include "stream/connectors/csv_file_sink.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/io/compressed_writer.h"
#include "src/io/csv/csv_writer.h"
#include "src/io/json/json_writer.h"

namespace velaria {

namespace {

using MakeWriter = std::function<std::unique_ptr<TextWriter>(const Schema&)>;

// More than this behind the last whole row is no row that a crash cut off.
constexpr uint64_t kMostTornBytes = uint64_t{1} << 20;

// The place behind the last line end that stands in no quotes ('\0': there are none).
uint64_t end_of_whole_rows(const ReadableFile& file, char quote) {
  constexpr size_t kBlockBytes = size_t{1} << 20;
  std::string block(kBlockBytes, '\0');
  uint64_t end = 0;
  bool quoted = false;
  for (uint64_t at = 0;;) {
    const size_t got = file.read_at(at, block.data(), block.size());
    if (got == 0) return end;
    for (size_t i = 0; i < got; ++i) {
      const char c = block[i];
      if (c == quote && quote != '\0') quoted = !quoted;
      if (c == '\n' && !quoted) end = at + i + 1;
    }
    at += got;
  }
}

void copy_bytes(const ReadableFile& from, uint64_t begin, uint64_t end, WritableFile* to) {
  constexpr uint64_t kBlockBytes = uint64_t{1} << 20;
  std::string block;
  while (begin < end) {
    block.resize(static_cast<size_t>(std::min(kBlockBytes, end - begin)));
    block.resize(from.read_at(begin, block.data(), block.size()));
    if (block.empty()) {
      throw Error(ErrorKind::kFileAccess,
                  concat("'", from.path(), "' became shorter while it was read"));
    }
    to->write(block);
    begin += block.size();
  }
}

class TextFileSink : public StreamSink {
 public:
  TextFileSink(std::shared_ptr<FileSystem> files, std::string path, CsvFileMode mode,
               std::string format, char quote, MakeWriter make_writer)
      : files_(std::move(files)),
        path_(std::move(path)),
        mode_(mode),
        format_(std::move(format)),
        quote_(quote),
        make_writer_(std::move(make_writer)) {}

  std::string describe() const override { return concat(format_, " '", path_, "'"); }

  void open(const StreamContext& context, const Schema& schema) override {
    checkpointed_ = !context.checkpoint_path.empty();
    writer_ = make_writer_(schema);
    pending_.clear();
    // A query that goes on has its earlier rows there.
    const bool keep = mode_ == CsvFileMode::kAppend || context.restored;
    const bool has_rows = keep && files_->exists(path_) && end_at_a_row();
    file_ = files_->create(path_, keep);
    // A checkpoint must not outlive the file's name, which may be of a run that was killed.
    if (checkpointed_) files_->sync_directory(directory_of(path_));
    if (!has_rows) writer_->write_header(&pending_);
    if (!pending_.empty()) write_pending();
  }

  void write(const Schema&, const std::vector<Chunk>& chunks) override {
    for (const Chunk& chunk : chunks) {
      writer_->write_chunk(chunk, &pending_);
      // A large result goes out in parts.
      constexpr size_t kPartBytes = size_t{4} << 20;
      if (pending_.size() >= kPartBytes) write_pending();
    }
  }

  void flush() override {
    if (!pending_.empty()) write_pending();
  }

  void sync() override {
    if (unsynced_.exchange(false)) file_->sync();
  }

  void close() override {
    if (!file_) return;
    const std::unique_ptr<WritableFile> file = std::move(file_);
    file->sync();
    file->close();
  }

 private:
  // Makes the file one that rows can be put behind; false when it holds nothing then.
  bool end_at_a_row() {
    const std::unique_ptr<ReadableFile> file = files_->open_read(path_);
    const uint64_t size = file->size_bytes();
    if (size == 0) return false;
    if (!checkpointed_) {
      char last = '\0';
      file->read_at(size - 1, &last, 1);
      if (last != '\n') pending_ = "\n";
      return true;
    }
    const uint64_t end = end_of_whole_rows(*file, quote_);
    if (end < size) cut_torn_row(*file, end);
    return end > 0;
  }

  // What a crash left of a row: the row comes again, since no checkpoint tells of it. Its bytes are
  // kept aside, in case they are somebody's.
  void cut_torn_row(const ReadableFile& file, uint64_t end) {
    const uint64_t size = file.size_bytes();
    if (size - end > kMostTornBytes) {
      throw Error(ErrorKind::kFileFormat,
                  concat(describe(), " ends within a row that begins at byte ", end, " and has ",
                         size - end,
                         " bytes: that is more than a crash leaves of a row; mend the "
                         "file, or give another one"));
    }
    replace_file_atomically(*files_, path_ + ".torn",
                            [&](WritableFile& torn) { copy_bytes(file, end, size, &torn); });
    replace_file_atomically(*files_, path_,
                            [&](WritableFile& whole) { copy_bytes(file, 0, end, &whole); });
  }

  void write_pending() {
    file_->write(pending_);
    pending_.clear();
    unsynced_ = true;
  }

  const std::shared_ptr<FileSystem> files_;
  const std::string path_;
  const CsvFileMode mode_;
  const std::string format_;
  const char quote_;
  const MakeWriter make_writer_;
  std::unique_ptr<TextWriter> writer_;
  std::unique_ptr<WritableFile> file_;
  std::string pending_;
  std::atomic<bool> unsynced_{false};  // set behind the write, so that no sync misses it
  bool checkpointed_ = false;
};

// What only a reader can do: taken in silence, it would seem to have been done.
void refuse_reader_options(const CsvOptions& options) {
  const std::pair<const char*, bool> of_readers[] = {
      {"columns", !options.columns.empty()},
      {"escape", options.escape != '\0'},
      {"comment", !options.comment.empty()},
      {"skip_lines", options.skip_lines != 0},
      {"types", !options.types.empty()},
      {"null_words", !options.null_words.empty()},
      {"ragged", options.ragged != RaggedPolicy::kError},
      {"on_type_error", options.on_type_error != TypeErrorPolicy::kWiden},
      {"on_error", options.on_error != RowErrorPolicy::kFail},
      {"encoding", !options.input.encoding.empty()},
      {"filename", !options.input.filename_column.empty()},
      {"union_by_name", options.input.union_by_name}};
  for (const auto& [name, is_set] : of_readers) {
    if (!is_set) continue;
    throw Error(ErrorKind::kInvalidArgument,
                concat("a CSV sink takes no option '", name,
                       "': it is one of readers; sinks take delimiter, quote, header and "
                       "null_text, and write UTF-8"));
  }
}

void refuse_compressed_name(const std::string& path, const char* format) {
  if (compression_of_name(path) == Compression::kNone) return;
  throw Error(ErrorKind::kInvalidArgument,
              concat("a ", format, " sink writes plain text, row by row, and '", excerpt(path, 200),
                     "' ends as a compressed file does; leave the last ending out"));
}

}  // namespace

StreamSinkPtr make_csv_file_sink(std::shared_ptr<FileSystem> files, std::string path,
                                 CsvFileMode mode, CsvOptions options) {
  check_csv_options(options);
  refuse_reader_options(options);
  refuse_compressed_name(path, "CSV");
  const char quote = options.quote;
  return std::make_shared<TextFileSink>(
      std::move(files), std::move(path), mode, "csv", quote,
      [options = std::move(options)](const Schema& schema) -> std::unique_ptr<TextWriter> {
        return std::make_unique<CsvWriter>(schema, options);
      });
}

StreamSinkPtr make_json_file_sink(std::shared_ptr<FileSystem> files, std::string path,
                                  CsvFileMode mode) {
  refuse_compressed_name(path, "JSON");
  return std::make_shared<TextFileSink>(std::move(files), std::move(path), mode, "json", '\0',
                                        [](const Schema& schema) -> std::unique_ptr<TextWriter> {
                                          return std::make_unique<JsonWriter>(schema);
                                        });
}

}  // namespace velaria
