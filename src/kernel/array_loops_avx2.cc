// Compiled with -mavx2; reached only through the functions of array_loops.h.
#if defined(__x86_64__)

#define VELARIA_LOOPS_LEVEL avx2_loops
#include "src/kernel/array_loops_body.h"

#endif
