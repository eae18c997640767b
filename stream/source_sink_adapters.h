// Between the C tables of source_sink_abi.h and the C++ interfaces, both ways.
//
// A C table becomes a StreamSource or StreamSink that calls it; a C++ source or sink becomes a
// table that calls it. The rules on threads and ownership are those of source_sink_abi.h.
#pragma once

#include <string>

#include "stream/source_sink_abi.h"
#include "stream/stream_sink.h"
#include "stream/stream_source.h"

namespace velaria {

// Takes the table over (its `release` is called when the result is gone, also when this throws) and
// sets *source to zero. `name` is what explain shows. InvalidArgumentError for a table of another
// version or without its required functions, StreamError when its schema cannot be had.
StreamSourcePtr import_stream_source(VelariaSource* source, std::string name = "plugin");
StreamSinkPtr import_stream_sink(VelariaSink* sink, std::string name = "plugin");

// `out` is overwritten; its `release` gives up the share in the source or sink.
void export_stream_source(StreamSourcePtr source, VelariaSource* out);
void export_stream_sink(StreamSinkPtr sink, VelariaSink* out);

}  // namespace velaria
