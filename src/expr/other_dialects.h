#pragma once

#include <string_view>
#include <vector>

namespace velaria {

// A function that other SQL dialects have, and what is written here in its place.
struct OtherDialectsFunction {
  std::string_view name;     // in lower case; never one of ours
  std::string_view instead;  // ends a sentence: "write ..."
  std::string_view example;  // an expression of that form, which runs
};

// Immutable; lives as long as the process.
const std::vector<OtherDialectsFunction>& functions_of_other_dialects();

// What to write instead of the function `name`, in any case; empty when nothing is known.
std::string_view instead_of_function(std::string_view name);

}  // namespace velaria
