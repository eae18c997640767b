#include "src/column/arrow/array_shape.h"

#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria {

namespace {

// Fewest buffers an array of this layout has.
int64_t least_buffers(ArrowLayout layout) {
  switch (layout) {
    case ArrowLayout::kNull:
    case ArrowLayout::kRunEnd: return 0;
    case ArrowLayout::kVector:
    case ArrowLayout::kFixedSizeList:
    case ArrowLayout::kStruct: return 1;
    case ArrowLayout::kText32:
    case ArrowLayout::kText64:
    case ArrowLayout::kTextView:
    case ArrowLayout::kListView32:
    case ArrowLayout::kListView64: return 3;
    default: return 2;
  }
}

bool is_text(ArrowLayout layout) {
  return layout == ArrowLayout::kText32 || layout == ArrowLayout::kText64 ||
         layout == ArrowLayout::kTextView;
}

int64_t least_children(const ArrowFormat& format) {
  if (format.layout == ArrowLayout::kDictionary) return 0;
  return static_cast<int64_t>(format.children.size());
}

}  // namespace

bool has_validity(ArrowLayout layout) {
  return layout != ArrowLayout::kNull && layout != ArrowLayout::kRunEnd;
}

void malformed_array(const ArrowFormat& format, std::string_view what) {
  throw Error(ErrorKind::kInvalidArgument,
              concat("the Arrow array of column '", excerpt(format.column), "' (format '",
                     excerpt(format.text), "') is malformed: ", what,
                     "; this is a defect of the program that made it"));
}

void check_array_shape(const ArrowFormat& format, const ArrowArray& array) {
  if (array.length < 0 || array.offset < 0) {
    malformed_array(format, "its length or offset is below 0");
  }
  if (array.length == 0) return;
  const int64_t wanted = least_buffers(format.layout);
  if (array.n_buffers < wanted || (wanted > 0 && array.buffers == nullptr)) {
    malformed_array(format, concat("it has ", array.n_buffers, " buffers and needs ", wanted));
  }
  // The last buffer of texts may be null when every text is empty.
  const int64_t required = is_text(format.layout) ? wanted - 1 : wanted;
  for (int64_t i = 1; i < required; ++i) {
    if (array.buffers[i] == nullptr) malformed_array(format, concat("buffer ", i, " is null"));
  }
  if (has_validity(format.layout) && array.null_count > 0 && array.buffers[0] == nullptr) {
    malformed_array(format, concat("it has ", array.null_count, " nulls and no validity bits"));
  }
  const int64_t children = least_children(format);
  if (array.n_children < children || (children > 0 && array.children == nullptr)) {
    malformed_array(format, concat("it has ", array.n_children, " children and needs ", children));
  }
  for (int64_t i = 0; i < children; ++i) {
    if (array.children[i] == nullptr) malformed_array(format, concat("child ", i, " is null"));
  }
  if (format.layout == ArrowLayout::kDictionary && array.dictionary == nullptr) {
    malformed_array(format, "its dictionary is missing");
  }
}

}  // namespace velaria
