// From what people write for several files to their paths.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "src/base/file_system.h"

namespace velaria {

constexpr size_t kMostFiles = size_t{1} << 20;  // of one table

// The files that `patterns` name, each pattern in its place. A pattern is
// - the path of a file (also one that does not exist: opening it says so),
// - a pattern with *, ?, [a-z], [!a-z] within a part of the path, or ** for folders of any depth up
//   to 64: the files it matches, in the order of their paths' bytes. Names that begin with a dot
//   match only a part that begins with one. Links to folders are followed,
// - a directory: the files in it, in the order of their names, without those that begin with a dot
//   or an underscore; all must have one ending (".gz" and ".zst" not counted), so that a folder of
//   several kinds of files is not read by accident.
// A path that exists is that file, whatever characters it has. Throws FileAccessError for a pattern
// that matches nothing and for a directory that cannot be read so; ResourceError for more than
// kMostFiles files and for folders that lie deeper; InvalidArgumentError for no pattern.
std::vector<std::string> expand_paths(FileSystem& files, const std::vector<std::string>& patterns);

// True when `path` holds a character of patterns.
bool has_wildcard(const std::string& path);

// Whether `name`, one part of a path, matches `pattern`.
bool matches_pattern(std::string_view pattern, std::string_view name);

}  // namespace velaria
