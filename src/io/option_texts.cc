#include "src/io/option_texts.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria {

namespace {

const char* const kBlanks = " \t\n";

std::string_view trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

// Takes text in quotes off the front of `part`, where a doubled quote is one; nothing when it has
// no end.
std::optional<std::string> take_quoted(std::string_view* part) {
  const char quote = part->front();
  std::string out;
  for (size_t at = 1; at < part->size(); ++at) {
    if ((*part)[at] == quote) {
      if (at + 1 == part->size() || (*part)[at + 1] != quote) {
        part->remove_prefix(at + 1);
        return out;
      }
      ++at;
    }
    out += (*part)[at];
  }
  return std::nullopt;
}

// At commas outside of brackets and double quotes, and with `words` outside of single quotes, which
// count only where a part begins: "don't" is a word.
std::vector<std::string_view> split_list(std::string_view text, bool words = false) {
  std::vector<std::string_view> parts;
  size_t begin = 0;
  int depth = 0;
  bool quoted = false;
  bool in_word = false;
  for (size_t i = 0; i <= text.size(); ++i) {
    const char c = i < text.size() ? text[i] : ',';
    if (c == '\'' && words && text[text.find_first_not_of(kBlanks, begin)] == '\'') {
      in_word = !in_word;  // a doubled one ends the word and begins it again
    }
    if (i < text.size() && in_word) continue;
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

}  // namespace

void OptionText::refuse(std::string_view expected) const {
  throw Error(ErrorKind::kInvalidArgument,
              concat(reader, reader.empty() ? "" : " ", "option ", key, " is '", excerpt(text),
                     "'; it must be ", expected));
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

std::string OptionText::characters() const {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const std::string_view pair = std::string_view(text).substr(i, 2);
    if (pair == "\\t" || pair == "\\\\") {
      out += text[++i] == 't' ? '\t' : '\\';
    } else {
      out += text[i];
    }
  }
  return out;
}

char OptionText::character() const {
  const std::string all = characters();
  if (all.size() > 1) refuse("one character, or empty for none");
  return all.empty() ? '\0' : all[0];
}

RowErrorPolicy OptionText::row_errors() const {
  if (text == "skip") return RowErrorPolicy::kSkip;
  if (text != "error" && text != "fail") refuse("error or skip");
  return RowErrorPolicy::kFail;
}

RaggedPolicy OptionText::ragged() const {
  if (text == "pad") return RaggedPolicy::kPad;
  if (text != "error") refuse("error or pad");
  return RaggedPolicy::kError;
}

std::vector<std::string> OptionText::words() const {
  std::vector<std::string> out;
  for (std::string_view part : split_list(text, true)) {
    if (part.empty() || part.front() != '\'') {
      out.emplace_back(part);
      continue;
    }
    std::optional<std::string> word = take_quoted(&part);
    if (!word || !part.empty()) refuse("a list like: NA, 'one, word', 'it''s'");
    out.push_back(std::move(*word));
  }
  return out;
}

std::vector<NamedText> OptionText::named_list() const {
  std::vector<NamedText> out;
  for (std::string_view part : split_list(text)) {
    NamedText item;
    if (!part.empty() && part.front() == '"') {
      std::optional<std::string> name = take_quoted(&part);
      if (!name) refuse("a list like: name, \"other name\" type");
      item.name = std::move(*name);
      part = trim(part);
    } else {
      const size_t space = std::min(part.find_first_of(" \t\n"), part.size());
      item.name = std::string(part.substr(0, space));
      part = trim(part.substr(space));
    }
    if (item.name.empty()) refuse("a list like: name, \"other name\" type");
    item.text = std::string(part);
    out.push_back(std::move(item));
  }
  return out;
}

std::vector<Field> OptionText::fields() const {
  std::vector<Field> out;
  for (NamedText& item : named_list()) {
    if (item.text.empty()) refuse("a list like: name type, \"other name\" type");
    out.push_back({std::move(item.name), type_from_name(item.text)});
  }
  return out;
}

std::map<std::string, DataType> OptionText::types() const {
  std::map<std::string, DataType> out;
  for (Field& field : fields()) out[field.name] = std::move(field.type);
  return out;
}

void read_option_texts(std::string_view reader, const std::map<std::string, std::string>& texts,
                       const std::map<std::string, OptionSetter>& setters, InputOptions* input) {
  for (const auto& [key, text] : texts) {
    const std::string folded = to_lower_ascii(key);
    if (input != nullptr && set_input_option(folded, text, input)) continue;
    const auto found = setters.find(folded);
    if (found == setters.end()) {
      std::vector<std::string> names;
      if (input != nullptr) names = input_option_names();
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
