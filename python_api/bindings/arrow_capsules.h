// The Arrow PyCapsule protocol: structs of the Arrow C interfaces inside Python capsules.
#pragma once

#include <pybind11/pybind11.h>

#include <vector>

#include "src/column/arrow/c_data.h"
#include "src/column/arrow/layout.h"
#include "src/column/chunk.h"
#include "src/column/schema.h"

namespace velaria::python {

// The rows of `object` as a stream that the caller owns (kernel calls take such a stream over).
// `object` has __arrow_c_stream__ or __arrow_c_array__, or is a capsule named "arrow_array_stream".
// Throws InvalidArgumentError naming the type of anything else.
ArrowArrayStream take_arrow_stream(pybind11::handle object);

// Whether the object offers __arrow_c_schema__.
bool has_arrow_schema(pybind11::handle object);
// Calls use(const ArrowSchema&) with the object's schema.
template <typename Use>
auto with_arrow_schema(pybind11::handle object, Use&& use) {
  const pybind11::object capsule = object.attr("__arrow_c_schema__")();
  void* schema = PyCapsule_GetPointer(capsule.ptr(), "arrow_schema");
  if (schema == nullptr) throw pybind11::error_already_set();
  return use(*static_cast<const ArrowSchema*>(schema));
}

// The schema in a capsule named "arrow_schema", which stays the caller's.
Schema schema_of_capsule(pybind11::handle capsule);

// The layouts that it asks for.
std::vector<ColumnLayout> layouts_of_capsule(pybind11::handle capsule);

// Capsules that own what is inside until a consumer takes it.
pybind11::capsule stream_capsule(const ArrowArrayStream& stream);
pybind11::capsule schema_capsule(const Schema& schema);

}  // namespace velaria::python
