// A stream source whose methods are Python's.
#pragma once

#include <pybind11/pybind11.h>

#include <string>

#include "python_api/bindings/gil.h"
#include "stream/stream_source.h"

namespace velaria::python {

// Calls next(), and open(dict), checkpoint(dict), ack(str), restore(str), close(), wake() and
// drain() where they are not None, with the lock held; wake and drain on any thread. next() gives
// None at the end, False for "not now", or (data, offset): Arrow data or a RowSet of the schema, or
// a list of them, and the text that restore() gets back. An exception fails the query with its
// text.
class PythonSource : public StreamSource {
 public:
  struct Hooks {
    py::object next;
    py::object open;
    py::object checkpoint;
    py::object ack;
    py::object restore;
    py::object close;
    py::object wake;
    py::object drain;
  };
  PythonSource(Schema schema, Hooks hooks, bool bounded, std::string description);

  const Schema& schema() const override { return schema_; }
  bool bounded() const override { return bounded_; }
  std::string describe() const override { return description_; }
  bool can_restore() const override { return can_restore_; }
  bool wants_markers() const override { return wants_markers_; }
  void open(const StreamContext& context) override;
  SourceStatus next(StreamBatch* batch) override;
  void checkpoint(const CheckpointMarker& marker) override;
  void ack(std::string_view token) override;
  void restore(std::string_view source_offset) override;
  void close() override;
  void wake() override;
  bool drain() override;

 private:
  const Schema schema_;
  const bool bounded_;
  const bool can_restore_;
  const bool wants_markers_;
  const PythonReference next_;
  const PythonReference open_;
  const PythonReference checkpoint_;
  const PythonReference ack_;
  const PythonReference restore_;
  const PythonReference close_;
  const PythonReference wake_;
  const PythonReference drain_;
  const std::string description_;
};

// Chunks of `schema` from Arrow data, a RowSet, or a list of these. The caller holds the lock.
std::vector<Chunk> chunks_from_python(const Schema& schema, py::handle data);

}  // namespace velaria::python
