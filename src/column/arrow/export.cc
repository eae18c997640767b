#include "src/column/arrow/export.h"

#include <cerrno>
#include <cstring>
#include <deque>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/arrow/flat_rows.h"
#include "src/column/arrow/format.h"
#include "src/column/nested_column.h"

namespace velaria {

namespace {

// Everything an exported array points at; its private_data. Each child has its own, because a
// consumer may move children out and keep them longer than the parent.
struct ArrayParts {
  std::vector<const void*> buffers;
  std::vector<std::shared_ptr<const void>> keep;
  std::vector<ArrowArray> children;
  std::vector<ArrowArray*> child_pointers;

  ArrayParts() = default;
  ArrayParts(const ArrayParts&) = delete;
  ArrayParts& operator=(const ArrayParts&) = delete;
  ~ArrayParts() {
    for (ArrowArray& child : children) {
      if (child.release != nullptr) child.release(&child);
    }
  }
  void add(const void* buffer, std::shared_ptr<const void> owner) {
    buffers.push_back(buffer);
    keep.push_back(std::move(owner));
  }
  void add(BufferPtr buffer) {
    const void* data = buffer ? buffer->data() : nullptr;
    add(data, std::move(buffer));
  }
  // Children that are not filled yet have no release.
  void make_children(size_t count) {
    children.assign(count, ArrowArray{});
    for (ArrowArray& child : children) child_pointers.push_back(&child);
  }
};

void release_array(ArrowArray* array) {
  delete static_cast<ArrayParts*>(array->private_data);
  array->release = nullptr;
}

void hand_out(std::unique_ptr<ArrayParts> parts, int64_t length, int64_t null_count,
              ArrowArray* out) {
  out->length = length;
  out->null_count = null_count;
  out->offset = 0;
  out->n_buffers = static_cast<int64_t>(parts->buffers.size());
  out->n_children = static_cast<int64_t>(parts->children.size());
  out->buffers = parts->buffers.empty() ? nullptr : parts->buffers.data();
  out->children = parts->child_pointers.empty() ? nullptr : parts->child_pointers.data();
  out->dictionary = nullptr;
  out->release = release_array;
  out->private_data = parts.release();
}

// Adds the validity buffer; null when every row is valid. Returns the number of nulls.
int64_t add_validity(const Validity& validity, int64_t length, ArrayParts* parts) {
  const int64_t nulls = validity.count_nulls(length);
  if (nulls == 0) {
    parts->add(nullptr);
    return 0;
  }
  if (validity.bit_offset() % 8 == 0) {
    parts->add(validity.bits() + validity.bit_offset() / 8, validity.buffer());
    return nulls;
  }
  auto bits = Buffer::allocate(static_cast<size_t>((length + 63) / 64 * 8));
  for (int64_t i = 0; i < length; i += 64) {
    const uint64_t word = validity.word(i, length);
    std::memcpy(bits->mutable_data() + i / 8, &word, sizeof(word));
  }
  parts->add(std::move(bits));
  return nulls;
}

void add_fixed(const Column& column, ArrayParts* parts) {
  // Some consumers do not like null data buffers, not even of empty arrays.
  if (column.values<uint8_t>() == nullptr) {
    parts->add(Buffer::allocate(0));
  } else {
    parts->add(column.values<uint8_t>(), column.values_buffer());
  }
}

// Bytes of 0 and 1 as bits.
BufferPtr pack_bits(const uint8_t* bytes, int64_t length) {
  auto out = Buffer::allocate(static_cast<size_t>(bitmap_bytes(length)));
  uint8_t* bits = out->mutable_data();
  int64_t i = 0;
  for (; i + 8 <= length; i += 8) {
    uint64_t eight = 0;
    std::memcpy(&eight, bytes + i, sizeof(eight));
    eight &= 0x0101010101010101ULL;  // below a null anything may lie
    // The product collects byte k as bit k of its top byte.
    bits[i / 8] = static_cast<uint8_t>((eight * 0x0102040810204080ULL) >> 56);
  }
  if (i < length) bits[i / 8] = 0;
  for (; i < length; ++i) {
    if ((bytes[i] & 1) != 0) set_bit(bits, i);
  }
  return out;
}

// Below a null anything may lie: it is never looked at.
int64_t text_bytes(const Column& column) {
  const StringView* views = column.values<StringView>();
  const Validity& validity = column.validity();
  int64_t bytes = 0;
  for (int64_t i = 0; i < column.length(); ++i) {
    if (validity.valid(i)) bytes += views[i].size();
  }
  return bytes;
}

void add_text(const Column& column, const std::string& name, ArrayParts* parts) {
  const StringView* views = column.values<StringView>();
  const int64_t length = column.length();
  const int64_t bytes = text_bytes(column);
  if (bytes > kArrowTextLimitBytes) {
    throw Error(ErrorKind::kTypeMismatch,
                concat("column '", excerpt(name), "': ", format_bytes(static_cast<uint64_t>(bytes)),
                       " of text do not fit one Arrow array, which holds up to 2 GiB; ",
                       length == 1 ? "no single text may be longer than that"
                                   : "take fewer rows at a time"));
  }
  auto offsets = Buffer::allocate(static_cast<size_t>(length + 1) * sizeof(int32_t));
  // Slack, so that a short text is one copy of a known size.
  auto data = Buffer::allocate(static_cast<size_t>(bytes) + StringView::kInlineBytes);
  auto* ends = reinterpret_cast<int32_t*>(offsets->mutable_data());
  auto* first = reinterpret_cast<char*>(data->mutable_data());
  char* to = first;
  ends[0] = 0;
  for (int64_t i = 0; i < length; ++i) {
    const StringView view = column.validity().valid(i) ? views[i] : StringView();
    if (view.is_inline()) {
      std::memcpy(to, view.data(), StringView::kInlineBytes);
    } else {
      std::memcpy(to, view.data(), view.size());
    }
    to += view.size();
    ends[i + 1] = static_cast<int32_t>(to - first);
  }
  parts->add(std::move(offsets));
  parts->add(std::move(data));
}

void add_intervals(const Column& column, const std::string& name, ArrayParts* parts) {
  struct MonthDayNano {
    int32_t months;
    int32_t days;
    int64_t nanos;
  };
  const Interval* intervals = column.values<Interval>();
  const int64_t length = column.length();
  auto out = Buffer::allocate(static_cast<size_t>(length) * sizeof(MonthDayNano));
  auto* to = reinterpret_cast<MonthDayNano*>(out->mutable_data());
  for (int64_t i = 0; i < length; ++i) {
    int64_t nanos = 0;
    if (column.validity().valid(i) &&
        __builtin_mul_overflow(intervals[i].micros, int64_t{1000}, &nanos)) {
      throw Error(ErrorKind::kTypeMismatch,
                  concat("column '", excerpt(name), "': an interval of ", intervals[i].micros,
                         " microseconds does not fit Arrow's nanoseconds; make days of its hours"));
    }
    to[i] = {intervals[i].months, intervals[i].days, nanos};
  }
  parts->add(std::move(out));
}

void add_values(const std::shared_ptr<const NestedArray>& root, const NestedArray& node,
                ArrayParts* parts) {
  // Some consumers do not like null data buffers, not even of empty arrays.
  if (node.values.empty()) {
    parts->add(Buffer::allocate(0));
  } else {
    parts->add(node.values.data(), root);
  }
}

// Offsets of texts and lists, narrowed where the type has 32-bit ones.
void add_offsets(const std::shared_ptr<const NestedArray>& root, const NestedArray& node,
                 const std::string& name, ArrayParts* parts) {
  const std::string& format = node.type->arrow_format;
  if (format == "U" || format == "Z" || format == "+L") {
    parts->add(node.offsets.data(), root);
    return;
  }
  if (node.offsets.back() > kArrowTextLimitBytes) {
    throw Error(ErrorKind::kTypeMismatch,
                concat("column '", excerpt(name), "': ", node.offsets.back(),
                       " elements or bytes inside of it do not fit one Arrow array of ",
                       node.type->to_string(), "; take fewer rows at a time"));
  }
  auto narrow = Buffer::allocate(node.offsets.size() * sizeof(int32_t));
  auto* to = reinterpret_cast<int32_t*>(narrow->mutable_data());
  for (size_t i = 0; i < node.offsets.size(); ++i) to[i] = static_cast<int32_t>(node.offsets[i]);
  parts->add(std::move(narrow));
}

// `node` is the root or lies in it; the arrays handed out keep the root alive.
void export_node(const std::shared_ptr<const NestedArray>& root, const NestedArray& node,
                 const std::string& name, ArrowArray* out) {
  using Kind = NestedType::Kind;
  auto parts = std::make_unique<ArrayParts>();
  if (node.type->kind == Kind::kNull) {
    hand_out(std::move(parts), node.length, node.length, out);
    return;
  }
  parts->add(node.nulls == 0 ? nullptr : pack_bits(node.present.data(), node.length));
  switch (node.type->kind) {
    case Kind::kNull:
    case Kind::kFixedSizeList:
    case Kind::kStruct: break;
    case Kind::kBool:
      parts->add(pack_bits(reinterpret_cast<const uint8_t*>(node.values.data()), node.length));
      break;
    case Kind::kFixed: add_values(root, node, parts.get()); break;
    case Kind::kText:
      add_offsets(root, node, name, parts.get());
      add_values(root, node, parts.get());
      break;
    case Kind::kList:
    case Kind::kMap: add_offsets(root, node, name, parts.get()); break;
  }
  parts->make_children(node.children.size());
  for (size_t i = 0; i < node.children.size(); ++i) {
    export_node(root, node.children[i], name, &parts->children[i]);
  }
  hand_out(std::move(parts), node.length, node.nulls, out);
}

void export_nested(const ColumnPtr& flat, const std::string& name, ArrowArray* out) {
  const auto root = std::make_shared<const NestedArray>(decode_nested_column(*flat));
  export_node(root, *root, name, out);
}

void export_array(const ColumnPtr& flat, const std::string& name, ArrowArray* out) {
  if (flat->type().is_nested()) {
    export_nested(flat, name, out);
    return;
  }
  auto parts = std::make_unique<ArrayParts>();
  const int64_t length = flat->length();
  if (flat->type().is_null()) {
    hand_out(std::move(parts), length, length, out);
    return;
  }
  const int64_t nulls = add_validity(flat->validity(), length, parts.get());
  switch (flat->type().id()) {
    case TypeId::kBool: parts->add(pack_bits(flat->values<uint8_t>(), length)); break;
    case TypeId::kUtf8:
    case TypeId::kBinary: add_text(*flat, name, parts.get()); break;
    case TypeId::kInterval: add_intervals(*flat, name, parts.get()); break;
    case TypeId::kFixedSizeList: {
      parts->make_children(1);
      const int64_t elements = length * flat->type().list_size();
      export_array(flat_rows(flat->child(), nullptr, elements), name, &parts->children[0]);
      break;
    }
    default: add_fixed(*flat, parts.get()); break;
  }
  hand_out(std::move(parts), length, nulls, out);
}

// All columns flat and of the schema's types, no selection.
Chunk flatten(const Schema& schema, const Chunk& chunk) {
  VELARIA_CHECK(chunk.columns.size() == schema.size());
  Chunk out;
  out.rows = chunk.selected_rows();
  out.order = chunk.order;
  const uint32_t* rows = chunk.selection ? chunk.selection->data() : nullptr;
  for (size_t i = 0; i < schema.size(); ++i) {
    const Field& field = schema.field(i);
    ColumnPtr column = chunk.columns[i];
    if (column->type().is_null() && !field.type.is_null()) {
      column = Column::nulls(field.type, chunk.rows);
    }
    if (column->type() != field.type) {
      throw Error(ErrorKind::kInternal,
                  concat("column '", excerpt(field.name), "' of a result is ",
                         column->type().to_string(), " and its schema says ",
                         field.type.to_string(), "; please report this with the query"));
    }
    if (out.rows == 0) column = column->slice(0, 0);
    out.columns.push_back(flat_rows(column, out.rows == 0 ? nullptr : rows, out.rows));
  }
  return out;
}

void export_flat(const Schema& schema, const Chunk& chunk, ArrowArray* out) {
  auto parts = std::make_unique<ArrayParts>();
  parts->add(nullptr);  // a record batch has no nulls of its own
  parts->make_children(schema.size());
  for (size_t i = 0; i < schema.size(); ++i) {
    export_array(chunk.columns[i], schema.field(i).name, &parts->children[i]);
  }
  hand_out(std::move(parts), chunk.rows, 0, out);
}

struct SchemaParts {
  std::string format;
  std::string name;
  std::vector<ArrowSchema> children;
  std::vector<ArrowSchema*> child_pointers;

