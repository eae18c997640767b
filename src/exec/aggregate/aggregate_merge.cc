#include "src/exec/aggregate/aggregate_merge.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "src/exec/scheduler.h"

namespace velaria {

namespace {

using Tables = std::vector<std::unique_ptr<AggregateTable>>;

size_t count_groups(const Tables& tables) {
  size_t groups = 0;
  for (const auto& table : tables) groups += table->size();
  return groups;
}

bool any_has_large_groups(const Tables& tables) {
  return std::any_of(tables.begin(), tables.end(),
                     [](const auto& table) { return table->has_large_groups(); });
}

void merge_into_first(const ExecutionContext& context, Tables* tables) {
  const auto merge = [tables](size_t) {
    for (size_t t = 1; t < tables->size(); ++t) {
      std::vector<uint32_t> all((*tables)[t]->size());
      std::iota(all.begin(), all.end(), 0u);
      (*tables)[0]->merge(*(*tables)[t], all);
    }
  };
  if (any_has_large_groups(*tables)) {
    run_long_pieces(1, merge, context);
  } else {
    merge(0);
  }
  tables->resize(1);
}

// Groups of one table that an earlier table has too.
struct SharedGroups {
  std::vector<uint32_t> from;
  std::vector<uint32_t> table;
  std::vector<uint32_t> to;
};

// The first of the tables before table `t` that has the group counts: it is the one that stays.
void find_shared(const Tables& tables, size_t t, const std::vector<uint32_t>& groups,
                 SharedGroups* out) {
  std::vector<uint32_t> open = groups;
  std::vector<uint32_t> found;
  for (size_t s = 0; s < t && !open.empty(); ++s) {
    found.resize(open.size());
    tables[s]->find_groups(*tables[t], open.data(), static_cast<int64_t>(open.size()),
                           found.data());
    size_t left = 0;
    for (size_t i = 0; i < open.size(); ++i) {
      if (found[i] == kNoGroup) {
        open[left++] = open[i];
        continue;
      }
      out->from.push_back(open[i]);
      out->table.push_back(static_cast<uint32_t>(s));
      out->to.push_back(found[i]);
    }
    open.resize(left);
  }
}

// Where rows with one key lie close together, hardly a group is in two tables: the tables stay as
// they are, and only those few move. False, with nothing changed, when there are more.
bool move_shared_groups(const ExecutionContext& context, DisjointTables* groups) {
  Tables& tables = groups->tables;
  for (const auto& table : tables) {
    if (!table->finds_groups()) return false;
  }
  constexpr size_t kSample = 512;
  constexpr size_t kFewOf = 16;
  SharedGroups sampled;
  size_t looked_at = 0;
  for (size_t t = 1; t < tables.size(); ++t) {
    const size_t size = tables[t]->size();
    const size_t step = std::max<size_t>(1, size / kSample);
    std::vector<uint32_t> sample;
    for (size_t group = 0; group < size; group += step) {
      sample.push_back(static_cast<uint32_t>(group));
    }
    looked_at += sample.size();
    find_shared(tables, t, sample, &sampled);
  }
  if (sampled.from.size() * kFewOf > looked_at) return false;

  struct Part {
    size_t table;
    uint32_t begin;
    uint32_t end;
    SharedGroups shared;
  };
  constexpr uint32_t kPartGroups = uint32_t{1} << 16;
  std::vector<Part> parts;
  for (size_t t = 1; t < tables.size(); ++t) {
    for (uint32_t begin = 0; begin < tables[t]->size(); begin += kPartGroups) {
      const uint32_t end = begin + std::min(kPartGroups, tables[t]->size() - begin);
      parts.push_back({t, begin, end, {}});
    }
  }
  run_parallel(
      parts.size(),
      [&](size_t p) {
        std::vector<uint32_t> all(parts[p].end - parts[p].begin);
        std::iota(all.begin(), all.end(), parts[p].begin);
        find_shared(tables, parts[p].table, all, &parts[p].shared);
      },
      context);
  size_t shared = 0;
  for (const Part& part : parts) shared += part.shared.from.size();
  if (shared * kFewOf / 2 > count_groups(tables)) return false;

  for (const Part& part : parts) {
    for (size_t s = 0; s < part.table; ++s) {
      std::vector<uint32_t> from;
      std::vector<uint32_t> to;
      for (size_t i = 0; i < part.shared.from.size(); ++i) {
        if (part.shared.table[i] != s) continue;
        from.push_back(part.shared.from[i]);
        to.push_back(part.shared.to[i]);
      }
      tables[s]->merge_pairs(*tables[part.table], from, to);
    }
    auto& moved = groups->moved[part.table];
    moved.insert(moved.end(), part.shared.from.begin(), part.shared.from.end());
  }
  for (auto& moved : groups->moved) std::sort(moved.begin(), moved.end());
  return true;
}

// Tables meet partition by partition; no two tasks ever touch the same key.
void merge_by_partition(const AggregateSpec& spec, const ExecutionContext& context,
                        Tables* tables) {
  // Hashes are the same in tables of one layout only.
  const auto general = [](const auto& table) { return table->layout() == "bytes"; };
  if (std::any_of(tables->begin(), tables->end(), general)) {
    run_parallel(tables->size(), [&](size_t t) { (*tables)[t]->make_general(); }, context);
  }
  size_t partitions = 1;
  int shift = 64;
  while (partitions < context.tasks * 8) {
    partitions *= 2;
    --shift;
  }
  std::vector<std::vector<std::vector<uint32_t>>> members(tables->size());
  run_parallel(
      tables->size(),
      [&](size_t t) {
        members[t].resize(partitions);
        const std::vector<uint64_t> hashes = (*tables)[t]->hashes();
        for (auto& part : members[t]) part.reserve(hashes.size() / partitions * 9 / 8);
        for (uint32_t group = 0; group < hashes.size(); ++group) {
          members[t][hashes[group] >> shift].push_back(group);
        }
      },
      context);
  Tables merged(partitions);
  run_parallel(
      partitions,
      [&](size_t partition) {
        merged[partition] = std::make_unique<AggregateTable>(spec, context.cancellation);
        for (size_t t = 0; t < tables->size(); ++t) {
          merged[partition]->merge(*(*tables)[t], members[t][partition]);
        }
      },
      context);
  *tables = std::move(merged);
}

}  // namespace

size_t DisjointTables::groups() const {
  size_t groups = count_groups(tables);
  for (const auto& gone : moved) groups -= gone.size();
  return groups;
}

namespace {

void merge_tables(const AggregateSpec& spec, const ExecutionContext& context,
                  DisjointTables* groups) {
  groups->moved.assign(groups->tables.size(), {});
  if (groups->tables.size() > 1) {
    const size_t all = count_groups(groups->tables);
    const bool may_stay = !spec.keys.empty() && all >= spec.options.groups_worth_staying;
    if (may_stay && move_shared_groups(context, groups)) return;
    if (spec.keys.empty() || all < spec.options.groups_worth_partitions || context.tasks <= 1) {
      merge_into_first(context, &groups->tables);
    } else {
      merge_by_partition(spec, context, &groups->tables);
    }
  }
  groups->moved.assign(groups->tables.size(), {});
}

}  // namespace

void make_disjoint(const AggregateSpec& spec, const ExecutionContext& context,
                   DisjointTables* groups) {
  merge_tables(spec, context, groups);
  // Whoever reads the groups does so on a thread that may be the one that looks for interrupts.
  std::vector<AggregateTable*> large;
  for (const auto& table : groups->tables) {
    if (table->has_large_groups()) large.push_back(table.get());
  }
  if (!large.empty()) {
    run_long_pieces(large.size(), [&](size_t t) { large[t]->settle(); }, context);
  }
}

}  // namespace velaria
