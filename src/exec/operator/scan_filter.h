// A filter's condition as its source may use it; see src/plan/scan_filter.h.
#pragma once

#include "src/expr/bound_expression.h"
#include "src/plan/scan_filter.h"

namespace velaria {

ScanFilterPtr make_scan_filter(BoundExpressionPtr condition);

}  // namespace velaria
