#include "src/base/file_system.h"

#include <dirent.h>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>

#include "src/base/allowed_paths.h"
#include "src/base/error.h"
#include "src/base/temporary_file.h"

namespace {
// So many entries of a folder are given, and then an error; -1: all.
int entries_before_failure = -1;
}  // namespace

// In place of the C library's.
extern "C" struct dirent* readdir(DIR* directory) {
  if (entries_before_failure == 0) {
    errno = EIO;
    return nullptr;
  }
  if (entries_before_failure > 0) --entries_before_failure;
  static const auto real =
      reinterpret_cast<struct dirent* (*)(DIR*)>(::dlsym(RTLD_NEXT, "readdir"));
  return real(directory);
}

namespace velaria {
namespace {

class FileSystemTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "files_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }

  // The message of the FileAccessError that `action` throws.
  template <typename Action>
  std::string refused(Action action) {
    try {
      action();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kFileAccess) << error.what();
      return error.what();
    }
    ADD_FAILURE() << "no error";
    return "";
  }

  std::shared_ptr<FileSystem> files_ = local_file_system();
  std::string folder_;
};

TEST_F(FileSystemTest, ReplacesAtomicallyAndLeavesNoTemporaryFile) {
  const std::string path = folder_ + "/state";
  replace_file_atomically(*files_, path, "one");
  replace_file_atomically(*files_, path, "two");
  EXPECT_EQ(read_file(*files_, path), "two");
  EXPECT_EQ(files_->list_directory(folder_), std::vector<std::string>{"state"});
}

TEST_F(FileSystemTest, ReadsAtOffsetsAndPastTheEnd) {
  const std::string path = folder_ + "/data";
  replace_file_atomically(*files_, path, "0123456789");
  const auto file = files_->open_read(path);
  EXPECT_EQ(file->size_bytes(), 10u);
  char out[16] = {};
  EXPECT_EQ(file->read_at(7, out, sizeof(out)), 3u);
  EXPECT_EQ(std::string(out, 3), "789");
  EXPECT_EQ(file->read_at(10, out, sizeof(out)), 0u);
}

TEST_F(FileSystemTest, NamesWhatCannotBeOpened) {
  EXPECT_NE(refused([&] { files_->open_read(folder_ + "/none"); }).find("/none"),
            std::string::npos);
  EXPECT_NE(refused([&] { files_->open_read(folder_); }).find("is a directory"), std::string::npos);
  const std::string fifo = folder_ + "/fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_NE(refused([&] { files_->open_read(fifo); }).find("not a regular file"),
            std::string::npos);
  refused([&] { files_->create(folder_ + "/no/such/folder/file"); });
}

// A folder that cannot be read to its end is not one with fewer files.
TEST_F(FileSystemTest, AListThatBreaksOffIsAnError) {
  for (const char* name : {"/a", "/b", "/c"}) files_->create(folder_ + name)->close();
  EXPECT_EQ(files_->list_directory(folder_).size(), 3u);
  entries_before_failure = 2;
  const std::string message = refused([&] { files_->list_directory(folder_); });
  entries_before_failure = -1;
  EXPECT_NE(message.find("cannot list '" + folder_), std::string::npos) << message;
}

// A limit on file sizes is an error of the write, and no signal that ends the process.
TEST(TemporaryFileTest, ALimitOfTheSystemIsAnError) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const rlimit small{1000, RLIM_INFINITY};
    ::signal(SIGXFSZ, SIG_DFL);
    if (::setrlimit(RLIMIT_FSIZE, &small) != 0) ::_exit(1);
    int code = 2;
    try {
      const auto file = TemporaryFile::make(::testing::TempDir(), "the rows of ORDER BY");
      file->write_at(0, std::string(5000, 'x').data(), 5000);
    } catch (const Error& error) {
      const std::string message = error.what();
      const bool named = error.kind() == ErrorKind::kResource &&
                         message.find("the rows of ORDER BY") != std::string::npos;
      code = named ? 0 : 3;
    }
    ::_exit(code);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(FileSystemTest, FailedReplaceKeepsTheOldContent) {
  const std::string path = folder_ + "/occupied";
  files_->make_directories(path);  // rename onto a directory fails
  const std::string message = refused([&] { replace_file_atomically(*files_, path, "x"); });
  EXPECT_EQ(message.find(".tmp."), std::string::npos) << message;
  EXPECT_TRUE(files_->is_directory(path));
  EXPECT_EQ(files_->list_directory(folder_).size(), 1u);
}

TEST_F(FileSystemTest, RefusedReplaceNamesTheFileItself) {
  const std::string path = folder_ + "/none/file";
  for (const auto& files : {files_, restrict_to_paths(files_, {folder_ + "/open"})}) {
    const std::string message = refused([&] { replace_file_atomically(*files, path, "x"); });
    EXPECT_NE(message.find("'" + path + "'"), std::string::npos) << message;
  }
}

TEST_F(FileSystemTest, OneHolderOfALock) {
  const std::string path = folder_ + "/lock";
  std::unique_ptr<FileLock> first = files_->try_lock(path, "the first and longer one");
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(read_file(*files_, path), "the first and longer one");
  EXPECT_EQ(files_->try_lock(path, "second"), nullptr);
  EXPECT_EQ(local_file_system()->try_lock(path, "second"), nullptr);
  first.reset();
  EXPECT_FALSE(files_->exists(path));
  // What a killed process left.
  replace_file_atomically(*files_, path, "a longer note of somebody who is gone");
  first = files_->try_lock(path, "second");
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(read_file(*files_, path), "second");
  refused([&] { files_->try_lock(folder_ + "/missing/lock", ""); });
  refused([&] { restrict_to_paths(files_, {folder_ + "/x"})->try_lock(folder_ + "/y", ""); });
}

TEST_F(FileSystemTest, AllowedPathsHoldAgainstDotsAndLinks) {
  files_->make_directories(folder_ + "/open/inner");
  files_->make_directories(folder_ + "/open-not");
  replace_file_atomically(*files_, folder_ + "/open/in.csv", "a\n1\n");
  replace_file_atomically(*files_, folder_ + "/secret.csv", "a\n2\n");
  ASSERT_EQ(::symlink((folder_ + "/secret.csv").c_str(), (folder_ + "/open/link.csv").c_str()), 0);
  ASSERT_EQ(::symlink(folder_.c_str(), (folder_ + "/open/up").c_str()), 0);
  const auto guarded = restrict_to_paths(files_, {folder_ + "/open"});
  EXPECT_EQ(read_file(*guarded, folder_ + "/open/in.csv"), "a\n1\n");
  EXPECT_EQ(read_file(*guarded, folder_ + "/open/inner/../in.csv"), "a\n1\n");
  for (const char* path : {"/secret.csv", "/open/../secret.csv", "/open/link.csv",
                           "/open/up/secret.csv", "/open-not/x", "/open/inner/../../secret.csv"}) {
    refused([&] { guarded->open_read(folder_ + path); });
  }
  refused([&] { guarded->create(folder_ + "/new.csv"); });
  refused([&] { guarded->create(folder_ + "/open/up/new.csv"); });
  guarded->create(folder_ + "/open/new.csv")->close();
  EXPECT_TRUE(files_->exists(folder_ + "/open/new.csv"));
  const auto nothing = restrict_to_paths(files_, {});
  refused([&] { nothing->open_read(folder_ + "/open/in.csv"); });
}

}  // namespace
}  // namespace velaria
