// Where the batches of a streaming query come from.
//
// Life: open -> [restore] -> { next -> checkpoint -> ack }* -> close. A query calls everything but
// wake() and drain() from one thread of its own, never two calls at once; markers and acks come
// between two next(), in the order of the batches, but a source may be several batches ahead of
// them. close() comes exactly once at the end of every query that was started, also when open()
// failed or was never reached. Anything thrown fails the query with that text (and close() still
// comes). One query reads a source at a time: another one is not started meanwhile.
//
//   class Numbers : public StreamSource {
//     const Schema& schema() const override { return schema_; }
//     bool bounded() const override { return true; }
//     std::string describe() const override { return "numbers"; }
//     SourceStatus next(StreamBatch* batch) override { ... return SourceStatus::kEnd; }
//   };
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/column/chunk.h"
#include "src/column/schema.h"
#include "stream/exclusive_use.h"
#include "stream/stream_context.h"

namespace velaria {

enum class SourceStatus {
  kBatch,    // *batch is filled (it may have no rows: only the offset moved)
  kEnd,      // there will never be another one
  kBlocked,  // not now; the query asks again, it never ends by this
};

// The unit of one epoch: run, written, checkpointed and acknowledged as a whole.
struct StreamBatch {
  std::vector<Chunk> chunks;  // of the source's schema, any size; selections allowed
  // The source's own text for "everything up to and with this batch"; restore() gets it back.
  std::string source_offset;

  int64_t rows() const;
};

// What a source has to tell beside its rows.
struct SourceNotes {
  int64_t rejected_rows = 0;  // that it left out, as its maker allowed it to
  std::vector<std::string> warnings;
};

// Throws StreamError naming `who` and the column when a chunk is not of the schema.
void check_stream_chunks(const Schema& schema, const std::vector<Chunk>& chunks,
                         std::string_view who);

class StreamSource {
 public:
  virtual ~StreamSource() = default;

  // Valid before open() and constant.
  virtual const Schema& schema() const = 0;
  // True when kEnd will come by itself.
  virtual bool bounded() const = 0;
  // For explain: "csv directory '/data/in'", "arrow", "realtime".
  virtual std::string describe() const = 0;
  // False: checkpoint() and ack() do nothing, and are not called: a thread less has to wake up for
  // each batch. Constant.
  virtual bool wants_markers() const { return true; }
  // Whether restore() works.
  virtual bool can_restore() const { return false; }

  virtual void open(const StreamContext& context) { static_cast<void>(context); }
  // May wait for data, at most about context.idle_wait_ms, then says kBlocked.
  virtual SourceStatus next(StreamBatch* batch) = 0;
  // What there is to tell since the last call; asked for after every next().
  virtual SourceNotes take_notes() { return {}; }
  virtual void checkpoint(const CheckpointMarker& marker) { static_cast<void>(marker); }
  // The batch with this offset and all before it are done and recorded: they may be forgotten.
  virtual void ack(std::string_view token) { static_cast<void>(token); }
  // After open(), before the first next(): go on behind `source_offset`. Throws CheckpointError
  // when it is not an offset of this source.
  virtual void restore(std::string_view source_offset);
  virtual void close() {}

  // Any thread, between the return of open() and close(), which waits for it: makes a waiting
  // next() return kBlocked soon. What it throws is a warning of the query.
  virtual void wake() {}
  // Any thread, at the same times as wake(): nothing new is wanted. True: next() will give what was
  // accepted so far and then kEnd. False: the source cannot tell, and the query simply stops
  // asking. What it throws fails the query.
  virtual bool drain() { return false; }

  // For queries: each takes it before any call of the life above.
  ExclusiveUse& exclusive_use() { return *exclusive_use_; }
  // Of several views of one thing, such as one file, that may be used by one query in all. Before
  // any query has this one.
  void share_exclusive_use(std::shared_ptr<ExclusiveUse> use) { exclusive_use_ = std::move(use); }

 private:
  std::shared_ptr<ExclusiveUse> exclusive_use_ = std::make_shared<ExclusiveUse>();
};

using StreamSourcePtr = std::shared_ptr<StreamSource>;

}  // namespace velaria
