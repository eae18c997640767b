#include "src/column/arrow/layout.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria {

namespace {

// The layout that a format stands for; nothing when it is no text.
bool text_layout_of(const char* format, TextLayout* layout) {
  const std::string_view name = format;
  if (name == "u" || name == "z") {
    *layout = TextLayout::kOffsets32;
  } else if (name == "U" || name == "Z") {
    *layout = TextLayout::kOffsets64;
  } else if (name == "vu" || name == "vz") {
    *layout = TextLayout::kViews;
  } else {
    return false;
  }
  return true;
}

const char* format_of(TextLayout layout, bool is_utf8) {
  switch (layout) {
    case TextLayout::kOffsets32: return is_utf8 ? "u" : "z";
    case TextLayout::kOffsets64: return is_utf8 ? "U" : "Z";
    case TextLayout::kViews: return is_utf8 ? "vu" : "vz";
  }
  return "";
}

// Of numbers, decimals, dates and times; 0: of another type.
int64_t value_bytes(std::string_view format) {
  if (format.size() == 1) {
    switch (format[0]) {
      case 'c':
      case 'C': return 1;
      case 's':
      case 'S': return 2;
      case 'i':
      case 'I':
      case 'f': return 4;
      case 'l':
      case 'L':
      case 'g': return 8;
      default: return 0;
    }
  }
  if (format == "tdD" || format == "tts" || format == "ttm") return 4;
  if (format == "ttu" || format.substr(0, 2) == "ts") return 8;
  return format.substr(0, 2) == "d:" ? 16 : 0;
}

ColumnLayout layout_of(const ArrowSchema& column) {
  ColumnLayout out;
  if (column.dictionary != nullptr) {
    const bool is_index =
        std::strlen(column.format) == 1 && std::strchr("cCsSiIlL", column.format[0]) != nullptr;
    out.values = column.dictionary->format;
    out.is_text = text_layout_of(column.dictionary->format, &out.text);
    out.is_asked_for = is_index && (out.is_text || value_bytes(out.values) > 0);
    if (out.is_asked_for) out.index_format = column.format[0];
    return out;
  }
  out.values = column.format;
  out.is_text = text_layout_of(column.format, &out.text);
  out.is_asked_for =
      out.is_text ? out.text != TextLayout::kOffsets32 : out.values == "tdm" || out.values == "ttn";
  return out;
}

// Whether a column that goes out in a format has the layout that is asked for.
bool fits(const ColumnLayout& layout, std::string_view own) {
  if (layout.is_text) return own == "u" || own == "z";
  if (layout.index_format != 0) return own == layout.values && value_bytes(own) > 0;
  return (layout.values == "tdm" && own == "tdD") || (layout.values == "ttn" && own == "ttu");
}

// A struct of the C interface that goes out, with all that it points to. What it shares of another
// one is kept alive by `source`.
template <typename Struct>
struct Outgoing {
  std::shared_ptr<Struct> source;
  std::vector<std::unique_ptr<Struct>> parts;  // children, dictionary
  std::vector<Struct*> children;
  std::vector<std::vector<uint8_t>> made;
  std::vector<const void*> buffers;

  static void release(Struct* out) {
    std::unique_ptr<Outgoing> self(static_cast<Outgoing*>(out->private_data));
    for (const std::unique_ptr<Struct>& part : self->parts) {
      if (part->release != nullptr) part->release(part.get());
    }
    out->release = nullptr;
  }

