#include "src/io/text_file.h"

#include <iconv.h>
#include <sys/stat.h>

#include <random>

#include "gtest/gtest.h"
#include "src/base/text.h"
#include "src/io/text_encoding.h"
#include "tests/io/compressed_testing.h"
#include "tests/io/io_testing.h"

namespace velaria {
namespace {

std::shared_ptr<const TextFile> open_bytes(std::string_view bytes, InputOptions options = {}) {
  return TextFile::open(local_file_system(), write_test_file("t.bin", bytes), options);
}

// In reads of `step` bytes, so that every buffer runs empty at every place.
std::string content_of(const TextFile& file, size_t step = 1 << 16, uint64_t begin = 0) {
  const auto stream = file.open_pass()->stream(begin);
  std::string out;
  std::string block(step, '\0');
  for (;;) {
    const size_t got = stream->read(block.data(), step);
    out.append(block, 0, got);
    if (got < step) return out;
  }
}

std::string sample_text(size_t size) {
  std::mt19937_64 random(test_seed());
  std::string out;
  while (out.size() < size) out += concat(random() % 100000, ",", random() % 7, "\n");
  return out;
}

TEST(TextFile, CompressionIsFoundByContent) {
  const std::string text = sample_text(700000);
  for (const std::string& stored :
       {text, gzip(text), zstd(text), gzip(text.substr(0, 1000)) + gzip(text.substr(1000)),
        zstd(text.substr(0, 1000)) + zstd(text.substr(1000)), gzip(text) + std::string(1000, '\0'),
        gzip("") + gzip(text), std::string("\x50\x2A\x4D\x18\x02\0\0\0xy", 10) + zstd(text)}) {
    const auto file = open_bytes(stored);
    EXPECT_EQ(file->seekable(), stored == text);
    ASSERT_EQ(content_of(*file), text);
    ASSERT_EQ(content_of(*file, 777), text);
    ASSERT_EQ(content_of(*file, 5000, 654321), text.substr(654321));
    ASSERT_EQ(file->open_pass()->text_at(1000, 50), text.substr(1000, 50));
  }
}

TEST(TextFile, DamagedStreamsAreErrorsWithTheirPlace) {
  const std::string text = sample_text(300000);
  for (const bool zipped : {true, false}) {
    const std::string whole = zipped ? gzip(text) : zstd(text);
    for (const size_t cut : {whole.size() - 1, whole.size() - 9, whole.size() / 2, size_t{40}}) {
      expect_error(error_of([&] { content_of(*open_bytes(whole.substr(0, cut))); }),
                   ErrorKind::kFileFormat, {"t.bin' (byte ", "breaks off"});
    }
    std::string broken = whole;
    for (size_t i = whole.size() / 2; i < whole.size() / 2 + 20; ++i) broken[i] ^= 0x55;
    expect_error(error_of([&] { content_of(*open_bytes(broken)); }), ErrorKind::kFileFormat,
                 {"damaged"});
    expect_error(error_of([&] { content_of(*open_bytes(whole + "tail")); }), ErrorKind::kFileFormat,
                 {concat("byte ", whole.size()), "follow"});
    expect_error(error_of([&] { open_bytes(gzip(whole)); }), ErrorKind::kFileFormat, {"twice"});
  }
  std::string wrong_sum = gzip(text);
  wrong_sum[wrong_sum.size() - 6] ^= 1;
  expect_error(error_of([&] { content_of(*open_bytes(wrong_sum)); }), ErrorKind::kFileFormat,
               {"damaged", "check"});
}

TEST(TextFile, ABombHasALimit) {
  InputOptions options;
  options.max_decompressed_bytes = 1 << 20;
  const std::string zeros(8 << 20, '0');
  for (const std::string& bomb : {gzip(zeros), zstd(zeros)}) {
    EXPECT_LT(bomb.size(), 100000u);
    expect_error(error_of([&] { content_of(*open_bytes(bomb, options)); }), ErrorKind::kFileFormat,
                 {"1048576 bytes", "max_decompressed_bytes"});
  }
}

TEST(TextFile, ByteOrderMarks) {
  const std::string utf8 = "a,\xC3\xA9\n\xF0\x9F\x98\x80,1\n";
  const std::string little(
      "\xFF\xFE"
      "a\0,\0\xE9\0\n\0\x3D\xD8\x00\xDE,\0"
      "1\0\n\0",
      20);
  std::string big;
  for (size_t i = 0; i < little.size(); i += 2) big += {little[i + 1], little[i]};
  for (const std::string& stored : {little, big, gzip(little), zstd(big)}) {
    const auto file = open_bytes(stored);
    EXPECT_EQ(file->text_begin(), 0u);
    EXPECT_EQ(file->encoding().substr(0, 6), "utf-16");
    EXPECT_EQ(content_of(*file), utf8);
    EXPECT_EQ(content_of(*file, 1), utf8);
  }
  InputOptions named;
  named.encoding = "UTF-16LE";
  EXPECT_EQ(content_of(*open_bytes(little.substr(2), named)), utf8);
  expect_error(error_of([&] { open_bytes(little.substr(2)); }), ErrorKind::kFileFormat,
               {"byte 1", "encoding='utf-16le'"});
  named.encoding = "utf-16";
  EXPECT_EQ(content_of(*open_bytes(big, named)), utf8);
  named.encoding = "utf-32";
  const std::string widest("\0\0\xFE\xFF\0\0\0a\0\0\0\n", 12);
  EXPECT_EQ(content_of(*open_bytes(widest, named)), "a\n");
  named.encoding = "utf-32le";
  expect_error(error_of([&] { open_bytes(widest, named); }), ErrorKind::kFileFormat, {"utf-32be"});
  named.encoding = "latin-1";
  expect_error(error_of([&] { open_bytes(big, named); }), ErrorKind::kFileFormat, {"utf-16be"});
  // A surrogate without its other half, and half a unit.
  expect_error(error_of([] {
                 content_of(
                     *open_bytes(std::string("\xFF\xFE"
                                             "a\0\0\xD8"
                                             "b\0",
                                             8)));
               }),
               ErrorKind::kFileFormat, {":1 (byte 4)", "utf-16le"});
  expect_error(error_of([] {
                 content_of(
                     *open_bytes(std::string("\xFF\xFE"
                                             "a\0b",
                                             5)));
               }),
               ErrorKind::kFileFormat, {"byte 4", "cut off"});
}

TEST(TextFile, NamedEncodings) {
  struct Sample {
    const char* name;
    std::string bytes;
    std::string utf8;
  };
  const std::vector<Sample> samples = {
      {"GBK", "\xD6\xD0\xCE\xC4", "中文"},
      {"gb18030", "\x81\x30\x81\x30\x95\x32\x82\x36", "\xC2\x80\xF0\xA0\x80\x80"},
      {"Big5", "\xA4\xA4\xA4\xE5\xB3\x5C\xA5\x5C", "中文許功"},
      {"Shift-JIS", "\x93\xFA\x96\x7B\xB6\xC5\x5C~", "日本ｶﾅ\\~"},
      {"cp932", "\x87\x40", "①"},
      {"euc_jp", "\xC6\xFC\xCB\xDC\x8E\xB6", "日本ｶ"},
      {"EUC-KR", "\xC7\xD1\xB1\xDB", "한글"},
      {"cp949", "\x8C\x63", "똠"},
      {"latin1", "caf\xE9 \x80", "café \xC2\x80"},
      {"windows-1252", "caf\xE9 \x80", "café €"},
      {"cp1251", "\xCF\xF0\xE8\xE2\xE5\xF2", "Привет"},
      {"cp1258", "e\xEC", "e\xCC\x81"},  // the accent stays a character of its own
      {"koi8-r", "\xF0\xD2\xC9", "При"},
      {"mac-cyrillic", "\x8F\xF0\xE8\xE2\xE5\xF2", "Привет"},
      {"iso-8859-6", "\xD3\xE4\xC7\xE5", "سلام"},
  };
  for (const Sample& sample : samples) {
    InputOptions options;
    options.encoding = sample.name;
    const std::string bytes = "a,b\n1," + sample.bytes + "\n" + sample.bytes + ",2\n";
    const std::string expected = "a,b\n1," + sample.utf8 + "\n" + sample.utf8 + ",2\n";
    for (const size_t step : {size_t{1}, size_t{2}, size_t{3}, size_t{1} << 16}) {
      EXPECT_EQ(content_of(*open_bytes(bytes, options), step), expected) << sample.name;
    }
    // Across the ends of the input blocks.
    for (size_t pad = (1 << 16) - 9; pad < (1 << 16) + 9; ++pad) {
      const std::string front(pad, 'x');
      ASSERT_EQ(content_of(*open_bytes(front + sample.bytes, options)), front + sample.utf8)
          << sample.name << " " << pad;
    }
  }
  InputOptions options;
  options.encoding = "latin-3000";
  expect_error(error_of([&] { open_bytes("a", options); }), ErrorKind::kInvalidArgument,
               {"latin-3000", "the encodings are"});
  options.encoding = "shift-jis";
  expect_error(error_of([&] { content_of(*open_bytes("a\nb\x93\xFA\xFF\xFFz\n", options)); }),
               ErrorKind::kFileFormat, {":2 (byte 5)", "FF FF", "shift-jis"});
  options.encoding = "gb18030";
  expect_error(error_of([&] { content_of(*open_bytes("ab\xD6", options)); }),
               ErrorKind::kFileFormat, {"byte 2", "D6", "cut off"});
  options.encoding = "cp1252";
  expect_error(error_of([&] { content_of(*open_bytes("ab\x81", options)); }),
               ErrorKind::kFileFormat, {"byte 2", "81"});
}

TEST(EncodingGuess, EverydayText) {
  const auto guess = [](std::string_view bytes) { return guess_encoding(bytes); };
  // "name,city": 李小明,北京; 王芳,上海 and the like.
  EXPECT_EQ(guess("\xC0\xEE\xD0\xA1\xC3\xF7,\xB1\xB1\xBE\xA9\n\xCD\xF5\xB7\xBC,\xC9\xCF\xBA\xA3\n")
                .encoding,
            "gb18030");
  // 你好，世界。這是一個測試
  EXPECT_EQ(guess("\xA7\x41\xA6\x6E\xA1\x41\xA5\x40\xAC\xC9\xA1\x43\xB3\x6F\xAC\x4F\xA4\x40\xAD\xD3"
                  "\xB4\xFA\xB8\xD5")
                .encoding,
            "big5");
  // こんにちは世界
  EXPECT_EQ(guess("\x82\xB1\x82\xF1\x82\xC9\x82\xBF\x82\xCD\x90\xA2\x8A\x45").encoding,
            "shift-jis");
  EXPECT_EQ(guess("\xA4\xB3\xA4\xF3\xA4\xCB\xA4\xC1\xA4\xCF\xC0\xA4\xB3\xA6").encoding, "euc-jp");
  // 안녕하세요 세계
  EXPECT_EQ(guess("\xBE\xC8\xB3\xE7\xC7\xCF\xBC\xBC\xBF\xE4 \xBC\xBC\xB0\xE8").encoding, "euc-kr");
  EXPECT_EQ(guess("\xCF\xF0\xE8\xE2\xE5\xF2, \xEC\xE8\xF0").encoding, "cp1251");
  EXPECT_EQ(guess("\xF0\xD2\xC9\xD7\xC5\xD4, \xCD\xC9\xD2. \xFC\xD4\xCF "
                  "\xCF\xC2\xD9\xDE\xCE\xD9\xCA \xD2\xD5\xD3\xD3\xCB\xC9\xCA \xD4\xC5\xCB\xD3\xD4")
                .encoding,
            "koi8-r");
  EXPECT_EQ(guess("name\ncaf\xE9\nM\xFCller\nS\xF8ren\n").encoding, "cp1252");
  EXPECT_EQ(guess("\xB9\xF3\xB3\xE6\xF1 \x9Cr\xF3"
                  "d\xB3o\nw\xEA\xBFszy\nZa\xBF\xF3\xB3\xE6\n")
                .encoding,
            "cp1250");
  for (const char* bytes : {"name\ncaf\xE9\n", "\x82\xB1\x82\xF1"}) {
    EXPECT_NE(guess(bytes).confidence, "high");
  }
  EXPECT_EQ(guess("plain").encoding, "");
}

std::string encoded(const std::string& text, const char* encoding) {
  iconv_t converter = ::iconv_open(encoding, "UTF-8");
  std::string out(text.size() * 4, '\0');
  char* in = const_cast<char*>(text.data());
  char* to = out.data();
  size_t in_bytes = text.size();
  size_t out_bytes = out.size();
  const size_t code = ::iconv(converter, &in, &in_bytes, &to, &out_bytes);
  ::iconv_close(converter);
  EXPECT_NE(code, static_cast<size_t>(-1)) << text << " " << encoding;
  out.resize(out.size() - out_bytes);
  return out;
}

// Small tables of many languages: what is guessed with some confidence gives their text back, and
// most are.
TEST(EncodingGuess, ManyLanguages) {
  struct Sample {
    const char* text;
    std::vector<const char*> encodings;
  };
  const std::vector<Sample> samples = {
      {"שם,עיר\nדוד כהן,תל אביב\nשרה לוי,ירושלים\nמשה ישראלי,חיפה\n", {"CP1255"}},
      {"שם,עיר\nדוד,חיפה\n", {"CP1255"}},
      {"name,city\nDavid דוד,Haifa חיפה\nSara שרה,Tel Aviv\n", {"CP1255"}},
      {"imię,miasto\nŁukasz,Łódź\nZażółć,gęślą jaźń\nMałgorzata,Kraków\nŚwiętosław,Gdańsk\n",
       {"CP1250", "ISO-8859-2"}},
      {"jméno,město\nŘehoř,Plzeň\nŽaneta,Děčín\nšťastný,Liberec\nJiří,České Budějovice\n",
       {"CP1250", "ISO-8859-2"}},
      {"név,város\nGyőző,Kőszeg\nTűzoltó,Győr\nÁrvíztűrő,Szeged\n", {"CP1250", "ISO-8859-2"}},
      {"nume,oraş\nŞtefan,Iaşi\nIon,Bacău\nŢuca,Târgu Mureş\n", {"CP1250", "ISO-8859-2"}},
      {"nom,prix\nŒuvre café,12 €\nÉlève,3 €\nnaïf cœur,7 €\ngarçon,9 €\n",
       {"CP1252", "ISO-8859-15"}},
      {"nom,prix\ncafé,12\nélève,3\nnaïf,7\ngarçon,9\nà bientôt,1\n", {"CP1252", "ISO-8859-1"}},
      {"Name,Ort\nMüller,Köln\nWeiß,Düsseldorf\nJäger,Görlitz\nStraße,5 €\n",
       {"CP1252", "ISO-8859-15"}},
      {"nombre,año\nMuñoz,2013\nGarcía,2014\nPeña,2015\nIñaki,2016\n", {"CP1252"}},
      {"nimi,kaupunki\nPäivi,Jyväskylä\nÄijä,Hämeenlinna\n", {"CP1252", "ISO-8859-15"}},
      {"имя,город\nИван Петров,Москва\nМария Иванова,Санкт-Петербург\nСергей,Новосибирск\n",
       {"CP1251", "KOI8-R", "CP866", "ISO-8859-5", "MAC-CYRILLIC"}},
      {"имя\nИван\n", {"CP1251", "KOI8-R", "CP866"}},
      {"name,city\nIvan,Москва\n", {"CP1251", "KOI8-R"}},
      {"id;имя\n1;Анна\n2;Олег\n", {"CP1251", "KOI8-R", "CP866"}},
      {"ім'я,місто\nОлена Їжак,Київ\nЄвген,Львів\nҐалаґан,Одеса\n", {"CP1251", "KOI8-U"}},
      {"όνομα,πόλη\nΓιώργος,Αθήνα\nΜαρία,Θεσσαλονίκη\n", {"CP1253"}},
      {"isim,şehir\nİbrahim,İstanbul\nAyşe,Diyarbakır\nÖzgür,Eskişehir\nGüneş,Muğla\n", {"CP1254"}},
      {"الاسم,المدينة\nمحمد,القاهرة\nفاطمة,بغداد\n", {"CP1256"}},
      {"vardas,miestas\nŽydrūnas,Šiauliai\nAgnė,Klaipėda\nĄžuolas,Vilnius\n", {"CP1257"}},
      {"ชื่อ,เมือง\nสมชาย,กรุงเทพ\nสมหญิง,เชียงใหม่\n", {"CP874"}},
      {"名前,都市\n山田太郎,東京\n佐藤花子,大阪\n鈴木一郎,名古屋\n", {"CP932", "EUC-JP"}},
      {"ナマエ,トシ\nヤマダタロウ,トウキョウ\nサトウハナコ,オオサカ\n", {"CP932", "EUC-JP"}},
      {"なまえ,とし\nやまだ,とうきょう\n", {"CP932", "EUC-JP"}},
      {"ﾅﾏｴ,ﾄｼ\nﾔﾏﾀﾞ ﾀﾛｳ,ﾄｳｷｮｳ\nｻﾄｳ ﾊﾅｺ,ｵｵｻｶ\n", {"CP932"}},
      {"コード,カナ\n001,ﾔﾏﾀﾞ ﾀﾛｳ\n002,ｻﾄｳ ﾊﾅｺ\n", {"CP932"}},
      {"姓名,城市\n王小明,北京\n李雷,上海\n张伟,广州\n", {"GB18030"}},
      {"姓名,城市\n王小明,台北\n陳大文,高雄\n林美麗,新竹\n", {"BIG5"}},
      {"이름,도시\n김철수,서울\n이영희,부산\n박민수,대구\n", {"EUC-KR"}},
  };
  size_t all = 0;
  size_t low = 0;
  for (const Sample& sample : samples) {
    for (const char* encoding : sample.encodings) {
      const std::string bytes = encoded(sample.text, encoding);
      const EncodingGuess guess = guess_encoding(bytes);
      ++all;
      if (guess.confidence == "low") {
        ++low;
        continue;
      }
      std::string decoded;
      ASSERT_TRUE(decode_sample(bytes, guess.encoding, &decoded));
      EXPECT_EQ(decoded, sample.text)
          << encoding << " is taken for " << guess.encoding << ": " << guess.reason;
    }
  }
  EXPECT_LT(low * 8, all);
}

TEST(TextFile, Big5HasTheSignsThatEverybodyHasAdded) {
  for (const char* encoding : {"big5", "cp950"}) {
    InputOptions options;
    options.encoding = encoding;
    const std::string bytes = "a\xA4\x40\xC6\xA1\xC6\xE7\xA4\x40\xC7\xF3,\xC6\xA2\n";
    for (const size_t step : {size_t{1}, size_t{3}, size_t{1} << 16}) {
      EXPECT_EQ(content_of(*open_bytes(bytes, options), step), "a一①ぁ一А,②\n") << encoding;
    }
  }
}

TEST(TextFile, InvalidUtf8NamesTheBestGuess) {
  const std::string text =
      "\xC0\xEE\xD0\xA1\xC3\xF7,\xB1\xB1\xBE\xA9\n\xCD\xF5\xB7\xBC,\xC9\xCF\xBA\xA3\n";
  const std::string path = write_test_file("g.csv", "name,city\n" + text);
  expect_error(error_of([&] { open_csv(local_file_system(), path); }), ErrorKind::kFileFormat,
               {":2:1 (byte 10)", "not valid UTF-8", "gb18030", "encoding='gb18030'"});
  EncodingGuess guess;
  // What does not decide is an error with its place.
  const std::string short_text = write_test_file("s.csv", "a,b\n1,\xFF\xFE\n");
  expect_error(
      error_of([&] { TextFile::open_guessing(local_file_system(), short_text, {}, &guess); }),
      ErrorKind::kFileFormat, {"':2:3 (byte 6)", "not valid UTF-8"});
  const auto file = TextFile::open_guessing(local_file_system(), path, {}, &guess);
  EXPECT_EQ(file->encoding(), "gb18030");
  EXPECT_EQ(content_of(*file), "name,city\n李小明,北京\n王芳,上海\n");
}

TEST(TextFile, CsvThroughEveryDoor) {
  const std::string text = sample_text(300000);
  const TextRows expected =
      read_all(*open_csv(local_file_system(), write_test_file("plain.csv", "a,b\n" + text)));
  ASSERT_GT(expected.size(), 10000u);
  for (const std::string& stored : {gzip("a,b\n" + text), zstd("\xEF\xBB\xBF"
                                                               "a,b\n" +
                                                               text)}) {
    const std::string path = write_test_file("odd.txt", stored);
    for (const int64_t range_bytes : {777, 1 << 20}) {
      CsvOptions options;
      options.range_bytes = range_bytes;
      const auto source = open_csv(local_file_system(), path, options);
      EXPECT_EQ(source->schema().to_string(), "a int64, b int64");
      ASSERT_EQ(read_all(*source, kDefaultChunkRows, 3), expected);
    }
  }
  // A value that breaks its type is placed in the text.
  CsvOptions options;
  options.types["a"] = DataType(TypeId::kInt64);
  const std::string broken = gzip("a,b\n" + text + "x,1\n" + text);
  expect_error(
      error_of([&] {
        read_all(*open_csv(local_file_system(), write_test_file("b.csv", broken), options));
      }),
      ErrorKind::kTypeMismatch, {concat(":", expected.size() + 2, ": row "), "'x'"});
}

// With on_error = skip bytes that are no character leave out their rows, not the rest of the file.
TEST(TextFile, BadBytesOfAnEncodingAreMarked) {
  struct Sample {
    const char* encoding;
    std::string bytes;
    std::string text;
  };
  const std::vector<Sample> samples = {
      {"cp1252", "a\x81\x81,\xE9", "a\xFF\xFF,é"},
      {"shift-jis", "\xFF\xFFz\x93\xFA\n\x93\nb", "\xFF\xFFz日\n\xFF\nb"},
      {"gb18030", "\xFF\xD6\xD0\n\xD6", "\xFF中\n\xFF"},
      {"utf-16le", std::string("a\0\x00\xDC\x62\0c", 7),
       "a\xFF"
       "b\xFF"},
      {"utf-32be", std::string("\0\x11\0\0\0\0\0a\0\0", 10),
       "\xFF"
       "a\xFF"},
  };
  for (const Sample& sample : samples) {
    SCOPED_TRACE(sample.encoding);
    InputOptions options;
    options.encoding = sample.encoding;
    const auto open = [&](const std::string& bytes) {
      return TextFile::open(local_file_system(), write_test_file("t.bin", bytes), options,
                            RowErrorPolicy::kSkip);
    };
    EXPECT_EQ(content_of(*open(sample.bytes), 1), sample.text);
    EXPECT_EQ(content_of(*open(sample.bytes)), sample.text);
    expect_error(error_of([&] { content_of(*open_bytes(sample.bytes, options)); }),
                 ErrorKind::kFileFormat, {"no character of"});
    if (sample.encoding[0] == 'u') continue;
    for (size_t pad = (1 << 16) - 9; pad < (1 << 16) + 9; ++pad) {
      const std::string front(pad, 'x');
      ASSERT_EQ(content_of(*open(front + sample.bytes)), front + sample.text) << pad;
    }
  }
  // A file of nothing else takes no time.
  InputOptions options;
  options.encoding = "cp1252";
  const std::string bad(4 << 20, '\x81');
  const auto file = TextFile::open(local_file_system(), write_test_file("t.bin", "a" + bad),
                                   options, RowErrorPolicy::kSkip);
  EXPECT_EQ(content_of(*file), "a" + std::string(bad.size(), '\xFF'));

  CsvOptions csv;
  csv.input.encoding = "cp1252";
  csv.on_error = RowErrorPolicy::kSkip;
  const auto source =
      open_csv(local_file_system(), write_test_file("b.csv", "a,b\n1,x\xE9\n2,y\x81z\n3,z\n"), csv);
  EXPECT_EQ(read_all(*source), (TextRows{{"1", "xé"}, {"3", "z"}}));
  const TextRows rejects = read_all(*source->rejects());
  ASSERT_EQ(rejects.size(), 1u);
  EXPECT_EQ(rejects[0][1], "3");
  EXPECT_EQ(rejects[0][4], "2,y\\xFFz");
  EXPECT_NE(rejects[0][5].find("no character of cp1252"), std::string::npos) << rejects[0][5];
}

TEST(TextFile, APipeIsReadOnceAndHeld) {
  const std::string path = write_test_file("fifo", "");
  local_file_system()->remove(path);
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const std::string text = "a,b\n" + sample_text(300000);
  std::thread writer([&] {
    auto file = local_file_system()->create(path);
    file->write(text);
    file->close();
  });
  LocalFileOptions options;
  options.read_pipes = true;
  const auto source = open_csv(local_file_system(options), path);
  writer.join();
  const TextRows rows = read_all(*source, kDefaultChunkRows, 2);
  EXPECT_EQ(rows, read_all(*source));
  EXPECT_EQ(rows, read_all(*open_csv(local_file_system(), write_test_file("t.csv", text))));
  // Nobody writes: the caller can still get out.
  int checks = 0;
  options.interrupt_check = [&] {
    if (++checks == 3) throw Error(ErrorKind::kCancelled, "enough");
  };
  EXPECT_EQ(error_of([&] { open_csv(local_file_system(options), path); }).kind(),
            ErrorKind::kCancelled);
}

}  // namespace
}  // namespace velaria
