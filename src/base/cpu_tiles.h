// Tiles of bfloat16 products (AMX), which only matrix products can use: for all else such a
// processor is one of AVX-512.
#pragma once

namespace velaria {

// Whether the processor has them and the system lets this process use them. Asks the system once a
// process; thread-safe.
bool has_bfloat16_tiles();

}  // namespace velaria
