// A table from files with more to say than its source knows: what was guessed before it was opened.
#pragma once

#include <string>
#include <vector>

#include "src/io/file_source.h"

namespace velaria {

// `source` is a FileSource. Its own warnings come behind `warnings`, those that are there already
// left out.
TableSourcePtr with_warnings(TableSourcePtr source, std::vector<std::string> warnings);

}  // namespace velaria
