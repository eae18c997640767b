#include "src/io/file_table.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <optional>
#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/base/thread_pool.h"
#include "src/io/file_list.h"
#include "src/io/file_list_source.h"

namespace velaria {

namespace {

using Files = std::vector<std::shared_ptr<const SingleFileSource>>;

// Opens each file; of several failures the first file's is thrown.
Files open_each(const std::vector<std::string>& paths, bool may_lack_columns,
                const FileTableFormat& format, const FileOpenContext& context) {
  Files files(paths.size());
  const size_t cores = context.tasks == 0 ? usable_cores() : context.tasks;
  const size_t tasks = std::min(cores, paths.size());
  std::vector<std::exception_ptr> failures(paths.size());
  std::atomic<size_t> next{0};
  std::atomic<size_t> first_failed{paths.size()};
  const auto work = [&](bool caller) {
    FileOpenContext inner = context;
    // Either the files share the cores or the ranges of one file do.
    inner.tasks = tasks > 1 ? 1 : cores;
    if (!caller) inner.interrupt_check = nullptr;
    for (size_t i = next++; i < paths.size() && i < first_failed; i = next++) {
      try {
        files[i] = format.open(paths[i], may_lack_columns, inner);
      } catch (...) {
        failures[i] = std::current_exception();
        size_t seen = first_failed;
        while (i < seen && !first_failed.compare_exchange_weak(seen, i)) {
        }
      }
    }
  };
  if (tasks > 1) {
    ThreadPool pool(tasks - 1);
    for (size_t i = 1; i < tasks; ++i) pool.submit([&] { work(false); });
    work(true);
  } else {
    work(true);
  }
  if (first_failed < paths.size()) std::rethrow_exception(failures[first_failed]);
  return files;
}

[[noreturn]] void refuse_columns(const SingleFileSource& first, const SingleFileSource& other) {
  throw Error(ErrorKind::kFileFormat,
              concat("'", other.path(), "' has the columns ",
                     excerpt(join_texts(other.schema().names(), ", "), 200), ", but '",
                     first.path(), "' has ", excerpt(join_texts(first.schema().names(), ", "), 200),
                     "; read with union_by_name=true to combine columns by their names"));
}

// The columns of all files together.
struct JoinedColumns {
  std::vector<Field> fields;
  std::vector<std::vector<FileColumn>> inferred;
  std::map<std::string, size_t> places;

  void add(const SingleFileSource& file) {
    for (size_t c = 0; c < file.schema().size(); ++c) {
      const Field& field = file.schema().field(c);
      const auto [place, is_new] = places.emplace(field.name, fields.size());
      if (is_new) {
        fields.push_back(field);
        inferred.emplace_back();
      }
      if (file.is_inferred(c)) inferred[place->second].push_back({&file, c});
    }
  }
};

void check_types(const std::map<std::string, DataType>& types, const JoinedColumns& columns,
                 size_t files) {
  for (const auto& [name, type] : types) {
    if (columns.places.count(name) > 0) continue;
    std::vector<std::string> names;
    for (const Field& field : columns.fields) names.push_back(field.name);
    throw Error(ErrorKind::kInvalidArgument,
                concat("types names column '", excerpt(name), "', which none of the ", files,
                       " files has", did_you_mean(name, names)));
  }
}

// A file as one of several: with the types of all, its columns in their places.
FileListPart part_of(const SingleFileSource& file, const JoinedColumns& columns,
                     const FileOpenContext& context) {
  FileListPart part;
  part.path = file.path();
  part.serial = file.is_serial();
  part.columns.assign(columns.fields.size(), std::nullopt);
  std::vector<DataType> types;
  for (size_t c = 0; c < file.schema().size(); ++c) {
    const size_t place = columns.places.at(file.schema().field(c).name);
    part.columns[place] = c;
    types.push_back(columns.fields[place].type);
  }
  part.source = file.with_types(types, context);
  return part;
}

}  // namespace

FileTable open_file_table(FileSystem& files, const std::vector<std::string>& patterns,
                          const InputOptions& input, const std::map<std::string, DataType>& types,
                          const FileTableFormat& format, const FileOpenContext& context) {
  const std::vector<std::string> paths = expand_paths(files, patterns);
  const bool by_name = format.by_name || input.union_by_name;
  const bool may_lack_columns = by_name && paths.size() > 1;
  FileTable out;
  out.files = open_each(paths, may_lack_columns, format, context);
  JoinedColumns columns;
  for (const auto& file : out.files) {
    if (!by_name && file->schema().names() != out.files[0]->schema().names()) {
      refuse_columns(*out.files[0], *file);
    }
    columns.add(*file);
  }
  if (may_lack_columns) check_types(types, columns, paths.size());
  out.inferred = columns.inferred;
  if (paths.size() == 1 && input.filename_column.empty()) {
    out.source = out.files[0];
    return out;
  }
  for (size_t i = 0; i < columns.fields.size(); ++i) {
    const std::vector<FileColumn>& inferred = columns.inferred[i];
    if (!inferred.empty()) columns.fields[i].type = inferred[0].file->common_type(inferred);
  }
  std::vector<FileListPart> parts;
  for (const auto& file : out.files) parts.push_back(part_of(*file, columns, context));
  if (!input.filename_column.empty()) {
    if (columns.places.count(input.filename_column) > 0) {
      throw Error(ErrorKind::kInvalidArgument,
                  concat("the files have a column '", input.filename_column,
                         "' already; give the column of file names another name, as in "
                         "filename='source_file'"));
    }
    columns.fields.push_back({input.filename_column, DataType(TypeId::kUtf8)});
  }
  out.source = make_file_list(Schema(std::move(columns.fields)), std::move(parts),
                              input.filename_column, format.name);
  return out;
}

}  // namespace velaria
