// docs/sql.md lists the SQL that is refused by name. After a change:
//   bazel run //tests/sql:unsupported_reference_test -- --update $PWD/docs/sql.md
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "src/base/text.h"
#include "src/sql/unsupported.h"

namespace velaria::sql {
namespace {

constexpr char kBegin[] = "<!-- refused: made by tests/sql/unsupported_reference_test -->\n";
constexpr char kEnd[] = "<!-- end of refused -->\n";

std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

std::string table(const std::vector<UnsupportedSql>& rows) {
  std::string out = "\n| refused | for example | instead |\n| --- | --- | --- |\n";
  for (const UnsupportedSql& row : rows) {
    out +=
        concat("| ", cell(row.name), " | `", cell(row.example), "` | ", cell(row.instead), " |\n");
  }
  return out;
}

std::string reference() {
  return concat(kBegin, table(unsupported_sql()),
                "\nThe grammar takes these; they are refused where the statement meets its tables, "
                "here t(a, b) and s(a, d):\n",
                table(unsupported_when_bound()), "\n", kEnd);
}

int run(int argc, char** argv) {
  const bool update = argc == 3 && std::string(argv[1]) == "--update";
  const std::string path = update ? argv[2] : "docs/sql.md";
  std::ifstream in(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  const size_t begin = text.find(kBegin);
  const size_t end = text.find(kEnd);
  if (begin == std::string::npos || end == std::string::npos) {
    std::cerr << path << " has no place for what is refused\n";
    return 1;
  }
  const std::string wanted =
      text.substr(0, begin) + reference() + text.substr(end + std::string_view(kEnd).size());
  if (text == wanted) return 0;
  if (!update) {
    std::cerr << path << " does not list what is refused; run this with --update\n";
    return 1;
  }
  std::ofstream(path, std::ios::binary) << wanted;
  return 0;
}

}  // namespace
}  // namespace velaria::sql

int main(int argc, char** argv) { return velaria::sql::run(argc, argv); }
