#include "src/io/text_encoding.h"

#include <iconv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>

#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria {

namespace {

enum class Form {
  kSingleByte,  // a table of 128 characters above ASCII
  kDoubleByte,  // every lead byte is followed by one byte
  kShiftJis,    // half-width katakana are one byte
  kEucJp,       // three bytes behind 0x8F
  kGb18030,     // two or four bytes
  kWide,        // UTF-16, UTF-32
};

struct Encoding {
  const char* name;   // canonical
  const char* iconv;  // of the C library
  Form form;
  std::vector<const char*> aliases;  // without '-', '_' and blanks
};

const std::vector<Encoding>& encodings() {
  static const std::vector<Encoding> all = {
      {"utf-8", "UTF-8", Form::kSingleByte, {"utf8"}},
      {"utf-16le", "UTF-16LE", Form::kWide, {"utf16le", "utf16"}},
      {"utf-16be", "UTF-16BE", Form::kWide, {"utf16be"}},
      {"utf-32le", "UTF-32LE", Form::kWide, {"utf32le", "utf32"}},
      {"utf-32be", "UTF-32BE", Form::kWide, {"utf32be"}},
      {"gb18030", "GB18030", Form::kGb18030, {"gb18030", "gbk", "gb2312", "cp936", "windows936"}},
      {"big5", "BIG5", Form::kDoubleByte, {"big5"}},
      {"cp950", "CP950", Form::kDoubleByte, {"cp950", "windows950"}},
      {"big5-hkscs", "BIG5-HKSCS", Form::kDoubleByte, {"big5hkscs"}},
      {"shift-jis", "SHIFT_JIS", Form::kShiftJis, {"shiftjis", "sjis"}},
      {"cp932", "CP932", Form::kShiftJis, {"cp932", "windows31j", "mskanji", "windows932"}},
      {"euc-jp", "EUC-JP", Form::kEucJp, {"eucjp", "ujis"}},
      {"euc-kr", "EUC-KR", Form::kDoubleByte, {"euckr", "ksc5601"}},
      {"cp949", "CP949", Form::kDoubleByte, {"cp949", "uhc", "windows949"}},
      {"latin-1", "ISO-8859-1", Form::kSingleByte, {"latin1", "iso88591", "l1"}},
      {"latin-2", "ISO-8859-2", Form::kSingleByte, {"latin2", "iso88592", "l2"}},
      {"iso-8859-5", "ISO-8859-5", Form::kSingleByte, {"iso88595"}},
      {"iso-8859-6", "ISO-8859-6", Form::kSingleByte, {"iso88596"}},
      {"iso-8859-7", "ISO-8859-7", Form::kSingleByte, {"iso88597"}},
      {"latin-5", "ISO-8859-9", Form::kSingleByte, {"latin5", "iso88599", "l5"}},
      {"latin-9", "ISO-8859-15", Form::kSingleByte, {"latin9", "iso885915", "l9"}},
      {"cp1250", "CP1250", Form::kSingleByte, {"cp1250", "windows1250"}},
      {"cp1251", "CP1251", Form::kSingleByte, {"cp1251", "windows1251"}},
      {"cp1252", "CP1252", Form::kSingleByte, {"cp1252", "windows1252", "ansi"}},
      {"cp1253", "CP1253", Form::kSingleByte, {"cp1253", "windows1253"}},
      {"cp1254", "CP1254", Form::kSingleByte, {"cp1254", "windows1254"}},
      {"cp1255", "CP1255", Form::kSingleByte, {"cp1255", "windows1255"}},
      {"cp1256", "CP1256", Form::kSingleByte, {"cp1256", "windows1256"}},
      {"cp1257", "CP1257", Form::kSingleByte, {"cp1257", "windows1257"}},
      {"cp1258", "CP1258", Form::kSingleByte, {"cp1258", "windows1258"}},
      {"cp437", "CP437", Form::kSingleByte, {"cp437", "ibm437"}},
      {"cp850", "CP850", Form::kSingleByte, {"cp850", "ibm850"}},
      {"cp866", "CP866", Form::kSingleByte, {"cp866", "ibm866"}},
      {"cp874", "CP874", Form::kSingleByte, {"cp874", "windows874", "tis620"}},
      {"koi8-r", "KOI8-R", Form::kSingleByte, {"koi8r"}},
      {"koi8-u", "KOI8-U", Form::kSingleByte, {"koi8u"}},
      {"mac-roman", "MACINTOSH", Form::kSingleByte, {"macroman", "macintosh"}},
      {"mac-cyrillic", "MAC-CYRILLIC", Form::kSingleByte, {"maccyrillic", "xmaccyrillic"}},
  };
  return all;
}

const Encoding& encoding_of(const std::string& canonical) {
  for (const Encoding& encoding : encodings()) {
    if (canonical == encoding.name) return encoding;
  }
  throw Error(ErrorKind::kInternal, concat("'", canonical, "' is no canonical encoding"));
}

// iconv_t that closes itself.
class Converter {
 public:
  explicit Converter(const Encoding& encoding)
      : handle_(::iconv_open("UTF-8", encoding.iconv)), name_(encoding.name) {
    if (!is_open()) {
      throw Error(ErrorKind::kSqlUnsupported,
                  concat("the C library of this machine has no converter for ", name_,
                         " (its gconv modules may not be installed); convert the file to UTF-8"));
    }
  }
  ~Converter() {
    if (is_open()) ::iconv_close(handle_);
  }
  Converter(const Converter&) = delete;
  Converter& operator=(const Converter&) = delete;

