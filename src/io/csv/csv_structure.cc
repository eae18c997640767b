#include "src/io/csv/csv_structure.h"

#include "src/io/csv/csv_structure_loop.h"

namespace velaria {

namespace {

// Eight bytes at a time in plain integers; little-endian, as all of Velaria's targets are.
class PortableBlock {
 public:
  explicit PortableBlock(const char* text) { std::memcpy(words_, text, 64); }

  uint64_t equal(char wanted) const {
    const uint64_t pattern = 0x0101010101010101ULL * static_cast<unsigned char>(wanted);
    constexpr uint64_t kLow = 0x7F7F7F7F7F7F7F7FULL;
    uint64_t mask = 0;
    for (int i = 0; i < 8; ++i) {
      const uint64_t difference = words_[i] ^ pattern;
      // The high bit of every byte that is zero, exactly (no borrow between bytes).
      const uint64_t zero = ~(((difference & kLow) + kLow) | difference | kLow);
      mask |= (((zero >> 7) * 0x0102040810204080ULL) >> 56) << (8 * i);
    }
    return mask;
  }

  static uint64_t prefix_xor(uint64_t bits) {
    for (int shift = 1; shift < 64; shift *= 2) bits ^= bits << shift;
    return bits;
  }

 private:
  uint64_t words_[8];
};

}  // namespace

const StructureFinder kPortableStructureFinder = {index_structure<PortableBlock>,
                                                  find_last_row_end<PortableBlock>};

void StructureIndex::make_room(size_t text_bytes) {
  // The worst case, every byte a separator, and positions are written in groups of four.
  const size_t room = text_bytes + 4;
  if (separators.size() < separator_count + room) separators.resize((separator_count + room) * 2);
  if (row_ends.size() < row_end_count + room) row_ends.resize((row_end_count + room) * 2);
}

const StructureFinder& structure_finder(SimdLevel level) {
#if defined(__x86_64__)
  // Every processor with AVX2 that was ever sold multiplies without carries; virtual ones may hide
  // it.
  if (level >= SimdLevel::kAvx2 && __builtin_cpu_supports("pclmul")) return kAvx2StructureFinder;
#endif
  static_cast<void>(level);
  return kPortableStructureFinder;
}

}  // namespace velaria
