#include "src/io/rejects.h"

#include <algorithm>
#include <utility>

#include "src/base/text.h"
#include "src/column/builder.h"
#include "src/io/file_content.h"
#include "src/io/memory/memory_table_source.h"

namespace velaria {

namespace {

std::string as_utf8(std::string_view bytes) {
  std::string out = utf8_text(bytes.substr(0, kMostRejectedBytes));
  if (bytes.size() > kMostRejectedBytes) out += "...";
  return out;
}

size_t bytes_of(const Reject& reject) {
  return sizeof(Reject) + reject.file.size() + (reject.column ? reject.column->size() : 0) +
         reject.value.size() + reject.reason.size();
}

}  // namespace

void RejectedRows::add(Reject reject) {
  ++count;
  // One byte more says that there is more.
  if (reject.value.size() > kMostRejectedBytes + 1) reject.value.resize(kMostRejectedBytes + 1);
  keep(std::move(reject));
}

void RejectedRows::keep(Reject reject) {
  if (reject.byte >= cut_at_) return;
  kept_bytes_ += bytes_of(reject);
  kept.push_back(std::move(reject));
  if (kept.size() >= 2 * kMostKeptRejects || kept_bytes_ >= 2 * most_kept_bytes) {
    sort_and_cut();
  }
}

void RejectedRows::merge(RejectedRows part) {
  count += part.count;
  good_rows += part.good_rows;
  cut_at_ = std::min(cut_at_, part.cut_at_);
  for (Reject& reject : part.kept) keep(std::move(reject));
  misfits.insert(misfits.end(), part.misfits.begin(), part.misfits.end());
}

void RejectedRows::sort_and_cut() {
  // A row is rejected once, so no two begin at one byte.
  std::sort(kept.begin(), kept.end(),
            [](const Reject& a, const Reject& b) { return a.byte < b.byte; });
  kept_bytes_ = 0;
  size_t fitting = 0;
  for (; fitting < kept.size() && kept[fitting].byte < cut_at_; ++fitting) {
    const size_t bytes = bytes_of(kept[fitting]);
    if (fitting == kMostKeptRejects || kept_bytes_ + bytes > most_kept_bytes) {
      // What comes behind it is not of the first, whatever is still found before it.
      cut_at_ = kept[fitting].byte;
      break;
    }
    kept_bytes_ += bytes;
  }
  kept.resize(fitting);
}

void RejectedRows::finish(const TextPass& pass) {
  sort_and_cut();
  std::sort(misfits.begin(), misfits.end());
  if (kept.empty()) return;
  std::vector<uint64_t> offsets;
  for (const Reject& reject : kept) offsets.push_back(static_cast<uint64_t>(reject.byte));
  const std::vector<TextPlace> places = pass.places_of(offsets);
  for (size_t i = 0; i < places.size(); ++i) kept[i].line = static_cast<int64_t>(places[i].line);
}

std::vector<size_t> RejectedRows::misfits_in(uint64_t range_begin, size_t range_bytes) const {
  const auto begin = std::lower_bound(misfits.begin(), misfits.end(), range_begin);
  const auto end = std::lower_bound(begin, misfits.end(), range_begin + range_bytes);
  std::vector<size_t> out;
  for (auto at = begin; at != end; ++at) out.push_back(static_cast<size_t>(*at - range_begin));
  return out;
}

std::vector<std::string> RejectedRows::warnings() const {
  if (count == 0) return {};
  const Reject& first = kept.front();
  return {concat(count, " of ", good_rows + count, count == 1 ? " rows is" : " rows are",
                 " left out (on_error='skip'); the first is line ", first.line,
                 first.column ? concat(", column '", excerpt(*first.column), "'") : "", ": ",
                 first.reason, ": '", excerpt(as_utf8(first.value)),
                 static_cast<size_t>(count) > kept.size()
                     ? concat("'; rejects() of its frame lists the first ", kept.size())
                     : "'; rejects() of its frame lists them")};
}

Schema reject_schema() {
  return Schema({{"file", DataType(TypeId::kUtf8)},
                 {"line", DataType(TypeId::kInt64)},
                 {"byte", DataType(TypeId::kInt64)},
                 {"column", DataType(TypeId::kUtf8)},
                 {"value", DataType(TypeId::kUtf8)},
                 {"reason", DataType(TypeId::kUtf8)}});
}

TableSourcePtr make_reject_table(const std::vector<Reject>& rejects) {
  std::vector<Chunk> chunks;
  for (size_t begin = 0; begin < rejects.size(); begin += kDefaultChunkRows) {
    const size_t end = std::min(rejects.size(), begin + kDefaultChunkRows);
    StringBuilder file;
    FixedBuilder<int64_t> line{DataType(TypeId::kInt64)};
    FixedBuilder<int64_t> byte{DataType(TypeId::kInt64)};
    StringBuilder column;
    StringBuilder value;
    StringBuilder reason;
    for (size_t i = begin; i < end; ++i) {
      const Reject& reject = rejects[i];
      file.append(as_utf8(reject.file));
      reject.line > 0 ? line.append(reject.line) : line.append_null();
      byte.append(reject.byte);
      reject.column ? column.append(*reject.column) : column.append_null();
      value.append(as_utf8(reject.value));
      reason.append(as_utf8(reject.reason));
    }
    Chunk chunk;
    chunk.rows = static_cast<int64_t>(end - begin);
    chunk.columns = {file.finish(),   line.finish(),  byte.finish(),
                     column.finish(), value.finish(), reason.finish()};
    chunks.push_back(std::move(chunk));
  }
  return std::make_shared<MemoryTableSource>(reject_schema(), std::move(chunks), "rejects");
}

}  // namespace velaria
