#include "stream/workers/frame_codec.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "src/base/error.h"
#include "src/column/string_view.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

enum class ColumnForm : uint8_t { kLeftOut, kFlat, kConstant, kDictionary };

constexpr uint64_t kAllValid = ~uint64_t{0};
constexpr uint64_t kAlignment = Buffer::kAlignment;
// Whole words of validity are read at any row.
constexpr uint64_t kValidityMargin = 8;

uint64_t aligned(uint64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

void write_validity(const Column& column, uint8_t* out, uint64_t size) {
  const int64_t rows = column.length();
  std::memset(out, 0, size);
  for (int64_t i = 0; i < rows; i += 64) {
    const uint64_t word = column.validity().word(i, rows);
    std::memcpy(out + i / 8, &word, sizeof(word));
  }
}

// The views of NULLs may be anything.
void write_texts(const Column& column, uint8_t* out) {
  const int64_t rows = column.length();
  const auto* views = column.values<StringView>();
  const bool all_valid = column.validity().all_valid();
  auto* offsets = reinterpret_cast<uint64_t*>(out);
  uint8_t* bytes = out + (static_cast<size_t>(rows) + 1) * sizeof(uint64_t);
  uint64_t end = 0;
  offsets[0] = 0;
  for (int64_t i = 0; i < rows; ++i) {
    if (all_valid || column.validity().valid(i)) {
      const std::string_view text = views[i].text();
      if (!text.empty()) std::memcpy(bytes + end, text.data(), text.size());
      end += text.size();
    }
    offsets[i + 1] = end;
  }
}

uint64_t texts_size(const Column& column) {
  const int64_t rows = column.length();
  const auto* views = column.values<StringView>();
  const bool all_valid = column.validity().all_valid();
  uint64_t bytes = (static_cast<uint64_t>(rows) + 1) * sizeof(uint64_t);
  for (int64_t i = 0; i < rows; ++i) {
    if (all_valid || column.validity().valid(i)) bytes += views[i].size();
  }
  return bytes;
}

class FrameReader {
 public:
  FrameReader(const uint8_t* data, size_t size_bytes, const std::shared_ptr<const void>& owner)
      : meta_(read_meta(data, size_bytes), "a frame between processes"), owner_(owner) {
    buffers_ = data + std::min<uint64_t>(aligned(8 + meta_.left()), size_bytes);
    buffers_bytes_ = static_cast<uint64_t>(data + size_bytes - buffers_);
  }

  Chunk read() {
    Chunk out;
    out.rows = static_cast<int64_t>(meta_.u64());
    out.columns.resize(meta_.u32());
    for (ColumnPtr& column : out.columns) column = read_column(out.rows);
    return out;
  }

 private:
  static std::string_view read_meta(const uint8_t* data, size_t size_bytes) {
    const std::string_view all(reinterpret_cast<const char*>(data), size_bytes);
    ByteReader in(all, "a frame between processes");
    return in.text();
  }

  const uint8_t* buffer(uint64_t offset, uint64_t size) {
    if (offset > buffers_bytes_ || size > buffers_bytes_ - offset) meta_.refuse("ends too early");
    return buffers_ + offset;
  }
  BufferPtr wrapped(uint64_t offset, uint64_t size) {
    return Buffer::wrap(buffer(offset, size), size, owner_);
  }

  ColumnPtr read_column(int64_t rows) {
    const auto form = static_cast<ColumnForm>(meta_.u8());
    if (form == ColumnForm::kLeftOut) return nullptr;
    if (form == ColumnForm::kDictionary) {
      const uint64_t valid = meta_.u64();
      const uint64_t values = meta_.u64();
      BufferPtr indices = wrapped(values, static_cast<uint64_t>(rows) * sizeof(uint32_t));
      Validity validity = read_validity(valid, rows);
      ColumnPtr dictionary = read_flat();
      return Column::dictionary(std::move(dictionary), rows, std::move(indices), 0,
                                std::move(validity));
    }
    ColumnPtr flat = read_flat();
    if (form == ColumnForm::kFlat) return flat;
    return Column::constant(flat->value(0), rows);
  }

  Validity read_validity(uint64_t offset, int64_t rows) {
    if (offset == kAllValid) return Validity();
    return Validity(wrapped(offset, static_cast<uint64_t>(bitmap_bytes(rows)) + kValidityMargin),
                    0);
  }

  ColumnPtr read_flat() {
    DataType type = read_type(&meta_);
    const auto rows = static_cast<int64_t>(meta_.u64());
    const uint64_t valid = meta_.u64();
    const uint64_t values = meta_.u64();
    if (type.is_null()) return Column::nulls(type, rows);
    Validity validity = read_validity(valid, rows);
    const auto count = static_cast<uint64_t>(rows);
    if (type.has_string_views()) return read_texts(std::move(type), rows, values, validity);
    if (type.is_vector()) {
      const auto elements = static_cast<int64_t>(count) * type.list_size();
      ColumnPtr child = Column::flat(
          DataType(TypeId::kFloat32), elements,
          wrapped(values, static_cast<uint64_t>(elements) * sizeof(float)), 0, Validity());
      return Column::vectors(std::move(type), rows, std::move(child), std::move(validity));
    }
    const uint64_t size = count * static_cast<uint64_t>(type.value_width_bytes());
    return Column::flat(std::move(type), rows, wrapped(values, size), 0, std::move(validity));
  }

  ColumnPtr read_texts(DataType type, int64_t rows, uint64_t values, Validity validity) {
    const auto count = static_cast<uint64_t>(rows);
    const uint64_t offsets_bytes = (count + 1) * sizeof(uint64_t);
    const auto* offsets = reinterpret_cast<const uint64_t*>(buffer(values, offsets_bytes));
    const auto* bytes = reinterpret_cast<const char*>(
        buffer(values, offsets_bytes + offsets[count]) + offsets_bytes);
    auto views = Buffer::allocate(std::max<size_t>(count, 1) * sizeof(StringView));
    auto* out = reinterpret_cast<StringView*>(views->mutable_data());
    for (uint64_t i = 0; i < count; ++i) {
      if (offsets[i] > offsets[i + 1] || offsets[i + 1] > offsets[count]) {
        meta_.refuse("has text offsets out of order");
      }
      out[i] = StringView(bytes + offsets[i], static_cast<uint32_t>(offsets[i + 1] - offsets[i]));
    }
    if (!text_owners_) {
      text_owners_ = std::make_shared<StringOwners>(StringOwners{owner_});
    }
    return Column::flat(std::move(type), rows, std::move(views), 0, std::move(validity),
                        text_owners_);
  }

  ByteReader meta_;
  const std::shared_ptr<const void>& owner_;
  const uint8_t* buffers_;
  uint64_t buffers_bytes_;
  StringOwnersPtr text_owners_;
};

}  // namespace

