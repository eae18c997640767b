#include "stream/connectors/arrow_stream_source.h"

#include <charconv>

#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria {

namespace {

uint64_t parse_batch_offset(std::string_view offset, const std::string& source) {
  uint64_t batches = 0;
  const auto result = std::from_chars(offset.data(), offset.data() + offset.size(), batches);
  if (offset.empty() || result.ec != std::errc() || result.ptr != offset.data() + offset.size()) {
    throw Error(ErrorKind::kCheckpoint,
                concat("'", excerpt(offset), "' is no offset of the stream source ", source,
                       ": it counts batches, as in '3'"));
  }
  return batches;
}

// Batches that are all there: of an Arrow table or of chunks.
class IndexedStream : public StreamSource {
 public:
  bool wants_markers() const override { return false; }
  bool bounded() const override { return true; }
  bool can_restore() const override { return true; }
  void open(const StreamContext&) override { next_ = 0; }
  SourceStatus next(StreamBatch* batch) override {
    if (next_ >= batches()) return SourceStatus::kEnd;
    batch->chunks = {chunk(next_)};
    batch->source_offset = std::to_string(++next_);
    return SourceStatus::kBatch;
  }
  void restore(std::string_view offset) override {
    next_ = parse_batch_offset(offset, describe());
    if (next_ > batches()) {
      throw Error(ErrorKind::kCheckpoint,
                  concat("cannot go on behind batch ", next_, " of the stream source ", describe(),
                         ": it has only ", batches(), " batches now"));
    }
  }

 protected:
  virtual uint64_t batches() const = 0;
  virtual Chunk chunk(uint64_t index) const = 0;

 private:
  uint64_t next_ = 0;
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
    batch->source_offset = std::to_string(++given_);
    return SourceStatus::kBatch;
  }

  void restore(std::string_view offset) override {
    const uint64_t done = parse_batch_offset(offset, describe());
    while (given_ < done) {
      if (!reader_->next()) {
        throw Error(ErrorKind::kCheckpoint,
                    concat("cannot go on behind batch ", done,
                           " of the Arrow stream: it ends after ", given_, " batches now"));
      }
      ++given_;
    }
  }

  // The producer gets its stream back as soon as the query ends.
  void close() override { reader_.reset(); }

 private:
  const Schema schema_;
  std::unique_ptr<ArrowStreamReader> reader_;
  const bool bounded_;
  bool opened_ = false;
  uint64_t given_ = 0;
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
