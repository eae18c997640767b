#include "stream/workers/worker_execution.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "src/base/clock.h"
#include "src/base/error.h"
#include "src/base/text.h"
#include "src/kernel/take.h"
#include "stream/epoch_source.h"
#include "stream/workers/batch_divider.h"
#include "stream/workers/plan_codec.h"
#include "stream/workers/worker_messages.h"
#include "stream/workers/worker_process.h"

namespace velaria {

namespace {

constexpr uint64_t kMostSharedBytes = uint64_t{1} << 30;

// The numbers of the places in ascending order; each part of so many of them is ascending.
std::vector<uint32_t> merged_order(const std::vector<OutputPlace>& places,
                                   const std::vector<size_t>& parts) {
  std::vector<uint32_t> out(places.size());
  std::iota(out.begin(), out.end(), 0u);
  std::ptrdiff_t merged = 0;
  for (const size_t part : parts) {
    const std::ptrdiff_t end = merged + static_cast<std::ptrdiff_t>(part);
    std::inplace_merge(out.begin(), out.begin() + merged, out.begin() + end,
                       [&places](uint32_t a, uint32_t b) { return places[a] < places[b]; });
    merged = end;
  }
  return out;
}

Chunk taken(const Chunk& chunk, const uint32_t* rows, int64_t count) {
  Chunk out;
  out.rows = count;
  for (const ColumnPtr& column : chunk.columns) out.columns.push_back(take(column, rows, count));
  return out;
}

// Enough rows to measure by, without a selection, and which share of all these are.
std::vector<Chunk> first_rows(const std::vector<Chunk>& chunks, double* share) {
  constexpr int64_t kEnoughRows = 16 * 1024;
  int64_t all = 0;
  int64_t taken_rows = 0;
  std::vector<Chunk> out;
  for (const Chunk& any : chunks) {
    all += any.selected_rows();
    if (taken_rows >= kEnoughRows || any.selected_rows() == 0) continue;
    const Chunk chunk = compact(any);
    out.push_back(slice_chunk(chunk, 0, std::min(chunk.rows, kEnoughRows - taken_rows)));
    taken_rows += out.back().rows;
  }
  *share = all > 0 ? static_cast<double>(taken_rows) / static_cast<double>(all) : 1;
  return out;
}

class Execution : public WorkerExecution {
 public:
  Execution(const WorkerPlan& plan, const Schema& schema, WorkerSettings settings,
            ExecutionContext context, ExecutionChoice choice)
      : plan_(plan),
        schema_(schema),
        settings_(std::move(settings)),
        context_(std::move(context)),
        choice_(std::move(choice)),
        divider_(plan, settings_.columns, schema.size(), settings_.workers),
        reservation_(context_.budget, "groups of local workers"),
        clock_(system_clock()),
        known_segments_(settings_.workers, 0),
        foreign_(settings_.workers),
        state_bytes_(settings_.workers, 0) {
    choice_.used_actor_runtime = true;
    choice_.execution_mode = "local-workers";
    choice_.transport_mode = settings_.shared_memory ? "shared-memory" : "rpc-copy";
    if (plan_.after) {
      PhysicalOptions options;
      options.stream = plan_.groups.get();
      after_ = std::make_unique<PhysicalPlan>(PhysicalPlan::make(*plan_.after, options));
      ExecutionContext own = context_;
      own.pool = nullptr;
      own.tasks = 1;
      after_execution_ = std::make_unique<PlanExecution>(*after_, std::move(own));
    }
    start();
  }

  std::vector<Chunk> run(std::vector<Chunk> chunks, uint64_t* next_order) override {
    const int64_t start_ns = clock_->steady_ns();
    const EpochSource batch(schema_, std::move(chunks), chunk_rows(), *next_order);
    *next_order = batch.next_order();
    send_batch(divider_.divide(batch));
    std::vector<Chunk> out = receive_rows();
    cost_.wall_ns = clock_->steady_ns() - start_ns;
    return out;
  }

  std::vector<Chunk> run_all() override {
    for (size_t i = 0; i < workers_.size(); ++i) send(i, MessageType::kAll, {}, {});
    return receive_rows();
  }

  size_t state_parts_count() override { return plan_.divides_by_key() ? 1 : 0; }

