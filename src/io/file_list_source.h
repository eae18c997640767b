// Several files as one table: the rows of the first file, then those of the second, and so on,
// however many tasks read them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "src/io/file_source.h"

namespace velaria {

struct FileListPart {
  TableSourcePtr source;  // a FileSource, or one that knows how many rows it has
  std::string path;
  // Its text comes out one byte behind the other (it is compressed): several tasks at once gain
  // little, and take other files first.
  bool serial = false;
  // For each column of the table but the one of file names: the column of `source`, or none: NULL.
  // Types must be those of the table.
  std::vector<std::optional<size_t>> columns;
};

// `filename_column`: not empty: the last column of `schema`, utf8, holds each row's path. `kind` is
// for describe(): "csv".
TableSourcePtr make_file_list(Schema schema, std::vector<FileListPart> parts,
                              const std::string& filename_column, std::string kind);

}  // namespace velaria
