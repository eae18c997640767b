// Bytes on their way into a file, compressed if asked for.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "src/base/file_system.h"
#include "src/io/decompression.h"

namespace velaria {

// One thread at a time. Errors are those of the file.
class CompressedWriter {
 public:
  // `file` outlives the writer.
  CompressedWriter(WritableFile* file, Compression compression);
  ~CompressedWriter();
  CompressedWriter(const CompressedWriter&) = delete;
  CompressedWriter& operator=(const CompressedWriter&) = delete;

  void write(std::string_view bytes);
  // What is still held back and the end of the stream; nothing may be written afterwards.
  void finish();

 private:
  struct State;
  void pass_on(std::string_view bytes, bool last);

  WritableFile* const file_;
  const Compression compression_;
  const std::unique_ptr<State> state_;
  std::vector<char> out_;
};

// By the end of a file's name in any case: ".gz" or ".gzip", ".zst" or ".zstd"; none otherwise.
Compression compression_of_name(std::string_view path);
// The name without that ending: "rows.csv.GZ" -> "rows.csv".
std::string_view without_compression_ending(std::string_view path);

}  // namespace velaria
