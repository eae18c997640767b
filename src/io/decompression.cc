#include "src/io/decompression.h"

#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <climits>
#include <vector>

#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria {

namespace {

constexpr size_t kStoredBlockBytes = size_t{256} << 10;
// Frames that need a larger window are refused: 128 MiB, what the format's own tools allow.
constexpr int kZstdWindowLog = 27;

// What both formats share: the stored bytes block by block, and where in the file they stand.
class DecompressingStream : public ByteStream {
 public:
  DecompressingStream(std::unique_ptr<ByteStream> stored, std::string path, uint64_t max_bytes)
      : stored_(std::move(stored)),
        path_(std::move(path)),
        max_bytes_(max_bytes),
        block_(kStoredBlockBytes) {}

  size_t read(char* out, size_t size_bytes) override {
    size_t filled = 0;
    while (filled < size_bytes && !done_) filled += step(out + filled, size_bytes - filled);
    produced_ += filled;
    if (produced_ > max_bytes_) {
      throw Error(ErrorKind::kFileFormat,
                  concat("'", path_, "' holds more than ", max_bytes_,
                         " bytes once it is decompressed; raise max_decompressed_bytes if it "
                         "really is that large"));
    }
    return filled;
  }

 protected:
  // Writes some content; sets done_ at the end.
  virtual size_t step(char* out, size_t size_bytes) = 0;

  // At least one unread byte, or false at the end of the file.
  bool fill() {
    if (position_ < size_) return true;
    offset_ += size_;
    position_ = 0;
    size_ = stored_->read(block_.data(), block_.size());
    return size_ > 0;
  }

  // Between members: passes over zeros. True when something else follows.
  bool skip_padding() {
    while (fill()) {
      while (position_ < size_ && block_[position_] == '\0') ++position_;
      if (position_ < size_) return true;
    }
    return false;
  }

  [[noreturn]] void fail(std::string_view what) const {
    throw Error(ErrorKind::kFileFormat, concat("'", path_, "' (byte ", offset_ + position_,
                                               "): ", what, "; get a whole copy of the file"));
  }

  std::unique_ptr<ByteStream> stored_;
  const std::string path_;
  const uint64_t max_bytes_;
  std::vector<char> block_;
  size_t position_ = 0;  // in block_
  size_t size_ = 0;
  uint64_t offset_ = 0;  // of block_ in the file
  uint64_t produced_ = 0;
  bool done_ = false;
};

class GzipStream : public DecompressingStream {
 public:
  GzipStream(std::unique_ptr<ByteStream> stored, std::string path, uint64_t max_bytes)
      : DecompressingStream(std::move(stored), std::move(path), max_bytes) {
    // 15: the format's whole window; 16: gzip headers and checksums.
    if (::inflateInit2(&state_, 15 + 16) != Z_OK) {
      throw Error(ErrorKind::kResource, concat("no memory to decompress '", path_, "'"));
    }
  }
  ~GzipStream() override { ::inflateEnd(&state_); }

 protected:
  size_t step(char* out, size_t size_bytes) override {
    if (!inside_) {
      if (members_ > 0 && !skip_padding()) {
        done_ = true;
        return 0;
      }
      if (members_ > 0 && block_[position_] != '\x1F') {
        fail("bytes that are no gzip stream follow the compressed content");
      }
      ::inflateReset(&state_);
      inside_ = true;
    }
    if (!fill()) fail("the gzip stream breaks off before its end");
    state_.next_in = reinterpret_cast<Bytef*>(block_.data() + position_);
    state_.avail_in = static_cast<uInt>(size_ - position_);
    state_.next_out = reinterpret_cast<Bytef*>(out);
    const auto room = static_cast<uInt>(std::min<size_t>(size_bytes, UINT_MAX));
    state_.avail_out = room;
    const int code = ::inflate(&state_, Z_NO_FLUSH);
    position_ = size_ - state_.avail_in;
    if (code == Z_STREAM_END) {
      inside_ = false;
      ++members_;
    } else if (code == Z_MEM_ERROR) {
      throw Error(ErrorKind::kResource, concat("no memory to decompress '", path_, "'"));
    } else if (code != Z_OK && code != Z_BUF_ERROR) {
      fail(concat("the gzip stream is damaged: ",
                  state_.msg != nullptr ? state_.msg : "it needs a dictionary"));
    }
    return room - state_.avail_out;
  }

