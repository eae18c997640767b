#include "stream/streaming_query.h"

#include <chrono>
#include <set>
#include <thread>

#include "stream/batch_queue.h"
#include "stream/connectors/callback_sink.h"
#include "stream/connectors/realtime_stream_sink.h"
#include "stream/connectors/realtime_stream_source.h"
#include "tests/stream/stream_testing.h"

namespace velaria {
namespace {

using std::chrono::milliseconds;

Event event(int64_t ms, const std::string& name, int64_t amount) { return {ms, name, amount}; }

std::vector<Chunk> small_batches(int count) {
  std::vector<Chunk> batches;
  for (int i = 0; i < count; ++i) {
    batches.push_back(event_chunk({event(i * 100, "a", i), event(i * 100, concat("b", i), 1)}));
  }
  return batches;
}

StreamingQueryPtr stateless_query(StreamSourcePtr source, StreamSinkPtr sink,
                                  StreamOptions options = {}) {
  return StreamingQuery::make(event_scan(std::move(source)), std::move(sink), std::move(options),
                              {});
}

void expect_equals_batch(int64_t window_ms, int64_t slide_ms, StreamEnvironment environment,
                         std::mt19937_64& random) {
  const std::vector<Event> events = random_events(random() % 6000, random);
  auto sink = std::make_shared<MemorySink>();
  const auto query = StreamingQuery::make(
      windowed_totals(
          event_scan(make_memory_stream(event_schema(), random_batches(events, random))), window_ms,
          slide_ms),
      sink, {}, std::move(environment));
  query->start();
  query->await_termination();
  const Results expected = results_of(
      run_batch(windowed_totals(event_scan(event_table(events)), window_ms, slide_ms)), 2);
  EXPECT_EQ(results_of(sink->chunks(), 2), expected) << window_ms << " slide " << slide_ms;
  EXPECT_EQ(query->progress().rows_in, events.size());
}

TEST(StreamingQuery, RecentProgressIsTheNewestBatches) {
  for (const size_t count : {size_t{3}, kRecentBatches + 7}) {
    std::vector<Chunk> batches;
    for (size_t i = 0; i < count; ++i) {
      batches.push_back(event_chunk(std::vector<Event>(1 + i % 3, Event{5, "a", 1})));
    }
    const auto query = StreamingQuery::make(
        totals(event_scan(make_memory_stream(event_schema(), batches)), {"name"}),
        std::make_shared<MemorySink>(), {}, {});
    EXPECT_TRUE(query->recent_progress().empty());
    query->start();
    query->await_termination();
    const std::vector<BatchProgress> recent = query->recent_progress();
    ASSERT_EQ(recent.size(), std::min(count, kRecentBatches));
    for (size_t i = 0; i < recent.size(); ++i) {
      const size_t number = count - recent.size() + i + 1;
      EXPECT_EQ(recent[i].batch, number);
      EXPECT_EQ(recent[i].source_offset, std::to_string(number));
      EXPECT_EQ(recent[i].rows_in, static_cast<int64_t>(1 + (number - 1) % 3));
      EXPECT_EQ(recent[i].rows_out, 1);
      EXPECT_GT(recent[i].state_size_bytes, 0);
      EXPECT_GE(recent[i].batch_latency_ms,
                std::max(recent[i].sink_latency_ms, recent[i].state_latency_ms));
      EXPECT_GT(recent[i].finished_us, 0);
    }
    EXPECT_EQ(recent.back().state_size_bytes, query->progress().state_size_bytes);
  }
}

TEST(StreamingQuery, TheListenerHearsOfEveryBatchAndOfTheEnd) {
  for (const bool slow : {false, true}) {
    std::vector<BatchProgress> heard;
    std::vector<std::string> statuses;
    std::set<std::thread::id> threads;
    StreamOptions options;
    StreamingQueryPtr query;
    options.on_progress = [&](const ProgressEvent& event) {
      heard.insert(heard.end(), event.batches.begin(), event.batches.end());
      statuses.push_back(event.progress.status);
      threads.insert(std::this_thread::get_id());
      EXPECT_EQ(kind_of([&] { query->await_termination(); }), ErrorKind::kStream);
      EXPECT_LE(event.progress.batches_processed, query->progress().batches_processed);
      if (slow) std::this_thread::sleep_for(milliseconds(5));
    };
    query = stateless_query(make_memory_stream(event_schema(), small_batches(60)),
                            std::make_shared<MemorySink>(), options);
    query->start();
    EXPECT_EQ(query->await_termination(), 60u);
    // The last call is over: nothing is guarded here.
    ASSERT_EQ(heard.size(), 60u);
    for (size_t i = 0; i < heard.size(); ++i) EXPECT_EQ(heard[i].batch, i + 1);
    ASSERT_FALSE(statuses.empty());
    EXPECT_EQ(statuses.back(), "stopped");
    for (size_t i = 0; i + 1 < statuses.size(); ++i) EXPECT_NE(statuses[i], "stopped");
    EXPECT_EQ(threads.size(), 1u);
    EXPECT_EQ(threads.count(std::this_thread::get_id()), 0u);
    EXPECT_TRUE(query->warnings().empty());
  }
}

TEST(StreamingQuery, WhatAListenerThrowsIsReportedAndChangesNothing) {
  std::atomic<int> calls{0};
  StreamOptions options;
  options.on_progress = [&calls](const ProgressEvent&) {
    ++calls;
    throw std::runtime_error("the dashboard is gone");
  };
  auto sink = std::make_shared<MemorySink>();
  const auto query =
      stateless_query(make_memory_stream(event_schema(), small_batches(9)), sink, options);
  query->start();
  EXPECT_EQ(query->await_termination(), 9u);
  EXPECT_EQ(sink->batches().size(), 9u);
  EXPECT_EQ(query->progress().last_error, "");
  const std::vector<std::string> warnings = query->warnings();
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find(concat("failed ", calls.load(), " time")), std::string::npos);
  EXPECT_NE(warnings[0].find("the dashboard is gone"), std::string::npos) << warnings[0];
}

TEST(StreamingQuery, TheListenerHearsOfAFailureAndMayStopTheQuery) {
  std::string last_error;
  StreamOptions options;
  options.on_progress = [&](const ProgressEvent& event) {
    if (event.progress.status == "failed") last_error = event.progress.last_error;
  };
  auto log = std::make_shared<CallLog>();
  const auto failing = stateless_query(
      make_memory_stream(event_schema(), small_batches(9)),
      std::make_shared<WatchedSink>(std::make_shared<MemorySink>(), log, "sink write 3"), options);
  failing->start();
  EXPECT_EQ(kind_of([&] { failing->await_termination(); }), ErrorKind::kStream);
  EXPECT_NE(last_error.find("told to fail"), std::string::npos) << last_error;

  auto source = std::make_shared<RealtimeStreamSource>(event_schema(), RealtimeSourceOptions{});
  StreamingQueryPtr stopped;
  options.on_progress = [&](const ProgressEvent&) { stopped->stop(); };
  stopped = stateless_query(source, std::make_shared<MemorySink>(), options);
  stopped->start();
  source->push({event_chunk({event(0, "a", 1)})});
  EXPECT_EQ(stopped->await_termination(), 1u);
  EXPECT_TRUE(stopped->ended());
}

TEST(StreamingQuery, WindowsEqualTheBatchRunHoweverTheRowsAreSplit) {
  std::mt19937_64 random(test_seed());
  auto pool = std::make_shared<ThreadPool>(2);
  for (int run = 0; run < 30; ++run) {
    StreamEnvironment environment;
    if (run % 2 == 1) environment.pool = pool;
    // Small chunks make several tasks work on one batch.
    if (run % 3 != 0) environment.chunk_rows = 3 + static_cast<int64_t>(random() % 40);
    const auto window_ms = static_cast<int64_t>(1 + random() % 3000);
    expect_equals_batch(window_ms, window_ms, environment, random);
    const auto slide_ms = static_cast<int64_t>(1 + random() % static_cast<uint64_t>(window_ms));
    expect_equals_batch(window_ms, std::max<int64_t>(slide_ms, window_ms / 50 + 1), environment,
                        random);
  }
}

TEST(StreamingQuery, EachBatchGivesTheGroupsItTouched) {
  auto sink = std::make_shared<MemorySink>();
  const auto query = StreamingQuery::make(
      totals(event_scan(make_memory_stream(event_schema(),
                                           {event_chunk({event(0, "a", 1), event(0, "b", 2)}),
                                            event_chunk({event(0, "b", 5)}), event_chunk({})})),
             {"name"}),
      sink, {}, {});
  query->start();
  EXPECT_EQ(query->await_termination(), 3u);
  const auto batches = sink->batches();
  ASSERT_EQ(batches.size(), 2u);  // nothing is written for a batch without rows
  EXPECT_EQ(results_of(batches[0], 1).size(), 2u);
  const Results second = results_of(batches[1], 1);
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second.begin()->first, "b|");
  EXPECT_EQ(second.begin()->second, "2|2|7|2|5|3.5|");
}

