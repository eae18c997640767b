#include "src/exec/join/join_table.h"

#include <algorithm>
#include <array>
#include <optional>

#include "src/base/error.h"
#include "src/base/large_memory.h"
#include "src/exec/join/hash_partitions.h"
#include "src/exec/join/ranked_words.h"
#include "src/exec/join/row_keys.h"
#include "src/exec/join/word_keys.h"
#include "src/exec/scheduler.h"
#include "src/kernel/hash.h"

namespace velaria {

void JoinRuns::resize(int64_t rows) {
  const auto size = static_cast<size_t>(rows);
  if (first.size() >= size) return;
  first.resize(size);
  count.resize(size);
  words.resize(size);
  hashes.resize(size);
  usable.resize(size);
  found.resize(size);
}

void JoinTable::may_match(const std::vector<ColumnPtr>& keys, int64_t rows, JoinRuns* scratch,
                          uint8_t* matches) const {
  find(keys, rows, scratch);
  for (int64_t i = 0; i < rows; ++i) {
    matches[i] = scratch->first[static_cast<size_t>(i)] != kNoRow ? 1 : 0;
  }
}

namespace {

// Rows between two looks at the interrupt check.
constexpr int64_t kPieceRows = 64 * 1024;

// f(begin, end) over all rows, piece by piece, on the calling thread.
template <typename F>
void for_each_piece(int64_t rows, const ExecutionContext& context, F&& f) {
  for (int64_t begin = 0; begin < rows; begin += kPieceRows) {
    if (context.cancellation) context.cancellation->throw_if_cancelled();
    if (context.interrupt_check) context.interrupt_check();
    f(begin, std::min(rows, begin + kPieceRows));
  }
}

std::vector<ColumnPtr> slices(const std::vector<ColumnPtr>& columns, int64_t begin, int64_t end) {
  std::vector<ColumnPtr> out;
  for (const ColumnPtr& column : columns) out.push_back(column->slice(begin, end - begin));
  return out;
}

class EveryRowTable : public JoinTable {
 public:
  explicit EveryRowTable(int64_t rows) : rows_(static_cast<uint32_t>(rows)) {
    unique_ = rows_ <= 1;
  }
  void find(const std::vector<ColumnPtr>&, int64_t rows, JoinRuns* runs) const override {
    runs->resize(rows);
    std::fill_n(runs->first.begin(), rows, rows_ == 0 ? kNoRow : 0u);
    std::fill_n(runs->count.begin(), rows, rows_);
  }
  std::string_view layout() const override { return "every row"; }

 private:
  uint32_t rows_;
};

class RangeTable : public JoinTable {
 public:
  RangeTable(WordKeys words, const LargeVector<uint64_t>& row_words,
             const std::vector<uint8_t>& usable, const ExecutionContext& context)
      : words_(std::move(words)), parts_(parts_for(row_words.size(), context)) {
    place_unique(row_words, usable, context);
    if (!unique_) place_runs(row_words, usable, context);
  }

  void find(const std::vector<ColumnPtr>& keys, int64_t rows, JoinRuns* runs) const override {
    runs->resize(rows);
    words_.pack_or(keys, rows, words_.max_word() + 1, runs->words.data(), runs->usable.data());
    const uint64_t* words = runs->words.data();
    uint32_t* first = runs->first.data();
    uint32_t* count = runs->count.data();
    const uint32_t* places = places_.data();
    if (unique_) {
      for (int64_t i = 0; i < rows; ++i) first[i] = places[words[i]];
      return;
    }
    for (int64_t i = 0; i < rows; ++i) {
      const uint32_t begin = places[words[i]];
      count[i] = places[words[i] + 1] - begin;
      first[i] = count[i] == 0 ? kNoRow : begin;
    }
  }
  std::string_view layout() const override { return "range"; }

  static uint64_t bytes(const WordKeys& words, int64_t rows) {
    return (words.max_word() + 4 + static_cast<uint64_t>(rows)) * sizeof(uint32_t);
  }

