// Prints what a streaming query gives, a table for each batch: for looking at a stream.
//
//   StreamSinkPtr sink = make_console_sink();          // to standard output
//
//   batch 2
//   user  total
//   utf8  int64
//   ----  -----
//   ann      15
//   bob       7
//   (2 rows)
//
// A batch that gives no rows prints nothing, and counts.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "stream/stream_sink.h"

namespace velaria {

struct ConsoleOptions {
  int64_t most_rows = 20;  // of one batch; its last line says how many there are
};

// Key: rows. InvalidArgumentError with a suggestion for an unknown one.
ConsoleOptions console_options_from_text(const std::map<std::string, std::string>& texts);

// To a descriptor, which stays open. The write waits while nobody reads a pipe, until the query is
// stopped; a pipe whose reader is gone fails the query (no signal comes on a query's thread), and
// so does any other error. InvalidArgumentError for most_rows < 0.
StreamSinkPtr make_console_sink(int descriptor = 1, ConsoleOptions options = {});

// To a function, which is called once for each batch that has rows, on the query's control thread;
// what it throws fails the query.
using ConsoleWriter = std::function<void(std::string_view text)>;
StreamSinkPtr make_console_sink(ConsoleWriter write, ConsoleOptions options = {});

}  // namespace velaria
