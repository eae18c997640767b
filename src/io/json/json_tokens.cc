#include "src/io/json/json_tokens.h"

#include "simdjson.h"
#include "src/base/error.h"

namespace velaria {

namespace {

constexpr size_t kMaxDepth = 1;  // stage one does not look at it
constexpr uint32_t kNoTokens[2] = {0, 0};

}  // namespace

struct JsonTokens::Parser {
  std::unique_ptr<simdjson::internal::dom_parser_implementation> implementation;
};

JsonTokens::JsonTokens() : parser_(std::make_unique<Parser>()), positions_(kNoTokens) {}
JsonTokens::~JsonTokens() = default;

bool JsonTokens::index(const char* text, size_t size) {
  count_ = 0;
  positions_ = kNoTokens;
  if (size == 0) return true;
  if (size > capacity_) {
    const size_t capacity = size + size / 4 + 64;
    const auto code = simdjson::get_active_implementation()->create_dom_parser_implementation(
        capacity, kMaxDepth, parser_->implementation);
    if (code != simdjson::SUCCESS) {
      throw Error(ErrorKind::kResource, "no memory for the tokens of a JSON text");
    }
    capacity_ = capacity;
  }
  const auto code = parser_->implementation->stage1(reinterpret_cast<const uint8_t*>(text), size,
                                                    simdjson::stage1_mode::regular);
  if (code == simdjson::EMPTY) return true;  // white space only
  if (code != simdjson::SUCCESS) return false;
  count_ = parser_->implementation->n_structural_indexes;
  positions_ = parser_->implementation->structural_indexes.get();
  return true;
}

}  // namespace velaria