TEST(StreamingQuery, CountsWithoutReadingAColumnAndProjectsAboveTheAggregate) {
  const PlanPtr scan = event_scan(make_memory_stream(event_schema(), small_batches(4)));
  const PlanPtr count = std::make_shared<AggregatePlan>(
      scan, std::vector<BoundExpressionPtr>{}, std::vector<std::string>{},
      std::vector<BoundAggregate>{aggregate_of(*scan, AggregateKind::kCountRows, "")});
  const PlanPtr renamed = std::make_shared<ProjectPlan>(
      count, std::vector<BoundExpressionPtr>{column_of(*count, "count(*)")},
      std::vector<std::string>{"n"});
  auto sink = std::make_shared<MemorySink>();
  const auto query = StreamingQuery::make(renamed, sink, {}, {});
  EXPECT_TRUE(query->plan().columns.empty());
  query->start();
  query->await_termination();
  EXPECT_EQ(sink->schema().names(), std::vector<std::string>{"n"});
  std::vector<int64_t> counts;
  for (const Chunk& chunk : sink->chunks()) {
    counts.push_back(chunk.columns[0]->value(0).as_int64());
  }
  EXPECT_EQ(counts, (std::vector<int64_t>{2, 4, 6, 8}));
}

TEST(StreamingQuery, StatelessPlansGiveTheirRowsInOrder) {
  auto sink = std::make_shared<MemorySink>();
  const auto query = stateless_query(make_memory_stream(event_schema(), small_batches(20)), sink);
  query->start();
  EXPECT_EQ(query->await_termination(), 20u);
  EXPECT_EQ(sink->rows(), 40);
  EXPECT_EQ(sink->chunks()[7].columns[2]->value(0).as_int64(), 7);
  EXPECT_EQ(query->progress().last_state_latency_ms, 0);
  EXPECT_EQ(query->status(), StreamStatus::kStopped);
}

