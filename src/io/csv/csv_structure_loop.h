// The loop of the structure finder, over any block type that can compare 64 bytes with one byte and
// compute a prefix xor. Included by one source file per instruction set and by nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "src/io/csv/csv_structure.h"

namespace velaria {
namespace {

struct BlockStructure {
  uint64_t separators = 0;  // field ends and row ends outside quotes
  uint64_t row_ends = 0;
};

// `limit`: how many bytes of the block count, 1..64.
// Inlined by force: both loops keep the state in registers then.
template <typename Block>
[[gnu::always_inline]] inline BlockStructure find_in_block(const CsvSymbols& symbols,
                                                           const char* block_text, size_t limit,
                                                           StructureState* state) {
  const Block block(block_text);
  const uint64_t valid = limit >= 64 ? ~uint64_t{0} : (uint64_t{1} << limit) - 1;
  const uint64_t line_feeds = block.equal('\n');
  const uint64_t returns = block.equal('\r');
  uint64_t row_ends = line_feeds;
  if (returns != 0) {
    const uint64_t feed_follows =
        (line_feeds >> 1) | (block_text[64] == '\n' ? uint64_t{1} << 63 : 0);
    row_ends |= returns & ~feed_follows;
  }
  uint64_t separators = block.equal(symbols.delimiter) | row_ends;
  const uint64_t quotes = symbols.quoting ? block.equal(symbols.quote) & valid : 0;

  if (quotes == 0 && !state->inside_quotes) {
    if (state->quote_just_closed && ((separators | returns) & 1) == 0) state->irregular = true;
    state->quote_just_closed = false;
    state->quote_may_open = ((separators & valid) >> (limit - 1)) & 1;
    return {separators & valid, row_ends & valid};
  }

  const uint64_t carry = state->inside_quotes ? ~uint64_t{0} : 0;
  // From each opening quote up to before its closing one.
  const uint64_t inside = Block::prefix_xor(quotes) ^ carry;
  separators &= ~inside & valid;
  row_ends &= ~inside & valid;
  const uint64_t openers = quotes & inside;
  const uint64_t closers = quotes & ~inside;
  const uint64_t may_open = ((separators | closers) << 1) | (state->quote_may_open ? 1 : 0);
  const uint64_t must_end = ((closers << 1) | (state->quote_just_closed ? 1 : 0)) & valid;
  const uint64_t ends = separators | (returns & ~inside) | openers;
  if (((openers & ~may_open) | (must_end & ~ends)) != 0) state->irregular = true;
  state->saw_quote = true;
  state->inside_quotes = (inside >> (limit - 1)) & 1;
  state->quote_just_closed = (closers >> (limit - 1)) & 1;
  state->quote_may_open = ((separators | closers) >> (limit - 1)) & 1;
  return {separators, row_ends};
}

template <typename Block>
void index_structure(const CsvSymbols& symbols, const char* text, size_t begin, size_t end,
                     StructureState* state_out, StructureIndex* out) {
  StructureState carried = *state_out;
  StructureState* const state = &carried;
  uint32_t* next = out->separators.data() + out->separator_count;
  uint32_t* next_row = out->row_ends.data() + out->row_end_count;
  auto count = static_cast<uint32_t>(out->separator_count);
  for (size_t position = begin; position < end; position += 64) {
    const size_t limit = end - position < 64 ? end - position : 64;
    const BlockStructure found = find_in_block<Block>(symbols, text + position, limit, state);
    for (uint64_t rest = found.row_ends; rest != 0; rest &= rest - 1) {
      const uint64_t below = (rest & (0 - rest)) - 1;
      *next_row++ = count + static_cast<uint32_t>(__builtin_popcountll(found.separators & below));
    }
    const auto total = static_cast<uint32_t>(__builtin_popcountll(found.separators));
    const auto base = static_cast<uint32_t>(position);
    uint64_t rest = found.separators;
    for (uint32_t written = 0; written < total; written += 4) {
      for (uint32_t i = 0; i < 4; ++i) {
        // When no bit is left the value written is never read; |1<<63 keeps ctz defined.
        next[written + i] =
            base + static_cast<uint32_t>(__builtin_ctzll(rest | (uint64_t{1} << 63)));
        rest &= rest - 1;
      }
    }
    next += total;
    count += total;
  }
  *state_out = carried;
  out->separator_count = count;
  out->row_end_count = static_cast<size_t>(next_row - out->row_ends.data());
}

template <typename Block>
size_t find_last_row_end(const CsvSymbols& symbols, const char* text, size_t size, bool at_end,
                         StructureState* state) {
  // Most text has no quotes: then the last row end is found from the back.
  if (!symbols.quoting || std::memchr(text, symbols.quote, size) == nullptr) {
    for (size_t i = size; i > 0; --i) {
      if (text[i - 1] == '\n') return i;
      if (text[i - 1] == '\r' && (i < size || at_end)) return i;
    }
    return 0;
  }
  size_t last = 0;
  for (size_t position = 0; position < size; position += 64) {
    const size_t limit = size - position < 64 ? size - position : 64;
    uint64_t ends = find_in_block<Block>(symbols, text + position, limit, state).row_ends;
    if (state->irregular) return 0;
    if (position + limit == size && !at_end && text[size - 1] == '\r') {
      ends &= ~(uint64_t{1} << (limit - 1));
    }
    if (ends != 0) last = position + 64 - static_cast<size_t>(__builtin_clzll(ends));
  }
  return last;
}

}  // namespace
}  // namespace velaria