  Struct* add_part() {
    parts.push_back(std::make_unique<Struct>());
    return parts.back().get();
  }
  template <typename Value>
  Value* make_buffer(int64_t count) {
    made.emplace_back(static_cast<size_t>(count) * sizeof(Value));
    return reinterpret_cast<Value*>(made.back().data());
  }
};

// Keeps a struct that a stream gave until nobody needs it.
template <typename Struct>
std::shared_ptr<Struct> kept(const Struct& given) {
  return std::shared_ptr<Struct>(new Struct(given), [](Struct* last) {
    if (last->release != nullptr) last->release(last);
    delete last;
  });
}

template <typename Struct>
void hand_out(std::unique_ptr<Outgoing<Struct>> owner, Struct* out) {
  out->release = Outgoing<Struct>::release;
  out->private_data = owner.release();
}

// A part of `source` as it is.
template <typename Struct>
void share(const std::shared_ptr<Struct>& source, const Struct& part, Struct* out) {
  auto owner = std::make_unique<Outgoing<Struct>>();
  owner->source = source;
  *out = part;
  hand_out(std::move(owner), out);
}

// ---- schemas

void lay_out_column(const std::shared_ptr<ArrowSchema>& source, const ArrowSchema& column,
                    const ColumnLayout& layout, ArrowSchema* out) {
  share(source, column, out);
  if (!layout.is_asked_for) return;
  const char* values = column.format;
  if (layout.is_text) {
    values = format_of(layout.text, column.format[0] == 'u');
  } else if (layout.index_format == 0) {
    values = layout.values == "tdm" ? "tdm" : "ttn";
  }
  if (layout.index_format == 0) {
    out->format = values;
    return;
  }
  switch (layout.index_format) {
    case 'c': out->format = "c"; break;
    case 'C': out->format = "C"; break;
    case 's': out->format = "s"; break;
    case 'S': out->format = "S"; break;
    case 'i': out->format = "i"; break;
    case 'I': out->format = "I"; break;
    case 'l': out->format = "l"; break;
    default: out->format = "L"; break;
  }
  auto* owner = static_cast<Outgoing<ArrowSchema>*>(out->private_data);
  out->dictionary = owner->add_part();
  auto part = std::make_unique<Outgoing<ArrowSchema>>();
  part->source = source;
  out->dictionary->format = values;
  out->dictionary->name = "";
  out->dictionary->flags = ARROW_FLAG_NULLABLE;
  hand_out(std::move(part), out->dictionary);
}

void lay_out_schema(const ArrowSchema& given, const std::vector<ColumnLayout>& layouts,
                    ArrowSchema* out) {
  const std::shared_ptr<ArrowSchema> source = kept(given);
  auto owner = std::make_unique<Outgoing<ArrowSchema>>();
  owner->source = source;
  for (size_t i = 0; i < layouts.size(); ++i) {
    ArrowSchema* child = owner->add_part();
    owner->children.push_back(child);
    lay_out_column(source, *source->children[i], layouts[i], child);
  }
  *out = *source;
  out->children = owner->children.data();
  hand_out(std::move(owner), out);
}

// ---- arrays

// The texts of an array with int32 offsets, from the beginning of its buffers: what lies before its
// offset is laid out too, so that the validity bits stay where they are.
struct Texts {
  int64_t rows;  // with those before the offset
  const uint8_t* valid;
  const int32_t* offsets;  // null when there are no rows
  const char* bytes;

  explicit Texts(const ArrowArray& array)
      : rows(array.offset + array.length),
        valid(static_cast<const uint8_t*>(array.buffers[0])),
        offsets(static_cast<const int32_t*>(array.buffers[1])),
        bytes(static_cast<const char*>(array.buffers[2])) {}