 private:
  // f(part, word, row) for every usable row, in the order of rows within a part: a task takes the
  // words of one part of the range, so that no two write to the same place.
  template <typename F>
  void for_each_word(const LargeVector<uint64_t>& row_words, const std::vector<uint8_t>& usable,
                     const ExecutionContext& context, const F& f) const {
    constexpr size_t kBlockRows = 1024;
    constexpr size_t kAhead = 16;
    const size_t rows = row_words.size();
    const uint64_t span = words_.max_word() / parts_ + 1;
    ExecutionContext of_task = context;
    if (parts_ > 1) of_task.interrupt_check = nullptr;  // the waiting thread's to ask
    run_parallel(
        parts_,
        [&](size_t part) {
          const uint64_t lowest = span * part;
          std::array<uint32_t, kBlockRows> found;
          for_each_piece(static_cast<int64_t>(rows), of_task, [&](int64_t begin, int64_t end) {
            for (auto block = static_cast<size_t>(begin); block < static_cast<size_t>(end);
                 block += kBlockRows) {
              const size_t block_end = std::min(block + kBlockRows, static_cast<size_t>(end));
              size_t count = 0;
              for (size_t i = block; i < block_end; ++i) {
                found[count] = static_cast<uint32_t>(i);
                count += (usable[i] != 0) & (row_words[i] - lowest < span) ? 1 : 0;
              }
              for (size_t k = 0; k < count; ++k) {
                if (k + kAhead < count) {
                  __builtin_prefetch(places_.data() + row_words[found[k + kAhead]], 1);
                }
                f(part, row_words[found[k]], found[k]);
              }
            }
          });
        },
        context);
  }

  void place_unique(const LargeVector<uint64_t>& row_words, const std::vector<uint8_t>& usable,
                    const ExecutionContext& context) {
    places_.assign(words_.max_word() + 2, kNoRow);
    std::vector<uint32_t> repeated(parts_ * kPartStride, 0);
    for_each_word(row_words, usable, context, [&](size_t part, uint64_t word, uint32_t row) {
      uint32_t& place = places_[word];
      repeated[part * kPartStride] |= place == kNoRow ? 0u : 1u;
      place = row;
    });
    unique_ = std::all_of(repeated.begin(), repeated.end(), [](uint32_t r) { return r == 0; });
  }

  // Counting sort: the run of word w is [places[w], places[w + 1]); that of the word behind the
  // last one, which stands for rows that are not usable, is empty.
  void place_runs(const LargeVector<uint64_t>& row_words, const std::vector<uint8_t>& usable,
                  const ExecutionContext& context) {
    places_.assign(words_.max_word() + 4, 0);
    for_each_word(row_words, usable, context,
                  [&](size_t, uint64_t word, uint32_t) { ++places_[word + 2]; });
    for (size_t w = 1; w < places_.size(); ++w) places_[w] += places_[w - 1];  // ends shifted by 2
    run_rows_.resize(places_.back());
    for_each_word(row_words, usable, context, [&](size_t, uint64_t word, uint32_t row) {
      run_rows_[places_[word + 1]++] = row;
    });
  }

  static size_t parts_for(size_t rows, const ExecutionContext& context) {
    constexpr size_t kWorthTasks = size_t{1} << 18;
    return rows < kWorthTasks || context.pool == nullptr ? 1 : std::max<size_t>(1, context.tasks);
  }

  static constexpr size_t kPartStride = 16;  // a cache line between what tasks write
  WordKeys words_;
  size_t parts_;
  LargeVector<uint32_t> places_;
};

class RankTable : public JoinTable {
 public:
  RankTable(WordKeys words, const LargeVector<uint64_t>& row_words,
            const std::vector<uint8_t>& usable, const ExecutionContext& context)
      : words_(std::move(words)), keys_(words_.max_word() + 1) {
    const auto for_each_usable = [&](const auto& f) {
      for_each_piece(
          static_cast<int64_t>(row_words.size()), context, [&](int64_t begin, int64_t end) {
            for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
              if (usable[i]) f(row_words[i], static_cast<uint32_t>(i));
            }
          });
    };
    size_t rows = 0;
    for_each_usable([&](uint64_t word, uint32_t) {
      keys_.add(word);
      ++rows;
    });
    keys_.finish();
    unique_ = keys_.size() == rows;
    if (unique_) {
      places_.resize(keys_.size());
      for_each_usable([&](uint64_t word, uint32_t row) { places_[keys_.rank(word)] = row; });
      return;
    }
    // Counting sort: the run of the key of rank r is [places[r], places[r + 1]).
    places_.assign(keys_.size() + size_t{2}, 0);
    for_each_usable([&](uint64_t word, uint32_t) { ++places_[keys_.rank(word) + 2]; });
    for (size_t r = 1; r < places_.size(); ++r) places_[r] += places_[r - 1];  // ends shifted by 2
    run_rows_.resize(places_.back());
    for_each_usable(
        [&](uint64_t word, uint32_t row) { run_rows_[places_[keys_.rank(word) + 1]++] = row; });
  }