TEST(StreamingQuery, LifecycleOrder) {
  auto log = std::make_shared<CallLog>();
  const auto query = stateless_query(
      std::make_shared<WatchedSource>(make_memory_stream(event_schema(), small_batches(3)), log),
      std::make_shared<WatchedSink>(std::make_shared<MemorySink>(), log));
  query->start();
  query->await_termination();
  const std::vector<std::string> lines = log->lines();
  const auto at = [&lines](const std::string& line) {
    const auto found = std::find(lines.begin(), lines.end(), line);
    EXPECT_NE(found, lines.end()) << line;
    return found - lines.begin();
  };
  EXPECT_LT(at("source open"), at("source next 1"));
  for (int batch = 1; batch <= 3; ++batch) {
    EXPECT_LT(at(concat("source next ", batch)), at(concat("sink write ", batch)));
    EXPECT_LT(at(concat("sink write ", batch)), at(concat("sink checkpoint ", batch)));
    EXPECT_LT(at(concat("sink checkpoint ", batch)),
              at(concat("source checkpoint ", batch, " at ", batch)));
    EXPECT_LT(at(concat("source checkpoint ", batch, " at ", batch)),
              at(concat("source ack ", batch)));
  }
  EXPECT_EQ(log->count("sink flush"), 3);
  EXPECT_EQ(lines[lines.size() - 2], "source close");
  EXPECT_EQ(lines.back(), "sink close");
  EXPECT_EQ(log->count("source close"), 1);
  EXPECT_EQ(log->count("sink close"), 1);
}