  // Moves both positions on; 0, or E2BIG, EILSEQ, EINVAL.
  int convert(const char** in, size_t in_bytes, char** out, size_t out_bytes) {
    char* from = const_cast<char*>(*in);
    const size_t code = ::iconv(handle_, &from, &in_bytes, out, &out_bytes);
    *in = from;
    return code == static_cast<size_t>(-1) ? errno : 0;
  }
  // Out of what a character may have left behind; gives what was kept back.
  void reset(char** out, size_t out_bytes) { ::iconv(handle_, nullptr, nullptr, out, &out_bytes); }

 private:
  bool is_open() const { return reinterpret_cast<intptr_t>(handle_) != -1; }
  iconv_t handle_;
  const std::string name_;
};

constexpr size_t kInputBytes = size_t{64} << 10;
constexpr size_t kMostCharacterBytes = 4;
constexpr size_t kMostUtf8Bytes = 8;  // that one character of any encoding becomes

// Converts as much of `in` as there is whole; what follows a bad byte stays.
class TextDecoder {
 public:
  explicit TextDecoder(const Encoding& encoding) : encoding_(encoding), converter_(encoding) {
    if (encoding.form == Form::kSingleByte) make_table();
    const std::string_view name = encoding.name;
    if (name == "big5" || name == "cp950") {
      extension_ = std::make_unique<Converter>(encoding_of("big5-hkscs"));
    }
  }

  // False when the byte at *in is no character. `out` has room for 4 bytes per byte of input.
  bool decode(const char** in, const char* end, bool at_end, char** out) {
    if (encoding_.form == Form::kSingleByte) return decode_bytes(in, end, out);
    if (encoding_.form == Form::kWide) {
      const int code = converter_.convert(in, static_cast<size_t>(end - *in), out,
                                          static_cast<size_t>(end - *in) * 4);
      return code == 0 || (code == EINVAL && !at_end);
    }
    while (*in < end) {
      const char* ascii = *in;
      while (ascii < end && static_cast<signed char>(*ascii) >= 0) ++ascii;
      std::memcpy(*out, *in, static_cast<size_t>(ascii - *in));
      *out += ascii - *in;
      *in = ascii;
      const bool extension = is_extension(ascii, end);
      const char* run = extension ? ascii + 2 : run_end(ascii, end);
      if (run == ascii) return ascii == end || !at_end;
      Converter& converter = extension ? *extension_ : converter_;
      const int code = converter.convert(in, static_cast<size_t>(run - ascii), out,
                                         static_cast<size_t>(run - ascii) * 4);
      converter.reset(out, kMostUtf8Bytes);
      if (code != 0) return false;
    }
    return true;
  }

 private:
  // One byte at a time, so that accents are never joined with the letter before them.
  void make_table() {
    for (size_t byte = 0x80; byte < 0x100; ++byte) {
      const char source = static_cast<char>(byte);
      const char* in = &source;
      char utf8[16];
      char* out = utf8;
      Entry& entry = table_[byte - 0x80];
      if (converter_.convert(&in, 1, &out, sizeof(utf8)) == 0) {
        converter_.reset(&out, static_cast<size_t>(utf8 + sizeof(utf8) - out));
        entry.size = static_cast<uint8_t>(out - utf8);
        std::memcpy(entry.bytes, utf8, sizeof(entry.bytes));
      } else {
        char* nowhere = utf8;
        converter_.reset(&nowhere, sizeof(utf8));
      }
    }
  }