  // First which rows have a match, without a branch, then those alone.
  void find(const std::vector<ColumnPtr>& keys, int64_t rows, JoinRuns* runs) const override {
    runs->resize(rows);
    pack(keys, rows, runs);
    const uint64_t* words = runs->words.data();
    uint32_t* first = runs->first.data();
    uint32_t* count = runs->count.data();
    uint32_t* found = runs->found.data();
    size_t found_rows = 0;
    for (int64_t i = 0; i < rows; ++i) {
      first[i] = kNoRow;
      found[found_rows] = static_cast<uint32_t>(i);
      found_rows += keys_.contains(words[i]);
    }
    const uint32_t* places = places_.data();
    if (unique_) {
      for (size_t f = 0; f < found_rows; ++f) first[found[f]] = places[keys_.rank(words[found[f]])];
      return;
    }
    std::fill_n(count, rows, 0u);
    for (size_t f = 0; f < found_rows; ++f) {
      const uint32_t rank = keys_.rank(words[found[f]]);
      first[found[f]] = places[rank];
      count[found[f]] = places[rank + 1] - places[rank];
    }
  }
  void may_match(const std::vector<ColumnPtr>& keys, int64_t rows, JoinRuns* scratch,
                 uint8_t* matches) const override {
    scratch->resize(rows);
    pack(keys, rows, scratch);
    const uint64_t* words = scratch->words.data();
    for (int64_t i = 0; i < rows; ++i) matches[i] = static_cast<uint8_t>(keys_.contains(words[i]));
  }
  std::string_view layout() const override { return "ranks"; }

  static uint64_t bytes(const WordKeys& words, int64_t rows) {
    return RankedWords::bytes(words.max_word() + 1) + static_cast<uint64_t>(rows) * 8;
  }

 private:
  // A row that is not usable gets the word behind the last one, which is no key.
  void pack(const std::vector<ColumnPtr>& keys, int64_t rows, JoinRuns* runs) const {
    words_.pack_or(keys, rows, words_.max_word() + 1, runs->words.data(), runs->usable.data());
  }

  WordKeys words_;
  RankedWords keys_;
  std::vector<uint32_t> places_;  // by rank: rows of unique keys, else where runs begin
};

class WordTable : public JoinTable {
 public:
  WordTable(WordKeys words, const JoinTableInput& input, LargeVector<uint64_t> row_words,
            const std::vector<uint8_t>& usable, SharedReservation& reservation,
            const ExecutionContext& context)
      : words_(std::move(words)), equal_hashes_(input.equal_hashes) {
    unique_ = partitions_.build(
        std::move(row_words), usable, [this](uint64_t word) { return hash(word); },
        [](uint32_t, uint32_t) { return true; }, &run_rows_, reservation, context);
    if (input.bloom_filter) {
      partitions_.make_bloom_filter([this](uint64_t word) { return hash(word); }, reservation);
    }
  }

  void find(const std::vector<ColumnPtr>& keys, int64_t rows, JoinRuns* runs) const override {
    runs->resize(rows);
    words_.pack(keys, rows, runs->words.data(), runs->usable.data());
    for (int64_t i = 0; i < rows; ++i) {
      const auto at = static_cast<size_t>(i);
      runs->hashes[at] = hash(runs->words[at]);
    }
    partitions_.find(runs->words.data(), rows, [](uint32_t) {}, runs);
  }
  void may_match(const std::vector<ColumnPtr>& keys, int64_t rows, JoinRuns* scratch,
                 uint8_t* matches) const override {
    if (!partitions_.has_bloom_filter()) return JoinTable::may_match(keys, rows, scratch, matches);
    scratch->resize(rows);
    words_.pack(keys, rows, scratch->words.data(), scratch->usable.data());
    for (int64_t i = 0; i < rows; ++i) {
      const auto at = static_cast<size_t>(i);
      scratch->hashes[at] = hash(scratch->words[at]);
    }
    partitions_.may_match(*scratch, rows, matches);
  }
  std::string_view layout() const override { return "words"; }

