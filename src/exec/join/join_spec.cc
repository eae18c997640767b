#include "src/exec/join/join_spec.h"

namespace velaria {

std::vector<DataType> column_types(const Schema& schema) {
  std::vector<DataType> types;
  for (const Field& field : schema.fields()) types.push_back(field.type);
  return types;
}

std::shared_ptr<const JoinSpec> JoinSpec::make(const JoinPlan& plan,
                                               const std::vector<bool>& wanted, bool key_filter,
                                               bool equal_hashes) {
  auto spec = std::make_shared<JoinSpec>();
  spec->type = plan.type();
  spec->keys = plan.keys();
  spec->condition = plan.condition();
  spec->null_aware = plan.null_aware();
  spec->left_types = column_types(plan.left()->schema());
  spec->right_types = column_types(plan.right()->schema());
  spec->key_filter = key_filter;
  spec->equal_hashes = equal_hashes;
  const size_t left = spec->left_types.size();
  const size_t right = spec->right_types.size();
  spec->left_wanted.assign(left, false);
  spec->right_wanted.assign(right, false);
  size_t next = 0;
  if (gives_left_columns(plan.type())) {
    for (size_t c = 0; c < left; ++c) spec->left_wanted[c] = wanted[next++];
  }
  if (gives_right_columns(plan.type())) {
    for (size_t c = 0; c < right; ++c) spec->right_wanted[c] = wanted[next++];
  }
  if (spec->condition) {
    std::vector<bool> read(left + right, false);
    visit_columns(*spec->condition, [&](size_t column) { read[column] = true; });
    for (size_t c = 0; c < read.size(); ++c) {
      if (!read[c]) continue;
      (c < left ? spec->condition_left : spec->condition_right).push_back(c < left ? c : c - left);
    }
  }
  return spec;
}

bool JoinSpec::tracks_right_matches() const {
  return type == JoinType::kRight || type == JoinType::kFull || type == JoinType::kRightSemi ||
         type == JoinType::kRightAnti;
}

bool JoinSpec::keeps_left_rows() const {
  return type == JoinType::kLeft || type == JoinType::kFull || type == JoinType::kSingle;
}

}  // namespace velaria
