// Sources and sinks out of shared libraries, loaded while the program runs.
//
//   StreamSourcePtr ticks = load_stream_source("/opt/ticks/libticks.so", "rows=1000");
//
// A library exports velaria_make_source, velaria_make_sink or both (source_sink_abi.h). It is code:
// it runs in this process with all of its rights. It stays loaded until the process ends, since
// columns that came from it may outlive the source.
#pragma once

#include <string>

#include "stream/stream_sink.h"
#include "stream/stream_source.h"

namespace velaria {

// `path` is taken as it is, never looked for in the system's folders; `options` is the library's
// own text. Throws FileAccessError when the file is no library that can be loaded,
// InvalidArgumentError when it does not export the function or its table does not fit, StreamError
// with the library's text when it makes none.
StreamSourcePtr load_stream_source(const std::string& path, const std::string& options = "");
StreamSinkPtr load_stream_sink(const std::string& path, const std::string& options = "");

}  // namespace velaria
