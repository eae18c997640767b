// Any bytes probed: an answer or a velaria::Error that is not internal, the same one twice; and its
// rows can be read.
#include <memory>

#include "src/base/text.h"
#include "src/io/csv/csv_source.h"
#include "src/io/probe/probe.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/memory_file_system.h"
#include "tests/fuzz/read_table.h"

namespace velaria {
namespace {

std::string describe(const ProbeResult& result) {
  std::string out = concat(result.kind, " ", result.final_format, " ", result.score, " ",
                           result.confidence, " ", result.encoding, " ", result.compression, " ",
                           result.delimiter, " ", result.header, "\n", result.schema.to_string());
  for (const ProbeCandidate& candidate : result.candidates) {
    out += concat("\n", candidate.format, " ", candidate.score, " ", candidate.reason);
  }
  for (const std::string& warning : result.warnings) out += "\n" + warning;
  return out;
}

}  // namespace
}  // namespace velaria

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace velaria;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto files = std::make_shared<MemoryFileSystem>(text);
  FileOpenContext context;
  context.tasks = 1;
  try {
    const ProbeResult first = probe_file(files, "input", context);
    const std::string one = describe(first);
    const std::string other = describe(probe_file(files, "input", context));
    if (one != other) fuzz_failure("twice is not the same: " + text, one, other);
    if (first.candidates.empty()) fuzz_failure("there is no candidate", text, one);
    // Defects are found by the probe: what it takes can be read.
    const std::string rows = table_text(*first.source, 2048);
    if (first.kind != "csv") return 0;
    const auto told = open_csv_files(files, first.paths, to_csv_options(first), context);
    const std::string told_rows = table_text(*told.source, 2048);
    if (rows != told_rows) fuzz_failure("told, it is another table: " + text, rows, told_rows);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kFileFormat && error.kind() != ErrorKind::kInvalidArgument) {
      fuzz_failure(std::string(error_kind_name(error.kind())), text, error.message());
    }
  }
  return 0;
}

std::vector<std::string> fuzz_seeds() {
  return {"name,n\na,1\nb,2\n",
          "a;b\n1;2\n3;4\n",
          "Report\n\nname,n\na,1\nb,2\n",
          "{\"a\": 1}\n{\"a\": 2}\n",
          "[{\"a\": 1}, {\"a\": [1, 2]}]",
          "127.0.0.1 - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.0\" 200 2326\n",
          "2013-01-01 05:00:00 INFO start\n2013-01-01 05:00:01 WARN x\n",
          "a\tb\n1\t2\n",
          "x\n1\nNA\n3\n",
          std::string("\xFF\xFE"
                      "a\0,\0b\0\n\0",
                      10),
          "\xC0\xEE\xD0\xA1\xC3\xF7,\xB1\xB1\xBE\xA9\n\xCD\xF5\xB7\xBC,\xC9\xCF\xBA\xA3\n",
          "a b c\n1 2 3\n"};
}
