// A chunk's columns as one block of bytes in Arrow's layout, read where it lies.
//
//   meta     u64 length of it, u64 rows, u32 columns; for each: u8 0 left out, 1 flat, 2 constant
//            (one row follows), 3 dictionary (a column of its own follows the indices); then type,
//            u64 rows, u64 where validity begins (2^64 - 1: all valid), u64 where values begin,
//            both from the start of the buffers
//   buffers  from the next multiple of 64 bytes on, each at such a multiple. Validity: bits, and 8
//   bytes more. Values: fixed width;
//            texts and nested values as (rows + 1) u64 offsets, then the bytes; vectors as float32;
//            dictionaries as u32 indices
//
// Written by one process and read by another of the same program at the same time: nothing of it is
// ever kept on a disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "src/column/chunk.h"
#include "stream/checkpoint/column_codec.h"

namespace velaria {

// How one frame will lie; then writes it. Refers to the columns until it is destroyed.
class FrameWriter {
 public:
  // A null column is left out. All others have `rows` rows.
  FrameWriter(std::vector<ColumnPtr> columns, int64_t rows);
  size_t size_bytes() const { return size_bytes_; }
  // `out` is aligned to 64 bytes and has size_bytes() of room.
  void write(uint8_t* out) const;

 private:
  struct Piece {
    enum class Kind { kBytes, kValidity, kTexts };
    Kind kind;
    uint64_t offset;
    uint64_t size;
    const Column* column;
  };
  void add(const ColumnPtr& column);
  void add_flat(const ColumnPtr& column);
  uint64_t add_validity(const Column& column);
  uint64_t add_piece(Piece::Kind kind, uint64_t size, const Column* column);

  std::vector<ColumnPtr> kept_;  // what was made of the columns
  std::vector<Piece> pieces_;
  ByteWriter meta_;
  uint64_t buffers_bytes_ = 0;
  uint64_t buffers_begin_ = 0;
  size_t size_bytes_ = 0;
};

// The columns of a frame: they point into it, and `owner` keeps it alive. Left out ones are null.
// `data` is aligned to 64 bytes. Throws CheckpointError for a frame that is none.
Chunk read_frame(const uint8_t* data, size_t size_bytes, const std::shared_ptr<const void>& owner);

}  // namespace velaria
