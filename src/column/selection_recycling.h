// Selections that come and go with every chunk, without asking the system for memory each time.
//
//   auto rows = new_selection();   // empty, with the room that an earlier one had
//   mask_rows(mask, rows.get());
//   chunk.selection = std::move(rows);
//
// Thread-safe: a thread keeps some of the selections whose last owner was let go on it.
#pragma once

#include <memory>

#include "src/column/chunk.h"

namespace velaria {

std::shared_ptr<Selection> new_selection();

}  // namespace velaria
