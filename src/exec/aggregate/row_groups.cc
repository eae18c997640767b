#include "src/exec/aggregate/row_groups.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <numeric>

#include "src/column/builder.h"
#include "src/exec/aggregate/accumulator.h"
#include "src/exec/aggregate/group_layouts.h"
#include "src/exec/scheduler.h"
#include "src/expr/evaluator.h"
#include "src/kernel/dispatch.h"
#include "src/kernel/hash.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

bool has_flat_values(const DataType& type) { return !type.is_null() && !type.is_vector(); }

bool counts_rows_alone(const BoundAggregate& aggregate) {
  switch (aggregate.kind) {
    case AggregateKind::kCountRows:
    case AggregateKind::kCount:
    case AggregateKind::kSum:
    case AggregateKind::kAvg:
    case AggregateKind::kMin:
    case AggregateKind::kMax: break;
    default: return false;
  }
  return !aggregate.distinct && !aggregate.filter && aggregate.order_by.empty() &&
         aggregate.arguments.size() <= 1 &&
         (aggregate.arguments.empty() || has_flat_values(aggregate.arguments[0]->type));
}

template <typename T>
uint64_t hash_value(const T& value) {
  if constexpr (std::is_same_v<T, StringView>) {
    return hash_text(value);
  } else if constexpr (sizeof(T) <= 8) {
    return hash_word(key_word(value));
  } else {
    uint64_t words[2];
    static_assert(sizeof(T) == sizeof(words));
    std::memcpy(words, &value, sizeof(words));
    return hash_words(words[0], words[1]);
  }
}

template <typename T>
bool same_value(const T& a, const T& b) {
  if constexpr (std::is_same_v<T, StringView>) {
    return a == b;
  } else if constexpr (sizeof(T) <= 8) {
    return key_word(a) == key_word(b);
  } else {
    return std::memcmp(&a, &b, sizeof(T)) == 0;
  }
}

// Of equal keys one comes out, and it must not matter which: 0.0 for -0.0, one NaN for all, one
// spelling of an interval.
ColumnPtr canonical_key(const ColumnPtr& key) {
  if (key->type().id() == TypeId::kInterval) {
    FixedBuilder<Interval> builder(key->type());
    for (int64_t i = 0; i < key->length(); ++i) {
      if (key->is_null(i)) {
        builder.append_null();
      } else {
        builder.append(canonical_interval(key->values<Interval>()[i]));
      }
    }
    return builder.finish();
  }
  if (!key->type().is_float()) return key;
  return visit_stored_type(key->type(), [&](auto tag) -> ColumnPtr {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_floating_point_v<T>) {
      auto values = Buffer::allocate(static_cast<size_t>(key->length()) * sizeof(T));
      for (int64_t i = 0; i < key->length(); ++i) {
        const uint64_t word = key_word(key->values<T>()[i]);
        std::memcpy(values->mutable_data() + static_cast<size_t>(i) * sizeof(T), &word, sizeof(T));
      }
      return Column::flat(key->type(), key->length(), std::move(values), 0, key->validity());
    } else {
      return key;
    }
  });
}

size_t chunk_of(uint64_t place) { return static_cast<size_t>(place >> kChunkRowBits); }
int64_t row_of(uint64_t place) {
  return static_cast<int64_t>(place & ((uint64_t{1} << kChunkRowBits) - 1));
}

}  // namespace

bool RowGroups::suits(const std::vector<BoundExpressionPtr>& keys,
                      const std::vector<BoundAggregate>& aggregates) {
  return !keys.empty() && std::all_of(keys.begin(), keys.end(), [](const auto& key) {
    return has_flat_values(key->type);
  }) && std::all_of(aggregates.begin(), aggregates.end(), counts_rows_alone);
}

void RowGroups::Part::add(const Chunk& chunk) {
  if (chunk.selected_rows() == 0) return;
  EvaluationBatch batch(chunk);
  KeptChunk kept;
  kept.order = chunk.order;
  kept.rows = batch.rows();
  for (const auto& key : groups_.keys_) {
    kept.keys.push_back(canonical_key(flatten(evaluate(*key, batch))));
  }
  for (const BoundAggregate& aggregate : groups_.aggregates_) {
    kept.arguments.push_back(
        aggregate.arguments.empty() ? nullptr : flatten(evaluate(*aggregate.arguments[0], batch)));
  }
  for (const auto& columns : {kept.keys, kept.arguments}) {
    for (const ColumnPtr& column : columns) {
      if (column) bytes_ += static_cast<uint64_t>(column->estimated_bytes());
    }
  }
  bytes_ += static_cast<uint64_t>(kept.rows) * sizeof(HashedRow);
  groups_.hash_keys(kept, &hashes_);
  const uint64_t place = static_cast<uint64_t>(chunks_.size()) << kChunkRowBits;
  for (size_t i = 0; i < hashes_.size(); ++i) {
    rows_[hashes_[i] >> 56].push_back({hashes_[i], place | i});
  }
  chunks_.push_back(std::move(kept));
}

