#include "src/base/cpu_tiles.h"

#include <cstdint>

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace velaria {

namespace {

#if defined(__x86_64__) && defined(__linux__)
bool has_bit(unsigned word, int bit) { return (word >> bit & 1U) != 0; }

// Whether the processor has tiles of bfloat16 products and the system lets this process use them.
bool find_tiles() {
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  if (__get_cpuid_count(1, 0, &eax, &ebx, &ecx, &edx) == 0 || !has_bit(ecx, 27)) return false;
  constexpr uint32_t kTileState = 3U << 17;
  uint32_t state = 0;
  uint32_t state_high = 0;
  __asm__ volatile("xgetbv" : "=a"(state), "=d"(state_high) : "c"(0));
  if ((state & kTileState) != kTileState) return false;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0) return false;
  if (!has_bit(edx, 22) || !has_bit(edx, 24)) return false;  // amx_bf16, amx_tile
  if (__get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) == 0) return false;
  if (!has_bit(eax, 5)) return false;  // avx512_bf16
  // The state of the tiles is large, so Linux wants to be asked for it once a process.
  constexpr int kRequestPermission = 0x1023;
  constexpr int kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

#else
bool find_tiles() { return false; }
#endif

}  // namespace

bool has_bfloat16_tiles() {
  static const bool found = find_tiles();
  return found;
}

}  // namespace velaria
