#include "stream/workers/function_address.h"

#include <link.h>

#include <algorithm>
#include <string_view>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/kernel/hash.h"

namespace velaria {

namespace {

// The same library may be loaded by another path.
std::string_view file_name(const dl_phdr_info& info) {
  const std::string_view path(info.dlpi_name);
  return path.substr(path.rfind('/') + 1);
}

// The first page of a module holds its ELF header, the places of its segments and, where the linker
// writes one, its build id.
uint64_t fingerprint_of(const dl_phdr_info& info) {
  uint64_t out = hash_bytes(info.dlpi_phdr, sizeof(ElfW(Phdr)) * info.dlpi_phnum);
  constexpr size_t kPageBytes = 4096;
  for (int i = 0; i < info.dlpi_phnum; ++i) {
    const ElfW(Phdr) & segment = info.dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
    const auto* bytes = reinterpret_cast<const char*>(info.dlpi_addr + segment.p_vaddr);
    return hash_words(out, hash_bytes(bytes, std::min<size_t>(kPageBytes, segment.p_memsz)));
  }
  return out;
}

bool holds(const dl_phdr_info& info, uint64_t address) {
  for (int i = 0; i < info.dlpi_phnum; ++i) {
    const ElfW(Phdr) & segment = info.dlpi_phdr[i];
    const uint64_t begin = info.dlpi_addr + segment.p_vaddr;
    if (segment.p_type == PT_LOAD && address >= begin && address - begin < segment.p_memsz) {
      return true;
    }
  }
  return false;
}

// Calls visit for every loaded module until it gives true; whether it did. It must throw nothing: C
// calls it, under the lock of the loader.
template <typename Visit>
bool visit_modules(Visit visit) {
  const auto call = [](dl_phdr_info* info, size_t, void* context) noexcept {
    return (*static_cast<Visit*>(context))(*info) ? 1 : 0;
  };
  return dl_iterate_phdr(call, &visit) != 0;
}

}  // namespace

FunctionAddress locate_function(const void* function) {
  const auto address = reinterpret_cast<uint64_t>(function);
  FunctionAddress out;
  std::string_view module;  // lives as long as the module is loaded
  const bool found = visit_modules([&](const dl_phdr_info& info) {
    if (!holds(info, address)) return false;
    module = file_name(info);
    out.fingerprint = fingerprint_of(info);
    out.offset = address - info.dlpi_addr;
    return true;
  });
  VELARIA_CHECK(found);
  out.module = module;
  return out;
}

const void* find_function(const FunctionAddress& address) {
  const char* name = address.module.empty() ? "the program" : address.module.c_str();
  const void* out = nullptr;
  const bool loaded = visit_modules([&](const dl_phdr_info& info) {
    if (file_name(info) != address.module) return false;
    if (fingerprint_of(info) == address.fingerprint &&
        holds(info, info.dlpi_addr + address.offset)) {
      out = reinterpret_cast<const void*>(info.dlpi_addr + address.offset);
    }
    return true;
  });
  if (!loaded) {
    throw Error(ErrorKind::kStream, concat("a worker process has not loaded ", name));
  }
  if (out == nullptr) {
    throw Error(ErrorKind::kStream,
                concat("a worker process runs another build of ", name,
                       " than the program that started it; the file was replaced meanwhile, so "
                       "start the program again"));
  }
  return out;
}

}  // namespace velaria
