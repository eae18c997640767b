#include "src/io/file_list_source.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/io/file_content.h"

namespace velaria {

namespace {

// The pipelines shift the orders of a scan by some bits (docs/design/0001).
constexpr uint64_t kMostOrders = uint64_t{1} << 44;

uint64_t order_bound_of(const TableSource& source, int64_t chunk_rows) {
  if (const auto* file = dynamic_cast<const FileSource*>(&source)) {
    return file->order_bound(chunk_rows);
  }
  // Rows in memory: no more chunks than rows.
  const auto rows = source.known_rows();
  return rows ? static_cast<uint64_t>(*rows) + 1 : uint64_t{1} << 40;
}

// The filter of a list as one of a file: with what the file lacks put in its place.
class PartFilter : public ScanFilter {
 public:
  PartFilter(ScanFilterPtr filter, const FileListPart& part, const Schema& schema,
             const ScanRequest& request)
      : filter_(std::move(filter)), path_(utf8_text(part.path)), places_(request.columns.size()) {
    const std::vector<size_t>& wanted = filter_->columns();
    size_t next = 0;
    for (size_t i = 0; i < request.columns.size(); ++i) {
      const size_t column = request.columns[i];
      Place& place = places_[i];
      place.wanted = std::binary_search(wanted.begin(), wanted.end(), i);
      place.is_path = column >= part.columns.size();
      place.type = schema.field(column).type;
      if (place.is_path || !part.columns[column]) continue;
      place.in_part = next++;
      if (place.wanted) columns_.push_back(*place.in_part);
    }
  }

  const std::vector<size_t>& columns() const override { return columns_; }

  void select(const Chunk& chunk, std::vector<uint32_t>* rows) const override {
    Chunk whole;
    whole.rows = chunk.rows;
    whole.columns.resize(places_.size());
    for (size_t i = 0; i < places_.size(); ++i) {
      const Place& place = places_[i];
      if (!place.wanted) continue;
      if (place.in_part) {
        whole.columns[i] = chunk.columns[*place.in_part];
      } else {
        whole.columns[i] = place.is_path ? Column::constant(Value::utf8(path_), chunk.rows)
                                         : Column::nulls(place.type, chunk.rows);
      }
    }
    filter_->select(whole, rows);
  }
  void left_out(int64_t rows) const override { filter_->left_out(rows); }

 private:
  struct Place {
    bool wanted = false;
    bool is_path = false;
    std::optional<size_t> in_part;  // the place in the file's request
    DataType type;
  };
  const ScanFilterPtr filter_;
  const std::string path_;
  std::vector<Place> places_;
  std::vector<size_t> columns_;
};

struct ListState {
  struct File {
    std::mutex mutex;
    std::unique_ptr<TableScan> scan;
    uint64_t first_order = 0;
    bool started = false;
    bool finished = false;  // somebody came to its end: nothing is left to be handed out
    size_t tasks = 0;
  };
  Schema schema;
  std::shared_ptr<const std::vector<FileListPart>> parts;
  ScanRequest request;
  ScanFilterPtr filter;
  std::vector<std::unique_ptr<File>> files;
  std::atomic<size_t> first_not_started{0};  // all before it are; for choosing only
};

class FileListTask : public ScanTask {
 public:
  explicit FileListTask(std::shared_ptr<ListState> state) : state_(std::move(state)) {}
  ~FileListTask() override { leave(false); }

  bool next(Chunk* chunk) override {
    for (;;) {
      if (!task_ && !enter_file()) return false;
      Chunk read;
      if (!task_->next(&read)) {
        leave(true);
        ++file_;
        continue;
      }
      arrange(std::move(read), chunk);
      return true;
    }
  }

 private:
  ListState::File& file() const { return *state_->files[file_]; }

  // Orders must ascend within a task, so it never goes back to an earlier file.
  bool enter_file() {
    for (; file_ < state_->files.size(); ++file_) {
      const std::lock_guard<std::mutex> lock(file().mutex);
      if (file().finished) continue;
      const bool others_wait =
          state_->first_not_started.load(std::memory_order_relaxed) < state_->files.size();
      if ((*state_->parts)[file_].serial && file().tasks > 0 && others_wait) continue;
      if (!file().started) {
        file().started = true;
        state_->first_not_started.fetch_add(1, std::memory_order_relaxed);
        file().scan = start_scan();
      }
      if (!file().scan) continue;  // opening it failed in another task
      task_ = file().scan->new_task();
      path_ = Value::utf8(utf8_text((*state_->parts)[file_].path));
      ++file().tasks;
      return true;
    }
    return false;
  }

  void leave(bool at_end) {
    if (!task_) return;
    task_.reset();
    const std::lock_guard<std::mutex> lock(file().mutex);
    file().finished = file().finished || at_end;
    // The last one out closes the file.
    if (--file().tasks == 0 && file().finished) file().scan.reset();
  }

  std::unique_ptr<TableScan> start_scan() const {
    const FileListPart& part = (*state_->parts)[file_];
    const ScanRequest request = request_of(file_);
    const auto* filtering = dynamic_cast<const FilteringSource*>(part.source.get());
    if (!state_->filter || filtering == nullptr) return part.source->scan(request);
    return filtering->scan_filtered(
        request,
        std::make_shared<PartFilter>(state_->filter, part, state_->schema, state_->request));
  }

