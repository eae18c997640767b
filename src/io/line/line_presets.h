// Formats of common logs: patterns with named groups, types, and what stands for "nothing".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/io/line/line_options.h"

namespace velaria {

struct LinePreset {
  const char* name;     // "apache_combined"
  const char* title;    // "the combined access log of Apache and nginx"
  const char* pattern;  // RE2; every named group is a column
  const char* types;    // "status int64, ...", of columns that inference would see otherwise
  const char* null_text;

  LineOptions options() const;
};

// The most particular first: a line of one of them may look like one of those behind it.
const std::vector<LinePreset>& line_presets();

// InvalidArgumentError with a suggestion and the names there are.
const LinePreset& line_preset(std::string_view name);

}  // namespace velaria
