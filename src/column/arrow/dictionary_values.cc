#include "src/column/arrow/dictionary_values.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/arrow/flat_rows.h"

namespace velaria {

DictionaryValues::DictionaryValues(const ArrowFormat& format, const ArrowArray& array,
                                   std::shared_ptr<const void> owner, StringOwnersPtr string_owners)
    : owner_(owner),
      array_(array),
      type_(format.type),
      reader_(format, array, std::move(owner), std::move(string_owners), nullptr) {}

bool DictionaryValues::same_memory(const ArrowArray& array) const {
  if (array.length != array_.length || array.offset != array_.offset ||
      array.n_buffers != array_.n_buffers || array.n_children != 0 || array_.n_children != 0 ||
      array.dictionary != nullptr || array_.dictionary != nullptr) {
    return false;
  }
  // The null count may be known of one and not of the other; the bits decide.
  return array.n_buffers > 0 &&
         std::equal(array.buffers, array.buffers + array.n_buffers, array_.buffers);
}

bool DictionaryValues::stays_encoded(const DataType& type) {
  return type.is_string() || type.is_integer() || type.is_temporal() ||
         type.id() == TypeId::kDecimal128;
}

const DictionaryValues::Entries& DictionaryValues::entries() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (entries_) return *entries_;
  Entries out;
  out.indices = reader_.length();
  if (out.indices >= int64_t{Entries::kNull}) {
    throw Error(ErrorKind::kTypeMismatch,
                concat("a dictionary of ", out.indices,
                       " entries is larger than 32 bits count; cast the column to its values"));
  }
  out.values = flat_rows(reader_.column(0, out.indices), nullptr, out.indices);
  if (stays_encoded(type_)) {
    // Arrow allows an entry twice, and NULL as an entry; dictionary columns here allow neither.
    const Column& all = *out.values;
    const auto width = static_cast<size_t>(type_.value_width_bytes());
    std::unordered_map<std::string_view, uint32_t> seen;
    seen.reserve(static_cast<size_t>(out.indices));
    std::vector<uint32_t> kept;
    std::vector<uint32_t> places;
    for (int64_t i = 0; i < out.indices; ++i) {
      if (all.is_null(i)) {
        places.push_back(Entries::kNull);
        continue;
      }
      const std::string_view bytes =
          type_.is_string()
              ? all.values<StringView>()[i].text()
              : std::string_view(all.values<char>() + static_cast<size_t>(i) * width, width);
      const auto [at, is_new] = seen.emplace(bytes, static_cast<uint32_t>(kept.size()));
      if (is_new) kept.push_back(static_cast<uint32_t>(i));
      places.push_back(at->second);
    }
    if (kept.size() != places.size()) {
      out.values = flat_rows(out.values, kept.data(), static_cast<int64_t>(kept.size()));
      if (out.values->may_have_nulls()) out.values = out.values->with_validity(Validity());
      out.places = std::move(places);
    }
  }
  entries_ = std::move(out);
  return *entries_;
}

}  // namespace velaria
