// One table from one or many files of a format: what every reader does with what InputOptions says.
//
// Patterns are those of expand_paths(); rows come in the order of the files, then in that of each
// file, whatever the number of tasks. Every file is read with the same options. Types are inferred
// over all files together: what is int64 in one file and text in another is text in both, digit for
// digit.
//
// By position, all files must have the same columns in the same order. By name (union_by_name; keys
// of JSON always) the table has every column that any file has, in the order in which they are
// first met, and NULL where a file lacks one. filename_column adds a last column with each row's
// path.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "src/base/file_system.h"
#include "src/io/file_options.h"
#include "src/io/file_source.h"

namespace velaria {

struct FileTable {
  TableSourcePtr source;
  std::vector<std::shared_ptr<const SingleFileSource>> files;
  // For each column of `source` but the one of file names: where its type was inferred.
  std::vector<std::vector<FileColumn>> inferred;
};

struct FileTableFormat {
  std::string name;      // for describe(): "csv"
  bool by_name = false;  // columns always go by name
  // Opens one of `files` files; of several that go by name, one may lack a column that options
  // name. It has a column for it, or none.
  std::function<std::shared_ptr<const SingleFileSource>(
      const std::string& path, bool may_lack_columns, const FileOpenContext& context)>
      open;
};

// `types`: those that the options give by name. Throws like expand_paths() and `open`, for the
// first file with a defect; FileFormatError for files whose columns differ; InvalidArgumentError
// for a type of a column that no file has.
FileTable open_file_table(FileSystem& files, const std::vector<std::string>& patterns,
                          const InputOptions& input, const std::map<std::string, DataType>& types,
                          const FileTableFormat& format, const FileOpenContext& context);

}  // namespace velaria
