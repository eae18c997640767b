#include "stream/workers/worker_server.h"

#include <signal.h>
#include <sys/prctl.h>

#include <atomic>
#include <map>
#include <memory>
#include <utility>

#include "src/base/clock.h"
#include "src/base/error.h"
#include "src/column/builder.h"
#include "src/exec/physical_plan.h"
#include "stream/workers/plan_codec.h"
#include "stream/workers/worker_messages.h"

namespace velaria {

namespace {

// The frames of one batch as the table that the plan reads.
class FrameSource : public TableSource {
 public:
  FrameSource(const Schema& schema, std::vector<Chunk> chunks)
      : schema_(schema), chunks_(std::move(chunks)) {}
  const Schema& schema() const override { return schema_; }
  std::string describe() const override { return "frames of a batch"; }
  std::unique_ptr<TableScan> scan(const ScanRequest& request) const override {
    return std::make_unique<Scan>(chunks_, request.columns);
  }

 private:
  class Task : public ScanTask {
   public:
    Task(const std::vector<Chunk>& chunks, const std::vector<size_t>& columns,
         std::atomic<size_t>& next)
        : chunks_(chunks), columns_(columns), next_(next) {}
    bool next(Chunk* out) override {
      const size_t index = next_.fetch_add(1);
      if (index >= chunks_.size()) return false;
      const Chunk& chunk = chunks_[index];
      out->columns.clear();
      for (const size_t column : columns_) out->columns.push_back(chunk.columns[column]);
      out->rows = chunk.rows;
      out->selection = chunk.selection;
      out->order = chunk.order;
      return true;
    }

   private:
    const std::vector<Chunk>& chunks_;
    const std::vector<size_t>& columns_;
    std::atomic<size_t>& next_;
  };
  class Scan : public TableScan {
   public:
    Scan(const std::vector<Chunk>& chunks, std::vector<size_t> columns)
        : chunks_(chunks), columns_(std::move(columns)) {}
    std::unique_ptr<ScanTask> new_task() override {
      return std::make_unique<Task>(chunks_, columns_, next_);
    }

   private:
    const std::vector<Chunk>& chunks_;
    const std::vector<size_t> columns_;
    std::atomic<size_t> next_{0};
  };

  const Schema& schema_;
  const std::vector<Chunk> chunks_;
};

class WorkerServer {
 public:
  explicit WorkerServer(int descriptor) : channel_(descriptor) {}

  void serve() {
    while (std::optional<Message> message = channel_.receive(nullptr)) {
      bool told = false;
      try {
        told = answer(&*message);
      } catch (const Error& error) {
        told = tell_failure(error.kind(), error.message());
      } catch (...) {
        told = tell_failure(ErrorKind::kResource, describe_exception(std::current_exception()));
      }
      if (!told) return;
    }
  }

 private:
  bool answer(Message* message) {
    switch (message->type) {
      case MessageType::kStart: start(decode_task(message->bytes)); return tell_done();
      case MessageType::kRestore: restore(decode_groups(message->bytes)); return tell_done();
      case MessageType::kBatch: return run_batch(message);
      case MessageType::kAll: execution_->ask_for_all(); return run({});
      case MessageType::kSnapshot: return tell_groups();
      default: VELARIA_CHECK(false);
    }
    return false;
  }

  void start(WorkerTask task) {
    task_ = std::move(task);
    leaf_ = std::make_shared<FrameSource>(task_.leaf_schema, std::vector<Chunk>());
    ByteReader in(task_.plan, "the plan of a worker");
    plan_ = read_plan(&in, leaf_);
    PhysicalOptions options;
    options.stream = leaf_.get();
    options.aggregate_output = task_.aggregate_output;
    options.aggregate.position_column = task_.position_column;
    physical_ = std::make_unique<PhysicalPlan>(PhysicalPlan::make(*plan_, options));
    ExecutionContext context;
    context.budget = std::make_shared<MemoryBudget>(task_.memory_limit_bytes);
    context.chunk_rows = task_.chunk_rows;
    execution_ = std::make_unique<PlanExecution>(*physical_, std::move(context));
  }

  PlanExecution::Stateful groups() {
    const auto stateful = execution_->stateful_sinks();
    VELARIA_CHECK(stateful.size() == 1);
    return stateful[0];
  }

  void restore(const WorkerGroups& restored) {
    groups().sink->restore(*groups().state, restored.snapshot, restored.positions);
  }

  bool run_batch(Message* message) {
    ByteReader in(message->bytes, "a batch for a worker");
    segments_.add(message, read_new_segments(&in));
    std::vector<Chunk> chunks;
    for (uint32_t n = in.u32(); n > 0; --n) {
      const FrameReference reference = read_reference(&in);
      chunks.push_back(read_chunk_of(reference, in.u64()));
    }
    return run(std::move(chunks));
  }

  Chunk read_chunk_of(const FrameReference& reference, uint64_t order) {
    Chunk out;
    if (reference.is_shared) {
      const std::shared_ptr<SharedSegment>& segment = segments_.at(reference);
      // Tells that the frame is left when nothing points into it any more.
      const std::shared_ptr<const void> lease(
          segment.get(),
          [this, segment, number = reference.place.segment](const void*) { ++released_[number]; });
      out = read_frame(segment->data() + reference.place.offset, reference.size_bytes, lease);
    } else {
      const OwnFrame frame = copy_frame(reinterpret_cast<const uint8_t*>(reference.bytes.data()),
                                        reference.size_bytes);
      out = read_frame(frame.data, frame.size_bytes, frame.owner);
    }
    const ColumnPtr owners = out.columns.back();
    out.columns.pop_back();
    out.order = order;
    if (task_.position_column) out.columns.push_back(positions(out));
    if (owners) out.selection = own_rows(*owners);
    return out;
  }

