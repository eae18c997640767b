#include "tests/slt/slt_file.h"

#include <fstream>
#include <sstream>
#include <stdexcept>

#include "src/base/text.h"

namespace velaria {

namespace {

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

void parse_error_head(const std::string& rest, SltRecord* record) {
  const size_t colon = rest.find(": ");
  const std::string first = rest.substr(0, colon);
  if (ends_with(first, "Error") && first.find(' ') == std::string::npos) {
    record->error_kind = first;
    if (colon != std::string::npos) record->error_part = rest.substr(colon + 2);
  } else {
    record->error_part = rest;
  }
}

void parse_head(const std::string& place, SltRecord* record) {
  std::istringstream words(record->head);
  std::string word;
  std::string second;
  words >> word >> second;
  if (word == "statement" && second == "ok") {
    record->kind = SltRecord::Kind::kOk;
  } else if (word == "statement" && second == "error") {
    record->kind = SltRecord::Kind::kError;
    std::string rest;
    std::getline(words >> std::ws, rest);
    if (rest.empty()) throw std::runtime_error(place + ": say which error is expected");
    parse_error_head(rest, record);
  } else if (word == "query" && !second.empty()) {
    record->kind = SltRecord::Kind::kQuery;
    record->types = second;
    for (std::string flag; words >> flag;) {
      if (flag != "rowsort") throw std::runtime_error(place + ": unknown flag " + flag);
      record->row_sort = true;
    }
  } else {
    throw std::runtime_error(place +
                             ": expected 'statement ok', 'statement error KIND: part' or "
                             "'query TYPES', found: " +
                             record->head);
  }
}

}  // namespace

std::vector<SltRecord> read_slt_file(const std::string& path) {
  std::ifstream in(path);
  if (!in) throw std::runtime_error("cannot open " + path);
  std::vector<SltRecord> records;
  std::string comment;
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.empty() || line[0] == '#') {
      comment += line + "\n";
      continue;
    }
    SltRecord record;
    record.line = number;
    record.head = line;
    record.comment = std::move(comment);
    comment.clear();
    const std::string place = concat(path, ":", number);
    parse_head(place, &record);
    while (std::getline(in, line)) {
      ++number;
      if (line.empty()) break;
      if (line == "----" && !record.has_expected) {
        record.has_expected = true;
      } else if (record.has_expected) {
        record.expected.push_back(line);
      } else {
        record.sql += (record.sql.empty() ? "" : "\n") + line;
      }
    }
    if (record.sql.empty()) throw std::runtime_error(place + ": no SQL");
    if (record.kind == SltRecord::Kind::kQuery && !record.has_expected) {
      throw std::runtime_error(place + ": a query needs ---- and its rows");
    }
    records.push_back(std::move(record));
  }
  return records;
}

}  // namespace velaria
