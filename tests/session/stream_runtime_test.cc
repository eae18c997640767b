// Streams through a session. The oracle is the batch engine over the same rows.
#include <algorithm>
#include <atomic>
#include <thread>

#include "tests/session/stream_events.h"

namespace velaria {
namespace {

struct Finished {
  Rows rows;
  StreamingQueryProgress progress;
};

Finished run(DataflowSession& session, const std::string& select, StreamOptions options = {}) {
  auto sink = std::make_shared<MemorySink>();
  session.register_stream_sink("out", sink);
  const StreamingQueryPtr query = session.startStreamSql("INSERT INTO out " + select, options);
  query->await_termination();
  return {rows_of(sink->schema(), sink->chunks()), query->progress()};
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

std::string replaced_all(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

Rows sorted(Rows rows) {
  std::sort(rows.begin(), rows.end());
  return rows;
}

TEST(StreamRuntimeTest, StatelessQueriesGiveTheBatchRowsInOrder) {
  DataflowSession session;
  add_events(session, event_batches(5, 100));
  for (const std::string select :
       {"SELECT * FROM events", "SELECT name, amount * 2 AS twice FROM events WHERE amount > 2",
        "SELECT upper(name), length(name) FROM events WHERE ts IS NOT NULL",
        "SELECT amount FROM events WHERE false"}) {
    const Finished stream = run(session, select);
    EXPECT_EQ(stream.rows, rows_of(session.sql(replaced(select, "events", "rows")))) << select;
    EXPECT_EQ(stream.progress.batches_processed, 5u);
    EXPECT_EQ(stream.progress.rows_in, 500u);
    EXPECT_EQ(stream.progress.rows_out, stream.rows.size());
    EXPECT_FALSE(stream.progress.has_stateful_ops);
    EXPECT_EQ(stream.progress.last_state_latency_ms, 0);
  }
}

TEST(StreamRuntimeTest, GroupsEndAsTheBatchHasThem) {
  DataflowSession session;
  add_events(session, event_batches(8, 50));
  const struct {
    std::string select;
    int keys;
  } cases[] = {
      {"SELECT name, count(*), sum(amount), min(amount), max(amount), avg(amount) FROM events "
       "GROUP BY name",
       1},
      {"SELECT w, count(*), sum(amount) FROM events WINDOW BY ts EVERY 1000 AS w GROUP BY w", 1},
      {"SELECT w, name, count(amount) FROM events WINDOW BY ts EVERY 3000 SLIDE 1000 AS w "
       "GROUP BY w, name",
       2},
      {"SELECT w, count(*) FROM events WHERE amount > 0 WINDOW BY ts EVERY 2500 SLIDE 1000 AS w "
       "GROUP BY w",
       1},
  };
  for (const auto& one : cases) {
    const Finished stream = run(session, one.select);
    const Rows batch = rows_of(session.sql(replaced(one.select, "events", "rows")));
    EXPECT_EQ(latest_rows(stream.rows, one.keys), sorted(batch)) << one.select;
    EXPECT_GT(batch.size(), 1u);
    EXPECT_TRUE(stream.progress.has_stateful_ops);
    EXPECT_EQ(stream.progress.has_window, one.select.find("WINDOW") != std::string::npos);
    EXPECT_GT(stream.progress.state_size_bytes, 0);
  }
}

// What needs all rows is done when the stream has ended.
TEST(StreamRuntimeTest, AStreamThatEndsRunsEveryQuery) {
  DataflowSession session;
  add_events(session, event_batches(6, 40));
  session.sql("CREATE TABLE labels AS SELECT * FROM (VALUES ('a', 1), ('a', 2), ('z', 3)) v(k, n)")
      .collect();
  for (const std::string select :
       {"SELECT name, amount FROM events ORDER BY amount DESC, name",
        "SELECT amount FROM events ORDER BY ts LIMIT 7 OFFSET 3",
        "SELECT name, sum(amount) AS s FROM events GROUP BY name HAVING count(*) > 3 ORDER BY s",
        "SELECT name, count(*) FROM events GROUP BY name LIMIT 2",
        "SELECT max(n) FROM (SELECT name, count(*) AS n FROM events GROUP BY name) g",
        "SELECT amount, row_number() OVER (PARTITION BY name ORDER BY ts) FROM events",
        "SELECT amount FROM events UNION ALL SELECT -amount FROM events",
        "SELECT count(*) FROM events WHERE amount > (SELECT avg(amount) FROM events)",
        "SELECT k, n, amount FROM labels RIGHT JOIN events ON k = name ORDER BY amount, n",
        "SELECT k, n, amount FROM labels FULL JOIN events ON k = name",
        "SELECT amount FROM events LIMIT 55 OFFSET 30", "SELECT amount FROM events OFFSET 100",
        "SELECT count(*), max(amount) FROM events WHERE amount > 1000",
        "SELECT amount FROM events LIMIT 0"}) {
    EXPECT_EQ(run(session, select).rows,
              rows_of(session.sql(replaced_all(select, "events", "rows"))))
        << select;
  }
}

TEST(StreamRuntimeTest, AnAggregateWithoutKeysGivesItsRowOfNoRowsToo) {
  DataflowSession session;
  add_events(session, {});
  EXPECT_EQ(run(session, "SELECT count(*), sum(amount) FROM events").rows, Rows{"0|NULL"});
  EXPECT_EQ(run(session, "SELECT name, count(*) FROM events GROUP BY name").rows, Rows{});
  EXPECT_EQ(run(session, "SELECT count(*) FROM events HAVING count(*) > 0").rows, Rows{});
}

TEST(StreamRuntimeTest, LimitEndsAStreamWithoutEnd) {
  DataflowSession session;
  auto source = std::make_shared<RealtimeStreamSource>(event_schema(), RealtimeSourceOptions{});
  session.create_temp_view("live", session.read_stream(source));
  auto sink = std::make_shared<MemorySink>();
  session.register_stream_sink("out", sink);
  const StreamingQueryPtr query = session.startStreamSql(
      "INSERT INTO out SELECT amount + 100 AS a FROM (SELECT amount FROM live WHERE amount >= 0 "
      "LIMIT 5 OFFSET 2) q");
  for (const Chunk& batch : event_batches(2, 8)) source->push({batch});
  EXPECT_EQ(query->await_termination(), 2u);
  EXPECT_EQ(query->status(), StreamStatus::kStopped);
  EXPECT_EQ(rows_of(sink->schema(), sink->chunks()), (Rows{"102", "103", "104", "105", "106"}));
}

// The stream may stand on either side; the table counts as it was when the query was made.
TEST(StreamRuntimeTest, AStreamWithoutEndIsJoinedWithTables) {
  DataflowSession session;
  session
      .sql(
          "CREATE TABLE labels AS SELECT * FROM (VALUES (0, 'zero'), (2, 'two'), (2, 'zwei'), "
          "(50, 'fifty')) v(n, label)")
      .collect();
  add_events(session, event_batches(3, 9));
  for (const std::string select :
       {"SELECT amount, label FROM events JOIN labels ON amount = n",
        "SELECT amount, label FROM labels JOIN events ON amount = n",
        "SELECT amount, label FROM events LEFT JOIN labels ON amount = n",
        "SELECT amount, label FROM labels RIGHT JOIN events ON amount = n AND label <> 'zwei'",
        "SELECT amount FROM events WHERE amount IN (SELECT n FROM labels)",
        "SELECT amount FROM events WHERE amount NOT IN (SELECT n FROM labels)",
        "SELECT amount, (SELECT min(label) FROM labels WHERE n = amount) FROM events",
        "SELECT amount FROM events WHERE amount > (SELECT max(n) FROM labels WHERE n < 10)",
        "SELECT label, amount FROM events CROSS JOIN labels",
        "SELECT label, count(*) FROM events JOIN labels ON amount = n GROUP BY label"}) {
    auto source = std::make_shared<RealtimeStreamSource>(event_schema(), RealtimeSourceOptions{});
    session.create_temp_view("live", session.read_stream(source));
    auto sink = std::make_shared<MemorySink>();
    session.register_stream_sink("out", sink);
    const StreamingQueryPtr query =
        session.startStreamSql("INSERT INTO out " + replaced_all(select, "events", "live"));
    session.sql("INSERT INTO labels VALUES (1, 'comes too late')").collect();
    for (const Chunk& batch : event_batches(3, 9)) source->push({batch});
    source->close_input();
    query->await_termination();
    session.sql("DELETE FROM labels WHERE n = 1").collect();
    const Rows batch = rows_of(session.sql(replaced_all(select, "events", "rows")));
    const bool groups = select.find("GROUP BY") != std::string::npos;
    const Rows got = rows_of(sink->schema(), sink->chunks());
    EXPECT_EQ(groups ? latest_rows(got, 1) : sorted(got), sorted(batch)) << select;
    EXPECT_FALSE(batch.empty());
    EXPECT_GT(sink->batches().size(), 1u) << select;
  }
}

TEST(StreamRuntimeTest, OldWindowsAreDroppedAndLateRowsCounted) {
  const auto batch = [](const std::vector<int64_t>& seconds) {
    FixedBuilder<int64_t> ts(DataType::timestamp(TimeUnit::kMicro));
    for (const int64_t second : seconds) ts.append(second * 1000000);
    Chunk chunk;
    chunk.rows = static_cast<int64_t>(seconds.size());
    chunk.columns = {ts.finish()};
    return chunk;
  };
  const Schema schema({{"ts", DataType::timestamp(TimeUnit::kMicro)}});
  DataflowSession session;
  session.create_temp_view(
      "e", session.read_stream(make_memory_stream(
               schema, {batch({0, 1, 2}), batch({3, 0}), batch({0, 1, 2, 3}), batch({100})})));
  StreamOptions options;
  options.max_retained_windows = 2;
  const auto counts = [](const Rows& rows) {
    Rows out;
    for (const std::string& row : rows) out.push_back(row.substr(row.rfind('|') + 1));
    return out;
  };
  const std::string query = "SELECT w, count(*) FROM e WINDOW BY ts EVERY 1000 AS w GROUP BY w";
  Finished kept = run(session, query, options);
  // The second batch finds 1 and 2 kept, the third 2 and 3.
  EXPECT_EQ(counts(kept.rows), (Rows{"1", "1", "1", "1", "2", "2", "1"}));
  EXPECT_EQ(kept.progress.late_rows, 3u);
  options.max_retained_windows.reset();
  options.window_retention_ms = 1000;
  EXPECT_EQ(run(session, query, options).rows, kept.rows);
  // Sliding: a row counts in those of its windows that are kept.
  const std::string sliding =
      "SELECT w, count(*) FROM e WINDOW BY ts EVERY 2000 SLIDE 1000 AS w GROUP BY w";
  options.window_retention_ms = 2000;
  kept = run(session, sliding, options);
  // Newest 2, 3: windows from 0 and 1 on. The row at 0 misses -1, then -1 and 0; that at 1 misses
  // 0.
  EXPECT_EQ(kept.progress.late_rows, 4u);
  options.window_retention_ms = 500;
  EXPECT_ERROR(run(session, sliding, options), "InvalidArgumentError", "window_retention_ms");
  options.window_retention_ms = 5000;
  EXPECT_ERROR(run(session, "SELECT count(*) FROM e", options), "InvalidArgumentError", "window");
  EXPECT_ERROR(run(session, query + " ORDER BY w", options), "InvalidArgumentError", "at the end");
}

TEST(StreamRuntimeTest, TheStateOfALongRunStaysSmall) {
  std::vector<Chunk> batches;
  for (int64_t b = 0; b < 400; ++b) {
    FixedBuilder<int64_t> ts(DataType::timestamp(TimeUnit::kMicro));
    for (int64_t i = 0; i < 50; ++i) ts.append((b * 50 + i) * 100000);
    Chunk chunk;
    chunk.rows = 50;
    chunk.columns = {ts.finish()};
    batches.push_back(std::move(chunk));
  }
  const Schema schema({{"ts", DataType::timestamp(TimeUnit::kMicro)}});
  const auto state_bytes = [&](std::optional<int64_t> windows) {
    DataflowSession session;
    session.create_temp_view("e", session.read_stream(make_memory_stream(schema, batches)));
    StreamOptions options;
    options.max_retained_windows = windows;
    const Finished done =
        run(session, "SELECT w, count(*) FROM e WINDOW BY ts EVERY 2000 SLIDE 100 AS w GROUP BY w",
            options);
    EXPECT_EQ(done.progress.late_rows, 0u);
    return done.progress.state_size_bytes;
  };
  EXPECT_LT(state_bytes(40) * 20, state_bytes(std::nullopt));
}

// After each batch its groups come out with their values so far, in the order of their first row.
TEST(StreamRuntimeTest, UpdateModeWritesTheTouchedGroups) {
  DataflowSession session;
  const auto batch = [](std::vector<std::string> names) {
    StringBuilder builder;
    for (const std::string& name : names) builder.append(name);
    Chunk chunk;
    chunk.rows = static_cast<int64_t>(names.size());
    chunk.columns = {builder.finish()};
    return chunk;
  };
  session.create_temp_view(
      "names", session.read_stream(
                   make_memory_stream(Schema({{"name", DataType(TypeId::kUtf8)}}),
                                      {batch({"a", "b", "a"}), batch({"c", "a"}), batch({"b"})})));
  EXPECT_EQ(run(session, "SELECT name, count(*) FROM names GROUP BY name").rows,
            (Rows{"a|2", "b|1", "a|3", "c|1", "b|2"}));
}

TEST(StreamRuntimeTest, MaxBatchesStopsAfterExactlyThatMany) {
  DataflowSession session;
  add_events(session, event_batches(6, 10));
  StreamOptions options;
  options.max_batches = 4;
  const Finished stream = run(session, "SELECT amount FROM events", options);
  EXPECT_EQ(stream.rows.size(), 40u);
  EXPECT_EQ(stream.progress.batches_processed, 4u);
  EXPECT_EQ(stream.progress.status, "stopped");
}

TEST(StreamRuntimeTest, AStartedQueryWorksWithoutAnybodyWaiting) {
  DataflowSession session;
  auto source = std::make_shared<RealtimeStreamSource>(event_schema(), RealtimeSourceOptions{});
  auto sink = std::make_shared<RealtimeStreamSink>();
  session.create_temp_view("live", session.read_stream(source));
  session.register_stream_sink("out", sink);
  const StreamingQueryPtr query =
      session.startStreamSql("INSERT INTO out SELECT amount FROM live WHERE amount = 0");
  source->push({event_batches(1, 11)[0]});  // amounts -3 to 7
  const auto result = sink->poll(10000);
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(rows_of(result->schema, result->chunks), Rows{"0"});
  EXPECT_EQ(query->status(), StreamStatus::kRunning);
  query->stop(true);
  EXPECT_TRUE(sink->closed());
  EXPECT_ERROR(source->push({event_batches(1, 1)[0]}), "StreamError", "");
}

TEST(StreamRuntimeTest, ClosingTheSessionEndsItsQueries) {
  auto source = std::make_shared<RealtimeStreamSource>(event_schema(), RealtimeSourceOptions{});
  StreamingQueryPtr query;
  {
    DataflowSession session;
    session.create_temp_view("live", session.read_stream(source));
    session.register_stream_sink("out", std::make_shared<MemorySink>());
    query = session.startStreamSql("INSERT INTO out SELECT amount FROM live");
    session.close();
  }
  EXPECT_EQ(query->status(), StreamStatus::kStopped);
}

TEST(StreamRuntimeTest, AFailureEndsTheQueryAndSaysWhy) {
  DataflowSession session;
  add_events(session, event_batches(3, 10));
  session.register_stream_sink(
      "out", std::make_shared<CallbackSink>([](const Schema&, const std::vector<Chunk>&) {
        throw Error(ErrorKind::kFileAccess, "the disk is full");
      }));
  const StreamingQueryPtr query = session.startStreamSql("INSERT INTO out SELECT * FROM events");
  EXPECT_ERROR(query->await_termination(), "StreamError", "the disk is full");
  EXPECT_EQ(query->progress().status, "failed");
  EXPECT_NE(query->progress().last_error.find("the disk is full"), std::string::npos);

  session.register_stream_sink("out", std::make_shared<MemorySink>());
  const StreamingQueryPtr cast = session.startStreamSql(
      "INSERT INTO out SELECT CAST(name AS BIGINT) FROM events WHERE name IS NOT NULL");
  EXPECT_ERROR(cast->await_termination(), "StreamError", "cannot cast");
}

TEST(StreamRuntimeTest, WhatAStreamCannotDoIsRefused) {
  DataflowSession session;
  add_events(session, event_batches(1, 10));
  auto live = std::make_shared<RealtimeStreamSource>(event_schema(), RealtimeSourceOptions{});
  session.create_temp_view("live", session.read_stream(live));
  session.register_stream_sink("out", std::make_shared<MemorySink>());
  EXPECT_ERROR(session.startStreamSql("INSERT INTO out SELECT amount FROM live ORDER BY amount"),
               "SqlUnsupportedError", "ORDER BY");
  for (const std::string select :
       {"SELECT name, count(*) FROM live GROUP BY name LIMIT 3",
        "SELECT count(*) FROM (SELECT amount FROM live LIMIT 3) q",
        "SELECT r.amount FROM rows AS r LEFT JOIN live ON live.amount = r.amount",
        "SELECT a.amount FROM live AS a JOIN live AS b ON a.amount = b.amount",
        "SELECT amount FROM live UNION ALL SELECT amount FROM rows",
        "SELECT row_number() OVER () FROM live",
        "SELECT count(*) FROM (SELECT name, count(*) FROM live GROUP BY name) g"}) {
    EXPECT_ERROR(session.startStreamSql("INSERT INTO out " + select), "SqlUnsupportedError",
                 "without an end");
  }
  EXPECT_ERROR(session.startStreamSql("INSERT INTO out SELECT e.amount FROM live JOIN events AS e "
                                      "ON e.amount = live.amount"),
               "SqlUnsupportedError", "exactly one stream");
  EXPECT_ERROR(session.sql("SELECT * FROM live").collect(), "TableKindError", "start_stream_sql");
  EXPECT_ERROR(session.sql("SELECT * FROM out"), "TableKindError", "sink");
  EXPECT_ERROR(session.sql("INSERT INTO live SELECT * FROM rows"), "TableKindError", "read-only");
  EXPECT_ERROR(session.startStreamSql("INSERT INTO rows SELECT * FROM events"), "TableKindError",
               "not a sink");
  EXPECT_ERROR(session.startStreamSql("SELECT * FROM events"), "SqlSemanticError", "INSERT INTO");
}

TEST(StreamRuntimeTest, SourceAndSinkTablesOfSql) {
  const std::string folder = temp_path("stream_in");
  write_file("stream_in/1.csv", "k,n\na,1\nb,2\n");
  write_file("stream_in/2.csv", "k,n\na,10\n");
  const std::string out = temp_path("stream_out.csv");
  DataflowSession session;
  session.sql("CREATE SOURCE TABLE s(k TEXT, n BIGINT) USING csv OPTIONS(path: '" + folder + "')");
  session.sql("CREATE SINK TABLE o(k TEXT, total BIGINT) USING csv OPTIONS(path: '" + out + "')");
  session.startStreamSql("INSERT INTO o SELECT k, sum(n) AS total FROM s GROUP BY k")
      ->await_termination();
  EXPECT_EQ(latest_rows(rows_of(session.read_csv(out)), 1), (Rows{"a|11", "b|2"}));
  for (const char* select :
       {"sum(n) AS total, k", "k, sum(n)", "k, CAST(sum(n) AS DOUBLE) AS total",
        "k, sum(n) AS total, 1 AS more"}) {
    EXPECT_ERROR(session.startStreamSql(std::string("INSERT INTO o SELECT ") + select +
                                        " FROM s GROUP BY k"),
                 "SqlSemanticError", "sink table 'o' has the columns (k utf8, total int64)");
  }
}

TEST(StreamRuntimeTest, ACheckpointGoesOnWhereItStopped) {
  const std::string path = temp_path("runtime.checkpoint");
  DataflowSession session;
  add_events(session, event_batches(6, 40));
  StreamOptions options;
  options.checkpoint_path = path;
  options.checkpoint_delivery_mode = DeliveryMode::kBestEffort;
  options.max_batches = 2;
  const std::string select = "SELECT name, count(*), sum(amount) FROM events GROUP BY name";
  Rows rows = run(session, select, options).rows;
  options.max_batches.reset();
  const Finished rest = run(session, select, options);
  EXPECT_EQ(rest.progress.batches_processed, 4u);
  rows.insert(rows.end(), rest.rows.begin(), rest.rows.end());
  EXPECT_EQ(latest_rows(rows, 1), sorted(rows_of(session.sql(replaced(select, "events", "rows")))));

  std::ofstream(path, std::ios::trunc) << "not a checkpoint";
  EXPECT_ERROR(run(session, select, options), "CheckpointError", "checkpoint");
}

TEST(StreamRuntimeTest, SnapshotJsonHasTheFieldsOfProgress) {
  DataflowSession session;
  add_events(session, event_batches(2, 10));
  session.register_stream_sink("out", std::make_shared<MemorySink>());
  const StreamingQueryPtr query = session.startStreamSql("INSERT INTO out SELECT * FROM events");
  query->await_termination();
  const std::string json = query->snapshotJson();
  for (const char* name : {"query_id",
                           "status",
                           "requested_execution_mode",
                           "execution_mode",
                           "execution_reason",
                           "transport_mode",
                           "batches_pulled",
                           "batches_processed",
                           "blocked_count",
                           "max_backlog_batches",
                           "inflight_batches",
                           "inflight_partitions",
                           "last_batch_latency_ms",
                           "last_sink_latency_ms",
                           "last_state_latency_ms",
                           "last_source_offset",
                           "backpressure_active",
                           "actor_eligible",
                           "used_actor_runtime",
                           "used_shared_memory",
                           "has_stateful_ops",
                           "has_window",
                           "sink_is_blocking",
                           "source_is_bounded",
                           "estimated_partitions",
                           "projected_payload_bytes",
                           "sampled_batches",
                           "sampled_rows_per_batch",
                           "average_projected_payload_bytes",
                           "actor_speedup",
                           "compute_to_overhead_ratio",
                           "estimated_state_size_bytes",
                           "estimated_batch_cost",
                           "backpressure_max_queue_batches",
                           "backpressure_high_watermark",
                           "backpressure_low_watermark",
                           "checkpoint_delivery_mode"}) {
    EXPECT_NE(json.find("\"" + std::string(name) + "\""), std::string::npos) << name;
  }
  EXPECT_EQ(json.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace velaria