  bool decode_bytes(const char** in, const char* end, char** out_at) {
    const char* from = *in;
    char* out = *out_at;
    for (; from < end; ++from) {
      const auto byte = static_cast<unsigned char>(*from);
      if (byte < 0x80) {
        *out++ = *from;
        continue;
      }
      const Entry& entry = table_[byte - 0x80];
      if (entry.size == 0) break;
      std::memcpy(out, entry.bytes, sizeof(entry.bytes));
      out += entry.size;
    }
    *in = from;
    *out_at = out;
    return from == end;
  }

  // Signs, kana and Cyrillic that everybody has added to Big5 at this place, and that the C library
  // takes for private characters.
  bool is_extension(const char* p, const char* end) const {
    if (!extension_ || end - p < 2) return false;
    const auto lead = static_cast<unsigned char>(p[0]);
    const auto trail = static_cast<unsigned char>(p[1]);
    return lead == 0xC7 || lead == 0xC8 || (lead == 0xC6 && trail >= 0xA1);
  }

  // The end of the whole characters of several bytes at `p`.
  const char* run_end(const char* p, const char* end) const {
    while (p < end && static_cast<signed char>(*p) < 0) {
      const auto lead = static_cast<unsigned char>(*p);
      ptrdiff_t size = 2;
      if (encoding_.form == Form::kShiftJis && lead >= 0xA0 && lead <= 0xDF) size = 1;
      if (encoding_.form == Form::kEucJp && lead == 0x8F) size = 3;
      if (encoding_.form == Form::kGb18030) {
        if (end - p < 2) break;
        if (p[1] >= '0' && p[1] <= '9') size = 4;
      }
      if (end - p < size || is_extension(p, end)) break;
      p += size;
    }
    return p;
  }

  struct Entry {
    uint8_t size = 0;  // 0: the encoding has no such character
    char bytes[4] = {};
  };
  const Encoding& encoding_;
  Converter converter_;
  std::unique_ptr<Converter> extension_;
  std::array<Entry, 128> table_{};
};

class DecodedStream : public ByteStream {
 public:
  DecodedStream(std::unique_ptr<ByteStream> bytes, const Encoding& encoding, std::string path,
                uint64_t first_offset, bool mark_bad_bytes)
      : bytes_(std::move(bytes)),
        encoding_(encoding),
        path_(std::move(path)),
        decoder_(encoding),
        mark_bad_bytes_(mark_bad_bytes),
        offset_(first_offset),
        in_(kInputBytes),
        out_(kInputBytes * 4 + kMostUtf8Bytes) {}

  size_t read(char* out, size_t size_bytes) override {
    size_t filled = 0;
    while (filled < size_bytes) {
      if (out_begin_ == out_end_ && !refill()) break;
      const size_t take = std::min(size_bytes - filled, out_end_ - out_begin_);
      std::memcpy(out + filled, out_.data() + out_begin_, take);
      out_begin_ += take;
      filled += take;
    }
    return filled;
  }

 private:
  bool refill() {
    out_begin_ = out_end_ = 0;
    while (out_end_ == 0) {
      if (bad_) {
        if (!mark_bad_bytes_) fail();
        mark_bad_byte();
        return true;
      }
      // So that a file of bad bytes only is not moved about for each of them.
      if (!at_end_ && kept_ < kMostCharacterBytes) {
        std::memmove(in_.data(), in_.data() + in_begin_, kept_);
        in_begin_ = 0;
        const size_t room = in_.size() - kept_;
        const size_t got = bytes_->read(in_.data() + kept_, room);
        at_end_ = got < room;
        kept_ += got;
      }
      if (kept_ == 0) return false;
      const char* const begin = in_.data() + in_begin_;
      const char* from = begin;
      char* to = out_.data();
      // What comes before a bad byte is handed out first: whoever reads only the start never
      // meets it.
      bad_ = !decoder_.decode(&from, begin + kept_, at_end_, &to);
      out_end_ = static_cast<size_t>(to - out_.data());
      line_ += static_cast<uint64_t>(std::count(out_.data(), to, '\n'));
      consume(static_cast<size_t>(from - begin));
    }
    return true;
  }

  void consume(size_t bytes) {
    offset_ += bytes;
    in_begin_ += bytes;
    kept_ -= bytes;
  }

