#include "stream/stream_environment.h"

namespace velaria {

StreamEnvironment with_defaults(StreamEnvironment environment) {
  if (!environment.clock) environment.clock = system_clock();
  if (!environment.files) environment.files = local_file_system();
  if (environment.tasks == 0) environment.tasks = environment.pool ? environment.pool->size() : 1;
  if (environment.chunk_rows <= 0) environment.chunk_rows = kDefaultChunkRows;
  return environment;
}

}  // namespace velaria