 private:
  uint64_t hash(uint64_t word) const { return equal_hashes_ ? 0 : hash_word(word); }

  WordKeys words_;
  bool equal_hashes_;
  HashPartitions partitions_;
};

class RowTable : public JoinTable {
 public:
  RowTable(JoinTableInput input, LargeVector<uint64_t> hashes, const std::vector<uint8_t>& usable,
           SharedReservation& reservation, const ExecutionContext& context)
      : keys_(std::move(input.keys)),
        null_equals_null_(std::move(input.null_equals_null)),
        equal_hashes_(input.equal_hashes),
        one_text_(keys_.size() == 1 && keys_[0]->type().is_string() && !null_equals_null_[0]),
        row_words_(FixedKeyRows::words_per_row(keys_, null_equals_null_)) {
    const auto build = [&](const auto& same) {
      unique_ = partitions_.build(
          std::move(hashes), usable, [](uint64_t hash) { return hash; }, same, &run_rows_,
          reservation, context);
    };
    if (one_text_) {
      const StringView* texts = keys_[0]->values<StringView>();
      build([texts](uint32_t a, uint32_t b) { return texts[a] == texts[b]; });
    } else if (row_words_ > 0) {
      reservation.grow(static_cast<uint64_t>(input.rows) * row_words_ * 8);
      words_.resize(static_cast<size_t>(input.rows) * row_words_);
      FixedKeyRows::pack(keys_, input.rows, row_words_, words_.data());
      keys_.clear();
      build([this](uint32_t a, uint32_t b) {
        return same_words(words_.data() + a * row_words_, words_.data() + b * row_words_);
      });
    } else {
      build(KeyRowsEqual(keys_, keys_));
    }
    if (input.bloom_filter) {
      partitions_.make_bloom_filter([](uint64_t hash) { return hash; }, reservation);
    }
  }

  void find(const std::vector<ColumnPtr>& keys, int64_t rows, JoinRuns* runs) const override {
    runs->resize(rows);
    hash_key_rows(keys, null_equals_null_, rows, runs->hashes.data(), runs->usable.data());
    if (equal_hashes_) std::fill_n(runs->hashes.begin(), rows, uint64_t{0});
    const uint32_t* run_rows = this->run_rows();
    const auto row_of = [run_rows](uint32_t place) -> size_t {
      return run_rows == nullptr ? place : run_rows[place];
    };
    if (one_text_) {
      const StringView* ours = keys_[0]->values<StringView>();
      const StringView* theirs = keys[0]->values<StringView>();
      find_rows(
          rows, [&](uint32_t place) { __builtin_prefetch(ours + row_of(place)); },
          [&](uint32_t place, int64_t row) { return ours[row_of(place)] == theirs[row]; }, runs);
    } else if (row_words_ > 0) {
      runs->words.resize(std::max(runs->words.size(), static_cast<size_t>(rows) * row_words_));
      FixedKeyRows::pack(keys, rows, row_words_, runs->words.data());
      const uint64_t* ours = words_.data();
      const uint64_t* theirs = runs->words.data();
      find_rows(
          rows, [&](uint32_t place) { __builtin_prefetch(ours + row_of(place) * row_words_); },
          [&](uint32_t place, int64_t row) {
            return same_words(ours + row_of(place) * row_words_,
                              theirs + static_cast<size_t>(row) * row_words_);
          },
          runs);
    } else {
      const KeyRowsEqual same(keys_, keys);
      find_rows(
          rows, [](uint32_t) {},
          [&](uint32_t place, int64_t row) {
            return same(static_cast<int64_t>(row_of(place)), row);
          },
          runs);
    }
  }
  void may_match(const std::vector<ColumnPtr>& keys, int64_t rows, JoinRuns* scratch,
                 uint8_t* matches) const override {
    if (!partitions_.has_bloom_filter()) return JoinTable::may_match(keys, rows, scratch, matches);
    scratch->resize(rows);
    hash_key_rows(keys, null_equals_null_, rows, scratch->hashes.data(), scratch->usable.data());
    if (equal_hashes_) std::fill_n(scratch->hashes.begin(), rows, uint64_t{0});
    partitions_.may_match(*scratch, rows, matches);
  }
  std::string_view layout() const override { return "rows"; }

 private:
  bool same_words(const uint64_t* a, const uint64_t* b) const {
    uint64_t different = 0;
    for (size_t w = 0; w < row_words_; ++w) different |= a[w] ^ b[w];
    return different == 0;
  }

