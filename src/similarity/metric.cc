#include "src/similarity/metric.h"

#include <string>
#include <vector>

#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria {
namespace {

constexpr Metric kMetrics[] = {Metric::kCosine, Metric::kDot, Metric::kL2};

}  // namespace

std::string_view metric_name(Metric metric) {
  switch (metric) {
    case Metric::kCosine: return "cosine";
    case Metric::kDot: return "dot";
    case Metric::kL2: return "l2";
  }
  return "cosine";
}

Metric metric_from_name(std::string_view name) {
  std::vector<std::string> names;
  for (Metric metric : kMetrics) {
    if (equals_ignore_case(name, metric_name(metric))) return metric;
    names.emplace_back(metric_name(metric));
  }
  throw Error(
      ErrorKind::kInvalidArgument,
      concat("vector metric '", excerpt(name), "' does not exist",
             did_you_mean(to_lower_ascii(name), names), "; use one of ", join_texts(names, ", ")));
}

bool larger_is_nearer(Metric metric) { return metric == Metric::kDot; }

}  // namespace velaria
