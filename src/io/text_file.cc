#include "src/io/text_file.h"

#include <algorithm>
#include <vector>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/io/text_encoding.h"

namespace velaria {

namespace {

constexpr size_t kHeadBytes = 4096;
constexpr size_t kGuessBytes = size_t{64} << 10;

// Reads and drops; true when the stream has that much.
bool skip_bytes(ByteStream* stream, uint64_t bytes) {
  std::vector<char> block(static_cast<size_t>(std::min<uint64_t>(bytes, size_t{256} << 10)));
  while (bytes > 0) {
    const auto wanted = static_cast<size_t>(std::min<uint64_t>(bytes, block.size()));
    const size_t got = stream->read(block.data(), wanted);
    bytes -= got;
    if (got < wanted) return false;
  }
  return true;
}

std::string read_bytes(ByteStream* stream, size_t size_bytes) {
  std::string out(size_bytes, '\0');
  out.resize(stream->read(out.data(), size_bytes));
  return out;
}

// Ends another stream early.
class LimitedStream : public ByteStream {
 public:
  LimitedStream(std::unique_ptr<ByteStream> inner, uint64_t left)
      : inner_(std::move(inner)), left_(left) {}
  size_t read(char* out, size_t size_bytes) override {
    const size_t got =
        inner_->read(out, static_cast<size_t>(std::min<uint64_t>(size_bytes, left_)));
    left_ -= got;
    return got;
  }

