// Functions over text. Lengths and positions count Unicode code points.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/column/column.h"
#include "src/column/string_view.h"

namespace velaria {

int64_t count_code_points(std::string_view text);
// The bytes of code points [first, first + count) counted from 0; both clipped to the text.
std::string_view code_point_slice(std::string_view text, int64_t first, int64_t count);

// SQL LIKE: % is any run of code points, _ one code point, `escape` ('\0': none) takes the next
// pattern character literally. Linear in text times pattern at worst. Throws SqlSemanticError for a
// pattern that ends with its escape character.
bool matches_like(std::string_view text, std::string_view pattern, char escape);

// A pattern looked at once for many texts: without _ it is a comparison of the ends and a search
// for what stands between two %, all by bytes. `ignore_case` compares both sides in lower case.
class LikePattern {
 public:
  LikePattern(std::string_view pattern, char escape, bool ignore_case);
  bool matches(std::string_view text) const;
  // The same; most texts that begin otherwise are told by what lies in the view.
  bool matches(const StringView& text) const;

 private:
  bool matches_as_is(std::string_view text) const;

  // Without _: the literals between the %, the first and last of them at the ends of the text.
  std::vector<std::string> parts_;
  std::string pattern_;  // with _
  char escape_;
  bool ignore_case_;
  // The first bytes that a text must have, as in StringView::head(); 0 for those that do not
  // matter.
  uint64_t first_bytes_ = 0;
  uint64_t first_bytes_mask_ = 0;
};

// Every text of a column through f.
ColumnPtr map_text(const ColumnPtr& text, std::string (*f)(std::string_view));

// The least number of code points inserted, removed or replaced that makes one text the other.
int64_t edit_distance(std::string_view a, std::string_view b);

}  // namespace velaria
