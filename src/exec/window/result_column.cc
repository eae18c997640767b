#include "src/exec/window/result_column.h"

#include <cstring>

#include "src/column/builder.h"
#include "src/kernel/dispatch.h"
#include "src/kernel/take.h"

namespace velaria {

ValueColumn::ValueColumn(DataType type, uint32_t rows, bool nullable)
    : type_(std::move(type)),
      values_(Buffer::allocate(static_cast<size_t>(rows) *
                               static_cast<size_t>(type_.value_width_bytes()))),
      owners_(type_.has_string_views() ? std::make_shared<StringOwners>() : nullptr) {
  if (nullable) {
    missing_ = Buffer::allocate(rows);
    std::memset(missing_->mutable_data(), 0, rows);
  }
}

void ValueColumn::scatter(const ColumnPtr& from, const uint32_t* rows, int64_t count) {
  const ColumnPtr flat = flatten(from);
  visit_stored_type(type_, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* source = flat->values<T>();
    T* to = values<T>();
    if (flat->validity().all_valid()) {
      for (int64_t i = 0; i < count; ++i) to[rows[i]] = source[i];
      return;
    }
    for (int64_t i = 0; i < count; ++i) {
      if (flat->validity().valid(i)) {
        to[rows[i]] = source[i];
      } else {
        to[rows[i]] = T();
        set_null(rows[i]);
      }
    }
  });
  if (owners_ && flat->owners()) {
    const std::lock_guard<std::mutex> lock(mutex_);
    owners_->insert(owners_->end(), flat->owners()->begin(), flat->owners()->end());
  }
}

ColumnPtr ValueColumn::part(int64_t first, int64_t count) const {
  Validity validity;
  if (any_missing_.load()) {
    ValidityBuilder present;
    const uint8_t* missing = missing_->data() + first;
    for (int64_t i = 0; i < count; ++i) present.append(missing[i] == 0);
    validity = present.finish();
  }
  return Column::flat(type_, count, values_, first * type_.value_width_bytes(), std::move(validity),
                      owners_);
}

PickedColumn::PickedColumn(ColumnPtr source, ColumnPtr otherwise, uint32_t rows)
    : source_(std::move(source)), otherwise_(std::move(otherwise)), picks_(rows) {}

ColumnPtr PickedColumn::part(int64_t first, int64_t count) const {
  const uint32_t* picks = picks_.data() + first;
  const uint32_t* none = std::find(picks, picks + count, kNoRow);
  if (none == picks + count) return take(source_, picks, count);
  if (otherwise_) {
    std::vector<uint32_t> found;
    std::vector<uint32_t> missing;
    std::vector<uint32_t> which(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i) {
      const bool gone = picks[i] == kNoRow;
      which[static_cast<size_t>(i)] = gone ? 1 : 0;
      if (gone) {
        missing.push_back(static_cast<uint32_t>(first + i));
      } else {
        found.push_back(picks[i]);
      }
    }
    return interleave(source_->type(),
                      {take(source_, found.data(), static_cast<int64_t>(found.size())),
                       take(otherwise_, missing.data(), static_cast<int64_t>(missing.size()))},
                      which);
  }
  std::vector<uint32_t> safe(picks, picks + count);
  ValidityBuilder present;
  for (uint32_t& pick : safe) {
    present.append(pick != kNoRow);
    if (pick == kNoRow) pick = 0;
  }
  const ColumnPtr taken = take(source_, safe.data(), count);
  return taken->with_validity(intersect(taken->validity(), present.finish(), count));
}

}  // namespace velaria
