#include "src/io/line/line_options.h"

#include <set>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/io/line/line_presets.h"

namespace velaria {

namespace {

const char* const kReader = "line";

}  // namespace

LineOptions line_options_from_text(const std::map<std::string, std::string>& texts) {
  LineOptions options;
  std::map<std::string, std::string> rest;
  bool mode_given = false;
  for (const auto& [key, text] : texts) {
    const std::string folded = to_lower_ascii(key);
    mode_given = mode_given || folded == "mode";
    if (folded == "preset") {
      options = line_preset(text).options();
    } else {
      rest[folded] = text;
    }
  }
  const std::map<std::string, OptionSetter> setters = {
      {"mode",
       [&](const OptionText& option) {
         if (option.text != "split" && option.text != "regex") option.refuse("split or regex");
         options.mode = option.text == "split" ? LineMode::kSplit : LineMode::kRegex;
       }},
      {"split_delimiter",
       [&](const OptionText& option) { options.split_delimiter = option.characters(); }},
      {"regex_pattern",
       [&](const OptionText& option) {
         options.regex_pattern = option.text;
         if (!mode_given && !option.text.empty()) options.mode = LineMode::kRegex;
       }},
      {"mappings",
       [&](const OptionText& option) {
         options.mappings.clear();
         for (const NamedText& item : option.named_list()) {
           NamedText parts = item;
           // "ip:1", "ip=1" and "ip: 1" are "ip 1".
           const size_t sign =
               parts.text.empty() ? parts.name.find_last_of(":=") : std::string::npos;
           if (sign != std::string::npos) {
             parts.text = parts.name.substr(sign + 1);
             parts.name.resize(sign);
           } else if (!parts.text.empty() &&
                      (parts.name.back() == ':' || parts.name.back() == '=')) {
             parts.name.pop_back();
           } else if (!parts.text.empty() && (parts.text[0] == ':' || parts.text[0] == '=')) {
             parts.text.erase(0, parts.text.find_first_not_of(":= "));
           }
           if (parts.text.empty() || parts.name.empty()) {
             option.refuse("a list like: name 0, other 2");
           }
           options.mappings.push_back({parts.name, parts.text});
         }
       }},
      {"preset", [](const OptionText&) {}},
      {"skip_empty_lines",
       [&](const OptionText& option) { options.skip_empty_lines = option.boolean(); }},
      {"types", [&](const OptionText& option) { options.types = option.types(); }},
      {"null_text", [&](const OptionText& option) { options.null_texts = option.words(); }},
      {"ragged", [&](const OptionText& option) { options.ragged = option.ragged(); }},
      {"on_error", [&](const OptionText& option) { options.on_error = option.row_errors(); }},
      {"range_bytes", [&](const OptionText& option) { options.range_bytes = option.number(); }},
      {"max_row_bytes", [&](const OptionText& option) { options.max_row_bytes = option.number(); }},
  };
  read_option_texts(kReader, rest, setters, &options.input);
  check_line_options(options);
  return options;
}

void check_line_options(const LineOptions& options) {
  check_option_range(kReader, "range_bytes", options.range_bytes, int64_t{4} << 20);
  check_option_range(kReader, "max_row_bytes", options.max_row_bytes, int64_t{256} << 20);
  const auto refuse = [](const std::string& what) {
    throw Error(ErrorKind::kInvalidArgument, what);
  };
  if (options.mode == LineMode::kRegex) {
    if (options.regex_pattern.empty()) refuse("mode='regex' needs a regex_pattern");
  } else {
    if (!options.regex_pattern.empty()) {
      refuse("regex_pattern belongs to mode='regex', but the mode is 'split'");
    }
    if (options.split_delimiter.empty() || options.split_delimiter.size() > 64) {
      refuse("split_delimiter must be 1 to 64 bytes, or 'whitespace'");
    }
    if (options.split_delimiter.find_first_of("\r\n") != std::string::npos) {
      refuse("split_delimiter must be free of line ends");
    }
  }
  std::set<std::string> names;
  for (const LineMapping& mapping : options.mappings) {
    if (mapping.name.empty()) refuse("a column of mappings has no name");
    if (!names.insert(mapping.name).second) {
      refuse(concat("mappings names column '", excerpt(mapping.name), "' twice"));
    }
  }
}

}  // namespace velaria