FrameWriter::FrameWriter(std::vector<ColumnPtr> columns, int64_t rows) {
  meta_.u64(static_cast<uint64_t>(rows));
  meta_.u32(static_cast<uint32_t>(columns.size()));
  for (ColumnPtr& column : columns) {
    VELARIA_CHECK(!column || column->length() == rows);
    add(column);
  }
  buffers_begin_ = aligned(sizeof(uint64_t) + meta_.bytes().size());
  size_bytes_ = buffers_begin_ + buffers_bytes_;
}

void FrameWriter::add(const ColumnPtr& column) {
  if (!column) {
    meta_.u8(static_cast<uint8_t>(ColumnForm::kLeftOut));
    return;
  }
  if (column->is_constant() && column->length() > 0) {
    meta_.u8(static_cast<uint8_t>(ColumnForm::kConstant));
    add_flat(flatten(column->slice(0, 1)));
    return;
  }
  // A dictionary larger than the rows that use it is more to move than they are.
  if (column->is_dictionary() && column->child()->length() <= column->length()) {
    meta_.u8(static_cast<uint8_t>(ColumnForm::kDictionary));
    kept_.push_back(column);
    meta_.u64(add_validity(*column));
    meta_.u64(add_piece(Piece::Kind::kBytes,
                        static_cast<uint64_t>(column->length()) * sizeof(uint32_t), column.get()));
    add_flat(column->child());
    return;
  }
  meta_.u8(static_cast<uint8_t>(ColumnForm::kFlat));
  add_flat(flatten(column));
}

uint64_t FrameWriter::add_validity(const Column& column) {
  if (column.validity().all_valid()) return kAllValid;
  return add_piece(Piece::Kind::kValidity,
                   static_cast<uint64_t>(bitmap_bytes(column.length())) + kValidityMargin, &column);
}

void FrameWriter::add_flat(const ColumnPtr& column) {
  const auto rows = static_cast<uint64_t>(column->length());
  const DataType& type = column->type();
  write_type(type, &meta_);
  meta_.u64(rows);
  if (type.is_null()) {
    meta_.u64(kAllValid);
    meta_.u64(0);
    return;
  }
  kept_.push_back(column);
  meta_.u64(add_validity(*column));
  if (type.has_string_views()) {
    meta_.u64(add_piece(Piece::Kind::kTexts, texts_size(*column), column.get()));
  } else if (type.is_vector()) {
    const uint64_t elements = rows * static_cast<uint64_t>(type.list_size());
    meta_.u64(add_piece(Piece::Kind::kBytes, elements * sizeof(float), column->child().get()));
  } else {
    const auto width = static_cast<uint64_t>(type.value_width_bytes());
    meta_.u64(add_piece(Piece::Kind::kBytes, rows * width, column.get()));
  }
}

uint64_t FrameWriter::add_piece(Piece::Kind kind, uint64_t size, const Column* column) {
  const uint64_t offset = aligned(buffers_bytes_);
  pieces_.push_back({kind, offset, size, column});
  buffers_bytes_ = offset + size;
  return offset;
}

void FrameWriter::write(uint8_t* out) const {
  const uint64_t meta_bytes = meta_.bytes().size();
  std::memcpy(out, &meta_bytes, sizeof(meta_bytes));
  std::memcpy(out + sizeof(meta_bytes), meta_.bytes().data(), meta_bytes);
  uint8_t* buffers = out + buffers_begin_;
  for (const Piece& piece : pieces_) {
    uint8_t* to = buffers + piece.offset;
    switch (piece.kind) {
      case Piece::Kind::kBytes:
        if (piece.size != 0) std::memcpy(to, piece.column->values<uint8_t>(), piece.size);
        break;
      case Piece::Kind::kValidity: write_validity(*piece.column, to, piece.size); break;
      case Piece::Kind::kTexts: write_texts(*piece.column, to); break;
    }
  }
}

Chunk read_frame(const uint8_t* data, size_t size_bytes, const std::shared_ptr<const void>& owner) {
  return FrameReader(data, size_bytes, owner).read();
}

}  // namespace velaria
