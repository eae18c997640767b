// A stream sink whose methods are Python's, and consoles that Python writes.
#pragma once

#include <pybind11/pybind11.h>

#include <string>

#include "python_api/bindings/gil.h"
#include "stream/connectors/console_sink.h"
#include "stream/stream_sink.h"

namespace velaria::python {

// Calls write(RowSet), and open(dict), flush(), checkpoint(dict) and close() where they are not
// None, on the query's control thread with the lock held. An exception fails the query with its
// text.
class PythonSink : public StreamSink {
 public:
  struct Hooks {
    py::object write;
    py::object open;
    py::object flush;
    py::object checkpoint;
    py::object close;
  };
  PythonSink(Hooks hooks, std::string description, bool blocking);

  std::string describe() const override { return description_; }
  bool blocking() const override { return blocking_; }
  void open(const StreamContext& context, const Schema& schema) override;
  void write(const Schema& schema, const std::vector<Chunk>& chunks) override;
  void flush() override;
  void checkpoint(const CheckpointMarker& marker) override;
  void close() override;

 private:
  const PythonReference write_;
  const PythonReference open_;
  const PythonReference flush_;
  const PythonReference checkpoint_;
  const PythonReference close_;
  const std::string description_;
  const std::string who_;  // as errors name it
  const bool blocking_;
};

// Calls write(str) with the lock held; an exception fails the query with its text.
ConsoleWriter python_console_writer(py::object write);

}  // namespace velaria::python