  ~SchemaParts() {
    for (ArrowSchema& child : children) {
      if (child.release != nullptr) child.release(&child);
    }
  }
};

void release_schema(ArrowSchema* schema) {
  delete static_cast<SchemaParts*>(schema->private_data);
  schema->release = nullptr;
}

void hand_out(std::unique_ptr<SchemaParts> parts, int64_t flags, ArrowSchema* out) {
  for (ArrowSchema& child : parts->children) parts->child_pointers.push_back(&child);
  out->format = parts->format.c_str();
  out->name = parts->name.c_str();
  out->metadata = nullptr;
  out->flags = flags;
  out->n_children = static_cast<int64_t>(parts->children.size());
  out->children = parts->child_pointers.empty() ? nullptr : parts->child_pointers.data();
  out->dictionary = nullptr;
  out->release = release_schema;
  out->private_data = parts.release();
}

void export_nested_field(const NestedField& field, ArrowSchema* out) {
  auto parts = std::make_unique<SchemaParts>();
  parts->format = field.type->arrow_format;
  parts->name = field.name;
  parts->children.assign(field.type->fields.size(), ArrowSchema{});
  for (size_t i = 0; i < field.type->fields.size(); ++i) {
    export_nested_field(field.type->fields[i], &parts->children[i]);
  }
  const int64_t flags = (field.nullable ? ARROW_FLAG_NULLABLE : 0) |
                        (field.type->keys_sorted ? ARROW_FLAG_MAP_KEYS_SORTED : 0);
  hand_out(std::move(parts), flags, out);
}

void export_field(const std::string& name, const DataType& type, ArrowSchema* out) {
  auto parts = std::make_unique<SchemaParts>();
  parts->format = arrow_format_string(type);
  parts->name = name;
  int64_t flags = ARROW_FLAG_NULLABLE;
  if (type.is_vector()) {
    parts->children.assign(1, ArrowSchema{});
    export_field("item", DataType(TypeId::kFloat32), &parts->children[0]);
  } else if (type.is_nested()) {
    const NestedType& nested = type.nested_type();
    parts->children.assign(nested.fields.size(), ArrowSchema{});
    for (size_t i = 0; i < nested.fields.size(); ++i) {
      export_nested_field(nested.fields[i], &parts->children[i]);
    }
    flags |= nested.keys_sorted ? ARROW_FLAG_MAP_KEYS_SORTED : 0;
  }
  hand_out(std::move(parts), flags, out);
}

// The state of an exported stream.
class ChunkStream {
 public:
  ChunkStream(Schema schema, std::function<bool(Chunk*)> next, int64_t text_limit_bytes)
      : schema_(std::move(schema)), next_(std::move(next)), text_limit_bytes_(text_limit_bytes) {}