 private:
  z_stream state_{};
  bool inside_ = false;
  uint64_t members_ = 0;
};

class ZstdStream : public DecompressingStream {
 public:
  ZstdStream(std::unique_ptr<ByteStream> stored, std::string path, uint64_t max_bytes)
      : DecompressingStream(std::move(stored), std::move(path), max_bytes),
        state_(::ZSTD_createDCtx()) {
    if (state_ == nullptr) {
      throw Error(ErrorKind::kResource, concat("no memory to decompress '", path_, "'"));
    }
    ::ZSTD_DCtx_setParameter(state_, ZSTD_d_windowLogMax, kZstdWindowLog);
  }
  ~ZstdStream() override { ::ZSTD_freeDCtx(state_); }

 protected:
  size_t step(char* out, size_t size_bytes) override {
    if (!inside_ && frames_ > 0 && !skip_padding()) {
      done_ = true;
      return 0;
    }
    // Content may still wait in the decoder when the file is at its end.
    if (!fill() && !more_inside_) fail("the zstd stream breaks off before its end");
    inside_ = true;
    ZSTD_inBuffer in{block_.data(), size_, position_};
    ZSTD_outBuffer to{out, size_bytes, 0};
    const size_t code = ::ZSTD_decompressStream(state_, &to, &in);
    if (::ZSTD_isError(code) != 0) {
      if (::ZSTD_getErrorCode(code) == ZSTD_error_frameParameter_windowTooLarge) {
        fail(
            "the zstd stream was made for a window of more than 128 MiB (zstd --long); "
            "compress it without");
      }
      if (::ZSTD_getErrorCode(code) == ZSTD_error_prefix_unknown && frames_ > 0) {
        fail("bytes that are no zstd stream follow the compressed content");
      }
      fail(concat("the zstd stream is damaged: ", ::ZSTD_getErrorName(code)));
    }
    more_inside_ = to.pos == to.size;
    if (in.pos == position_ && to.pos == 0 && position_ == size_) more_inside_ = false;
    position_ = in.pos;
    if (code == 0) {
      inside_ = false;
      more_inside_ = false;
      ++frames_;
    }
    return to.pos;
  }

 private:
  ZSTD_DCtx* state_;
  bool inside_ = false;
  bool more_inside_ = false;
  uint64_t frames_ = 0;
};

}  // namespace

std::string_view compression_name(Compression compression) {
  switch (compression) {
    case Compression::kNone: return "none";
    case Compression::kGzip: return "gzip";
    case Compression::kZstd: return "zstd";
  }
  return "";
}

Compression compression_of(std::string_view head) {
  if (head.substr(0, 2) == "\x1F\x8B") return Compression::kGzip;
  if (head.substr(0, 4) == "\x28\xB5\x2F\xFD") return Compression::kZstd;
  // A frame that decoders skip, which some tools put in front.
  const bool skippable = head.size() >= 4 && (static_cast<unsigned char>(head[0]) & 0xF0) == 0x50 &&
                         head.substr(1, 3) == "\x2A\x4D\x18";
  return skippable ? Compression::kZstd : Compression::kNone;
}

std::unique_ptr<ByteStream> decompress(std::unique_ptr<ByteStream> stored, Compression compression,
                                       std::string path, uint64_t max_bytes) {
  switch (compression) {
    case Compression::kNone: break;
    case Compression::kGzip:
      return std::make_unique<GzipStream>(std::move(stored), std::move(path), max_bytes);
    case Compression::kZstd:
      return std::make_unique<ZstdStream>(std::move(stored), std::move(path), max_bytes);
  }
  return stored;
}

}  // namespace velaria
