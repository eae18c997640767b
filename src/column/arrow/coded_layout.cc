#include "src/column/arrow/coded_layout.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/arrow/outgoing.h"
#include "src/column/arrow/plain_rows.h"
#include "src/column/arrow/value_layout.h"

namespace velaria {

namespace {

using ArrayPtr = std::shared_ptr<ArrowArray>;
using Values = std::vector<std::optional<std::string_view>>;  // nothing: NULL

// Calls use(rows) with the rows of a column of the format `own`.
template <typename Use>
void with_rows(const ArrowArray& column, std::string_view own, Use&& use) {
  if (is_text_format(own)) {
    use(TextRows(column));
  } else if (own == "b") {
    use(BitRows(column));
  } else {
    use(WordRows(column, value_bytes_of(own)));
  }
}

void make_texts(const Values& values, Outgoing<ArrowArray>* owner) {
  auto* offsets = owner->make_buffer<int32_t>(static_cast<int64_t>(values.size()) + 1);
  int32_t end = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i]) end += static_cast<int32_t>(values[i]->size());
    offsets[i + 1] = end;
  }
  auto* bytes = owner->make_buffer<char>(end);
  owner->buffers.insert(owner->buffers.end(), {offsets, bytes});
  for (const auto& value : values) {
    if (value) bytes = std::copy(value->begin(), value->end(), bytes);
  }
}

void make_bits(const Values& values, Outgoing<ArrowArray>* owner) {
  auto* bits = owner->make_buffer<uint8_t>(static_cast<int64_t>(values.size() + 7) / 8);
  owner->buffers.push_back(bits);
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i] && (*values[i])[0] != 0) {
      bits[i / 8] = static_cast<uint8_t>(bits[i / 8] | (1u << (i % 8)));
    }
  }
}

void make_words(const Values& values, int64_t width, Outgoing<ArrowArray>* owner) {
  auto* bytes = owner->make_buffer<char>(static_cast<int64_t>(values.size()) * width);
  owner->buffers.push_back(bytes);
  for (const auto& value : values) {
    if (value) std::copy(value->begin(), value->end(), bytes);
    bytes += width;
  }
}

// An array of the format `own` with these values.
void make_array(const Values& values, std::string_view own, ArrowArray* out) {
  auto owner = std::make_unique<Outgoing<ArrowArray>>();
  const auto nulls = std::count(values.begin(), values.end(), std::nullopt);
  uint8_t* valid = nullptr;
  if (nulls > 0) {
    valid = owner->make_buffer<uint8_t>(static_cast<int64_t>(values.size() + 7) / 8);
    for (size_t i = 0; i < values.size(); ++i) {
      if (values[i]) valid[i / 8] = static_cast<uint8_t>(valid[i / 8] | (1u << (i % 8)));
    }
  }
  owner->buffers.push_back(valid);
  if (is_text_format(own)) {
    make_texts(values, owner.get());
  } else if (own == "b") {
    make_bits(values, owner.get());
  } else {
    make_words(values, value_bytes_of(own), owner.get());
  }
  *out = ArrowArray{};
  out->length = static_cast<int64_t>(values.size());
  out->null_count = nulls;
  hand_out_array(std::move(owner), out);
}

// `values` of the format `own`, laid out as `wanted`.
void make_laid_out(const Values& values, std::string_view own, std::string_view wanted,
                   ArrowArray* out) {
  ArrowArray plain;
  make_array(values, own, &plain);
  const ArrayPtr source = kept(plain);
  lay_out_values(source, *source, own, wanted, out);
}