  // Rows of equal hashes first, all keys under way to the cache before the first one is compared.
  template <typename Prefetch, typename Same>
  void find_rows(int64_t rows, const Prefetch& prefetch, const Same& same, JoinRuns* runs) const {
    partitions_.find(runs->hashes.data(), rows, prefetch, runs);
    for (int64_t i = 0; i < rows; ++i) {
      const auto at = static_cast<size_t>(i);
      if (runs->first[at] == kNoRow || same(runs->first[at], i)) continue;
      partitions_.find_among_equals(runs->hashes[at], i, same, runs);
    }
  }

  std::vector<ColumnPtr> keys_;  // unless words_ holds them
  std::vector<bool> null_equals_null_;
  bool equal_hashes_;
  bool one_text_;
  size_t row_words_;             // 0: keys are compared in their columns
  std::vector<uint64_t> words_;  // row_words_ of each row
  HashPartitions partitions_;
};

// An array by word is worth its memory up to this many places ...
bool range_is_dense(uint64_t max_word, int64_t rows) {
  constexpr uint64_t kAlwaysDense = 64 * 1024;
  constexpr uint64_t kPlacesPerRow = 4;
  return max_word < std::max(kAlwaysDense, kPlacesPerRow * static_cast<uint64_t>(rows));
}
// ... and ranks up to this many: a hash table takes about as many bytes a row.
bool range_suits_ranks(uint64_t max_word, int64_t rows) {
  constexpr uint64_t kAlwaysSuits = 4 * 1024 * 1024;
  constexpr uint64_t kWordsPerRow = 128;
  return max_word < std::max(kAlwaysSuits, kWordsPerRow * static_cast<uint64_t>(rows));
}

}  // namespace

std::unique_ptr<JoinTable> JoinTable::make(JoinTableInput input, SharedReservation& reservation,
                                           const ExecutionContext& context) {
  const int64_t rows = input.rows;
  if (rows >= static_cast<int64_t>(kNoRow)) {
    throw Error(ErrorKind::kResource,
                "the right side of a JOIN has " + std::to_string(rows) +
                    " rows; the limit is 4294967294; put the smaller table on the right");
  }
  if (input.keys.empty() || rows == 0) return std::make_unique<EveryRowTable>(rows);
  std::optional<WordKeys> words = WordKeys::make(input.keys, input.null_equals_null);
  const auto scratch_bytes = static_cast<uint64_t>(rows) * 9;
  reservation.grow(scratch_bytes);
  LargeVector<uint64_t> codes(static_cast<size_t>(rows));
  std::vector<uint8_t> usable(static_cast<size_t>(rows));
  const auto pieces = static_cast<size_t>((rows + kPieceRows - 1) / kPieceRows);
  run_parallel(
      pieces,
      [&](size_t piece) {
        const int64_t begin = static_cast<int64_t>(piece) * kPieceRows;
        const int64_t end = std::min(rows, begin + kPieceRows);
        const std::vector<ColumnPtr> keys = slices(input.keys, begin, end);
        if (words) {
          words->pack(keys, end - begin, codes.data() + begin, usable.data() + begin);
        } else {
          hash_key_rows(keys, input.null_equals_null, end - begin, codes.data() + begin,
                        usable.data() + begin);
          if (input.equal_hashes) std::fill(codes.data() + begin, codes.data() + end, uint64_t{0});
        }
      },
      context);
  std::unique_ptr<JoinTable> table;
  if (words && !input.equal_hashes && range_is_dense(words->max_word(), rows)) {
    reservation.grow(RangeTable::bytes(*words, rows));
    table = std::make_unique<RangeTable>(std::move(*words), codes, usable, context);
  } else if (words && !input.equal_hashes && range_suits_ranks(words->max_word(), rows)) {
    reservation.grow(RankTable::bytes(*words, rows));
    table = std::make_unique<RankTable>(std::move(*words), codes, usable, context);
  } else if (words) {
    table = std::make_unique<WordTable>(std::move(*words), input, std::move(codes), usable,
                                        reservation, context);
  } else {
    table = std::make_unique<RowTable>(std::move(input), std::move(codes), usable, reservation,
                                       context);
  }
  reservation.shrink(scratch_bytes);
  return table;
}

}  // namespace velaria
