// Arrow's texts to the kernel's string views, for arrays without NULLs: no branch depends on a
// text's size, as sizes of real data are not foreseen by a processor. Internal to this folder.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "src/column/arrow/c_data.h"
#include "src/column/string_view.h"

namespace velaria {

// Masks that clear what lies behind a text of 0 to 12 bytes; the last ones serve all longer texts.
struct ViewMasks {
  uint64_t head[StringView::kInlineBytes + 2] = {};
  uint64_t tail[StringView::kInlineBytes + 2] = {};
};
constexpr ViewMasks make_view_masks() {
  ViewMasks out;
  for (uint32_t size = 0; size <= StringView::kInlineBytes + 1; ++size) {
    const uint32_t head_bytes = size < 4 ? size : 4;
    out.head[size] = (uint64_t{1} << ((head_bytes + 4) * 8 - 1) << 1) - 1;
    for (uint32_t byte = 4; byte < size && byte < 12; ++byte) {
      out.tail[size] |= uint64_t{0xFF} << ((byte - 4) * 8);
    }
  }
  return out;
}
inline constexpr ViewMasks kViewMasks = make_view_masks();

// `words`: size and bytes 0 to 3 of the text, then bytes 4 to 11, with anything behind its end;
// `data`: where it lies, if it is longer than 12 bytes.
inline void write_view(uint64_t head, uint64_t tail, const char* data, StringView* out) {
  const auto size = static_cast<uint32_t>(head);
  const bool is_long = size > StringView::kInlineBytes;
  const uint32_t mask = is_long ? StringView::kInlineBytes + 1 : size;
  uint64_t pointer;
  std::memcpy(&pointer, &data, sizeof(pointer));
  const uint64_t words[2] = {head & kViewMasks.head[mask],
                             is_long ? pointer : tail & kViewMasks.tail[mask]};
  std::memcpy(static_cast<void*>(out), words, sizeof(words));
}

// Of offsets[0 ... rows]; false, with `out` in any state, when they are not ascending, reach over
// `data_bytes`, or a text is longer than a view can say.
template <typename Offset>
bool views_of_offsets(const Offset* offsets, int64_t rows, const char* data, int64_t data_bytes,
                      StringView* out) {
  const auto offset_at = [&](int64_t i) {
    Offset value;  // may lie unaligned
    std::memcpy(&value, offsets + i, sizeof(value));
    return static_cast<int64_t>(value);
  };
  int64_t begin = offset_at(0);
  if (begin < 0) return false;
  bool bad = false;
  int64_t i = 0;
  // 12 bytes are read of every text, so those at the end of the data are left to the loop behind.
  for (; i < rows && begin <= data_bytes - int64_t{StringView::kInlineBytes}; ++i) {
    const int64_t end = offset_at(i + 1);
    const int64_t size = end - begin;
    bad |= size < 0 || size > int64_t{UINT32_MAX};
    uint32_t first = 0;
    uint64_t tail = 0;
    std::memcpy(&first, data + begin, sizeof(first));
    std::memcpy(&tail, data + begin + sizeof(first), sizeof(tail));
    write_view(static_cast<uint32_t>(size) | uint64_t{first} << 32, tail, data + begin, out + i);
    if (bad) return false;
    begin = end;
  }
  for (; i < rows; ++i) {
    const int64_t end = offset_at(i + 1);
    if (end < begin || end > data_bytes || end - begin > int64_t{UINT32_MAX}) return false;
    out[i] = StringView(data + begin, static_cast<uint32_t>(end - begin));
    begin = end;
  }
  return begin <= data_bytes;
}

// One data buffer of an array of views.
struct ViewData {
  const char* data = nullptr;
  int64_t bytes = 0;
};

// Of an array of views with at least three buffers; the sizes are its last one.
inline std::vector<ViewData> read_view_data(const ArrowArray& array) {
  std::vector<ViewData> out;
  const auto* sizes = static_cast<const uint8_t*>(array.buffers[array.n_buffers - 1]);
  for (int64_t b = 0; b < array.n_buffers - 3 && sizes != nullptr; ++b) {
    ViewData from{static_cast<const char*>(array.buffers[2 + b]), 0};
    std::memcpy(&from.bytes, sizes + b * 8, sizeof(from.bytes));
    out.push_back(from);
  }
  return out;
}

// Of Arrow's own views; false, with `out` in any state, when one has a size below 0 or lies outside
// of its buffer.
inline bool views_of_views(const uint8_t* views, int64_t rows, const std::vector<ViewData>& buffers,
                           StringView* out) {
  const ViewData none;
  const ViewData* buffer = buffers.empty() ? &none : buffers.data();
  const auto count = static_cast<uint32_t>(buffers.size());
  const auto words_at = [&](int64_t i, uint64_t* words) {
    std::memcpy(words, views + i * 16, 16);
    return static_cast<int32_t>(words[0]);
  };
  bool bad = false;
  constexpr int64_t kBlockRows = 64;
  for (int64_t begin = 0; begin < rows; begin += kBlockRows) {
    const int64_t end = begin + kBlockRows < rows ? begin + kBlockRows : rows;
    uint64_t words[2];
    uint32_t longest = 0;  // below 0 is longer than any
    for (int64_t i = begin; i < end; ++i) {
      const auto size = static_cast<uint32_t>(words_at(i, words));
      longest = size > longest ? size : longest;
    }
    if (longest <= StringView::kInlineBytes) {
      for (int64_t i = begin; i < end; ++i) {
        const int32_t size = words_at(i, words);
        words[0] &= kViewMasks.head[size];
        words[1] &= kViewMasks.tail[size];
        std::memcpy(static_cast<void*>(out + i), words, sizeof(words));
      }
      continue;
    }
    for (int64_t i = begin; i < end; ++i) {
      const int32_t size = words_at(i, words);
      const bool is_long = size > int32_t{StringView::kInlineBytes};
      const auto index = static_cast<uint32_t>(words[1]);
      const auto offset = static_cast<int32_t>(words[1] >> 32);
      const ViewData& from = buffer[(is_long & (index < count)) ? index : 0];
      bad |= (size < 0) |
             (is_long & ((index >= count) | (offset < 0) | (int64_t{offset} + size > from.bytes)));
      write_view(words[0], words[1], from.data + (is_long ? offset : 0), out + i);
    }
  }
  return !bad;
}

// Whether Arrow's own views are all of at most 12 bytes with zeros behind them: then they are
// StringViews already.
inline bool are_padded_inline_views(const uint8_t* views, int64_t rows) {
  constexpr int64_t kBlockRows = 1024;
  for (int64_t begin = 0; begin < rows; begin += kBlockRows) {
    const int64_t end = begin + kBlockRows < rows ? begin + kBlockRows : rows;
    uint64_t bad = 0;
    for (int64_t i = begin; i < end; ++i) {
      uint64_t words[2];
      std::memcpy(words, views + i * 16, sizeof(words));
      const auto size = static_cast<uint32_t>(words[0]);
      const uint32_t mask = size > StringView::kInlineBytes ? StringView::kInlineBytes + 1 : size;
      bad |= size > StringView::kInlineBytes;
      bad |= (words[0] & ~kViewMasks.head[mask]) | (words[1] & ~kViewMasks.tail[mask]);
    }
    if (bad != 0) return false;
  }
  return true;
}

}  // namespace velaria
