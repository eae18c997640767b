#include "stream/plugin_library.h"

#include <dlfcn.h>

#include <cstring>

#include "src/base/error.h"
#include "src/base/file_system.h"
#include "src/base/text.h"
#include "stream/source_sink_adapters.h"

namespace velaria {

namespace {

// What the library makes of `options`.
template <typename Table>
Table make_table(const std::string& path, const std::string& options, const char* function) {
  // A name without a slash would be looked for in the system's folders.
  const std::string file = path.find('/') == std::string::npos ? "./" + path : path;
  void* library = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == nullptr) {
    const char* reason = ::dlerror();
    throw Error(ErrorKind::kFileAccess,
                concat("cannot load '", path, "': ", reason != nullptr ? reason : "no reason given",
                       "; name a shared library built for this machine"));
  }
  using Make = VelariaStreamStatus (*)(const char* options, Table* out, const char** error);
  const auto make = reinterpret_cast<Make>(::dlsym(library, function));
  if (make == nullptr) {
    throw Error(ErrorKind::kInvalidArgument,
                concat("'", path, "' does not export ", function,
                       "(); see stream/source_sink_abi.h for what a library exports"));
  }
  Table table;
  std::memset(&table, 0, sizeof(table));
  const char* error = nullptr;
  const VelariaStreamStatus status = make(options.c_str(), &table, &error);
  if (status == VELARIA_STREAM_OK) return table;
  throw Error(ErrorKind::kStream,
              concat("'", path, "': ", function, "() failed with status ", status, ": ",
                     error != nullptr ? error : "it gives no reason"));
}

std::string shown(const std::string& path) { return concat("plugin '", file_name_of(path), "'"); }

}  // namespace

StreamSourcePtr load_stream_source(const std::string& path, const std::string& options) {
  auto table = make_table<VelariaSource>(path, options, VELARIA_MAKE_SOURCE);
  return import_stream_source(&table, shown(path));
}

StreamSinkPtr load_stream_sink(const std::string& path, const std::string& options) {
  auto table = make_table<VelariaSink>(path, options, VELARIA_MAKE_SINK);
  return import_stream_sink(&table, shown(path));
}

}  // namespace velaria
