#include "src/io/json/json_options.h"

#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria {

namespace {

const char* const kReader = "JSON";

}  // namespace

JsonOptions json_options_from_text(const std::map<std::string, std::string>& texts) {
  JsonOptions options;
  const std::map<std::string, OptionSetter> setters = {
      {"format",
       [&](const OptionText& option) {
         if (option.text == "json_array" || option.text == "array") {
           options.format = JsonFormat::kArray;
         } else if (option.text == "json_lines" || option.text == "lines") {
           options.format = JsonFormat::kLines;
         } else {
           option.refuse("json_lines or json_array");
         }
       }},
      {"columns",
       [&](const OptionText& option) {
         for (const NamedText& item : option.named_list()) {
           options.columns.push_back({item.name, std::nullopt});
           if (!item.text.empty()) options.columns.back().type = type_from_name(item.text);
         }
       }},
      {"types", [&](const OptionText& option) { options.types = option.types(); }},
      {"unknown_keys",
       [&](const OptionText& option) {
         if (option.text != "ignore" && option.text != "error") option.refuse("ignore or error");
         options.unknown_keys =
             option.text == "error" ? UnknownKeyPolicy::kFail : UnknownKeyPolicy::kIgnore;
       }},
      {"multiline", [&](const OptionText& option) { options.multiline = option.boolean(); }},
      {"on_error", [&](const OptionText& option) { options.on_error = option.row_errors(); }},
      {"max_columns", [&](const OptionText& option) { options.max_columns = option.number(); }},
      {"range_bytes", [&](const OptionText& option) { options.range_bytes = option.number(); }},
      {"max_row_bytes", [&](const OptionText& option) { options.max_row_bytes = option.number(); }},
  };
  read_option_texts(kReader, texts, setters, &options.input);
  check_json_options(options);
  return options;
}

void check_json_options(const JsonOptions& options) {
  check_option_range(kReader, "max_columns", options.max_columns, 1000000);
  check_option_range(kReader, "range_bytes", options.range_bytes, int64_t{4} << 20);
  check_option_range(kReader, "max_row_bytes", options.max_row_bytes, int64_t{256} << 20);
  if (options.on_error == RowErrorPolicy::kSkip &&
      (options.format == JsonFormat::kArray || options.multiline.value_or(false))) {
    throw Error(ErrorKind::kInvalidArgument,
                "JSON option on_error='skip' needs one object on each line: behind a defect in an "
                "array, or in an object of several lines, nobody knows where the next one begins");
  }
  std::map<std::string, int> seen;
  for (const JsonColumn& column : options.columns) {
    if (++seen[column.name] > 1) {
      throw Error(ErrorKind::kInvalidArgument,
                  concat("columns names '", excerpt(column.name), "' twice"));
    }
  }
}

}  // namespace velaria