  std::vector<Chunk> state_parts() override {
    if (!plan_.divides_by_key()) return {};
    for (size_t i = 0; i < workers_.size(); ++i) send(i, MessageType::kSnapshot, {}, {});
    std::vector<Chunk> snapshots;
    std::vector<OutputPlace> places;
    std::vector<size_t> sizes;
    for (size_t i = 0; i < workers_.size(); ++i) {
      WorkerGroups groups = decode_groups(receive(i, MessageType::kGroups).bytes);
      for (const uint64_t position : groups.positions) places.push_back({0, 0, position});
      sizes.push_back(groups.positions.size());
      snapshots.push_back(std::move(groups.snapshot));
    }
    const Chunk all = concatenate_chunks(snapshots, types_of(snapshots));
    return {taken(all, merged_order(places, sizes).data(), all.rows)};
  }

  void restore(const std::vector<Chunk>& parts) override {
    VELARIA_CHECK(parts.size() == state_parts_count());
    if (parts.empty()) return;
    const Chunk& all = parts[0];
    std::vector<std::vector<uint32_t>> rows_of(workers_.size());
    const std::vector<uint8_t> owners = owners_of_groups(all);
    for (uint32_t row = 0; row < owners.size(); ++row) rows_of[owners[row]].push_back(row);
    for (size_t i = 0; i < workers_.size(); ++i) {
      WorkerGroups groups;
      groups.snapshot = taken(all, rows_of[i].data(), static_cast<int64_t>(rows_of[i].size()));
      // Behind one another as they are written down, and before all rows to come.
      groups.positions.assign(rows_of[i].begin(), rows_of[i].end());
      send(i, MessageType::kRestore, encode_groups(groups), {});
    }
    for (size_t i = 0; i < workers_.size(); ++i) receive(i, MessageType::kDone);
  }

  uint64_t state_bytes() override {
    return std::accumulate(state_bytes_.begin(), state_bytes_.end(), uint64_t{0});
  }
  uint64_t late_rows() override { return 0; }  // plans that drop windows are not eligible
  ExecutionChoice choice() const override { return choice_; }
  WorkerBatchCost last_cost() const override { return cost_; }

 private:
  int64_t chunk_rows() const { return std::min(context_.chunk_rows, kMostChunkRows); }

  void start() {
    WorkerTask task;
    ByteWriter plan;
    write_plan(*plan_.shipped, &plan);
    task.plan = plan.take();
    task.leaf_schema = plan_.leaf_schema;
    task.position_column = plan_.position_column;
    task.aggregate_output = settings_.aggregate_output;
    task.chunk_rows = chunk_rows();
    // Each may come to hold most of the groups, but not more than all of them may take together.
    if (context_.budget) task.memory_limit_bytes = context_.budget->limit_bytes();
    if (settings_.shared_memory) task.shared_memory_min_bytes = settings_.shared_memory_min_bytes;
    for (size_t i = 0; i < settings_.workers; ++i) {
      workers_.push_back(std::make_unique<WorkerProcess>(settings_.command, i, settings_.workers));
    }
    for (size_t i = 0; i < workers_.size(); ++i) {
      task.number = static_cast<uint32_t>(i);
      send(i, MessageType::kStart, encode_task(task), {});
    }
    for (size_t i = 0; i < workers_.size(); ++i) receive(i, MessageType::kDone);
  }

  void send(size_t worker, MessageType type, std::string_view bytes,
            const std::vector<int>& descriptors) {
    if (!workers_[worker]->channel().send(type, bytes, descriptors, waiting())) fail_of(worker);
  }

  Message receive(size_t worker, MessageType expected) {
    std::optional<Message> message = workers_[worker]->channel().receive(waiting());
    if (!message) fail_of(worker);
    if (message->type == MessageType::kFailed) {
      ByteReader in(message->bytes, "the error of a worker");
      const auto kind = static_cast<ErrorKind>(in.u8());
      throw Error(kind, std::string(in.text()));
    }
    VELARIA_CHECK(message->type == expected);
    return std::move(*message);
  }

  [[noreturn]] void fail_of(size_t worker) {
    throw Error(ErrorKind::kStream,
                concat(workers_[worker]->describe_end(),
                       "; its part of the state went with it. Start the query again: with a "
                       "checkpoint it goes on from there"));
  }

  // Somebody who waits for one worker also hears of the end of another.
  MessageChannel::Waiting waiting() {
    return [this] {
      if (context_.cancellation != nullptr) context_.cancellation->throw_if_cancelled();
      for (size_t i = 0; i < workers_.size(); ++i) {
        if (workers_[i]->channel().other_side_has_ended()) fail_of(i);
      }
    };
  }

