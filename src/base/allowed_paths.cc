#include "src/base/allowed_paths.h"

#include <cstdlib>
#include <filesystem>

#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria {

namespace {

// weakly_canonical resolves links in the part that exists and ".." in the rest.
std::filesystem::path real_place(const std::string& path) {
  std::error_code code;
  const auto place = std::filesystem::weakly_canonical(std::filesystem::absolute(path, code), code);
  if (code) {
    throw Error(ErrorKind::kFileAccess,
                concat("cannot find out where '", path, "' leads: ", code.message()));
  }
  return place;
}

bool is_inside(const std::filesystem::path& place, const std::filesystem::path& folder) {
  auto part = place.begin();
  for (const auto& wanted : folder) {
    if (wanted.empty()) continue;  // "/a/" ends with an empty part
    if (part == place.end() || *part != wanted) return false;
    ++part;
  }
  return true;
}

class RestrictedFileSystem : public FileSystem {
 public:
  RestrictedFileSystem(std::shared_ptr<FileSystem> files, const std::vector<std::string>& allowed)
      : files_(std::move(files)) {
    for (const std::string& path : allowed) {
      if (is_standard_input(path)) {
        standard_input_ = true;
      } else {
        allowed_.push_back(real_place(path));
      }
    }
  }

  // The resolved path is what gets opened; with a file system that follows no links, one that was
  // put into it meanwhile is an error.
  std::unique_ptr<ReadableFile> open_read(const std::string& path) override {
    return files_->open_read(checked(path));
  }
  std::unique_ptr<WritableFile> create(const std::string& path, bool append) override {
    return files_->create(checked_for_writing(path), append);
  }
  bool exists(const std::string& path) override { return files_->exists(checked(path)); }
  // What lies outside is told to be a file, as in a folder with a link that leads there; opening it
  // is what is refused.
  bool is_directory(const std::string& path) override {
    if (is_standard_input(path)) return false;
    const std::filesystem::path place = real_place(path);
    return is_allowed(place) && files_->is_directory(place.string());
  }
  // Asked of the name as it is: the resolved one is none any more.
  bool is_link(const std::string& path) override {
    return !is_standard_input(path) && is_allowed(real_place(path)) && files_->is_link(path);
  }
  std::vector<std::string> list_directory(const std::string& path) override {
    return files_->list_directory(checked(path));
  }
  void make_directories(const std::string& path) override {
    files_->make_directories(checked(path));
  }
  void rename(const std::string& from, const std::string& to) override {
    files_->rename(checked_for_writing(from), checked(to));
  }
  void remove(const std::string& path) override { files_->remove(checked_for_writing(path)); }
  void sync_directory(const std::string& path) override {
    // That of an allowed file, when it was replaced.
    const std::filesystem::path place = real_place(path);
    for (const auto& file : allowed_) {
      if (file.parent_path() == place) return files_->sync_directory(place.string());
    }
    files_->sync_directory(checked(path));
  }
  std::unique_ptr<FileLock> try_lock(const std::string& path, std::string_view note) override {
    return files_->try_lock(checked(path), note);
  }

 private:
  // An allowed file may be replaced as a whole: by way of a file beside it, with the name that
  // replace_file_atomically() gives, "<path>.tmp.<number>.<number>".
  std::string checked_for_writing(const std::string& path) const {
    const std::filesystem::path place = real_place(path);
    const std::string name = place.string();
    const size_t mark = name.rfind(".tmp.");
    if (mark != std::string::npos &&
        name.find_first_not_of("0123456789.", mark + 5) == std::string::npos) {
      for (const auto& file : allowed_) {
        if (file.string() == name.substr(0, mark) && !files_->is_directory(file.string())) {
          return name;
        }
      }
    }
    return checked(path);
  }

  std::string checked(const std::string& path) const {
    if (is_standard_input(path)) {
      if (standard_input_) return path;
      throw Error(ErrorKind::kFileAccess,
                  "standard input is not among the session's allowed_paths; add '-' there to "
                  "use it");
    }
    const std::filesystem::path place = real_place(path);
    if (is_allowed(place)) return place.string();
    throw Error(ErrorKind::kFileAccess,
                concat("'", path,
                       "' is outside of the session's allowed_paths; add its folder there "
                       "to use it"));
  }

  bool is_allowed(const std::filesystem::path& place) const {
    for (const auto& folder : allowed_) {
      if (is_inside(place, folder)) return true;
    }
    return false;
  }

  std::shared_ptr<FileSystem> files_;
  std::vector<std::filesystem::path> allowed_;
  bool standard_input_ = false;
};

}  // namespace

std::shared_ptr<FileSystem> restrict_to_paths(std::shared_ptr<FileSystem> files,
                                              const std::vector<std::string>& allowed) {
  return std::make_shared<RestrictedFileSystem>(std::move(files), allowed);
}

}  // namespace velaria
