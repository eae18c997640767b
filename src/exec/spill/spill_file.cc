#include "src/exec/spill/spill_file.h"

#include <algorithm>
#include <cstring>

#include "src/base/error.h"
#include "src/column/bitmap.h"
#include "src/exec/operator.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

constexpr size_t kPartAlignment = 16;

size_t padded(size_t bytes) {
  return (bytes + kPartAlignment - 1) / kPartAlignment * kPartAlignment;
}

struct ColumnHeader {
  uint64_t has_nulls = 0;
  uint64_t text_bytes = 0;
};
static_assert(sizeof(ColumnHeader) == kPartAlignment);

void append_part(const void* data, size_t size_bytes, std::string* out) {
  if (size_bytes > 0) out->append(static_cast<const char*>(data), size_bytes);
  out->resize(padded(out->size()), '\0');
}

void append_validity(const Column& column, std::string* out) {
  std::vector<uint64_t> words;
  for (int64_t i = 0; i < column.length(); i += 64) {
    words.push_back(column.validity().word(i, column.length()));
  }
  append_part(words.data(), words.size() * sizeof(uint64_t), out);
}

void append_column(const ColumnPtr& any, std::string* out) {
  if (any->type().is_null()) return;
  const ColumnPtr column = flatten(any);
  const auto rows = static_cast<size_t>(column->length());
  ColumnHeader header;
  header.has_nulls = column->validity().count_nulls(column->length()) > 0 ? 1 : 0;
  std::vector<uint32_t> sizes;
  const bool is_text = column->type().has_string_views();
  if (is_text) {
    sizes.resize(rows, 0);
    for (size_t i = 0; i < rows; ++i) {
      if (!column->validity().valid(static_cast<int64_t>(i))) continue;
      sizes[i] = column->values<StringView>()[i].size();
      header.text_bytes += sizes[i];
    }
  }
  append_part(&header, sizeof(header), out);
  if (header.has_nulls != 0) append_validity(*column, out);
  if (is_text) {
    append_part(sizes.data(), sizes.size() * sizeof(uint32_t), out);
    for (size_t i = 0; i < rows; ++i) {
      if (sizes[i] > 0) out->append(column->values<StringView>()[i].text());
    }
    append_part(nullptr, 0, out);
  } else if (column->type().is_vector()) {
    append_part(rows == 0 ? nullptr : column->vector_at(0),
                rows * static_cast<size_t>(column->type().list_size()) * sizeof(float), out);
  } else {
    append_part(column->values<char>(),
                rows * static_cast<size_t>(column->type().value_width_bytes()), out);
  }
}

// Walks over the parts of a frame.
class FrameReader {
 public:
  FrameReader(BufferPtr frame, int64_t rows)
      : frame_(std::move(frame)), owners_(std::make_shared<StringOwners>(1, frame_)), rows_(rows) {}

  ColumnPtr column(const DataType& type) {
    if (type.is_null()) return Column::nulls(type, rows_);
    ColumnHeader header;
    std::memcpy(&header, next(sizeof(header)), sizeof(header));
    const auto rows = static_cast<size_t>(rows_);
    Validity validity;
    if (header.has_nulls != 0) {
      const size_t size = (rows + 63) / 64 * 8;
      validity = Validity(Buffer::wrap(next(size), size, frame_), 0);
    }
    if (type.has_string_views()) return texts(type, header, std::move(validity));
    if (type.is_vector()) {
      const size_t elements = rows * static_cast<size_t>(type.list_size());
      return Column::vectors(
          type, rows_,
          Column::flat(DataType(TypeId::kFloat32), static_cast<int64_t>(elements),
                       part(elements * sizeof(float)), 0, Validity()),
          std::move(validity));
    }
    return Column::flat(type, rows_, part(rows * static_cast<size_t>(type.value_width_bytes())), 0,
                        std::move(validity));
  }

 private:
  const uint8_t* next(size_t size_bytes) {
    const uint8_t* start = frame_->data() + at_;
    at_ += padded(size_bytes);
    VELARIA_CHECK(at_ <= frame_->size_bytes());
    return start;
  }

  BufferPtr part(size_t size_bytes) { return Buffer::wrap(next(size_bytes), size_bytes, frame_); }

  ColumnPtr texts(const DataType& type, const ColumnHeader& header, Validity validity) {
    const auto rows = static_cast<size_t>(rows_);
    const auto* sizes = reinterpret_cast<const uint32_t*>(next(rows * sizeof(uint32_t)));
    const auto* bytes = reinterpret_cast<const char*>(next(header.text_bytes));
    auto views = Buffer::allocate(rows * sizeof(StringView));
    auto* out = reinterpret_cast<StringView*>(views->mutable_data());
    for (size_t i = 0; i < rows; ++i) {
      out[i] = StringView(bytes, sizes[i]);
      bytes += sizes[i];
    }
    return Column::flat(type, rows_, std::move(views), 0, std::move(validity), owners_);
  }

  const BufferPtr frame_;
  const StringOwnersPtr owners_;
  const int64_t rows_;
  size_t at_ = 0;
};

}  // namespace

SpillFile::SpillFile(std::shared_ptr<SpillSpace> space, std::string purpose,
                     std::vector<DataType> types)
    : space_(std::move(space)), purpose_(std::move(purpose)), types_(std::move(types)) {}

TemporaryFile& SpillFile::file() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!file_) file_ = TemporaryFile::make(space_->folder(), purpose_);
  return *file_;
}

void SpillFile::write(const Chunk& chunk, std::vector<SpillFrame>* frames) {
  VELARIA_CHECK(!chunk.selection && chunk.columns.size() == types_.size());
  for (size_t c = 0; c < types_.size(); ++c) VELARIA_CHECK(chunk.columns[c]->type() == types_[c]);
  if (chunk.rows == 0) return;
  const int64_t bytes_per_row = std::max<int64_t>(1, chunk.estimated_bytes() / chunk.rows);
  const int64_t most = std::clamp<int64_t>(kFrameBytes / bytes_per_row, 1, kMostChunkRows);
  for (int64_t row = 0; row < chunk.rows; row += most) {
    frames->push_back(write_frame(slice_chunk(chunk, row, std::min(most, chunk.rows - row))));
  }
}

SpillFrame SpillFile::write_frame(const Chunk& chunk) {
  std::string bytes;
  for (const ColumnPtr& column : chunk.columns) append_column(column, &bytes);
  SpillFrame frame;
  frame.size_bytes = bytes.size();
  frame.rows = chunk.rows;
  frame.offset = end_.fetch_add(bytes.size());
  file().write_at(frame.offset, bytes.data(), bytes.size());
  space_->note_written(bytes.size());
  return frame;
}

Chunk SpillFile::read(const SpillFrame& frame) const {
  Chunk chunk;
  chunk.rows = frame.rows;
  auto bytes = Buffer::allocate(static_cast<size_t>(frame.size_bytes));
  if (frame.size_bytes > 0)
    file_->read_at(frame.offset, bytes->mutable_data(), bytes->size_bytes());
  FrameReader reader(std::move(bytes), frame.rows);
  for (const DataType& type : types_) chunk.columns.push_back(reader.column(type));
  return chunk;
}

}  // namespace velaria
