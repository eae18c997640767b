#include "src/io/file_options.h"

#include <charconv>
#include <functional>

#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria {

namespace {

[[noreturn]] void refuse(std::string_view key, std::string_view value, std::string_view expected) {
  throw Error(ErrorKind::kInvalidArgument,
              concat("option ", key, " is '", excerpt(value), "'; it must be ", expected));
}

std::string unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == 't' || text[i + 1] == '\\')) {
      out += text[++i] == 't' ? '\t' : '\\';
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string_view trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\n") - begin + 1);
}

// Splits at commas outside brackets and double quotes.
std::vector<std::string_view> split_list(std::string_view text) {
  std::vector<std::string_view> parts;
  size_t begin = 0;
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i <= text.size(); ++i) {
    const char c = i < text.size() ? text[i] : ',';
    if (c == '"') quoted = !quoted;
    if (i < text.size() && quoted) continue;
    if (c == '(' || c == '[') ++depth;
    if (c == ')' || c == ']') --depth;
    if (i == text.size() || (c == ',' && depth <= 0)) {
      parts.push_back(trim(text.substr(begin, i - begin)));
      begin = i + 1;
    }
  }
  if (parts.size() == 1 && parts[0].empty()) parts.clear();
  return parts;
}

std::vector<Field> fields_from_text(std::string_view key, const std::string& text) {
  constexpr std::string_view kForm = "a list like: name type, \"other name\" type";
  std::vector<Field> fields;
  for (std::string_view part : split_list(text)) {
    Field field;
    if (!part.empty() && part.front() == '"') {
      const size_t end = part.find('"', 1);
      if (end == std::string_view::npos) refuse(key, text, kForm);
      field.name = std::string(part.substr(1, end - 1));
      part = trim(part.substr(end + 1));
    } else {
      const size_t space = part.find(' ');
      if (space == std::string_view::npos) refuse(key, text, kForm);
      field.name = std::string(part.substr(0, space));
      part = trim(part.substr(space));
    }
    if (field.name.empty() || part.empty()) refuse(key, text, kForm);
    field.type = type_from_name(part);
    fields.push_back(std::move(field));
  }
  return fields;
}

bool bool_from_text(std::string_view key, const std::string& text) {
  if (equals_ignore_case(text, "true")) return true;
  if (equals_ignore_case(text, "false")) return false;
  refuse(key, text, "true or false");
}

int64_t bytes_from_text(std::string_view key, const std::string& text) {
  int64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) {
    refuse(key, text, "a number of bytes");
  }
  return value;
}

using Setter = std::function<void(const std::string& key, const std::string& text, CsvOptions*)>;

const std::map<std::string, Setter>& setters() {
  static const std::map<std::string, Setter> all = {
      {"delimiter", [](const std::string&, const std::string& text,
                       CsvOptions* out) { out->delimiter = unescape(text); }},
      {"quote",
       [](const std::string& key, const std::string& text, CsvOptions* out) {
         const std::string quote = unescape(text);
         if (quote.size() > 1) refuse(key, text, "one character, or empty for none");
         out->quote = quote.empty() ? '\0' : quote[0];
       }},
      {"header", [](const std::string& key, const std::string& text,
                    CsvOptions* out) { out->header = bool_from_text(key, text); }},
      {"columns", [](const std::string& key, const std::string& text,
                     CsvOptions* out) { out->columns = fields_from_text(key, text); }},
      {"types",
       [](const std::string& key, const std::string& text, CsvOptions* out) {
         for (Field& field : fields_from_text(key, text)) out->types[field.name] = field.type;
       }},
      {"null_text",
       [](const std::string&, const std::string& text, CsvOptions* out) {
         for (std::string_view part : split_list(text)) out->null_texts.emplace_back(part);
       }},
      {"ragged",
       [](const std::string& key, const std::string& text, CsvOptions* out) {
         if (text != "error" && text != "pad") refuse(key, text, "error or pad");
         out->ragged = text == "pad" ? RaggedPolicy::kPad : RaggedPolicy::kError;
       }},
      {"on_type_error",
       [](const std::string& key, const std::string& text, CsvOptions* out) {
         if (text != "widen" && text != "fail") refuse(key, text, "widen or fail");
         out->on_type_error = text == "fail" ? TypeErrorPolicy::kFail : TypeErrorPolicy::kWiden;
       }},
      {"sample_bytes", [](const std::string& key, const std::string& text,
                          CsvOptions* out) { out->sample_bytes = bytes_from_text(key, text); }},
      {"range_bytes", [](const std::string& key, const std::string& text,
                         CsvOptions* out) { out->range_bytes = bytes_from_text(key, text); }},
      {"max_row_bytes", [](const std::string& key, const std::string& text,
                           CsvOptions* out) { out->max_row_bytes = bytes_from_text(key, text); }},
  };
  return all;
}

void check_bytes(std::string_view key, int64_t value, int64_t most) {
  if (value >= 1 && value <= most) return;
  refuse(key, std::to_string(value), concat("between 1 and ", most));
}

}  // namespace

bool set_input_option(const std::string& key, const std::string& text, InputOptions* out) {
  if (key == "encoding") {
    out->encoding = text;
  } else if (key == "filename") {
    const bool yes = equals_ignore_case(text, "true");
    const bool no = equals_ignore_case(text, "false") || text.empty();
    out->filename_column = yes ? "filename" : no ? "" : text;
  } else if (key == "union_by_name") {
    out->union_by_name = bool_from_text(key, text);
  } else if (key == "max_decompressed_bytes") {
    out->max_decompressed_bytes = bytes_from_text(key, text);
    check_bytes(key, out->max_decompressed_bytes, int64_t{1} << 50);
  } else {
    return false;
  }
  return true;
}

std::vector<std::string> input_option_names() {
  return {"encoding", "filename", "max_decompressed_bytes", "union_by_name"};
}

CsvOptions csv_options_from_text(const std::map<std::string, std::string>& texts) {
  CsvOptions options;
  for (const auto& [key, text] : texts) {
    const std::string folded = to_lower_ascii(key);
    if (set_input_option(folded, text, &options.input)) continue;
    const auto found = setters().find(folded);
    if (found == setters().end()) {
      std::vector<std::string> names = input_option_names();
      for (const auto& [name, setter] : setters()) names.push_back(name);
      const std::string suggestion = did_you_mean(folded, names);
      throw Error(ErrorKind::kInvalidArgument,
                  concat("CSV has no option '", excerpt(key), "'", suggestion,
                         suggestion.empty() ? "; the options are " + join_texts(names, ", ") : ""));
    }
    found->second(folded, text, &options);
  }
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
  for (const std::string& text : options.null_texts) {
    if (text.find_first_of("\r\n") != std::string::npos ||
        text.find(options.delimiter) != std::string::npos) {
      refuse("null_text", text, "free of delimiters and line ends");
    }
  }
  check_bytes("sample_bytes", options.sample_bytes, int64_t{1} << 40);
  check_bytes("range_bytes", options.range_bytes, int64_t{4} << 20);
  check_bytes("max_row_bytes", options.max_row_bytes, int64_t{256} << 20);
}

}  // namespace velaria