  static ChunkStream* of(ArrowArrayStream* stream) {
    return static_cast<ChunkStream*>(stream->private_data);
  }

  int get_schema(ArrowSchema* out) {
    return guarded([&] { export_schema(schema_, out); });
  }

  int get_next(ArrowArray* out) {
    if (code_ != 0) return code_;
    const int code = guarded([&] { produce(out); });
    // Half a result would be taken for a whole one if the stream went on behind a failure.
    code_ = code;
    return code;
  }

  const char* last_error() const { return error_.empty() ? nullptr : error_.c_str(); }

 private:
  void produce(ArrowArray* out) {
    while (pending_.empty()) {
      Chunk chunk;
      if (ended_ || !next_(&chunk)) {
        ended_ = true;
        *out = ArrowArray{};
        return;
      }
      if (chunk.selected_rows() > 0) split(flatten(schema_, chunk));
    }
    export_flat(schema_, pending_.front(), out);
    pending_.pop_front();
  }

  // Halves a chunk until its texts, and the bytes of its nested values, fit int32 offsets.
  void split(Chunk flat) {
    bool fits = true;
    for (const ColumnPtr& column : flat.columns) {
      fits =
          fits && (!column->type().has_string_views() || text_bytes(*column) <= text_limit_bytes_);
    }
    if (fits || flat.rows == 1) {
      pending_.push_back(std::move(flat));
      return;
    }
    const int64_t half = flat.rows / 2;
    for (const int64_t offset : {int64_t{0}, half}) {
      const int64_t rows = offset == 0 ? half : flat.rows - half;
      Chunk part;
      part.rows = rows;
      for (const ColumnPtr& column : flat.columns) {
        part.columns.push_back(column->slice(offset, rows));
      }
      split(std::move(part));
    }
  }

