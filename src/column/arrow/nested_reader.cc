#include "src/column/arrow/nested_reader.h"

#include <cstring>
#include <limits>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/arrow/array_shape.h"
#include "src/column/bitmap.h"

namespace velaria {

namespace {

template <typename T>
T load(const uint8_t* values, int64_t i) {
  T value;
  std::memcpy(&value, values + i * static_cast<int64_t>(sizeof(T)), sizeof(T));
  return value;
}

// An index, or -1 for one that no array has.
int64_t load_index(const ArrowFormat& format, const uint8_t* indices, int64_t i) {
  uint64_t index = 0;
  switch (format.width_bytes) {
    case 1:
      index = format.signed_index ? static_cast<uint64_t>(load<int8_t>(indices, i))
                                  : load<uint8_t>(indices, i);
      break;
    case 2:
      index = format.signed_index ? static_cast<uint64_t>(load<int16_t>(indices, i))
                                  : load<uint16_t>(indices, i);
      break;
    case 4:
      index = format.signed_index ? static_cast<uint64_t>(load<int32_t>(indices, i))
                                  : load<uint32_t>(indices, i);
      break;
    default: index = load<uint64_t>(indices, i); break;
  }
  return index > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())
             ? -1
             : static_cast<int64_t>(index);
}

}  // namespace

bool NestedReader::Node::is_null(int64_t slot) const {
  return format->layout == ArrowLayout::kNull ||
         (validity != nullptr && !get_bit(validity, array->offset + slot));
}

NestedReader::NestedReader(const ArrowFormat& format, const ArrowArray& array)
    : root_(read_node(format, array)) {}

NestedReader::Node NestedReader::read_node(const ArrowFormat& format, const ArrowArray& array) {
  check_array_shape(format, array);
  Node node;
  node.format = &format;
  node.array = &array;
  if (array.length == 0) return node;  // nothing leads to its slots
  const int64_t rows = array.offset + array.length;
  if (has_validity(format.layout) && array.null_count != 0) node.validity = node.buffer(0);
  switch (format.layout) {
    case ArrowLayout::kText32: node.text_bytes = load<int32_t>(node.buffer(1), rows); break;
    case ArrowLayout::kText64: node.text_bytes = load<int64_t>(node.buffer(1), rows); break;
    case ArrowLayout::kTextView: node.view_data = read_view_data(array); break;
    case ArrowLayout::kDictionary:
      node.children.push_back(read_node(format.children[0], *array.dictionary));
      return node;
    default: break;
  }
  for (size_t i = 0; i < format.children.size(); ++i) {
    node.children.push_back(read_node(format.children[i], *array.children[i]));
    const int64_t has = array.children[i]->length;
    int64_t needs = 0;
    if (format.layout == ArrowLayout::kStruct) needs = rows;
    if (format.layout == ArrowLayout::kFixedSizeList &&
        __builtin_mul_overflow(rows, int64_t{format.nested->list_size}, &needs)) {
      malformed_array(format, concat("it has ", rows, " rows"));
    }
    if (has < needs) {
      malformed_array(format, concat("its child '", excerpt(format.children[i].column), "' has ",
                                     has, " rows and must have ", needs));
    }
  }
  return node;
}

NestedReader::Encoder::Encoder(std::string* bytes)
    : bytes_(bytes), scratch_(2 * (kDeepestNesting + 3)), root_range_(1) {}

void NestedReader::Encoder::encode(const Node& root, int64_t slot) {
  const size_t first = bytes_->size();
  root_range_[0] = {slot, 1};
  body(root, root_range_, 1, 0);
  if (bytes_->size() - first > std::numeric_limits<uint32_t>::max()) {
    throw Error(ErrorKind::kTypeMismatch,
                concat("column '", excerpt(root.format->column), "', row ", slot,
                       " of its Arrow array: a value of ", format_bytes(bytes_->size() - first),
                       " is longer than the limit of 4 GiB"));
  }
}

size_t NestedReader::Encoder::extend(size_t size_bytes) {
  const size_t at = bytes_->size();
  bytes_->resize(at + size_bytes);
  return at;
}

void NestedReader::Encoder::put_length(size_t at, uint64_t length, const Node& node, int64_t slot) {
  if (length > std::numeric_limits<uint32_t>::max()) {
    throw Error(
        ErrorKind::kTypeMismatch,
        concat("column '", excerpt(node.format->column), "', row ", slot,
               " of its Arrow array has ", length, " elements or bytes; the limit is 4294967295"));
  }
  const auto narrow = static_cast<uint32_t>(length);
  std::memcpy(bytes_->data() + at, &narrow, sizeof(narrow));
}

