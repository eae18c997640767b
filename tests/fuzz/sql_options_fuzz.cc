// Any text as the OPTIONS of CREATE TABLE: parsed and understood, or refused by name.
#include <map>

#include "src/base/text.h"
#include "src/io/file_options.h"
#include "src/sql/parser.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/read_table.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace velaria;
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    const sql::Statement statement =
        sql::parse_statement("CREATE TABLE t USING csv OPTIONS(" + text + ")");
    const auto* create = std::get_if<sql::CreateTableStatement>(&statement.body);
    if (create == nullptr) return 0;
    std::map<std::string, std::string> texts;
    for (const auto& [key, value] : create->options) {
      if (!equals_ignore_case(key, "path")) texts[key] = value.to_string();
    }
    const CsvOptions options = csv_options_from_text(texts);
    if (options.delimiter.empty()) fuzz_failure("an empty delimiter came through", text, "");
  } catch (const Error& error) {
    const bool named =
        error.kind() == ErrorKind::kSqlSyntax || error.kind() == ErrorKind::kSqlSemantic ||
        error.kind() == ErrorKind::kSqlUnsupported || error.kind() == ErrorKind::kTypeMismatch ||
        error.kind() == ErrorKind::kResource || error.kind() == ErrorKind::kInvalidArgument;
    if (!named) fuzz_failure(std::string(error_kind_name(error.kind())), text, error.message());
  }
  return 0;
}

std::vector<std::string> fuzz_seeds() {
  return {"path: 'a.csv'",
          "path: 'a.csv', delimiter: ';', header: true, quote: ''",
          "path: 'x', types: 'a int64, \"b c\" decimal(10, 2)', null_text: 'NA,N/A'",
          "columns: 'a int, b text', ragged: 'pad', on_error: 'skip', skip_lines: 3",
          "\"path\": 'x', 'delimiter': '\\t', sample_bytes: 100, max_row_bytes: -5",
          "path: 'a''b', comment: '#', escape: '\\\\', encoding: 'gbk', filename: true",
          "path: NULL, header: 1.5, delimeter: ','",
          "types: 'v fixed_size_list<float32>[3], t timestamp[us, UTC]'"};
}
