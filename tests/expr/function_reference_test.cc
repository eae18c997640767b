// docs/sql.md lists the functions that exist. After adding one:
//   bazel run //tests/expr:function_reference_test -- --update $PWD/docs/sql.md
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <string>

#include "src/base/text.h"
#include "src/expr/function_registry.h"

namespace velaria {
namespace {

constexpr char kBegin[] = "<!-- functions: made by tests/expr/function_reference_test -->\n";
constexpr char kEnd[] = "<!-- end of functions -->\n";

std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

std::string reference() {
  struct Entry {
    std::string signature;
    std::string summary;
    std::string aliases;
  };
  std::map<std::string, std::map<std::string, Entry>> groups;
  for (const auto& [name, definition] : FunctionRegistry::builtin().definitions()) {
    Entry& entry = groups[definition.group][definition.signature];
    entry.signature = definition.signature;
    entry.summary = definition.summary;
    const size_t at = to_lower_ascii(definition.signature).find(name);
    const bool named =
        at == 0 || definition.group == "operator" || definition.group == "comparison";
    const bool word =
        name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_0123456789") == std::string::npos;
    if (at == std::string::npos && word && (!named || name.find("is_") != 0)) {
      entry.aliases += concat(entry.aliases.empty() ? "" : ", ", "`", name, "`");
    }
  }
  std::string out = kBegin;
  for (const auto& [group, entries] : groups) {
    out += concat("\n### ", static_cast<char>(std::toupper(group[0])), group.substr(1), "\n\n",
                  "| function | what it gives | other names |\n| --- | --- | --- |\n");
    for (const auto& [signature, entry] : entries) {
      out += concat("| `", cell(entry.signature), "` | ", cell(entry.summary), " | ", entry.aliases,
                    " |\n");
    }
  }
  return out + "\n" + kEnd;
}

int run(int argc, char** argv) {
  const bool update = argc == 3 && std::string(argv[1]) == "--update";
  const std::string path = update ? argv[2] : "docs/sql.md";
  std::ifstream in(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  const size_t begin = text.find(kBegin);
  const size_t end = text.find(kEnd);
  if (begin == std::string::npos || end == std::string::npos) {
    std::cerr << path << " has no place for the functions\n";
    return 1;
  }
  const std::string wanted =
      text.substr(0, begin) + reference() + text.substr(end + std::string_view(kEnd).size());
  if (text == wanted) return 0;
  if (!update) {
    std::cerr << path << " does not list the functions that exist; run this with --update\n";
    return 1;
  }
  std::ofstream(path, std::ios::binary) << wanted;
  return 0;
}

}  // namespace
}  // namespace velaria

int main(int argc, char** argv) { return velaria::run(argc, argv); }