namespace {

// Neighbours become one range.
template <typename Ranges>
void append_range(Ranges* ranges, int64_t begin, int64_t count) {
  if (count == 0) return;
  if (!ranges->empty() && ranges->back().begin + ranges->back().count == begin) {
    ranges->back().count += count;
  } else {
    ranges->push_back({begin, count});
  }
}

template <typename Ranges, typename F>
void for_each_slot(const Ranges& ranges, F f) {
  for (const auto& range : ranges) {
    for (int64_t i = range.begin; i < range.begin + range.count; ++i) f(i);
  }
}

}  // namespace

void NestedReader::Encoder::run(const Node& node, const Ranges& ranges, int64_t slots, int depth) {
  if (slots == 0 || node.format->layout == ArrowLayout::kNull) return;
  if (node.format->layout == ArrowLayout::kDictionary) {
    dictionary_run(node, ranges, slots, depth);
    return;
  }
  bool any_null = false;
  if (node.validity != nullptr) {
    for_each_slot(ranges, [&](int64_t i) { any_null |= node.is_null(i); });
  }
  bytes_->push_back(any_null ? '\1' : '\0');
  if (!any_null) {
    body(node, ranges, slots, depth);
    return;
  }
  const size_t bits = extend(static_cast<size_t>(bitmap_bytes(slots)));
  Ranges& valid = scratch_[static_cast<size_t>(2 * depth)];
  valid.clear();
  int64_t at = 0;
  int64_t count = 0;
  for_each_slot(ranges, [&](int64_t i) {
    if (!node.is_null(i)) {
      set_bit(reinterpret_cast<uint8_t*>(bytes_->data() + bits), at);
      append_range(&valid, i, 1);
      ++count;
    }
    ++at;
  });
  body(node, valid, count, depth);
}

// Encoded as the values that the indices choose.
void NestedReader::Encoder::dictionary_run(const Node& node, const Ranges& ranges, int64_t slots,
                                           int depth) {
  const Node& values = node.children[0];
  if (values.format->layout == ArrowLayout::kNull) return;
  const size_t flag = extend(1 + static_cast<size_t>(bitmap_bytes(slots)));
  Ranges& chosen = scratch_[static_cast<size_t>(2 * depth)];
  chosen.clear();
  int64_t at = 0;
  int64_t count = 0;
  for_each_slot(ranges, [&](int64_t i) {
    if (!node.is_null(i)) {
      const int64_t index = load_index(*node.format, node.buffer(1), node.array->offset + i);
      if (index < 0 || index >= values.array->length) {
        malformed_array(*node.format, concat("index ", index, " of row ", i, " in a dictionary of ",
                                             values.array->length));
      }
      if (!values.is_null(index)) {
        set_bit(reinterpret_cast<uint8_t*>(bytes_->data() + flag + 1), at);
        append_range(&chosen, index, 1);
        ++count;
      }
    }
    ++at;
  });
  (*bytes_)[flag] = count == slots ? '\0' : '\1';
  if (count == slots) bytes_->resize(flag + 1);
  body(values, chosen, count, depth);
}

void NestedReader::Encoder::body(const Node& node, const Ranges& ranges, int64_t slots, int depth) {
  if (slots == 0) return;
  const int64_t offset = node.array->offset;
  switch (node.format->layout) {
    case ArrowLayout::kNull:
    case ArrowLayout::kVector:
    case ArrowLayout::kRunEnd:
    case ArrowLayout::kDictionary: break;
    case ArrowLayout::kBool:
      for_each_slot(ranges, [&](int64_t i) {
        bytes_->push_back(get_bit(node.buffer(1), offset + i) ? '\1' : '\0');
      });
      return;
    case ArrowLayout::kText32: texts<int32_t>(node, ranges, slots); return;
    case ArrowLayout::kText64: texts<int64_t>(node, ranges, slots); return;
    case ArrowLayout::kTextView: text_views(node, ranges, slots); return;
    case ArrowLayout::kList32:
      lists(node, ranges, slots, depth, [&](int64_t i, int64_t* begin, int64_t* end) {
        *begin = load<int32_t>(node.buffer(1), offset + i);
        *end = load<int32_t>(node.buffer(1), offset + i + 1);
      });
      return;
    case ArrowLayout::kList64:
      lists(node, ranges, slots, depth, [&](int64_t i, int64_t* begin, int64_t* end) {
        *begin = load<int64_t>(node.buffer(1), offset + i);
        *end = load<int64_t>(node.buffer(1), offset + i + 1);
      });
      return;
    case ArrowLayout::kListView32:
      lists(node, ranges, slots, depth, [&](int64_t i, int64_t* begin, int64_t* end) {
        *begin = load<int32_t>(node.buffer(1), offset + i);
        *end = *begin + load<int32_t>(node.buffer(2), offset + i);
      });
      return;
    case ArrowLayout::kListView64:
      lists(node, ranges, slots, depth, [&](int64_t i, int64_t* begin, int64_t* end) {
        *begin = load<int64_t>(node.buffer(1), offset + i);
        if (__builtin_add_overflow(*begin, load<int64_t>(node.buffer(2), offset + i), end)) {
          *end = -1;
        }
      });
      return;
    case ArrowLayout::kFixedSizeList: fixed_size_lists(node, ranges, slots, depth); return;
    case ArrowLayout::kStruct: structs(node, ranges, slots, depth); return;
    default: {
      const int64_t width = node.format->width_bytes;
      const char* values = reinterpret_cast<const char*>(node.buffer(1));
      for (const Range& range : ranges) {
        bytes_->append(values + (offset + range.begin) * width,
                       static_cast<size_t>(range.count * width));
      }
      return;
    }
  }
  VELARIA_CHECK(false);
}

