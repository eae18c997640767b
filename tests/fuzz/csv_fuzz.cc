// Any bytes as a CSV file, with options that the first bytes choose: reading gives rows or a
// velaria::Error that is not internal, and how the file is cut changes neither.
#include <memory>

#include "src/base/text.h"
#include "src/io/csv/csv_source.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/memory_file_system.h"
#include "tests/fuzz/read_table.h"

namespace velaria {
namespace {

std::string reading_of(const std::string& text, const CsvOptions& options, int64_t chunk_rows) {
  FileOpenContext context;
  context.tasks = 1;
  try {
    const auto source =
        open_csv(std::make_shared<MemoryFileSystem>(text), "input", options, context);
    std::string out = table_text(*source, chunk_rows);
    if (const auto rejects = source->rejects()) out += table_text(*rejects, 2048);
    return out;
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kInternal) fuzz_failure("internal error", text, error.message());
    return "error: " + std::string(error_kind_name(error.kind()));
  }
}

}  // namespace
}  // namespace velaria

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace velaria;
  if (size < 2) return 0;
  CsvOptions options;
  const uint8_t choice = data[0];
  constexpr const char* kDelimiters[] = {",", ";", "\t", "::"};
  options.delimiter = kDelimiters[choice & 3];
  if ((choice & 4) != 0) options.on_error = RowErrorPolicy::kSkip;
  if ((choice & 8) != 0) options.ragged = RaggedPolicy::kPad;
  if ((choice & 16) != 0) options.comment = "#";
  if ((choice & 32) != 0) options.escape = '\\';
  if ((choice & 64) != 0) options.quote = '\'';
  if ((choice & 128) != 0) options.header = false;
  options.max_row_bytes = 1 << 20;
  const std::string text(reinterpret_cast<const char*>(data + 2), size - 2);
  const std::string whole = reading_of(text, options, 2048);
  options.range_bytes = 1 + data[1] % 64;
  const std::string cut = reading_of(text, options, 1 + data[1] % 5);
  if (cut != whole) fuzz_failure("another cut gives another table: " + text, whole, cut);
  return 0;
}

std::vector<std::string> fuzz_seeds() {
  const std::vector<std::string> contents = {
      "a,b\n1,2\n3,4\n",
      "id,\"multi\nline\",v\r\n1,\"a\r\nb\"\"c\nd\",0.5\r\n2,plain,\n\n3,\"\",1.5\r4,\"x,y\",2\n",
      "x\n1\n\n2\n",
      "a;b\n'it''s';2\n",
      "# comment\na,b\n1,\"#\n#\"\n#,\n",
      "a,b\n\"x\\\"y\",1\n",
      "d,t,b\n2013-01-01,2013-01-01 05:00:00,true\n,,\n",
      "a,b\n1\n1,2,3\n\"x\"y,1\n9,\"never\n",
      "a,b\n9223372036854775807,1.5\n9223372036854775808,1e400\n"};
  std::vector<std::string> out;
  for (const std::string& content : contents) {
    for (const char* head : {"\x00\x10", "\x05\x01", "\x42\x03", "\xA8\x07", "\x1F\x02"}) {
      out.push_back(std::string(head, 2) + content);
    }
  }
  return out;
}
