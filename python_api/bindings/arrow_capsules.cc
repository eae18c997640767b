#include "python_api/bindings/arrow_capsules.h"

#include <cerrno>
#include <memory>
#include <string>
#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/arrow/export.h"
#include "src/column/arrow/import.h"

namespace velaria::python {

namespace py = pybind11;

namespace {

// One record batch that was given as two structs, as a stream of one.
struct SingleBatch {
  ArrowSchema schema{};
  ArrowArray array{};

  ~SingleBatch() {
    if (schema.release != nullptr) schema.release(&schema);
    if (array.release != nullptr) array.release(&array);
  }

  static SingleBatch* of(ArrowArrayStream* stream) {
    return static_cast<SingleBatch*>(stream->private_data);
  }
  // Each may be asked for once, which is what our reader does.
  static int get_schema(ArrowArrayStream* stream, ArrowSchema* out) {
    if (of(stream)->schema.release == nullptr) return EINVAL;
    *out = std::exchange(of(stream)->schema, ArrowSchema{});
    return 0;
  }
  static int get_next(ArrowArrayStream* stream, ArrowArray* out) {
    *out = std::exchange(of(stream)->array, ArrowArray{});
    return 0;
  }
  static const char* get_last_error(ArrowArrayStream*) { return nullptr; }
  static void release(ArrowArrayStream* stream) {
    delete of(stream);
    stream->release = nullptr;
  }
};

template <typename Struct>
Struct* from_capsule(py::handle capsule, const char* name) {
  void* pointer = PyCapsule_GetPointer(capsule.ptr(), name);
  if (pointer == nullptr) throw py::error_already_set();
  auto* inside = static_cast<Struct*>(pointer);
  if (inside->release == nullptr) {
    throw Error(ErrorKind::kInvalidArgument,
                concat("this Arrow capsule (", name, ") was read already; make a new one"));
  }
  return inside;
}

ArrowArrayStream take_stream_capsule(py::handle capsule) {
  auto* stream = from_capsule<ArrowArrayStream>(capsule, "arrow_array_stream");
  ArrowArrayStream out = *stream;
  stream->release = nullptr;
  return out;
}

ArrowArrayStream take_array_capsules(const py::object& pair) {
  const py::tuple capsules = pair;
  auto* schema = from_capsule<ArrowSchema>(capsules[0], "arrow_schema");
  auto* array = from_capsule<ArrowArray>(capsules[1], "arrow_array");
  auto batch = std::make_unique<SingleBatch>();
  batch->schema = std::exchange(*schema, ArrowSchema{});
  batch->array = std::exchange(*array, ArrowArray{});
  ArrowArrayStream out{};
  out.get_schema = SingleBatch::get_schema;
  out.get_next = SingleBatch::get_next;
  out.get_last_error = SingleBatch::get_last_error;
  out.release = SingleBatch::release;
  out.private_data = batch.release();
  return out;
}

// Releases what no consumer took.
template <typename Struct>
void release_capsule(PyObject* capsule) {
  auto* inside = static_cast<Struct*>(PyCapsule_GetPointer(capsule, PyCapsule_GetName(capsule)));
  if (inside->release != nullptr) inside->release(inside);
  delete inside;
}

}  // namespace

ArrowArrayStream take_arrow_stream(py::handle object) {
  if (PyCapsule_IsValid(object.ptr(), "arrow_array_stream") != 0) {
    return take_stream_capsule(object);
  }
  if (py::hasattr(object, "__arrow_c_stream__")) {
    return take_stream_capsule(object.attr("__arrow_c_stream__")());
  }
  if (py::hasattr(object, "__arrow_c_array__")) {
    return take_array_capsules(object.attr("__arrow_c_array__")());
  }
  throw Error(
      ErrorKind::kInvalidArgument,
      concat("a ", Py_TYPE(object.ptr())->tp_name,
             " is no Arrow data; give a pyarrow Table, RecordBatch or RecordBatchReader, or "
             "any object with __arrow_c_stream__ or __arrow_c_array__"));
}

bool has_arrow_schema(py::handle object) { return py::hasattr(object, "__arrow_c_schema__"); }

Schema schema_of_capsule(py::handle capsule) {
  return ImportedSchema::read(*from_capsule<ArrowSchema>(capsule, "arrow_schema"))->schema();
}

std::vector<ColumnLayout> layouts_of_capsule(py::handle capsule) {
  return requested_layouts(*from_capsule<ArrowSchema>(capsule, "arrow_schema"));
}

py::capsule stream_capsule(const ArrowArrayStream& stream) {
  return py::capsule(new ArrowArrayStream(stream), "arrow_array_stream",
                     release_capsule<ArrowArrayStream>);
}

py::capsule schema_capsule(const Schema& schema) {
  auto out = std::make_unique<ArrowSchema>();
  export_schema(schema, out.get());
  return py::capsule(out.release(), "arrow_schema", release_capsule<ArrowSchema>);
}

}  // namespace velaria::python
