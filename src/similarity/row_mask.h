// A set of rows of a table, by row id: those that passed a filter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace velaria {

// Build it with one thread; then any number may read it.
class RowMask {
 public:
  // No row is in it yet.
  explicit RowMask(int64_t rows) : rows_(rows), words_(static_cast<size_t>(rows + 63) / 64) {}

  int64_t rows() const { return rows_; }
  void insert(int64_t row) { words_[word_of(row)] |= uint64_t{1} << (row & 63); }
  bool contains(int64_t row) const { return (words_[word_of(row)] >> (row & 63) & 1) != 0; }

  // The first row of the set in [row, end), or `end`.
  int64_t next(int64_t row, int64_t end) const {
    while (row < end) {
      const uint64_t rest = words_[word_of(row)] >> (row & 63);
      if (rest != 0) {
        const int64_t found = row + __builtin_ctzll(rest);
        return found < end ? found : end;
      }
      row = (row | 63) + 1;
    }
    return end;
  }

  int64_t count() const {
    int64_t count = 0;
    for (uint64_t word : words_) count += __builtin_popcountll(word);
    return count;
  }

 private:
  static size_t word_of(int64_t row) { return static_cast<size_t>(row >> 6); }

  int64_t rows_;
  std::vector<uint64_t> words_;
};

}  // namespace velaria
