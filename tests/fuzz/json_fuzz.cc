// Any bytes as JSON: the reader gives a table or an Error, never a crash; and the same one however
// the text is cut, how large the chunks are, and whether the caller names the types it inferred.
#include <memory>

#include "src/io/json/json_source.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/memory_file_system.h"
#include "tests/fuzz/read_table.h"

namespace velaria {
namespace {

void check(const std::string& text, const JsonOptions& wanted) {
  check_cuts(text, wanted, [&](const JsonOptions& options, int64_t chunk_rows) {
    FileOpenContext context;
    context.tasks = 1;
    return table_text(
        *open_json(std::make_shared<MemoryFileSystem>(text), "input", options, context),
        chunk_rows);
  });
}

}  // namespace
}  // namespace velaria

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace velaria;
  const std::string text(reinterpret_cast<const char*>(data), size);
  JsonOptions options;
  check(text, options);
  options.on_error = RowErrorPolicy::kSkip;
  check(text, options);
  options = JsonOptions();
  options.multiline = true;
  check(text, options);
  options = JsonOptions();
  options.format = JsonFormat::kArray;
  check(text, options);
  return 0;
}

std::vector<std::string> fuzz_seeds() {
  return {
      "{\"a\":1,\"b\":\"x\"}\n{\"a\":2.5,\"b\":null}\n",
      "{\"a\": [1, {\"b\": \"}\"}], \"c\\u0065\": \"\\ud83d\\ude00\\n\"}\r\n{}\r\n",
      "[{\"a\":1},\n {\"a\":\"2024-01-01T00:00:00Z\"}, {\"b\":{\"c\":[[]]}}]",
      "{\n \"a\": 1\n}\n{\n \"a\": 12345678901234567890\n}",
      "{\"a\":true}{\"a\":false}{\"b\":-0.5e-7}",
      "\xEF\xBB\xBF{\"\xC3\xA9\":\"\xF0\x9F\x98\x80\"}\n\n{\"a\":9007199254740993}",
      "{\"a\":1,\"a\":2}\nnot json\n{\"a\":3}\n",
      "",
  };
}
