// Structs of the Arrow C interface that go out, and share what they can of others. Internal to this
// room.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "src/column/arrow/c_data.h"

namespace velaria {

// All that a struct which goes out points to; its private_data. What it shares of another one is
// kept alive by `source`.
template <typename Struct>
struct Outgoing {
  std::shared_ptr<Struct> source;
  std::vector<std::unique_ptr<Struct>> parts;  // children, dictionary
  std::vector<Struct*> children;
  std::vector<std::vector<uint8_t>> made;
  std::vector<const void*> buffers;
  std::string format;  // of a schema

  Outgoing() = default;
  Outgoing(const Outgoing&) = delete;
  Outgoing& operator=(const Outgoing&) = delete;
  // Consumers may have moved some parts out.
  ~Outgoing() {
    for (const std::unique_ptr<Struct>& part : parts) {
      if (part->release != nullptr) part->release(part.get());
    }
  }

  static void release(Struct* out) {
    delete static_cast<Outgoing*>(out->private_data);
    out->release = nullptr;
  }

  Struct* add_part() {
    parts.push_back(std::make_unique<Struct>(Struct{}));
    return parts.back().get();
  }
  Struct* add_child() {
    children.push_back(add_part());
    return children.back();
  }
  // Of zeros.
  template <typename Value>
  Value* make_buffer(int64_t count) {
    made.emplace_back(static_cast<size_t>(count) * sizeof(Value));
    return reinterpret_cast<Value*>(made.back().data());
  }
};

// Keeps a struct that a stream gave until nobody needs it.
template <typename Struct>
std::shared_ptr<Struct> kept(const Struct& given) {
  return std::shared_ptr<Struct>(new Struct(given), [](Struct* last) {
    if (last->release != nullptr) last->release(last);
    delete last;
  });
}

template <typename Struct>
void hand_out(std::unique_ptr<Outgoing<Struct>> owner, Struct* out) {
  out->release = Outgoing<Struct>::release;
  out->private_data = owner.release();
}

// Arrays: with the buffers and children of the owner.
inline void hand_out_array(std::unique_ptr<Outgoing<ArrowArray>> owner, ArrowArray* out) {
  out->n_buffers = static_cast<int64_t>(owner->buffers.size());
  out->buffers = owner->buffers.empty() ? nullptr : owner->buffers.data();
  out->n_children = static_cast<int64_t>(owner->children.size());
  out->children = owner->children.empty() ? nullptr : owner->children.data();
  hand_out(std::move(owner), out);
}

// A part of `source` as it is.
template <typename Struct>
void share(const std::shared_ptr<Struct>& source, const Struct& part, Struct* out) {
  auto owner = std::make_unique<Outgoing<Struct>>();
  owner->source = source;
  *out = part;
  hand_out(std::move(owner), out);
}

}  // namespace velaria
