// Functions by where they lie in their program or library, so that another process of the very same
// files finds them. Kernels in plans are such functions.
#pragma once

#include <cstdint>
#include <string>

namespace velaria {

struct FunctionAddress {
  std::string module;        // file name of a library; empty: the program itself
  uint64_t fingerprint = 0;  // of the module's headers: another build has another one
  uint64_t offset = 0;       // from where the module begins in memory
};

// InternalError when no module holds it.
FunctionAddress locate_function(const void* function);

// StreamError naming the module when it is not loaded here or is another build of it.
const void* find_function(const FunctionAddress& address);

}  // namespace velaria
