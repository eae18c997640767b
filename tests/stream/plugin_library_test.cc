#include "stream/plugin_library.h"

#include <fstream>
#include <numeric>

#include "tests/stream/stream_testing.h"

namespace velaria {
namespace {

const char* const kTicks = "examples/c/libticks.so";

std::vector<int64_t> run(const std::string& options, StreamOptions stream_options = {}) {
  auto sink = std::make_shared<MemorySink>();
  const auto query = StreamingQuery::make(event_scan(load_stream_source(kTicks, options)), sink,
                                          std::move(stream_options), {});
  query->start();
  query->await_termination();
  std::vector<int64_t> out;
  for (const Chunk& chunk : sink->chunks()) {
    for (int64_t i = 0; i < chunk.rows; ++i) out.push_back(chunk.columns[0]->value(i).as_int64());
  }
  return out;
}

TEST(PluginLibrary, TheExampleRunsAndIsRestored) {
  std::vector<int64_t> expected(250);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(run("250"), expected);
  EXPECT_TRUE(run("0").empty());

  const TestDirectory directory;
  StreamOptions options;
  options.checkpoint_path = directory.file("q.ckpt");
  options.checkpoint_delivery_mode = DeliveryMode::kBestEffort;
  options.max_batches = 1;
  EXPECT_EQ(run("250", options).size(), 100u);
  options.max_batches = std::nullopt;
  EXPECT_EQ(run("250", options), std::vector<int64_t>(expected.begin() + 100, expected.end()));
}

// Two of one library know nothing of each other, and columns outlive their source.
TEST(PluginLibrary, TablesAreIndependent) {
  auto sink = std::make_shared<MemorySink>();
  {
    const StreamSourcePtr long_one = load_stream_source(kTicks, "300");
    const StreamSourcePtr short_one = load_stream_source(kTicks, "10");
    EXPECT_EQ(long_one->describe(), "plugin 'libticks.so'");
    for (const StreamSourcePtr& source : {short_one, long_one}) {
      const auto query = StreamingQuery::make(event_scan(source), sink, {}, {});
      query->start();
      query->await_termination();
    }
  }
  EXPECT_EQ(sink->rows(), 310);
  EXPECT_EQ(sink->chunks().back().columns[0]->value(0).as_int64(), 200);
}

TEST(PluginLibrary, WhatCannotBeLoadedIsNamed) {
  std::string message;
  EXPECT_EQ(kind_of([] { load_stream_source(kTicks, "many"); }, &message), ErrorKind::kStream);
  EXPECT_NE(message.find("must be the number of rows"), std::string::npos) << message;
  EXPECT_EQ(kind_of([] { load_stream_sink(kTicks); }, &message), ErrorKind::kInvalidArgument);
  EXPECT_NE(message.find("does not export velaria_make_sink()"), std::string::npos) << message;
  const TestDirectory directory;
  EXPECT_EQ(kind_of([&] { load_stream_source(directory.file("missing.so")); }),
            ErrorKind::kFileAccess);
  std::ofstream(directory.file("text.so")) << "not a library";
  EXPECT_EQ(kind_of([&] { load_stream_source(directory.file("text.so")); }, &message),
            ErrorKind::kFileAccess);
  EXPECT_NE(message.find("text.so"), std::string::npos) << message;
}

}  // namespace
}  // namespace velaria