TEST(StreamingQuery, EveryFailureEndsTheQueryAndClosesBothOnce) {
  for (const std::string fail_at :
       {"source open", "source next 1", "source next 3", "source checkpoint 2 at 2", "source ack 1",
        "source close", "sink open", "sink write 1", "sink write 2", "sink flush",
        "sink checkpoint 2", "sink close"}) {
    SCOPED_TRACE(fail_at);
    auto log = std::make_shared<CallLog>();
    const auto query = stateless_query(
        std::make_shared<WatchedSource>(make_memory_stream(event_schema(), small_batches(5)), log,
                                        fail_at),
        std::make_shared<WatchedSink>(std::make_shared<MemorySink>(), log, fail_at));
    query->start();
    std::string message;
    EXPECT_EQ(kind_of([&] { query->await_termination(); }, &message), ErrorKind::kStream);
    EXPECT_NE(message.find("told to fail at " + fail_at), std::string::npos) << message;
    EXPECT_NE(message.find("FileAccessError"), std::string::npos) << message;
    EXPECT_EQ(query->status(), StreamStatus::kFailed);
    EXPECT_EQ(query->progress().last_error, message);
    EXPECT_EQ(query->progress().status, "failed");
    EXPECT_NE(query->exception(), nullptr);
    EXPECT_EQ(log->count("source close"), 1);
    EXPECT_EQ(log->count("sink close"), 1);
    query->stop();  // of an ended query: nothing
  }
}

TEST(StreamingQuery, AFailureOfTheKernelEndsTheQuery) {
  // The sum passes int64 in the second batch.
  const auto query = StreamingQuery::make(
      totals(
          event_scan(make_memory_stream(event_schema(), {event_chunk({event(0, "a", INT64_MAX)}),
                                                         event_chunk({event(0, "a", INT64_MAX)})})),
          {"name"}),
      std::make_shared<MemorySink>(), {}, {});
  query->start();
  std::string message;
  EXPECT_EQ(kind_of([&] { query->await_termination(); }, &message), ErrorKind::kStream);
  EXPECT_NE(message.find("in batch 2"), std::string::npos) << message;
}

TEST(StreamingQuery, MaxBatchesIsExact) {
  for (const uint64_t most : {1u, 2u, 7u}) {
    auto log = std::make_shared<CallLog>();
    auto sink = std::make_shared<MemorySink>();
    StreamOptions options;
    options.max_batches = most;
    const auto query = stateless_query(
        std::make_shared<WatchedSource>(make_memory_stream(event_schema(), small_batches(50)), log),
        sink, options);
    query->start();
    EXPECT_EQ(query->await_termination(), most);
    EXPECT_EQ(sink->batches().size(), most);
    EXPECT_EQ(query->progress().batches_pulled, most);
    EXPECT_EQ(log->count(concat("source ack ", most)), 1);
    EXPECT_EQ(query->status(), StreamStatus::kStopped);
  }
}

TEST(StreamingQuery, BackpressureBoundsTheQueue) {
  std::mutex gate;
  gate.lock();
  auto sink = std::make_shared<CallbackSink>([&gate](const Schema&, const std::vector<Chunk>&) {
    const std::lock_guard<std::mutex> lock(gate);
  });
  StreamOptions options;
  options.max_inflight_batches = 6;
  options.backpressure_high_watermark = 4;
  options.backpressure_low_watermark = 1;
  const auto query =
      stateless_query(make_memory_stream(event_schema(), small_batches(40)), sink, options);
  query->start();
  EXPECT_TRUE(eventually([&] { return query->progress().backpressure_active; }));
  StreamingQueryProgress progress = query->progress();
  EXPECT_EQ(query->status(), StreamStatus::kBackpressure);
  // One may have been taken out before or after the producer began to wait.
  EXPECT_GE(progress.inflight_batches, 3u);
  EXPECT_LE(progress.inflight_batches, 4u);
  EXPECT_EQ(progress.inflight_partitions, progress.inflight_batches);
  EXPECT_EQ(progress.blocked_count, 1u);
  gate.unlock();
  EXPECT_EQ(query->await_termination(), 40u);
  progress = query->progress();
  EXPECT_EQ(progress.max_backlog_batches, 4u);
  EXPECT_EQ(progress.inflight_batches, 0u);
  EXPECT_FALSE(progress.backpressure_active);
  EXPECT_GE(progress.blocked_count, 1u);
}

