#include "src/column/nested_column.h"

namespace velaria {

NestedArray decode_nested_column(const Column& column) {
  NestedDecoder decoder(column.type().nested_type());
  const StringView* values = column.values<StringView>();
  for (int64_t i = 0; i < column.length(); ++i) {
    if (column.validity().valid(i)) {
      decoder.append(values[i].text());
    } else {
      decoder.append_null();
    }
  }
  return decoder.finish();
}

}  // namespace velaria