  bool is_null(int64_t row) const {
    return valid != nullptr && (valid[row / 8] >> (row % 8) & 1) == 0;
  }
  std::string_view text(int64_t row) const {
    const auto size = static_cast<size_t>(offsets[row + 1] - offsets[row]);
    return size == 0 ? std::string_view() : std::string_view(bytes + offsets[row], size);
  }
  int64_t size_bytes() const { return rows == 0 ? 0 : offsets[rows]; }
};

void make_offsets64(const Texts& texts, Outgoing<ArrowArray>* owner) {
  auto* offsets = owner->make_buffer<int64_t>(texts.rows + 1);
  if (texts.rows > 0) std::copy_n(texts.offsets, texts.rows + 1, offsets);
  owner->buffers = {texts.valid, offsets, texts.bytes};
}

// Arrow's view: the length; then the text when it has at most 12 bytes, else its first 4, the
// number of the buffer it is in, and where.
struct View {
  int32_t size;
  char begin[4];
  int32_t buffer;
  int32_t offset;
};
static_assert(sizeof(View) == 16);

void make_views(const Texts& texts, Outgoing<ArrowArray>* owner) {
  constexpr size_t kInline = 12;
  auto* views = owner->make_buffer<View>(texts.rows);
  for (int64_t row = 0; row < texts.rows; ++row) {
    if (texts.is_null(row)) continue;
    const std::string_view text = texts.text(row);
    View& view = views[row];
    view.size = static_cast<int32_t>(text.size());
    if (text.size() <= kInline) {
      std::memcpy(view.begin, text.data(), text.size());
    } else {
      std::memcpy(view.begin, text.data(), sizeof(view.begin));
      view.offset = texts.offsets[row];
    }
  }
  auto* sizes = owner->make_buffer<int64_t>(1);
  *sizes = texts.size_bytes();
  owner->buffers = {texts.valid, views, texts.bytes, sizes};
}

// A column of text, which is a part of `source`, in offsets of 64 bits or views.
void lay_out_text(const std::shared_ptr<ArrowArray>& source, const ArrowArray& column,
                  TextLayout layout, ArrowArray* out) {
  if (layout == TextLayout::kOffsets32) return share(source, column, out);
  auto owner = std::make_unique<Outgoing<ArrowArray>>();
  owner->source = source;
  const Texts texts(column);
  if (layout == TextLayout::kOffsets64) {
    make_offsets64(texts, owner.get());
  } else {
    make_views(texts, owner.get());
  }
  *out = column;
  out->n_buffers = static_cast<int64_t>(owner->buffers.size());
  out->buffers = owner->buffers.data();
  hand_out(std::move(owner), out);
}

// Dates in milliseconds or times in nanoseconds: each value of a column times `factor`, which it
// has room for. What stands in the place of a NULL may be anything.
template <typename Value>
void scale(const std::shared_ptr<ArrowArray>& source, const ArrowArray& column, uint64_t factor,
           ArrowArray* out) {
  auto owner = std::make_unique<Outgoing<ArrowArray>>();
  owner->source = source;
  const int64_t rows = column.offset + column.length;
  const auto* values = static_cast<const Value*>(column.buffers[1]);
  auto* scaled = owner->make_buffer<int64_t>(rows);
  for (int64_t row = column.offset; row < rows; ++row) {
    const auto value = static_cast<uint64_t>(static_cast<int64_t>(values[row]));
    scaled[row] = static_cast<int64_t>(value * factor);
  }
  owner->buffers = {column.buffers[0], scaled};
  *out = column;
  out->buffers = owner->buffers.data();
  hand_out(std::move(owner), out);
}

void lay_out_time(const std::shared_ptr<ArrowArray>& source, const ArrowArray& column,
                  const ColumnLayout& layout, ArrowArray* out) {
  constexpr uint64_t kMillisecondsOfDay = 86'400'000;
  if (layout.values == "tdm") {
    scale<int32_t>(source, column, kMillisecondsOfDay, out);
  } else {
    scale<int64_t>(source, column, 1000, out);
  }
}

// The bytes of values of one width.
struct Words {
  int64_t rows;  // with those before the offset
  const uint8_t* valid;
  const char* bytes;
  int64_t value_bytes;

  Words(const ArrowArray& array, int64_t width)
      : rows(array.offset + array.length),
        valid(static_cast<const uint8_t*>(array.buffers[0])),
        bytes(static_cast<const char*>(array.buffers[1])),
        value_bytes(width) {}

  bool is_null(int64_t row) const {
    return valid != nullptr && (valid[row / 8] >> (row % 8) & 1) == 0;
  }
  std::string_view text(int64_t row) const {
    return {bytes + row * value_bytes, static_cast<size_t>(value_bytes)};
  }
};

// The different values of a column in the order in which they come, and the place of each row's.
// Values are the same when their bytes are.
class Dictionary {
 public:
  template <typename Values>
  Dictionary(const Values& values, int64_t first_row) {
    indices_.resize(static_cast<size_t>(values.rows));
    for (int64_t row = first_row; row < values.rows; ++row) {
      if (values.is_null(row)) continue;
      const auto [found, is_new] =
          places_.try_emplace(values.text(row), static_cast<int64_t>(values_.size()));
      if (is_new) values_.push_back(found->first);
      indices_[static_cast<size_t>(row)] = found->second;
    }
  }

  int64_t size() const { return static_cast<int64_t>(values_.size()); }

  template <typename Index>
  const void* make_indices(Outgoing<ArrowArray>* owner) const {
    if (size() > 0 && static_cast<uint64_t>(size() - 1) >
                          static_cast<uint64_t>(std::numeric_limits<Index>::max())) {
      throw Error(
          ErrorKind::kTypeMismatch,
          concat("a batch has ", size(), " different values, more than the ", 8 * sizeof(Index),
                 " bits of the requested dictionary's indices can ", "count; request wider ones"));
    }
    auto* out = owner->make_buffer<Index>(static_cast<int64_t>(indices_.size()));
    std::transform(indices_.begin(), indices_.end(), out,
                   [](int64_t index) { return static_cast<Index>(index); });
    return out;
  }

