#include "src/base/file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <map>
#include <mutex>
#include <utility>

#include "src/base/error.h"
#include "src/base/file_size_signal.h"
#include "src/base/temporary_file.h"
#include "src/base/text.h"

namespace velaria {

namespace {

[[noreturn]] void fail(const char* action, const std::string& path, int code) {
  const char* advice = "";
  switch (code) {
    case ENOENT: advice = "; check the path"; break;
    case EACCES: advice = "; check the permissions"; break;
    case ELOOP: advice = "; a symbolic link stands in the way"; break;
    case ENOSPC: advice = "; free some space on that disk"; break;
    case EFBIG: advice = "; the process may not write larger files (ulimit -f)"; break;
    default: break;
  }
  throw Error(ErrorKind::kFileAccess,
              concat("cannot ", action, " '", path, "': ", std::strerror(code), advice));
}

// Closes a descriptor unless it was given on.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return number_; }
  int release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

// The files below take a descriptor over as the last thing that they do when they are made, so that
// it is closed also when there is no memory for them.
class LocalReadableFile : public ReadableFile {
 public:
  LocalReadableFile(std::string path, Descriptor& descriptor, const struct stat& info)
      : path_(std::move(path)),
        descriptor_(descriptor.release()),
        size_bytes_(static_cast<uint64_t>(info.st_size)),
        modified_ns_(int64_t{info.st_mtim.tv_sec} * 1000000000 + info.st_mtim.tv_nsec) {}
  ~LocalReadableFile() override { ::close(descriptor_); }

  const std::string& path() const override { return path_; }
  uint64_t size_bytes() const override { return size_bytes_; }
  int64_t modified_ns() const override { return modified_ns_; }

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
  int64_t modified_ns_;
};

// What came out of a pipe.
struct PipeContent {
  std::unique_ptr<TemporaryFile> file;
  uint64_t size_bytes = 0;
};

class PipeFile : public ReadableFile {
 public:
  PipeFile(std::string path, std::shared_ptr<const PipeContent> content)
      : path_(std::move(path)), content_(std::move(content)) {}
  const std::string& path() const override { return path_; }
  uint64_t size_bytes() const override { return content_->size_bytes; }
  bool read_once() const override { return true; }
  size_t read_at(uint64_t offset, void* out, size_t size_bytes) const override {
    if (offset >= content_->size_bytes) return 0;
    const auto wanted =
        static_cast<size_t>(std::min<uint64_t>(size_bytes, content_->size_bytes - offset));
    content_->file->read_at(offset, out, wanted);
    return wanted;
  }

