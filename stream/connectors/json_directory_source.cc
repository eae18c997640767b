#include "stream/connectors/json_directory_source.h"

#include "src/io/json/json_source.h"
#include "stream/connectors/file_directory_source.h"

namespace velaria {

StreamSourcePtr make_json_directory_stream(std::shared_ptr<FileSystem> files, std::string directory,
                                           JsonDirectoryOptions options) {
  refuse_file_table_options(options.json.input, "a stream of JSON files");
  FileDirectoryOptions generic;
  generic.format = "json";
  generic.suffix = options.suffix;
  generic.bounded = options.bounded;
  generic.batch_rows = options.batch_rows;
  for (const JsonColumn& column : options.json.columns) {
    if (!column.type) {
      throw Error(ErrorKind::kInvalidArgument,
                  "the columns of a stream of JSON files need types, all of them or none");
    }
    generic.columns.push_back({column.name, *column.type});
  }
  const bool chosen = !generic.columns.empty();
  generic.open = [files, json = options.json, chosen](
                     const std::string& path, const std::vector<Field>& columns) -> TableSourcePtr {
    JsonOptions of_file = json;
    if (!columns.empty()) {
      of_file.columns.clear();
      for (const Field& field : columns) of_file.columns.push_back({field.name, field.type});
      of_file.types.clear();
      if (!chosen) of_file.unknown_keys = UnknownKeyPolicy::kFail;
    }
    return open_json(files, path, std::move(of_file));
  };
  return make_file_directory_stream(std::move(files), std::move(directory), std::move(generic));
}

}  // namespace velaria
