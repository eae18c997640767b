// A file system of one file in memory, for targets that open their input thousands of times a
// second.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "src/base/error.h"
#include "src/base/file_system.h"

namespace velaria {

class MemoryFile : public ReadableFile {
 public:
  explicit MemoryFile(std::shared_ptr<const std::string> content) : content_(std::move(content)) {}
  const std::string& path() const override { return path_; }
  uint64_t size_bytes() const override { return content_->size(); }
  int64_t modified_ns() const override { return 0; }
  size_t read_at(uint64_t offset, void* out, size_t size_bytes) const override {
    if (offset >= content_->size()) return 0;
    const size_t got = std::min<size_t>(size_bytes, content_->size() - offset);
    std::memcpy(out, content_->data() + offset, got);
    return got;
  }

 private:
  const std::shared_ptr<const std::string> content_;
  const std::string path_ = "input";
};

class MemoryFileSystem : public FileSystem {
 public:
  explicit MemoryFileSystem(std::string content)
      : content_(std::make_shared<const std::string>(std::move(content))) {}
  std::unique_ptr<ReadableFile> open_read(const std::string&) override {
    return std::make_unique<MemoryFile>(content_);
  }
  std::unique_ptr<WritableFile> create(const std::string&, bool) override { refuse(); }
  bool exists(const std::string&) override { return true; }
  bool is_directory(const std::string&) override { return false; }
  bool is_link(const std::string&) override { return false; }
  std::vector<std::string> list_directory(const std::string&) override { return {}; }
  void make_directories(const std::string&) override { refuse(); }
  void rename(const std::string&, const std::string&) override { refuse(); }
  void remove(const std::string&) override { refuse(); }
  void sync_directory(const std::string&) override { refuse(); }
  std::unique_ptr<FileLock> try_lock(const std::string&, std::string_view) override { refuse(); }

 private:
  [[noreturn]] static void refuse() {
    throw Error(ErrorKind::kFileAccess, "this file system cannot be written");
  }
  const std::shared_ptr<const std::string> content_;
};

}  // namespace velaria