TEST(BatchQueue, LargeBatchesPauseTheProducerHoweverFewTheyAre) {
  BatchQueue queue({16, 8, 10});
  const auto push = [&queue](int64_t partitions) {
    StreamBatch batch;
    batch.chunks.emplace_back();
    batch.chunks[0].rows = partitions * kDefaultChunkRows;
    queue.push(std::move(batch));
  };
  push(4);
  EXPECT_FALSE(queue.must_pause());
  push(7);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(queue.must_pause()) << i;
  EXPECT_EQ(queue.blocked_count(), 1u);
  queue.pop();
  EXPECT_FALSE(queue.must_pause());
}

TEST(StreamingQuery, ProgressIsCompleteAndMeasured) {
  const std::vector<std::string> contract = {"query_id",
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
                                             "checkpoint_delivery_mode",
                                             "rows_in",
                                             "rows_out",
                                             "late_rows",
                                             "rejected_rows",
                                             "last_error",
                                             "state_size_bytes",
                                             "input_rows_per_second",
                                             "processed_rows_per_second"};
  std::mt19937_64 random(test_seed());
  const auto query = StreamingQuery::make(
      windowed_totals(event_scan(make_memory_stream(
                          event_schema(), random_batches(random_events(5000, random), random))),
                      1000, 500),
      std::make_shared<MemorySink>(), {}, {});
  EXPECT_EQ(query->progress().status, "created");
  query->start();
  const uint64_t batches = query->await_termination();
  const StreamingQueryProgress progress = query->progress();
  std::vector<std::string> names;
  visit_progress(progress, [&names](const char* name, const auto&) { names.push_back(name); });
  EXPECT_EQ(names, contract);

  EXPECT_EQ(progress.status, "stopped");
  EXPECT_EQ(progress.batches_pulled, batches);
  EXPECT_EQ(progress.batches_processed, batches);
  EXPECT_EQ(progress.last_source_offset, std::to_string(batches));
  EXPECT_EQ(progress.rows_in, 5000u);
  EXPECT_GT(progress.rows_out, 0u);
  EXPECT_GT(progress.last_batch_latency_ms, 0);
  EXPECT_GT(progress.last_sink_latency_ms, 0);
  EXPECT_GT(progress.last_state_latency_ms, 0);
  EXPECT_GE(progress.last_batch_latency_ms, progress.last_sink_latency_ms);
  EXPECT_GT(progress.projected_payload_bytes, 0);
  EXPECT_EQ(progress.sampled_batches, std::min<uint64_t>(batches, kSampledBatches));
  EXPECT_GT(progress.sampled_rows_per_batch, 0);
  EXPECT_GT(progress.average_projected_payload_bytes, 0);
  EXPECT_GT(progress.estimated_batch_cost, 0);
  EXPECT_GT(progress.state_size_bytes, 0);
  EXPECT_EQ(progress.estimated_state_size_bytes, progress.state_size_bytes);
  EXPECT_GT(progress.input_rows_per_second, 0);
  EXPECT_GT(progress.processed_rows_per_second, 0);
  EXPECT_TRUE(progress.has_stateful_ops);
  EXPECT_TRUE(progress.has_window);
  EXPECT_TRUE(progress.source_is_bounded);

  // The JSON has the same names in the same order, and nothing else at its top level.
  const std::string json = query->snapshotJson();
  EXPECT_EQ(json.find('\n'), std::string::npos);
  size_t position = 0;
  for (const std::string& name : contract) {
    const size_t found = json.find(quote_json(name) + ": ", position);
    ASSERT_NE(found, std::string::npos) << name;
    position = found + 1;
  }
}

