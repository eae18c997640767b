// Hand-made Arrow arrays for tests: described as plain values, with a count of their releases.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "src/column/arrow/c_data.h"

namespace velaria::arrow_test {

using Bytes = std::vector<uint8_t>;

template <typename T>
Bytes bytes_of(const std::vector<T>& values) {
  Bytes out(values.size() * sizeof(T));
  if (!out.empty()) std::memcpy(out.data(), values.data(), out.size());
  return out;
}

// "1011": the first row is bit 0.
inline Bytes bits_of(const std::string& rows) {
  Bytes out((rows.size() + 7) / 8, 0);
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i] == '1') out[i / 8] = static_cast<uint8_t>(out[i / 8] | (1u << (i % 8)));
  }
  return out;
}

struct Node {
  std::string format;
  std::string name;
  int64_t length = 0;
  int64_t null_count = 0;
  int64_t offset = 0;
  std::vector<std::optional<Bytes>> buffers;
  std::vector<Node> children;
  std::shared_ptr<Node> dictionary;
  int64_t flags = ARROW_FLAG_NULLABLE;
};

// The memory of one made array or schema node. Buffers are exactly as large as said, so that the
// address sanitizer sees a read past them.
struct NodeParts {
  Node node;
  std::vector<std::unique_ptr<uint8_t[]>> memory;
  std::vector<const void*> buffers;
  std::vector<ArrowArray> arrays;
  std::vector<ArrowArray*> array_pointers;
  std::vector<ArrowSchema> schemas;
  std::vector<ArrowSchema*> schema_pointers;
  std::unique_ptr<ArrowArray> dictionary_array;
  std::unique_ptr<ArrowSchema> dictionary_schema;
  std::atomic<int>* releases = nullptr;  // of the root only
};

inline void release_made_array(ArrowArray* array) {
  auto* parts = static_cast<NodeParts*>(array->private_data);
  for (ArrowArray& child : parts->arrays) {
    if (child.release != nullptr) child.release(&child);
  }
  if (parts->dictionary_array && parts->dictionary_array->release != nullptr) {
    parts->dictionary_array->release(parts->dictionary_array.get());
  }
  if (parts->releases != nullptr) parts->releases->fetch_add(1);
  delete parts;
  array->release = nullptr;
}

inline void make_array(const Node& node, std::atomic<int>* releases, ArrowArray* out) {
  auto* parts = new NodeParts();
  parts->node = node;
  parts->releases = releases;
  for (const auto& buffer : node.buffers) {
    if (!buffer) {
      parts->buffers.push_back(nullptr);
      continue;
    }
    parts->memory.emplace_back(new uint8_t[buffer->size()]);
    if (!buffer->empty()) std::memcpy(parts->memory.back().get(), buffer->data(), buffer->size());
    parts->buffers.push_back(parts->memory.back().get());
  }
  parts->arrays.resize(node.children.size());
  for (size_t i = 0; i < node.children.size(); ++i) {
    make_array(node.children[i], nullptr, &parts->arrays[i]);
    parts->array_pointers.push_back(&parts->arrays[i]);
  }
  if (node.dictionary) {
    parts->dictionary_array = std::make_unique<ArrowArray>();
    make_array(*node.dictionary, nullptr, parts->dictionary_array.get());
  }
  *out = ArrowArray{node.length,
                    node.null_count,
                    node.offset,
                    static_cast<int64_t>(parts->buffers.size()),
                    static_cast<int64_t>(parts->arrays.size()),
                    parts->buffers.data(),
                    parts->array_pointers.data(),
                    parts->dictionary_array.get(),
                    release_made_array,
                    parts};
}

inline void release_made_schema(ArrowSchema* schema) {
  auto* parts = static_cast<NodeParts*>(schema->private_data);
  for (ArrowSchema& child : parts->schemas) {
    if (child.release != nullptr) child.release(&child);
  }
  if (parts->dictionary_schema) parts->dictionary_schema->release(parts->dictionary_schema.get());
  if (parts->releases != nullptr) parts->releases->fetch_add(1);
  delete parts;
  schema->release = nullptr;
}

