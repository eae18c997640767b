#include "src/base/file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria {

namespace {

[[noreturn]] void fail(const char* action, const std::string& path, int code) {
  const char* advice = "";
  switch (code) {
    case ENOENT: advice = "; check the path"; break;
    case EACCES: advice = "; check the permissions"; break;
    case ENOSPC: advice = "; free some space on that disk"; break;
    default: break;
  }
  throw Error(ErrorKind::kFileAccess,
              concat("cannot ", action, " '", path, "': ", std::strerror(code), advice));
}

class LocalReadableFile : public ReadableFile {
 public:
  LocalReadableFile(std::string path, int descriptor, uint64_t size_bytes)
      : path_(std::move(path)), descriptor_(descriptor), size_bytes_(size_bytes) {}
  ~LocalReadableFile() override { ::close(descriptor_); }

  const std::string& path() const override { return path_; }
  uint64_t size_bytes() const override { return size_bytes_; }

  size_t read_at(uint64_t offset, void* out, size_t size_bytes) const override {
    size_t done = 0;
    while (done < size_bytes) {
      const ssize_t got = ::pread(descriptor_, static_cast<char*>(out) + done, size_bytes - done,
                                  static_cast<off_t>(offset + done));
      if (got < 0) {
        if (errno == EINTR) continue;
        fail("read", path_, errno);
      }
      if (got == 0) break;
      done += static_cast<size_t>(got);
    }
    return done;
  }

 private:
  std::string path_;
  int descriptor_;
  uint64_t size_bytes_;
};

class LocalWritableFile : public WritableFile {
 public:
  LocalWritableFile(std::string path, int descriptor)
      : path_(std::move(path)), descriptor_(descriptor) {}
  ~LocalWritableFile() override {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  void write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t put = ::write(descriptor_, bytes.data(), bytes.size());
      if (put < 0) {
        if (errno == EINTR) continue;
        fail("write", path_, errno);
      }
      bytes.remove_prefix(static_cast<size_t>(put));
    }
  }

  void sync() override {
    if (::fsync(descriptor_) != 0) fail("sync", path_, errno);
  }

  void close() override {
    const int descriptor = descriptor_;
    descriptor_ = -1;
    if (::close(descriptor) != 0) fail("close", path_, errno);
  }

 private:
  std::string path_;
  int descriptor_;
};

class LocalFileSystem : public FileSystem {
 public:
  std::unique_ptr<ReadableFile> open_read(const std::string& path) override {
    // O_NONBLOCK: opening a FIFO without a writer must not hang; it is refused just below.
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) fail("open", path, errno);
    struct stat info{};
    if (::fstat(descriptor, &info) != 0) {
      const int code = errno;
      ::close(descriptor);
      fail("open", path, code);
    }
    if (!S_ISREG(info.st_mode)) {
      ::close(descriptor);
      throw Error(ErrorKind::kFileAccess,
                  concat("cannot read '", path, "': it is ",
                         S_ISDIR(info.st_mode) ? "a directory" : "not a regular file",
                         "; name a regular file"));
    }
    return std::make_unique<LocalReadableFile>(path, descriptor,
                                               static_cast<uint64_t>(info.st_size));
  }

  std::unique_ptr<WritableFile> create(const std::string& path, bool append) override {
    const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (append ? O_APPEND : O_TRUNC);
    const int descriptor = ::open(path.c_str(), flags, 0644);
    if (descriptor < 0) fail("create", path, errno);
    return std::make_unique<LocalWritableFile>(path, descriptor);
  }

  bool exists(const std::string& path) override {
    struct stat info{};
    return ::stat(path.c_str(), &info) == 0;
  }

  bool is_directory(const std::string& path) override {
    struct stat info{};
    return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
  }

  std::vector<std::string> list_directory(const std::string& path) override {
    DIR* directory = ::opendir(path.c_str());
    if (directory == nullptr) fail("list", path, errno);
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(directory)) {
      const std::string name = entry->d_name;
      if (name != "." && name != "..") names.push_back(name);
    }
    ::closedir(directory);
    std::sort(names.begin(), names.end());
    return names;
  }

  void make_directories(const std::string& path) override {
    for (size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
      const std::string part = path.substr(0, slash);
      if (!part.empty() && ::mkdir(part.c_str(), 0755) != 0 && errno != EEXIST) {
        fail("make the directory", part, errno);
      }
      if (slash == std::string::npos) break;
    }
    if (!is_directory(path)) fail("make the directory", path, ENOTDIR);
  }

  void rename(const std::string& from, const std::string& to) override {
    if (std::rename(from.c_str(), to.c_str()) != 0) fail("rename to", to, errno);
  }

  void remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0) fail("remove", path, errno);
  }

  void sync_directory(const std::string& path) override {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) fail("open the directory", path, errno);
    const int result = ::fsync(descriptor);
    const int code = errno;
    ::close(descriptor);
    if (result != 0) fail("sync the directory", path, code);
  }
};

}  // namespace

std::shared_ptr<FileSystem> local_file_system() { return std::make_shared<LocalFileSystem>(); }

std::string read_file(FileSystem& files, const std::string& path) {
  const auto file = files.open_read(path);
  std::string content(file->size_bytes(), '\0');
  content.resize(file->read_at(0, content.data(), content.size()));
  return content;
}

void replace_file_atomically(FileSystem& files, const std::string& path, std::string_view content) {
  replace_file_atomically(files, path, [&](WritableFile& file) { file.write(content); });
}

void replace_file_atomically(FileSystem& files, const std::string& path,
                             const std::function<void(WritableFile&)>& write) {
  static std::atomic<uint64_t> counter{0};  // two writers in one process never share a temporary
  const std::string temporary =
      concat(path, ".tmp.", ::getpid(), ".", counter.fetch_add(1, std::memory_order_relaxed));
  try {
    auto file = files.create(temporary);
    write(*file);
    file->sync();
    file->close();
    files.rename(temporary, path);
  } catch (...) {
    try {
      files.remove(temporary);
    } catch (const Error&) {
      // The first failure is the one to report.
    }
    throw;
  }
  files.sync_directory(directory_of(path));
}

std::string directory_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string file_name_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

}  // namespace velaria
