#include "src/io/file_content.h"

#include <algorithm>
#include <cstring>

#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria {

namespace {

bool starts_with(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

[[noreturn]] void refuse(const std::string& path, std::string_view what, std::string_view advice) {
  throw Error(ErrorKind::kFileFormat, concat("'", path, "' ", what, "; ", advice));
}

// Length of the valid sequence at `p`, or 0.
size_t sequence_length(const unsigned char* p, size_t left) {
  const auto follows = [&](size_t i) { return (p[i] & 0xC0) == 0x80; };
  if (p[0] < 0x80) return 1;
  if (p[0] >= 0xC2 && p[0] <= 0xDF) return left >= 2 && follows(1) ? 2 : 0;
  if (p[0] >= 0xE0 && p[0] <= 0xEF) {
    if (left < 3 || !follows(1) || !follows(2)) return 0;
    if (p[0] == 0xE0 && p[1] < 0xA0) return 0;  // overlong
    if (p[0] == 0xED && p[1] > 0x9F) return 0;  // surrogate
    return 3;
  }
  if (p[0] >= 0xF0 && p[0] <= 0xF4) {
    if (left < 4 || !follows(1) || !follows(2) || !follows(3)) return 0;
    if (p[0] == 0xF0 && p[1] < 0x90) return 0;  // overlong
    if (p[0] == 0xF4 && p[1] > 0x8F) return 0;  // above U+10FFFF
    return 4;
  }
  return 0;
}

uint64_t hash_bytes(uint64_t hash, const char* data, size_t size) {
  for (size_t i = 0; i < size; ++i) {  // FNV-1a: a few KiB, no secrets
    hash = (hash ^ static_cast<unsigned char>(data[i])) * 0x100000001B3ULL;
  }
  return hash;
}

}  // namespace

size_t check_text_start(const std::string& path, std::string_view head) {
  if (head.empty()) refuse(path, "is empty", "it has no columns to read");
  if (starts_with(head, "\xEF\xBB\xBF")) {
    if (head.size() == 3) {
      refuse(path, "holds only a byte order mark", "it has no columns to read");
    }
    return 3;
  }
  struct Container {
    std::string_view magic;
    std::string_view what;
    std::string_view advice = "name a text file";
  };
  constexpr Container kContainers[] = {
      {"PAR1", "is a Parquet file, not text",
       "read it with Arrow, as pyarrow.parquet.read_table() does, and give its table to "
       "create_dataframe_from_arrow()"},
      {"ARROW1", "is an Arrow file, not text",
       "read it with Arrow, as pyarrow.feather.read_table() does, and give its table to "
       "create_dataframe_from_arrow()"},
      {"PK\x03\x04", "is a zip archive (perhaps a spreadsheet), not text",
       "unpack it, or read a spreadsheet with read_excel() in Python"},
      {"%PDF-", "is a PDF document, not a table of text"},
      {"SQLite format 3", "is an SQLite database, not text"},
  };
  for (const Container& container : kContainers) {
    if (starts_with(head, container.magic)) {
      refuse(path, container.what, container.advice);
    }
  }
  const size_t nul = head.find('\0');
  if (nul != std::string_view::npos && head.substr(0, nul).find_first_of("\"'") == head.npos) {
    const auto nuls = static_cast<size_t>(std::count(head.begin(), head.end(), '\0'));
    if (nuls * 3 > head.size() && nuls * 3 < head.size() * 2) {
      refuse(path, concat("has a NUL as every second byte (byte ", nul, " is the first)"),
             concat("it may be UTF-16 without a byte order mark: read with encoding='utf-16",
                    nul % 2 == 1 ? "le'" : "be'"));
    }
    refuse(path, concat("is binary: byte ", nul, " is NUL"), "name a text file");
  }
  return 0;
}

size_t find_invalid_utf8(std::string_view text) {
  const char* p = text.data();
  const size_t size = text.size();
  size_t i = 0;
  while (i < size) {
    while (i + 64 <= size) {
      uint64_t words[8];
      std::memcpy(words, p + i, 64);
      uint64_t any = 0;
      for (uint64_t word : words) any |= word;
      if ((any & 0x8080808080808080ULL) != 0) break;
      i += 64;
    }
    // At most one block byte by byte, then the fast loop gets another chance.
    const size_t stop = std::min(size, i + 64);
    while (i < stop) {
      const size_t length =
          sequence_length(reinterpret_cast<const unsigned char*>(p + i), size - i);
      if (length == 0) return i;
      i += length;
    }
  }
  return size;
}

std::string utf8_text(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  while (!bytes.empty()) {
    const size_t good = find_invalid_utf8(bytes);
    out.append(bytes.substr(0, good));
    if (good == bytes.size()) break;
    const auto byte = static_cast<unsigned char>(bytes[good]);
    out += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
    bytes.remove_prefix(good + 1);
  }
  return out;
}

FileFingerprint fingerprint_of(const ReadableFile& file) {
  FileFingerprint out;
  out.size_bytes = file.size_bytes();
  out.modified_ns = file.modified_ns();
  char block[4096];
  out.hash = 0xCBF29CE484222325ULL;
  out.hash = hash_bytes(out.hash, block, file.read_at(0, block, sizeof(block)));
  if (out.size_bytes > sizeof(block)) {
    const uint64_t tail = out.size_bytes - sizeof(block);
    out.hash = hash_bytes(out.hash, block, file.read_at(tail, block, sizeof(block)));
  }
  return out;
}

}  // namespace velaria
