// Which rows of a join's build side have a given key.
//
// The rows of one key lie next to each other, in the order of the build side, so a lookup gives a
// run: first place and length. Which layout serves is decided from the build side's keys:
//
//   every row   no keys: each lookup gives all rows
//   range       one word a key, most words of the range are keys: an array by word
//   ranks       one word a key, a range that is not too large: a bit by word, and an array by rank
//   words       one word a key: hashed, compared by the word alone
//   rows        anything else: hashed, compared in the key columns
//
// Hash layouts are partitioned by hash, so that a part is built in cache and by one task; probing
// is open addressing with linear steps. Immutable once made, may be read from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "src/column/column.h"
#include "src/exec/join/shared_reservation.h"
#include "src/exec/operator.h"

namespace velaria {

constexpr uint32_t kNoRow = 0xFFFFFFFFu;

// Where the matches of each looked up row lie. The rest is scratch that lives on between lookups.
struct JoinRuns {
  std::vector<uint32_t> first;  // kNoRow: no match
  std::vector<uint32_t> count;  // 0: no match; not filled by a table of unique keys

  std::vector<uint64_t> words;
  std::vector<uint64_t> hashes;
  std::vector<uint8_t> usable;
  std::vector<uint32_t> found;
  void resize(int64_t rows);
};

struct JoinTableInput {
  std::vector<ColumnPtr> keys;  // flat
  std::vector<bool> null_equals_null;
  int64_t rows = 0;
  bool bloom_filter = false;
  // Tests: all hashes are the same, and the range and ranks layouts are not used.
  bool equal_hashes = false;
};

class JoinTable {
 public:
  // May run tasks on the context's pool. What the table holds stays reserved.
  static std::unique_ptr<JoinTable> make(JoinTableInput input, SharedReservation& reservation,
                                         const ExecutionContext& context);
  virtual ~JoinTable() = default;

  // `keys` are flat, `rows` long and of the build keys' types.
  virtual void find(const std::vector<ColumnPtr>& keys, int64_t rows, JoinRuns* runs) const = 0;
  // matches[i] is 0 only for rows without a match; the other way round it may be wrong now and
  // then. A large table answers from a Bloom filter, when it was asked for
  // (JoinTableInput::bloom_filter).
  virtual void may_match(const std::vector<ColumnPtr>& keys, int64_t rows, JoinRuns* scratch,
                         uint8_t* matches) const;
  virtual std::string_view layout() const = 0;  // for explain and tests

  // No key has two rows: every run is one row, and `first` is its number.
  bool unique() const { return unique_; }
  // The build rows that runs lie in; null: places are row numbers.
  const uint32_t* run_rows() const { return run_rows_.empty() ? nullptr : run_rows_.data(); }

 protected:
  bool unique_ = true;
  std::vector<uint32_t> run_rows_;
};

}  // namespace velaria