  // Of characters of several bytes the first alone is bad: a line end is never a later one.
  void mark_bad_byte() {
    const size_t unit = encoding_.form != Form::kWide ? 1 : is_utf32() ? 4 : 2;
    consume(std::min(unit, kept_));
    out_[0] = '\xFF';
    out_end_ = 1;
    bad_ = false;
  }

  bool is_utf32() const { return std::string_view(encoding_.name).substr(0, 6) == "utf-32"; }

  [[noreturn]] void fail() const {
    constexpr char kDigits[] = "0123456789ABCDEF";
    std::string shown;
    for (size_t i = 0; i < std::min<size_t>(kept_, 4); ++i) {
      const auto byte = static_cast<unsigned char>(in_[in_begin_ + i]);
      if (i > 0 && byte < 0x80 && encoding_.form != Form::kWide) break;
      shown += concat(i > 0 ? " " : "", kDigits[byte >> 4], kDigits[byte & 15]);
    }
    throw Error(ErrorKind::kFileFormat,
                concat("'", path_, "':", line_, " (byte ", offset_, "): the bytes ", shown,
                       " are no character of ", encoding_.name, kept_ < 4 ? " or are cut off" : "",
                       "; read with another encoding, or correct the file"));
  }

  std::unique_ptr<ByteStream> bytes_;
  const Encoding& encoding_;
  const std::string path_;
  TextDecoder decoder_;
  const bool mark_bad_bytes_;
  uint64_t offset_;    // of the first kept byte in the file
  uint64_t line_ = 1;  // at the end of what was decoded
  std::vector<char> in_;
  std::vector<char> out_;
  size_t in_begin_ = 0;
  size_t kept_ = 0;  // bytes of in_ from in_begin_ on
  size_t out_begin_ = 0;
  size_t out_end_ = 0;
  bool at_end_ = false;
  bool bad_ = false;
};

std::string folded(std::string_view name) {
  std::string out;
  for (char c : to_lower_ascii(name)) {
    if (c != '-' && c != '_' && c != ' ') out += c;
  }
  return out;
}

}  // namespace

std::string canonical_encoding(const std::string& name) {
  if (name.empty()) return "";
  const std::string wanted = folded(name);
  for (const Encoding& encoding : encodings()) {
    if (wanted == folded(encoding.name)) return encoding.name;
    for (const char* alias : encoding.aliases) {
      if (wanted == alias) return encoding.name;
    }
  }
  const std::vector<std::string> names = known_encodings();
  throw Error(ErrorKind::kInvalidArgument, concat("there is no encoding '", excerpt(name), "'",
                                                  did_you_mean(to_lower_ascii(name), names),
                                                  "; the encodings are ", join_texts(names, ", ")));
}

std::vector<std::string> known_encodings() {
  std::vector<std::string> names;
  for (const Encoding& encoding : encodings()) names.emplace_back(encoding.name);
  return names;
}

ByteOrderMark byte_order_mark(std::string_view head) {
  const auto starts = [&](std::string_view mark) { return head.substr(0, mark.size()) == mark; };
  if (starts("\xEF\xBB\xBF")) return {"utf-8", 3};
  if (starts(std::string_view("\xFF\xFE\0\0", 4))) return {"utf-32le", 4};
  if (starts(std::string_view("\0\0\xFE\xFF", 4))) return {"utf-32be", 4};
  if (starts("\xFF\xFE")) return {"utf-16le", 2};
  if (starts("\xFE\xFF")) return {"utf-16be", 2};
  return {};
}

std::unique_ptr<ByteStream> decode_text(std::unique_ptr<ByteStream> bytes,
                                        const std::string& encoding, std::string path,
                                        uint64_t first_offset, bool mark_bad_bytes) {
  return std::make_unique<DecodedStream>(std::move(bytes), encoding_of(encoding), std::move(path),
                                         first_offset, mark_bad_bytes);
}

bool decode_sample(std::string_view bytes, const std::string& encoding, std::string* out) {
  TextDecoder decoder(encoding_of(encoding));
  out->resize(bytes.size() * 4 + kMostUtf8Bytes);
  const char* in = bytes.data();
  char* to = out->data();
  const bool good = decoder.decode(&in, bytes.data() + bytes.size(), false, &to);
  out->resize(static_cast<size_t>(to - out->data()));
  return good;
}

}  // namespace velaria