 private:
  std::string path_;
  std::shared_ptr<const PipeContent> content_;
};

std::shared_ptr<const PipeContent> read_pipe(int descriptor, const std::string& path,
                                             const LocalFileOptions& options) {
  auto content = std::make_shared<PipeContent>();
  content->file = TemporaryFile::make(options.temp_dir, concat("what comes from '", path, "'"));
  std::vector<char> block(size_t{1} << 20);
  for (;;) {
    pollfd waiting{descriptor, POLLIN, 0};
    const int ready = ::poll(&waiting, 1, 50);
    if (ready < 0 && errno != EINTR) fail("read", path, errno);
    if (options.interrupt_check) options.interrupt_check();
    if (ready <= 0) continue;
    const ssize_t got = ::read(descriptor, block.data(), block.size());
    if (got < 0) {
      if (errno == EINTR || errno == EAGAIN) continue;
      fail("read", path, errno);
    }
    if (got == 0) return content;
    content->file->write_at(content->size_bytes, block.data(), static_cast<size_t>(got));
    content->size_bytes += static_cast<uint64_t>(got);
  }
}

class LocalWritableFile : public WritableFile {
 public:
  LocalWritableFile(std::string path, Descriptor& descriptor)
      : path_(std::move(path)), descriptor_(descriptor.release()) {}
  ~LocalWritableFile() override {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  void write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t put = write_some(bytes);
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
  ssize_t write_some(std::string_view bytes) const {
    const FileSizeSignalBlocked blocked;
    return ::write(descriptor_, bytes.data(), bytes.size());
  }

  std::string path_;
  int descriptor_;
};

// Where a path's last part is looked up: with links followed, the path itself from the current
// directory; without, the part in a directory that was reached part by part.
class Place {
 public:
  Place(const char* action, const std::string& path, bool follow_links) : name_(path) {
    if (follow_links) return;
    int folder = ::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    size_t begin = path.find_first_not_of('/');
    while (begin != std::string::npos) {
      const size_t end = path.find('/', begin);
      name_ = path.substr(begin, end == std::string::npos ? end : end - begin);
      begin = end == std::string::npos ? end : path.find_first_not_of('/', end);
      if (begin == std::string::npos || folder < 0) break;
      const int next =
          ::openat(folder, name_.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
      const int code = errno;
      ::close(folder);
      if (next < 0) fail(action, path, code);
      folder = next;
    }
    if (folder < 0) fail(action, path, errno);
    if (path.find_first_not_of('/') == std::string::npos) name_ = ".";
    folder_ = folder;
  }
  ~Place() {
    if (folder_ >= 0) ::close(folder_);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  int folder() const { return folder_; }
  const char* name() const { return name_.c_str(); }

 private:
  int folder_ = AT_FDCWD;  // negative, so it is never closed
  std::string name_;
};

class LocalFileLock : public FileLock {
 public:
  // Takes over a locked descriptor of `path`.
  LocalFileLock(std::string path, Descriptor& descriptor, bool follow_links)
      : path_(std::move(path)), descriptor_(descriptor.release()), follow_links_(follow_links) {}
  ~LocalFileLock() override {
    try {
      // While it is locked, so that it is ours; whoever has opened it sees that it is gone.
      const Place place("remove", path_, follow_links_);
      ::unlinkat(place.folder(), place.name(), 0);
    } catch (...) {
      // A lock file without a lock does no harm.
    }
    // A forked child may have the descriptor too.
    ::flock(descriptor_, LOCK_UN);
    ::close(descriptor_);
  }

 private:
  const std::string path_;
  const int descriptor_;
  const bool follow_links_;
};

class LocalFileSystem : public FileSystem {
 public:
  explicit LocalFileSystem(LocalFileOptions options) : options_(std::move(options)) {}

  std::unique_ptr<ReadableFile> open_read(const std::string& path) override {
    if (options_.read_pipes && is_standard_input(path)) return open_standard_input(path);
    const Place place("open", path, options_.follow_links);
    // O_NONBLOCK: opening a pipe without a writer must not hang.
    Descriptor descriptor(
        ::openat(place.folder(), place.name(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | no_follow()));
    if (descriptor.get() < 0) fail("open", path, errno);
    struct stat info{};
    if (::fstat(descriptor.get(), &info) != 0) fail("open", path, errno);
    if (S_ISREG(info.st_mode)) {
      return std::make_unique<LocalReadableFile>(path, descriptor, info);
    }
    if (options_.read_pipes && S_ISFIFO(info.st_mode)) {
      const std::lock_guard<std::mutex> lock(pipes_mutex_);
      std::shared_ptr<const PipeContent> content = pipes_[path].lock();
      if (!content) {
        content = read_pipe(descriptor.get(), path, options_);
        pipes_[path] = content;
      }
      return std::make_unique<PipeFile>(path, std::move(content));
    }
    throw Error(ErrorKind::kFileAccess,
                concat("cannot read '", path, "': it is ",
                       S_ISDIR(info.st_mode) ? "a directory" : "not a regular file",
                       "; name a regular file"));
  }

  std::unique_ptr<WritableFile> create(const std::string& path, bool append) override {
    const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (append ? O_APPEND : O_TRUNC);
    const Place place("create", path, options_.follow_links);
    Descriptor descriptor(::openat(place.folder(), place.name(), flags | no_follow(), 0644));
    if (descriptor.get() < 0) fail("create", path, errno);
    return std::make_unique<LocalWritableFile>(path, descriptor);
  }

  bool exists(const std::string& path) override {
    struct stat info{};
    return look_at(path, &info);
  }

  bool is_directory(const std::string& path) override {
    struct stat info{};
    return look_at(path, &info) && S_ISDIR(info.st_mode);
  }

  bool is_link(const std::string& path) override {
    struct stat info{};
    return ::lstat(path.c_str(), &info) == 0 && S_ISLNK(info.st_mode);
  }

  std::vector<std::string> list_directory(const std::string& path) override {
    Descriptor folder(open_directory("list", path));
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(::fdopendir(folder.get()), &::closedir);
    if (!directory) fail("list", path, errno);
    folder.release();
    std::vector<std::string> names;
    for (;;) {
      errno = 0;  // an error looks like the end, but for this
      const dirent* entry = ::readdir(directory.get());
      if (entry == nullptr) break;
      std::string name = entry->d_name;
      if (name != "." && name != "..") names.push_back(std::move(name));
    }
    if (errno != 0) fail("list", path, errno);
    std::sort(names.begin(), names.end());
    return names;
  }

  void make_directories(const std::string& path) override {
    for (size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
      const std::string part = path.substr(0, slash);
      if (!part.empty()) {
        const Place place("make the directory", part, options_.follow_links);
        if (::mkdirat(place.folder(), place.name(), 0755) != 0 && errno != EEXIST) {
          fail("make the directory", part, errno);
        }
      }
      if (slash == std::string::npos) break;
    }
    if (!is_directory(path)) fail("make the directory", path, ENOTDIR);
  }

  void rename(const std::string& from, const std::string& to) override {
    const Place source("rename", from, options_.follow_links);
    const Place target("rename to", to, options_.follow_links);
    if (::renameat(source.folder(), source.name(), target.folder(), target.name()) != 0) {
      fail("rename to", to, errno);
    }
  }

  void remove(const std::string& path) override {
    const Place place("remove", path, options_.follow_links);
    if (::unlinkat(place.folder(), place.name(), 0) != 0) fail("remove", path, errno);
  }

  void sync_directory(const std::string& path) override {
    const Descriptor folder(open_directory("open the directory", path));
    if (::fsync(folder.get()) != 0) fail("sync the directory", path, errno);
  }

  std::unique_ptr<FileLock> try_lock(const std::string& path, std::string_view note) override {
    for (;;) {
      const Place place("lock", path, options_.follow_links);
      Descriptor file(::openat(place.folder(), place.name(),
                               O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | no_follow(), 0644));
      if (file.get() < 0) fail("lock", path, errno);
      while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) return nullptr;
        if (errno != EINTR) fail("lock", path, errno);
      }
      // Its last holder may have removed it after we opened it; then there is another one now.
      struct stat ours{};
      struct stat named{};
      if (::fstat(file.get(), &ours) != 0) fail("lock", path, errno);
      if (!look_at(path, &named) || ours.st_dev != named.st_dev || ours.st_ino != named.st_ino) {
        continue;
      }
      if (!S_ISREG(ours.st_mode)) fail("lock", path, EINVAL);
      write_note(file.get(), path, note);
      return std::make_unique<LocalFileLock>(path, file, options_.follow_links);
    }
  }

 private:
  static void write_note(int descriptor, const std::string& path, std::string_view note) {
    const FileSizeSignalBlocked blocked;
    if (::ftruncate(descriptor, 0) != 0) fail("write", path, errno);
    if (::pwrite(descriptor, note.data(), note.size(), 0) < 0) fail("write", path, errno);
  }

  int no_follow() const { return options_.follow_links ? 0 : O_NOFOLLOW; }

  int open_directory(const char* action, const std::string& path) const {
    const Place place(action, path, options_.follow_links);
    const int descriptor =
        ::openat(place.folder(), place.name(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | no_follow());
    if (descriptor < 0) fail(action, path, errno);
    return descriptor;
  }

  bool look_at(const std::string& path, struct stat* info) const {
    if (options_.follow_links) return ::stat(path.c_str(), info) == 0;
    try {
      const Place place("look at", path, false);
      return ::fstatat(place.folder(), place.name(), info, AT_SYMLINK_NOFOLLOW) == 0;
    } catch (const Error&) {
      return false;  // a folder of the path is not there
    }
  }

  std::unique_ptr<ReadableFile> open_standard_input(const std::string& path) {
    struct stat info{};
    if (::fstat(STDIN_FILENO, &info) != 0) fail("read", path, errno);
    if (S_ISREG(info.st_mode)) {
      Descriptor descriptor(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0));
      if (descriptor.get() < 0) fail("read", path, errno);
      return std::make_unique<LocalReadableFile>(path, descriptor, info);
    }
    const std::lock_guard<std::mutex> lock(pipes_mutex_);
    if (!standard_input_) standard_input_ = read_pipe(STDIN_FILENO, path, options_);
    return std::make_unique<PipeFile>(path, standard_input_);
  }

  const LocalFileOptions options_;
  std::mutex pipes_mutex_;
  std::map<std::string, std::weak_ptr<const PipeContent>> pipes_;
  std::shared_ptr<const PipeContent> standard_input_;
};

}  // namespace

std::shared_ptr<FileSystem> local_file_system(LocalFileOptions options) {
  return std::make_shared<LocalFileSystem>(std::move(options));
}

bool is_standard_input(const std::string& path) { return path == "-" || path == "/dev/stdin"; }

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
  const std::string temporary = path + ".tmp." + std::to_string(::getpid()) + "." +
                                std::to_string(counter.fetch_add(1, std::memory_order_relaxed));
  const auto remove_temporary = [&] {
    try {
      files.remove(temporary);
    } catch (...) {
      // The first failure is the one to report.
    }
  };
  try {
    auto file = files.create(temporary);
    write(*file);
    file->sync();
    file->close();
    files.rename(temporary, path);
  } catch (const Error& error) {
    remove_temporary();
    // The caller knows the file by its own name.
    std::string message = error.message();
    const size_t place = message.find(temporary);
    if (place == std::string::npos) throw;
    throw Error(error.kind(), message.replace(place, temporary.size(), path));
  } catch (...) {
    remove_temporary();
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
