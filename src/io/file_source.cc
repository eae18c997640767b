#include "src/io/file_source.h"

namespace velaria {

std::vector<std::string> warnings_of(const TableSource& source) {
  const auto* file = dynamic_cast<const FileSource*>(&source);
  return file != nullptr ? file->warnings() : std::vector<std::string>();
}

TableSourcePtr rejects_of(const TableSource& source) {
  const auto* file = dynamic_cast<const FileSource*>(&source);
  return file != nullptr ? file->rejects() : nullptr;
}

int64_t rejected_rows_of(const TableSource& source) {
  const auto* file = dynamic_cast<const FileSource*>(&source);
  return file != nullptr ? file->rejected_rows() : 0;
}

}  // namespace velaria