// `numbers` as integers; `most` of them is the largest. `what` are they?
template <typename Integer>
const void* make_integers(const std::vector<int64_t>& numbers, int64_t most, const char* what,
                          Outgoing<ArrowArray>* owner) {
  if (most > 0 &&
      static_cast<uint64_t>(most) > static_cast<uint64_t>(std::numeric_limits<Integer>::max())) {
    throw Error(ErrorKind::kTypeMismatch,
                concat("a batch has ", what, " of more than the requested ", 8 * sizeof(Integer),
                       " bits can count; request wider ones"));
  }
  auto* out = owner->make_buffer<Integer>(static_cast<int64_t>(numbers.size()));
  std::transform(numbers.begin(), numbers.end(), out,
                 [](int64_t number) { return static_cast<Integer>(number); });
  return out;
}

const void* make_integers(const std::vector<int64_t>& numbers, int64_t most, char format,
                          const char* what, Outgoing<ArrowArray>* owner) {
  switch (format) {
    case 'c': return make_integers<int8_t>(numbers, most, what, owner);
    case 'C': return make_integers<uint8_t>(numbers, most, what, owner);
    case 's': return make_integers<int16_t>(numbers, most, what, owner);
    case 'S': return make_integers<uint16_t>(numbers, most, what, owner);
    case 'i': return make_integers<int32_t>(numbers, most, what, owner);
    case 'I': return make_integers<uint32_t>(numbers, most, what, owner);
    case 'l': return make_integers<int64_t>(numbers, most, what, owner);
    default: return make_integers<uint64_t>(numbers, most, what, owner);
  }
}

}  // namespace

bool can_be_coded(std::string_view own) {
  return is_text_format(own) || own == "b" || value_bytes_of(own) > 0;
}

void lay_out_dictionary(const ArrayPtr& source, const ArrowArray& column, std::string_view own,
                        char indices, std::string_view wanted, ArrowArray* out) {
  Values values;
  std::vector<int64_t> places;
  with_rows(column, own, [&](const auto& rows) {
    std::unordered_map<std::string_view, int64_t> known;
    places.resize(static_cast<size_t>(rows.rows));
    for (int64_t row = column.offset; row < rows.rows; ++row) {
      if (rows.is_null(row)) continue;
      const auto [found, is_new] =
          known.try_emplace(rows.value(row), static_cast<int64_t>(values.size()));
      if (is_new) values.emplace_back(found->first);
      places[static_cast<size_t>(row)] = found->second;
    }
  });
  auto owner = std::make_unique<Outgoing<ArrowArray>>();
  owner->source = source;
  const auto count = static_cast<int64_t>(values.size());
  const std::string what = concat(count, " different values: an index");
  owner->buffers = {column.buffers[0],
                    make_integers(places, count - 1, indices, what.c_str(), owner.get())};
  ArrowArray* part = owner->add_part();
  make_laid_out(values, own, wanted, part);
  *out = column;
  out->dictionary = part;
  hand_out_array(std::move(owner), out);
}

void lay_out_runs(const ArrowArray& column, std::string_view own, char ends,
                  std::string_view wanted, ArrowArray* out) {
  Values values;
  std::vector<int64_t> run_ends;
  with_rows(column, own, [&](const auto& rows) {
    for (int64_t row = column.offset; row < rows.rows; ++row) {
      const auto value = rows.is_null(row) ? std::nullopt : std::optional(rows.value(row));
      if (values.empty() || value != values.back()) {
        values.push_back(value);
        run_ends.push_back(0);
      }
      run_ends.back() = row + 1 - column.offset;
    }
  });
  auto owner = std::make_unique<Outgoing<ArrowArray>>();
  auto ends_owner = std::make_unique<Outgoing<ArrowArray>>();
  const std::string what = concat(column.length, " rows: a run end");
  ends_owner->buffers = {
      nullptr, make_integers(run_ends, column.length, ends, what.c_str(), ends_owner.get())};
  ArrowArray* ends_array = owner->add_child();
  ends_array->length = static_cast<int64_t>(run_ends.size());
  hand_out_array(std::move(ends_owner), ends_array);
  make_laid_out(values, own, wanted, owner->add_child());
  *out = ArrowArray{};
  out->length = column.length;
  hand_out_array(std::move(owner), out);
}

}  // namespace velaria
