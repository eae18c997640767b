#include "stream/checkpoint/checkpoint_store.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <thread>

#include "src/base/error.h"
#include "src/base/text.h"
#include "stream/checkpoint/column_codec.h"
#include "xxhash/xxhash.h"

namespace velaria {

namespace {

constexpr std::string_view kMagic = "VELACKPT";
constexpr uint32_t kFormatVersion = 1;
constexpr size_t kHeadBytes = 8 + 4 + 4 + 8;
constexpr size_t kChecksumBytes = 8;

uint64_t checksum(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

// Whether the process that a lock's note ends with is no more.
bool is_gone(const std::string& holder) {
  const std::string number = holder.substr(holder.rfind(' ') + 1);
  pid_t process = 0;
  const auto read = std::from_chars(number.data(), number.data() + number.size(), process);
  if (read.ec != std::errc() || process <= 0) return false;
  return ::kill(process, 0) != 0 && errno == ESRCH;
}

}  // namespace

std::string encode_checkpoint(const CheckpointData& data) {
  ByteWriter body;
  body.u64(data.plan_fingerprint);
  body.text(data.delivery_mode);
  body.text(data.query_id);
  body.text(data.source_offset);
  body.u64(data.batches_processed);
  body.u64(data.next_chunk_order);
  body.u32(static_cast<uint32_t>(data.state_parts.size()));
  for (const Chunk& part : data.state_parts) write_chunk(part, &body);

  ByteWriter out;
  out.fixed(kMagic.data(), kMagic.size());
  out.u32(kFormatVersion);
  out.u32(0);
  out.u64(body.bytes().size());
  out.fixed(body.bytes().data(), body.bytes().size());
  out.u64(checksum(out.bytes()));
  return out.take();
}

CheckpointData decode_checkpoint(const std::string& bytes, const std::string& path) {
  const std::string what = concat("checkpoint '", path, "'");
  const std::string advice =
      "; delete it to start afresh, or restore a copy, or give another checkpoint_path";
  const auto refuse = [&what, &advice](const std::string& problem) {
    throw Error(ErrorKind::kCheckpoint, concat(what, " ", problem, advice));
  };
  const std::string_view all(bytes);
  const std::string_view magic = all.substr(0, std::min(all.size(), kMagic.size()));
  if (magic != kMagic.substr(0, magic.size())) {
    refuse("is foreign: the file is no checkpoint of Velaria");
  }
  if (all.size() < kHeadBytes + kChecksumBytes) {
    refuse(concat("is torn: it has only ", all.size(), " bytes"));
  }
  ByteReader head(all.substr(kMagic.size()), what);
  const uint32_t version = head.u32();
  if (version != kFormatVersion) {
    refuse(
        concat("is of another version: format ", version, ", this build reads ", kFormatVersion));
  }
  const uint32_t reserved = head.u32();
  const uint64_t body_bytes = head.u64();
  if (body_bytes != all.size() - kHeadBytes - kChecksumBytes) {
    refuse(concat("is torn or truncated: its body should have ", body_bytes, " bytes, and has ",
                  all.size() - kHeadBytes - kChecksumBytes));
  }
  const std::string_view covered = all.substr(0, all.size() - kChecksumBytes);
  ByteReader tail(all.substr(all.size() - kChecksumBytes), what);
  if (tail.u64() != checksum(covered)) refuse("is damaged: its checksum does not fit");
  if (reserved != 0) refuse("is of another version: a reserved field is set");

  ByteReader body(covered.substr(kHeadBytes), what);
  CheckpointData data;
  data.plan_fingerprint = body.u64();
  data.delivery_mode = std::string(body.text());
  data.query_id = std::string(body.text());
  data.source_offset = std::string(body.text());
  data.batches_processed = body.u64();
  data.next_chunk_order = body.u64();
  const uint32_t parts = body.u32();
  for (uint32_t i = 0; i < parts; ++i) data.state_parts.push_back(read_chunk(&body));
  if (body.left() != 0) refuse(concat("is damaged: ", body.left(), " bytes too many"));
  return data;
}

CheckpointStore::CheckpointStore(std::shared_ptr<FileSystem> files, std::string path)
    : files_(std::move(files)), path_(std::move(path)) {}

void CheckpointStore::take_lock(const std::string& query_id) {
  const std::string path = path_ + ".velaria-lock";
  std::string holder;
  for (int tries = 0;; ++tries) {
    lock_ = files_->try_lock(path, concat("query '", query_id, "' of process ", ::getpid()));
    if (lock_) return;
    holder.clear();
    try {
      holder = read_file(*files_, path);
    } catch (const Error&) {
      // It has just given the lock up, and its name with it.
    }
    // A process that is killed while it starts a worker leaves the lock with its child for as long
    // as that one needs to become a program of its own.
    constexpr int kMostTries = 200;
    if (tries == kMostTries || !is_gone(holder)) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  throw Error(ErrorKind::kCheckpoint,
              concat("checkpoint '", path_, "' is in use by ",
                     holder.empty() ? "another running query" : excerpt(holder),
                     "; stop that query first, or give this one another checkpoint_path"));
}

void CheckpointStore::prepare(const std::string& query_id) {
  try {
    if (files_->is_directory(path_)) {
      throw Error(ErrorKind::kCheckpoint,
                  concat("checkpoint_path '", path_, "' is a directory; name a file, as in '",
                         path_, "/query.ckpt'"));
    }
    const std::string directory = directory_of(path_);
    if (!files_->is_directory(directory)) {
      files_->make_directories(directory);
      files_->sync_directory(directory_of(directory));
    }
    take_lock(query_id);
    // What a killed process was writing when it died.
    const std::string unfinished = file_name_of(path_) + ".tmp.";
    for (const std::string& name : files_->list_directory(directory)) {
      const bool ours =
          name.compare(0, unfinished.size(), unfinished) == 0 &&
          name.find_first_not_of("0123456789.", unfinished.size()) == std::string::npos;
      if (ours) files_->remove(directory + "/" + name);
    }
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kCheckpoint) throw;
    throw Error(ErrorKind::kCheckpoint,
                concat("checkpoint '", path_, "' cannot be used: ", error.message()));
  }
}

std::optional<CheckpointData> CheckpointStore::read(uint64_t plan_fingerprint) const {
  std::string bytes;
  try {
    if (!files_->exists(path_)) return std::nullopt;
    bytes = read_file(*files_, path_);
  } catch (const Error& error) {
    throw Error(ErrorKind::kCheckpoint,
                concat("checkpoint '", path_, "' cannot be read: ", error.message()));
  }
  CheckpointData data = decode_checkpoint(bytes, path_);
  if (data.plan_fingerprint != plan_fingerprint) {
    throw Error(ErrorKind::kCheckpoint,
                concat("checkpoint '", path_, "' is of another query: it was written by '",
                       excerpt(data.query_id),
                       "' for another plan or source schema; give another "
                       "checkpoint_path, or delete it to start afresh"));
  }
  return data;
}

void CheckpointStore::write(const CheckpointData& data) {
  try {
    replace_file_atomically(*files_, path_, encode_checkpoint(data));
  } catch (const Error& error) {
    throw Error(ErrorKind::kCheckpoint,
                concat("checkpoint '", path_, "' cannot be written: ", error.message()));
  }
}

}  // namespace velaria
