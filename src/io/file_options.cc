#include "src/io/file_options.h"

#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/io/option_texts.h"

namespace velaria {

namespace {

const char* const kReader = "CSV";

[[noreturn]] void refuse(std::string_view key, const std::string& value,
                         std::string_view expected) {
  OptionText{kReader, std::string(key), value}.refuse(expected);
}

}  // namespace

bool set_input_option(const std::string& key, const std::string& text, InputOptions* out) {
  const OptionText option{"", key, text};
  if (key == "encoding") {
    out->encoding = text;
  } else if (key == "filename") {
    const bool yes = equals_ignore_case(text, "true");
    const bool no = equals_ignore_case(text, "false") || text.empty();
    out->filename_column = yes ? "filename" : no ? "" : text;
  } else if (key == "union_by_name") {
    out->union_by_name = option.boolean();
  } else if (key == "max_decompressed_bytes") {
    out->max_decompressed_bytes = option.number();
    check_option_range("", key, out->max_decompressed_bytes, int64_t{1} << 50);
  } else {
    return false;
  }
  return true;
}

std::vector<std::string> input_option_names() {
  return {"encoding", "filename", "max_decompressed_bytes", "union_by_name"};
}

void refuse_file_table_options(const InputOptions& options, const std::string& reader) {
  const bool named = !options.filename_column.empty();
  if (!named && !options.union_by_name) return;
  throw Error(ErrorKind::kInvalidArgument,
              concat(reader, " has no option '", named ? "filename" : "union_by_name",
                     "': its files have one schema, and rows do not tell their file"));
}

void require_columns_of_another_file(const std::string& path, const std::vector<Field>& found,
                                     const std::vector<Field>& wanted, const char* where) {
  const std::vector<std::string> found_names = Schema(found).names();
  const std::vector<std::string> wanted_names = Schema(wanted).names();
  if (found_names == wanted_names) return;
  throw Error(
      ErrorKind::kFileFormat,
      concat(
          "'", path, "' has the columns (", join_texts(found_names, ", "), ")", where,
          ", the files before it have (", join_texts(wanted_names, ", "),
          "); all need the same ones in the same order: correct it, or read it apart from them"));
}

CsvOptions csv_options_from_text(const std::map<std::string, std::string>& texts) {
  CsvOptions options;
  const std::map<std::string, OptionSetter> setters = {
      {"delimiter", [&](const OptionText& option) { options.delimiter = option.characters(); }},
      {"quote", [&](const OptionText& option) { options.quote = option.character(); }},
      {"escape",
       [&](const OptionText& option) {
         options.escape = option.text == "\\" ? '\\' : option.character();
       }},
      {"comment", [&](const OptionText& option) { options.comment = option.characters(); }},
      {"skip_lines", [&](const OptionText& option) { options.skip_lines = option.number(); }},
      {"on_error", [&](const OptionText& option) { options.on_error = option.row_errors(); }},
      {"header", [&](const OptionText& option) { options.header = option.boolean(); }},
      {"columns", [&](const OptionText& option) { options.columns = option.fields(); }},
      {"types", [&](const OptionText& option) { options.types = option.types(); }},
      {"null_text", [&](const OptionText& option) { options.null_texts = option.words(); }},
      {"null_words", [&](const OptionText& option) { options.null_words = option.words(); }},
      {"ragged", [&](const OptionText& option) { options.ragged = option.ragged(); }},
      {"on_type_error",
       [&](const OptionText& option) {
         if (option.text != "widen" && option.text != "fail") option.refuse("widen or fail");
         options.on_type_error =
             option.text == "fail" ? TypeErrorPolicy::kFail : TypeErrorPolicy::kWiden;
       }},
      {"sample_bytes", [&](const OptionText& option) { options.sample_bytes = option.number(); }},
      {"range_bytes", [&](const OptionText& option) { options.range_bytes = option.number(); }},
      {"max_row_bytes", [&](const OptionText& option) { options.max_row_bytes = option.number(); }},
  };
  read_option_texts(kReader, texts, setters, &options.input);
  check_csv_options(options);
  return options;
}

CsvOptions csv_writer_options_from_text(std::map<std::string, std::string> texts) {
  std::string null_text;
  for (auto option = texts.begin(); option != texts.end();) {
    if (to_lower_ascii(option->first) == "null_text") {
      null_text = std::move(option->second);
      option = texts.erase(option);
    } else {
      ++option;
    }
  }
  CsvOptions options = csv_options_from_text(texts);
  if (!null_text.empty()) options.null_texts.push_back(std::move(null_text));
  check_csv_options(options);
  return options;
}

void check_csv_options(const CsvOptions& options) {
  if (options.delimiter.empty() || options.delimiter.size() > 64) {
    refuse("delimiter", options.delimiter, "1 to 64 bytes");
  }
  if (options.delimiter.find_first_of("\r\n") != std::string::npos) {
    refuse("delimiter", options.delimiter, "free of line ends");
  }
  if (options.quote == '\r' || options.quote == '\n' ||
      static_cast<unsigned char>(options.quote) >= 0x80) {
    refuse("quote", std::string(1, options.quote), "an ASCII character that is not a line end");
  }
  if (options.quote != '\0' && options.delimiter.find(options.quote) != std::string::npos) {
    refuse("delimiter", options.delimiter, "free of the quote character");
  }
  const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  if (options.escape == '\r' || options.escape == '\n' || !is_ascii(options.escape)) {
    refuse("escape", std::string(1, options.escape), "an ASCII character that is not a line end");
  }
  if (options.escape != '\0' && options.delimiter.find(options.escape) != std::string::npos) {
    refuse("delimiter", options.delimiter, "free of the escape character");
  }
  if (options.comment.size() > 64 || options.comment.find_first_of("\r\n") != std::string::npos) {
    refuse("comment", options.comment, "at most 64 bytes without a line end");
  }
  if (!options.comment.empty() &&
      (options.comment.compare(0, options.delimiter.size(), options.delimiter) == 0 ||
       (options.quote != '\0' && options.comment[0] == options.quote))) {
    refuse("comment", options.comment, "other than the delimiter and the quote");
  }
  if (options.skip_lines < 0) {
    refuse("skip_lines", std::to_string(options.skip_lines), "0 or more");
  }
  const auto check_null_text = [&](std::string_view key, const std::string& text) {
    if (text.find_first_of("\r\n") != std::string::npos ||
        text.find(options.delimiter) != std::string::npos) {
      refuse(key, text, "free of delimiters and line ends");
    }
  };
  for (const std::string& text : options.null_texts) check_null_text("null_text", text);
  if (options.null_words.size() > 32) {
    refuse("null_words", join_texts(options.null_words, ","), "at most 32 words");
  }
  for (const std::string& word : options.null_words) {
    check_null_text("null_words", word);
    const bool digits = word.find_first_of("0123456789") != std::string::npos;
    if (digits || equals_ignore_case(word, "true") || equals_ignore_case(word, "false")) {
      refuse("null_words", word, "no number, date or truth value; null_text may name it");
    }
  }
  check_option_range(kReader, "sample_bytes", options.sample_bytes, int64_t{1} << 40);
  check_option_range(kReader, "range_bytes", options.range_bytes, int64_t{4} << 20);
  check_option_range(kReader, "max_row_bytes", options.max_row_bytes, int64_t{256} << 20);
}

}  // namespace velaria