 private:
  std::unique_ptr<ByteStream> inner_;
  uint64_t left_;
};

// The first byte that cannot be UTF-8, or nothing; a character cut off at the end is fine.
std::optional<size_t> first_invalid(std::string_view text, bool at_end) {
  const size_t invalid = find_invalid_utf8(text);
  if (invalid == text.size() || (!at_end && invalid + 4 > text.size())) return std::nullopt;
  return invalid;
}

}  // namespace

std::unique_ptr<ByteStream> TextPass::stream(uint64_t begin, std::optional<uint64_t> end) const {
  const TextFile& text = *text_;
  std::unique_ptr<ByteStream> out;
  if (text.seekable()) {
    const uint64_t last = std::min(end.value_or(text.stored_bytes()), text.stored_bytes());
    return std::make_unique<FileByteStream>(file_, std::min(begin, last), last);
  }
  if (text.encoding_ == "utf-8") {
    out = text.bytes_of(file_, 0);
  } else {
    out = decode_text(text.bytes_of(file_, text.mark_bytes_), text.encoding_, text.path_,
                      text.mark_bytes_, text.mark_bad_bytes_);
  }
  if (begin > 0) skip_bytes(out.get(), begin);
  if (end) out = std::make_unique<LimitedStream>(std::move(out), *end - std::min(begin, *end));
  return out;
}

std::string TextPass::text_at(uint64_t offset, size_t size_bytes) const {
  return read_bytes(stream(offset).get(), size_bytes);
}

TextPlace TextPass::place_of(uint64_t offset) const { return places_of({offset}).front(); }

std::vector<TextPlace> TextPass::places_of(const std::vector<uint64_t>& offsets) const {
  std::vector<TextPlace> places;
  const auto from = stream(0);
  std::vector<char> block(size_t{256} << 10);
  uint64_t line = 1;
  uint64_t line_begin = text_->text_begin();
  char previous = '\0';
  uint64_t position = 0;  // of block[at]
  size_t at = 0;
  size_t size = 0;
  const auto look_at = [&](char c) {
    // A CR ends its line when something else than LF follows, so it is counted one byte late.
    if (previous == '\r' && c != '\n') {
      ++line;
      line_begin = position;
    }
  };
  for (const uint64_t offset : offsets) {
    for (;;) {
      if (at == size) {
        size = from->read(block.data(), block.size());
        at = 0;
        if (size == 0) break;
      }
      look_at(block[at]);
      if (position >= offset) break;
      if (block[at] == '\n') {
        ++line;
        line_begin = position + 1;
      }
      previous = block[at++];
      ++position;
    }
    // Looked at twice it would be counted twice.
    if (at < size && position == offset && previous == '\r' && block[at] != '\n') previous = ' ';
    places.push_back({line, offset - std::min(line_begin, offset) + 1});
  }
  return places;
}

std::optional<uint64_t> TextPass::behind_lines(int64_t lines) const {
  uint64_t position = text_->text_begin();
  if (lines <= 0) return position;
  const auto from = stream(position);
  std::vector<char> block(size_t{64} << 10);
  bool behind_return = false;  // the last byte was a CR that may have its LF still to come
  for (;;) {
    const size_t size = from->read(block.data(), block.size());
    for (size_t i = 0; i < size; ++i, ++position) {
      if (behind_return) {
        behind_return = false;
        if (block[i] != '\n') --lines;
        if (lines == 0) return position;
      }
      if (block[i] == '\n' && --lines == 0) return position + 1;
      behind_return = block[i] == '\r';
    }
    if (size < block.size()) break;
  }
  if (behind_return) --lines;
  if (lines == 0) return position;
  return std::nullopt;
}

EncodingGuess TextPass::guess_encoding_at(uint64_t offset) const {
  // From the start of a line, so that the sample begins at a character.
  const uint64_t before = std::min<uint64_t>(offset, kGuessBytes / 2);
  std::string sample = text_at(offset - before, kGuessBytes);
  const size_t line = sample.rfind('\n', before);
  if (offset > before && line != std::string::npos && line < before) {
    const size_t first = sample.find('\n');
    sample.erase(0, first + 1);
  }
  return guess_encoding(sample);
}

std::string TextPass::bad_bytes_advice(uint64_t offset) const {
  if (text_->encoding_ != "utf-8") return "read with another encoding, or correct the file";
  return encoding_advice(guess_encoding_at(offset));
}

std::string TextFile::bad_bytes() const {
  if (encoding_ == "utf-8") return "the bytes here are not valid UTF-8";
  return concat("bytes here are no character of ", encoding_, "; each is shown as \\xFF");
}

std::optional<uint64_t> TextFile::text_bytes() const {
  if (!seekable()) return std::nullopt;
  return fingerprint_.size_bytes;
}

uint64_t TextFile::most_text_bytes() const {
  uint64_t bytes = fingerprint_.size_bytes;
  // No byte of gzip makes more than 1032.
  if (compression_ == Compression::kGzip) bytes = std::min(bytes * 1040, max_decompressed_bytes_);
  if (compression_ == Compression::kZstd) bytes = max_decompressed_bytes_;
  return encoding_ == "utf-8" ? bytes : bytes * 4;
}

std::string TextFile::stored_as() const {
  std::vector<std::string> parts;
  if (compression_ != Compression::kNone) parts.emplace_back(compression_name(compression_));
  if (encoding_ != "utf-8") parts.push_back(encoding_);
  return join_texts(parts, ", ");
}

std::unique_ptr<ByteStream> TextFile::bytes_of(std::shared_ptr<const ReadableFile> file,
                                               uint64_t begin) const {
  const bool plain = compression_ == Compression::kNone;
  std::unique_ptr<ByteStream> out =
      std::make_unique<FileByteStream>(std::move(file), plain ? begin : 0, fingerprint_.size_bytes);
  if (plain) return out;
  out = decompress(std::move(out), compression_, path_, max_decompressed_bytes_);
  if (begin > 0) skip_bytes(out.get(), begin);
  return out;
}

std::shared_ptr<const TextFile> TextFile::open(std::shared_ptr<FileSystem> files, std::string path,
                                               const InputOptions& options,
                                               RowErrorPolicy on_error) {
  std::shared_ptr<TextFile> out(new TextFile());
  out->mark_bad_bytes_ = on_error == RowErrorPolicy::kSkip;
  out->files_ = std::move(files);
  out->path_ = std::move(path);
  out->max_decompressed_bytes_ = static_cast<uint64_t>(options.max_decompressed_bytes);
  const std::string wanted = canonical_encoding(options.encoding);
  std::shared_ptr<const ReadableFile> file = out->files_->open_read(out->path_);
  if (file->read_once()) out->pinned_ = file;
  out->fingerprint_ = fingerprint_of(*file);

  std::string head(kHeadBytes, '\0');
  head.resize(file->read_at(0, head.data(), head.size()));
  if (head.empty()) check_text_start(out->path_, head);  // refuses
  out->compression_ = compression_of(head);
  if (out->compression_ != Compression::kNone) {
    head = read_bytes(out->bytes_of(file, 0).get(), kHeadBytes);
    if (compression_of(head) != Compression::kNone) {
      throw Error(ErrorKind::kFileFormat,
                  concat("'", out->path_, "' is compressed twice; decompress it once"));
    }
  }
  const ByteOrderMark mark = byte_order_mark(head);
  // The names UTF-16 and UTF-32 say nothing of the byte order when a mark does.
  const bool named_without_order = options.encoding.find_first_of("lLbB") == std::string::npos;
  const bool agrees =
      wanted.empty() || wanted == mark.encoding ||
      (named_without_order && ((wanted == "utf-16le" && mark.encoding == "utf-16be") ||
                               (wanted == "utf-32le" && mark.encoding == "utf-32be")));
  if (mark.size_bytes > 0 && !agrees) {
    throw Error(ErrorKind::kFileFormat,
                concat("'", out->path_, "' begins with the byte order mark of ", mark.encoding,
                       ", but encoding='", wanted, "' was said; leave encoding out"));
  }
  out->encoding_ = mark.size_bytes > 0 || wanted.empty() ? mark.encoding : wanted;
  if (out->encoding_ == "utf-8") {
    out->text_begin_ = check_text_start(out->path_, head);
    return out;
  }
  out->mark_bytes_ = mark.size_bytes;
  const TextPass pass(out, file);
  check_text_start(out->path_, pass.text_at(0, kHeadBytes));
  return out;
}

std::shared_ptr<const TextFile> TextFile::open_guessing(std::shared_ptr<FileSystem> files,
                                                        std::string path,
                                                        const InputOptions& options,
                                                        EncodingGuess* guess) {
  *guess = EncodingGuess();
  const auto first = open(files, path, options);
  if (first->encoding() != "utf-8" || !options.encoding.empty()) return first;
  const auto pass = first->open_pass();
  // As much as the probe judges; what comes behind it is the reader's to complain about.
  const std::string sample = pass->text_at(first->text_begin(), size_t{256} << 10);
  const auto invalid = first_invalid(sample, sample.size() < (size_t{256} << 10));
  if (!invalid) return first;
  *guess = guess_encoding(sample);
  if (guess->encoding.empty() || guess->confidence == "low") {
    const uint64_t offset = *invalid + first->text_begin();
    const TextPlace place = pass->place_of(offset);
    throw Error(ErrorKind::kFileFormat,
                concat("'", path, "':", place.line, ":", place.column, " (byte ", offset,
                       "): the bytes here are not valid UTF-8; ", encoding_advice(*guess)));
  }
  InputOptions guessed = options;
  guessed.encoding = guess->encoding;
  return open(std::move(files), std::move(path), guessed);
}

std::shared_ptr<const TextPass> TextFile::open_pass() const {
  std::shared_ptr<const ReadableFile> file = pinned_;
  if (!file) {
    file = files_->open_read(path_);
    const FileFingerprint now = fingerprint_of(*file);
    if (now != fingerprint_) {
      throw Error(
          ErrorKind::kFileFormat,
          concat("'", path_, "' changed after it was opened (it had ", fingerprint_.size_bytes,
                 " bytes and has ", now.size_bytes,
                 now.size_bytes == fingerprint_.size_bytes ? ", written at another time" : "",
                 " now); open it again"));
    }
  }
  return std::shared_ptr<const TextPass>(new TextPass(shared_from_this(), std::move(file)));
}

}  // namespace velaria
