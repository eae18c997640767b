// The value of one row of each group: the first or last in an order. first, last, any_value,
// arg_min, arg_max.
//
// Order: by the order keys, encoded as bytes, and then by the rows' positions; so ties go to the
// first row (of last: to the last), for any number of tasks.
#include "src/column/builder.h"
#include "src/exec/aggregate/accumulator_families.h"
#include "src/exec/aggregate/row_codec.h"
#include "src/kernel/sort_key.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

class ChosenRowAccumulator : public RowsAccumulator {
 public:
  explicit ChosenRowAccumulator(const BoundAggregate& aggregate)
      : last_(aggregate.kind == AggregateKind::kLast),
        by_argument_(aggregate.kind == AggregateKind::kArgMin ||
                     aggregate.kind == AggregateKind::kArgMax),
        skips_nulls_(by_argument_ || aggregate.kind == AggregateKind::kAnyValue),
        type_(aggregate.result_type) {
    if (by_argument_) {
      orders_.push_back({aggregate.kind == AggregateKind::kArgMax, false});
    }
    for (const BoundSortKey& key : aggregate.order_by) {
      orders_.push_back({key.descending, key.nulls_first});
    }
  }

  bool reads_positions() const override { return true; }
  void grow(uint32_t groups) override { cells_.resize(groups); }

  void add_rows(const AggregateRows& rows) override {
    const std::vector<ColumnPtr> value{flatten(rows.arguments[0])};
    const ColumnPtr key = by_argument_ ? flatten(rows.arguments[1]) : nullptr;
    keys_.clear();
    ends_.clear();
    if (by_argument_) {
      encode_sort_keys({key}, orders_, rows.rows, &keys_, &ends_);
    } else if (!orders_.empty()) {
      encode_sort_keys(rows.order_keys, orders_, rows.rows, &keys_, &ends_);
    }
    for (int64_t i = 0; i < rows.rows; ++i) {
      if (skips_nulls_ && !value[0]->validity().valid(i)) continue;
      if (key && !key->validity().valid(i)) continue;
      const auto row = static_cast<size_t>(i);
      const uint64_t begin = ends_.empty() || i == 0 ? 0 : ends_[row - 1];
      const uint64_t end = ends_.empty() ? 0 : ends_[row];
      const StringView order(keys_.data() + begin, static_cast<uint32_t>(end - begin));
      const uint32_t group = rows.ids == nullptr ? 0 : rows.ids[i];
      const uint64_t position = rows.positions[i];
      if (!is_better(cells_[group], order, position)) continue;
      value_.clear();
      append_row_bytes(value, i, &value_);
      keep(group, order, position, StringView(std::string_view(value_)));
    }
  }

  void merge(const Accumulator& base, const uint32_t* from, const uint32_t* to,
             int64_t count) override {
    const auto& other = static_cast<const ChosenRowAccumulator&>(base);
    for (int64_t i = 0; i < count; ++i) {
      const Cell& cell = other.cells_[from[i]];
      if (cell.present && is_better(cells_[to[i]], cell.order, cell.position)) {
        keep(to[i], cell.order, cell.position, cell.value);
      }
    }
  }

  ColumnPtr result(const uint32_t* groups, int64_t count) const override {
    RowDecoder decoder({type_});
    for (int64_t i = 0; i < count; ++i) {
      const Cell& cell = cells_[groups[i]];
      if (cell.present) {
        std::string_view bytes = cell.value.text();
        decoder.append(&bytes);
      } else {
        decoder.append_nulls();
      }
    }
    return decoder.finish()[0];
  }

  uint64_t memory_bytes() const override {
    return cells_.capacity() * sizeof(Cell) + heap_->size_bytes();
  }

  std::vector<ColumnPtr> state(const uint32_t* groups, int64_t count) const override {
    return {binary_states(groups, count, [&](uint32_t group, std::string* out) {
      const Cell& cell = cells_[group];
      if (!cell.present) return;
      append_fixed(cell.position, out);
      append_fixed(cell.order.size(), out);
      out->append(cell.order.data(), cell.order.size());
      out->append(cell.value.data(), cell.value.size());
    })};
  }
  void restore(const std::vector<ColumnPtr>& state) override {
    const auto groups = static_cast<uint32_t>(state[0]->length());
    grow(groups);
    for (uint32_t group = 0; group < groups; ++group) {
      StateReader reader(state[0]->values<StringView>()[group].text());
      if (reader.at_end()) continue;
      const auto position = reader.fixed<uint64_t>();
      const auto size = reader.fixed<uint32_t>();
      const StringView order(reader.bytes(size));
      keep(group, order, position, StringView(*reader.rest()));
    }
  }

 private:
  struct Cell {
    uint64_t position = 0;
    StringView order;
    StringView value;  // as row bytes
    bool present = false;
  };

  bool is_better(const Cell& cell, const StringView& order, uint64_t position) const {
    if (!cell.present) return true;
    const int compared = order.compare(cell.order);
    if (compared != 0) return last_ ? compared > 0 : compared < 0;
    return last_ ? position > cell.position : position < cell.position;
  }

  static uint64_t heap_bytes(const StringView& text) { return text.is_inline() ? 0 : text.size(); }

  void keep(uint32_t group, const StringView& order, uint64_t position, const StringView& value) {
    Cell& cell = cells_[group];
    live_bytes_ += heap_bytes(order) + heap_bytes(value);
    live_bytes_ -= heap_bytes(cell.order) + heap_bytes(cell.value);
    cell = {position, heap_->add(order), heap_->add(value), true};
    // Rows that were beaten stay in the heap: copy the living ones over when they are few.
    if (heap_->size_bytes() > (uint64_t{1} << 20) && heap_->size_bytes() > 4 * live_bytes_) {
      auto fresh = std::make_unique<StringHeap>();
      for (Cell& living : cells_) {
        living.order = fresh->add(living.order);
        living.value = fresh->add(living.value);
      }
      heap_ = std::move(fresh);
    }
  }

  bool last_;
  bool by_argument_;
  bool skips_nulls_;
  DataType type_;
  std::vector<SortOrder> orders_;
  std::vector<Cell> cells_;
  std::unique_ptr<StringHeap> heap_ = std::make_unique<StringHeap>();
  uint64_t live_bytes_ = 0;
  // Scratch of one call.
  std::string keys_;
  std::vector<uint64_t> ends_;
  std::string value_;
};

}  // namespace

std::unique_ptr<Accumulator> make_chosen_row(const BoundAggregate& aggregate) {
  return std::make_unique<ChosenRowAccumulator>(aggregate);
}

}  // namespace velaria