  template <typename Work>
  int guarded(Work work) noexcept {
    try {
      work();
      return 0;
    } catch (const Error& error) {
      remember(concat(error_kind_name(error.kind()), ": ", error.message()));
      switch (error.kind()) {
        case ErrorKind::kCancelled: return ECANCELED;
        case ErrorKind::kResource: return ENOMEM;
        case ErrorKind::kInvalidArgument:
        case ErrorKind::kTypeMismatch: return EINVAL;
        default: return EIO;
      }
    } catch (const std::bad_alloc&) {
      remember("ResourceError: the system has no more memory to give");
      return ENOMEM;
    } catch (...) {
      remember(describe_exception(std::current_exception()));
      return EIO;
    }
  }

  void remember(std::string text) noexcept { error_ = std::move(text); }

  const Schema schema_;
  std::function<bool(Chunk*)> next_;
  const int64_t text_limit_bytes_;
  std::deque<Chunk> pending_;  // flat parts of one chunk
  bool ended_ = false;
  int code_ = 0;
  std::string error_;
};

}  // namespace

void export_schema(const Schema& schema, ArrowSchema* out) {
  auto parts = std::make_unique<SchemaParts>();
  parts->format = "+s";
  parts->children.assign(schema.size(), ArrowSchema{});
  for (size_t i = 0; i < schema.size(); ++i) {
    export_field(schema.field(i).name, schema.field(i).type, &parts->children[i]);
  }
  hand_out(std::move(parts), 0, out);
}

void export_chunk(const Schema& schema, const Chunk& chunk, ArrowArray* out) {
  export_flat(schema, flatten(schema, chunk), out);
}

void export_stream(Schema schema, std::function<bool(Chunk*)> next, ArrowArrayStream* out,
                   int64_t text_limit_bytes) {
  auto state = std::make_unique<ChunkStream>(std::move(schema), std::move(next), text_limit_bytes);
  out->get_schema = [](ArrowArrayStream* stream, ArrowSchema* into) {
    return ChunkStream::of(stream)->get_schema(into);
  };
  out->get_next = [](ArrowArrayStream* stream, ArrowArray* into) {
    return ChunkStream::of(stream)->get_next(into);
  };
  out->get_last_error = [](ArrowArrayStream* stream) {
    return ChunkStream::of(stream)->last_error();
  };
  out->release = [](ArrowArrayStream* stream) {
    delete ChunkStream::of(stream);
    stream->release = nullptr;
  };
  out->private_data = state.release();
}

void export_stream(Schema schema, std::vector<Chunk> chunks, ArrowArrayStream* out,
                   int64_t text_limit_bytes) {
  // Each chunk is let go as soon as it is handed out.
  auto rest = std::make_shared<std::deque<Chunk>>(std::make_move_iterator(chunks.begin()),
                                                  std::make_move_iterator(chunks.end()));
  auto next = [rest](Chunk* chunk) {
    if (rest->empty()) return false;
    *chunk = std::move(rest->front());
    rest->pop_front();
    return true;
  };
  export_stream(std::move(schema), std::function<bool(Chunk*)>(std::move(next)), out,
                text_limit_bytes);
}

}  // namespace velaria
