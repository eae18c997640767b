#include "stream/connectors/csv_file_sink.h"

#include <functional>

#include "src/base/text.h"
#include "src/io/csv/csv_writer.h"
#include "src/io/json/json_writer.h"

namespace velaria {

namespace {

using MakeWriter = std::function<std::unique_ptr<TextWriter>(const Schema&)>;

class TextFileSink : public StreamSink {
 public:
  TextFileSink(std::shared_ptr<FileSystem> files, std::string path, CsvFileMode mode,
               std::string format, MakeWriter make_writer)
      : files_(std::move(files)),
        path_(std::move(path)),
        mode_(mode),
        format_(std::move(format)),
        make_writer_(std::move(make_writer)) {}

  std::string describe() const override { return concat(format_, " '", path_, "'"); }

  void open(const StreamContext& context, const Schema& schema) override {
    checkpointed_ = !context.checkpoint_path.empty();
    writer_ = make_writer_(schema);
    const bool append = mode_ == CsvFileMode::kAppend;
    const bool has_rows =
        append && files_->exists(path_) && files_->open_read(path_)->size_bytes() > 0;
    file_ = files_->create(path_, append);
    pending_.clear();
    if (!has_rows) {
      writer_->write_header(&pending_);
      write_pending();
    }
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
    if (!written_ && pending_.empty()) return;
    write_pending();
    // A checkpoint must not say more than the disk holds.
    if (checkpointed_) file_->sync();
    written_ = false;
  }

  void close() override {
    if (!file_) return;
    const std::unique_ptr<WritableFile> file = std::move(file_);
    file->sync();
    file->close();
  }

 private:
  void write_pending() {
    file_->write(pending_);
    pending_.clear();
    written_ = true;
  }

  const std::shared_ptr<FileSystem> files_;
  const std::string path_;
  const CsvFileMode mode_;
  const std::string format_;
  const MakeWriter make_writer_;
  std::unique_ptr<TextWriter> writer_;
  std::unique_ptr<WritableFile> file_;
  std::string pending_;
  bool written_ = false;  // since the last flush
  bool checkpointed_ = false;
};

}  // namespace

StreamSinkPtr make_csv_file_sink(std::shared_ptr<FileSystem> files, std::string path,
                                 CsvFileMode mode, CsvOptions options) {
  check_csv_options(options);
  return std::make_shared<TextFileSink>(
      std::move(files), std::move(path), mode, "csv",
      [options = std::move(options)](const Schema& schema) -> std::unique_ptr<TextWriter> {
        return std::make_unique<CsvWriter>(schema, options);
      });
}

StreamSinkPtr make_json_file_sink(std::shared_ptr<FileSystem> files, std::string path,
                                  CsvFileMode mode) {
  return std::make_shared<TextFileSink>(std::move(files), std::move(path), mode, "json",
                                        [](const Schema& schema) -> std::unique_ptr<TextWriter> {
                                          return std::make_unique<JsonWriter>(schema);
                                        });
}

}  // namespace velaria
