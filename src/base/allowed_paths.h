// A file system that opens nothing outside of some folders.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "src/base/file_system.h"

namespace velaria {

// Every call checks where its path really leads, links and ".." resolved, and throws
// FileAccessError when that is not one of `allowed` (files or folders) or below one. A path that
// does not exist yet is judged by its nearest existing folder. An empty list allows nothing.
std::shared_ptr<FileSystem> restrict_to_paths(std::shared_ptr<FileSystem> files,
                                              const std::vector<std::string>& allowed);

}  // namespace velaria
