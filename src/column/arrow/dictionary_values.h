// The values of a dictionary array: internal to this room, see import.h.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "src/column/arrow/array_reader.h"

namespace velaria {

// Converted when they are first asked for. Thread-safe; may be shared by the arrays of a stream
// that carry the same dictionary again and again.
class DictionaryValues {
 public:
  // What a dictionary array becomes: distinct values without NULL, and for each Arrow index the
  // place in `values`, or kNull.
  struct Entries {
    static constexpr uint32_t kNull = ~uint32_t{0};
    ColumnPtr values;              // flat
    std::vector<uint32_t> places;  // empty: index i is place i
    int64_t indices = 0;           // how many an index may choose from
  };

  DictionaryValues(const ArrowFormat& format, const ArrowArray& array,
                   std::shared_ptr<const void> owner, StringOwnersPtr string_owners);

  // True when `array` is certainly this very dictionary. (Our own memory is still alive, so an
  // equal address is the same buffer.)
  bool same_memory(const ArrowArray& array) const;
  // Valid as long as this object is.
  const Entries& entries();
  // Types whose equal values are equal bytes stay dictionary columns; others are expanded.
  static bool stays_encoded(const DataType& type);

 private:
  std::shared_ptr<const void> owner_;
  const ArrowArray& array_;
  const DataType type_;
  ArrayReader reader_;
  std::mutex mutex_;
  std::optional<Entries> entries_;
};

}  // namespace velaria