  ScanRequest request_of(size_t index) const {
    ScanRequest request = state_->request;
    request.columns.clear();
    const FileListPart& part = (*state_->parts)[index];
    for (size_t column : state_->request.columns) {
      if (column < part.columns.size() && part.columns[column]) {
        request.columns.push_back(*part.columns[column]);
      }
    }
    return request;
  }

  void arrange(Chunk read, Chunk* chunk) const {
    const FileListPart& part = (*state_->parts)[file_];
    *chunk = Chunk();
    chunk->rows = read.rows;
    chunk->selection = std::move(read.selection);
    chunk->order = file().first_order + read.order;
    size_t next = 0;
    for (size_t column : state_->request.columns) {
      if (column >= part.columns.size()) {
        chunk->columns.push_back(Column::constant(path_, read.rows));
      } else if (part.columns[column]) {
        chunk->columns.push_back(std::move(read.columns[next++]));
      } else {
        chunk->columns.push_back(Column::nulls(state_->schema.field(column).type, read.rows));
      }
    }
  }

  const std::shared_ptr<ListState> state_;
  size_t file_ = 0;
  Value path_;  // of the file, as the column says it
  std::unique_ptr<ScanTask> task_;
};

class FileListScan : public TableScan {
 public:
  explicit FileListScan(std::shared_ptr<ListState> state) : state_(std::move(state)) {}
  std::unique_ptr<ScanTask> new_task() override { return std::make_unique<FileListTask>(state_); }

 private:
  const std::shared_ptr<ListState> state_;
};

class FileListSource : public FileSource {
 public:
  FileListSource(Schema schema, std::vector<FileListPart> parts, std::string kind)
      : schema_(std::move(schema)),
        parts_(std::make_shared<const std::vector<FileListPart>>(std::move(parts))),
        kind_(std::move(kind)) {}

  const Schema& schema() const override { return schema_; }

  std::string describe() const override {
    if (parts_->size() == 1) return (*parts_)[0].source->describe();
    std::string out = concat(kind_, " ", parts_->size(), " files: '", parts_->front().path, "'");
    if (parts_->size() > 2) out += ", ...";
    return out + concat(", '", parts_->back().path, "'");
  }

  std::optional<int64_t> known_rows() const override {
    int64_t rows = 0;
    for (const FileListPart& part : *parts_) {
      const auto known = part.source->known_rows();
      if (!known) return std::nullopt;
      rows += *known;
    }
    return rows;
  }

  uint64_t order_bound(int64_t chunk_rows) const override {
    uint64_t bound = 0;
    for (const FileListPart& part : *parts_) bound += order_bound_of(*part.source, chunk_rows);
    return bound;
  }

  std::vector<std::string> warnings() const override {
    std::vector<std::string> out;
    for (const FileListPart& part : *parts_) {
      for (const std::string& warning : warnings_of(*part.source)) {
        out.push_back(parts_->size() > 1 ? concat("'", part.path, "': ", warning) : warning);
      }
    }
    return out;
  }

  int64_t rejected_rows() const override {
    int64_t rows = 0;
    for (const FileListPart& part : *parts_) rows += rejected_rows_of(*part.source);
    return rows;
  }

  TableSourcePtr rejects() const override {
    std::vector<FileListPart> parts;
    for (const FileListPart& part : *parts_) {
      FileListPart rejects;
      rejects.source = rejects_of(*part.source);
      if (!rejects.source) continue;
      rejects.path = part.path;
      for (size_t i = 0; i < rejects.source->schema().size(); ++i) rejects.columns.emplace_back(i);
      parts.push_back(std::move(rejects));
    }
    if (parts.empty()) return nullptr;
    Schema schema = parts[0].source->schema();
    return make_file_list(std::move(schema), std::move(parts), "", "rejects of");
  }

  std::unique_ptr<TableScan> scan_filtered(const ScanRequest& request,
                                           ScanFilterPtr filter) const override {
    auto state = std::make_shared<ListState>();
    state->schema = schema_;
    state->parts = parts_;
    state->request = request;
    state->filter = std::move(filter);
    uint64_t order = 0;
    for (const FileListPart& part : *parts_) {
      state->files.push_back(std::make_unique<ListState::File>());
      state->files.back()->first_order = order;
      order += order_bound_of(*part.source, request.chunk_rows);
      if (order > kMostOrders) {
        throw Error(ErrorKind::kResource,
                    concat("the ", parts_->size(), " files of one table, '", parts_->front().path,
                           "' and others, may be too large together to keep their rows in order; "
                           "read them in parts and combine them with UNION ALL"));
      }
    }
    return std::make_unique<FileListScan>(std::move(state));
  }

 private:
  const Schema schema_;
  const std::shared_ptr<const std::vector<FileListPart>> parts_;
  const std::string kind_;
};

}  // namespace

TableSourcePtr make_file_list(Schema schema, std::vector<FileListPart> parts,
                              const std::string& filename_column, std::string kind) {
  VELARIA_CHECK(!parts.empty());
  const bool has_names = !filename_column.empty();
  for (const FileListPart& part : parts) {
    VELARIA_CHECK(part.columns.size() + (has_names ? 1 : 0) == schema.size());
    for (size_t i = 0; i < part.columns.size(); ++i) {
      if (!part.columns[i]) continue;
      VELARIA_CHECK(part.source->schema().field(*part.columns[i]).type == schema.field(i).type);
    }
  }
  return std::make_shared<FileListSource>(std::move(schema), std::move(parts), std::move(kind));
}

}  // namespace velaria
