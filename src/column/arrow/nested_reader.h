// Encodes the values of one nested column of one Arrow array: internal to this room, see import.h
// and column/nested_array.h.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "src/column/arrow/c_data.h"
#include "src/column/arrow/format.h"
#include "src/column/arrow/string_views.h"

namespace velaria {

// Immutable; any thread. `format` and `array` outlive it.
class NestedReader {
 public:
  // InvalidArgumentError when the array or one inside of it breaks Arrow's rules, as far as that
  // can be seen without looking at its values; the rest is looked at with the values.
  NestedReader(const ArrowFormat& format, const ArrowArray& array);

  // Appends the bytes of the slots [offset, offset + length) for which `present` says so, one after
  // the other, and for every slot of them where its bytes end.
  template <typename Present>
  void encode(int64_t offset, int64_t length, Present present, std::string* bytes,
              std::vector<uint64_t>* ends) const {
    Encoder encoder(bytes);
    for (int64_t i = 0; i < length; ++i) {
      if (present(i)) encoder.encode(root_, offset + i);
      ends->push_back(bytes->size());
    }
  }

 private:
  struct Node {
    const ArrowFormat* format = nullptr;
    const ArrowArray* array = nullptr;
    const uint8_t* validity = nullptr;  // null: no slot is NULL
    int64_t text_bytes = 0;             // kText32, kText64: the end of the last text
    std::vector<ViewData> view_data;    // kTextView
    std::vector<Node> children;         // kDictionary: the values

    const uint8_t* buffer(int64_t i) const {
      return static_cast<const uint8_t*>(array->buffers[i]);
    }
    bool is_null(int64_t slot) const;
  };
  // Slots of a node, counted from its array's offset.
  struct Range {
    int64_t begin;
    int64_t count;
  };
  using Ranges = std::vector<Range>;

  class Encoder {
   public:
    explicit Encoder(std::string* bytes);
    // The body of one slot that is not NULL.
    void encode(const Node& root, int64_t slot);

   private:
    void run(const Node& node, const Ranges& ranges, int64_t slots, int depth);
    void dictionary_run(const Node& node, const Ranges& ranges, int64_t slots, int depth);
    void body(const Node& node, const Ranges& ranges, int64_t slots, int depth);
    template <typename Offset>
    void texts(const Node& node, const Ranges& ranges, int64_t slots);
    void text_views(const Node& node, const Ranges& ranges, int64_t slots);
    // `place(slot)`: where the list of a slot begins and ends.
    template <typename Place>
    void lists(const Node& node, const Ranges& ranges, int64_t slots, int depth, Place place);
    void fixed_size_lists(const Node& node, const Ranges& ranges, int64_t slots, int depth);
    void structs(const Node& node, const Ranges& ranges, int64_t slots, int depth);

    // Room for `size_bytes` bytes behind what is there: where they begin.
    size_t extend(size_t size_bytes);
    void put_length(size_t at, uint64_t length, const Node& node, int64_t slot);

    std::string* bytes_;
    std::vector<Ranges> scratch_;  // two for each depth
    Ranges root_range_;
  };

  static Node read_node(const ArrowFormat& format, const ArrowArray& array);

  Node root_;
};

}  // namespace velaria
