// mode: how often each value of a group occurs, and the winner so far.
//
// The most frequent value wins; of several, the one whose first row comes first, or with WITHIN
// GROUP (ORDER BY x) the one that comes first in that order.
#include <algorithm>
#include <limits>

#include "src/column/builder.h"
#include "src/exec/aggregate/accumulator_families.h"
#include "src/exec/aggregate/grouped_values.h"
#include "src/exec/aggregate/row_codec.h"
#include "src/kernel/sort_key.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

constexpr uint32_t kNoEntry = std::numeric_limits<uint32_t>::max();

class ModeAccumulator : public RowsAccumulator {
 public:
  ModeAccumulator(const BoundAggregate& aggregate, const CancellationToken* cancellation)
      : cancellation_(cancellation),
        type_(aggregate.result_type),
        ordered_(!aggregate.parameters.empty()),
        order_{ordered_ && aggregate.parameters[0].as_bool(), false},
        values_({type_}) {}

  bool reads_positions() const override { return true; }
  void grow(uint32_t groups) override {
    values_.grow(groups);
    winners_.resize(groups, kNoEntry);
  }

  void add_rows(const AggregateRows& rows) override {
    const ColumnPtr flat = flatten(rows.arguments[0]);
    std::vector<uint32_t> kept;
    std::vector<uint32_t> ids;
    std::vector<Seen> seen;
    for (int64_t i = 0; i < rows.rows; ++i) {
      if (!flat->validity().valid(i)) continue;
      kept.push_back(static_cast<uint32_t>(i));
      ids.push_back(rows.ids == nullptr ? 0 : rows.ids[i]);
      seen.push_back({1, rows.positions[i]});
    }
    const auto count = static_cast<int64_t>(kept.size());
    add_seen(take(flat, kept.data(), count), ids, seen);
  }

  void merge(const Accumulator& base, const uint32_t* from, const uint32_t* to,
             int64_t count) override {
    const auto& other = static_cast<const ModeAccumulator&>(base);
    std::vector<uint32_t> entries;
    std::vector<uint32_t> groups;
    other.values_.select(from, to, count, &entries, &groups);
    in_pieces(entries, groups, cancellation_,
              [&](const std::vector<uint32_t>& some, const std::vector<uint32_t>& ids) {
                std::vector<Seen> seen;
                for (const uint32_t entry : some) seen.push_back(other.seen_[entry]);
                add_seen(other.values_.values(some.data(), static_cast<int64_t>(some.size()))[0],
                         ids, seen);
              });
  }

  ColumnPtr result(const uint32_t* groups, int64_t count) const override {
    std::vector<uint32_t> entries;
    std::vector<uint32_t> rows;
    const bool any = std::any_of(groups, groups + count,
                                 [&](uint32_t group) { return winners_[group] != kNoEntry; });
    if (!any) return Column::nulls(type_, count);
    for (int64_t i = 0; i < count; ++i) {
      if (winners_[groups[i]] == kNoEntry) continue;
      entries.push_back(winners_[groups[i]]);
    }
    const ColumnPtr found =
        flatten(values_.values(entries.data(), static_cast<int64_t>(entries.size()))[0]);
    ValidityBuilder validity;
    for (int64_t i = 0, next = 0; i < count; ++i) {
      const bool present = winners_[groups[i]] != kNoEntry;
      validity.append(present);
      rows.push_back(present ? static_cast<uint32_t>(next++) : 0);
    }
    return take(found, rows.data(), count)->with_validity(validity.finish());
  }

  uint64_t memory_bytes() const override {
    return values_.memory_bytes() + winners_.capacity() * 4 + seen_.capacity() * sizeof(Seen) +
           order_keys_.capacity() * sizeof(StringView) + heap_.size_bytes();
  }