TEST(StreamingQuery, StopWakesABlockedPusherAndABlockedSource) {
  auto source =
      std::make_shared<RealtimeStreamSource>(event_schema(), RealtimeSourceOptions{1, 10});
  auto sink = std::make_shared<RealtimeStreamSink>(RealtimeSinkOptions{1});
  StreamOptions options;
  options.max_inflight_batches = 1;
  options.idle_wait_ms = 600000;
  const auto query = stateless_query(source, sink, options);
  query->start();
  std::atomic<bool> refused{false};
  std::thread pusher([&] {
    try {
      for (;;) source->push({event_chunk({event(0, "a", 1)})});
    } catch (const Error& error) {
      refused = error.kind() == ErrorKind::kStream;
    }
  });
  // Everybody waits now: the sink is full, so the queue is, so the source is, so the pusher waits.
  EXPECT_TRUE(eventually([&] { return query->progress().backpressure_active; }));
  std::thread stopper([&] { query->stop(); });
  stopper.join();
  pusher.join();
  EXPECT_TRUE(refused);
  EXPECT_EQ(query->status(), StreamStatus::kStopped);
  query->await_termination();

  // A source that waits for its first batch.
  auto silent = std::make_shared<RealtimeStreamSource>(event_schema(), RealtimeSourceOptions{});
  const auto second = stateless_query(silent, std::make_shared<MemorySink>(), options);
  second->start();
  std::this_thread::sleep_for(milliseconds(20));
  second->stop();
  EXPECT_EQ(second->status(), StreamStatus::kStopped);
}

TEST(StreamingQuery, DrainProcessesWhatWasPushed) {
  auto source = std::make_shared<RealtimeStreamSource>(event_schema(), RealtimeSourceOptions{});
  auto sink = std::make_shared<MemorySink>();
  const auto query = StreamingQuery::make(totals(event_scan(source), {"name"}), sink, {}, {});
  query->start();
  for (int i = 0; i < 50; ++i) source->push({event_chunk({event(0, "a", 1)})});
  query->stop(true);
  EXPECT_EQ(query->status(), StreamStatus::kStopped);
  EXPECT_EQ(results_of(sink->chunks(), 1)["a|"], "50|50|50|1|1|1.0|");
}

TEST(StreamingQuery, EndOfInputEndsTheQuery) {
  auto source = std::make_shared<RealtimeStreamSource>(event_schema(), RealtimeSourceOptions{});
  auto sink = std::make_shared<MemorySink>();
  const auto query = stateless_query(source, sink);
  query->start();
  source->push({event_chunk({event(0, "a", 1)})});
  EXPECT_EQ(query->await_termination(30) <= 1, true);
  EXPECT_NE(query->status(), StreamStatus::kStopped);
  source->close_input();
  EXPECT_EQ(query->await_termination(), 1u);
}

TEST(StreamingQuery, AFailureWhileTheSinkIsFullDoesNotHang) {
  auto log = std::make_shared<CallLog>();
  auto sink = std::make_shared<RealtimeStreamSink>(RealtimeSinkOptions{1});
  StreamOptions options;
  options.max_inflight_batches = 1;  // batch 3 is asked for when batch 1 is in the sink
  const auto query = stateless_query(
      std::make_shared<WatchedSource>(make_memory_stream(event_schema(), small_batches(9)), log,
                                      "source next 3"),
      sink, options);
  query->start();
  EXPECT_EQ(kind_of([&] { query->await_termination(); }), ErrorKind::kStream);
  EXPECT_TRUE(sink->poll(1000).has_value());
  EXPECT_TRUE(sink->closed());
}

TEST(StreamingQuery, InterruptEndsTheWaitNotTheQuery) {
  auto source = std::make_shared<RealtimeStreamSource>(event_schema(), RealtimeSourceOptions{});
  const auto query = stateless_query(source, std::make_shared<MemorySink>());
  query->start();
  EXPECT_EQ(kind_of([&] {
              query->await_termination(std::nullopt,
                                       [] { throw Error(ErrorKind::kCancelled, "Ctrl-C"); });
            }),
            ErrorKind::kCancelled);
  EXPECT_EQ(query->status(), StreamStatus::kRunning);
  query->stop();
}

