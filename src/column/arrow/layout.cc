#include "src/column/arrow/layout.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/arrow/coded_layout.h"
#include "src/column/arrow/outgoing.h"
#include "src/column/arrow/value_layout.h"

namespace velaria {

namespace {

// The integer format when it is one of `formats`, else 0.
char integer_of(const char* format, const char* formats) {
  return std::strlen(format) == 1 && std::strchr(formats, format[0]) != nullptr ? format[0] : '\0';
}

// Whether values of this format go out otherwise when nobody asks.
bool is_asked_for_alone(std::string_view format) {
  constexpr std::string_view kNames[] = {"U",   "Z",   "vu",  "vz",  "e",  "tdm",
                                         "ttn", "ttm", "tts", "tiM", "tiD"};
  if (std::find(std::begin(kNames), std::end(kNames), format) != std::end(kNames)) return true;
  const std::string_view begin = format.substr(0, 2);
  if (begin == "d:") return std::count(format.begin(), format.end(), ',') == 2;
  return begin == "w:" || begin == "tD";
}

ColumnLayout layout_of(const ArrowSchema& column) {
  ColumnLayout out;
  const std::string_view format = column.format;
  if (column.dictionary != nullptr) {
    out.numbers = integer_of(column.format, "cCsSiIlL");
    out.coding = Coding::kDictionary;
    if (out.numbers != 0 && column.dictionary->dictionary == nullptr) {
      out.values = column.dictionary->format;
    }
  } else if (format == "+r" && column.n_children == 2) {
    out.numbers = integer_of(column.children[0]->format, "sil");
    out.coding = Coding::kRuns;
    if (out.numbers != 0 && column.children[1]->dictionary == nullptr) {
      out.values = column.children[1]->format;
    }
  } else if (is_asked_for_alone(format)) {
    out.values = format;
  }
  return out;
}

// Whether a column that goes out in a format has the layout that is asked for.
bool fits(const ColumnLayout& layout, std::string_view own) {
  return has_layout(own, layout.values) && (layout.coding == Coding::kPlain || can_be_coded(own));
}

// A column and how it goes out.
struct LaidOutColumn {
  std::string name;
  std::string own;  // the format in which it comes
  ColumnLayout layout;
};

// ---- schemas

// A schema of its own, with what it shares of `source`.
std::unique_ptr<Outgoing<ArrowSchema>> schema_of(const std::shared_ptr<ArrowSchema>& source,
                                                 std::string format) {
  auto owner = std::make_unique<Outgoing<ArrowSchema>>();
  owner->source = source;
  owner->format = std::move(format);
  return owner;
}

void make_leaf(std::string format, const char* name, int64_t flags, ArrowSchema* out) {
  auto owner = schema_of(nullptr, std::move(format));
  *out = ArrowSchema{};
  out->format = owner->format.c_str();
  out->name = name;
  out->flags = flags;
  hand_out(std::move(owner), out);
}

void lay_out_column(const std::shared_ptr<ArrowSchema>& source, const ArrowSchema& column,
                    const ColumnLayout& layout, ArrowSchema* out) {
  if (!layout.is_asked_for()) return share(source, column, out);
  auto owner = schema_of(source, layout.coding == Coding::kPlain  ? layout.values
                                 : layout.coding == Coding::kRuns ? "+r"
                                                                  : std::string(1, layout.numbers));
  *out = column;
  if (layout.coding == Coding::kDictionary) {
    out->dictionary = owner->add_part();
    make_leaf(layout.values, "", ARROW_FLAG_NULLABLE, out->dictionary);
  } else if (layout.coding == Coding::kRuns) {
    make_leaf(std::string(1, layout.numbers), "run_ends", 0, owner->add_child());
    make_leaf(layout.values, "values", ARROW_FLAG_NULLABLE, owner->add_child());
    out->n_children = 2;
    out->children = owner->children.data();
  }
  out->format = owner->format.c_str();
  hand_out(std::move(owner), out);
}

void lay_out_schema(const ArrowSchema& given, const std::vector<LaidOutColumn>& columns,
                    ArrowSchema* out) {
  const std::shared_ptr<ArrowSchema> source = kept(given);
  auto owner = std::make_unique<Outgoing<ArrowSchema>>();
  owner->source = source;
  for (size_t i = 0; i < columns.size(); ++i) {
    lay_out_column(source, *source->children[i], columns[i].layout, owner->add_child());
  }
  *out = *source;
  out->children = owner->children.data();
  hand_out(std::move(owner), out);
}

// ---- arrays

void lay_out_column(const std::shared_ptr<ArrowArray>& source, const ArrowArray& column,
                    const LaidOutColumn& how, ArrowArray* out) {
  const ColumnLayout& layout = how.layout;
  if (!layout.is_asked_for()) return share(source, column, out);
  try {
    switch (layout.coding) {
      case Coding::kPlain: return lay_out_values(source, column, how.own, layout.values, out);
      case Coding::kDictionary:
        return lay_out_dictionary(source, column, how.own, layout.numbers, layout.values, out);
      case Coding::kRuns: return lay_out_runs(column, how.own, layout.numbers, layout.values, out);
    }
  } catch (const Error& error) {
    throw Error(error.kind(), concat("column '", excerpt(how.name), "': ", error.message()));
  }
}

void lay_out_array(const ArrowArray& given, const std::vector<LaidOutColumn>& columns,
                   ArrowArray* out) {
  const std::shared_ptr<ArrowArray> source = kept(given);
  auto owner = std::make_unique<Outgoing<ArrowArray>>();
  owner->source = source;
  for (size_t i = 0; i < columns.size(); ++i) {
    lay_out_column(source, *source->children[i], columns[i], owner->add_child());
  }
  ArrowArray whole = *source;
  whole.children = owner->children.data();
  hand_out(std::move(owner), &whole);
  *out = whole;
}

// ---- the stream

struct LaidOutStream {
  std::vector<ColumnLayout> layouts;   // as they are asked for
  std::vector<LaidOutColumn> columns;  // as they are given; empty until the schema is known
  ArrowArrayStream source{};
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
    lay_out_schema(given, columns, out);
    return 0;
  }

  void look_at(const ArrowSchema& schema) {
    columns.clear();
    for (size_t i = 0; i < layouts.size(); ++i) {
      const ArrowSchema& column = *schema.children[i];
      const bool has_it = layouts[i].is_asked_for() && fits(layouts[i], column.format);
      columns.push_back({column.name == nullptr ? "" : column.name, column.format,
                         has_it ? layouts[i] : ColumnLayout()});
    }
  }

  int get_next(ArrowArray* out) {
    if (columns.empty()) {
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
    lay_out_array(given, columns, out);
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
  } catch (...) {
    self.error = describe_exception(std::current_exception());
    return EIO;
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
                     [](const ColumnLayout& layout) { return layout.is_asked_for(); });
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
