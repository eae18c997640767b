#include "src/io/file_options.h"

#include "gtest/gtest.h"
#include "src/base/error.h"
#include "src/io/file_content.h"

namespace velaria {
namespace {

TEST(CsvOptions, FromText) {
  const CsvOptions options = csv_options_from_text({{"DELIMITER", "\\t"},
                                                    {"quote", "'"},
                                                    {"header", "FALSE"},
                                                    {"columns", "a int64, \"b c\" double"},
                                                    {"types", "d timestamp[us]"},
                                                    {"null_text", "NA, N/A"},
                                                    {"ragged", "pad"},
                                                    {"on_type_error", "fail"},
                                                    {"range_bytes", "4096"}});
  EXPECT_EQ(options.delimiter, "\t");
  EXPECT_EQ(options.quote, '\'');
  EXPECT_EQ(options.header, false);
  EXPECT_EQ(Schema(options.columns).to_string(), "a int64, b c float64");
  EXPECT_EQ(options.types.at("d").to_string(), "timestamp[us]");
  EXPECT_EQ(options.null_texts, (std::vector<std::string>{"NA", "N/A"}));
  EXPECT_EQ(options.ragged, RaggedPolicy::kPad);
  EXPECT_EQ(options.on_type_error, TypeErrorPolicy::kFail);
  EXPECT_EQ(options.range_bytes, 4096);
  EXPECT_EQ(csv_options_from_text({{"quote", ""}}).quote, '\0');
}

std::string message_of(const std::map<std::string, std::string>& texts) {
  try {
    csv_options_from_text(texts);
  } catch (const Error& error) {
    return error.message();
  }
  return "";
}

// A word in single quotes is whole, whatever is in it.
TEST(CsvOptions, Words) {
  const std::pair<const char*, std::vector<std::string>> cases[] = {
      {"", {}},
      {"NA", {"NA"}},
      {"NA, N/A,", {"NA", "N/A", ""}},
      {"don't, it's", {"don't", "it's"}},
      {"[a,b], \"c,d\"", {"[a,b]", "\"c,d\""}},
      {"''", {""}},
      {"'n/a, none'", {"n/a, none"}},
      {"' ' , - ,'it''s','''', '\"', '('", {" ", "-", "it's", "'", "\"", "("}},
  };
  for (const auto& [text, words] : cases) {
    EXPECT_EQ(csv_options_from_text({{"delimiter", ";"}, {"null_text", text}}).null_texts, words)
        << text;
    EXPECT_EQ(csv_options_from_text({{"delimiter", ";"}, {"null_words", text}}).null_words, words)
        << text;
  }
  for (const char* text : {"'", "'a", "'a' b", "NA,'b''"}) {
    EXPECT_NE(message_of({{"null_text", text}}).find("'one, word'"), std::string::npos) << text;
  }
  // What the delimiter parts could never be one field.
  EXPECT_NE(message_of({{"null_text", "'a,b'"}}).find("free of delimiters"), std::string::npos);
}

// NULL is written as one text, so a writer has no list.
TEST(CsvOptions, OfAWriter) {
  for (const char* text : {"a,b", " ", "'NA'"}) {
    const CsvOptions options = csv_writer_options_from_text(
        {{"Delimiter", ";"}, {"NULL_TEXT", text}, {"header", "false"}});
    EXPECT_EQ(options.null_texts, std::vector<std::string>{text});
    EXPECT_EQ(options.header, false);
  }
  EXPECT_TRUE(csv_writer_options_from_text({{"null_text", ""}}).null_texts.empty());
  EXPECT_TRUE(csv_writer_options_from_text({}).null_texts.empty());
  EXPECT_THROW(csv_writer_options_from_text({{"null_text", "a,b"}}), Error);
}

TEST(CsvOptions, Refusals) {
  EXPECT_NE(message_of({{"delimeter", ";"}}).find("did you mean 'delimiter'"), std::string::npos);
  EXPECT_NE(message_of({{"zzzzzzzzzz", ";"}}).find("the options are"), std::string::npos);
  EXPECT_NE(message_of({{"header", "maybe"}}).find("true or false"), std::string::npos);
  EXPECT_NE(message_of({{"delimiter", ""}}), "");
  EXPECT_NE(message_of({{"delimiter", "\n"}}), "");
  EXPECT_NE(message_of({{"delimiter", "\""}}), "");
  EXPECT_NE(message_of({{"quote", "ab"}}), "");
  EXPECT_NE(message_of({{"columns", "a"}}), "");
  EXPECT_NE(message_of({{"columns", "a nonsense"}}), "");
  EXPECT_NE(message_of({{"range_bytes", "0"}}), "");
  EXPECT_NE(message_of({{"range_bytes", "1e6"}}), "");
  EXPECT_NE(message_of({{"ragged", "skip"}}), "");
}

TEST(FileContent, Utf8) {
  const std::string pad(70, 'a');
  for (const char* good : {"", "abc", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"}) {
    const std::string text = pad + good + pad;
    EXPECT_EQ(find_invalid_utf8(text), text.size());
  }
  for (const char* bad : {"\x80", "\xC0\x80", "\xC3(", "\xE0\x80\x80", "\xED\xA0\x80", "\xFF",
                          "\xF4\x90\x80\x80", "\xF8\x88\x80\x80\x80"}) {
    EXPECT_EQ(find_invalid_utf8(pad + bad + pad), pad.size());
  }
  EXPECT_EQ(find_invalid_utf8("ab\xE2\x82"), 2u);
}

TEST(FileContent, Starts) {
  EXPECT_EQ(check_text_start("f", "a,b"), 0u);
  EXPECT_EQ(check_text_start("f",
                             "\xEF\xBB\xBF"
                             "a"),
            3u);
  for (const char* head : {"", "PAR1", "PK\x03\x04", "\xEF\xBB\xBF"}) {
    EXPECT_THROW(check_text_start("f", head), Error) << head;
  }
  EXPECT_THROW(check_text_start("f", std::string_view("a\0b", 3)), Error);
}

}  // namespace
}  // namespace velaria
