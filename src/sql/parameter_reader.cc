#include "src/sql/parameter_reader.h"

#include <cctype>
#include <vector>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/sql/source_position.h"

namespace velaria::sql {

namespace {

// "?", "$1" or "$name": what all parameters of a statement have to look like.
std::string form_of(const std::string& parameter) {
  if (parameter == "?") return parameter;
  return parameter[1] >= '0' && parameter[1] <= '9' ? "$1" : "$name";
}

}  // namespace

void ParameterReader::fail(const std::string& message, int64_t position) const {
  throw Error(ErrorKind::kSqlSemantic,
              position < 0 ? message : message + "\n" + point_at(text_, position));
}

const Value& ParameterReader::positional(size_t number, const std::string& parameter,
                                         int64_t position) {
  const size_t given = values_.positional.size();
  if (number < 1 || number > given) {
    std::string message = parameter == "?" ? concat("parameter ", number, " has no value; ")
                                           : concat("parameter ", parameter, " has no value; ");
    if (!values_.named.empty()) {
      message += "values are given by name: write them as $name";
    } else if (number < 1) {
      message += "the first one is $1";
    } else {
      message += concat(given, given == 1 ? " value is given" : " values are given");
    }
    fail(message, position);
  }
  used_numbers_.insert(number);
  return values_.positional[number - 1];
}

Value ParameterReader::value_of(const std::string& parameter, int64_t position) {
  const std::string form = form_of(parameter);
  if (first_.empty()) first_ = form;
  if (form != first_) {
    fail(concat("the parameters ", first_, " and ", form, " are mixed; use one form"), position);
  }
  if (form == "?") {
    // The parser reads from left to right, but may read a part twice.
    const size_t number =
        question_marks_.emplace(position, question_marks_.size() + 1).first->second;
    return positional(number, parameter, position);
  }
  const std::string name = parameter.substr(1);
  if (form == "$1") {
    // More digits than any list of values has entries.
    const size_t number = name.size() > 9 ? 0 : std::stoul(name);
    return positional(number, parameter, position);
  }
  const auto found = values_.named.find(name);
  if (found == values_.named.end()) {
    std::vector<std::string> names;
    for (const auto& [known, value] : values_.named) names.push_back(known);
    fail(concat("parameter ", parameter, " has no value", did_you_mean(name, names),
                names.empty() && !values_.positional.empty()
                    ? "; values are given by position: write them as ? or $1"
                    : ""),
         position);
  }
  used_names_.insert(name);
  return found->second;
}

void ParameterReader::check_all_used() const {
  for (size_t number = 1; number <= values_.positional.size(); ++number) {
    if (used_numbers_.count(number) > 0) continue;
    fail(concat(values_.positional.size(),
                values_.positional.size() == 1 ? " value is" : " values are",
                " given, but the statement has no parameter for value ", number),
         -1);
  }
  for (const auto& [name, value] : values_.named) {
    if (used_names_.count(name) > 0) continue;
    fail(concat("a value is given for $", excerpt(name), ", which the statement does not use",
                did_you_mean(name, {used_names_.begin(), used_names_.end()})),
         -1);
  }
}

}  // namespace velaria::sql
