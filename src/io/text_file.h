// A file as UTF-8 text, whatever it is stored as: plain, gzip or zstd (found by content), UTF-8,
// UTF-16 (found by its byte order mark) or an encoding that the caller names. Every reader of text
// formats stands on this.
//
//   const auto file = TextFile::open(files, "rows.csv.gz", {});
//   const auto pass = file->open_pass();              // FileFormatError when it has changed
//   auto stream = pass->stream(file->text_begin());   // UTF-8, checked by whoever reads it
//
// Offsets are positions in the text; for a plain UTF-8 file they are positions in the file. Memory
// does not depend on the size of the file. A pipe is read once, into a file without a name
// (file_system.h), and then behaves like a file.
//
// TextFile is immutable and holds no descriptor (but for pipes); any thread. TextPass: any thread;
// the streams it gives are each for one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "src/base/file_system.h"
#include "src/io/byte_stream.h"
#include "src/io/decompression.h"
#include "src/io/encoding_guess.h"
#include "src/io/file_content.h"
#include "src/io/file_options.h"

namespace velaria {

// 1-based line, and byte within the line, of a position in a text. Lines end with LF, CRLF or CR.
struct TextPlace {
  uint64_t line = 1;
  uint64_t column = 1;
};

class TextFile;

// The file opened once: every stream of it reads the same file, also when its name is given to
// another one meanwhile.
class TextPass {
 public:
  // From `begin` to `end`, or to the end of the text. Only a seekable file reaches `begin` at once.
  std::unique_ptr<ByteStream> stream(uint64_t begin,
                                     std::optional<uint64_t> end = std::nullopt) const;
  // Some text at `offset`, fewer bytes than asked at the end. For samples: slow if not seekable.
  std::string text_at(uint64_t offset, size_t size_bytes) const;
  TextPlace place_of(uint64_t offset) const;
  // Of offsets that ascend, in one pass over the text.
  std::vector<TextPlace> places_of(const std::vector<uint64_t>& offsets) const;
  // Where the text behind its first `lines` lines begins; nothing when it has fewer.
  std::optional<uint64_t> behind_lines(int64_t lines) const;
  // What to do about bytes at `offset` that are no text: encoding_advice(). For errors.
  std::string bad_bytes_advice(uint64_t offset) const;

 private:
  friend class TextFile;
  TextPass(std::shared_ptr<const TextFile> text, std::shared_ptr<const ReadableFile> file)
      : text_(std::move(text)), file_(std::move(file)) {}
  EncodingGuess guess_encoding_at(uint64_t offset) const;
  const std::shared_ptr<const TextFile> text_;
  const std::shared_ptr<const ReadableFile> file_;
};

class TextFile : public std::enable_shared_from_this<TextFile> {
 public:
  // `options`: encoding and max_decompressed_bytes are used. With kSkip bytes that are no character
  // of the encoding end no stream: each becomes a byte 0xFF, which is never UTF-8, so that whoever
  // checks the text leaves out just the rows that hold one.
  // Throws FileAccessError; FileFormatError for a file that is empty or no text, or damaged where
  // it begins; InvalidArgumentError for an unknown encoding.
  static std::shared_ptr<const TextFile> open(std::shared_ptr<FileSystem> files, std::string path,
                                              const InputOptions& options,
                                              RowErrorPolicy on_error = RowErrorPolicy::kFail);
  // For the probe: bytes that are not UTF-8 (and say nothing else by a mark) are opened in the
  // encoding they seem to be in. `guess` stays empty when nothing had to be guessed. A guess of low
  // confidence is a FileFormatError that names it.
  static std::shared_ptr<const TextFile> open_guessing(std::shared_ptr<FileSystem> files,
                                                       std::string path,
                                                       const InputOptions& options,
                                                       EncodingGuess* guess);

  const std::string& path() const { return path_; }
  Compression compression() const { return compression_; }
  const std::string& encoding() const { return encoding_; }  // canonical
  // Text positions are file positions, and every position is reached at once.
  bool seekable() const { return compression_ == Compression::kNone && encoding_ == "utf-8"; }
  uint64_t text_begin() const { return text_begin_; }  // behind a byte order mark
  uint64_t stored_bytes() const { return fingerprint_.size_bytes; }
  // Known only for seekable files.
  std::optional<uint64_t> text_bytes() const;
  // No more text than this can come out.
  uint64_t most_text_bytes() const;
  // "gzip, gb18030", or "" for plain UTF-8: for describe() and errors.
  std::string stored_as() const;

  // What is wrong with bytes that are no text: "the bytes here are not valid UTF-8".
  std::string bad_bytes() const;

  // FileAccessError when it is gone, FileFormatError when it is another file than was opened.
  std::shared_ptr<const TextPass> open_pass() const;

 private:
  friend class TextPass;
  TextFile() = default;
  std::unique_ptr<ByteStream> bytes_of(std::shared_ptr<const ReadableFile> file,
                                       uint64_t begin) const;

  std::shared_ptr<FileSystem> files_;
  std::string path_;
  FileFingerprint fingerprint_;
  Compression compression_ = Compression::kNone;
  std::string encoding_ = "utf-8";
  uint64_t mark_bytes_ = 0;  // of a byte order mark that the decoder must not see
  uint64_t text_begin_ = 0;
  bool mark_bad_bytes_ = false;
  uint64_t max_decompressed_bytes_ = 0;
  std::shared_ptr<const ReadableFile> pinned_;  // of a pipe: there is no reading it again
};

}  // namespace velaria
