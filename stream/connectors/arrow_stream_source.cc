#include "stream/connectors/arrow_stream_source.h"

#include <optional>

#include "src/base/error.h"
#include "src/base/text.h"
#include "stream/connectors/offset_number.h"

namespace velaria {

namespace {

// What was given so far. The rows tell whether they are the same batches when they come again.
struct BatchOffset {
  uint64_t batches = 0;
  std::optional<uint64_t> rows;  // not known: of an older version
};

std::string format_batch_offset(uint64_t batches, uint64_t rows) {
  return concat(batches, "@", rows);
}

BatchOffset parse_batch_offset(std::string_view text, const std::string& source) {
  const size_t at = text.find('@');
  BatchOffset out;
  if (!read_offset_number(text.substr(0, at), &out.batches) ||
      (at != std::string_view::npos &&
       !read_offset_number(text.substr(at + 1), &out.rows.emplace()))) {
    throw Error(ErrorKind::kCheckpoint,
                concat("'", excerpt(text), "' is no offset of the stream source ", source,
                       ": it counts batches and rows, as in '3@1500'"));
  }
  return out;
}

void require_same_rows(const BatchOffset& offset, uint64_t rows, const std::string& source) {
  if (!offset.rows || rows == *offset.rows) return;
  throw Error(
      ErrorKind::kCheckpoint,
      concat("cannot go on behind batch ", offset.batches, " of the stream source ", source,
             ": its first ", offset.batches, " batches had ", *offset.rows, " rows and have ", rows,
             " now; cut it into the same batches (batch_rows), or start anew with another "
             "checkpoint_path"));
}

uint64_t rows_of(const Chunk& chunk) { return static_cast<uint64_t>(chunk.selected_rows()); }

// Batches that are all there: of an Arrow table or of chunks.
class IndexedStream : public StreamSource {
 public:
  bool wants_markers() const override { return false; }
  bool bounded() const override { return true; }
  bool can_restore() const override { return true; }
  void open(const StreamContext&) override { next_ = rows_ = 0; }
  SourceStatus next(StreamBatch* batch) override {
    if (next_ >= batches()) return SourceStatus::kEnd;
    batch->chunks = {chunk(next_)};
    ++next_;
    rows_ += rows_of(batch->chunks[0]);
    batch->source_offset = tells_rows() ? format_batch_offset(next_, rows_) : concat(next_);
    return SourceStatus::kBatch;
  }
  void restore(std::string_view text) override {
    const BatchOffset offset = parse_batch_offset(text, describe());
    if (offset.batches > batches()) {
      throw Error(ErrorKind::kCheckpoint,
                  concat("cannot go on behind batch ", offset.batches, " of the stream source ",
                         describe(), ": it has only ", batches(), " batches now"));
    }
    rows_ = 0;
    for (next_ = 0; next_ < offset.batches; ++next_) rows_ += rows_of(chunk(next_));
    require_same_rows(offset, rows_, describe());
  }

 protected:
  virtual uint64_t batches() const = 0;
  virtual Chunk chunk(uint64_t index) const = 0;
  virtual bool tells_rows() const { return true; }

 private:
  uint64_t next_ = 0;
  uint64_t rows_ = 0;  // of the batches before next_
};

class ArrowTableStream : public IndexedStream {
 public:
  explicit ArrowTableStream(ImportedTable table) : table_(std::move(table)) {}
  const Schema& schema() const override { return table_.schema(); }
  std::string describe() const override { return "arrow"; }

 protected:
  uint64_t batches() const override { return table_.batches.size(); }
  Chunk chunk(uint64_t index) const override { return table_.batches[index]->chunk(); }

 private:
  const ImportedTable table_;
};

class MemoryStream : public IndexedStream {
 public:
  MemoryStream(Schema schema, std::vector<Chunk> batches)
      : schema_(std::move(schema)), batches_(std::move(batches)) {
    check_stream_chunks(schema_, batches_, "memory");
  }
  const Schema& schema() const override { return schema_; }
  std::string describe() const override { return "memory"; }

 protected:
  uint64_t batches() const override { return batches_.size(); }
  Chunk chunk(uint64_t index) const override { return batches_[index]; }
  bool tells_rows() const override { return false; }

 private:
  const Schema schema_;
  const std::vector<Chunk> batches_;
};

class ArrowReaderStream : public StreamSource {
 public:
  ArrowReaderStream(std::unique_ptr<ArrowStreamReader> reader, bool bounded)
      : schema_(reader->schema()), reader_(std::move(reader)), bounded_(bounded) {}

  const Schema& schema() const override { return schema_; }
  bool bounded() const override { return bounded_; }
  bool wants_markers() const override { return false; }
  bool can_restore() const override { return true; }
  std::string describe() const override { return "arrow stream"; }

  void open(const StreamContext&) override {
    if (opened_) {
      throw Error(
          ErrorKind::kStream,
          "an Arrow stream can be read once, and a query has read this one; make a new one");
    }
    opened_ = true;
  }

  SourceStatus next(StreamBatch* batch) override {
    const ImportedArrayPtr array = reader_->next();
    if (!array) return SourceStatus::kEnd;
    batch->chunks = {array->chunk()};
    ++given_;
    rows_ += rows_of(batch->chunks[0]);
    batch->source_offset = format_batch_offset(given_, rows_);
    return SourceStatus::kBatch;
  }

  void restore(std::string_view text) override {
    const BatchOffset offset = parse_batch_offset(text, describe());
    while (given_ < offset.batches) {
      const ImportedArrayPtr array = reader_->next();
      if (!array) {
        throw Error(ErrorKind::kCheckpoint,
                    concat("cannot go on behind batch ", offset.batches,
                           " of the Arrow stream: it ends after ", given_, " batches now"));
      }
      ++given_;
      rows_ += rows_of(array->chunk());
    }
    require_same_rows(offset, rows_, describe());
  }

  // The producer gets its stream back as soon as the query ends. One that ended before it opened
  // this read nothing of it: another may.
  void close() override {
    if (opened_) reader_.reset();
  }

 private:
  const Schema schema_;
  std::unique_ptr<ArrowStreamReader> reader_;
  const bool bounded_;
  bool opened_ = false;
  uint64_t given_ = 0;
  uint64_t rows_ = 0;  // of those
};

}  // namespace

StreamSourcePtr make_arrow_table_stream(ImportedTable table) {
  return std::make_shared<ArrowTableStream>(std::move(table));
}

StreamSourcePtr make_memory_stream(Schema schema, std::vector<Chunk> batches) {
  return std::make_shared<MemoryStream>(std::move(schema), std::move(batches));
}

StreamSourcePtr make_arrow_reader_stream(std::unique_ptr<ArrowStreamReader> reader, bool bounded) {
  return std::make_shared<ArrowReaderStream>(std::move(reader), bounded);
}

}  // namespace velaria
