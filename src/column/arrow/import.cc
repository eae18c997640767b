#include "src/column/arrow/import.h"

#include <cerrno>
#include <cstring>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/arrow/array_reader.h"
#include "src/column/arrow/format.h"

namespace velaria {

namespace {

// A struct of the C interface that this object owns: moved in, released once.
template <typename T>
class Moved {
 public:
  explicit Moved(T* from) : value_(*from) { from->release = nullptr; }
  Moved() : value_{} {}
  ~Moved() {
    if (value_.release != nullptr) value_.release(&value_);
  }
  Moved(const Moved&) = delete;
  Moved& operator=(const Moved&) = delete;

  T* get() { return &value_; }
  const T& operator*() const { return value_; }
  const T* operator->() const { return &value_; }

 private:
  T value_;
};

void require_unreleased(bool unreleased, const char* what) {
  if (!unreleased) {
    throw Error(ErrorKind::kInvalidArgument,
                concat("the Arrow ", what,
                       " was consumed already; a stream or batch can be taken once: ask its "
                       "producer for a new one"));
  }
}

[[noreturn]] void malformed_batch(const std::string& what) {
  throw Error(ErrorKind::kInvalidArgument,
              concat("the Arrow record batch is malformed: ", what,
                     "; this is a defect of the program that made it"));
}

}  // namespace

DataType import_type(const ArrowSchema& schema) {
  return read_arrow_format(schema, schema.name == nullptr ? "" : schema.name).type;
}

ImportedSchema::ImportedSchema() = default;
bool ImportedSchema::has_float32_vectors(size_t i) const {
  const ArrowFormat& format = formats_[i];
  return format.layout == ArrowLayout::kVector && format.children[0].layout == ArrowLayout::kFixed;
}

ImportedSchema::~ImportedSchema() = default;

ImportedSchemaPtr ImportedSchema::read(const ArrowSchema& schema) {
  const std::string format = schema.format == nullptr ? "" : schema.format;
  if (format != "+s" || schema.dictionary != nullptr) {
    throw Error(ErrorKind::kTypeMismatch,
                concat("the Arrow data is a bare array of format '", excerpt(format),
                       "', not record batches with named columns; put it into a table first (in "
                       "pyarrow: pa.table({'name': array}))"));
  }
  std::shared_ptr<ImportedSchema> out(new ImportedSchema());
  std::vector<Field> fields;
  for (int64_t i = 0; i < schema.n_children; ++i) {
    if (schema.children == nullptr || schema.children[i] == nullptr) {
      malformed_batch(concat("field ", i, " of its schema is null"));
    }
    const ArrowSchema& child = *schema.children[i];
    const std::string name = child.name == nullptr ? "" : child.name;
    out->formats_.push_back(read_arrow_format(child, name));
    fields.push_back({name, out->formats_.back().type});
  }
  out->schema_ = Schema(std::move(fields));
  return out;
}

ImportedArray::~ImportedArray() = default;

ImportedArrayPtr ImportedArray::adopt(ImportedSchemaPtr schema, ArrowArray* array,
                                      const ImportedArray* previous) {
  require_unreleased(array->release != nullptr, "array");
  auto owner = std::make_shared<const Moved<ArrowArray>>(array);
  const ArrowArray& batch = **owner;
  const size_t columns = schema->schema_.size();
  if (batch.n_children != static_cast<int64_t>(columns)) {
    malformed_batch(concat("it has ", batch.n_children, " columns and its schema ", columns));
  }
  if (batch.length < 0 || batch.offset < 0) malformed_batch("its length or offset is below 0");
  if (batch.null_count != 0 && batch.n_buffers > 0 && batch.buffers != nullptr &&
      batch.buffers[0] != nullptr) {
    const int64_t bits = batch.offset + batch.length;
    const Validity valid(
        Buffer::wrap(batch.buffers[0], static_cast<size_t>(bitmap_bytes(bits)), owner),
        batch.offset);
    if (const int64_t nulls = valid.count_nulls(batch.length); nulls > 0) {
      throw Error(ErrorKind::kInvalidArgument,
                  concat("the Arrow data is a struct array in which ", nulls, " of ", batch.length,
                         " rows are NULL as a whole, which a table cannot say; make their fields "
                         "NULL instead (in pyarrow: StructArray.flatten())"));
    }
  }
  std::shared_ptr<ImportedArray> out(new ImportedArray());
  out->rows_ = batch.length;
  out->offset_ = batch.offset;
  const auto string_owners = std::make_shared<const StringOwners>(StringOwners{owner});
  out->readers_.reserve(columns);
  for (size_t i = 0; i < columns; ++i) {
    if (batch.children == nullptr || batch.children[i] == nullptr) {
      malformed_batch(concat("column ", i, " is null"));
    }
    const ArrowArray& child = *batch.children[i];
    if (child.length < batch.offset + batch.length) {
      malformed_batch(concat("column '", excerpt(schema->schema_.field(i).name), "' has ",
                             child.length, " rows and the batch ", batch.offset + batch.length));
    }
    const bool same_layout = previous != nullptr && previous->schema_ == schema;
    out->readers_.push_back(
        std::make_unique<ArrayReader>(schema->formats_[i], child, owner, string_owners,
                                      same_layout ? previous->readers_[i].get() : nullptr));
  }
  out->schema_ = std::move(schema);
  return out;
}

ColumnPtr ImportedArray::column(size_t i, int64_t offset, int64_t length) const {
  VELARIA_CHECK(i < readers_.size() && offset >= 0 && length >= 0 && offset + length <= rows_);
  return readers_[i]->column(offset_ + offset, length);
}

Chunk ImportedArray::chunk() const {
  Chunk out;
  out.rows = rows_;
  for (size_t i = 0; i < schema().size(); ++i) out.columns.push_back(column(i));
  return out;
}

ArrowStreamReader::ArrowStreamReader(ArrowArrayStream* stream) : stream_(*stream) {
  require_unreleased(stream->release != nullptr, "stream");
  stream->release = nullptr;
  try {
    Moved<ArrowSchema> schema;
    if (const int code = stream_.get_schema(&stream_, schema.get()); code != 0) {
      fail(code, "telling its schema");
    }
    schema_ = ImportedSchema::read(*schema);
  } catch (...) {
    stream_.release(&stream_);  // the destructor of a half-made object does not run
    throw;
  }
}

ArrowStreamReader::~ArrowStreamReader() { stream_.release(&stream_); }

void ArrowStreamReader::fail(int code, const char* doing) {
  ended_ = true;
  const char* text = stream_.get_last_error == nullptr ? nullptr : stream_.get_last_error(&stream_);
  const std::string reason = text != nullptr && *text != '\0' ? text : std::strerror(code);
  const ErrorKind kind = code == ECANCELED ? ErrorKind::kCancelled
                         : code == ENOMEM  ? ErrorKind::kResource
                                           : ErrorKind::kStream;
  throw Error(kind, concat("the Arrow stream failed while ", doing, " (after ", batches_,
                           " batches, code ", code, "): ", reason));
}

ImportedArrayPtr ArrowStreamReader::next() {
  if (ended_) return nullptr;
  Moved<ArrowArray> array;
  if (const int code = stream_.get_next(&stream_, array.get()); code != 0) {
    array.get()->release = nullptr;  // what a failed call left there is not ours
    fail(code, "giving its next batch");
  }
  if (array->release == nullptr) {
    ended_ = true;
    return nullptr;
  }
  const ImportedArrayPtr previous = previous_.lock();
  ImportedArrayPtr batch = ImportedArray::adopt(schema_, array.get(), previous.get());
  previous_ = batch;
  ++batches_;
  return batch;
}

ImportedTable import_stream(ArrowArrayStream* stream, const CancellationToken* cancellation) {
  ArrowStreamReader reader(stream);
  ImportedTable table;
  table.layout = reader.layout();
  while (ImportedArrayPtr batch = reader.next()) {
    if (cancellation != nullptr) cancellation->throw_if_cancelled();
    if (batch->rows() == 0) continue;
    table.rows += batch->rows();
    table.batches.push_back(std::move(batch));
  }
  return table;
}

ImportedTable import_batch(ArrowSchema* schema, ArrowArray* array) {
  const bool unreleased = schema->release != nullptr && array->release != nullptr;
  const Moved<ArrowSchema> owned_schema(schema);
  Moved<ArrowArray> owned_array(array);
  require_unreleased(unreleased, "array");
  ImportedTable table;
  table.layout = ImportedSchema::read(*owned_schema);
  ImportedArrayPtr batch = ImportedArray::adopt(table.layout, owned_array.get());
  table.rows = batch->rows();
  if (table.rows > 0) table.batches.push_back(std::move(batch));
  return table;
}

}  // namespace velaria
