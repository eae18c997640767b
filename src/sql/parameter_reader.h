// From a parameter in the text to its value. Inside of the parser.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "src/sql/parameters.h"

namespace velaria::sql {

class ParameterReader {
 public:
  // Both outlive the reader.
  ParameterReader(std::string_view text, const Parameters& values) : text_(text), values_(values) {}

  // `parameter` as written: ?, $1 or $name. The parser may come to one place several times.
  Value value_of(const std::string& parameter, int64_t position);
  void check_all_used() const;

 private:
  [[noreturn]] void fail(const std::string& message, int64_t position) const;
  const Value& positional(size_t number, const std::string& parameter, int64_t position);

  std::string_view text_;
  const Parameters& values_;
  std::string first_;                         // the form that the statement uses
  std::map<int64_t, size_t> question_marks_;  // by position in the text: which one it is, from 1
  std::set<size_t> used_numbers_;
  std::set<std::string> used_names_;
};

}  // namespace velaria::sql
