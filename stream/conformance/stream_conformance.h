// Tests that a source or sink written for Velaria should pass, in C++ or through the C table, for
// its own test suite. No test framework is needed:
//
//   const ConformanceReport report = check_stream_source([] { return make_my_source(); });
//   EXPECT_TRUE(report.ok()) << report.to_string();
//
//   ok: schema
//   ok: batches
//   broken: restore-refuses: the text 'no offset of anybody' was taken as an offset
//
// Each rule is checked on sources or sinks of its own, made by the function that is given; all are
// checked, also behind a broken one. A rule that does not come to an end within `rule_timeout_ms`
// is broken, and nothing is checked behind it: its thread is left behind, so let the function own
// what it uses, and end the process soon.
//
// Rules of a source
//   schema           the same for two sources, before open() and behind close()
//   batches          every batch is of the schema, in columns, types and lengths
//   rows             the rows are those that were expected; without any, those of another run
//   offsets          no two batches with rows have one offset
//   end              behind kEnd comes no batch; a bounded source comes to its end
//   markers          checkpoint() and ack() of earlier batches are taken between two next(), and
//                    change no row
//   close            close() may come without open(), in the middle, and behind the end
//   independent      two sources that are read in turns give what each gives alone
//   restore          behind the offset of each of the first 20 batches come exactly the rows behind
//                    it (where can_restore())
//   restore-refuses  a text that is no offset is an error
//   wake             wake(), from another thread, ends a waiting next() long before idle_wait_ms
//   drain            behind a drain() that said true comes the end
//   query            in a streaming query: all rows arrive, max_batches and stop() end it, and
//                    close() comes once
// Rules of a sink
//   rows             all rows arrive once and in order, for batches of many sizes and for none
//   flush            what was written can be read when flush() returns
//   sync             sync() may run on another thread beside write() and flush()
//   close            close() may come without open() and in the middle
//   wake             wake(), from another thread, ends a write() that waits for somebody outside
//   query            in a streaming query: rows are readable when they are recorded, and close()
//                    comes once, also when the query fails
// Rules of a C table, beside these through import_stream_source() and import_stream_sink()
//   table            version, size and required functions
//   release          release alone, without any other call
//   get-schema       a struct; asked twice it is the same one; each belongs to who asked
//   next-batch       OK gives an array of the schema and an offset that is no NULL
//   arrays-outlive   arrays stay valid behind close and release
//   error-text       last_error has a text behind ERROR (of restore with a text that is no offset)
//   write-takes      with OK the array is taken over; with BLOCKED it is untouched
//   arrays-released  every array that was taken over is released once, at the latest by release
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "stream/source_sink_abi.h"
#include "stream/stream_sink.h"
#include "stream/stream_source.h"

namespace velaria {

struct ConformanceReport {
  struct Rule {
    std::string name;
    std::string broken;  // how; empty: it holds
  };
  std::vector<Rule> rules;  // that were checked, in order

  bool ok() const;
  bool has(const std::string& rule) const;  // it was checked and holds
  std::string to_string() const;            // a line for each
};

// One text for each row, its values behind each other with '|' between them: "1|a|NULL".
std::vector<std::string> row_texts(const std::vector<Chunk>& chunks);

struct SourceConformanceOptions {
  std::optional<std::vector<std::string>> rows;  // as row_texts() gives them; not said: any
  int64_t max_batches = 100;                     // of a source without an end so many are looked at
  int64_t rule_timeout_ms = 60'000;
};

// `make` makes a new source of the same data at each call; a source that is pushed into gets its
// rows, and its end, from `make`.
ConformanceReport check_stream_source(const std::function<StreamSourcePtr()>& make,
                                      const SourceConformanceOptions& options = {});
// `make` fills a table that is all zero.
ConformanceReport check_source_table(const std::function<void(VelariaSource*)>& make,
                                     const SourceConformanceOptions& options = {});

// The rows of the checks have the columns n, int64, counting from 0, and text, utf8, with NULLs.
Schema conformance_schema();

struct SinkConformanceOptions {
  int64_t rule_timeout_ms = 60'000;
};

template <typename Sink>
struct SinkUnderTest {
  Sink sink{};
  // The rows that are in the sink now, as row_texts() gives them. Called between calls of the sink,
  // also behind close() and, for a table, behind release.
  std::function<std::vector<std::string>()> read_back;
};

// `make` makes a new, empty sink at each call.
ConformanceReport check_stream_sink(const std::function<SinkUnderTest<StreamSinkPtr>()>& make,
                                    const SinkConformanceOptions& options = {});
ConformanceReport check_sink_table(const std::function<SinkUnderTest<VelariaSink>()>& make,
                                   const SinkConformanceOptions& options = {});

}  // namespace velaria