TEST(StreamingQuery, TriggerIntervalSpacesTheBatches) {
  auto clock = std::make_shared<ManualClock>();
  StreamEnvironment environment;
  environment.clock = clock;
  StreamOptions options;
  options.trigger_interval_ms = 1000;
  auto sink = std::make_shared<MemorySink>();
  const auto query = StreamingQuery::make(
      event_scan(make_memory_stream(event_schema(), small_batches(3))), sink, options, environment);
  query->start();
  EXPECT_TRUE(eventually([&] { return query->progress().batches_processed == 1; }));
  std::this_thread::sleep_for(milliseconds(50));
  EXPECT_EQ(query->progress().batches_processed, 1u);
  clock->advance_ns(1'000'000'000);
  EXPECT_TRUE(eventually([&] { return query->progress().batches_processed == 2; }));
  std::this_thread::sleep_for(milliseconds(50));
  EXPECT_EQ(query->progress().batches_processed, 2u);
  query->stop(true);  // does not wait for the trigger
  EXPECT_EQ(query->progress().batches_processed, 3u);
}

TEST(StreamingQuery, StopInsideTheSinkAndWithoutStart) {
  StreamingQueryPtr query;
  std::atomic<int> writes{0};
  auto sink = std::make_shared<CallbackSink>([&](const Schema&, const std::vector<Chunk>&) {
    if (++writes == 2) query->stop();
  });
  query = stateless_query(make_memory_stream(event_schema(), small_batches(50)), sink);
  query->start();
  query->await_termination();
  EXPECT_EQ(writes, 2);
  EXPECT_EQ(kind_of([&] { query->start(); }), ErrorKind::kStream);

  auto log = std::make_shared<CallLog>();
  const auto unstarted =
      stateless_query(std::make_shared<WatchedSource>(make_memory_stream(event_schema(), {}), log),
                      std::make_shared<WatchedSink>(std::make_shared<MemorySink>(), log));
  EXPECT_EQ(kind_of([&] { unstarted->await_termination(); }), ErrorKind::kStream);
  unstarted->stop();
  unstarted->stop();
  EXPECT_EQ(unstarted->status(), StreamStatus::kStopped);
  EXPECT_EQ(unstarted->await_termination(), 0u);
  EXPECT_EQ(log->lines(), (std::vector<std::string>{"source close", "sink close"}));
  EXPECT_EQ(kind_of([&] { unstarted->start(); }), ErrorKind::kStream);
}

TEST(StreamingQuery, OneQueryAtATimeHasASourceAndASink) {
  const auto source =
      std::make_shared<RealtimeStreamSource>(event_schema(), RealtimeSourceOptions{});
  const auto sink = std::make_shared<MemorySink>();
  const auto query = stateless_query(source, sink);
  const auto other_source = make_memory_stream(event_schema(), small_batches(3));
  const auto same_source = stateless_query(source, std::make_shared<MemorySink>());
  const auto same_sink = stateless_query(other_source, sink);
  const auto unstarted = stateless_query(source, sink);
  query->start();
  for (const auto& other : {same_source, same_sink}) {
    std::string message;
    EXPECT_EQ(kind_of([&] { other->start(); }, &message), ErrorKind::kStream);
    EXPECT_NE(message.find("another query that has not ended"), std::string::npos) << message;
    EXPECT_EQ(other->status(), StreamStatus::kCreated);
  }
  unstarted->stop();
  EXPECT_EQ(unstarted->status(), StreamStatus::kStopped);

  // Nothing of this has reached the one that runs.
  source->push({event_chunk({event(0, "a", 1)})});
  source->close_input();
  EXPECT_EQ(query->await_termination(), 1u);
  EXPECT_EQ(sink->rows(), 1);

  same_sink->start();
  EXPECT_EQ(same_sink->await_termination(), 3u);
  EXPECT_EQ(sink->rows(), 7);
}

TEST(StreamingQuery, ABatchThatDoesNotFitTheSchemaIsRefused) {
  class Liar : public StreamSource {
   public:
    const Schema& schema() const override { return schema_; }
    bool bounded() const override { return true; }
    std::string describe() const override { return "liar"; }
    SourceStatus next(StreamBatch* batch) override {
      Chunk chunk = event_chunk({});
      chunk.columns.pop_back();
      batch->chunks = {chunk};
      return SourceStatus::kBatch;
    }
    Schema schema_ = event_schema();
  };
  const auto query = stateless_query(std::make_shared<Liar>(), std::make_shared<MemorySink>());
  query->start();
  EXPECT_EQ(kind_of([&] { query->await_termination(); }), ErrorKind::kStream);
}

TEST(StreamingQuery, DestructionOfARunningQueryStopsIt) {
  auto source = std::make_shared<RealtimeStreamSource>(event_schema(), RealtimeSourceOptions{});
  {
    const auto query = stateless_query(source, std::make_shared<MemorySink>());
    query->start();
  }
  EXPECT_EQ(kind_of([&] { source->push({event_chunk({event(0, "a", 1)})}); }), ErrorKind::kStream);
}

}  // namespace
}  // namespace velaria
