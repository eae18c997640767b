#include "src/io/text_table/text_options.h"

#include <algorithm>
#include <charconv>

#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria {

namespace {

std::string_view trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\n") - begin + 1);
}

}  // namespace

void OptionText::refuse(std::string_view expected) const {
  throw Error(ErrorKind::kInvalidArgument,
              concat(reader, " option ", key, " is '", excerpt(text), "'; it must be ", expected));
}

bool OptionText::boolean() const {
  if (equals_ignore_case(text, "true")) return true;
  if (equals_ignore_case(text, "false")) return false;
  refuse("true or false");
}

int64_t OptionText::number() const {
  int64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) refuse("a whole number");
  return value;
}

RowErrorPolicy OptionText::row_errors() const {
  if (text == "skip") return RowErrorPolicy::kSkip;
  if (text != "error" && text != "fail") refuse("error or skip");
  return RowErrorPolicy::kFail;
}

std::vector<NamedText> OptionText::named_list() const {
  std::vector<NamedText> out;
  const auto add = [&](std::string_view part) {
    NamedText item;
    if (!part.empty() && part.front() == '"') {
      size_t at = 1;
      while (at < part.size() && !(part[at] == '"' && part.substr(at, 2) != "\"\"")) {
        at += part[at] == '"' ? 1 : 0;  // "" is a quote
        item.name += part[at++];
      }
      if (at >= part.size()) refuse("a list like: name, \"other name\" type");
      part = trim(part.substr(at + 1));
    } else {
      const size_t space = std::min(part.find_first_of(" \t\n"), part.size());
      item.name = std::string(part.substr(0, space));
      part = trim(part.substr(space));
    }
    if (item.name.empty()) refuse("a list like: name, \"other name\" type");
    item.text = std::string(part);
    out.push_back(std::move(item));
  };
  const std::string_view whole = trim(text);
  if (whole.empty()) return out;
  size_t begin = 0;
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i <= whole.size(); ++i) {
    const char c = i < whole.size() ? whole[i] : ',';
    if (c == '"') quoted = !quoted;
    if (i < whole.size() && quoted) continue;
    if (c == '(' || c == '[') ++depth;
    if (c == ')' || c == ']') --depth;
    if (i == whole.size() || (c == ',' && depth <= 0)) {
      add(trim(whole.substr(begin, i - begin)));
      begin = i + 1;
    }
  }
  return out;
}

std::map<std::string, DataType> OptionText::types() const {
  std::map<std::string, DataType> out;
  for (const NamedText& item : named_list()) {
    if (item.text.empty()) refuse("a list like: name type, \"other name\" type");
    out[item.name] = type_from_name(item.text);
  }
  return out;
}

void read_option_texts(std::string_view reader, const std::map<std::string, std::string>& texts,
                       const std::map<std::string, OptionSetter>& setters, InputOptions* input) {
  for (const auto& [key, text] : texts) {
    const std::string folded = to_lower_ascii(key);
    if (set_input_option(folded, text, input)) continue;
    const auto found = setters.find(folded);
    if (found == setters.end()) {
      std::vector<std::string> names = input_option_names();
      for (const auto& [name, setter] : setters) names.push_back(name);
      const std::string suggestion = did_you_mean(folded, names);
      throw Error(ErrorKind::kInvalidArgument,
                  concat(reader, " has no option '", excerpt(key), "'", suggestion,
                         suggestion.empty() ? "; the options are " + join_texts(names, ", ") : ""));
    }
    found->second({reader, folded, text});
  }
}

void check_option_range(std::string_view reader, std::string_view key, int64_t value,
                        int64_t most) {
  if (value >= 1 && value <= most) return;
  OptionText{reader, std::string(key), std::to_string(value)}.refuse(
      concat("between 1 and ", most));
}

}  // namespace velaria
