// Where the results of a streaming query go.
//
// Life: open -> { write -> flush -> [sync -> checkpoint] }* -> close. A query calls everything but
// sync() and wake() from one thread of its own. write() comes only with rows, flush() after every
// batch. close() comes exactly once at the end of every query that was started, also when open()
// failed or was never reached. Anything thrown fails the query with that text (and close() still
// comes). One query writes to a sink at a time: another one is not started meanwhile.
//
// Update mode: a query with GROUP BY writes, for each batch, the present values of the groups that
// the batch touched; the later row of a key replaces the earlier one. Other queries write their
// rows.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "src/column/chunk.h"
#include "src/column/schema.h"
#include "stream/exclusive_use.h"
#include "stream/stream_context.h"

namespace velaria {

class StreamSink {
 public:
  virtual ~StreamSink() = default;

  // For explain: "memory", "csv '/out/a.csv'".
  virtual std::string describe() const = 0;
  // True when write() may wait for somebody outside.
  virtual bool blocking() const { return false; }

  virtual void open(const StreamContext& context, const Schema& schema) {
    static_cast<void>(context);
    static_cast<void>(schema);
  }
  // Chunks without selections, in order; the sink may keep them (columns are immutable).
  virtual void write(const Schema& schema, const std::vector<Chunk>& chunks) = 0;
  // What was written is out of our hands when this returns.
  virtual void flush() {}
  // What was flushed is safe from a crash when this returns: a checkpoint that covers it is written
  // next. Called by the thread that writes checkpoints, perhaps during write() or flush(), never
  // together with open() or close().
  virtual void sync() {}
  virtual void checkpoint(const CheckpointMarker& marker) { static_cast<void>(marker); }
  virtual void close() {}

  // Any thread, between the return of open() and close(), which waits for it: the query is being
  // stopped at once; a waiting write() throws CancelledError soon. What this throws is a warning of
  // the query.
  virtual void wake() {}

  // For queries: each takes it before any call of the life above.
  ExclusiveUse& exclusive_use() { return *exclusive_use_; }
  // Of several views of one thing, such as one file, that may be used by one query in all. Before
  // any query has this one.
  void share_exclusive_use(std::shared_ptr<ExclusiveUse> use) { exclusive_use_ = std::move(use); }

 private:
  std::shared_ptr<ExclusiveUse> exclusive_use_ = std::make_shared<ExclusiveUse>();
};

using StreamSinkPtr = std::shared_ptr<StreamSink>;

}  // namespace velaria
