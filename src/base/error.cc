#include "src/base/error.h"

#include <algorithm>
#include <cctype>
#include <new>
#include <numeric>

namespace velaria {

std::string_view error_kind_name(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kSqlSyntax: return "SqlSyntaxError";
    case ErrorKind::kSqlSemantic: return "SqlSemanticError";
    case ErrorKind::kSqlUnsupported: return "SqlUnsupportedError";
    case ErrorKind::kCatalog: return "CatalogError";
    case ErrorKind::kTableKind: return "TableKindError";
    case ErrorKind::kFileAccess: return "FileAccessError";
    case ErrorKind::kFileFormat: return "FileFormatError";
    case ErrorKind::kTypeMismatch: return "TypeMismatchError";
    case ErrorKind::kInvalidArgument: return "InvalidArgumentError";
    case ErrorKind::kResource: return "ResourceError";
    case ErrorKind::kCheckpoint: return "CheckpointError";
    case ErrorKind::kStream: return "StreamError";
    case ErrorKind::kCancelled: return "CancelledError";
    case ErrorKind::kInternal: return "InternalError";
  }
  return "InternalError";
}

std::string describe_exception(const std::exception_ptr& failure) noexcept {
  try {
    if (failure) std::rethrow_exception(failure);
    return "no error";
  } catch (const std::bad_alloc&) {
    return "out of memory";
  } catch (const std::exception& e) {
    try {
      return e.what();
    } catch (...) {
      return "out of memory";  // for its text; this one needs none
    }
  } catch (...) {
    return "unknown error";
  }
}

namespace {

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const bool same = std::tolower(static_cast<unsigned char>(a[i - 1])) ==
                        std::tolower(static_cast<unsigned char>(b[j - 1]));
      const size_t next = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (same ? 0 : 1)});
      diagonal = row[j];
      row[j] = next;
    }
  }
  return row[b.size()];
}

}  // namespace

std::string did_you_mean(std::string_view name, const std::vector<std::string>& candidates) {
  const std::string* best = nullptr;
  size_t best_distance = 0;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > 256 || name.size() > 256) continue;
    const size_t distance = edit_distance(name, candidate);
    if (best == nullptr || distance < best_distance) {
      best = &candidate;
      best_distance = distance;
    }
  }
  const size_t tolerated = std::max<size_t>(1, name.size() / 3);
  if (best == nullptr || best_distance > tolerated) return "";
  return "; did you mean '" + *best + "'?";
}

void check_failed(const char* condition, const char* file, int line) {
  throw Error(ErrorKind::kInternal, std::string("internal check failed: ") + condition + " at " +
                                        file + ":" + std::to_string(line) +
                                        "; this is a defect in Velaria, please report it");
}

}  // namespace velaria