  void send_batch(const std::vector<DividedFrame>& frames) {
    uint64_t size_bytes = 0;
    for (const DividedFrame& frame : frames) size_bytes += frame.frame.size_bytes();
    const bool shared = settings_.shared_memory && size_bytes >= settings_.shared_memory_min_bytes;
    std::vector<ByteWriter> references(workers_.size());
    std::vector<uint32_t> counts(workers_.size(), 0);
    for (const DividedFrame& frame : frames) {
      FrameReference reference;
      reference.size_bytes = frame.frame.size_bytes();
      std::optional<SharedPlace> place;
      if (shared) {
        place = arena_.allocate(reference.size_bytes, frame.for_all ? workers_.size() : 1);
      }
      std::shared_ptr<Buffer> bytes;
      if (place) {
        frame.frame.write(arena_.at(*place));
        reference.is_shared = true;
        reference.place = *place;
        choice_.used_shared_memory = true;
      } else {
        bytes = Buffer::allocate(reference.size_bytes);
        frame.frame.write(bytes->mutable_data());
        reference.bytes = {reinterpret_cast<const char*>(bytes->data()), reference.size_bytes};
      }
      const size_t first = frame.for_all ? 0 : frame.only_worker;
      const size_t last = frame.for_all ? workers_.size() : frame.only_worker + 1;
      for (size_t worker = first; worker < last; ++worker) {
        write_reference(reference, &references[worker]);
        references[worker].u64(frame.order);
        ++counts[worker];
      }
    }
    for (size_t worker = 0; worker < workers_.size(); ++worker) {
      ByteWriter out;
      std::vector<int> descriptors;
      write_new_segments(arena_, known_segments_[worker], &out, &descriptors);
      known_segments_[worker] = arena_.segments();
      out.u32(counts[worker]);
      out.fixed(references[worker].bytes().data(), references[worker].bytes().size());
      send(worker, MessageType::kBatch, out.bytes(), descriptors);
    }
  }

  std::vector<Chunk> receive_rows() {
    std::vector<WorkerRows> parts;
    cost_.compute_cpu_ns = 0;
    for (size_t worker = 0; worker < workers_.size(); ++worker) {
      Message message = receive(worker, MessageType::kRows);
      parts.push_back(read_rows(worker, &message));
      state_bytes_[worker] = parts.back().state_bytes;
      cost_.compute_cpu_ns += parts.back().cpu_ns;
      for (const auto& [segment, frames] : parts.back().released) arena_.release(segment, frames);
    }
    reservation_.resize(state_bytes());
    std::vector<Chunk> out = plan_.divides_by_key() ? merged_groups(parts) : one_by_one(&parts);
    if (!after_execution_) return out;
    const EpochSource groups(plan_.groups->schema(), std::move(out), chunk_rows(), 0);
    after_execution_->run(&groups);
    return after_execution_->take_result();
  }

  WorkerRows read_rows(size_t worker, Message* message) {
    ByteReader in(message->bytes, "the rows of a worker");
    WorkerRows out;
    foreign_[worker].add(message, read_new_segments(&in));
    out.state_bytes = in.u64();
    out.cpu_ns = static_cast<int64_t>(in.u64());
    for (uint32_t n = in.u32(); n > 0; --n) {
      const uint32_t segment = in.u32();
      out.released.emplace_back(segment, in.u64());
    }
    for (uint32_t n = in.u32(); n > 0; --n) {
      const FrameReference reference = read_reference(&in);
      // A copy: a sink may keep the rows for as long as it likes.
      const OwnFrame frame = copy_frame(
          reference.is_shared ? foreign_[worker].at(reference)->data() + reference.place.offset
                              : reinterpret_cast<const uint8_t*>(reference.bytes.data()),
          reference.size_bytes);
      if (reference.is_shared) choice_.used_shared_memory = true;
      out.chunks.push_back(read_frame(frame.data, frame.size_bytes, frame.owner));
    }
    out.places = read_places(&in);
    return out;
  }

  static std::vector<Chunk> one_by_one(std::vector<WorkerRows>* parts) {
    std::vector<Chunk> out;
    for (WorkerRows& part : *parts) {
      std::move(part.chunks.begin(), part.chunks.end(), std::back_inserter(out));
    }
    return out;
  }

  std::vector<Chunk> merged_groups(const std::vector<WorkerRows>& parts) const {
    std::vector<Chunk> chunks;
    std::vector<OutputPlace> places;
    std::vector<size_t> sizes;
    for (const WorkerRows& part : parts) {
      sizes.push_back(part.places.size());
      chunks.insert(chunks.end(), part.chunks.begin(), part.chunks.end());
      places.insert(places.end(), part.places.begin(), part.places.end());
    }
    if (chunks.empty()) return {};
    const Chunk all = concatenate_chunks(chunks, types_of(chunks));
    VELARIA_CHECK(static_cast<size_t>(all.rows) == places.size());
    const std::vector<uint32_t> order = merged_order(places, sizes);
    std::vector<Chunk> out;
    for (int64_t begin = 0; begin < all.rows; begin += chunk_rows()) {
      out.push_back(taken(all, order.data() + begin, std::min(chunk_rows(), all.rows - begin)));
    }
    return out;
  }

