#include "src/column/selection_recycling.h"

#include <utility>
#include <vector>

namespace velaria {

namespace {

constexpr size_t kMostKept = 16;  // a thread; a few per operator of a pipeline
constexpr size_t kMostKeptRows = size_t{1} << 16;

thread_local bool kept_is_gone = false;

struct KeptSelections {
  std::vector<std::unique_ptr<Selection>> free;
  ~KeptSelections() { kept_is_gone = true; }
};

KeptSelections* kept_selections() {
  if (kept_is_gone) return nullptr;
  thread_local KeptSelections kept;
  return &kept;
}

struct Recycle {
  void operator()(Selection* selection) const {
    std::unique_ptr<Selection> owned(selection);
    KeptSelections* kept = kept_selections();
    if (kept == nullptr || kept->free.size() >= kMostKept || owned->capacity() > kMostKeptRows) {
      return;
    }
    owned->clear();
    kept->free.push_back(std::move(owned));
  }
};

}  // namespace

std::shared_ptr<Selection> new_selection() {
  KeptSelections* kept = kept_selections();
  if (kept == nullptr || kept->free.empty()) {
    return {new Selection(), Recycle()};
  }
  std::unique_ptr<Selection> selection = std::move(kept->free.back());
  kept->free.pop_back();
  return {selection.release(), Recycle()};
}

}  // namespace velaria