inline void make_schema(const Node& node, std::atomic<int>* releases, ArrowSchema* out) {
  auto* parts = new NodeParts();
  parts->node = node;
  parts->releases = releases;
  parts->schemas.resize(node.children.size());
  for (size_t i = 0; i < node.children.size(); ++i) {
    make_schema(node.children[i], nullptr, &parts->schemas[i]);
    parts->schema_pointers.push_back(&parts->schemas[i]);
  }
  if (node.dictionary) {
    parts->dictionary_schema = std::make_unique<ArrowSchema>();
    make_schema(*node.dictionary, nullptr, parts->dictionary_schema.get());
  }
  *out = ArrowSchema{parts->node.format.c_str(),
                     parts->node.name.c_str(),
                     nullptr,
                     node.flags,
                     static_cast<int64_t>(parts->schemas.size()),
                     parts->schema_pointers.data(),
                     parts->dictionary_schema.get(),
                     release_made_schema,
                     parts};
}

// A record batch of these columns.
inline Node batch_of(int64_t rows, std::vector<Node> columns) {
  Node batch;
  batch.format = "+s";
  batch.length = rows;
  batch.buffers = {std::nullopt};
  batch.children = std::move(columns);
  return batch;
}

// A column of fixed-width values; `valid` as in bits_of, empty: no validity buffer.
template <typename T>
Node fixed_node(const std::string& format, const std::vector<T>& values,
                const std::string& valid = "") {
  Node node;
  node.format = format;
  node.name = "c";
  node.length = static_cast<int64_t>(values.size());
  node.null_count = valid.empty() ? 0 : -1;
  node.buffers = {valid.empty() ? std::nullopt : std::optional<Bytes>(bits_of(valid)),
                  bytes_of(values)};
  return node;
}

// utf8 or binary with offsets of type Offset.
template <typename Offset>
Node text_node(const std::string& format, const std::vector<std::string>& texts,
               const std::string& valid = "") {
  std::vector<Offset> offsets = {0};
  std::string data;
  for (const std::string& text : texts) {
    data += text;
    offsets.push_back(static_cast<Offset>(data.size()));
  }
  Node node = fixed_node(format, offsets, valid);
  node.length = static_cast<int64_t>(texts.size());
  node.buffers.push_back(Bytes(data.begin(), data.end()));
  return node;
}

// A list, a map or a list of 64-bit offsets; `ends`: where the first list begins, and where each
// one ends.
template <typename Offset>
Node list_node(const std::string& format, const std::vector<Offset>& ends, Node element,
               const std::string& valid = "") {
  Node node = fixed_node(format, ends, valid);
  node.length = static_cast<int64_t>(ends.size()) - 1;
  node.children.push_back(std::move(element));
  return node;
}

// A struct, or with "+w:n" a fixed_size_list.
inline Node struct_node(const std::string& format, int64_t rows, std::vector<Node> fields,
                        const std::string& valid = "") {
  Node node;
  node.format = format;
  node.name = "c";
  node.length = rows;
  node.null_count = valid.empty() ? 0 : -1;
  node.buffers = {valid.empty() ? std::nullopt : std::optional<Bytes>(bits_of(valid))};
  node.children = std::move(fields);
  return node;
}

inline Node named(std::string name, Node node) {
  node.name = std::move(name);
  return node;
}

// A stream of made batches that may fail behind the last one.
class MadeStream {
 public:
  MadeStream(std::vector<Node> batches, int fail_code = 0)
      : batches_(std::move(batches)), fail_code_(fail_code) {}

  // The stream points at this object, which must live longer.
  void start(ArrowArrayStream* out) {
    next_ = 0;
    out->get_schema = [](ArrowArrayStream* stream, ArrowSchema* schema) {
      auto* self = static_cast<MadeStream*>(stream->private_data);
      make_schema(self->batches_.at(0), &self->schema_releases, schema);
      return 0;
    };
    out->get_next = [](ArrowArrayStream* stream, ArrowArray* array) {
      auto* self = static_cast<MadeStream*>(stream->private_data);
      if (self->next_ == self->batches_.size()) {
        if (self->fail_code_ != 0) return self->fail_code_;
        *array = ArrowArray{};
        return 0;
      }
      make_array(self->batches_[self->next_++], &self->array_releases, array);
      return 0;
    };
    out->get_last_error = [](ArrowArrayStream*) -> const char* { return "the disk is on fire"; };
    out->release = [](ArrowArrayStream* stream) {
      static_cast<MadeStream*>(stream->private_data)->stream_releases.fetch_add(1);
      stream->release = nullptr;
    };
    out->private_data = this;
  }

  std::atomic<int> array_releases{0};
  std::atomic<int> schema_releases{0};
  std::atomic<int> stream_releases{0};

 private:
  const std::vector<Node> batches_;
  const int fail_code_;
  size_t next_ = 0;
};

}  // namespace velaria::arrow_test