  static std::vector<DataType> types_of(const std::vector<Chunk>& chunks) {
    std::vector<DataType> out;
    for (const ColumnPtr& column : chunks[0].columns) out.push_back(column->type());
    return out;
  }

  std::vector<uint8_t> owners_of_groups(const Chunk& snapshot) const {
    std::vector<ColumnPtr> keys;
    for (const size_t key : plan_.division_key_columns) keys.push_back(snapshot.columns[key]);
    return owners_of_keys(keys, snapshot.rows, workers_.size());
  }

  const WorkerPlan& plan_;
  const Schema& schema_;
  const WorkerSettings settings_;
  const ExecutionContext context_;
  ExecutionChoice choice_;
  const BatchDivider divider_;
  MemoryReservation reservation_;
  const std::shared_ptr<Clock> clock_;
  SharedArena arena_{kMostSharedBytes};
  std::vector<size_t> known_segments_;    // of the arena, by worker
  std::vector<ForeignSegments> foreign_;  // by worker
  std::vector<uint64_t> state_bytes_;     // by worker
  std::unique_ptr<PhysicalPlan> after_;
  std::unique_ptr<PlanExecution> after_execution_;
  WorkerBatchCost cost_;
  std::vector<std::unique_ptr<WorkerProcess>> workers_;
};

}  // namespace

std::unique_ptr<WorkerExecution> make_worker_execution(const WorkerPlan& plan, const Schema& schema,
                                                       WorkerSettings settings,
                                                       ExecutionContext context,
                                                       ExecutionChoice choice) {
  return std::make_unique<Execution>(plan, schema, std::move(settings), std::move(context),
                                     std::move(choice));
}

int64_t measure_handing_over_ns(const WorkerPlan& plan, const Schema& schema,
                                const WorkerSettings& settings, const std::vector<Chunk>& batch,
                                const std::vector<Chunk>& output, int64_t chunk_rows) {
  const std::shared_ptr<Clock> clock = system_clock();
  const BatchDivider divider(plan, settings.columns, schema.size(), settings.workers);
  std::shared_ptr<Buffer> room;
  const auto write = [&room](const FrameWriter& frame) {
    if (!room || room->size_bytes() < frame.size_bytes()) {
      room = Buffer::allocate(frame.size_bytes());
    }
    frame.write(room->mutable_data());
  };
  // Memory that is touched for the first time costs more, as it does not for batch after batch.
  const auto second_time_ns = [&clock](const auto& work) {
    work();
    const int64_t start_ns = clock->steady_ns();
    work();
    return static_cast<double>(clock->steady_ns() - start_ns);
  };

  double share = 1;
  const std::vector<Chunk> some_rows = first_rows(batch, &share);
  const double over_ns = second_time_ns([&] {
                           const EpochSource source(schema, some_rows, chunk_rows, 0);
                           for (const DividedFrame& frame : divider.divide(source)) {
                             write(frame.frame);
                           }
                         }) /
                         share;

  const std::vector<Chunk> some_output = first_rows(output, &share);
  if (some_output.empty()) return static_cast<int64_t>(over_ns);
  const double back_ns =
      second_time_ns([&] {
        std::vector<Chunk> copies;
        for (const Chunk& chunk : some_output) {
          write(FrameWriter(chunk.columns, chunk.rows));
          const OwnFrame frame = copy_frame(room->data(), room->size_bytes());
          copies.push_back(read_frame(frame.data, frame.size_bytes, frame.owner));
        }
        if (!plan.divides_by_key()) return;
        std::vector<DataType> types;
        for (const ColumnPtr& column : copies[0].columns) types.push_back(column->type());
        const Chunk all = concatenate_chunks(copies, types);
        // As if two workers had every other row.
        const auto rows = static_cast<size_t>(all.rows);
        std::vector<OutputPlace> places(rows);
        for (size_t i = 0; i < rows; ++i) {
          places[i].position = i < rows / 2 ? 2 * i : 2 * (i - rows / 2) + 1;
        }
        ByteWriter message;
        write_places(places, &message);
        ByteReader in(message.bytes(), "places");
        const std::vector<uint32_t> order =
            merged_order(read_places(&in), {rows / 2, rows - rows / 2});
        taken(all, order.data(), all.rows);
      }) /
      share;
  return static_cast<int64_t>(over_ns + back_ns);
}

}  // namespace velaria
