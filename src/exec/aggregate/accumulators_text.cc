// string_agg: the texts of a group are kept and joined at the end, in the order of the order keys
// and of the rows.
#include <algorithm>

#include "src/column/builder.h"
#include "src/exec/aggregate/accumulator_families.h"
#include "src/exec/aggregate/long_loop.h"
#include "src/exec/aggregate/row_codec.h"
#include "src/kernel/sort_key.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

class TextListAccumulator : public RowsAccumulator {
 public:
  TextListAccumulator(const BoundAggregate& aggregate, const CancellationToken* cancellation)
      : cancellation_(cancellation), separator_(aggregate.parameters[0].as_text()) {
    for (const BoundSortKey& key : aggregate.order_by) {
      orders_.push_back({key.descending, key.nulls_first});
    }
    // Of a set, the order keys are the argument: no two are equal.
    reads_positions_ = !aggregate.distinct;
  }

  bool reads_positions() const override { return reads_positions_; }
  void grow(uint32_t groups) override { lists_.resize(groups); }

  void add_rows(const AggregateRows& rows) override {
    const ColumnPtr flat = flatten(rows.arguments[0]);
    const StringView* texts = flat->values<StringView>();
    keys_.clear();
    ends_.clear();
    if (!orders_.empty()) encode_sort_keys(rows.order_keys, orders_, rows.rows, &keys_, &ends_);
    for (int64_t i = 0; i < rows.rows; ++i) {
      if (!flat->validity().valid(i)) continue;
      const auto row = static_cast<size_t>(i);
      const uint64_t begin = ends_.empty() || i == 0 ? 0 : ends_[row - 1];
      const uint64_t end = ends_.empty() ? 0 : ends_[row];
      push(rows.ids == nullptr ? 0 : rows.ids[i],
           {rows.positions == nullptr ? 0 : rows.positions[i],
            StringView(keys_.data() + begin, static_cast<uint32_t>(end - begin)), texts[i]});
    }
  }

  void merge(const Accumulator& base, const uint32_t* from, const uint32_t* to,
             int64_t count) override {
    const auto& other = static_cast<const TextListAccumulator&>(base);
    LongLoop loop(cancellation_);
    for (int64_t i = 0; i < count; ++i) {
      for (const Entry& entry : other.lists_[from[i]]) {
        push(to[i], entry);
        loop.step();
      }
    }
  }

  ColumnPtr result(const uint32_t* groups, int64_t count) const override {
    StringBuilder builder;
    std::vector<Entry> sorted;
    std::string text;
    LongLoop loop(cancellation_);
    const auto before = [&loop](const Entry& a, const Entry& b) {
      loop.step();
      const int order = a.order.compare(b.order);
      return order != 0 ? order < 0 : a.position < b.position;
    };
    for (int64_t i = 0; i < count; ++i) {
      const std::vector<Entry>& list = lists_[groups[i]];
      if (list.empty()) {
        builder.append_null();
        continue;
      }
      const std::vector<Entry>* entries = &list;
      if (!std::is_sorted(list.begin(), list.end(), before)) {
        sorted.assign(list.begin(), list.end());
        std::sort(sorted.begin(), sorted.end(), before);
        entries = &sorted;
      }
      text.clear();
      for (const Entry& entry : *entries) {
        if (&entry != entries->data()) text += separator_;
        text.append(entry.text.data(), entry.text.size());
        loop.step();
      }
      builder.append(text);
    }
    return builder.finish();
  }

  uint64_t memory_bytes() const override {
    return lists_.capacity() * sizeof(lists_[0]) + list_bytes_ + heap_.size_bytes();
  }

  std::vector<ColumnPtr> state(const uint32_t* groups, int64_t count) const override {
    return {binary_states(groups, count, [&](uint32_t group, std::string* out) {
      for (const Entry& entry : lists_[group]) {
        append_fixed(entry.position, out);
        append_fixed(entry.order.size(), out);
        out->append(entry.order.data(), entry.order.size());
        append_fixed(entry.text.size(), out);
        out->append(entry.text.data(), entry.text.size());
      }
    })};
  }
  void restore(const std::vector<ColumnPtr>& state) override {
    const auto groups = static_cast<uint32_t>(state[0]->length());
    grow(groups);
    for (uint32_t group = 0; group < groups; ++group) {
      StateReader reader(state[0]->values<StringView>()[group].text());
      while (!reader.at_end()) {
        Entry entry;
        entry.position = reader.fixed<uint64_t>();
        const auto order_size = reader.fixed<uint32_t>();
        entry.order = StringView(reader.bytes(order_size));
        const auto text_size = reader.fixed<uint32_t>();
        entry.text = StringView(reader.bytes(text_size));
        push(group, entry);
      }
    }
  }

 private:
  struct Entry {
    uint64_t position = 0;
    StringView order;
    StringView text;
  };

  void push(uint32_t group, const Entry& entry) {
    std::vector<Entry>& list = lists_[group];
    const size_t before = list.capacity();
    list.push_back({entry.position, heap_.add(entry.order), heap_.add(entry.text)});
    list_bytes_ += (list.capacity() - before) * sizeof(Entry);
  }

  const CancellationToken* cancellation_;
  std::string separator_;
  std::vector<SortOrder> orders_;
  bool reads_positions_;
  std::vector<std::vector<Entry>> lists_;
  uint64_t list_bytes_ = 0;
  StringHeap heap_;
  // Scratch of one call.
  std::string keys_;
  std::vector<uint64_t> ends_;
};

}  // namespace

std::unique_ptr<Accumulator> make_text_list(const BoundAggregate& aggregate,
                                            const CancellationToken* cancellation) {
  return std::make_unique<TextListAccumulator>(aggregate, cancellation);
}

}  // namespace velaria
