#include "stream/checkpoint/checkpoint_store.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stream/checkpoint/column_codec.h"
#include "tests/column/nested_values.h"
#include "tests/stream/stream_testing.h"

namespace velaria {
namespace {

std::vector<Value> sample_values(const DataType& type) {
  switch (type.id()) {
    case TypeId::kBool: return {Value::boolean(true), Value::boolean(false)};
    case TypeId::kUInt8:
    case TypeId::kUInt16:
    case TypeId::kUInt32:
    case TypeId::kUInt64:
      return {Value::unsigned_integral(type, 0), Value::unsigned_integral(type, 200)};
    case TypeId::kFloat32:
    case TypeId::kFloat64: return {Value::floating(type, 0.5), Value::floating(type, -1e30)};
    case TypeId::kDecimal128:
      return {Value::decimal(type, static_cast<Int128>(-1)),
              Value::decimal(type, static_cast<Int128>(INT64_MAX) * 1000)};
    case TypeId::kUtf8:
      return {Value::utf8(""), Value::utf8("short"), Value::utf8(std::string(500, 'x'))};
    case TypeId::kBinary:
      return {Value::binary(std::string("\0\1", 2)), Value::binary(std::string(99, '\0'))};
    case TypeId::kInterval: return {Value::interval({1, -2, 3}), Value::interval({})};
    case TypeId::kFixedSizeList: return {Value::vector({1, 2, 3}), Value::vector({-1, 0, 0.5f})};
    case TypeId::kNested: return {column_test::int_list({}), column_test::int_list({1, -2, 3})};
    case TypeId::kNull: return {};
    default: return {Value::integral(type, -5), Value::integral(type, 100)};
  }
}

std::vector<DataType> all_types() {
  std::vector<DataType> types;
  for (int id = 0; id <= static_cast<int>(TypeId::kInterval); ++id) {
    const auto type = static_cast<TypeId>(id);
    if (type == TypeId::kDecimal128) {
      types.push_back(DataType::decimal(38, 4));
    } else if (type == TypeId::kTimestamp) {
      types.push_back(DataType::timestamp(TimeUnit::kNano, "Europe/Berlin"));
      types.push_back(DataType::timestamp(TimeUnit::kSecond));
    } else {
      types.push_back(DataType(type));
    }
  }
  types.push_back(DataType::vector(3));
  types.push_back(column_test::int_list_type());
  return types;
}

ColumnPtr through_bytes(const ColumnPtr& column) {
  ByteWriter out;
  write_column(column, &out);
  ByteReader in(out.bytes(), "test");
  ColumnPtr back = read_column(&in);
  EXPECT_EQ(in.left(), 0u);
  return back;
}

void expect_same(const ColumnPtr& a, const ColumnPtr& b) {
  ASSERT_EQ(a->type(), b->type());
  ASSERT_EQ(a->length(), b->length());
  for (int64_t i = 0; i < a->length(); ++i) EXPECT_EQ(a->value(i), b->value(i)) << i;
}

TEST(ColumnCodec, EveryTypeComesBack) {
  for (const DataType& type : all_types()) {
    SCOPED_TRACE(type.to_string());
    const std::vector<Value> samples = sample_values(type);
    for (const int rows : {0, 1, 7, 64, 131}) {
      for (const bool nulls : {false, true}) {
        if (type.is_null()) {
          expect_same(Column::nulls(type, rows), through_bytes(Column::nulls(type, rows)));
          continue;
        }
        auto builder = ColumnBuilder::make(type);
        for (int i = 0; i < rows; ++i) {
          if (nulls && i % 3 == 1) {
            builder->append_null();
          } else {
            builder->append_value(samples[static_cast<size_t>(i) % samples.size()]);
          }
        }
        const ColumnPtr column = builder->finish();
        expect_same(column, through_bytes(column));
        if (rows > 9)
          expect_same(column->slice(5, rows - 7), through_bytes(column->slice(5, rows - 7)));
      }
    }
    if (!type.is_null()) {
      const ColumnPtr constant = Column::constant(samples[0], 10);
      expect_same(constant, through_bytes(constant));
    }
  }
}

CheckpointData small_checkpoint() {
  CheckpointData data;
  data.plan_fingerprint = 0x1234;
  data.delivery_mode = "best-effort";
  data.query_id = "q";
  data.source_offset = "17";
  data.batches_processed = 17;
  data.next_chunk_order = 4200;
  data.state_parts = {event_chunk({{5, "a", 1}, {std::nullopt, std::nullopt, std::nullopt}})};
  return data;
}

TEST(CheckpointStore, ComesBack) {
  const TestDirectory directory;
  CheckpointStore store(local_file_system(), directory.file("sub/q.ckpt"));
  store.prepare("q");
  EXPECT_FALSE(store.read(1).has_value());
  const CheckpointData data = small_checkpoint();
  store.write(data);
  store.write(data);
  const auto back = store.read(data.plan_fingerprint);
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->delivery_mode, data.delivery_mode);
  EXPECT_EQ(back->query_id, data.query_id);
  EXPECT_EQ(back->source_offset, data.source_offset);
  EXPECT_EQ(back->batches_processed, data.batches_processed);
  EXPECT_EQ(back->next_chunk_order, data.next_chunk_order);
  ASSERT_EQ(back->state_parts.size(), 1u);
  for (size_t c = 0; c < 3; ++c) {
    expect_same(data.state_parts[0].columns[c], back->state_parts[0].columns[c]);
  }
  std::string message;
  EXPECT_EQ(kind_of([&] { store.read(1); }, &message), ErrorKind::kCheckpoint);
  EXPECT_NE(message.find("another query"), std::string::npos) << message;
  EXPECT_EQ(kind_of([&] { CheckpointStore(local_file_system(), directory.path()).prepare("q"); }),
            ErrorKind::kCheckpoint);
}

TEST(CheckpointStore, WhatAKilledProcessLeftIsRemoved) {
  const TestDirectory directory;
  const auto files = local_file_system();
  for (const char* name : {"q.ckpt.tmp.12.0", "q.ckpt.tmp.mine", "other.ckpt.tmp.12.0"}) {
    replace_file_atomically(*files, directory.file(name), "half");
  }
  CheckpointStore(files, directory.file("q.ckpt")).prepare("q");
  EXPECT_EQ(files->list_directory(directory.path()),
            (std::vector<std::string>{"other.ckpt.tmp.12.0", "q.ckpt.tmp.mine"}));
}

TEST(CheckpointStore, OneQueryAtATime) {
  const TestDirectory directory;
  const auto files = local_file_system();
  auto first = std::make_unique<CheckpointStore>(files, directory.file("q.ckpt"));
  first->prepare("orders");
  CheckpointStore other(files, directory.file("./q.ckpt"));
  std::string message;
  EXPECT_EQ(kind_of([&] { other.prepare("copy"); }, &message), ErrorKind::kCheckpoint);
  EXPECT_NE(message.find(concat("in use by query 'orders' of process ", ::getpid())),
            std::string::npos)
      << message;
  CheckpointStore(files, directory.file("other.ckpt")).prepare("copy");
  first.reset();
  EXPECT_TRUE(files->list_directory(directory.path()).empty());
  other.prepare("copy");
}

TEST(CheckpointStore, AKilledOwnerDoesNotBlock) {
  const TestDirectory directory;
  const std::string path = directory.file("q.ckpt");
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t owner = ::fork();
  ASSERT_GE(owner, 0);
  if (owner == 0) {
    CheckpointStore store(local_file_system(), path);
    store.prepare("killed");
    const char byte = 1;
    if (::write(ready[1], &byte, 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  CheckpointStore store(local_file_system(), path);
  std::string message;
  EXPECT_EQ(kind_of([&] { store.prepare("next"); }, &message), ErrorKind::kCheckpoint);
  EXPECT_NE(message.find(concat("of process ", owner)), std::string::npos) << message;
  ::kill(owner, SIGKILL);
  ASSERT_EQ(::waitpid(owner, nullptr, 0), owner);
  store.prepare("next");
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST(CheckpointStore, EveryFlippedBitIsRefused) {
  const std::string good = encode_checkpoint(small_checkpoint());
  for (size_t byte = 0; byte < good.size(); ++byte) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[byte] = static_cast<char>(bad[byte] ^ (1 << bit));
      EXPECT_EQ(kind_of([&] { decode_checkpoint(bad, "q.ckpt"); }), ErrorKind::kCheckpoint)
          << byte << "." << bit;
    }
  }
}

TEST(CheckpointStore, EveryTruncationIsRefused) {
  const std::string good = encode_checkpoint(small_checkpoint());
  for (size_t length = 0; length < good.size(); ++length) {
    EXPECT_EQ(kind_of([&] { decode_checkpoint(good.substr(0, length), "q.ckpt"); }),
              ErrorKind::kCheckpoint)
        << length;
  }
  EXPECT_EQ(kind_of([&] { decode_checkpoint(good + "x", "q.ckpt"); }), ErrorKind::kCheckpoint);
}

TEST(CheckpointStore, NamesWhatIsWrong) {
  std::string bytes = encode_checkpoint(small_checkpoint());
  const auto message_of = [](const std::string& bad) {
    std::string message;
    kind_of([&] { decode_checkpoint(bad, "q.ckpt"); }, &message);
    return message;
  };
  EXPECT_NE(message_of("name,amount\na,1\n and more text behind it").find("foreign"),
            std::string::npos);
  EXPECT_NE(message_of(bytes.substr(0, 40)).find("torn"), std::string::npos);
  std::string version = bytes;
  version[8] = 9;
  EXPECT_NE(message_of(version).find("another version: format 9"), std::string::npos);
  bytes[30] = static_cast<char>(bytes[30] + 1);
  EXPECT_NE(message_of(bytes).find("damaged"), std::string::npos);
}

// Bodies that a checksum cannot protect from: whatever they say, reading ends in an error or a
// value.
TEST(ColumnCodec, RandomBytesAreRefusedOrRead) {
  std::mt19937_64 random(test_seed());
  ByteWriter good;
  write_chunk(small_checkpoint().state_parts[0], &good);
  for (int run = 0; run < 20000; ++run) {
    std::string bytes = good.bytes();
    for (uint64_t i = 0; i <= random() % 3; ++i) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    ByteReader in(bytes, "test");
    try {
      read_chunk(&in);
    } catch (const Error&) {
    }
  }
}

// Of a process that was killed while it started another one: that one has the lock for a moment.
TEST(CheckpointStore, WaitsForALockWhoseProcessIsGone) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  const TestDirectory directory;
  const std::string path = directory.file("q.ckpt");
  std::unique_ptr<FileLock> lock = local_file_system()->try_lock(
      path + ".velaria-lock", concat("query 'dead' of process ", child));
  ASSERT_NE(lock, nullptr);
  std::thread release([&lock] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    lock.reset();
  });
  CheckpointStore store(local_file_system(), path);
  EXPECT_NO_THROW(store.prepare("next"));
  release.join();
}

}  // namespace
}  // namespace velaria