  ColumnPtr positions(const Chunk& chunk) const {
    std::shared_ptr<Buffer> buffer =
        Buffer::allocate(static_cast<size_t>(chunk.rows) * sizeof(uint64_t));
    auto* values = reinterpret_cast<uint64_t*>(buffer->mutable_data());
    const uint64_t first = row_position(chunk.order << kSubOrderBits, 0);
    for (int64_t i = 0; i < chunk.rows; ++i) values[i] = first + static_cast<uint64_t>(i);
    return Column::flat(DataType(TypeId::kUInt64), chunk.rows, std::move(buffer), 0, Validity());
  }

  SelectionPtr own_rows(const Column& owners) const {
    const auto* owner = owners.values<uint8_t>();
    auto out = std::make_shared<Selection>(static_cast<size_t>(owners.length()));
    uint32_t* rows = out->data();
    size_t count = 0;
    for (int64_t i = 0; i < owners.length(); ++i) {
      rows[count] = static_cast<uint32_t>(i);
      count += owner[i] == task_.number ? 1 : 0;
    }
    out->resize(count);
    return out;
  }

  bool run(std::vector<Chunk> chunks) {
    const int64_t start_ns = thread_cpu_ns();
    std::vector<Chunk> result;
    {
      const FrameSource batch(task_.leaf_schema, std::move(chunks));
      execution_->run(&batch);
      result = execution_->take_result();
    }
    ByteWriter rest;
    rest.u64(execution_->state_bytes());
    rest.u64(static_cast<uint64_t>(thread_cpu_ns() - start_ns));
    std::vector<OutputPlace> places;
    if (task_.position_column) places = groups().sink->output_places(*groups().state);

    // The other side has copied all of the last answer before it sent this batch.
    for (uint32_t i = 0; i < held_.size(); ++i) arena_.release(i, std::exchange(held_[i], 0));
    std::vector<FrameWriter> frames;
    uint64_t size_bytes = 0;
    for (const Chunk& chunk : result) {
      frames.emplace_back(chunk.columns, chunk.rows);
      size_bytes += frames.back().size_bytes();
    }
    const bool shared =
        task_.shared_memory_min_bytes && size_bytes >= *task_.shared_memory_min_bytes;
    ByteWriter references;
    references.u32(static_cast<uint32_t>(frames.size()));
    for (const FrameWriter& frame : frames) write_result(frame, shared, &references);
    result.clear();

    ByteWriter out;
    std::vector<int> descriptors;
    write_new_segments(arena_, known_segments_, &out, &descriptors);
    known_segments_ = arena_.segments();
    out.fixed(rest.bytes().data(), rest.bytes().size());
    out.u32(static_cast<uint32_t>(released_.size()));
    for (const auto& [segment, frames_left] : released_) {
      out.u32(segment);
      out.u64(frames_left);
    }
    released_.clear();
    out.fixed(references.bytes().data(), references.bytes().size());
    write_places(places, &out);
    return channel_.send(MessageType::kRows, out.bytes(), descriptors, nullptr);
  }

  void write_result(const FrameWriter& frame, bool shared, ByteWriter* out) {
    FrameReference reference;
    reference.size_bytes = frame.size_bytes();
    std::optional<SharedPlace> place;
    if (shared) place = arena_.allocate(frame.size_bytes(), 1);
    if (place) {
      held_.resize(arena_.segments());
      ++held_[place->segment];
      frame.write(arena_.at(*place));
      reference.is_shared = true;
      reference.place = *place;
      write_reference(reference, out);
      return;
    }
    std::shared_ptr<Buffer> bytes = Buffer::allocate(frame.size_bytes());
    frame.write(bytes->mutable_data());
    reference.bytes = {reinterpret_cast<const char*>(bytes->data()), frame.size_bytes()};
    write_reference(reference, out);
  }

  bool tell_groups() {
    WorkerGroups out;
    out.snapshot = groups().sink->snapshot(*groups().state);
    out.positions = groups().sink->positions(*groups().state);
    return channel_.send(MessageType::kGroups, encode_groups(out), {}, nullptr);
  }

  bool tell_done() { return channel_.send(MessageType::kDone, {}, {}, nullptr); }

  bool tell_failure(ErrorKind kind, const std::string& text) {
    ByteWriter out;
    out.u8(static_cast<uint8_t>(kind));
    out.text(text);
    return channel_.send(MessageType::kFailed, out.bytes(), {}, nullptr);
  }

  static constexpr uint64_t kMostResultBytes = uint64_t{1} << 30;

  MessageChannel channel_;
  // Outlives what is kept of frames.
  std::map<uint32_t, uint64_t> released_;
  ForeignSegments segments_;
  SharedArena arena_{kMostResultBytes};
  size_t known_segments_ = 0;   // of the arena, by the other side
  std::vector<uint64_t> held_;  // frames of the last answer, by segment
  WorkerTask task_;
  std::shared_ptr<FrameSource> leaf_;
  PlanPtr plan_;
  std::unique_ptr<PhysicalPlan> physical_;
  std::unique_ptr<PlanExecution> execution_;
};

}  // namespace

int serve_as_worker(int descriptor) {
  // The thread that started this process waits for it; should its process be killed, so is this
  // one.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  signal(SIGINT, SIG_IGN);
  try {
    WorkerServer(descriptor).serve();
  } catch (...) {
    return 1;
  }
  return 0;
}

}  // namespace velaria
