// f(DISTINCT ...): the first of equal arguments of a group goes on to an accumulator of f.
//
// Tasks meet as sets: of another task's values only those not met here go on. A row with a NULL
// among the arguments counts nowhere.
#include <numeric>

#include "src/base/error.h"
#include "src/exec/aggregate/accumulator_families.h"
#include "src/exec/aggregate/grouped_values.h"
#include "src/exec/aggregate/row_codec.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

std::vector<DataType> types_of(const std::vector<BoundExpressionPtr>& expressions) {
  std::vector<DataType> types;
  for (const auto& expression : expressions) types.push_back(expression->type);
  return types;
}

class DistinctAccumulator : public RowsAccumulator {
 public:
  DistinctAccumulator(const BoundAggregate& aggregate, std::unique_ptr<Accumulator> inner,
                      const CancellationToken* cancellation)
      : cancellation_(cancellation),
        types_(types_of(aggregate.arguments)),
        order_keys_(aggregate.order_by.size()),
        values_(types_),
        inner_(std::move(inner)) {
    VELARIA_CHECK(!inner_->reads_positions());
    for (const DataType& type : types_) has_floats_ = has_floats_ || type.is_float();
  }

  void grow(uint32_t groups) override {
    values_.grow(groups);
    inner_->grow(groups);
  }

  void add_rows(const AggregateRows& rows) override {
    bool nulls = false;
    for (const ColumnPtr& argument : rows.arguments) nulls = nulls || argument->may_have_nulls();
    if (!nulls) {
      add_present(rows.arguments, rows.ids, rows.rows);
      return;
    }
    std::vector<ColumnPtr> flat;
    for (const ColumnPtr& argument : rows.arguments) flat.push_back(flatten(argument));
    std::vector<uint32_t> kept;
    std::vector<uint32_t> ids;
    for (int64_t i = 0; i < rows.rows; ++i) {
      bool present = true;
      for (const ColumnPtr& column : flat) present = present && column->validity().valid(i);
      if (!present) continue;
      kept.push_back(static_cast<uint32_t>(i));
      if (rows.ids != nullptr) ids.push_back(rows.ids[i]);
    }
    const auto count = static_cast<int64_t>(kept.size());
    std::vector<ColumnPtr> present;
    for (const ColumnPtr& column : flat) present.push_back(take(column, kept.data(), count));
    add_present(present, rows.ids == nullptr ? nullptr : ids.data(), count);
  }

  void merge(const Accumulator& base, const uint32_t* from, const uint32_t* to,
             int64_t count) override {
    const auto& other = static_cast<const DistinctAccumulator&>(base);
    std::vector<uint32_t> entries;
    std::vector<uint32_t> groups;
    other.values_.select(from, to, count, &entries, &groups);
    in_pieces(entries, groups, cancellation_,
              [&](const std::vector<uint32_t>& some, const std::vector<uint32_t>& ids) {
                const auto rows = static_cast<int64_t>(some.size());
                add_present(other.values_.values(some.data(), rows), ids.data(), rows);
              });
  }

  ColumnPtr result(const uint32_t* groups, int64_t count) const override {
    return inner_->result(groups, count);
  }
  uint64_t memory_bytes() const override {
    return values_.memory_bytes() + inner_->memory_bytes() + entries_.capacity() * 4;
  }

  // The values say all: what the inner accumulator holds follows from them.
  std::vector<ColumnPtr> state(const uint32_t* groups, int64_t count) const override {
    const std::vector<std::vector<uint32_t>> entries = values_.entries_of(groups, count);
    int64_t at = 0;
    return {binary_states(groups, count, [&](uint32_t, std::string* out) {
      const std::vector<uint32_t>& members = entries[static_cast<size_t>(at++)];
      const auto rows = static_cast<int64_t>(members.size());
      std::vector<ColumnPtr> columns = values_.values(members.data(), rows);
      for (ColumnPtr& column : columns) column = flatten(column);
      for (int64_t row = 0; row < rows; ++row) append_row_bytes(columns, row, out);
    })};
  }
  void restore(const std::vector<ColumnPtr>& state) override {
    const auto groups = static_cast<uint32_t>(state[0]->length());
    grow(groups);
    RowDecoder decoder(types_);
    std::vector<uint32_t> ids;
    for (uint32_t group = 0; group < groups; ++group) {
      std::string_view bytes = state[0]->values<StringView>()[group].text();
      while (!bytes.empty()) {
        decoder.append(&bytes);
        ids.push_back(group);
      }
    }
    add_present(decoder.finish(), ids.data(), static_cast<int64_t>(ids.size()));
  }

 private:
  void add_present(const std::vector<ColumnPtr>& values, const uint32_t* ids, int64_t rows) {
    if (rows == 0) return;
    entries_.resize(static_cast<size_t>(rows));
    uint32_t next = values_.size();
    values_.find_or_add(values, ids, rows, entries_.data());
    if (values_.size() == next) return;
    const uint32_t before = next;
    const bool all_new = values_.size() - next == rows;
    AggregateRows firsts;
    firsts.ids = ids;
    firsts.rows = rows;
    std::vector<uint32_t> first_ids;
    if (all_new) {
      firsts.arguments = values;
    } else {
      std::vector<uint32_t> kept;
      for (int64_t i = 0; i < rows; ++i) {
        if (entries_[static_cast<size_t>(i)] != next) continue;
        ++next;
        kept.push_back(static_cast<uint32_t>(i));
        if (ids != nullptr) first_ids.push_back(ids[i]);
      }
      firsts.rows = static_cast<int64_t>(kept.size());
      if (ids != nullptr) firsts.ids = first_ids.data();
      for (const ColumnPtr& column : values) {
        firsts.arguments.push_back(take(column, kept.data(), firsts.rows));
      }
    }
    if (has_floats_) {
      // As the table keeps them, with one zero and one NaN: which of both came first must not show.
      std::vector<uint32_t> added(static_cast<size_t>(values_.size() - before));
      std::iota(added.begin(), added.end(), before);
      firsts.arguments = values_.values(added.data(), firsts.rows);
    }
    // The binder lets only the argument itself order a set.
    firsts.order_keys.assign(order_keys_, firsts.arguments[0]);
    inner_->add_rows(firsts);
  }

  const CancellationToken* cancellation_;
  std::vector<DataType> types_;
  bool has_floats_ = false;
  size_t order_keys_;
  GroupedValues values_;
  std::unique_ptr<Accumulator> inner_;
  std::vector<uint32_t> entries_;  // scratch
};

}  // namespace

std::unique_ptr<Accumulator> make_distinct(const BoundAggregate& aggregate,
                                           std::unique_ptr<Accumulator> inner,
                                           const CancellationToken* cancellation) {
  return std::make_unique<DistinctAccumulator>(aggregate, std::move(inner), cancellation);
}

}  // namespace velaria
