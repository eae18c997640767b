#include "src/io/compressed_writer.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <climits>

#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria {

namespace {

constexpr size_t kOutBytes = size_t{256} << 10;

}  // namespace

struct CompressedWriter::State {
  z_stream gzip{};
  ZSTD_CCtx* zstd = nullptr;
};

CompressedWriter::CompressedWriter(WritableFile* file, Compression compression)
    : file_(file), compression_(compression), state_(std::make_unique<State>()) {
  if (compression == Compression::kGzip) {
    out_.resize(kOutBytes);
    if (::deflateInit2(&state_->gzip, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8,
                       Z_DEFAULT_STRATEGY) != Z_OK) {
      throw Error(ErrorKind::kResource, "no memory to compress by gzip");
    }
  }
  if (compression == Compression::kZstd) {
    out_.resize(kOutBytes);
    state_->zstd = ::ZSTD_createCCtx();
    if (state_->zstd == nullptr) {
      throw Error(ErrorKind::kResource, "no memory to compress by zstd");
    }
    ::ZSTD_CCtx_setParameter(state_->zstd, ZSTD_c_checksumFlag, 1);
  }
}

CompressedWriter::~CompressedWriter() {
  if (compression_ == Compression::kGzip) ::deflateEnd(&state_->gzip);
  if (state_->zstd != nullptr) ::ZSTD_freeCCtx(state_->zstd);
}

void CompressedWriter::write(std::string_view bytes) {
  if (compression_ == Compression::kNone) {
    file_->write(bytes);
  } else {
    pass_on(bytes, false);
  }
}

void CompressedWriter::finish() {
  if (compression_ != Compression::kNone) pass_on({}, true);
}

void CompressedWriter::pass_on(std::string_view bytes, bool last) {
  if (compression_ == Compression::kZstd) {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    for (size_t left = 1; last ? left > 0 : in.pos < in.size;) {
      ZSTD_outBuffer out{out_.data(), out_.size(), 0};
      left = ::ZSTD_compressStream2(state_->zstd, &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);
      // Most of its memory is asked for with the first bytes.
      if (::ZSTD_isError(left) != 0) {
        throw Error(ErrorKind::kResource,
                    concat("cannot compress by zstd: ", ::ZSTD_getErrorName(left)));
      }
      file_->write({out_.data(), out.pos});
    }
    return;
  }
  z_stream& gzip = state_->gzip;
  do {
    const auto piece = static_cast<uInt>(std::min<size_t>(bytes.size(), UINT_MAX));
    gzip.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    gzip.avail_in = piece;
    bytes.remove_prefix(piece);
    int code = Z_OK;
    do {
      gzip.next_out = reinterpret_cast<Bytef*>(out_.data());
      gzip.avail_out = static_cast<uInt>(out_.size());
      code = ::deflate(&gzip, last && bytes.empty() ? Z_FINISH : Z_NO_FLUSH);
      VELARIA_CHECK(code != Z_STREAM_ERROR);
      file_->write({out_.data(), out_.size() - gzip.avail_out});
    } while (gzip.avail_out == 0 || (last && bytes.empty() && code != Z_STREAM_END));
  } while (!bytes.empty());
}

Compression compression_of_name(std::string_view path) {
  const size_t dot = path.rfind('.');
  if (dot == std::string_view::npos) return Compression::kNone;
  const std::string_view ending = path.substr(dot + 1);
  for (const char* gzip : {"gz", "gzip"}) {
    if (equals_ignore_case(ending, gzip)) return Compression::kGzip;
  }
  for (const char* zstd : {"zst", "zstd"}) {
    if (equals_ignore_case(ending, zstd)) return Compression::kZstd;
  }
  return Compression::kNone;
}

std::string_view without_compression_ending(std::string_view path) {
  return compression_of_name(path) == Compression::kNone ? path : path.substr(0, path.rfind('.'));
}

}  // namespace velaria
