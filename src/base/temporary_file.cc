#include "src/base/temporary_file.h"

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "src/base/error.h"
#include "src/base/file_size_signal.h"
#include "src/base/text.h"

namespace velaria {

namespace {

[[noreturn]] void fail(const char* action, const std::string& purpose, const std::string& folder,
                       int code) {
  const bool full = code == ENOSPC || code == EDQUOT || code == EFBIG;
  throw Error(full ? ErrorKind::kResource : ErrorKind::kFileAccess,
              concat("cannot ", action, " ", purpose, " in the folder '", folder,
                     "': ", std::strerror(code),
                     full ? "; free some space there, name another temp_dir, or raise memory_limit"
                          : "; name another temp_dir, or raise memory_limit"));
}

std::string folder_or_default(const std::string& folder) {
  if (!folder.empty()) return folder;
  const char* from_environment = std::getenv("TMPDIR");
  return from_environment != nullptr && *from_environment != '\0' ? from_environment : "/tmp";
}

}  // namespace

std::unique_ptr<TemporaryFile> TemporaryFile::make(const std::string& folder, std::string purpose) {
  const std::string place = folder_or_default(folder);
  std::string path = place + "/velaria-XXXXXX";
  const int descriptor = ::mkostemp(path.data(), O_CLOEXEC);
  if (descriptor < 0) fail("put aside", purpose, place, errno);
  ::unlink(path.c_str());
  return std::unique_ptr<TemporaryFile>(new TemporaryFile(descriptor, place, std::move(purpose)));
}

TemporaryFile::~TemporaryFile() { ::close(descriptor_); }

void TemporaryFile::write_at(uint64_t offset, const void* data, size_t size_bytes) {
  size_t done = 0;
  while (done < size_bytes) {
    const ssize_t put = [&] {
      const FileSizeSignalBlocked blocked;
      return ::pwrite(descriptor_, static_cast<const char*>(data) + done, size_bytes - done,
                      static_cast<off_t>(offset + done));
    }();
    if (put < 0) {
      if (errno == EINTR) continue;
      fail("put aside", purpose_, folder_, errno);
    }
    done += static_cast<size_t>(put);
  }
}

void TemporaryFile::read_at(uint64_t offset, void* out, size_t size_bytes) const {
  size_t done = 0;
  while (done < size_bytes) {
    const ssize_t got = ::pread(descriptor_, static_cast<char*>(out) + done, size_bytes - done,
                                static_cast<off_t>(offset + done));
    if (got < 0) {
      if (errno == EINTR) continue;
      fail("read back", purpose_, folder_, errno);
    }
    if (got == 0) fail("read back", purpose_, folder_, EIO);
    done += static_cast<size_t>(got);
  }
}

}  // namespace velaria