  // The values, all of one width.
  void make_words(int64_t width, ArrowArray* out) const {
    auto owner = std::make_unique<Outgoing<ArrowArray>>();
    char* bytes = owner->make_buffer<char>(size() * width);
    owner->buffers = {nullptr, bytes};
    for (const std::string_view value : values_)
      bytes = std::copy(value.begin(), value.end(), bytes);
    *out = ArrowArray{};
    out->length = size();
    out->n_buffers = 2;
    out->buffers = owner->buffers.data();
    hand_out(std::move(owner), out);
  }

  // The texts as an array with int32 offsets.
  void make_texts(ArrowArray* out) const {
    auto owner = std::make_unique<Outgoing<ArrowArray>>();
    auto* offsets = owner->make_buffer<int32_t>(size() + 1);
    int32_t end = 0;
    for (size_t i = 0; i < values_.size(); ++i) {
      end += static_cast<int32_t>(values_[i].size());
      offsets[i + 1] = end;
    }
    auto* bytes = owner->make_buffer<char>(end);
    for (const std::string_view value : values_)
      bytes = std::copy(value.begin(), value.end(), bytes);
    owner->buffers = {nullptr, owner->made[0].data(), owner->made[1].data()};
    *out = ArrowArray{};
    out->length = size();
    out->n_buffers = 3;
    out->buffers = owner->buffers.data();
    hand_out(std::move(owner), out);
  }

 private:
  std::unordered_map<std::string_view, int64_t> places_;
  std::vector<std::string_view> values_;
  std::vector<int64_t> indices_;
};

const void* make_indices(const Dictionary& dictionary, char format, Outgoing<ArrowArray>* owner) {
  switch (format) {
    case 'c': return dictionary.make_indices<int8_t>(owner);
    case 'C': return dictionary.make_indices<uint8_t>(owner);
    case 's': return dictionary.make_indices<int16_t>(owner);
    case 'S': return dictionary.make_indices<uint16_t>(owner);
    case 'i': return dictionary.make_indices<int32_t>(owner);
    case 'I': return dictionary.make_indices<uint32_t>(owner);
    case 'l': return dictionary.make_indices<int64_t>(owner);
    default: return dictionary.make_indices<uint64_t>(owner);
  }
}

void lay_out_dictionary(const std::shared_ptr<ArrowArray>& source, const ArrowArray& column,
                        const ColumnLayout& layout, ArrowArray* out) {
  auto owner = std::make_unique<Outgoing<ArrowArray>>();
  owner->source = source;
  const int64_t width = value_bytes(layout.values);
  const Dictionary dictionary = layout.is_text ? Dictionary(Texts(column), column.offset)
                                               : Dictionary(Words(column, width), column.offset);
  owner->buffers = {column.buffers[0], make_indices(dictionary, layout.index_format, owner.get())};
  ArrowArray* part = owner->add_part();
  if (layout.is_text) {
    ArrowArray plain;
    dictionary.make_texts(&plain);
    const std::shared_ptr<ArrowArray> values = kept(plain);
    lay_out_text(values, *values, layout.text, part);
  } else {
    dictionary.make_words(width, part);
  }
  *out = column;
  out->n_buffers = 2;
  out->buffers = owner->buffers.data();
  out->dictionary = part;
  hand_out(std::move(owner), out);
}

void lay_out_array(const ArrowArray& given, const std::vector<ColumnLayout>& layouts,
                   ArrowArray* out) {
  const std::shared_ptr<ArrowArray> source = kept(given);
  auto owner = std::make_unique<Outgoing<ArrowArray>>();
  owner->source = source;
  // What was laid out is released when a later column fails.
  ArrowArray whole = *source;
  hand_out(std::move(owner), &whole);
  auto* parts = static_cast<Outgoing<ArrowArray>*>(whole.private_data);
  const std::unique_ptr<ArrowArray, void (*)(ArrowArray*)> guard(&whole, [](ArrowArray* array) {
    if (array->release != nullptr) array->release(array);
  });
  for (size_t i = 0; i < layouts.size(); ++i) {
    const ArrowArray& column = *source->children[i];
    ArrowArray* child = parts->add_part();
    parts->children.push_back(child);
    if (!layouts[i].is_asked_for) {
      share(source, column, child);
    } else if (layouts[i].index_format != 0) {
      lay_out_dictionary(source, column, layouts[i], child);
    } else if (layouts[i].is_text) {
      lay_out_text(source, column, layouts[i].text, child);
    } else {
      lay_out_time(source, column, layouts[i], child);
    }
  }
  whole.children = parts->children.data();
  *out = std::exchange(whole, ArrowArray{});
}

// ---- the stream

struct LaidOutStream {
  std::vector<ColumnLayout> layouts;
  ArrowArrayStream source{};
  bool knows_columns = false;
  std::string error;

