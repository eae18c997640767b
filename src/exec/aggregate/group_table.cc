#include "src/exec/aggregate/group_table.h"

#include "src/base/error.h"
#include "src/exec/aggregate/group_layouts.h"

namespace velaria {

uint32_t next_group(size_t groups) {
  if (groups >= kNoGroup) {
    throw Error(ErrorKind::kResource,
                "GROUP BY has more than 4294967295 groups, which is the limit");
  }
  return static_cast<uint32_t>(groups);
}

std::unique_ptr<GroupTable> GroupTable::make(const std::vector<DataType>& key_types,
                                             const GroupTableOptions& options) {
  VELARIA_CHECK(!key_types.empty());
  if (key_types.size() == 1) {
    const DataType& type = key_types[0];
    if (type.is_string()) return make_text_groups(type, options);
    if (type.value_width_bytes() >= 1 && type.value_width_bytes() <= 8) {
      return make_word_groups(type, options);
    }
  } else if (!options.general_layouts) {
    return make_coded_groups(key_types, options);
  }
  return make_bytes_groups(key_types, options);
}

void GroupTable::find_or_add_each(const std::vector<ColumnPtr>& keys, int64_t rows, size_t each,
                                  const ColumnPtr& values, uint32_t* ids) {
  std::vector<ColumnPtr> with = keys;
  for (int64_t v = 0; v < values->length(); ++v) {
    with[each] = Column::constant(values->value(v), rows);
    find_or_add(with, rows, ids + v * rows);
  }
}

}  // namespace velaria
