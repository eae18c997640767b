// Options of readers as key/value texts: what SQL's OPTIONS(...) and keyword arguments carry.
//
// An unknown name or value is refused with InvalidArgumentError and a suggestion.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "src/column/schema.h"
#include "src/io/file_options.h"

namespace velaria {

struct NamedText {
  std::string name;
  std::string text;  // may be empty
};

struct OptionText {
  std::string_view reader;  // "JSON"
  std::string key;
  std::string text;

  [[noreturn]] void refuse(std::string_view expected) const;
  bool boolean() const;
  int64_t number() const;
  std::string characters() const;  // knows "\t" and "\\"
  char character() const;          // one, or none: '\0'; knows "\t"
  RowErrorPolicy row_errors() const;
  RaggedPolicy ragged() const;
  // "word, two words": at commas outside of brackets and quotes. A word in single quotes is whole,
  // with its commas and blanks: "'one, word', 'it''s'".
  std::vector<std::string> words() const;
  // "name text, \"other name\" text".
  std::vector<NamedText> named_list() const;
  // "name type, \"other name\" type".
  std::vector<Field> fields() const;
  std::map<std::string, DataType> types() const;
};

using OptionSetter = std::function<void(const OptionText&)>;

// `input` takes the options of set_input_option(); null: there are none.
void read_option_texts(std::string_view reader, const std::map<std::string, std::string>& texts,
                       const std::map<std::string, OptionSetter>& setters,
                       InputOptions* input = nullptr);
// Throws unless 1 <= value <= most.
void check_option_range(std::string_view reader, std::string_view key, int64_t value, int64_t most);

}  // namespace velaria