  std::vector<ColumnPtr> state(const uint32_t* groups, int64_t count) const override {
    const std::vector<std::vector<uint32_t>> entries = values_.entries_of(groups, count);
    int64_t at = 0;
    return {binary_states(groups, count, [&](uint32_t, std::string* out) {
      const std::vector<uint32_t>& members = entries[static_cast<size_t>(at++)];
      const auto rows = static_cast<int64_t>(members.size());
      const std::vector<ColumnPtr> columns{flatten(values_.values(members.data(), rows)[0])};
      for (int64_t row = 0; row < rows; ++row) {
        append_fixed(seen_[members[static_cast<size_t>(row)]], out);
        append_row_bytes(columns, row, out);
      }
    })};
  }
  void restore(const std::vector<ColumnPtr>& state) override {
    const auto groups = static_cast<uint32_t>(state[0]->length());
    grow(groups);
    RowDecoder decoder({type_});
    std::vector<uint32_t> ids;
    std::vector<Seen> seen;
    for (uint32_t group = 0; group < groups; ++group) {
      StateReader reader(state[0]->values<StringView>()[group].text());
      while (!reader.at_end()) {
        seen.push_back(reader.fixed<Seen>());
        decoder.append(reader.rest());
        ids.push_back(group);
      }
    }
    add_seen(decoder.finish()[0], ids, seen);
  }

 private:
  struct Seen {
    int64_t count = 0;
    uint64_t first_position = 0;
  };

  // Row i: this value was seen so often, first there.
  void add_seen(const ColumnPtr& values, const std::vector<uint32_t>& ids,
                const std::vector<Seen>& seen) {
    const auto rows = static_cast<int64_t>(ids.size());
    if (rows == 0) return;
    std::vector<uint32_t> entries(ids.size());
    values_.find_or_add({values}, ids.data(), rows, entries.data());
    const size_t before = seen_.size();
    seen_.resize(values_.size(), {0, std::numeric_limits<uint64_t>::max()});
    if (ordered_) add_order_keys(before);
    for (size_t i = 0; i < ids.size(); ++i) {
      Seen& entry = seen_[entries[i]];
      entry.count += seen[i].count;
      entry.first_position = std::min(entry.first_position, seen[i].first_position);
      // An entry only ever gets better, so looking at the changed one is enough.
      uint32_t& winner = winners_[ids[i]];
      if (winner == kNoEntry || is_better(entries[i], winner)) winner = entries[i];
    }
  }

  bool is_better(uint32_t a, uint32_t b) const {
    if (seen_[a].count != seen_[b].count) return seen_[a].count > seen_[b].count;
    if (ordered_) return order_keys_[a] < order_keys_[b];
    return seen_[a].first_position < seen_[b].first_position;
  }

  void add_order_keys(size_t first) {
    std::vector<uint32_t> entries;
    for (size_t entry = first; entry < seen_.size(); ++entry) {
      entries.push_back(static_cast<uint32_t>(entry));
    }
    const auto count = static_cast<int64_t>(entries.size());
    std::string bytes;
    std::vector<uint64_t> ends;
    encode_sort_keys(values_.values(entries.data(), count), {order_}, count, &bytes, &ends);
    uint64_t begin = 0;
    for (const uint64_t end : ends) {
      order_keys_.push_back(heap_.add(std::string_view(bytes).substr(begin, end - begin)));
      begin = end;
    }
  }

  const CancellationToken* cancellation_;
  DataType type_;
  bool ordered_;
  SortOrder order_;
  GroupedValues values_;
  std::vector<Seen> seen_;              // by entry
  std::vector<StringView> order_keys_;  // by entry, when ordered
  StringHeap heap_;
  std::vector<uint32_t> winners_;  // by group
};

}  // namespace

std::unique_ptr<Accumulator> make_mode(const BoundAggregate& aggregate,
                                       const CancellationToken* cancellation) {
  return std::make_unique<ModeAccumulator>(aggregate, cancellation);
}

}  // namespace velaria
