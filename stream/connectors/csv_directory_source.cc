#include "stream/connectors/csv_directory_source.h"

#include "src/io/csv/csv_source.h"
#include "stream/connectors/file_directory_source.h"

namespace velaria {

StreamSourcePtr make_csv_directory_stream(std::shared_ptr<FileSystem> files, std::string directory,
                                          CsvDirectoryOptions options) {
  refuse_file_table_options(options.csv.input, "a stream of CSV files");
  FileDirectoryOptions generic;
  generic.format = "csv";
  generic.suffix = options.suffix;
  generic.bounded = options.bounded;
  generic.batch_rows = options.batch_rows;
  generic.columns = options.csv.columns;
  generic.open = [files, csv = options.csv](const std::string& path,
                                            const std::vector<Field>& columns) -> TableSourcePtr {
    CsvOptions of_file = csv;
    if (!columns.empty()) {
      of_file.columns = columns;
      of_file.types.clear();
    }
    return open_csv(files, path, std::move(of_file));
  };
  return make_file_directory_stream(std::move(files), std::move(directory), std::move(generic));
}

}  // namespace velaria