void RowGroups::hash_keys(const KeptChunk& chunk, std::vector<uint64_t>* hashes) const {
  hashes->assign(static_cast<size_t>(chunk.rows), 0);
  if (options_.equal_hashes) return;
  for (size_t k = 0; k < chunk.keys.size(); ++k) {
    const Column& column = *chunk.keys[k];
    visit_stored_type(column.type(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      const T* values = column.values<T>();
      uint64_t* out = hashes->data();
      const bool all_valid = column.validity().all_valid();
      for (int64_t i = 0; i < chunk.rows; ++i) {
        const uint64_t hash =
            all_valid || column.validity().valid(i) ? hash_value(values[i]) : kNullHash;
        out[i] = k == 0 ? hash : hash_words(out[i], hash);
      }
    });
  }
}

bool RowGroups::same_keys(uint64_t a, uint64_t b) const {
  const KeptChunk& left = chunks_[chunk_of(a)];
  const KeptChunk& right = chunks_[chunk_of(b)];
  for (size_t k = 0; k < left.keys.size(); ++k) {
    const Column& x = *left.keys[k];
    const Column& y = *right.keys[k];
    const bool present = x.validity().valid(row_of(a));
    if (present != y.validity().valid(row_of(b))) return false;
    if (!present) continue;
    const bool same = visit_stored_type(x.type(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      return same_value(x.values<T>()[row_of(a)], y.values<T>()[row_of(b)]);
    });
    if (!same) return false;
  }
  return true;
}

void RowGroups::find_followers(const std::vector<std::unique_ptr<Part>>& parts,
                               const std::vector<std::vector<uint64_t>>& places, size_t partition,
                               std::vector<Follower>* followers) const {
  size_t rows = 0;
  for (const auto& part : parts) rows += part->rows_[partition].size();
  size_t size = 16;
  while (size < rows * 2) size *= 2;
  struct Slot {
    uint64_t hash = 0;
    uint64_t leader = ~uint64_t{0};  // all ones: none
  };
  std::vector<Slot> slots(size);
  std::vector<std::pair<uint64_t, size_t>> found;  // a follower and its group's slot
  for (size_t p = 0; p < parts.size(); ++p) {
    for (const HashedRow& hashed : parts[p]->rows_[partition]) {
      const uint64_t place =
          places[p][chunk_of(hashed.row)] | static_cast<uint64_t>(row_of(hashed.row));
      for (size_t at = hashed.hash & (size - 1);; at = (at + 1) & (size - 1)) {
        Slot& slot = slots[at];
        if (slot.leader == ~uint64_t{0}) {
          slot = {hashed.hash, place};
          break;
        }
        if (slot.hash == hashed.hash && same_keys(slot.leader, place)) {
          // Parts are not in order between each other, so a later one may hold the first row.
          found.emplace_back(std::max(slot.leader, place), at);
          slot.leader = std::min(slot.leader, place);
          break;
        }
      }
    }
  }
  followers->reserve(found.size());
  for (const auto& [row, at] : found) followers->push_back({row, slots[at].leader});
}

void RowGroups::finish(std::vector<std::unique_ptr<Part>> parts, const ExecutionContext& context) {
  // The chunks of all parts in the order of the input; places[p][c]: where chunk c of part p is
  // now.
  struct Source {
    uint64_t order;
    size_t part;
    size_t chunk;
  };
  std::vector<Source> sources;
  std::vector<std::vector<uint64_t>> places(parts.size());
  for (size_t p = 0; p < parts.size(); ++p) {
    bytes_ += parts[p]->memory_bytes();
    places[p].resize(parts[p]->chunks_.size());
    for (size_t c = 0; c < parts[p]->chunks_.size(); ++c) {
      sources.push_back({parts[p]->chunks_[c].order, p, c});
    }
  }
  std::stable_sort(sources.begin(), sources.end(),
                   [](const Source& a, const Source& b) { return a.order < b.order; });
  chunks_.reserve(sources.size());
  size_t words = 0;
  for (const Source& source : sources) {
    places[source.part][source.chunk] = static_cast<uint64_t>(chunks_.size()) << kChunkRowBits;
    chunks_.push_back(std::move(parts[source.part]->chunks_[source.chunk]));
    first_words_.push_back(words);
    words += static_cast<size_t>((chunks_.back().rows + 63) / 64);
    groups_ += chunks_.back().rows;
  }

  std::vector<std::vector<Follower>> found(kPartitions);
  run_parallel(
      kPartitions,
      [&](size_t partition) {
        find_followers(parts, places, partition, &found[partition]);
        for (const auto& part : parts) {
          std::vector<HashedRow>().swap(part->rows_[partition]);
        }
      },
      context);

  follower_bits_.assign(words, 0);
  first_followers_.assign(chunks_.size() + 1, 0);
  size_t followers = 0;
  for (const auto& part : found) {
    followers += part.size();
    for (const Follower& follower : part) {
      const int64_t row = row_of(follower.row);
      follower_bits_[first_words_[chunk_of(follower.row)] + static_cast<size_t>(row / 64)] |=
          uint64_t{1} << (row % 64);
      ++first_followers_[chunk_of(follower.leader) + 1];
    }
  }
  groups_ -= static_cast<int64_t>(followers);
  std::partial_sum(first_followers_.begin(), first_followers_.end(), first_followers_.begin());
  followers_.resize(followers);
  std::vector<size_t> next(first_followers_.begin(), first_followers_.end() - 1);
  for (const auto& part : found) {
    for (const Follower& follower : part) {
      followers_[next[chunk_of(follower.leader)]++] = follower;
    }
  }
  bytes_ += followers_.size() * sizeof(Follower) + follower_bits_.size() * 8;
}

