#include "src/io/file_list.h"

#include <algorithm>
#include <set>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/io/compressed_writer.h"

namespace velaria {

namespace {

constexpr int kMostFolders = 64;  // below each other, for **

void check_depth(const std::string& folder, int depth) {
  if (depth < kMostFolders) return;
  throw Error(
      ErrorKind::kResource,
      concat("'", excerpt(folder, 200), "' lies more than ", kMostFolders,
             " folders deep, where ** does not look; name a folder nearer to the files, and "
             "see whether a link leads from a folder back to one above it"));
}

// Reads "[a-z]" at `pattern`, whose first byte is '['. Gives the bytes used; 0 when it never
// closes.
size_t match_set(std::string_view pattern, unsigned char c, bool* matches) {
  size_t i = 1;
  const bool negated = i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^');
  if (negated) ++i;
  bool found = false;
  for (bool first = true; i < pattern.size() && (first || pattern[i] != ']'); first = false) {
    const auto low = static_cast<unsigned char>(pattern[i]);
    auto high = low;
    if (i + 2 < pattern.size() && pattern[i + 1] == '-' && pattern[i + 2] != ']') {
      high = static_cast<unsigned char>(pattern[i + 2]);
      i += 2;
    }
    ++i;
    found = found || (low <= c && c <= high);
  }
  if (i >= pattern.size()) return 0;
  *matches = found != negated;
  return i + 1;
}

struct PathParts {
  std::string root;  // "/" or ""
  std::vector<std::string> parts;
};

PathParts split_path(const std::string& path) {
  PathParts out;
  out.root = path[0] == '/' ? "/" : "";
  size_t begin = 0;
  while (begin < path.size()) {
    const size_t end = std::min(path.find('/', begin), path.size());
    if (end > begin) out.parts.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

std::string joined(const std::string& folder, const std::string& name) {
  if (folder.empty() || folder.back() == '/') return folder + name;
  return folder + "/" + name;
}

class Expansion {
 public:
  Expansion(FileSystem& files, const PathParts& pattern) : files_(files), pattern_(pattern) {}

  std::vector<std::string> run() {
    // What holds no wildcard is one folder: those above it are not looked at.
    std::string folder = pattern_.root;
    size_t part = 0;
    while (part + 1 < pattern_.parts.size() && !has_wildcard(pattern_.parts[part])) {
      folder = joined(folder, pattern_.parts[part++]);
    }
    if (!folder.empty() && !files_.is_directory(folder)) return {};
    walk(folder, part, 0);
    return {found_.begin(), found_.end()};
  }

 private:
  std::vector<std::string> names_in(const std::string& folder) const {
    return files_.list_directory(folder.empty() ? "." : folder);
  }

  void walk(const std::string& folder, size_t part, int depth) {
    const std::string& pattern = pattern_.parts[part];
    const bool last = part + 1 == pattern_.parts.size();
    if (pattern == "**") {
      if (last) {
        add_all(folder, depth);
        return;
      }
      walk(folder, part + 1, depth);
      for (const std::string& name : names_in(folder)) {
        const std::string below = joined(folder, name);
        // Links to folders would give files twice, and lead in circles.
        if (name[0] == '.' || !files_.is_directory(below) || files_.is_link(below)) continue;
        check_depth(below, depth);
        walk(below, part, depth + 1);
      }
      return;
    }
    if (!has_wildcard(pattern)) {
      const std::string path = joined(folder, pattern);
      if (last ? files_.exists(path) && !files_.is_directory(path) : files_.is_directory(path)) {
        go_on(path, part, last, depth);
      }
      return;
    }
    if (!folder.empty() && !files_.is_directory(folder)) return;
    for (const std::string& name : names_in(folder)) {
      if (!matches_pattern(pattern, name)) continue;
      const std::string path = joined(folder, name);
      if (files_.is_directory(path) != last) go_on(path, part, last, depth);
    }
  }

  void go_on(const std::string& path, size_t part, bool last, int depth) {
    if (!last) {
      walk(path, part + 1, depth);
      return;
    }
    found_.insert(path);
    if (found_.size() > kMostFiles) {
      throw Error(ErrorKind::kResource,
                  concat("a pattern matches more than ", kMostFiles, " files; narrow it"));
    }
  }

  void add_all(const std::string& folder, int depth) {
    for (const std::string& name : names_in(folder)) {
      if (name[0] == '.') continue;
      const std::string path = joined(folder, name);
      if (!files_.is_directory(path)) {
        go_on(path, pattern_.parts.size() - 1, true, depth);
      } else if (!files_.is_link(path)) {
        check_depth(path, depth);
        add_all(path, depth + 1);
      }
    }
  }

  FileSystem& files_;
  const PathParts& pattern_;
  std::set<std::string> found_;
};

// "rows.csv.gz" -> ".csv".
std::string kind_of_name(const std::string& file_name) {
  const std::string_view name = without_compression_ending(file_name);
  const size_t dot = name.rfind('.');
  return dot == std::string::npos ? "" : to_lower_ascii(name.substr(dot));
}

std::vector<std::string> files_in(FileSystem& files, const std::string& folder) {
  std::vector<std::string> out;
  std::string first_name;
  for (const std::string& name : files.list_directory(folder)) {
    const std::string path = joined(folder, name);
    if (name[0] == '.' || name[0] == '_' || files.is_directory(path)) continue;
    if (out.empty()) first_name = name;
    if (kind_of_name(name) != kind_of_name(first_name)) {
      throw Error(ErrorKind::kFileAccess,
                  concat("cannot read '", folder,
                         "': it is a directory with files of several "
                         "kinds ('",
                         first_name, "', '", name,
                         "'); name a regular file, or the "
                         "kind you mean, as in '",
                         joined(folder, "*" + kind_of_name(first_name)), "'"));
    }
    out.push_back(path);
  }
  if (out.empty()) {
    throw Error(ErrorKind::kFileAccess, concat("cannot read '", folder,
                                               "': it is a directory "
                                               "without files; name a regular file"));
  }
  return out;
}

}  // namespace

bool has_wildcard(const std::string& path) {
  return path.find_first_of("*?[") != std::string::npos;
}

bool matches_pattern(std::string_view pattern, std::string_view name) {
  if (!name.empty() && name[0] == '.' && (pattern.empty() || pattern[0] != '.')) return false;
  // The last star takes one byte more whenever what follows it does not fit: linear in both.
  size_t p = 0;
  size_t n = 0;
  size_t star = std::string_view::npos;
  size_t star_name = 0;
  while (n < name.size()) {
    bool fits = false;
    size_t used = 1;
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_name = n;
      continue;
    }
    if (p < pattern.size() && pattern[p] == '[') {
      used = match_set(pattern.substr(p), static_cast<unsigned char>(name[n]), &fits);
    }
    if (p < pattern.size() && (pattern[p] != '[' || used == 0)) {
      fits = pattern[p] == '?' || pattern[p] == name[n];
      used = 1;
    }
    if (fits) {
      p += used;
      ++n;
      continue;
    }
    if (star == std::string_view::npos) return false;
    p = star + 1;
    n = ++star_name;
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::vector<std::string> expand_paths(FileSystem& files, const std::vector<std::string>& patterns) {
  if (patterns.empty()) {
    throw Error(ErrorKind::kInvalidArgument, "no file is named; give at least one path");
  }
  std::vector<std::string> out;
  for (const std::string& pattern : patterns) {
    std::vector<std::string> found;
    if (pattern.empty()) {
      throw Error(ErrorKind::kInvalidArgument, "the path of a file is empty");
    }
    if (is_standard_input(pattern)) {
      found = {pattern};
    } else if (files.is_directory(pattern)) {
      found = files_in(files, pattern);
    } else if (!has_wildcard(pattern) || files.exists(pattern)) {
      found = {pattern};
    } else {
      found = Expansion(files, split_path(pattern)).run();
      if (found.empty()) {
        throw Error(ErrorKind::kFileAccess,
                    concat("no file matches '", pattern, "'; check the path and the pattern"));
      }
    }
    out.insert(out.end(), found.begin(), found.end());
    if (out.size() > kMostFiles) {
      throw Error(ErrorKind::kResource,
                  concat("more than ", kMostFiles, " files are named; read them in parts"));
    }
  }
  return out;
}

}  // namespace velaria
