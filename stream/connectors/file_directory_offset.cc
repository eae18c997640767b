#include "stream/connectors/file_directory_offset.h"

#include "src/base/error.h"
#include "src/base/text.h"
#include "stream/connectors/offset_number.h"

namespace velaria {

namespace {

// What stands before the next '/', which no file name holds; false at the end.
bool next_part(std::string_view* rest, std::string_view* part) {
  if (rest->empty()) return false;
  const size_t slash = rest->find('/');
  *part = rest->substr(0, slash);
  *rest = slash == std::string_view::npos ? std::string_view() : rest->substr(slash + 1);
  return true;
}

bool read_file(std::string_view part, FileBatches* out) {
  const size_t colon = part.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  out->name = std::string(part.substr(0, colon));
  part = part.substr(colon + 1);
  const size_t at = part.find('@');
  if (at != std::string_view::npos &&
      !read_offset_number(part.substr(at + 1), &out->size_bytes.emplace())) {
    return false;
  }
  return read_offset_number(part.substr(0, at), &out->batches);
}

// "name:17" or "modified:17:1700000000000000000".
bool read_order(std::string_view part, FileDirectoryOffset* out) {
  const size_t colon = part.find(':');
  if (colon == std::string_view::npos) return false;
  out->order = file_order_from_name(std::string(part.substr(0, colon)));
  part = part.substr(colon + 1);
  const size_t second = part.find(':');
  if ((second != std::string_view::npos) != (out->order == FileOrder::kModified)) return false;
  out->files = 0;
  return read_offset_number(part.substr(0, second), &*out->files) &&
         (second == std::string_view::npos ||
          read_offset_number(part.substr(second + 1), &out->modified_ns));
}

bool read_offset(std::string_view text, FileDirectoryOffset* out) {
  std::string_view part;
  if (!next_part(&text, &part) || !read_file(part, &out->last)) return false;
  if (next_part(&text, &part) && !read_order(part, out)) return false;
  while (next_part(&text, &part)) {
    out->late.emplace_back();
    if (!read_file(part, &out->late.back())) return false;
  }
  return true;
}

}  // namespace

std::string format_file_directory_offset(const FileDirectoryOffset& offset) {
  const auto text_of = [](const FileBatches& file) {
    return file.name + ":" + std::to_string(file.batches) +
           (file.size_bytes ? "@" + std::to_string(*file.size_bytes) : "");
  };
  std::string out = text_of(offset.last) + "/" + file_order_name(offset.order) + ":" +
                    std::to_string(offset.files.value_or(0));
  if (offset.order == FileOrder::kModified) out += ":" + std::to_string(offset.modified_ns);
  for (const FileBatches& late : offset.late) out += "/" + text_of(late);
  return out;
}

FileDirectoryOffset parse_file_directory_offset(std::string_view text, const std::string& source) {
  FileDirectoryOffset out;
  try {
    if (read_offset(text, &out)) return out;
  } catch (const Error&) {
    // An order that there is not.
  }
  throw Error(ErrorKind::kCheckpoint,
              concat("'", excerpt(text), "' is no offset of ", source,
                     ": it names a file and its batches, as in 'a.csv:2@4096/name:3'"));
}

}  // namespace velaria
