#include "src/similarity/vector_table.h"

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/builder.h"

namespace velaria {
namespace {

ColumnPtr copy_flat(const Column& column) {
  VectorBuilder builder(column.type());
  for (int64_t row = 0; row < column.length(); ++row) {
    if (column.is_null(row)) {
      builder.append_null();
    } else {
      const Column& source = column.is_dictionary() ? *column.child() : column;
      builder.append(source.vector_at(column.is_dictionary() ? column.indices()[row] : row));
    }
  }
  return builder.finish();
}

// Makes NULL every vector that has a NULL element.
ColumnPtr spread_element_nulls(const ColumnPtr& column) {
  const Validity& elements = column->child()->validity();
  if (elements.all_valid()) return column;
  const int64_t dimension = column->type().list_size();
  ValidityBuilder rows;
  for (int64_t row = 0; row < column->length(); ++row) {
    bool valid = column->validity().valid(row);
    for (int64_t i = 0; valid && i < dimension; ++i) valid = elements.valid(row * dimension + i);
    rows.append(valid);
  }
  return column->with_validity(rows.finish());
}

}  // namespace

ColumnPtr flat_vectors(const ColumnPtr& column) {
  return column->is_flat() ? spread_element_nulls(column) : copy_flat(*column);
}

VectorTable::VectorTable(int32_t dimension) : dimension_(dimension) {
  if (dimension < 1) {
    throw Error(ErrorKind::kInvalidArgument,
                concat("vector search: dimension ", dimension, " is not possible; use at least 1"));
  }
}

void VectorTable::append(const ColumnPtr& column) {
  const DataType& type = column->type();
  if (!type.is_vector()) {
    throw Error(ErrorKind::kTypeMismatch,
                concat("vector search: the column is ", type.to_string(),
                       "; it must be fixed_size_list<float32>[", dimension_, "]"));
  }
  if (type.list_size() != dimension_) {
    throw Error(ErrorKind::kTypeMismatch,
                concat("vector search: the column has dimension ", type.list_size(),
                       ", but the table has dimension ", dimension_,
                       "; all vectors of a search need the same one"));
  }
  if (column->length() == 0) return;
  const ColumnPtr flat = flat_vectors(column);
  blocks_.push_back({rows_, flat->length(), flat, nullptr, std::make_shared<KeptNorms>()});
  rows_ += flat->length();
}

void VectorTable::append_converted(int64_t rows, ReadRows read) {
  if (rows == 0) return;
  blocks_.push_back({rows_, rows, nullptr, std::move(read), std::make_shared<KeptNorms>()});
  rows_ += rows;
}

}  // namespace velaria