ColumnPtr RowGroups::arguments_of(size_t aggregate, const Follower* first, int64_t count) const {
  if (aggregates_[aggregate].arguments.empty()) return nullptr;
  const DataType& type = aggregates_[aggregate].arguments[0]->type;
  return visit_stored_type(type, [&](auto tag) -> ColumnPtr {
    using T = typename decltype(tag)::type;
    auto values = Buffer::allocate(static_cast<size_t>(count) * sizeof(T));
    T* out = reinterpret_cast<T*>(values->mutable_data());
    ValidityBuilder validity;
    for (int64_t i = 0; i < count; ++i) {
      const Column& column = *chunks_[chunk_of(first[i].row)].arguments[aggregate];
      const int64_t row = row_of(first[i].row);
      const bool valid = column.validity().valid(row);
      out[i] = valid ? column.values<T>()[row] : T();
      validity.append(valid);
    }
    // Texts stay where they are as long as the chunks do.
    return Column::flat(type, count, std::move(values), 0, validity.finish());
  });
}

Chunk RowGroups::output(size_t index, const std::vector<size_t>& columns) const {
  const KeptChunk& kept = chunks_[index];
  std::vector<uint32_t> leaders;
  std::vector<uint32_t> group_of_row(static_cast<size_t>(kept.rows));
  for (int64_t row = 0; row < kept.rows; ++row) {
    group_of_row[static_cast<size_t>(row)] = static_cast<uint32_t>(leaders.size());
    if (!follows(index, row)) leaders.push_back(static_cast<uint32_t>(row));
  }
  Chunk out;
  out.order = index;
  out.rows = static_cast<int64_t>(leaders.size());
  const bool all = out.rows == kept.rows;
  std::vector<uint32_t> ids(leaders.size());
  std::iota(ids.begin(), ids.end(), 0u);
  const Follower* followers = followers_.data() + first_followers_[index];
  const auto follower_count =
      static_cast<int64_t>(first_followers_[index + 1] - first_followers_[index]);
  std::vector<uint32_t> follower_ids;
  for (int64_t i = 0; i < follower_count; ++i) {
    follower_ids.push_back(group_of_row[static_cast<size_t>(row_of(followers[i].leader))]);
  }
  for (size_t column : columns) {
    if (column < keys_.size()) {
      const ColumnPtr& key = kept.keys[column];
      out.columns.push_back(all ? key : take(key, leaders.data(), out.rows));
      continue;
    }
    const size_t a = column - keys_.size();
    const auto accumulator = Accumulator::make(aggregates_[a]);
    accumulator->grow(static_cast<uint32_t>(leaders.size()));
    const auto add = [&](const ColumnPtr& argument, const std::vector<uint32_t>& row_ids) {
      if (row_ids.empty()) return;  // no ids would mean one group for all rows
      AggregateRows rows;
      if (argument) rows.arguments.push_back(argument);
      rows.ids = row_ids.data();
      rows.rows = static_cast<int64_t>(row_ids.size());
      accumulator->add_rows(rows);
    };
    const ColumnPtr& argument = kept.arguments[a];
    add(all || !argument ? argument : take(argument, leaders.data(), out.rows), ids);
    if (follower_count > 0) add(arguments_of(a, followers, follower_count), follower_ids);
    out.columns.push_back(accumulator->result(ids.data(), out.rows));
  }
  return out;
}

class RowGroups::Scan : public TableScan {
 public:
  Scan(const RowGroups& groups, const ScanRequest& request) : groups_(groups), request_(request) {}
  std::unique_ptr<ScanTask> new_task() override { return std::make_unique<Task>(*this); }

 private:
  class Task : public ScanTask {
   public:
    explicit Task(Scan& scan) : scan_(scan) {}
    bool next(Chunk* chunk) override {
      const size_t index = scan_.next_.fetch_add(1);
      if (index >= scan_.groups_.chunks_.size()) return false;
      *chunk = scan_.groups_.output(index, scan_.request_.columns);
      return true;
    }

   private:
    Scan& scan_;
  };

  const RowGroups& groups_;
  const ScanRequest request_;
  std::atomic<size_t> next_{0};
};

std::unique_ptr<TableScan> RowGroups::scan(const ScanRequest& request) const {
  return std::make_unique<Scan>(*this, request);
}

}  // namespace velaria
