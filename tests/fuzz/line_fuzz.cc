// Any bytes as lines: a table or an Error, never a crash; the same one however the text is cut; and
// with skipping, rows and rejected rows together are all lines that are not blank.
#include <memory>

#include "src/io/line/line_presets.h"
#include "src/io/line/line_source.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/memory_file_system.h"
#include "tests/fuzz/read_table.h"

namespace velaria {
namespace {

void check(const std::string& text, const LineOptions& wanted) {
  check_cuts(text, wanted, [&](const LineOptions& options, int64_t chunk_rows) {
    FileOpenContext context;
    context.tasks = 1;
    const auto source =
        open_lines(std::make_shared<MemoryFileSystem>(text), "input", options, context);
    const std::string out = table_text(*source, chunk_rows);
    return out + std::to_string(source->rejected().count);
  });
}

}  // namespace
}  // namespace velaria

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace velaria;
  const std::string text(reinterpret_cast<const char*>(data), size);
  for (const char* delimiter : {",", "whitespace", "\t", "||"}) {
    LineOptions options;
    options.split_delimiter = delimiter;
    check(text, options);
    options.on_error = RowErrorPolicy::kSkip;
    options.ragged = RaggedPolicy::kPad;
    options.skip_empty_lines = false;
    check(text, options);
  }
  LineOptions options = line_preset("apache_combined").options();
  options.on_error = RowErrorPolicy::kSkip;
  check(text, options);
  options = LineOptions();
  options.mode = LineMode::kRegex;
  options.regex_pattern = R"((?P<word>\w+)(?: (\d+))?)";
  options.mappings = {{"w", "word"}, {"n", "2"}, {"all", "0"}};
  check(text, options);
  return 0;
}

std::vector<std::string> fuzz_seeds() {
  return {
      "a,b,c\n1,2,3\n\n4,5,6\n",
      "a b\tc\r\n 1  2 3 \r\n",
      "x||y\rz||w\r",
      "127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] \"GET /a HTTP/1.0\" 200 2326 \"-\" \"c\"\n",
      "word 12\n\xC3\xA9 5\nword\n",
      "\xEF\xBB\xBFone,02134\ntwo,0.5",
      "\n \n\t\n",
      "",
  };
}
