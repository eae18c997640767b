// What both sides of a join's execution know of it.
#pragma once

#include <memory>
#include <vector>

#include "src/plan/logical_plan.h"

namespace velaria {

struct JoinSpec {
  JoinType type = JoinType::kInner;
  std::vector<JoinKey> keys;
  BoundExpressionPtr condition;  // may be null
  bool null_aware = false;
  std::vector<DataType> left_types;
  std::vector<DataType> right_types;
  // The columns that somebody reads of the output; the others come out as NULLs of their type.
  std::vector<bool> left_wanted;
  std::vector<bool> right_wanted;
  // Columns that `condition` reads, by position in their side.
  std::vector<size_t> condition_left;
  std::vector<size_t> condition_right;
  bool key_filter = false;    // a filter by the keys lies ahead of the probe
  bool equal_hashes = false;  // see JoinTableInput

  // `wanted`: of the plan's output columns.
  static std::shared_ptr<const JoinSpec> make(const JoinPlan& plan, const std::vector<bool>& wanted,
                                              bool key_filter, bool equal_hashes);
  // Whether rows of the right side come out, or not, by whether they found a match.
  bool tracks_right_matches() const;
  // Which of them.
  bool gives_matched_right_rows() const { return type == JoinType::kRightSemi; }
  // Whether every left row comes out at least once.
  bool keeps_left_rows() const;
};

// Types of all columns of a schema.
std::vector<DataType> column_types(const Schema& schema);

}  // namespace velaria
