// Where a row may begin in the middle of a CSV file.
#pragma once

#include <cstdint>
#include <optional>

#include "src/io/csv/csv_layout.h"

namespace velaria {

// The start of a row at or behind `offset`, guessed from the MiB there: nobody knows whether
// `offset` lies inside quotes. What follows has rows of as many fields as the layout has columns.
// Nothing when no place looks like one. For samples: a wrong guess costs evidence, never a wrong
// value.
std::optional<uint64_t> guess_row_start(const CsvLayout& layout, const TextPass& pass,
                                        uint64_t offset);

}  // namespace velaria