  ~LaidOutStream() {
    if (source.release != nullptr) source.release(&source);
  }

  static LaidOutStream& of(ArrowArrayStream* stream) {
    return *static_cast<LaidOutStream*>(stream->private_data);
  }

  int failed(int code) {
    const char* text = source.get_last_error(&source);
    error = text == nullptr ? "" : text;
    return code;
  }

  int get_schema(ArrowSchema* out) {
    ArrowSchema given{};
    if (const int code = source.get_schema(&source, &given); code != 0) return failed(code);
    look_at(given);
    lay_out_schema(given, layouts, out);
    return 0;
  }

  void look_at(const ArrowSchema& schema) {
    for (size_t i = 0; i < layouts.size(); ++i) {
      ColumnLayout& layout = layouts[i];
      layout.is_asked_for = layout.is_asked_for && fits(layout, schema.children[i]->format);
    }
    knows_columns = true;
  }

  int get_next(ArrowArray* out) {
    if (!knows_columns) {
      ArrowSchema given{};
      if (const int code = source.get_schema(&source, &given); code != 0) return failed(code);
      look_at(given);
      given.release(&given);
    }
    ArrowArray given{};
    if (const int code = source.get_next(&source, &given); code != 0) return failed(code);
    if (given.release == nullptr) {
      *out = given;
      return 0;
    }
    lay_out_array(given, layouts, out);
    return 0;
  }
};

// Exceptions must not reach the consumer, which may be of any language.
template <typename Call>
int without_exceptions(ArrowArrayStream* stream, Call&& call) {
  LaidOutStream& self = LaidOutStream::of(stream);
  try {
    return std::forward<Call>(call)(self);
  } catch (const Error& failure) {
    self.error = concat(error_kind_name(failure.kind()), ": ", failure.message());
    return EINVAL;
  } catch (const std::bad_alloc&) {
    self.error = "out of memory";
    return ENOMEM;
  }
}

}  // namespace

std::vector<ColumnLayout> requested_layouts(const ArrowSchema& schema) {
  std::vector<ColumnLayout> out;
  for (int64_t i = 0; i < schema.n_children; ++i) out.push_back(layout_of(*schema.children[i]));
  return out;
}

bool any_is_asked_for(const std::vector<ColumnLayout>& layouts) {
  return std::any_of(layouts.begin(), layouts.end(),
                     [](const ColumnLayout& layout) { return layout.is_asked_for; });
}

void lay_out_stream(std::vector<ColumnLayout> layouts, ArrowArrayStream* stream) {
  auto state = std::make_unique<LaidOutStream>();
  state->layouts = std::move(layouts);
  state->source = std::exchange(*stream, ArrowArrayStream{});
  stream->get_schema = [](ArrowArrayStream* self, ArrowSchema* out) {
    return without_exceptions(self, [out](LaidOutStream& inner) { return inner.get_schema(out); });
  };
  stream->get_next = [](ArrowArrayStream* self, ArrowArray* out) {
    return without_exceptions(self, [out](LaidOutStream& inner) { return inner.get_next(out); });
  };
  stream->get_last_error = [](ArrowArrayStream* self) -> const char* {
    const std::string& error = LaidOutStream::of(self).error;
    return error.empty() ? nullptr : error.c_str();
  };
  stream->release = [](ArrowArrayStream* self) {
    delete &LaidOutStream::of(self);
    self->release = nullptr;
  };
  stream->private_data = state.release();
}

}  // namespace velaria