template <typename Offset>
void NestedReader::Encoder::texts(const Node& node, const Ranges& ranges, int64_t slots) {
  const int64_t offset = node.array->offset;
  const uint8_t* offsets = node.buffer(1);
  size_t at = extend(static_cast<size_t>(slots) * sizeof(uint32_t));
  for_each_slot(ranges, [&](int64_t i) {
    const int64_t begin = load<Offset>(offsets, offset + i);
    const int64_t end = load<Offset>(offsets, offset + i + 1);
    if (begin < 0 || end < begin || end > node.text_bytes) {
      malformed_array(*node.format, concat("the offsets of row ", i, " do not ascend"));
    }
    put_length(at, static_cast<uint64_t>(end - begin), node, i);
    at += sizeof(uint32_t);
  });
  const char* data = reinterpret_cast<const char*>(node.buffer(2));
  for (const Range& range : ranges) {
    const int64_t begin = load<Offset>(offsets, offset + range.begin);
    const int64_t end = load<Offset>(offsets, offset + range.begin + range.count);
    if (begin == end) continue;
    if (data == nullptr) malformed_array(*node.format, "its texts have no data");
    bytes_->append(data + begin, static_cast<size_t>(end - begin));
  }
}

void NestedReader::Encoder::text_views(const Node& node, const Ranges& ranges, int64_t slots) {
  size_t at = extend(static_cast<size_t>(slots) * sizeof(uint32_t));
  for_each_slot(ranges, [&](int64_t i) {
    StringView view;
    if (!views_of_views(node.buffer(1) + (node.array->offset + i) * 16, 1, node.view_data, &view)) {
      malformed_array(*node.format,
                      concat("the text of row ", i, " lies outside its data buffers"));
    }
    put_length(at, view.size(), node, i);
    at += sizeof(uint32_t);
    bytes_->append(view.data(), view.size());
  });
}

template <typename Place>
void NestedReader::Encoder::lists(const Node& node, const Ranges& ranges, int64_t slots, int depth,
                                  Place place) {
  const Node& elements = node.children[0];
  Ranges& wanted = scratch_[static_cast<size_t>(2 * depth + 1)];
  wanted.clear();
  size_t at = extend(static_cast<size_t>(slots) * sizeof(uint32_t));
  int64_t total = 0;
  for_each_slot(ranges, [&](int64_t i) {
    int64_t begin = 0;
    int64_t end = 0;
    place(i, &begin, &end);
    if (begin < 0 || end < begin || end > elements.array->length) {
      malformed_array(*node.format, concat("the list of row ", i, " is elements ", begin, " to ",
                                           end, " of ", elements.array->length));
    }
    put_length(at, static_cast<uint64_t>(end - begin), node, i);
    at += sizeof(uint32_t);
    append_range(&wanted, begin, end - begin);
    total += end - begin;
  });
  run(elements, wanted, total, depth + 1);
}

void NestedReader::Encoder::fixed_size_lists(const Node& node, const Ranges& ranges, int64_t slots,
                                             int depth) {
  const int64_t size = node.format->nested->list_size;
  if (size == 0) return;
  Ranges& wanted = scratch_[static_cast<size_t>(2 * depth + 1)];
  wanted.clear();
  for (const Range& range : ranges) {
    append_range(&wanted, (node.array->offset + range.begin) * size, range.count * size);
  }
  run(node.children[0], wanted, slots * size, depth + 1);
}

void NestedReader::Encoder::structs(const Node& node, const Ranges& ranges, int64_t slots,
                                    int depth) {
  // The fields of a struct begin where it does.
  Ranges& wanted = scratch_[static_cast<size_t>(2 * depth + 1)];
  wanted.clear();
  for (const Range& range : ranges) {
    wanted.push_back({node.array->offset + range.begin, range.count});
  }
  for (const Node& child : node.children) run(child, wanted, slots, depth + 1);
}

}  // namespace velaria
